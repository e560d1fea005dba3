//! A server with the developers' side, and how its generator is asked.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mottak_testkit::{Answer, TestServer};
use serde_json::Value;

pub(crate) fn server() -> TestServer {
    TestServer::builder().with_local().build()
}

/// The value of `Authorization` for a name and password.
pub(crate) fn basic(login: &str) -> String {
    format!("Basic {}", STANDARD.encode(login))
}

/// Asks the generator as somebody who may.
pub(crate) async fn ask(server: &TestServer, path: &str) -> Answer {
    server.anonymous().get(format!("/api/{path}")).header("authorization", &basic("mottak:mottak")).send().await
}

/// The token that the generator answers.
pub(crate) async fn token(server: &TestServer, path: &str) -> String {
    let answer = ask(server, path).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    answer.text()
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// Asks for something with a token.
pub(crate) async fn get_as(server: &TestServer, token: &str, path: &str) -> Answer {
    server.anonymous().get(path).header("authorization", &format!("Bearer {token}")).send().await
}

/// An instance with a file: its address in storage, and the file's id.
pub(crate) async fn make(server: &TestServer, party: i32) -> (String, String) {
    let user = server.user(1337);
    let created =
        user.post(format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={party}")).send().await.expect(201);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let upload = user.post(format!("/ttd/kulturstotte/instances/{id}/data/type/vedlegg"));
    let upload = upload.file("vedlegg.pdf", "application/pdf", &b"%PDF-1.4\n%%EOF\n"[..]).send().await.expect(200);
    let file = upload.json()["newDataElementId"].as_str().expect("an id").to_owned();
    (format!("/storage/api/v1/instances/{id}"), file)
}
