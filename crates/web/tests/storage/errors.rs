//! The forms of refusals that hold for every route (platform-storage §0.1, §0.4).

use std::sync::Arc;

use mottak_service::ports::{Store, SystemClock};
use mottak_store::MemoryStore;
use mottak_testing::covers;
use mottak_testkit::{FaultyStore, Operation, Seed, TestServer};

use crate::own::{guid, instance};
use crate::{API, expect_empty, expect_problem, expect_status, expect_text, own};

#[tokio::test]
async fn wrong_verb_is_405_and_says_what_is_allowed() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    for (sending, allowed) in [
        (world.sophie().patch(format!("{here}/process/history")), "GET"),
        (world.sophie().get(format!("{here}/complete")), "POST"),
        (world.sophie().patch(format!("{API}/instances")), "GET"),
    ] {
        let answer = sending.send().await;
        expect_empty(&answer, 405);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains(allowed)), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn unknown_paths_are_404_without_a_body() {
    let world = own::world(Default::default());
    for path in ["", "/", "/instances/1/2/3/4/5", "/finnes-ikke", "/instances/501337/abc/events"] {
        expect_empty(&world.sophie().get(format!("{API}{path}")).send().await, 404);
    }
}

#[tokio::test]
async fn nobody_gets_anything_without_a_token() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    for path in [
        format!("{API}/instances"),
        here.clone(),
        format!("{API}/instances/{}", guid(1)),
        format!("{here}/events"),
        format!("{here}/events/{}", guid(2)),
        format!("{here}/process/history"),
        format!("{here}/dataelements"),
        format!("{here}/data/{}", guid(2)),
    ] {
        for client in [world.server.anonymous(), world.server.expired_user(own::SOPHIE)] {
            expect_empty(&client.get(&path).send().await, 401);
        }
    }
}

/// The text is JSON, also for who asked for anything else, and letters beyond ASCII stay as they are.
#[tokio::test]
async fn texts_are_json_strings() {
    let world = own::world(Default::default());
    for accept in ["*/*", "text/plain", "application/json", "text/html,application/xhtml+xml;q=0.9"] {
        let asked =
            world.ttd().get(format!("{API}/instances?org=ttd&process.ended=%C3%A6%22")).accept(accept).send().await;
        assert_eq!(asked.status, 400);
        assert_eq!(asked.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(asked.text(), r#""Invalid date expression: æ\" for query key: process.ended""#);
    }
}

#[tokio::test]
async fn health_needs_nobody() {
    let world = own::world(Default::default());
    let answer = world.server.anonymous().get("/health").send().await.expect(200);
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("Healthy", Some("text/plain; charset=utf-8")));
}

/// What cannot be the value of anything finds nothing, is refused, or is no path; it never is the server's fault.
#[tokio::test]
async fn strange_values_break_nothing() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let ttd = world.ttd();
    for query in [
        "lastChanged=gt:9999-12-31T23:59:59.9999999Z",
        "lastChanged=lte:9999-12-31T23:59:59.9999999Z",
        "created=gte:0001-01-01&created=lt:0001-01-02",
        "searchString=%00",
        "searchString=%27%22%25_%5C",
        "process.currentTask=%27+or+1=1--",
        "appId=ttd/a/b",
        "appId=/",
        "order=d%C3%A6sc:lastChanged",
        "size=2147483647",
        "&&==&=a&a=",
    ] {
        expect_status(&ttd.get(format!("{API}/instances?org=ttd&{query}")).send().await, 200);
    }
    for query in ["lastChanged=gt:10000-01-01", "lastChanged=gt:%FF", "created=gt:0000-00-00", "size=2147483648"] {
        expect_status(&ttd.get(format!("{API}/instances?org=ttd&{query}")).send().await, 400);
    }
    for path in ["instances/%FF", "instances/501337/%FF", "applications/%FF/%FF", "applications/%FF"] {
        expect_empty(&ttd.get(format!("{API}/{path}")).send().await, 404);
    }
    let asked = ttd.get(format!("{API}/instances?org={}", "x".repeat(20_000))).send().await;
    expect_text(&asked, 400, "AppId must be defined.");
}

#[tokio::test]
async fn failure_of_the_store_is_500_and_says_nothing_of_it() {
    let _rows = covers("platform-storage", &["S04"]);
    let store = FaultyStore::new(Arc::new(MemoryStore::new(Arc::new(SystemClock))));
    let server = TestServer::builder().store(Arc::clone(&store) as Arc<dyn Store>).build();
    server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    store.fail([Operation::Commit, Operation::Search]);
    for sending in [server.ttd().post(format!("{here}/complete")), server.ttd().get(format!("{API}/instances?org=ttd"))]
    {
        let title = "An error occurred while processing your request.";
        expect_problem(&sending.send().await, 500, title, "15.6.1");
    }
    store.fail([]);
    let after = server.ttd().get(&here).send().await.expect(200).json();
    assert_eq!(after.get("completeConfirmations"), None);
}
