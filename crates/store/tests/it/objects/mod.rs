//! Large bodies, wherever they are kept: the same behaviour in a folder, in an S3-compatible store and in Azure Blob
//! Storage.
//!
//! The folder is always there. The others need the feature `object-storage-suite`: an S3 server runs inside the test, and
//! the emulator of Azure's storage beside it where it is installed (`places` says how it is found).

#[cfg(feature = "object-storage-suite")]
mod azure;
mod behaviour;
mod disk_full;
mod memory_use;
#[cfg(feature = "object-storage-suite")]
mod outage;
mod places;
#[cfg(feature = "object-storage-suite")]
mod s3;

use std::time::Duration;

use bytes::Bytes;
use mottak_model::{InstanceId, PartyId};
use mottak_service::ports::{
    Blob, BlobFailure, BlobRange, Body, Change, Choice, CommitFailure, Committed, ElementChange, ElementPut, Expect,
    Sha256, Staged, Store, StoredBody,
};
use mottak_store::SqliteStore;
use sha2::Digest as _;

use self::places::Place;
use crate::samples::{self, Dice};

/// Bytes of a part of an upload in parts.
const PART: usize = 8 * 1024 * 1024;

/// A body that was acknowledged.
struct Kept {
    id: InstanceId,
    content: Bytes,
}

/// Stages a body as a request would: in pieces of a size that divides nothing.
async fn stage(store: &SqliteStore, content: &[u8]) -> Result<Staged, BlobFailure> {
    let mut writer = store.blobs().stage().await?;
    for piece in content.chunks(300_001) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.finish().await
}

/// A new instance whose only element, with the instance's guid, has this content.
async fn commit(store: &SqliteStore, dice: &mut Dice, body: Body) -> Result<(InstanceId, Committed), CommitFailure> {
    let id = InstanceId::new(PartyId::new(50_001), dice.guid());
    let instance = Some(samples::instance(dice, id));
    let element = samples::element(dice, id.guid, id.guid);
    let put = ElementPut { element, touch: true, body };
    let elements = vec![ElementChange::Put(Box::new(put))];
    let change = Change { expect: Expect::Absent, instance, elements, ..Change::expecting(id, 0) };
    Ok((id, store.commit(change).await?))
}

/// Stages and commits a body of so many bytes.
async fn keep(store: &SqliteStore, dice: &mut Dice, size: usize) -> Kept {
    let content = samples::noise(dice, size);
    let staged = stage(store, &content).await.unwrap();
    assert_eq!(staged.size, size as u64);
    assert_eq!(staged.sha256[..], sha2::Sha256::digest(&content)[..]);
    let (id, _) = commit(store, dice, Body::Staged(staged)).await.unwrap();
    Kept { id, content }
}

async fn open(store: &SqliteStore, kept: &Kept, part: Option<BlobRange>) -> StoredBody {
    let choose = |_, _: Option<&Sha256>| part.clone();
    let choice: Option<Choice<'_>> = part.as_ref().map(|_| &choose as Choice<'_>);
    store.read_body(kept.id, kept.id.guid, choice).await.unwrap().expect("the body is there")
}

async fn read(store: &SqliteStore, kept: &Kept, part: Option<BlobRange>) -> Bytes {
    samples::collect(open(store, kept, part).await.blob).await
}

/// What a reader gets of a body that does not arrive in full.
async fn read_until_failure(blob: Blob) -> (usize, String) {
    let Blob::Stream(mut stream) = blob else { panic!("a large body is a stream") };
    let mut received = 0;
    loop {
        match stream.next().await {
            Ok(Some(piece)) => received += piece.len(),
            Ok(None) => panic!("the body ended as if it were whole, after {received} bytes"),
            Err(failure) => return (received, failure.to_string()),
        }
    }
}

/// Sweeps uploads of any age. An object store tells times in whole seconds, and its clock is its own.
async fn sweep_now(place: &Place, store: &SqliteStore) -> usize {
    let mut swept = 0;
    for _ in 0..50 {
        swept += store.maintain(Duration::ZERO).await.unwrap().abandoned_uploads;
        if place.found().await.marks == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    swept
}
