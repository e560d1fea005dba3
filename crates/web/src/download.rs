//! Bodies of data elements on their way out: streamed, never collected.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use futures_util::stream;
use mottak_model::DataElement;
use mottak_service::ports::Blob;

use crate::disposition::attachment;

/// The answer that carries an element's content.
pub(crate) fn download(element: &DataElement, blob: Blob) -> Response {
    let (length, body) = match blob {
        Blob::Bytes(bytes) => (bytes.len() as u64, Body::from(bytes)),
        Blob::Stream(stream) => (stream.len(), Body::from_stream(pieces(stream))),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let content_type = element.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(filename) = &element.filename
        && let Ok(disposition) = HeaderValue::from_str(&attachment(filename))
    {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

fn pieces(
    stream: Box<dyn mottak_service::ports::BlobStream>,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> {
    stream::unfold(stream, |mut stream| async move {
        match stream.next().await {
            Ok(Some(piece)) => Some((Ok(piece), stream)),
            Ok(None) => None,
            // The length was promised; ending early tells the client that it did not get everything.
            Err(failure) => Some((Err(std::io::Error::other(failure.to_string())), stream)),
        }
    })
}
