//! What an upload brings: a content, and what its headers and the query say about it (platform-storage §2.4.1).

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_DISPOSITION;
use mottak_model::Guid;
use mottak_service::content::{Content, Incoming, ReceiveFailure, receive};
use mottak_service::ports::Blobs;
use mottak_service::storage::data::upload::Sent;
use mottak_service::{Problem, Refusal};

use crate::body::{BODY_LIMIT, content_length, content_type, stream};
use crate::disposition;
use crate::extract::{Query, guid_of, invalid_member};
use crate::multipart::{self, Multipart};
use crate::refusal::Refused;

/// What the query says, before anything is known of the body.
pub(super) fn sent(query: &Query) -> Result<Sent, Refused> {
    let read =
        |text: &str| guid_of(text).ok_or_else(|| invalid_member("refs", format!("The value '{text}' is not valid.")));
    let refs: Vec<Guid> = query.all("refs").filter(|text| !text.is_empty()).map(read).collect::<Result<_, _>>()?;
    let generated_from = query.first("generatedFromTask").filter(|task| !task.is_empty()).map(str::to_owned);
    Ok(Sent { refs, generated_from, ..Sent::default() })
}

/// Takes the content, and what is said about it. Of a multipart body only the first part counts; `nothing` is said of
/// one without any.
pub(super) async fn receive_content(
    blobs: &dyn Blobs,
    headers: &HeaderMap,
    body: Body,
    sent: Sent,
    nothing: &str,
) -> Result<(Sent, Content), Refused> {
    if content_length(headers).is_some_and(|length| length > BODY_LIMIT) {
        return Err(Refused(Refusal::TooLarge(Problem::bare())));
    }
    let content_type = content_type(headers).map(str::to_owned);
    let incoming = stream(body);
    if let Some(multipart) = content_type.as_deref().filter(|text| text.to_ascii_lowercase().contains("multipart/")) {
        return receive_first_part(blobs, multipart, incoming, sent, nothing).await;
    }
    let disposition = headers.get(CONTENT_DISPOSITION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let sent = Sent { filename: disposition.and_then(disposition::encoded_filename), content_type, ..sent };
    let content = receive(blobs, incoming, None).await.map_err(refused)?;
    Ok((sent, content))
}

async fn receive_first_part(
    blobs: &dyn Blobs,
    content_type: &str,
    incoming: Incoming,
    sent: Sent,
    nothing: &str,
) -> Result<(Sent, Content), Refused> {
    let no_part = || Refused(Refusal::Invalid(Problem::text(nothing)));
    let boundary = multipart::boundary(content_type).ok_or_else(no_part)?;
    let mut parts = Multipart::new(incoming, &boundary);
    let first = parts.next_part().await.map_err(|failure| refused(Refusal::from(failure).into()))?;
    let first = first.ok_or_else(no_part)?;
    let sent = Sent {
        filename: first.content_disposition.as_deref().and_then(disposition::encoded_filename),
        content_type: first.content_type,
        ..sent
    };
    let content = receive(blobs, parts.content(), None).await.map_err(refused)?;
    // A body that was cut short is no upload, even when the first part had arrived.
    while parts.next_part().await.map_err(|failure| refused(Refusal::from(failure).into()))?.is_some() {}
    Ok((sent, content))
}

fn refused(failure: ReceiveFailure) -> Refused {
    match failure {
        ReceiveFailure::OverLimit => Refused(Refusal::TooLarge(Problem::bare())),
        ReceiveFailure::Refused(refusal) => Refused(refusal),
    }
}
