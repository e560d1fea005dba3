//! What holds wherever objects are kept.

use std::time::Duration;

use bytes::Bytes;
use mottak_service::ports::{Body, Change, CommitFailure, ElementChange, ElementPut, Staged, Store};

use super::places::{Found, Place};
use super::{Kept, PART, commit, keep, open, read, read_until_failure, stage, sweep_now};
use crate::samples::{self, Dice};

const NOTHING: Found = Found { marks: 0, objects: 0, parts: 0 };
const ONE_OBJECT: Found = Found { objects: 1, ..NOTHING };

#[tokio::test]
async fn a_body_comes_back_as_it_was_written() {
    for place in Place::all().await {
        let store = place.open();
        let mut dice = Dice::new(1);
        for size in [70_000, PART, PART + 1, 2 * PART + 77] {
            let kept = keep(&store, &mut dice, size).await;
            let body = open(&store, &kept, None).await;
            assert_eq!((body.size, body.sha256.is_some()), (size as u64, true), "{}", place.name);
            assert_eq!(samples::collect(body.blob).await, kept.content, "{} {size}", place.name);
        }
        place.expect_found(Found { objects: 4, ..NOTHING }).await;
    }
}

#[tokio::test]
async fn a_body_at_hand_that_is_too_large_for_a_row_is_an_object_too() {
    for place in Place::all().await {
        let store = place.open();
        let mut dice = Dice::new(2);
        let content = samples::noise(&mut dice, 50_000);
        let (id, _) = commit(&store, &mut dice, Body::Bytes(content.clone())).await.unwrap();
        assert_eq!(read(&store, &Kept { id, content: content.clone() }, None).await, content, "{}", place.name);
        place.expect_found(ONE_OBJECT).await;

        let conflict = Change::expecting(id, 7);
        let element = samples::element(&mut dice, id.guid, id.guid);
        let put = ElementPut { element, touch: true, body: Body::Bytes(content) };
        let conflict = Change { elements: vec![ElementChange::Put(Box::new(put))], ..conflict };
        assert!(matches!(store.commit(conflict).await, Err(CommitFailure::Conflict)));
        assert_eq!(place.found().await, ONE_OBJECT, "{}: a conflict leaves nothing", place.name);
    }
}

