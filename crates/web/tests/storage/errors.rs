//! The forms of refusals that hold for every route (platform-storage §0.1, §0.4).

use mottak_testkit::Seed;

use crate::own::{guid, instance};
use crate::{API, expect_empty, own};

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
