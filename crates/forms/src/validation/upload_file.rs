//! The file of an upload: its name in the `Content-Disposition` header, and what its first bytes say it is
//! (app-api §20.3, app-forms §6.8).

use mottak_model::DataType;

use super::issue::{Issue, source};

/// The file name of a `Content-Disposition` header, made safe for storage; none when there is none or the header is
/// malformed.
///
/// `filename*` goes before `filename`. An unquoted name must be a token: blanks and separators need quotes.
pub fn file_name(content_disposition: &str) -> Option<String> {
    let mut parameters = split_parameters(content_disposition)?.into_iter();
    let disposition = parameters.next()?;
    if !is_token(disposition.trim()) {
        return None;
    }
    let (mut plain, mut extended) = (None, None);
    for parameter in parameters {
        let (name, value) = parameter.split_once('=')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "filename" => plain = Some(parameter_value(value.trim())?),
            "filename*" => extended = decode_extended(value.trim()),
            _ => {}
        }
    }
    let name = extended.or(plain)?;
    let safe =
        name.trim_matches('"').chars().map(|c| if matches!(c, '/' | '\0') { '_' } else { c }).collect::<String>();
    Some(safe).filter(|name| !name.is_empty())
}

/// The parts between `;`, quoted strings kept whole; none when a quote is open.
fn split_parameters(header: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in header.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                parts.push(&header[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if header[start..].trim().is_empty() && !parts.is_empty() {
        return (!is_quoted).then_some(parts);
    }
    parts.push(&header[start..]);
    (!is_quoted).then_some(parts)
}

fn is_token(text: &str) -> bool {
    let is_separator = |c: char| c.is_control() || "()<>@,;:\\\"/[]?={} \t".contains(c);
    !text.is_empty() && !text.contains(is_separator)
}

fn parameter_value(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"') else {
        return (is_token(value)).then(|| value.to_owned());
    };
    let mut chars = quoted.strip_suffix('"')?.chars();
    let mut unescaped = String::new();
    while let Some(c) = chars.next() {
        unescaped.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(unescaped)
}

/// `UTF-8''na%C3%AFve.txt`; none for other character sets and malformed escapes.
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut given = encoded.bytes();
    while let Some(byte) = given.next() {
        if byte == b'%' {
            let mut digit = || given.next().and_then(|b| char::from(b).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Checks what the file is by its first bytes, for data types with the validator `mimeTypeValidator`.
///
/// # Errors
/// The issue of a file that is recognised as something the data type does not allow, or not recognised at all.
pub fn check_content(data_type: &DataType, first_bytes: &[u8]) -> Result<(), Issue> {
    let is_checked = data_type.enabled_file_validators.iter().any(|name| name == "mimeTypeValidator");
    let allowed = data_type.allowed_content_types.as_deref().unwrap_or_default();
    let types = types_of(first_bytes);
    let is_allowed = |allowed: &String| types.iter().any(|found| found.eq_ignore_ascii_case(allowed));
    if !is_checked || allowed.is_empty() || allowed.iter().any(is_allowed) {
        return Ok(());
    }
    let found = types.first().copied().unwrap_or("unknown");
    let description =
        format!("The file appears to be of type {found}. Permitted content types include: {}", allowed.join(", "));
    Err(Issue {
        code: Some("ContentTypeNotAllowed".to_owned()),
        description: Some(description),
        ..Issue::error(source::MIME_TYPE)
    })
}

/// The content types whose files begin like this, the most likely first; none when the beginning is not known.
///
/// Printable UTF-8 is some kind of text; the bytes may end inside a character.
pub fn types_of(first_bytes: &[u8]) -> &'static [&'static str] {
    let known =
        SIGNATURES.iter().find(|(at, bytes, _)| first_bytes.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    match known {
        Some((_, _, types)) => types,
        None if is_text(first_bytes) => &TEXT_TYPES,
        None => &[],
    }
}

fn is_text(first_bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(first_bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&first_bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

const TEXT_TYPES: [&str; 8] = [
    "text/plain",
    "text/csv",
    "text/markdown",
    "text/html",
    "text/calendar",
    "application/json",
    "application/xml",
    "text/xml",
];

/// Offset, bytes there, and the content types that have them.
type Signature = (usize, &'static [u8], &'static [&'static str]);

const SIGNATURES: [Signature; 17] = [
    (0, b"%PDF-", &["application/pdf"]),
    (0, b"\x89PNG\r\n\x1a\n", &["image/png"]),
    (0, b"\xff\xd8\xff", &["image/jpeg"]),
    (0, b"GIF8", &["image/gif"]),
    (0, b"BM", &["image/bmp"]),
    (0, b"II*\0", &["image/tiff"]),
    (0, b"MM\0*", &["image/tiff"]),
    (8, b"WEBP", &["image/webp"]),
    (4, b"ftyphei", &["image/heic", "image/heif"]),
    (4, b"ftypM4A", &["audio/m4a", "audio/x-m4a"]),
    (4, b"ftyp3g", &["video/3gpp", "audio/3gpp"]),
    (4, b"ftyp", &["video/mp4", "video/quicktime"]),
    (0, b"PK\x03\x04", &ZIP_TYPES),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &OLE_TYPES),
    (0, b"<?xml", &["application/xml", "text/xml", "image/svg+xml"]),
    (0, b"\xef\xbb\xbf<?xml", &["application/xml", "text/xml", "image/svg+xml"]),
    (0, b"{\\rtf", &["application/rtf"]),
];

/// Office documents are zip files too.
const ZIP_TYPES: [&str; 9] = [
    "application/zip",
    "application/x-zip-compressed",
    "application/zip-compressed",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
];

/// Old office documents share one container format.
const OLE_TYPES: [&str; 4] =
    ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_found_and_made_safe() {
        let cases = [
            ("attachment; filename=brev.pdf", Some("brev.pdf")),
            (r#"attachment; filename="mitt brev; a\"b.pdf""#, Some(r#"mitt brev; a"b.pdf"#)),
            ("attachment; filename=x.pdf; filename*=UTF-8''bl%C3%A5.pdf", Some("blå.pdf")),
            ("attachment; FILENAME=\"../../etc\"", Some(".._.._etc")),
            ("attachment; filename=bl%C3%A5.pdf;", Some("bl%C3%A5.pdf")),
            ("attachment", None),
            ("attachment; filename=", None),
            ("attachment; filename=\"\"", None),
            ("attachment; filename=mitt brev.pdf", None),
            ("attachment; filename=\"open", None),
            ("", None),
            ("attachment; filename*=latin1''x.pdf; filename=y.pdf", Some("y.pdf")),
        ];
        for (header, name) in cases {
            assert_eq!(file_name(header).as_deref(), name, "{header}");
        }
    }

    #[test]
    fn content_must_be_of_an_allowed_type_when_it_is_checked() {
        let data_type = DataType {
            allowed_content_types: Some(vec!["application/pdf".to_owned()]),
            enabled_file_validators: vec!["mimeTypeValidator".to_owned()],
            ..DataType::default()
        };
        assert_eq!(check_content(&data_type, b"%PDF-1.7 ..."), Ok(()));
        let issue = check_content(&data_type, b"\x89PNG\r\n\x1a\n").expect_err("a picture");
        assert_eq!(
            (issue.source.as_str(), issue.code.as_deref()),
            ("MimeTypeValidator", Some("ContentTypeNotAllowed"))
        );
        assert!(check_content(&data_type, b"").is_err());
        assert!(check_content(&data_type, b"bare tekst").is_err());
        assert!(types_of("navn;æ".as_bytes()[..6].as_ref()).contains(&"text/csv"));
        assert!(types_of(b"\x01\x02").is_empty());
        let unchecked = DataType { enabled_file_validators: Vec::new(), ..data_type };
        assert_eq!(check_content(&unchecked, b"\x89PNG\r\n\x1a\n"), Ok(()));
    }
}
