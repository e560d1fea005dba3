//! Bodies that are objects, for the sources of archives.

use mottak_service::ports::{BlobStream, Sha256, StoreFailure};
use sha2::Digest as _;

use super::{BodyEntry, Content};
use crate::objects::{Object, Objects, read_object};
use crate::rules::failure;

/// The object as a body: its size, and its checksum, for which it is read if that is not known. `attempt`: what the
/// object is read for.
pub(crate) async fn describe_object(
    objects: &dyn Objects,
    key: String,
    sha256: Option<Sha256>,
    attempt: &str,
) -> Result<BodyEntry, StoreFailure> {
    let mut object = open(objects, key.clone(), sha256, attempt).await?;
    let sha256 = match sha256 {
        Some(sha256) => sha256,
        None => {
            let mut seen = sha2::Sha256::new();
            while let Some(piece) = object.stream.next().await.map_err(|error| failure(attempt, error))? {
                seen.update(&piece);
            }
            seen.finalize().into()
        }
    };
    Ok(BodyEntry { size: object.size, sha256, content: Content::Object(key) })
}

/// Opens an object for reading all of it.
pub(crate) async fn open_object(objects: &dyn Objects, key: String) -> Result<Box<dyn BlobStream>, StoreFailure> {
    let attempt = format!("read the object {key}");
    Ok(open(objects, key, None, &attempt).await?.stream)
}

async fn open(
    objects: &dyn Objects,
    key: String,
    sha256: Option<Sha256>,
    attempt: &str,
) -> Result<Object, StoreFailure> {
    let cause = format!("the object {key} is gone");
    let object = read_object(objects, key, sha256, None).await.map_err(|error| failure(attempt, error))?;
    object.ok_or_else(|| failure(attempt, cause))
}

/// A body that is at hand, if it is what was once written.
pub(crate) fn describe_bytes(
    bytes: bytes::Bytes,
    known: Option<Sha256>,
    attempt: &str,
) -> Result<BodyEntry, StoreFailure> {
    let sha256: Sha256 = sha2::Sha256::digest(&bytes).into();
    if known.is_some_and(|known| known != sha256) {
        return Err(failure(attempt, "its content is damaged: it has another checksum than when it was written"));
    }
    Ok(BodyEntry { size: bytes.len() as u64, sha256, content: Content::Bytes(bytes) })
}

/// A stored document, as it is.
pub(crate) fn raw_document(text: String, attempt: &str) -> Result<Box<serde_json::value::RawValue>, StoreFailure> {
    // The position of the damage is told, never the content.
    serde_json::value::RawValue::from_string(text).map_err(|error| {
        let cause = format!("a stored document is damaged: {:?} in column {}", error.classify(), error.column());
        failure(attempt, cause)
    })
}
