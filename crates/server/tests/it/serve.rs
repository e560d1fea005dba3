//! `mottak serve`: nothing of the developers' side is there, and only configured issuers are believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use mottak_service::authentication::{SigningKey, TokenIssuer};
use mottak_testing::covers;
use serde_json::{Value, json};

use crate::running::{Running, example, mottak};

const ISSUER: &str = "https://platform.example.no/authentication/api/v1/openid/";
const ACTIVE: &str = "/ttd/kulturstotte/instances/500700/active";

/// An issuer and the folder with its keys.
fn issuer(folder: &Path) -> (TokenIssuer, PathBuf) {
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let jwks = folder.join("jwks.json");
    fs::write(&jwks, key.jwks().to_string()).expect("a writable folder");
    (TokenIssuer::new(ISSUER, key), jwks)
}

fn token(issuer: &TokenIssuer, changes: Value) -> String {
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the real time")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let Value::Object(mut claims) = json!({
        "urn:altinn:userid": "1337", "urn:altinn:partyid": 501_337, "urn:altinn:authlevel": 2,
        "urn:altinn:authenticatemethod": "BankID", "scope": "altinn:portal/enduser",
        "iat": now, "nbf": now, "exp": now + 600,
    }) else {
        unreachable!("an object was written")
    };
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    claims.extend(changes);
    issuer.issue(claims)
}

fn serve() -> (Running, TokenIssuer) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (issuer, jwks) = issuer(folder.path());
    let mut command = mottak();
    command.args(["serve", "--listen", "127.0.0.1:0", "--issuer", ISSUER, "--data"]);
    command.arg(folder.path().join("data")).arg("--jwks").arg(jwks).arg(example());
    (Running::start(command, folder), issuer)
}

async fn status_as(server: &Running, token: &str) -> u16 {
    server.get(ACTIVE).bearer_auth(token).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn serve_believes_its_issuer_and_no_development_token() {
    let _rows = covers("platform-authentication", &["V31"]);
    let (server, issuer) = serve();
    assert_eq!(status_as(&server, &token(&issuer, json!({}))).await, 200);
    assert_eq!(status_as(&server, &token(&issuer, json!({"actual_iss": "localtest"}))).await, 401);
    let dev = Running::dev(&[example()]);
    for family in ["/Home/GetTestUserToken/1337", "/Home/auth/user?userId=1337"] {
        let token = dev.text(family).await;
        assert_eq!(status_as(&server, token.trim_matches('"')).await, 401, "{family}");
    }
    assert_eq!(server.status(ACTIVE).await, 401);
}

#[tokio::test]
async fn serve_has_none_of_the_development_endpoints() {
    let _rows = covers("platform-authentication", &["T30"]);
    let (server, _) = serve();
    for path in [
        "/",
        "/?goto=x",
        "/Home",
        "/Home/Index",
        "/Home/GetTestUserToken/1337",
        "/Home/GetTestOrgToken/ttd",
        "/Home/GetTestSystemUserToken",
        "/Home/GetAppAuthenticationLevel",
        "/Home/Localtest/Version",
        "/Home/auth/user?userId=1337",
        "/Home/auth/selfidentifieduser",
        "/Home/auth/org",
        "/Home/auth/serviceowner?org=ttd",
        "/Home/auth/systemuser",
        "/Home/auth/info",
        "/api/GetPersonalToken",
        "/authentication/api/v1/authentication?goto=x",
    ] {
        assert_eq!(server.status(path).await, 404, "{path}");
    }
    let login = server.post("/Home/LogInTestUser").body("UserSelect=1337.501337&AuthenticationLevel=2").send().await;
    assert_eq!(login.expect("an answer").status(), 404);
    assert_eq!(server.status("/health").await, 200);
}

#[tokio::test]
async fn serve_sends_people_to_the_login_of_the_platform() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = mottak();
    command.args(["serve", "--listen", "127.0.0.1:0", "--platform-url", "https://platform.tt02.altinn.no/", "--data"]);
    command.arg(folder.path().join("data")).arg(example());
    let server = Running::start(command, folder);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = client.get(format!("{}/ttd/kulturstotte/", server.address)).send().await.expect("an answer");
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().expect("an address");
    let login = "https://platform.tt02.altinn.no/authentication/api/v1/authentication?goto=https%3A%2F%2F127.0.0.1";
    assert!(location.starts_with(login), "{location}");
    assert!(server.log().contains("no issuer is configured"), "{}", server.log());
}

#[tokio::test]
async fn a_page_that_is_open_in_a_browser_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (issuer, jwks) = issuer(folder.path());
    let start = |folder: tempfile::TempDir| {
        let mut command = mottak();
        command.args(["serve", "--listen", "127.0.0.1:0", "--issuer", ISSUER, "--data"]);
        command.arg(folder.path().join("data")).arg("--jwks").arg(&jwks).arg(example());
        Running::start(command, folder)
    };
    let server = start(folder);
    let session = format!("AltinnStudioRuntime={}", token(&issuer, json!({})));
    let page = server.get("/ttd/kulturstotte/").header("cookie", &session).send().await.expect("an answer");
    let cookies = page.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()?.split(';').next());
    let cookies: Vec<String> = cookies.map(str::to_owned).collect();
    let shown = cookies.iter().find_map(|cookie| cookie.strip_prefix("XSRF-TOKEN=")).expect("the pair").to_owned();

    let server = start(server.kill());
    let new = "/ttd/kulturstotte/instances?instanceOwnerPartyId=1";
    let cookies = format!("{session}; {}", cookies.join("; "));
    let answer = server.post(new).header("cookie", &cookies).header("x-xsrf-token", shown).send().await;
    // The register of this installation is empty: the request was looked at.
    assert_eq!(answer.expect("an answer").status(), 404);
    let answer = server.post(new).header("cookie", &cookies).send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn issuers_can_be_named_in_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (issuer, _) = issuer(folder.path());
    let file = folder.path().join("mottak.toml");
    let apps = example();
    let text = format!(
        "apps = ['{}']\nlisten = '127.0.0.1:0'\ndata = 'data'\n\n[[issuers]]\nissuer = '{ISSUER}'\njwks = 'jwks.json'\n",
        apps.display()
    );
    fs::write(&file, text).expect("a writable folder");
    let mut command = mottak();
    command.arg("serve").env("MOTTAK_CONFIG", &file);
    let server = Running::start(command, folder);
    assert_eq!(status_as(&server, &token(&issuer, json!({}))).await, 200);
}
