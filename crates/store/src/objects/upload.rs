//! A body on its way into an object store: one request when it is small, else parts of equal size, two at a time.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mottak_service::ports::{BlobFailure, PortFuture, Staged, StagedWriter};
use object_store::multipart::PartId;
use object_store::{ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::bucket::Bucket;
use super::remote::remote_failure;
use super::{blob_failure, interrupted, new_key};

/// Bytes of a part, and of the largest body that goes in one request.
const PART: usize = 8 * 1024 * 1024;

/// Parts on their way at a time.
const AT_ONCE: usize = 2;

/// How old the mark of an upload may become while the upload goes on: much younger than what is swept.
const MARK_AGE: Duration = Duration::from_mins(10);

/// Takes a body piece by piece. The upload is away while a piece is written; it does not come back when that fails or
/// the caller gives up waiting.
pub(super) struct UploadWriter {
    upload: Option<Upload>,
}

impl UploadWriter {
    pub(super) fn new(bucket: Bucket) -> Self {
        let buffer = BytesMut::new();
        Self { upload: Some(Upload { bucket, key: new_key(), buffer, size: 0, sha256: Sha256::new(), parts: None }) }
    }
}

impl StagedWriter for UploadWriter {
    fn write(&mut self, piece: Bytes) -> PortFuture<'_, Result<(), BlobFailure>> {
        Box::pin(async move {
            let mut upload = self.upload.take().ok_or_else(|| interrupted("write a piece of a body"))?;
            upload.write(&piece).await?;
            self.upload = Some(upload);
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> PortFuture<'static, Result<Staged, BlobFailure>> {
        Box::pin(async move {
            let upload = self.upload.take().ok_or_else(|| interrupted("finish a body"))?;
            upload.finish().await
        })
    }
}

struct Upload {
    bucket: Bucket,
    key: String,
    /// What was not sent yet: at most one part and one piece.
    buffer: BytesMut,
    size: u64,
    sha256: Sha256,
    /// Once there is more than one part.
    parts: Option<Parts>,
}

impl Upload {
    async fn write(&mut self, piece: &[u8]) -> Result<(), BlobFailure> {
        self.size += piece.len() as u64;
        self.sha256.update(piece);
        let mut rest = piece;
        while self.buffer.len() + rest.len() > PART {
            let (fitting, later) = rest.split_at(PART - self.buffer.len());
            self.buffer.extend_from_slice(fitting);
            rest = later;
            let part = self.buffer.split().freeze();
            self.send(part).await?;
        }
        self.buffer.extend_from_slice(rest);
        match &mut self.parts {
            Some(parts) => parts.keep_mark_young().await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, part: Bytes) -> Result<(), BlobFailure> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => self.parts.insert(Parts::begin(self.bucket.clone(), self.key.clone()).await?),
        };
        parts.send(part).await
    }

    async fn finish(mut self) -> Result<Staged, BlobFailure> {
        let last = std::mem::take(&mut self.buffer).freeze();
        match self.parts.take() {
            None => {
                self.bucket.put_mark(&self.key, "").await?;
                let put = self.bucket.client().put(&self.bucket.place(&self.key), PutPayload::from(last)).await;
                put.map_err(|error| remote_failure("write a body", &error))?;
            }
            Some(mut parts) => {
                parts.send(last).await?;
                parts.complete().await?;
            }
        }
        Ok(Staged { key: self.key, size: self.size, sha256: self.sha256.finalize().into(), at: self.bucket.now() })
    }
}

/// An upload in parts. Dropped before its end, it is ended in the background; what that cannot do is left, with its mark,
/// to the sweeper.
struct Parts {
    bucket: Bucket,
    key: String,
    multipart: String,
    marked: Instant,
    /// How many were sent.
    count: usize,
    on_their_way: JoinSet<Result<(usize, PartId), BlobFailure>>,
    arrived: Vec<(usize, PartId)>,
    /// The object may be there, whatever becomes of this.
    is_completing: bool,
}

impl Parts {
    async fn begin(bucket: Bucket, key: String) -> Result<Self, BlobFailure> {
        let multipart = bucket.client().create_multipart(&bucket.place(&key)).await;
        let multipart = multipart.map_err(|error| remote_failure("begin an upload in parts", &error))?;
        let parts = Self {
            bucket,
            key,
            multipart,
            marked: Instant::now(),
            count: 0,
            on_their_way: JoinSet::new(),
            arrived: Vec::new(),
            is_completing: false,
        };
        // From here on, what is dropped is ended.
        parts.bucket.put_mark(&parts.key, &parts.multipart).await?;
        Ok(parts)
    }

    async fn send(&mut self, part: Bytes) -> Result<(), BlobFailure> {
        while self.on_their_way.len() >= AT_ONCE {
            self.receive().await?;
        }
        let (bucket, path) = (self.bucket.clone(), self.bucket.place(&self.key));
        let (multipart, number) = (self.multipart.clone(), self.count);
        self.count += 1;
        self.on_their_way.spawn(async move {
            let put = bucket.client().put_part(&path, &multipart, number, PutPayload::from(part)).await;
            put.map(|part| (number, part)).map_err(|error| remote_failure("write a part of a body", &error))
        });
        Ok(())
    }

    /// Waits for one part to arrive.
    async fn receive(&mut self) -> Result<(), BlobFailure> {
        match self.on_their_way.join_next().await {
            None => Ok(()),
            Some(Ok(part)) => {
                self.arrived.push(part?);
                Ok(())
            }
            Some(Err(error)) => Err(blob_failure("write a part of a body", error)),
        }
    }

    async fn keep_mark_young(&mut self) -> Result<(), BlobFailure> {
        if self.marked.elapsed() > MARK_AGE {
            self.mark().await?;
        }
        Ok(())
    }

    async fn mark(&mut self) -> Result<(), BlobFailure> {
        let now = Instant::now();
        self.bucket.put_mark(&self.key, &self.multipart).await?;
        self.marked = now;
        Ok(())
    }

    async fn complete(mut self) -> Result<(), BlobFailure> {
        while !self.on_their_way.is_empty() {
            self.receive().await?;
        }
        self.keep_mark_young().await?;
        let mut arrived = std::mem::take(&mut self.arrived);
        arrived.sort_unstable_by_key(|(number, _)| *number);
        let arrived = arrived.into_iter().map(|(_, part)| part).collect();
        self.is_completing = true;
        let path = self.bucket.place(&self.key);
        let complete = self.bucket.client().complete_multipart(&path, &self.multipart, arrived).await;
        complete.map(drop).map_err(|error| remote_failure("complete an upload in parts", &error))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if self.is_completing {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut on_their_way = std::mem::take(&mut self.on_their_way);
        let (bucket, key, multipart) = (self.bucket.clone(), self.key.clone(), self.multipart.clone());
        runtime.spawn(async move {
            // A part that arrives after the end would stay.
            while on_their_way.join_next().await.is_some() {}
            let ended = async {
                bucket.abort(&key, &multipart).await?;
                bucket.remove_mark(&key).await
            };
            if let Err(error) = ended.await {
                tracing::warn!(key, %error, "an upload that was given up is left to the sweeper");
            }
        });
    }
}
