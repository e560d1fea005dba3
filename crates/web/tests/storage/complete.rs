//! Confirmation by the application owner (platform-storage §2.1.5).

use mottak_testing::covers;
use mottak_testkit::Seed;
use serde_json::json;

use crate::own::{confirmed_by, instance};
use crate::{API, BACKINGS, expect_empty, fixtures, number_of, own};

#[tokio::test]
async fn owner_confirms() {
    let _rows = covers("platform-storage", &["S01"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let path = format!("{API}/instances/1337/2f7fa5ce-e878-4e1f-a241-8c0eb1a83eab");
        let before = world.owner("tdd").get(&path).send().await.expect(200).json();
        // What is sent along does not matter.
        let sending = world.owner("tdd").post(format!("{path}/complete")).json(&json!({ "stakeholderId": "ttd" }));
        let confirmed = sending.send().await.expect(200).json();
        let confirmation = json!([{ "stakeholderId": "tdd", "confirmedOn": "2025-09-01T08:00:00Z" }]);
        assert_eq!(confirmed["completeConfirmations"], confirmation);
        assert_eq!(confirmed["lastChangedBy"], number_of("tdd"));
        assert_eq!(confirmed["lastChanged"], "2025-09-01T08:00:00Z");
        assert_eq!(confirmed["selfLinks"], before["selfLinks"]);
        let events = world.owner("tdd").get(format!("{path}/events")).send().await.expect(200).json();
        let events = events["instanceEvents"].as_array().expect("events").clone();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["eventType"], "ConfirmedComplete");
        assert_eq!(events[0]["user"], json!({ "orgId": "tdd", "authenticationLevel": 3 }));
        assert_eq!(events[0]["processInfo"], before["process"]);
        assert_eq!(world.owner("tdd").get(&path).send().await.expect(200).json(), confirmed);
    }
}

#[tokio::test]
async fn owner_confirms_only_once() {
    let _rows = covers("platform-storage", &["S02"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let path = format!("{API}/instances/1337/ef1b16fc-4566-4577-b2d8-db74fbee4f7c");
    let tdd = world.owner("tdd");
    let before = tdd.get(&path).send().await.expect(200).text();
    for _ in 0..2 {
        assert_eq!(tdd.post(format!("{path}/complete")).send().await.expect(200).text(), before);
    }
    assert_eq!(tdd.get(&path).send().await.expect(200).text(), before);
    let events = tdd.get(format!("{path}/events")).send().await.expect(200).json();
    assert_eq!(events["instanceEvents"].as_array().map(Vec::len), Some(1), "the one it came with");
}

#[tokio::test]
async fn others_do_not_confirm() {
    let _rows = covers("platform-storage", &["S03", "S30"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let known = format!("{API}/instances/1337/8727385b-e7cb-4bf2-b042-89558c612826/complete");
    for client in [world.owner("ttd"), world.user(3, 1337, 3), world.owner_with_scope("digdir", crate::SYNC)] {
        expect_empty(&client.post(&known).send().await, 403);
    }
    expect_empty(&world.server.anonymous().post(&known).send().await, 401);
    let unknown = format!("{API}/instances/1337/8727385b-e7cb-4bf2-b042-89558c612827/complete");
    expect_empty(&world.owner("tdd").post(&unknown).send().await, 403);
}

#[tokio::test]
async fn confirmation_of_another_stakeholder_is_kept() {
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(confirmed_by(instance(1), &["digdir"]))).await;
        let path = format!("{API}/instances/{}/complete", instance(1).id);
        let confirmed = world.ttd().post(&path).send().await.expect(200).json();
        let stakeholders: Vec<_> = confirmed["completeConfirmations"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it["stakeholderId"].clone())
            .collect();
        assert_eq!(stakeholders, ["digdir", "ttd"]);
    }
}
