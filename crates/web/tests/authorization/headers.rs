//! Headers that every answer carries, and the form of texts by what the client accepts (app-api §1.6, §1.9).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use mottak_model::Time;
use mottak_service::ports::{Clock, SystemClock};
use mottak_testing::covers;
use mottak_testkit::{Answer, TestServer};
use serde_json::{Value, json};

use crate::callers::{PARTY, USER, make, server};

fn assert_security_headers(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-frame-options", "deny"),
        ("x-content-type-options", "nosniff"),
        ("x-xss-protection", "0"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}: {name}");
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{what}: {name}");
    }
    for name in ["www-authenticate", "server", "etag", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None, "{what}: {name}");
    }
}

#[tokio::test]
async fn every_answer_of_an_app_has_the_security_headers() {
    let server = server();
    let user = server.user(USER);
    let made = make(&user, "kulturstotte").await;
    let app = "/ttd/kulturstotte";
    let requests = [
        (200, user.get(made.path.as_str())),
        (201, user.post(format!("{app}/instances?instanceOwnerPartyId={PARTY}"))),
        (204, user.get(format!("{app}/api/layoutsettings"))),
        (302, server.anonymous().get(format!("{app}/"))),
        (400, user.post(format!("{app}/instances"))),
        (401, server.anonymous().get(made.path.as_str())),
        (403, server.user(12345).get(made.path.as_str())),
        (404, user.get(format!("{app}/api/options/nothing"))),
        (404, user.get("/ttd/nothing/api/layoutsets")),
        (404, user.get(format!("{app}/no/such/route"))),
        (404, user.get(format!("{app}/instances/abc/def"))),
        (405, user.delete(format!("{app}/instances"))),
        (409, user.post(format!("{}/process/start", made.path))),
        (415, user.post(format!("{app}/instances/create"))),
    ];
    for (status, request) in requests {
        let answer = request.header("origin", "https://other.example").send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_security_headers(&answer, &status.to_string());
        let cache = if status == 302 { "no-cache, no-store" } else { "no-store, no-cache" };
        assert_eq!(answer.header("cache-control"), Some(cache), "{status}");
    }
}

#[tokio::test]
async fn every_route_of_every_app_answers_with_the_security_headers() {
    let _rows = covers("app-api", &["SEC-01"]);
    let server = server();
    let guid = "5a2f3c1e-8f3d-4b42-9a39-0f6a4cbb7a10";
    for route in server.routes().iter().filter(|route| route.path.starts_with("/{org}/{app}")) {
        let path = route.path.replace("{org}", "ttd").replace("{app}", "kulturstotte").replace("{party}", "500700");
        let path = path.replace("{guid}", guid).replace("{data}", guid).replace(['{', '}'], "");
        for client in [server.anonymous(), server.user(USER)] {
            let answer = client.request(route.method.clone(), path.as_str()).send().await;
            assert_security_headers(&answer, &path);
            assert!(answer.header("cache-control").is_some(), "{path}");
        }
    }
}

#[tokio::test]
async fn application_metadata_may_be_kept_for_a_minute() {
    let answer = server().anonymous().get("/ttd/kulturstotte/api/v1/applicationmetadata").send().await.expect(200);
    assert_security_headers(&answer, "metadata");
    let cache = answer.header("cache-control").map(|value| value.replace(' ', ""));
    assert_eq!(cache.as_deref(), Some("public,max-age=60"));
}

#[tokio::test]
async fn a_text_is_plain_unless_only_json_is_accepted() {
    let server = server();
    let path = "/ttd/kulturstotte/api/layouts";
    let text = server.anonymous().get(path).send().await.expect(404).text();
    assert!(text.starts_with("This endpoint is no longer available."), "{text}");
    for accept in [
        "*/*",
        "application/json, text/plain, */*",
        "text/html, application/json, */*;q=0.1",
        "text/plain, application/json",
        "text/plain",
        "application/xml",
    ] {
        let answer = server.anonymous().get(path).accept(accept).send().await.expect(404);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{accept}");
        assert_eq!(answer.text(), text, "{accept}");
    }
    for accept in ["application/json", "Application/JSON;q=0.9", "application/json, text/plain"] {
        let answer = server.anonymous().get(path).accept(accept).send().await.expect(404);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{accept}");
        assert_eq!(answer.json(), Value::String(text.clone()), "{accept}");
    }
}

#[tokio::test]
async fn where_json_is_forced_texts_and_problems_are_json_whatever_is_accepted() {
    let server = server();
    let user = server.user(USER);
    for accept in ["*/*", "text/plain", "application/json", "text/html"] {
        let answer = user.post("/ttd/kulturstotte/instances").accept(accept).send().await.expect(400);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{accept}");
        assert!(answer.json().is_string(), "{accept}");
        let answer = server
            .user(12345)
            .post(format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={PARTY}"))
            .accept(accept)
            .send()
            .await
            .expect(403);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{accept}");
        assert_eq!(answer.json()["title"], "Forbidden");
    }
}

#[tokio::test]
async fn nothing_accepted_is_answered_as_if_everything_were() {
    let user = server();
    let answer = user.anonymous().get("/ttd/kulturstotte/api/layoutsets").accept("image/png").send().await.expect(200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
}

/// A clock that can be broken.
#[derive(Debug, Default)]
struct Breakable(AtomicBool);

impl Clock for Breakable {
    fn now(&self) -> Time {
        assert!(!self.0.load(Ordering::Relaxed), "01039012345 is in the message of this panic");
        SystemClock.now()
    }
}

#[tokio::test]
async fn a_panic_is_500_with_an_id_and_the_next_request_is_served() {
    let clock = Arc::new(Breakable::default());
    let server = TestServer::builder().clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
    let user = server.user(USER);
    clock.0.store(true, Ordering::Relaxed);
    for (path, kind) in [
        (format!("/ttd/kulturstotte/instances/{PARTY}/active"), "application/problem+json; charset=utf-8"),
        (format!("/storage/api/v1/instances?instanceOwner.partyId={PARTY}"), "application/json; charset=utf-8"),
    ] {
        let answer = user.request(Method::GET, path).send().await.expect(500);
        assert_eq!(answer.header("content-type"), Some(kind));
        let problem = answer.json();
        assert_eq!(problem["status"], json!(500));
        assert_eq!(problem["title"], "An error occurred while processing your request.");
        assert!(problem["traceId"].as_str().is_some_and(|trace| trace.starts_with("00-")));
        assert!(!answer.text().contains("01039012345"));
    }
    clock.0.store(false, Ordering::Relaxed);
    assert_eq!(user.get(format!("/ttd/kulturstotte/instances/{PARTY}/active")).send().await.status, 200);
}
