//! Locks of elements (platform-storage §2.5).

use mottak_testing::covers;
use mottak_testkit::Client;
use serde_json::{Value, json};

use crate::data::{element_in, events_of};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_text, fixtures};

/// An unlocked element; the task is Task_1.
const UNLOCKED: (&str, &str) = ("4c67392f-36c6-42dc-998f-c367e771dccc", "998c5e56-6f73-494a-9730-6ebd11bffe88");
/// A locked one.
const LOCKED: (&str, &str) = ("4c67392f-36c6-42dc-998f-c367e771dcdd", "998c5e56-6f73-494a-9730-6ebd11bfff99");
/// Stands in Task_2, for which the policy has no rules.
const ELSEWHERE: &str = "4c67392f-36c6-42dc-998f-c367e771dcde";
const MISSING: &str = "998c5e56-6f73-494a-9730-6ebd11bfff00";

fn here(instance: &str) -> String {
    format!("{API}/instances/500004/{instance}")
}

fn lock((instance, element): (&str, &str)) -> String {
    format!("{}/data/{element}/lock", here(instance))
}

/// The instance with all that is said about its elements, and its history.
async fn state(owner: &Client, instance: &str) -> (Value, Vec<Value>) {
    let path = here(instance);
    (owner.get(&path).send().await.expect(200).json(), events_of(owner, &path).await)
}

#[tokio::test]
async fn who_may_act_in_the_task_locks() {
    let _rows = covers("platform-storage", &["L01", "L04"]);
    for backing in BACKINGS {
        for user in [1337, 10016] {
            let Some(world) = fixtures::world(backing).await else { return };
            let tdd = world.owner("tdd");
            let (mut before, events) = state(&tdd, UNLOCKED.0).await;
            let answer = world.user(user, 500_004, 3).put(lock(UNLOCKED)).send().await.expect(201);
            assert_eq!(answer.header("location"), Some(UNLOCKED.1));
            let locked = answer.json();
            assert_eq!(locked["locked"], true);
            assert_eq!(element_in(&tdd, &here(UNLOCKED.0), UNLOCKED.1).await, locked);
            // Nothing but the lock has changed.
            before["data"][0]["locked"] = json!(true);
            assert_eq!(state(&tdd, UNLOCKED.0).await, (before, events));
            let replacing = tdd.put(format!("{}/data/{}", here(UNLOCKED.0), UNLOCKED.1)).body("text/plain", "ny");
            assert_eq!(replacing.send().await.status, 409);
        }
    }
}

#[tokio::test]
async fn what_is_locked_stays_locked() {
    let _rows = covers("platform-storage", &["L02"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let answer = world.user(1337, 500_004, 3).put(lock(LOCKED)).send().await.expect(200);
    assert_eq!(answer.header("location"), None);
    assert_eq!(answer.json()["locked"], true);
}

#[tokio::test]
async fn what_is_not_there_is_not_locked() {
    let _rows = covers("platform-storage", &["L03", "L09", "L11"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 500_004, 3);
    let missing = lock((LOCKED.0, MISSING));
    let message = format!("Unable to find any data element with id: {MISSING}.");
    expect_text(&client.put(&missing).send().await, 404, &message);
    expect_text(&client.delete(&missing).send().await, 404, &message);
    let unknown = lock((MISSING, LOCKED.1));
    let message = format!("Unable to find any instance with id: 500004/{MISSING}.");
    expect_text(&client.put(&unknown).send().await, 404, &message);
    expect_empty(&client.delete(&unknown).send().await, 403);
    // Under another party's path neither is there.
    let elsewhere = format!("{API}/instances/1337/{}/data/{}/lock", LOCKED.0, LOCKED.1);
    assert_eq!(client.put(&elsewhere).send().await.status, 404);
    expect_empty(&client.delete(&elsewhere).send().await, 403);
}

#[tokio::test]
async fn who_may_not_act_in_the_task_does_not_lock() {
    let _rows = covers("platform-storage", &["L05", "L06"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    // One may only read, the other only unlock; no scope stands in for the right.
    for client in [world.user(3, 500_004, 3), world.user(1, 500_004, 3), world.owner_with_scope("digdir", SYNC)] {
        expect_empty(&client.put(lock(UNLOCKED)).send().await, 403);
    }
    expect_empty(&world.user(1337, 500_004, 3).put(lock((ELSEWHERE, UNLOCKED.1))).send().await, 403);
    expect_empty(&world.server.anonymous().put(lock(UNLOCKED)).send().await, 401);
    assert_eq!(element_in(&world.owner("tdd"), &here(UNLOCKED.0), UNLOCKED.1).await["locked"], false);
}

#[tokio::test]
async fn who_may_write_unlock_or_reject_unlocks() {
    let _rows = covers("platform-storage", &["L07", "L08"]);
    for user in [1337, 10016, 1, 5] {
        let Some(world) = fixtures::world(Default::default()).await else { return };
        let tdd = world.owner("tdd");
        let (mut before, events) = state(&tdd, LOCKED.0).await;
        before["data"][0]["locked"] = json!(false);
        // The second time there is nothing to do.
        for _ in 0..2 {
            let unlocked = world.user(user, 500_004, 3).delete(lock(LOCKED)).send().await.expect(200).json();
            assert_eq!(unlocked["locked"], false);
            assert_eq!(state(&tdd, LOCKED.0).await, (before.clone(), events.clone()));
        }
    }
}

#[tokio::test]
async fn others_do_not_unlock() {
    let _rows = covers("platform-storage", &["L10"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let sync = world.owner_with_scope("digdir", SYNC);
    for client in [world.user(3, 500_004, 3), world.user(1337, 1337, 0), sync] {
        expect_empty(&client.delete(lock(LOCKED)).send().await, 403);
    }
    for client in [world.user(1, 500_004, 3), world.user(1337, 1337, 3)] {
        expect_empty(&client.delete(lock((ELSEWHERE, LOCKED.1))).send().await, 403);
    }
    expect_empty(&world.server.anonymous().delete(lock(LOCKED)).send().await, 401);
    assert_eq!(element_in(&world.owner("tdd"), &here(LOCKED.0), LOCKED.1).await["locked"], true);
}
