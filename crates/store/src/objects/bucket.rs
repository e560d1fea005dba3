//! Objects in an S3-compatible or Azure object store.
//!
//! A body is `objects/{key}`. Before anything of it is written there is a mark, `incoming/{key}`, which holds the id of
//! the upload while it goes on in parts, so that the sweeper can end it in the name of a process that is gone. The time
//! of the mark is the object store's own, and it is written anew while a long upload goes on.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use mottak_model::Time;
use mottak_service::ports::{
    BlobFailure, BlobRange, BlobStream, Blobs, Clock, PortFuture, Staged, StagedWriter, StoreFailure,
};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStoreExt as _, PutPayload};

use super::remote::{BucketLocation, Remote, remote_failure};
use super::upload::UploadWriter;
use super::{Object, Objects, interrupted, is_key};

/// A place in an object store.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    client: Arc<dyn Remote>,
    root: Path,
    clock: Arc<dyn Clock>,
}

impl Bucket {
    pub(super) fn open(location: &BucketLocation, clock: Arc<dyn Clock>) -> Result<Self, StoreFailure> {
        Ok(Self { client: location.client()?, root: Path::from(location.prefix()), clock })
    }

    pub(super) fn client(&self) -> &dyn Remote {
        &*self.client
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn place(&self, key: &str) -> Path {
        self.root.clone().join("objects").join(key)
    }

    fn mark(&self, key: &str) -> Path {
        self.root.clone().join("incoming").join(key)
    }

    /// Writes the mark of an upload, or writes it anew. `multipart`: the id of the upload, empty if it has none.
    pub(super) async fn put_mark(&self, key: &str, multipart: &str) -> Result<(), BlobFailure> {
        let payload = PutPayload::from(multipart.to_owned());
        let put = self.client.put(&self.mark(key), payload).await;
        put.map(drop).map_err(|error| remote_failure("mark an upload", &error))
    }

    /// Removes the mark of an upload.
    pub(super) async fn remove_mark(&self, key: &str) -> Result<(), BlobFailure> {
        self.delete(&self.mark(key)).await.map_err(|error| remote_failure("remove the mark of an upload", &error))
    }

    /// What is not there is removed already.
    async fn delete(&self, path: &Path) -> object_store::Result<()> {
        match self.client.delete(path).await {
            Err(Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Ends an upload in parts, so that the parts are not kept.
    pub(super) async fn abort(&self, key: &str, multipart: &str) -> Result<(), BlobFailure> {
        if multipart.is_empty() {
            return Ok(());
        }
        match self.client.abort_multipart(&self.place(key), &multipart.to_owned()).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(remote_failure("end an upload in parts", &error)),
        }
    }

    /// The id of an upload in parts that was not completed; empty when there is none.
    async fn unfinished(&self, key: &str) -> object_store::Result<String> {
        let marked = match self.client.get(&self.mark(key)).await {
            Ok(found) => found.bytes().await?,
            Err(Error::NotFound { .. }) => Bytes::new(),
            Err(error) => return Err(error),
        };
        if marked.is_empty() {
            return Ok(String::new());
        }
        match self.client.head(&self.place(key)).await {
            Ok(_) => Ok(String::new()),
            Err(Error::NotFound { .. }) => Ok(String::from_utf8_lossy(&marked).into_owned()),
            Err(error) => Err(error),
        }
    }

    async fn get(&self, key: &str, part: Option<BlobRange>) -> object_store::Result<Option<Object>> {
        let path = self.place(key);
        let options = GetOptions { range: part.clone().map(GetRange::Bounded), ..GetOptions::default() };
        match (self.client.get_opts(&path, options).await, part) {
            (Ok(found), _) => {
                let (size, length) = (found.meta.size, found.range.end - found.range.start);
                let pieces = Some(found.into_stream());
                Ok(Some(Object { size, stream: Box::new(Pieces { length, pieces }) }))
            }
            (Err(Error::NotFound { .. }), _) => Ok(None),
            (Err(error), None) => Err(error),
            // A part without a byte cannot be asked for.
            (Err(error), Some(part)) => match self.client.head(&path).await {
                Ok(found) if part.start >= part.end.min(found.size) => {
                    Ok(Some(Object { size: found.size, stream: Box::new(Pieces::none()) }))
                }
                Err(Error::NotFound { .. }) => Ok(None),
                _ => Err(error),
            },
        }
    }
}

impl Blobs for Bucket {
    fn stage(&self) -> PortFuture<'_, Result<Box<dyn StagedWriter>, BlobFailure>> {
        let writer = UploadWriter::new(self.clone());
        Box::pin(async move { Ok(Box::new(writer) as Box<dyn StagedWriter>) })
    }
}

impl Objects for Bucket {
    fn stage_bytes(&self, bytes: Bytes) -> PortFuture<'_, Result<Staged, BlobFailure>> {
        Box::pin(async move {
            let mut writer = Box::new(UploadWriter::new(self.clone()));
            writer.write(bytes).await?;
            writer.finish().await
        })
    }

    fn open(&self, key: String, part: Option<BlobRange>) -> PortFuture<'_, Result<Option<Object>, BlobFailure>> {
        Box::pin(async move {
            if !is_key(&key) {
                return Ok(None);
            }
            self.get(&key, part).await.map_err(|error| remote_failure("open an object", &error))
        })
    }

