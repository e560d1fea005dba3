//! Request bodies: streams for data, whole texts for JSON, and what their content types say.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use mottak_service::content::{Incoming, IncomingFailure, receive_form};
use mottak_service::refusal::ProblemKind;
use mottak_service::{Problem, Refusal};

use crate::refusal::Refused;

/// The most bytes of any body (app-api §1.10).
pub(crate) const BODY_LIMIT: u64 = 2000 * 1024 * 1024;

/// The most bytes of a JSON body that is not form data.
const JSON_LIMIT: u64 = 1024 * 1024;

/// The body as a stream that ends with a failure past the server's limit.
pub(crate) fn stream(body: Body) -> Incoming {
    let mut total: u64 = 0;
    Box::pin(body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(|error| IncomingFailure::Broken(error.to_string()))?;
        total += piece.len() as u64;
        if total > BODY_LIMIT { Err(IncomingFailure::TooLarge) } else { Ok(piece) }
    }))
}

/// The `Content-Type` header.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::trim).filter(|value| !value.is_empty())
}

/// The `Content-Length` header.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Whether a content type is JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// A JSON body that has to be there. Its content type is looked at first: 415 before 400 (app-api §1.6).
pub(crate) async fn json(headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    if !content_type(headers).is_some_and(is_json) {
        return Err(Refused(Refusal::Unsupported(Problem::bare())));
    }
    let bytes = whole(body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(empty());
    }
    Ok(bytes)
}

/// A JSON body that may be missing. Without a byte the content type does not matter.
pub(crate) async fn optional_json(headers: &HeaderMap, body: Body) -> Result<Option<Bytes>, Refused> {
    let bytes = whole(body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !content_type(headers).is_some_and(is_json) {
        return Err(Refused(Refusal::Unsupported(Problem::bare())));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) { Err(empty()) } else { Ok(Some(bytes)) }
}

/// A JSON body as large as a form may be.
pub(crate) async fn large_json(headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    if !content_type(headers).is_some_and(is_json) {
        return Err(Refused(Refusal::Unsupported(Problem::bare())));
    }
    let bytes = form(body, None).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) { Err(empty()) } else { Ok(bytes) }
}

/// A form's body; `limit` in bytes is its data type's.
pub(crate) async fn form(body: Body, limit: Option<u64>) -> Result<Bytes, Refused> {
    receive_form(stream(body), limit).await.map_err(|failure| match failure {
        mottak_service::content::ReceiveFailure::OverLimit => Refused(Refusal::TooLarge(Problem::details(
            "Request too large",
            "The request body is larger than the data type or the server takes.",
        ))),
        mottak_service::content::ReceiveFailure::Refused(refusal) => Refused(refusal),
    })
}

async fn whole(body: Body) -> Result<Bytes, Refused> {
    let limited = http_body_util::Limited::new(body, JSON_LIMIT as usize);
    let collected = limited.collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Refused(Refusal::TooLarge(Problem::bare()))
        } else {
            Refused(Refusal::Invalid(Problem::bare()))
        }
    })?;
    Ok(collected.to_bytes())
}

fn empty() -> Refused {
    Refused(Refusal::Invalid(Problem {
        kind: ProblemKind::Members(vec![(String::new(), vec!["A non-empty request body is required.".to_owned()])]),
        ..Problem::default()
    }))
}

/// Reads a typed JSON body; what does not fit is named by its path.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let at = format!("The JSON value could not be read: {}", describe(&error));
        Refused(Refusal::Invalid(Problem {
            kind: ProblemKind::Members(vec![("$".to_owned(), vec![at])]),
            ..Problem::default()
        }))
    })
}

/// Where and what, without the values that were sent.
fn describe(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "a value is of the wrong kind",
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Io => "it could not be read",
    };
    format!("{kind}. LineNumber: {} | BytePositionInLine: {}.", error.line().saturating_sub(1), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_ends_with_a_failure_past_the_limit_however_it_comes() {
        const PIECE: usize = 100 * 1024 * 1024;
        // One piece many times over: its bytes are there once.
        let piece = Bytes::from(vec![0; PIECE]);
        for (count, last, is_taken) in [(20, 0, true), (20, 1, false), (19, PIECE, true)] {
            let pieces = vec![piece.clone(); count].into_iter().chain([piece.slice(..last)]);
            let body = Body::from_stream(futures_util::stream::iter(pieces.map(Ok::<_, std::io::Error>)));
            let mut taken = 0;
            let mut pieces = stream(body);
            let failed = loop {
                match pieces.next().await {
                    Some(Ok(piece)) => taken += piece.len() as u64,
                    Some(Err(failure)) => break Some(failure),
                    None => break None,
                }
            };
            assert_eq!(failed.is_none(), is_taken, "{count} pieces and {last} bytes");
            assert_eq!(taken, BODY_LIMIT, "{count} pieces and {last} bytes");
            assert!(!matches!(failed, Some(IncomingFailure::Broken(_))));
        }
    }
}
