//! Checks of a binary upload before its bytes are read (app-forms §6.8, app-api §20.3).

use mottak_model::DataType;

use super::issue::{Issue, source};

/// What the headers of an upload say.
#[derive(Clone, Copy, Debug, Default)]
pub struct UploadFacts<'a> {
    /// There is a `Content-Disposition` header.
    pub has_content_disposition: bool,
    /// The file name in it, decoded and made safe; none when it is missing or malformed.
    pub file_name: Option<&'a str>,
    /// The `Content-Type` header as it came.
    pub content_type: Option<&'a str>,
    /// The `Content-Length` header.
    pub content_length: Option<u64>,
}

const OCTET_STREAM: &str = "application/octet-stream";

/// The first check that the upload fails.
///
/// # Errors
/// The issue to answer with.
pub fn check(data_type: &DataType, upload: UploadFacts<'_>) -> Result<(), Issue> {
    if !upload.has_content_disposition {
        return refuse("ContentTypeNotAllowed", "The request must include a Content-Disposition header");
    }
    let limit = data_type.max_size.map(|mebibytes| u64::try_from(mebibytes).unwrap_or(0).saturating_mul(1_048_576));
    if let Some(limit) = limit
        && upload.content_length.is_some_and(|length| length > limit)
    {
        return refuse("DataElementTooLarge", &format!("Binary attachment exceeds limit of {limit}"));
    }
    let Some(file_name) = upload.file_name.filter(|name| !name.is_empty()) else {
        return refuse("MissingFileName", "The Content-Disposition header must contain a valid filename");
    };
    let Some((_, extension)) = file_name.rsplit_once('.') else {
        let text =
            format!("Invalid format for filename: {file_name}. Filename is expected to end with '.{{filetype}}'.");
        return refuse("InvalidFileNameFormat", &text);
    };
    let allowed = data_type.allowed_content_types.as_deref().unwrap_or_default();
    if allowed.is_empty() {
        return Ok(());
    }
    let Some(content_type) = upload.content_type.filter(|text| !text.is_empty()) else {
        return refuse("InvalidFileNameFormat", "Content-Type header must be included in request.");
    };
    let types = mime_types(extension);
    if content_type != OCTET_STREAM && !types.iter().any(|known| known.eq_ignore_ascii_case(content_type)) {
        let text = format!(
            "Content type header {content_type} does not match mime type {} for uploaded file. Please fix header or upload another file.",
            types[0]
        );
        return refuse("InvalidFileNameFormat", &text);
    }
    let is_allowed = |allowed: &String| allowed.eq_ignore_ascii_case(content_type) || allowed == OCTET_STREAM;
    if !allowed.iter().any(is_allowed) {
        let text = format!(
            "Invalid content type: {}. Please try another file. Permitted content types include: {}",
            types[0],
            allowed.join(", ")
        );
        return refuse("ContentTypeNotAllowed", &text);
    }
    Ok(())
}

fn refuse(code: &str, reason: &str) -> Result<(), Issue> {
    Err(Issue {
        code: Some(code.to_owned()),
        description: Some(format!("Invalid data provided. Error: {reason}")),
        ..Issue::error(source::UPLOAD)
    })
}

/// The content types of a file extension, the main one first; any casing.
pub fn mime_types(extension: &str) -> &'static [&'static str] {
    let extension = extension.to_ascii_lowercase();
    let known = EXTENSIONS.iter().find(|(names, _)| names.split(' ').any(|name| name == extension));
    known.map_or(&[OCTET_STREAM], |(_, types)| types)
}