#[tokio::test]
async fn a_part_of_a_body_is_what_lies_in_the_range() {
    for place in Place::all().await {
        let store = place.open();
        let kept = keep(&store, &mut Dice::new(3), PART + 100_000).await;
        let whole = kept.content.len() as u64;
        for range in [0..1, 0..whole, 5..5, 1000..300_000, whole - 3..whole, PART as u64 - 2..PART as u64 + 2] {
            let body = open(&store, &kept, Some(range.clone())).await;
            assert_eq!(body.size, whole);
            let expected = kept.content.slice(range.start as usize..range.end as usize);
            assert_eq!(samples::collect(body.blob).await, expected, "{} {range:?}", place.name);
        }
        assert_eq!(read(&store, &kept, Some(whole - 3..whole + 9)).await, kept.content.slice(whole as usize - 3..));
        assert_eq!(read(&store, &kept, Some(whole..whole + 9)).await, Bytes::new());
        assert_eq!(read(&store, &kept, Some(whole + 5..whole + 9)).await, Bytes::new());
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    for place in Place::all().await {
        let store = place.open();
        for size in [0, 100_000, PART + 5, 3 * PART + 5] {
            let mut writer = store.blobs().stage().await.unwrap();
            for piece in vec![7; size].chunks(1024 * 1024) {
                writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            drop(writer);
            place.expect_found(NOTHING).await;
        }
    }
}

#[tokio::test]
async fn an_upload_that_no_change_names_is_swept_after_the_grace_time_and_the_others_stay() {
    for place in Place::all().await {
        let store = place.open();
        let kept = keep(&store, &mut Dice::new(5), 100_000).await;
        place.expect_found(ONE_OBJECT).await;
        stage(&store, &vec![1; 100_000]).await.unwrap();
        stage(&store, &vec![2; PART + 1]).await.unwrap();
        assert_eq!(place.found().await, Found { marks: 2, objects: 3, parts: 0 }, "{}", place.name);

        let young = store.maintain(Duration::from_hours(2)).await.unwrap();
        assert_eq!(young.abandoned_uploads, 0, "{}", place.name);
        assert_eq!(sweep_now(&place, &store).await, 2);
        place.expect_found(ONE_OBJECT).await;
        assert_eq!(read(&store, &kept, None).await, kept.content);
    }
}

#[tokio::test]
async fn what_a_dead_process_left_is_swept() {
    for place in Place::all().await {
        let store = place.open();
        for size in [300_000, 2 * PART + 5] {
            let mut writer = store.blobs().stage().await.unwrap();
            writer.write(vec![3; size].into()).await.unwrap();
            // Nothing runs that would tidy up.
            std::mem::forget(writer);
        }
        sweep_now(&place, &store).await;
        place.expect_found(NOTHING).await;
    }
}

#[tokio::test]
async fn a_replaced_body_goes_after_the_grace_time() {
    for place in Place::all().await {
        let store = place.open();
        let mut dice = Dice::new(6);
        let kept = keep(&store, &mut dice, 100_000).await;
        let element = samples::element(&mut dice, kept.id.guid, kept.id.guid);
        let put = ElementPut { element, touch: true, body: Body::Bytes(Bytes::from_static(b"small")) };
        let elements = vec![ElementChange::Put(Box::new(put))];
        store.commit(Change { elements, ..Change::expecting(kept.id, 1) }).await.unwrap();

        assert_eq!(store.maintain(Duration::from_hours(1)).await.unwrap().removed_objects, 0);
        assert_eq!(place.found().await.objects, 1, "{}", place.name);
        assert_eq!(store.maintain(Duration::ZERO).await.unwrap().removed_objects, 1);
        place.expect_found(NOTHING).await;
        assert_eq!(read(&store, &kept, None).await, Bytes::from_static(b"small"));
    }
}

#[tokio::test]
async fn a_body_that_was_staged_long_ago_cannot_be_named() {
    for place in Place::all().await {
        let store = place.open();
        let staged = stage(&store, &vec![4; 100_000]).await.unwrap();
        let long_ago = mottak_model::Time::from_ticks(staged.at.ticks() - 61 * 60 * 10_000_000);
        let refused = commit(&store, &mut Dice::new(7), Body::Staged(Staged { at: long_ago, ..staged.clone() })).await;
        assert!(matches!(refused, Err(CommitFailure::Failed(_))), "{}", place.name);
        commit(&store, &mut Dice::new(7), Body::Staged(staged)).await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_is_gone_is_no_body() {
    for place in Place::all().await {
        let store = place.open();
        let kept = keep(&store, &mut Dice::new(8), 100_000).await;
        place.tamper(None).await;
        assert!(store.read_body(kept.id, kept.id.guid, None).await.unwrap().is_none(), "{}", place.name);
        assert!(
            store.read_body(kept.id, kept.id.guid, Some(&|_, _| Some(5..10))).await.unwrap().is_none(),
            "{}",
            place.name
        );
    }
}

#[tokio::test]
async fn a_body_with_other_bytes_never_ends_as_if_it_were_whole() {
    for place in Place::all().await {
        let store = place.open();
        let kept = keep(&store, &mut Dice::new(9), 2_000_000).await;
        let mut other = kept.content.to_vec();
        other[1_999_999] ^= 1;
        place.tamper(Some(other)).await;
        let (received, cause) = read_until_failure(open(&store, &kept, None).await.blob).await;
        assert!(received < 2_000_000 && cause.contains("damaged"), "{}: {received} {cause}", place.name);

        place.tamper(Some(kept.content[..1_000_000].to_vec())).await;
        let (received, cause) = read_until_failure(open(&store, &kept, None).await.blob).await;
        assert!(received < 1_000_000 && cause.contains("damaged"), "{}: {received} {cause}", place.name);
    }
}

#[tokio::test]
async fn a_key_that_no_upload_made_is_refused() {
    for place in Place::all().await {
        let store = place.open();
        let staged = stage(&store, &vec![4; 100_000]).await.unwrap();
        for key in ["../../etc/passwd", "", "incoming", &staged.key.to_uppercase()] {
            let foreign = Staged { key: key.to_owned(), ..staged.clone() };
            let refused = commit(&store, &mut Dice::new(10), Body::Staged(foreign)).await;
            assert!(matches!(refused, Err(CommitFailure::Failed(_))), "{} {key}", place.name);
        }
    }
}
