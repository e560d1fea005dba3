//! The developers' side, in-process: platform-authentication §8.6 and §8.10.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt as _;
use mottak_model::Time;
use mottak_service::authentication::{
    Caller, PublicKeys, SigningKey, Takes, TestTokens, TokenIssuer, TokenProblem, TokenVerifier, TrustedIssuer,
};
use mottak_service::ports::{FixedClock, SequentialIds};
use mottak_store::register::TestRegister;
use mottak_testing::covers;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{GeneratorLogin, LocalApp, LocalApps, LocalState, TestIdentities, router};

const NOW: Time = Time::from_unix_seconds(1_764_000_000);
const URL: &str = "http://local.altinn.cloud:8000";
const SYSTEM_USER: &str = "d111dbab-d619-4f15-bf29-58fe570a9ae6";

static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().expect("a key")));

#[derive(Debug)]
struct OneApp;

impl LocalApps for OneApp {
    fn apps(&self) -> Vec<LocalApp> {
        vec![LocalApp { id: "ttd/<kultur>".parse().expect("an id"), minimum_level: Some(3) }]
    }
}

fn state() -> LocalState {
    let register = TestRegister::builtin();
    let identities = TestIdentities {
        organizations: register.organization_numbers().map(str::to_owned).collect(),
        system_users: register.system_users().cloned().collect(),
        systems: register.systems().iter().map(|system| (system.id.clone(), system.name.clone())).collect(),
        extra_claims: register
            .extra_claims(1337)
            .iter()
            .map(|(name, value)| (1337, name.clone(), value.clone()))
            .collect(),
    };
    LocalState {
        issuer: TokenIssuer::new(&format!("{URL}/authentication/api/v1/openid/"), Arc::clone(&KEY)),
        components: LocalState::COMPONENTS.map(|name| TokenIssuer::new(name, Arc::clone(&KEY))).into(),
        generator_login: GeneratorLogin::default(),
        verifier: Arc::new(TokenVerifier::new(Vec::new(), TestTokens::Accepted)),
        register: Arc::new(register),
        clock: Arc::new(FixedClock::at(NOW)),
        ids: Arc::new(SequentialIds::default()),
        identities: Arc::new(identities),
        apps: Arc::new(OneApp),
        public_url: URL.into(),
        hosts: LocalState::HOSTS.map(str::to_owned).into(),
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    fn cookie(&self, name: &str) -> &str {
        let find = |cookie: &&str| cookie.split_once('=').is_some_and(|(key, _)| key == name);
        let cookie = self.cookies().into_iter().find(find).unwrap_or_else(|| panic!("no cookie {name}"));
        let value = cookie.split(';').next().and_then(|pair| pair.split_once('='));
        value.map(|(_, value)| value).unwrap_or_default()
    }

    /// The problem's title.
    fn problem(&self) -> String {
        assert_eq!(self.status, StatusCode::BAD_REQUEST, "{}", self.body);
        assert_eq!(self.header(CONTENT_TYPE), "application/problem+json; charset=utf-8");
        let problem: Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(problem["status"], 400);
        problem["title"].as_str().expect("a title").to_owned()
    }

    /// The caller whom the token in the body proves.
    fn caller(&self) -> Caller {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.header(CACHE_CONTROL), "no-store");
        verify(&self.body, TestTokens::Accepted).expect("a good token")
    }

    /// The claims of the token in the body.
    fn claims(&self) -> Value {
        claims(&self.body)
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

fn verify(token: &str, test_tokens: TestTokens) -> Result<Caller, TokenProblem> {
    let issuer = state().issuer.issuer().to_owned();
    let trusted = TrustedIssuer { issuer, keys: PublicKeys::of(&KEY), takes: Takes::Everything };
    TokenVerifier::new(vec![trusted], test_tokens).verify(token, NOW)
}

async fn send(request: Request<Body>) -> Answer {
    let response = router(state()).oneshot(request).await.expect("the router answers");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).expect("text") }
}

async fn get(path: &str) -> Answer {
    get_with(path, &[]).await
}

async fn get_with(path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header(HOST, "local.altinn.cloud:8000");
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(request.body(Body::empty()).expect("a request")).await
}