const EXTENSIONS: [(&str, &[&str]); 49] = [
    ("pdf", &["application/pdf"]),
    ("xml xsd xsl", &["application/xml", "text/xml"]),
    ("zip", &["application/zip", "application/x-zip-compressed", "application/zip-compressed"]),
    ("m4a", &["audio/m4a", "audio/x-m4a"]),
    ("3gp", &["video/3gpp", "audio/3gpp"]),
    ("json", &["application/json"]),
    ("txt text log", &["text/plain"]),
    ("csv", &["text/csv"]),
    ("html htm", &["text/html"]),
    ("css", &["text/css"]),
    ("md markdown", &["text/markdown"]),
    ("rtf", &["application/rtf"]),
    ("ics", &["text/calendar"]),
    ("js mjs", &["text/javascript"]),
    ("png", &["image/png"]),
    ("jpg jpeg jpe", &["image/jpeg"]),
    ("gif", &["image/gif"]),
    ("bmp", &["image/bmp"]),
    ("svg", &["image/svg+xml"]),
    ("tif tiff", &["image/tiff"]),
    ("webp", &["image/webp"]),
    ("heic", &["image/heic"]),
    ("heif", &["image/heif"]),
    ("avif", &["image/avif"]),
    ("ico", &["image/x-icon"]),
    ("doc dot", &["application/msword"]),
    ("docx", &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"]),
    ("xls", &["application/vnd.ms-excel"]),
    ("xlsx", &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]),
    ("ppt", &["application/vnd.ms-powerpoint"]),
    ("pptx", &["application/vnd.openxmlformats-officedocument.presentationml.presentation"]),
    ("odt", &["application/vnd.oasis.opendocument.text"]),
    ("ods", &["application/vnd.oasis.opendocument.spreadsheet"]),
    ("odp", &["application/vnd.oasis.opendocument.presentation"]),
    ("odf", &["application/vnd.oasis.opendocument.formula"]),
    ("msg", &["application/vnd.ms-outlook"]),
    ("eml", &["message/rfc822"]),
    ("epub", &["application/epub+zip"]),
    ("gz", &["application/gzip"]),
    ("tar", &["application/x-tar"]),
    ("7z", &["application/x-7z-compressed"]),
    ("mp3", &["audio/mpeg"]),
    ("wav", &["audio/wav"]),
    ("ogg oga", &["audio/ogg"]),
    ("mp4 mp4v", &["video/mp4"]),
    ("mov qt", &["video/quicktime"]),
    ("avi", &["video/x-msvideo"]),
    ("mpeg mpg", &["video/mpeg"]),
    ("webm", &["video/webm"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(data_type: &DataType, upload: UploadFacts<'_>) -> Option<String> {
        check(data_type, upload).err().and_then(|issue| issue.code)
    }

    #[test]
    fn checks_run_in_order_and_the_first_failure_answers() {
        let pdf_only = DataType {
            allowed_content_types: Some(vec!["application/pdf".to_owned()]),
            max_size: Some(1),
            ..DataType::default()
        };
        let good = UploadFacts {
            has_content_disposition: true,
            file_name: Some("brev.PDF"),
            content_type: Some("Application/pdf"),
            content_length: Some(1_048_576),
        };
        assert_eq!(code(&pdf_only, good), None);
        let cases = [
            (UploadFacts { has_content_disposition: false, ..good }, "ContentTypeNotAllowed"),
            (UploadFacts { content_length: Some(1_048_577), ..good }, "DataElementTooLarge"),
            (UploadFacts { file_name: None, ..good }, "MissingFileName"),
            (UploadFacts { file_name: Some("brev"), ..good }, "InvalidFileNameFormat"),
            (UploadFacts { content_type: None, ..good }, "InvalidFileNameFormat"),
            (UploadFacts { content_type: Some("text/plain"), ..good }, "InvalidFileNameFormat"),
            (
                UploadFacts { file_name: Some("a.txt"), content_type: Some("text/plain"), ..good },
                "ContentTypeNotAllowed",
            ),
        ];
        for (upload, expected) in cases {
            assert_eq!(code(&pdf_only, upload).as_deref(), Some(expected), "{upload:?}");
        }
        let anything = DataType::default();
        assert_eq!(code(&anything, UploadFacts { content_type: None, ..good }), None);
    }

    #[test]
    fn descriptions_say_what_would_be_accepted() {
        let pdf_only =
            DataType { allowed_content_types: Some(vec!["application/pdf".to_owned()]), ..DataType::default() };
        let upload = UploadFacts {
            has_content_disposition: true,
            file_name: Some("a.zip"),
            content_type: Some("application/x-zip-compressed"),
            content_length: None,
        };
        let issue = check(&pdf_only, upload).expect_err("a zip");
        assert_eq!(
            issue.description.as_deref(),
            Some(
                "Invalid data provided. Error: Invalid content type: application/zip. Please try another file. Permitted content types include: application/pdf"
            )
        );
        assert_eq!(issue.source, "DataRestrictionValidation");
    }
}
