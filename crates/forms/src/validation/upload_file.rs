//! The file of an upload: what its first bytes say it is (app-forms §6.8).

use mottak_model::DataType;

use super::issue::{Issue, source};

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
