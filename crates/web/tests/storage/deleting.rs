//! Deletion of instances (platform-storage §2.1.4, §3.4).

use mottak_service::ports::{RecordExpect, RecordKind, RecordWrite};
use mottak_testing::covers;
use mottak_testkit::Seed;
use serde_json::{Value, json};

use crate::own::{attachment, instance};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_status, expect_text, fixtures, number_of, own};

const OPEN: &str = "7e6cc8e2-6cd4-4ad4-9ce8-c37a767677b5";
const KEPT: &str = "3f7fcd91-114e-4da1-95b6-72115f34945c";
const NOT_YET: &str = "Instance cannot be deleted yet due to application restrictions.";
const NOW: &str = "2025-09-01T08:00:00Z";

fn path(guid: &str) -> String {
    format!("{API}/instances/1337/{guid}")
}

async fn world(backing: mottak_testkit::Backing) -> Option<fixtures::World> {
    fixtures::world_of(backing, |guid| [OPEN, KEPT].contains(&guid) || guid.starts_with("377efa97")).await
}

#[tokio::test]
async fn nobody_deletes_without_the_right_to() {
    let _rows = covers("platform-storage", &["I22", "I23"]);
    let Some(world) = world(Default::default()).await else { return };
    for client in [world.user(3, 1337, 0), world.user(1, 1337, 3), world.owner("ttd")] {
        for query in ["", "?hard=true", "?hard=false"] {
            expect_empty(&client.delete(format!("{}{query}", path(OPEN))).send().await, 403);
        }
    }
    expect_empty(&world.server.anonymous().delete(path(OPEN)).send().await, 401);
    let shown = world.owner("tdd").get(path(OPEN)).send().await.expect(200).json();
    assert_eq!(shown["status"]["isSoftDeleted"], false);
}

#[tokio::test]
async fn hard_deletion_marks_both() {
    let _rows = covers("platform-storage", &["I24"]);
    for backing in BACKINGS {
        let Some(world) = world(backing).await else { return };
        let tdd = world.owner("tdd");
        let deleted = tdd.delete(format!("{}?hard=true", path(OPEN))).send().await.expect(200).json();
        let status = &deleted["status"];
        assert_eq!((&status["isSoftDeleted"], &status["isHardDeleted"]), (&json!(true), &json!(true)));
        assert_eq!((&status["softDeleted"], &status["hardDeleted"]), (&json!(NOW), &json!(NOW)));
        assert_eq!(deleted["lastChangedBy"], number_of("tdd"));
        assert_eq!(deleted["lastChanged"], NOW);
        assert_eq!((&deleted["data"], deleted.get("selfLinks")), (&json!([]), None));
        assert_eq!(tdd.get(path(OPEN)).send().await.expect(200).json()["status"], *status);
    }
}

#[tokio::test]
async fn sync_adapter_deletes_without_being_asked() {
    let _rows = covers("platform-storage", &["I25"]);
    let Some(world) = world(Default::default()).await else { return };
    let sync = world.owner_with_scope("digdir", SYNC);
    let there = path("377efa97-80ee-4cc6-8d48-09de12cc273d");
    expect_status(&sync.delete(format!("{there}?hard=true")).send().await, 200);
    let unknown = path("377efa97-80ee-4cc6-8d48-09de12cc2730");
    let text =
        "Didn't find the object that should be deleted with instanceId=1337/377efa97-80ee-4cc6-8d48-09de12cc2730";
    expect_text(&sync.delete(unknown).send().await, 404, text);
}

#[tokio::test]
async fn soft_deletion_marks_only_that() {
    let _rows = covers("platform-storage", &["I26"]);
    let Some(world) = world(Default::default()).await else { return };
    let user = world.user(1337, 1337, 3);
    let deleted = user.delete(path(OPEN)).send().await.expect(200).json();
    assert_eq!(deleted["status"]["isSoftDeleted"], true);
    assert_eq!(deleted["status"]["softDeleted"], NOW);
    assert_eq!((&deleted["status"]["isHardDeleted"], deleted["status"].get("hardDeleted")), (&json!(false), None));
    assert_eq!(deleted["lastChangedBy"], "1337");
    expect_invalid(&user.delete(format!("{}?hard=kanskje", path(OPEN))).send().await, &["hard"]);
}

