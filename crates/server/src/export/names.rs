//! Names of files: what a client called them, as far as that is harmless.

use mottak_model::DataElement;

/// Bytes that are kept of a client's name.
const LONGEST: usize = 120;
/// Bytes that are kept of its extension.
const LONGEST_EXTENSION: usize = 16;

/// `{element guid}-{name}`: the guid makes it unique and keeps it from being a name with a meaning of its own.
pub(super) fn file_name(element: &DataElement) -> String {
    let given = element.filename.as_deref().map(harmless).filter(|name| !name.is_empty());
    let name = given.unwrap_or_else(|| format!("{}{}", shortened(&harmless(&element.data_type)), extension(element)));
    format!("{}-{}", element.id, shortened(&name))
}

/// The last part of what may be a path, without characters that mean something to a file system, a shell or a reader.
fn harmless(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().map(|c| if is_harmless(c) { c } else { '_' }).collect();
    kept.trim_matches(|c: char| c.is_whitespace() || c == '.').to_owned()
}

fn is_harmless(c: char) -> bool {
    let turns_text =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !turns_text && !"<>:\"|?*'`$&;!%".contains(c)
}

fn extension(element: &DataElement) -> &'static str {
    let kind = element.content_type.as_deref().unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/xml" | "text/xml" => ".xml",
        "application/json" => ".json",
        "application/pdf" => ".pdf",
        _ => "",
    }
}

/// At most [`LONGEST`] bytes; the extension stays.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= LONGEST_EXTENSION => &name[dot..],
        _ => "",
    };
    let mut end = LONGEST - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &name[..end])
}

#[cfg(test)]
mod tests {
    use mottak_model::Guid;

    use super::*;

    fn named(filename: Option<&str>) -> String {
        let element = DataElement {
            filename: filename.map(str::to_owned),
            content_type: Some("application/xml; charset=utf-8".to_owned()),
            ..DataElement::new(Guid::nil(), Guid::nil(), "skjema")
        };
        file_name(&element).strip_prefix("00000000-0000-0000-0000-000000000000-").expect("the guid is first").to_owned()
    }

    #[test]
    fn harmless_names_stay_and_others_lose_what_does_harm() {
        for (given, kept) in [
            (Some("Søknad 1.pdf"), "Søknad 1.pdf"),
            (Some("../../etc/passwd"), "passwd"),
            (Some("C:\\Users\\a\\b.txt"), "b.txt"),
            (Some("a\0b\nc.txt"), "a_b_c.txt"),
            (Some("x:y|z?.doc"), "x_y_z_.doc"),
            (Some("fdp\u{202e}exe.txt"), "fdp_exe.txt"),
            (Some("..."), "skjema.xml"),
            (Some(" "), "skjema.xml"),
            (Some("folder/"), "skjema.xml"),
            (Some(".hidden. "), "hidden"),
            (None, "skjema.xml"),
        ] {
            assert_eq!(named(given), kept, "{given:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters_and_keep_their_extension() {
        let long = named(Some(&format!("{}.pdf", "å".repeat(200))));
        assert!(long.len() <= LONGEST && long.ends_with("å.pdf"), "{long}");
        assert!(named(Some(&"x".repeat(300))).len() == LONGEST);
        assert!(named(Some(&format!("a.{}", "y".repeat(300)))).len() == LONGEST);
    }
}
