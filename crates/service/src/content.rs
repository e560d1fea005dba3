//! The bytes of elements on their way in and out. What comes in is kept when it is little, staged in the object store when
//! it is much, and never collected.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use crate::ports::{Blobs, Body, Staged};
use crate::{Problem, Refusal};

/// Some bytes of a body. An error ends it: the client went away or sent something unreadable.
pub type Piece = Result<Bytes, IncomingFailure>;

/// A body as it arrives.
pub type Incoming = Pin<Box<dyn Stream<Item = Piece> + Send>>;

/// Why a body did not arrive in full.
#[derive(Debug, thiserror::Error)]
pub enum IncomingFailure {
    /// More bytes than the server takes at all.
    #[error("the request body is larger than the server takes")]
    TooLarge,
    #[error("the request body could not be read: {0}")]
    Broken(String),
}

/// The most bytes that stay in memory until the commit; what is larger goes to the object store.
const KEPT: usize = 64 * 1024;

/// The most bytes of a form: it has to be parsed as a whole.
pub const FORM_LIMIT: u64 = 64 * 1024 * 1024;

/// A body that has arrived in full.
#[derive(Clone, Debug)]
pub enum Content {
    Kept(Bytes),
    Staged(Staged),
}

impl Content {
    /// Bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Staged(staged) => staged.size,
        }
    }

    /// Whether there is not a single byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the store is to keep.
    pub fn to_body(&self) -> Body {
        match self {
            Self::Kept(bytes) => Body::Bytes(bytes.clone()),
            Self::Staged(staged) => Body::Staged(staged.clone()),
        }
    }
}

/// A form as it was sent.
#[derive(Clone, Debug)]
pub struct IncomingForm {
    /// The header as it came; none: XML.
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

/// Why a body was not taken.
#[derive(Debug)]
pub enum ReceiveFailure {
    /// More than `limit` bytes. What had arrived is gone.
    OverLimit,
    Refused(Refusal),
}

impl From<Refusal> for ReceiveFailure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Takes a body of at most `limit` bytes, in memory or into the object store.
pub async fn receive(
    blobs: &dyn Blobs,
    incoming: impl Stream<Item = Piece> + Send + Unpin,
    limit: Option<u64>,
) -> Result<Content, ReceiveFailure> {
    receive_judged(blobs, incoming, limit, |_| Ok(())).await
}

/// The same for a body that `judge` may refuse by its first bytes: all of them, or the first 64 KB and a little more.
/// A body without a byte is not judged.
pub async fn receive_judged(
    blobs: &dyn Blobs,
    mut incoming: impl Stream<Item = Piece> + Send + Unpin,
    limit: Option<u64>,
    judge: impl FnOnce(&[u8]) -> Result<(), Refusal>,
) -> Result<Content, ReceiveFailure> {
    let limit = limit.unwrap_or(u64::MAX);
    let mut kept = BytesMut::new();
    let mut total: u64 = 0;
    loop {
        let Some(piece) = incoming.next().await else {
            if !kept.is_empty() {
                judge(&kept)?;
            }
            return Ok(Content::Kept(kept.freeze()));
        };
        let piece = piece.map_err(Refusal::from)?;
        total += piece.len() as u64;
        if total > limit {
            return Err(ReceiveFailure::OverLimit);
        }
        kept.extend_from_slice(&piece);
        if kept.len() > KEPT {
            break;
        }
    }
    judge(&kept)?;
    let mut writer = blobs.stage().await.map_err(Refusal::from)?;
    writer.write(kept.freeze()).await.map_err(Refusal::from)?;
    while let Some(piece) = incoming.next().await {
        let piece = piece.map_err(Refusal::from)?;
        total += piece.len() as u64;
        if total > limit {
            return Err(ReceiveFailure::OverLimit);
        }
        writer.write(piece).await.map_err(Refusal::from)?;
    }
    Ok(Content::Staged(writer.finish().await.map_err(Refusal::from)?))
}

/// Takes a form's body into memory.
pub async fn receive_form(
    mut incoming: impl Stream<Item = Piece> + Send + Unpin,
    limit: Option<u64>,
) -> Result<Bytes, ReceiveFailure> {
    let limit = limit.unwrap_or(FORM_LIMIT).min(FORM_LIMIT);
    let mut kept = BytesMut::new();
    while let Some(piece) = incoming.next().await {
        let piece = piece.map_err(Refusal::from)?;
        if (kept.len() + piece.len()) as u64 > limit {
            return Err(ReceiveFailure::OverLimit);
        }
        kept.extend_from_slice(&piece);
    }
    Ok(kept.freeze())
}

impl From<IncomingFailure> for Refusal {
    fn from(failure: IncomingFailure) -> Self {
        let text = failure.to_string();
        match failure {
            IncomingFailure::TooLarge => Self::TooLarge(Problem::details("Request too large", text)),
            IncomingFailure::Broken(_) => Self::Invalid(Problem::details("Error reading request", text)),
        }
    }
}
