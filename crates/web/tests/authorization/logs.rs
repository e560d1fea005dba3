//! What must never be said: tokens and personal numbers, neither to clients nor in the log
//! (platform-authentication §6.4).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use mottak_testing::covers;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::callers::{PARTY, USER, make, server};

const PERSON: &str = "01039012345";

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_errors_nor_the_log_hold_tokens_or_personal_numbers() {
    let _rows = covers("platform-authentication", &["Z05"]);
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::error!("the log is written");

    let server = server();
    let user = server.with_claims(json!({
        "urn:altinn:userid": USER.to_string(),
        "urn:altinn:partyid": 501_337,
        "urn:altinn:authlevel": 2,
        "urn:altinn:authenticatemethod": "BankID",
        "pid": PERSON,
    }));
    let made = make(&user, "kulturstotte").await;
    let token = user.token().expect("a token").to_owned();
    let signature = token.rsplit('.').next().expect("three parts").to_owned();
    let instances = "/ttd/kulturstotte/instances";
    let nobody = server.anonymous();
    let requests = [
        user.post(format!("{instances}/create")).json(&json!({"instanceOwner": {"personNumber": "17858296430"}})),
        user.post(format!("{instances}/create"))
            .json(&json!({"instanceOwner": {"personNumber": PERSON, "partyId": 1}})),
        user.post(instances).json(&json!({"instanceOwner": {"personNumber": "17858296430"}})),
        user.post(instances).body("application/json", format!("{{\"instanceOwner\": {{\"personNumber\": \"{PERSON}\"")),
        user.put(format!("{}/data/{}", made.path, made.form)).json(&json!({"prosjekt": {"tittel": [PERSON]}})),
        user.put(format!("{}/data/{}", made.path, made.form)).body("application/xml", format!("<x>{PERSON}")),
        user.get("/storage/api/v1/instances").header("x-ai-instanceowneridentifier", "Person:17858296430"),
        user.get("/storage/api/v1/instances").header("x-ai-instanceowneridentifier", &format!("Person:{PERSON}0")),
        nobody.get(made.path.as_str()).header("authorization", &format!("Bearer {token}x")),
        nobody.get(made.path.as_str()).header("authorization", &format!("Bearer {}", token.replace('.', ""))),
        nobody.get(made.path.as_str()).header("cookie", &format!("AltinnStudioRuntime={token}x")),
        user.post(instances).header("cookie", &format!("AltinnStudioRuntime={token}")).header("x-xsrf-token", &token),
        user.get(format!("{instances}/{PARTY}/00000000-0000-0000-0000-000000000000")),
        server.user(12345).get(made.path.as_str()),
    ];
    let mut refused = 0;
    for request in requests {
        let what = format!("{request:?}").chars().take(400).collect::<String>();
        let answer = request.send().await;
        assert!(answer.status < 500, "{} for {what}", answer.status);
        if answer.status < 400 {
            continue;
        }
        refused += 1;
        for secret in [PERSON, "17858296430", signature.as_str()] {
            assert!(!answer.text().contains(secret), "{} says {secret}", answer.text());
            let headers = format!("{:?}", answer.headers);
            assert!(!headers.contains(secret), "{headers} say {secret}");
        }
    }
    assert!(refused > 10, "{refused} refusals");
    // Every route and every caller, too.
    assert!(!crate::matrix::observe().await.is_empty());
    let text = String::from_utf8(log.0.lock().expect("no writer panics").clone()).expect("text");
    assert!(text.contains("the log is written"));
    // All tokens begin alike.
    for secret in [PERSON, "17858296430", signature.as_str(), "eyJ"] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