async fn log_in(form: &str) -> Answer {
    let request = Request::post("/Home/LogInTestUser")
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(request.body(Body::from(form.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn an_old_user_token_is_complete() {
    let _rows = covers("platform-authentication", &["T02", "T03"]);
    let answer = get("/Home/GetTestUserToken/1337").await;
    assert_eq!(answer.header(CONTENT_TYPE), "text/plain; charset=utf-8");
    let caller = answer.caller();
    let user = caller.user().expect("a user");
    assert_eq!((user.user_id, user.party_id.get(), caller.level()), (1337, 501_337, 2));
    assert!(caller.scopes().is_portal());
    assert_eq!(caller.method(), Some("localtest"));
    let claims = answer.claims();
    assert_eq!(claims["urn:altinn:userid"], "1337");
    assert_eq!(claims["urn:altinn:partyid"], 501_337);
    assert_eq!(claims["nameid"], "1337");
    assert_eq!(claims["some:extra:claim"], "claimValue");
    assert_eq!(claims["urn:altinn:party:uuid"], "e9dd7d91-32d8-4933-a108-07562762d572");
    assert_eq!(claims["exp"].as_i64(), Some(NOW.unix_seconds() + 960 * 60));

    let by_query = get("/Home/GetTestUserToken?userId=1001&authenticationLevel=4").await.caller();
    assert_eq!((by_query.user().map(|user| user.user_id), by_query.level()), (Some(1001), 4));

    assert_eq!(get("/Home/GetTestUserToken/999999").await.status, StatusCode::NOT_FOUND);
    for path in
        ["/Home/GetTestUserToken", "/Home/GetTestUserToken/x", "/Home/GetTestUserToken/1337?authenticationLevel=5"]
    {
        assert_eq!(get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_a_json_string_for_those_who_accept_nothing_else() {
    for (accept, is_json) in [
        ("application/json", true),
        ("text/json;q=0.9", true),
        ("*/*", false),
        ("text/html,application/json,*/*;q=0.8", false),
        ("text/plain", false),
    ] {
        let answer = get_with("/Home/GetTestUserToken/1337", &[("accept", accept)]).await;
        assert_eq!(answer.header(CONTENT_TYPE).starts_with("application/json"), is_json, "{accept}");
        assert_eq!(answer.body.starts_with('"') && answer.body.ends_with('"'), is_json, "{accept}");
    }
}

#[tokio::test]
async fn an_old_owner_token_carries_its_scopes_under_both_names() {
    let _rows = covers("platform-authentication", &["T05"]);
    let path = "/Home/GetTestOrgToken/ttd?orgNumber=991825827&scopes=altinn%3Aserviceowner%2Finstances.read";
    let answer = get(path).await;
    let caller = answer.caller();
    assert!(caller.is_service_owner_of("ttd"));
    assert_eq!((caller.org_number(), caller.level()), (Some("991825827"), 3));
    assert!(caller.scopes().has("altinn:serviceowner/instances.read") && caller.is_owner_like());
    assert_eq!(answer.claims()["scope"], answer.claims()["urn:altinn:scope"]);
    for path in ["/Home/GetTestOrgToken?org=ttd", "/Home/GetTestOrgToken?org=TTD", "/Home/GetTestOrgToken/TTD"] {
        let caller = get(path).await.caller();
        assert_eq!((caller.service_owner(), caller.org_number()), (Some("ttd"), Some("405003309")), "{path}");
    }
    for path in ["/Home/GetTestOrgToken", "/Home/GetTestOrgToken/unknown"] {
        assert_eq!(get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn an_old_system_user_token_needs_a_known_user_and_a_scope() {
    let _rows = covers("platform-authentication", &["T06", "T07"]);
    let path = "/Home/GetTestSystemUserToken";
    let caller = get(&format!("{path}?systemUserId={SYSTEM_USER}&scope=altinn:instances.read")).await.caller();
    let system_user = caller.system_user().expect("a system user");
    assert_eq!(system_user.id.to_string(), SYSTEM_USER);
    assert_eq!((&*system_user.owner_org_number, &*system_user.vendor_org_number), ("950474084", "913312465"));

    let described = "systemId=913312465_x&systemUserOrgNumber=950474084&supplierOrgNumber=991825827&scope=x";
    let caller = get(&format!("{path}?{described}")).await.caller();
    assert_eq!(caller.system_user().map(|user| &*user.vendor_org_number), Some("991825827"));

    for query in [
        "systemUserId=d111dbab-d619-4f15-bf29-58fe570a9ae7&scope=x",
        "systemUserId=d111dbab-d619-4f15-bf29-58fe570a9ae6",
        "systemUserId=abc&scope=x",
        "systemId=913312465_x&systemUserOrgNumber=123456789&supplierOrgNumber=991825827&scope=x",
        "scope=x",
    ] {
        assert_eq!(get(&format!("{path}?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_new_user_token_names_the_party_asked_for() {
    let _rows = covers("platform-authentication", &["T08", "T09"]);
    let answer = get("/Home/auth/user?userId=1337&partyId=500000").await;
    assert_eq!((answer.caller().level(), answer.caller().method()), (2, Some("BankID")));
    assert_eq!(answer.claims()["urn:altinn:partyid"], "500000");
    assert_eq!(answer.claims()["actual_iss"], "localtest");
    for (query, user, party) in [
        ("userId=1337", 1337, 501_337),
        ("partyId=500600", 1337, 500_600),
        ("partyId=500700&userId=2001", 2001, 500_700),
        ("", 1001, 510_001),
    ] {
        let caller = get(&format!("/Home/auth/user?{query}")).await.caller();
        assert_eq!(caller.user().map(|user| (user.user_id, user.party_id.get())), Some((user, party)), "{query}");
    }
    for query in ["userId=12345&partyId=500000", "userId=1337&partyId=500001", "userId=1", "partyId=1", "userId=x"] {
        let problem = get(&format!("/Home/auth/user?{query}")).await.problem();
        assert_eq!(problem, "Failed to generate user token", "{query}");
    }
}

#[tokio::test]
async fn a_self_identified_user_has_level_0() {
    let _rows = covers("platform-authentication", &["T10", "T11"]);
    let caller = get("/Home/auth/selfidentifieduser?username=SelvRegistrert").await.caller();
    assert!(caller.is_self_identified());
    assert_eq!((caller.user().map(|user| user.user_id), caller.method()), (Some(1004), Some("SelfIdentified")));
    for query in ["username=SophieDDG", "username=nobody", ""] {
        let answer = get(&format!("/Home/auth/selfidentifieduser?{query}")).await;
        assert_eq!(answer.problem(), "Failed to generate self-identified user token");
        assert!(answer.body.contains("SelvRegistrert"));
    }
}

#[tokio::test]
async fn organisations_and_owners_get_tokens_of_their_kind() {
    let _rows = covers("platform-authentication", &["T12"]);
    let caller = get("/Home/auth/org?orgNumber=950474084").await.caller();
    assert_eq!((caller.org_number(), caller.service_owner()), (Some("950474084"), None));
    assert!(caller.scopes().has("altinn:instances.write"));
    assert_eq!(get("/Home/auth/org").await.caller().org_number(), Some("043871668"));
    assert_eq!(get("/Home/auth/org?orgNumber=1").await.problem(), "Failed to generate org token");

    let caller = get("/Home/auth/serviceowner?org=ttd&orgNumber=405003309").await.caller();
    assert_eq!((caller.service_owner(), caller.org_number()), (Some("ttd"), Some("405003309")));
    let problem = get("/Home/auth/serviceowner?orgNumber=405003309").await.problem();
    assert_eq!(problem, "Failed to generate service owner token");
}

#[tokio::test]
async fn a_system_user_must_belong_to_the_system() {
    let _rows = covers("platform-authentication", &["T13"]);
    let path = "/Home/auth/systemuser";
    let caller = get(&format!("{path}?systemId=913312465_sbs&systemUserId={SYSTEM_USER}")).await.caller();
    assert_eq!(caller.system_user().map(|user| &*user.owner_org_number), Some("950474084"));
    let problem = get(&format!("{path}?systemId=wrong&systemUserId={SYSTEM_USER}")).await.problem();
    assert_eq!(problem, "Failed to generate system user token");
}

#[tokio::test]
async fn a_token_of_any_kind_can_be_asked_for_by_name_or_number() {
    let system = format!("systemId=913312465_sbs&systemUserId={SYSTEM_USER}");
    for (kinds, rest, is_right) in [
        (["User", "1"], "userId=1337&scope=altinn:a", (|caller| caller.user().is_some()) as fn(&Caller) -> bool),
        (["selfidentifieduser", "2"], "username=SelvRegistrert", Caller::is_self_identified),
        (["Org", "3"], "orgNumber=950474084", |caller| caller.org_number() == Some("950474084")),
        (["SystemUser", "4"], &system, |caller| caller.system_user().is_some()),
        (["ServiceOwner", "5"], "org=ttd", |caller| caller.service_owner() == Some("ttd")),
    ] {
        for kind in kinds {
            let caller = get(&format!("/Home/auth/generate?type={kind}&{rest}")).await.caller();
            assert!(is_right(&caller), "{kind}");
        }
    }
    let scope = get("/Home/auth/generate?type=User&userId=1337&scope=altinn:a").await.claims()["scope"].clone();
    assert_eq!(scope, "altinn:a");
    for query in ["", "type=6", "type=Nobody&userId=1337"] {
        assert_eq!(get(&format!("/Home/auth/generate?{query}")).await.problem(), "Failed to generate token");
    }
    assert_eq!(get("/Home/auth/generate?type=1&userId=1").await.problem(), "Failed to generate user token");
}

#[tokio::test]
async fn what_can_be_asked_for_is_listed() {
    let _rows = covers("platform-authentication", &["T14"]);
    let info: Value = serde_json::from_str(&get("/Home/auth/info").await.body).expect("JSON");
    assert_eq!(info["authenticationTypes"].as_array().map(Vec::len), Some(5));
    assert_eq!(info["availableTestData"]["users"].as_array().map(Vec::len), Some(8));
    assert_eq!(info["availableTestData"]["systemUsers"][0]["id"], SYSTEM_USER);
    assert_eq!(info["availableTestData"]["systems"][0]["id"], "913312465_sbs");
    assert_eq!(info["defaultScopes"]["user"], "altinn:portal/enduser");
    let version = get("/Home/Localtest/Version").await;
    assert_eq!((version.status, &*version.body), (StatusCode::OK, "6"));
}

#[tokio::test]
async fn test_tokens_do_not_pass_in_production() {
    let token = get("/Home/GetTestUserToken/1337").await.body;
    assert_eq!(verify(&token, TestTokens::Refused), Err(TokenProblem::TestToken));
}

#[tokio::test]
async fn a_login_sets_three_cookies() {
    let _rows = covers("platform-authentication", &["T15"]);
    let answer = log_in("action=reauthenticate&UserSelect=1337.501337&AuthenticationLevel=2").await;
    assert_eq!((answer.status, answer.cookies().len()), (StatusCode::NO_CONTENT, 3));
    let caller = verify(answer.cookie("AltinnStudioRuntime"), TestTokens::Accepted).expect("a good token");
    assert_eq!((caller.user().map(|user| user.user_id), caller.level()), (Some(1337), 2));
    assert_eq!(answer.cookie("AltinnPartyId"), "501337");
    assert_eq!(answer.cookie("Localtest_User.Party_Select"), "1337.501337");
    for cookie in answer.cookies() {
        assert_eq!(cookie.contains("HttpOnly"), !cookie.starts_with("AltinnPartyId="), "{cookie}");
        assert!(cookie.contains("; Path=/;") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
    }
}

#[tokio::test]
async fn a_login_goes_on_to_the_app() {
    let _rows = covers("platform-authentication", &["T16"]);
    let form = "action=start&UserSelect=1337.500000&AuthenticationLevel=3&AppPathSelection=ttd/%3Ckultur%3E";
    let answer = log_in(form).await;
    assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::FOUND, "/ttd/<kultur>/"));
    assert_eq!(answer.cookie("AltinnPartyId"), "500000");
    assert_eq!(claims(answer.cookie("AltinnStudioRuntime"))["urn:altinn:partyid"], "501337", "the user's own party");

    let unknown = log_in("UserSelect=1337.500000&AuthenticationLevel=3&AppPathSelection=ttd/unknown").await;
    assert_eq!((unknown.status, &*unknown.body), (StatusCode::BAD_REQUEST, "App not found"));
    assert_eq!(unknown.cookies().len(), 3);
}

#[tokio::test]
async fn a_login_goes_nowhere_else() {
    let _rows = covers("platform-authentication", &["T17"]);
    for (address, expected) in [
        ("http://local.altinn.cloud/ttd/x", "http://local.altinn.cloud/ttd/x"),
        ("http://local.altinn.cloud:8000/ttd/x?y=1#/z", "http://local.altinn.cloud:8000/ttd/x?y=1#/z"),
        ("/ttd/x", "/ttd/x"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("http://localhost@evil.example/", "/"),
        ("http://evil.example#@localhost/", "/"),
        ("http://localhost.evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie:x=y", "/"),
    ] {
        let address: String = form_urlencoded::byte_serialize(address.as_bytes()).collect();
        let answer = log_in(&format!("UserSelect=1337.501337&AuthenticationLevel=2&RedirectUrl={address}")).await;
        assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::FOUND, expected), "{address}");
    }
}

#[tokio::test]
async fn nobody_is_logged_in_at_level_minus_1_or_by_a_wrong_choice() {
    let _rows = covers("platform-authentication", &["T18", "T33"]);
    let answer = log_in("action=reauthenticate&UserSelect=1337.501337&AuthenticationLevel=-1").await;
    assert_eq!((answer.status, answer.cookies().len()), (StatusCode::NO_CONTENT, 0));
    for form in [
        "action=start&UserSelect=12345.500000&AuthenticationLevel=2",
        "action=start&UserSelect=abc&AuthenticationLevel=2",
        "action=start&AuthenticationLevel=2",
        "action=start&UserSelect=1337.501337&AuthenticationLevel=5",
    ] {
        let answer = log_in(form).await;
        assert_eq!((answer.status, answer.cookies().len()), (StatusCode::BAD_REQUEST, 0), "{form}");
    }
    let sub_unit = log_in("action=reauthenticate&UserSelect=1337.500002&AuthenticationLevel=2").await;
    assert_eq!(sub_unit.cookie("AltinnPartyId"), "500002");
}

#[tokio::test]
async fn a_form_may_come_in_parts() {
    let part =
        |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let file = |content: &str| {
        let head = "--b\r\nContent-Disposition: form-data; name=\"prefill\"; filename=\"x.xml\"\r\n";
        format!("{head}Content-Type: text/xml\r\n\r\n{content}\r\n")
    };
    for (content, status) in [("", StatusCode::FOUND), ("<x/>", StatusCode::BAD_REQUEST)] {
        let body = [
            part("UserSelect", "1004.510004"),
            part("AuthenticationLevel", "0"),
            part("RedirectUrl", ""),
            part("action", "start"),
            file(content),
            "--b--\r\n".to_owned(),
        ];
        let request = Request::post("/Home/LogInTestUser")
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "multipart/form-data; boundary=b");
        let answer = send(request.body(Body::from(body.concat())).expect("a request")).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == StatusCode::FOUND {
            let caller = verify(answer.cookie("AltinnStudioRuntime"), TestTokens::Accepted).expect("a good token");
            assert!(caller.is_self_identified());
        }
    }
}

#[tokio::test]
async fn the_page_offers_apps_users_and_levels() {
    let _rows = covers("platform-authentication", &["T19"]);
    let chosen = [(COOKIE.as_str(), "Localtest_User.Party_Select=1337.500000")];
    let answer = get_with("/?goTo=%22%3E%3Cscript%3E", &chosen).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header(CONTENT_TYPE).starts_with("text/html"));
    for expected in [
        r#"<select id="UserSelect" name="UserSelect">"#,
        r#"<select id="AuthenticationLevel" name="AuthenticationLevel">"#,
        r#"<option value="ttd/&lt;kultur&gt;" selected>ttd/&lt;kultur&gt;</option>"#,
        r#"<option value="12345.512345">Ola Nordmann</option>"#,
        r#"<optgroup label="Sophie Salt">"#,
        r#"<option value="1337.500000" selected>DDG Fitness AS (Organisation)</option>"#,
        r#"<option value="1337.501337">Sophie Salt (Person)</option>"#,
        r#"<option value="-1">Ikke autentisert</option>"#,
        r#"<option value="3" selected>Nivå 3</option>"#,
        r#"<input type="hidden" name="RedirectUrl" value="&quot;&gt;&lt;script&gt;">"#,
        r#"value="start">Proceed to app</button>"#,
        r#"value="reauthenticate">Refresh authentication</button>"#,
        r#"<label for="UserSelect">Select test users</label>"#,
    ] {
        assert!(answer.body.contains(expected), "{expected} in {}", answer.body);
    }
    for path in ["/Home", "/Home/Index"] {
        assert_eq!(get(path).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_level_of_an_app_can_be_asked_for() {
    let path = "/Home/GetAppAuthenticationLevel";
    assert_eq!(get(&format!("{path}?appId=ttd/%3Ckultur%3E")).await.body, "3");
    assert_eq!(get(&format!("{path}?appId=ttd/other")).await.body, "2");
    assert_eq!(get(path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_login_elsewhere_leads_to_the_page() {
    let _rows = covers("platform-authentication", &["T20"]);
    let goto = "http%3A%2F%2Flocal.altinn.cloud%2Fttd%2Fx";
    let answer = get(&format!("/authentication/api/v1/authentication?goto={goto}")).await;
    assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::FOUND, &*format!("/?goto={goto}")));
}

#[tokio::test]
async fn other_hosts_get_nothing() {
    let _rows = covers("platform-authentication", &["T31"]);
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "localhost@evil.example", ""] {
        for path in ["/Home/GetTestUserToken/1337", "/", "/Home/auth/user"] {
            let answer = get_with(path, &[("host", host)]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{host}");
            assert!(!answer.body.contains("eyJ"));
        }
    }
    for host in ["localhost", "LOCALHOST:5101", "127.0.0.1:8000"] {
        assert_eq!(get_with("/", &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
}
