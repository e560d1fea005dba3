//! Locks by which app backends agree who works on an instance (platform-storage §2.5).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_service::ports::{Clock as _, RecordKind};
use mottak_testing::covers;
use mottak_testkit::{Answer, Backing, Client, Seed};
use serde_json::{Value, json};

use crate::own::{guid, instance};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_status, own, rights};

const TOKEN: &str = "Altinn-Storage-Lock-Token";

fn path() -> String {
    format!("{API}/instances/{}/lock", instance(1).id)
}

async fn world(backing: Backing) -> own::World {
    let world = own::world(backing);
    world.server.seed(Seed::of(instance(1))).await;
    world
}

async fn acquire(client: &Client, body: Value) -> Answer {
    client.post(path()).json(&body).send().await
}

async fn token_of(client: &Client, seconds: i64) -> String {
    let answer = acquire(client, json!({ "ttlSeconds": seconds })).await.expect(200);
    answer.json()["lockToken"].as_str().expect("a token").to_owned()
}

async fn renew(client: &Client, token: &str, seconds: i64) -> Answer {
    client.patch(path()).header(TOKEN, token).json(&json!({ "ttlSeconds": seconds })).send().await
}

/// Form P with a detail.
#[track_caller]
fn expect_detail(answer: &Answer, status: u16, detail: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let body = answer.json();
    assert_eq!((&body["status"], &body["detail"]), (&json!(status), &json!(detail)));
    assert!(body["type"].is_string() && body["title"].is_string() && body["traceId"].is_string(), "{body}");
}

fn pass(world: &own::World, seconds: u64) {
    world.clock.set(world.clock.now().plus(Duration::from_secs(seconds)));
}

#[tokio::test]
async fn lock_is_held_by_one_until_its_time_is_over() {
    let _rows = covers("platform-storage", &["L12", "L13", "L23", "L24"]);
    const HELD: &str = "Lock is already held for this instance.";
    for backing in BACKINGS {
        let world = world(backing).await;
        let first = token_of(&world.sophie(), 30).await;
        for client in [world.sophie(), world.ttd()] {
            expect_detail(&acquire(&client, json!({ "ttlSeconds": 30 })).await, 409, HELD);
        }
        pass(&world, 30);
        expect_detail(&renew(&world.sophie(), &first, 30).await, 422, "Lock has expired.");
        let second = token_of(&world.ttd(), 30).await;
        assert_ne!(first, second);
        // A late holder is told what became of its lock, also when somebody else has the instance.
        expect_detail(&renew(&world.sophie(), &first, 30).await, 422, "Lock has expired.");
    }
}

#[tokio::test]
async fn holder_prolongs_and_releases_it() {
    let _rows = covers("platform-storage", &["L17", "L18", "L25"]);
    for backing in BACKINGS {
        let world = world(backing).await;
        let token = token_of(&world.sophie(), 30).await;
        pass(&world, 20);
        // Whoever shows the token may.
        expect_empty(&renew(&world.server.user(1001), &token, 30).await, 204);
        pass(&world, 20);
        expect_status(&acquire(&world.sophie(), json!({ "ttlSeconds": 30 })).await, 409);
        expect_empty(&renew(&world.sophie(), &token, 0).await, 204);
        let zero = token_of(&world.sophie(), 0).await;
        expect_detail(&renew(&world.sophie(), &zero, 1).await, 422, "Lock has expired.");
        expect_status(&acquire(&world.sophie(), json!({})).await, 200);
        expect_status(&acquire(&world.sophie(), json!({ "TtlSeconds": "30" })).await, 200);
    }
}

#[tokio::test]
async fn lock_needs_an_instance_and_the_right_to_write() {
    let _rows = covers("platform-storage", &["L14", "L15", "L16"]);
    const UNAUTHORIZED: &str = "Not authorized to acquire instance lock.";
    let world = world(Default::default()).await;
    let body = json!({ "ttlSeconds": 30 });
    expect_detail(&acquire(&world.sophie(), json!({ "ttlSeconds": -1 })).await, 400, "TtlSeconds cannot be negative.");
    for client in [world.server.user(1001), world.server.with_claims(crate::owner("digdir", SYNC))] {
        expect_detail(&acquire(&client, body.clone()).await, 403, UNAUTHORIZED);
    }
    let nobody = world.server.with_claims(json!({ "scope": "altinn:instances.write" }));
    expect_detail(&acquire(&nobody, body.clone()).await, 403, "User identity could not be determined.");
    for id in [format!("{}/{}", own::SOPHIES_PARTY, guid(2)), format!("1/{}", guid(1))] {
        let unknown = world.sophie().post(format!("{API}/instances/{id}/lock")).json(&body).send().await;
        expect_detail(&unknown, 404, "Instance not found.");
    }
    expect_empty(&acquire(&world.server.anonymous(), body).await, 401);
    expect_invalid(&acquire(&world.sophie(), json!({ "ttlSeconds": "lenge" })).await, &["ttlSeconds"]);
    expect_invalid(&acquire(&world.sophie(), json!(null)).await, &[""]);
}