    fn settle(&self, key: &str) {
        let (bucket, key) = (self.clone(), key.to_owned());
        // Outside of a runtime, and when this fails, the sweeper does it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = bucket.remove_mark(&key).await {
                    tracing::warn!(key, %error, "a settled upload keeps its mark for the sweeper");
                }
            });
        }
    }

    fn uploads_before(&self, before: Time) -> PortFuture<'_, Result<Vec<String>, BlobFailure>> {
        Box::pin(async move {
            let marks = self.client.list(Some(&self.root.clone().join("incoming")));
            let old = marks.try_filter_map(|mark| async move {
                let modified = Time::from_ticks(mark.last_modified.timestamp_micros().saturating_mul(10));
                let key = mark.location.filename().filter(|key| modified <= before && is_key(key));
                Ok(key.map(str::to_owned))
            });
            old.try_collect().await.map_err(|error| remote_failure("list the uploads", &error))
        })
    }

    fn abandon(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>> {
        Box::pin(async move {
            if !is_key(&key) {
                return Ok(());
            }
            let multipart = self.unfinished(&key).await;
            let multipart = multipart.map_err(|error| remote_failure("look at an upload", &error))?;
            self.abort(&key, &multipart).await?;
            self.remove(key.clone()).await?;
            self.remove_mark(&key).await
        })
    }

    fn remove(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>> {
        Box::pin(async move {
            if !is_key(&key) {
                return Ok(());
            }
            self.delete(&self.place(&key)).await.map_err(|error| remote_failure("remove an object", &error))
        })
    }

    fn lacks(&self, key: &str) -> bool {
        !is_key(key)
    }
}

/// An object as it arrives.
struct Pieces {
    length: u64,
    /// Away while the next piece is waited for; does not come back when that fails or is given up.
    pieces: Option<BoxStream<'static, object_store::Result<Bytes>>>,
}

impl Pieces {
    fn none() -> Self {
        Self { length: 0, pieces: Some(futures_util::stream::empty().boxed()) }
    }
}

impl BlobStream for Pieces {
    fn len(&self) -> u64 {
        self.length
    }

    fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>> {
        Box::pin(async move {
            const ATTEMPT: &str = "read a piece of an object";
            let mut pieces = self.pieces.take().ok_or_else(|| interrupted(ATTEMPT))?;
            let piece = pieces.next().await.transpose().map_err(|error| remote_failure(ATTEMPT, &error))?;
            self.pieces = Some(pieces);
            Ok(piece)
        })
    }
}
