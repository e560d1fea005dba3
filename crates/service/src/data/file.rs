//! Uploads of files: what their headers must say, before the bytes are read (app-api §20.3).

use mottak_forms::validation::upload::{UploadFacts, check};
use mottak_forms::validation::upload_file::check_content;
use mottak_model::DataType;

use super::create::refuse_upload;
use crate::{Problem, Refusal};

/// What the headers of an admitted upload say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeaders {
    pub filename: String,
    /// The header as it came, parameters included.
    pub content_type: String,
}

/// The headers of an upload, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentHeaders<'a> {
    pub has_content_disposition: bool,
    /// Decoded and made safe; none when it is missing or malformed.
    pub filename: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub content_length: Option<u64>,
}

/// Holds the headers against the data type.
pub fn admit_headers(data_type: &DataType, sent: SentHeaders<'_>) -> Result<FileHeaders, Refusal> {
    let facts = UploadFacts {
        has_content_disposition: sent.has_content_disposition,
        file_name: sent.filename,
        content_type: sent.content_type,
        content_length: sent.content_length,
    };
    check(data_type, facts).map_err(|issue| refuse_upload("Common checks failed", vec![issue]))?;
    let Some(content_type) = sent.content_type else {
        let detail = "The request is missing a content type header.";
        return Err(Refusal::Invalid(Problem::details("Missing content type", detail)));
    };
    let filename = sent.filename.unwrap_or_default().to_owned();
    Ok(FileHeaders { filename, content_type: content_type.to_owned() })
}

/// Holds what a file is, by its first bytes, against a data type that has this checked (app-forms §6.8).
pub fn admit_content(data_type: &DataType, first_bytes: &[u8]) -> Result<(), Refusal> {
    check_content(data_type, first_bytes).map_err(|issue| refuse_upload("File validation failed", vec![issue]))
}

/// The refusal of a body that is larger than its data type allows.
pub fn too_large(data_type: &DataType, bytes: u64) -> Refusal {
    let limit = data_type.max_size.unwrap_or_default();
    Refusal::TooLarge(Problem::details(
        "Request too large",
        format!(
            "The request body is too large. The content length is {bytes} bytes, which exceeds the limit of {limit} MB"
        ),
    ))
}

/// The refusal of a body without bytes.
pub fn empty() -> Refusal {
    Refusal::Invalid(Problem::details("Invalid data", "Invalid data provided. Error: The file is zero bytes."))
}