#[tokio::test]
async fn lock_needs_an_action_of_the_task_or_reject() {
    let server = rights::server();
    for (number, action, task_type, status) in [
        (1, "write", "data", 200),
        (2, "reject", "confirmation", 200),
        (3, "confirm", "confirmation", 200),
        (4, "write", "confirmation", 403),
    ] {
        let id = rights::seed(&server, number, Some(rights::only(action, Some(task_type)))).await.id;
        let locked = server.user(own::SOPHIE).post(format!("{API}/instances/{id}/lock")).json(&json!({})).send().await;
        expect_status(&locked, status);
    }
}

#[tokio::test]
async fn token_has_to_be_one() {
    let _rows = covers("platform-storage", &["L19", "L20", "L26"]);
    const GARBAGE: &str = "Could not parse lock token.";
    let world = world(Default::default()).await;
    let without = world.sophie().patch(path()).json(&json!({ "ttlSeconds": 1 })).send().await;
    expect_invalid(&without, &[TOKEN]);
    assert_eq!(without.json()["errors"][TOKEN], json!(["The lockTokenHeader field is required."]));
    expect_invalid(&renew(&world.sophie(), " ", 1).await, &[TOKEN]);
    let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let unknown = format!("{API}/instances/{}/{}/lock", own::SOPHIES_PARTY, guid(2));
    for token in [
        "%%%".to_owned(),
        encoded("x"),
        encoded(r#"{"secret":"YQ=="}"#),
        encoded(r#"{"id":1}"#),
        encoded(r#"{"id":1,"secret":""}"#),
        encoded(r#"{"id":1,"secret":"%"}"#),
        encoded(r#"{"id":0,"secret":"YQ=="}"#),
    ] {
        expect_detail(&renew(&world.sophie(), &token, 1).await, 400, GARBAGE);
        let there = world.sophie().patch(&unknown).header(TOKEN, &token).json(&json!({ "ttlSeconds": -1 }));
        expect_detail(&there.send().await, 400, GARBAGE);
    }
    let token = token_of(&world.sophie(), 30).await;
    for path in [&unknown, &path()] {
        let negative = world.sophie().patch(path).header(TOKEN, &token).json(&json!({ "ttlSeconds": -1 })).send().await;
        expect_detail(&negative, 400, "TtlSeconds cannot be negative.");
    }
    let there = world.sophie().patch(&unknown).header(TOKEN, &token).json(&json!({ "ttlSeconds": 1 })).send().await;
    expect_detail(&there, 404, "Instance not found.");
    expect_empty(&renew(&world.server.anonymous(), &token, 1).await, 401);
}

#[tokio::test]
async fn another_lock_or_secret_is_refused() {
    let _rows = covers("platform-storage", &["L21", "L22"]);
    let world = world(Default::default()).await;
    let token = token_of(&world.sophie(), 30).await;
    let mut parts: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&token).expect("base64url")).expect("a token is JSON");
    assert!(parts["id"].is_u64(), "{parts}");
    parts["secret"] = json!("YW5ub25oZW1tZWxpZ2hldA==");
    let forged = URL_SAFE_NO_PAD.encode(parts.to_string());
    expect_detail(&renew(&world.sophie(), &forged, 30).await, 403, "Lock token is invalid.");
    parts["id"] = json!(7);
    let unknown = URL_SAFE_NO_PAD.encode(parts.to_string());
    expect_detail(&renew(&world.sophie(), &unknown, 30).await, 404, "Lock not found.");
    // The lock of one instance is none of another.
    world.server.seed(Seed::of(instance(2))).await;
    let there = world.sophie().patch(format!("{API}/instances/{}/lock", instance(2).id));
    expect_detail(&there.header(TOKEN, &token).json(&json!({})).send().await, 404, "Lock not found.");
}

#[tokio::test]
async fn secret_is_not_kept() {
    let world = world(Default::default()).await;
    let token = token_of(&world.sophie(), 30).await;
    let parts: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&token).expect("base64url")).expect("a token is JSON");
    let key = instance(1).id.to_string();
    let record = world.server.service.store.record(RecordKind::InstanceLock, key).await.expect("a load");
    let kept = record.expect("a lock").document;
    assert!(!kept.contains(parts["secret"].as_str().expect("a secret")));
}

#[tokio::test]
async fn lock_stops_nobody_who_does_not_ask_for_it() {
    let world = world(Default::default()).await;
    token_of(&world.ttd(), 30).await;
    let texts = world.sophie().put(format!("{API}/instances/{}/presentationtexts", instance(1).id));
    expect_status(&texts.json(&json!({ "texts": { "a": "b" } })).send().await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_it_at_once_one_gets_it() {
    for backing in BACKINGS {
        let world = world(backing).await;
        for _ in 0..20 {
            let asking: Vec<_> = (0..16)
                .map(|_| {
                    let client = world.sophie();
                    tokio::spawn(async move { acquire(&client, json!({ "ttlSeconds": 30 })).await.status })
                })
                .collect();
            let mut won = 0;
            for answer in asking {
                match answer.await.expect("no panic") {
                    200 => won += 1,
                    status => assert_eq!(status, 409),
                }
            }
            assert_eq!(won, 1);
            pass(&world, 30);
        }
    }
}
