//! `Content-Disposition`: file names out of it and into it (RFC 6266, RFC 5987, RFC 2047).

use base64::Engine as _;

/// The file name that a header gives, decoded and made safe; `filename*` wins. None for a header that does not parse:
/// an unquoted name must be a token, so blanks need quotes.
pub(crate) fn filename(header: &str) -> Option<String> {
    named(header, encoded_words)
}

/// The same for headers of the storage API, whose clients percent-encode `filename` as well (platform-storage §2.4.1).
pub(crate) fn encoded_filename(header: &str) -> Option<String> {
    named(header, url_decoded)
}

/// The file name, of which the plain form is decoded like this.
fn named(header: &str, decode: impl FnOnce(&str) -> String) -> Option<String> {
    let parameters = parameters(header)?;
    let find = |name: &str| parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    let decoded = match find("filename*").and_then(|value| extended(value)) {
        Some(name) => name,
        None => decode(find("filename")?.trim_matches('"')),
    };
    let safe: String = decoded.chars().map(|c| if matches!(c, '/' | '\0') { '_' } else { c }).collect();
    (!safe.is_empty()).then_some(safe)
}

/// Text as forms encode it. In text that is not encoded a plus is a plus; what does not decode to text is as it is.
fn url_decoded(text: &str) -> String {
    let words = encoded_words(text);
    if words != text || percent_decoded(text).len() == text.len() {
        return words;
    }
    String::from_utf8(percent_decoded(&text.replace('+', " "))).unwrap_or(words)
}

/// The `name` of a multipart section.
pub(crate) fn name(header: &str) -> Option<String> {
    let parameters = parameters(header)?;
    parameters.into_iter().find(|(known, _)| known.eq_ignore_ascii_case("name")).map(|(_, value)| value)
}

/// The parameters after the disposition type. None when the header does not follow the grammar.
fn parameters(header: &str) -> Option<Vec<(String, String)>> {
    let mut rest = header.trim();
    let end = rest.find(';').unwrap_or(rest.len());
    if !is_token(rest[..end].trim()) {
        return None;
    }
    rest = rest[end..].trim_start();
    let mut parameters = Vec::new();
    while let Some(next) = rest.strip_prefix(';') {
        rest = next.trim_start();
        if rest.is_empty() {
            break;
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if !is_token(name) {
            return None;
        }
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let value = after[..end].trim();
                if !is_token(value) {
                    return None;
                }
                (value.to_owned(), &after[end..])
            }
        };
        parameters.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    rest.is_empty().then_some(parameters)
}

/// The text up to the closing quote, and what follows it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b > 0x20 && b != 0x7f && !b"()<>@,;:\\\"/[]?={}".contains(&b))
}

/// `UTF-8''kj%C3%B8leskap.pdf`
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?;
    let _language = parts.next()?;
    let bytes = percent_decoded(parts.next()?);
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut ahead = bytes.clone();
        let digits = [ahead.next(), ahead.next()].map(|digit| digit.and_then(|d| char::from(d).to_digit(16)));
        if let [Some(high), Some(low)] = digits {
            decoded.push((high * 16 + low) as u8);
            bytes = ahead;
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

/// `=?utf-8?B?…?=` and `=?utf-8?Q?…?=`; other text is as it is.
fn encoded_words(text: &str) -> String {
    let decode = || {
        let inner = text.strip_prefix("=?")?.strip_suffix("?=")?;
        let mut parts = inner.splitn(3, '?');
        let charset = parts.next()?;
        let encoding = parts.next()?;
        let encoded = parts.next()?;
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        let bytes = match encoding {
            "B" | "b" => base64::engine::general_purpose::STANDARD.decode(encoded).ok()?,
            "Q" | "q" => percent_decoded(&encoded.replace('_', " ").replace('=', "%")),
            _ => return None,
        };
        String::from_utf8(bytes).ok()
    };
    decode().unwrap_or_else(|| text.to_owned())
}

/// The header for a download under this name.
pub(crate) fn attachment(filename: &str) -> String {
    let plain: String =
        filename.chars().map(|c| if (' '..='~').contains(&c) && c != '"' && c != '\\' { c } else { '_' }).collect();
    let plain = if is_token(&plain) { plain } else { format!("\"{plain}\"") };
    let mut extended = String::new();
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            extended.push(char::from(byte));
        } else {
            extended.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename={plain}; filename*=UTF-8''{extended}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_and_made_safe() {
        for (header, expected) in [
            ("attachment; filename=test.pdf", Some("test.pdf")),
            ("attachment; filename=\"Test Doc 2025.pdf\"", Some("Test Doc 2025.pdf")),
            ("attachment; filename=Test Doc 2025.pdf", None),
            ("attachment; filename=\"x.pdf\"; filename*=UTF-8''kj%C3%B8leskap.pdf", Some("kjøleskap.pdf")),
            ("attachment; filename=\"=?utf-8?B?a2rDuGxlc2thcC5wZGY=?=\"", Some("kjøleskap.pdf")),
            ("attachment; filename*=UTF-8''a%2Fb.pdf", Some("a_b.pdf")),
            ("form-data; name=\"doc\"; filename=\"../../etc/passwd\"", Some(".._.._etc_passwd")),
            (r#"attachment; filename="mitt brev; a\"b.pdf""#, Some(r#"mitt brev; a"b.pdf"#)),
            ("attachment; FILENAME=\"../../etc\"", Some(".._.._etc")),
            ("attachment; filename=bl%C3%A5.pdf;", Some("bl%C3%A5.pdf")),
            ("attachment; filename*=latin1''x.pdf; filename=y.pdf", Some("y.pdf")),
            ("attachment; filename=", None),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
            ("attachment; filename=\"open", None),
            ("", None),
        ] {
            assert_eq!(filename(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn names_of_the_storage_api_are_percent_encoded_once() {
        for (header, expected) in [
            ("attachment; filename=\"kj%C3%B8leskap.pdf\"", Some("kjøleskap.pdf")),
            ("attachment; filename=bl%C3%A5+b%C3%A6r.pdf", Some("blå bær.pdf")),
            ("attachment; filename=\"c++.txt\"", Some("c++.txt")),
            ("attachment; filename=\"c%2B%2B.txt\"", Some("c++.txt")),
            ("attachment; filename=\"a%252Fb.pdf\"", Some("a%2Fb.pdf")),
            ("attachment; filename=\"a%2Fb%00.pdf\"", Some("a_b_.pdf")),
            ("attachment; filename=\"100%.pdf\"", Some("100%.pdf")),
            ("attachment; filename=\"%FF.pdf\"", Some("%FF.pdf")),
            ("attachment; filename=x.pdf; filename*=UTF-8''a+%C3%A6.pdf", Some("a+æ.pdf")),
            ("attachment; filename=\"=?utf-8?B?a2rDuGxlc2thcC5wZGY=?=\"", Some("kjøleskap.pdf")),
            ("inline; filename=a b.pdf", None),
        ] {
            assert_eq!(encoded_filename(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn sections_are_named() {
        assert_eq!(name("form-data; name=\"default\"").as_deref(), Some("default"));
        assert_eq!(name("form-data; filename=a.b"), None);
    }

    #[test]
    fn downloads_carry_both_forms() {
        assert_eq!(attachment("basic.pdf"), "attachment; filename=basic.pdf; filename*=UTF-8''basic.pdf");
        assert_eq!(
            attachment("kjøle skap.pdf"),
            "attachment; filename=\"kj_le skap.pdf\"; filename*=UTF-8''kj%C3%B8le%20skap.pdf"
        );
    }
}
