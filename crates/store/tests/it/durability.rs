//! Opening, closing, overload, and bodies that outlive their element.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{InstanceId, PartyId};
use mottak_service::ports::{
    Blob, Body, Change, CommitFailure, ElementChange, ElementPut, Expect, InstanceQuery, Store, StoredBody, SystemClock,
};
use mottak_store::{Options, SqliteStore};

use crate::samples::{self, Dice};

fn open(folder: &tempfile::TempDir, options: Options) -> Arc<SqliteStore> {
    SqliteStore::open(folder.path(), Arc::new(SystemClock), options).unwrap()
}

fn creation(dice: &mut Dice) -> Change {
    let id = InstanceId::new(PartyId::new(50_001), dice.guid());
    let instance = Some(samples::instance(dice, id));
    Change { expect: Expect::Absent, instance, ..Change::expecting(id, 0) }
}

fn put(dice: &mut Dice, change: &mut Change, body: Body) {
    let element = samples::element(dice, change.id.guid, change.id.guid);
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch: true, body })));
}

#[tokio::test]
async fn a_closed_store_refuses_changes_and_still_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options::default());
    let change = creation(&mut Dice::new(1));
    let id = change.id;
    store.commit(change).await.unwrap();
    store.close().await;
    let refused = store.commit(creation(&mut Dice::new(2))).await;
    assert!(matches!(refused, Err(CommitFailure::Failed(_))));
    assert!(store.is_ready().await.is_err());
    assert!(store.load(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options::default());
    let second = SqliteStore::open(folder.path(), Arc::new(SystemClock), Options::default());
    assert!(second.unwrap_err().to_string().contains("has it open"));
    drop(store);
    open(&folder, Options::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_waiting_lists_are_overload_not_delay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options { list_readers: 1, list_queue: 1, ..Options::default() });
    let mut dice = Dice::new(3);
    for _ in 0..200 {
        store.commit(creation(&mut dice)).await.unwrap();
    }
    let lists = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.search(InstanceQuery { size: 200, ..InstanceQuery::default() }).await })
    });
    let mut overloads = 0;
    for list in lists.collect::<Vec<_>>() {
        match list.await.unwrap() {
            Ok(page) => assert_eq!(page.instances.len(), 200),
            Err(failure) => {
                assert!(failure.is_overload, "{failure}");
                overloads += 1;
            }
        }
    }
    assert!(overloads > 0);
}

#[tokio::test]
async fn a_download_survives_the_replacement_of_its_body() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options::default());
    let mut dice = Dice::new(4);
    let large = samples::noise(&mut dice, 700_000);
    let mut change = creation(&mut dice);
    put(&mut dice, &mut change, Body::Bytes(large.clone()));
    let id = change.id;
    store.commit(change).await.unwrap();

    let Some(StoredBody { blob: Blob::Stream(mut download), .. }) = store.read_body(id, id.guid, None).await.unwrap()
    else {
        panic!("a large body is a stream")
    };
    let mut received = download.next().await.unwrap().unwrap().to_vec();

    let mut replacement = Change::expecting(id, 1);
    put(&mut dice, &mut replacement, Body::Bytes(Bytes::from_static(b"small")));
    store.commit(replacement).await.unwrap();
    let kept = store.maintain(Duration::from_hours(1)).await.unwrap();
    assert_eq!((kept.removed_objects, kept.abandoned_uploads), (0, 0));
    let removed = store.maintain(Duration::ZERO).await.unwrap();
    assert_eq!((removed.removed_objects, removed.abandoned_uploads), (1, 0));

    while let Some(piece) = download.next().await.unwrap() {
        received.extend_from_slice(&piece);
    }
    assert_eq!(received, large);
}

#[tokio::test]
async fn an_upload_that_no_change_names_is_swept_and_cannot_be_named_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options::default());
    let mut writer = store.blobs().stage().await.unwrap();
    writer.write(Bytes::from_static(b"never committed")).await.unwrap();
    let staged = writer.finish().await.unwrap();
    drop(store.blobs().stage().await.unwrap());

    let swept = store.maintain(Duration::ZERO).await.unwrap();
    assert_eq!((swept.removed_objects, swept.abandoned_uploads), (0, 1));
    let mut dice = Dice::new(5);
    let mut change = creation(&mut dice);
    put(&mut dice, &mut change, Body::Staged(staged));
    let id = change.id;
    assert!(matches!(store.commit(change).await, Err(CommitFailure::Failed(_))));
    assert_eq!(store.load(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_large_body_of_a_change_in_conflict_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Options::default());
    let mut dice = Dice::new(6);
    let mut change = Change::expecting(InstanceId::new(PartyId::new(50_001), dice.guid()), 3);
    let body = samples::noise(&mut dice, 50_000);
    put(&mut dice, &mut change, Body::Bytes(body));
    assert!(matches!(store.commit(change).await, Err(CommitFailure::Conflict)));
    assert_eq!(store.maintain(Duration::ZERO).await.unwrap().abandoned_uploads, 0);
}
