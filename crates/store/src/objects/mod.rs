//! Large bodies: each an object that is written once, before the change that names it, and never changed.
//!
//! | file | question it answers |
//! |---|---|
//! | `location` | where are the objects of this store? |
//! | `folder` | how are they kept in a local folder? |
//! | `remote` | how is an object store reached, S3-compatible or Azure? |
//! | `bucket`, `upload` | how are they kept there? |
//! | `checked` | is what is read what was written? |
//!
//! What holds wherever they are:
//!
//! - A key is random, is used once, and is never made from what a client sent.
//! - An upload leaves a mark until [`Objects::settle`] says that a durable change names the object. So what was staged
//!   and never named is found by listing the marks ([`Objects::uploads_before`]), not by comparing all objects with all
//!   rows.
//! - An upload in memory takes a constant amount of it, whatever its size.

#[cfg(feature = "object-storage")]
mod bucket;
mod checked;
mod folder;
mod location;
#[cfg(feature = "object-storage")]
mod remote;
#[cfg(feature = "object-storage")]
mod upload;

use std::sync::Arc;

use bytes::Bytes;
use mottak_model::{DataElement, Time};
use mottak_service::ports::{
    Blob, BlobFailure, BlobRange, BlobStream, Blobs, Choice, Clock, PortFuture, Sha256, Staged, StoreFailure,
    StoredBody,
};

use self::checked::Checked;
use self::folder::ObjectFolder;
pub use self::location::ObjectLocation;
#[cfg(feature = "object-storage")]
pub use self::remote::{BucketLocation, Patience};
use crate::rules::failure;

/// Where large bodies are. [`Blobs::stage`] begins one.
pub(crate) trait Objects: Blobs + 'static {
    /// Stages a body that is at hand.
    fn stage_bytes(&self, bytes: Bytes) -> PortFuture<'_, Result<Staged, BlobFailure>>;

    /// Opens the object, or the part of it that lies in the range. `None`: there is no such object. What is open can be
    /// read to its end although the object is removed meanwhile, if it is in a folder.
    fn open(&self, key: String, part: Option<BlobRange>) -> PortFuture<'_, Result<Option<Object>, BlobFailure>>;

    /// A durable change names the object: it is no upload any more. A mark that stays behind is found by the sweeper.
    fn settle(&self, key: &str);

    /// The keys of uploads that nobody has written to since `before` and that were not settled.
    fn uploads_before(&self, before: Time) -> PortFuture<'_, Result<Vec<String>, BlobFailure>>;

    /// Removes an upload that no change named: the object, its mark, and what an interrupted upload left.
    fn abandon(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>>;

    /// Removes an object that was settled.
    fn remove(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>>;

    /// Whether it is certain, without waiting for anybody, that there is no such object.
    fn lacks(&self, key: &str) -> bool;
}

/// An open object.
pub(crate) struct Object {
    /// Bytes of the whole.
    pub(crate) size: u64,
    /// The whole, or the part that was asked for.
    pub(crate) stream: Box<dyn BlobStream>,
}

impl Object {
    /// As the content of the element that names it.
    pub(crate) fn into_body(self, element: DataElement, sha256: Option<Sha256>) -> StoredBody {
        StoredBody { element, size: self.size, sha256, blob: Blob::Stream(self.stream) }
    }
}

/// Opens the place where the objects of a store are.
pub(crate) fn open_objects(location: &ObjectLocation, clock: Arc<dyn Clock>) -> Result<Arc<dyn Objects>, StoreFailure> {
    match location {
        ObjectLocation::Folder(root) => {
            let folder = ObjectFolder::open(root, clock)
                .map_err(|error| failure(&format!("open the objects in {}", root.display()), error))?;
            Ok(Arc::new(folder))
        }
        #[cfg(feature = "object-storage")]
        ObjectLocation::Bucket(location) => Ok(Arc::new(bucket::Bucket::open(location, clock)?)),
    }
}

/// Opens an object that an element names, or the part of it that is chosen. `None`: it is gone. A whole is checked while
/// it is read; a reader learns before its last piece that it is damaged.
pub(crate) async fn read_object(
    objects: &dyn Objects,
    key: String,
    sha256: Option<Sha256>,
    choice: Option<Choice<'_>>,
) -> Result<Option<Object>, BlobFailure> {
    let Some(choose) = choice else { return read_whole(objects, key, sha256).await };
    let Some(head) = objects.open(key.clone(), Some(0..0)).await? else { return Ok(gone(&key)) };
    // An object never changes: the part is of the very content that it is chosen from.
    match choose(head.size, sha256.as_ref()) {
        None => read_whole(objects, key, sha256).await,
        Some(part) if part.is_empty() => Ok(Some(head)),
        Some(part) => Ok(objects.open(key.clone(), Some(part)).await?.or_else(|| gone(&key))),
    }
}

async fn read_whole(objects: &dyn Objects, key: String, sha256: Option<Sha256>) -> Result<Option<Object>, BlobFailure> {
    let Some(Object { size, stream }) = objects.open(key.clone(), None).await? else { return Ok(gone(&key)) };
    Ok(Some(Object { size, stream: Box::new(Checked::new(key, stream, sha256)) }))
}

fn gone(key: &str) -> Option<Object> {
    tracing::error!(key, "an object that a data element names is gone");
    None
}

/// A new key: 32 hexadecimal digits.
fn new_key() -> String {
    use mottak_service::ports::{Ids as _, RandomIds};
    RandomIds.guid().simple().to_string()
}

/// Whether this is what [`new_key`] makes and nothing else, so that no path can be smuggled in.
fn is_key(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn blob_failure(attempt: &str, cause: impl std::fmt::Display) -> BlobFailure {
    BlobFailure { attempt: attempt.to_owned(), cause: cause.to_string() }
}

fn interrupted(attempt: &str) -> BlobFailure {
    blob_failure(attempt, "an earlier piece failed or was given up")
}