#[tokio::test]
async fn instance_of_an_unknown_app_is_not_deleted() {
    let _rows = covers("platform-storage", &["I27"]);
    let world = own::world(Default::default());
    world.server.seed(Seed::of(own::of_app(instance(1), "ttd/finnes-ikke"))).await;
    let sync = world.server.with_claims(crate::owner("digdir", SYNC));
    let deleted = sync.delete(format!("{API}/instances/{}", instance(1).id)).send().await;
    expect_text(&deleted, 404, "Cannot find application ttd/finnes-ikke in storage");
}

#[tokio::test]
async fn archived_instances_are_kept_as_long_as_their_app_says() {
    let _rows = covers("platform-storage", &["I28", "I29"]);
    let Some(world) = world(Default::default()).await else { return };
    let app = world.server.service.apps.get("tdd", "endring-av-navn").expect("a shared app");
    let mut application: Value = serde_json::from_slice(&app.metadata.storage).expect("metadata is JSON");
    application["preventInstanceDeletionForDays"] = json!(1000);
    let write = RecordWrite {
        kind: RecordKind::Application,
        key: "tdd/endring-av-navn".to_owned(),
        expect: RecordExpect::Anything,
        document: Some(application.to_string()),
    };
    assert!(world.server.service.store.write_record(write).await.expect("a write"));
    for query in ["?hard=true", "?hard=false", ""] {
        for client in [world.owner("tdd"), world.owner_with_scope("digdir", SYNC)] {
            expect_text(&client.delete(format!("{}{query}", path(KEPT))).send().await, 403, NOT_YET);
        }
    }
    for query in ["?hard=false", "?hard=true"] {
        expect_status(&world.owner("tdd").delete(format!("{}{query}", path(OPEN))).send().await, 200);
    }
}

#[tokio::test]
async fn deletion_can_be_repeated_and_hardened() {
    let _rows = covers("platform-storage", &["I31", "I32"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1)).with(attachment(1, 1, 1), "x")).await;
        let here = format!("{API}/instances/{}", instance(1).id);
        let delete = async |at: &str, query: &str| -> Value {
            world.clock.set(own::time(at));
            let deleted = world.sophie().delete(format!("{here}{query}")).send().await.expect(200).json();
            deleted["status"].clone()
        };
        let soft = delete("2025-06-02T10:00:00Z", "").await;
        assert_eq!(soft["softDeleted"], "2025-06-02T10:00:00Z");
        let again = delete("2025-06-03T10:00:00Z", "").await;
        assert_eq!(again["softDeleted"], "2025-06-03T10:00:00Z");
        let hard = delete("2025-06-04T10:00:00Z", "?hard=true").await;
        assert_eq!(hard["softDeleted"], "2025-06-03T10:00:00Z");
        assert_eq!(hard["hardDeleted"], "2025-06-04T10:00:00Z");
        // A soft deletion of what is deleted for good moves its own time alone.
        let soft = delete("2025-06-05T10:00:00Z", "").await;
        assert_eq!(soft["softDeleted"], "2025-06-05T10:00:00Z");
        assert_eq!((&soft["hardDeleted"], &soft["isHardDeleted"]), (&hard["hardDeleted"], &json!(true)));
        let events = world.sophie().get(format!("{here}/events")).send().await.expect(200).json();
        let kinds: Vec<_> =
            events["instanceEvents"].as_array().expect("events").iter().map(|it| it["eventType"].clone()).collect();
        assert_eq!(kinds, ["Deleted"; 4]);
        // It is a mark: the instance and what it holds can still be read.
        let shown = world.sophie().get(&here).send().await.expect(200).json();
        assert_eq!(shown["data"].as_array().map(Vec::len), Some(1));
    }
}
