//! The start page, and the pair that changes made with a browser's session must show (app-api §1.5, §19.1;
//! platform-authentication §3.4, §8.4).

use axum::http::Method;
use mottak_apps::LoadOptions;
use mottak_testing::covers;
use mottak_testkit::{Answer, Client, Sending, TestServer};
use serde_json::json;

use crate::callers::{Made, OTHER_USER, PARTY, USER, adgang, copy, make, server};

const APP: &str = "/ttd/kulturstotte";

/// A browser in which somebody has logged in and opened the app.
struct Browser {
    /// Carries no token by itself.
    client: Client,
    session: String,
    secret: String,
    readable: String,
}

fn cookie(answer: &Answer, name: &str) -> String {
    let lines = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("a cookie"));
    let found = lines.filter_map(|line| line.strip_prefix(name)).find_map(|rest| rest.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no cookie {name}")).to_owned()
}

fn value(cookie: &str) -> String {
    cookie.split(';').next().unwrap_or_default().to_owned()
}

impl Browser {
    async fn open(server: &TestServer, user: i32) -> Self {
        let client = server.user(user);
        let session = format!("AltinnStudioRuntime={}", client.token().expect("a token"));
        let client = client.without_token();
        let page = client.get(format!("{APP}/")).header("cookie", &session).send().await.expect(200);
        let (secret, readable) = (value(&cookie(&page, "AS-XSRF-TOKEN")), value(&cookie(&page, "XSRF-TOKEN")));
        Self { client, session, secret, readable }
    }

    fn request(&self, method: Method, path: &str) -> Sending {
        self.client.request(method, path).header("cookie", &self.session)
    }

    /// A request as the page makes it.
    fn own_request(&self, method: Method, path: &str) -> Sending {
        let cookies = format!("{}; AS-XSRF-TOKEN={}; XSRF-TOKEN={}", self.session, self.secret, self.readable);
        self.client.request(method, path).header("cookie", &cookies).header("x-xsrf-token", &self.readable)
    }
}

fn create() -> String {
    format!("{APP}/instances?instanceOwnerPartyId={PARTY}")
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let problem = answer.json();
    assert_eq!((&problem["title"], &problem["status"]), (&json!("Bad Request"), &json!(400)));
    assert!(problem["traceId"].is_string() && problem.get("errors").is_none(), "{problem}");
}

#[tokio::test]
async fn the_start_page_hands_out_the_pair() {
    let _rows = covers("platform-authentication", &["X01"]);
    let server = server();
    let page = server.user(USER).get(format!("{APP}/?x=y")).send().await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("pragma"), Some("no-cache"));
    assert_eq!(page.header("x-frame-options"), Some("deny"));
    for part in ["window.org = 'ttd'", "window.app = 'kulturstotte'", "<div id=\"root\">"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let (secret, readable) = (cookie(&page, "AS-XSRF-TOKEN"), cookie(&page, "XSRF-TOKEN"));
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(secret.contains(attribute), "{secret}");
    }
    assert!(readable.contains("Path=/") && !readable.contains("HttpOnly"), "{readable}");
    for session_long in [&secret, &readable] {
        assert!(!session_long.contains("Expires") && !session_long.contains("Max-Age"), "{session_long}");
    }
    let opaque = value(&readable);
    let opaque = opaque.strip_prefix("v1.").expect("the version");
    assert!(opaque.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{opaque}");
}

#[tokio::test]
async fn an_app_can_bring_its_own_start_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&adgang(), folder.path());
    let views = folder.path().join("App/views/Home");
    std::fs::create_dir_all(&views).expect("a writable folder");
    let page = "@{\n    ViewBag.Title = \"x\";\n}\n<p data-org=\"@ViewBag.Org\">@ViewBag.App</p>\n";
    std::fs::write(views.join("Index.cshtml"), page).expect("a writable folder");
    let server = TestServer::builder().apps([folder.path().to_owned()]).build();
    let shown = server.user(USER).get("/ttd/adgang/").send().await.expect(200);
    assert_eq!(shown.text().trim(), "<p data-org=\"ttd\">adgang</p>");
    assert_eq!(shown.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(server.user(USER).request(Method::POST, "/ttd/adgang/").send().await.status, 405);
}

#[tokio::test]
async fn whoever_is_nobody_is_sent_to_the_login_with_a_pair() {
    let _rows = (covers("app-api", &["HOM-01", "HOM-02"]), covers("platform-authentication", &["L26"]));
    let server = server();
    let login = "https://platform.example.no/authentication/api/v1/authentication?goto=";
    let goto = "https%3A%2F%2Flocalhost%2Fttd%2Fkulturstotte";
    for client in [server.anonymous(), server.expired_user(USER)] {
        let answer = client.get(format!("{APP}/?anything=else")).send().await.expect(302);
        assert_eq!(answer.header("location"), Some(format!("{login}{goto}").as_str()));
        assert!(answer.body.is_empty());
        assert!(!cookie(&answer, "AS-XSRF-TOKEN").is_empty() && !cookie(&answer, "XSRF-TOKEN").is_empty());
    }
    let answer = server.anonymous().get(format!("{APP}?dontChooseReportee=true")).send().await.expect(302);
    assert_eq!(answer.header("location"), Some(format!("{login}{goto}&DontChooseReportee=true").as_str()));
}

#[tokio::test]
async fn a_stateless_app_for_everybody_shows_its_page_to_everybody() {
    let _rows = (covers("app-api", &["HOM-03"]), covers("platform-authentication", &["L27"]));
    let Some(folder) = mottak_testing::shared("data/apps") else {
        println!("skipped: no shared apps");
        return;
    };
    let apps = ["anonymous-stateless-app", "stateless-app"].map(|app| folder.join(app));
    let server = TestServer::builder().apps(apps).load_options(LoadOptions::serving()).build();
    let mut shown = 0;
    for app in server.service.apps.list() {
        let is_open = app.folder.to_string_lossy().contains("anonymous");
        let answer = server.anonymous().get(format!("/{}/", app.id)).send().await;
        assert_eq!(answer.status, if is_open { 200 } else { 302 }, "{}", app.id);
        shown += 1;
    }
    assert_eq!(shown, 2);
}

#[tokio::test]
async fn a_change_from_the_apps_own_page_is_made() {
    let _rows = (covers("platform-authentication", &["X02"]), covers("app-api", &["INS-37"]));
    let server = server();
    let browser = Browser::open(&server, USER).await;
    browser.own_request(Method::POST, &create()).send().await.expect(201).json();
    for origin in ["http://localhost", "https://localhost"] {
        let answer = browser.own_request(Method::POST, &create()).header("origin", origin).send().await;
        assert_eq!(answer.status, 201, "{origin}");
    }
}

#[tokio::test]
async fn a_change_without_the_pair_is_refused() {
    let _rows = (covers("platform-authentication", &["X03", "X05"]), covers("app-api", &["INS-36"]));
    let server = server();
    let browser = Browser::open(&server, USER).await;
    assert_refused(&browser.request(Method::POST, &create()).send().await);
    let header_alone = browser.request(Method::POST, &create()).header("x-xsrf-token", &browser.readable);
    assert_refused(&header_alone.send().await);
    for wrong in ["", "v1.", "v1.AAAA", "v2.x", browser.secret.as_str()] {
        assert_refused(&browser.own_request(Method::POST, &create()).header("x-xsrf-token", wrong).send().await);
    }
    let listed = browser.request(Method::GET, &format!("{APP}/instances/{PARTY}/active")).send().await.expect(200);
    assert_eq!(listed.json(), json!([]), "nothing was made");
}

#[tokio::test]
async fn the_pair_of_somebody_else_is_worth_nothing() {
    let _rows = covers("platform-authentication", &["X04"]);
    let server = server();
    let (browser, other) = (Browser::open(&server, USER).await, Browser::open(&server, OTHER_USER).await);
    let cookies = format!("{}; AS-XSRF-TOKEN={}", browser.session, other.secret);
    let request = browser.client.post(create()).header("cookie", &cookies);
    assert_refused(&request.header("x-xsrf-token", &other.readable).send().await);
    // Nor is one that was handed out before the login.
    let before = server.anonymous().get(format!("{APP}/")).send().await.expect(302);
    let cookies = format!("{}; AS-XSRF-TOKEN={}", browser.session, value(&cookie(&before, "AS-XSRF-TOKEN")));
    let request = browser.client.post(create()).header("cookie", &cookies);
    assert_refused(&request.header("x-xsrf-token", &value(&cookie(&before, "XSRF-TOKEN"))).send().await);
}

#[tokio::test]
async fn systems_that_send_a_bearer_alone_need_no_pair() {
    let _rows = covers("platform-authentication", &["X06", "X07"]);
    let server = server();
    let user = server.user(USER);
    assert_eq!(user.post(create()).send().await.status, 201);
    let with_cookie = user.post(create()).header("cookie", "AltinnStudioRuntime=whatever");
    assert_refused(&with_cookie.send().await);
    let with_other_cookie = user.post(create()).header("cookie", "AltinnPartyId=501337");
    assert_eq!(with_other_cookie.send().await.status, 201);
}

fn changes(made: &Made) -> Vec<(Method, String)> {
    let Made { path, form, file, .. } = made;
    vec![
        (Method::POST, format!("{APP}/instances/create")),
        (Method::POST, format!("{path}/data?dataType=vedlegg")),
        (Method::POST, format!("{path}/data/type/vedlegg")),
        (Method::POST, format!("{path}/data/vedlegg")),
        (Method::PATCH, format!("{path}/data")),
        (Method::PATCH, format!("{path}/data/{form}")),
        (Method::PUT, format!("{path}/data/{form}")),
        (Method::PUT, format!("{path}/data/{form}/type/soknad")),
        (Method::DELETE, format!("{path}/data/{file}")),
        (Method::PUT, format!("{path}/substatus")),
        (Method::POST, format!("{path}/process/start")),
        (Method::PUT, format!("{path}/process/next")),
        (Method::PUT, format!("{path}/process/completeProcess")),
        (Method::DELETE, path.clone()),
    ]
}

#[tokio::test]
async fn every_change_of_an_instance_is_checked_and_nothing_else_is() {
    let _rows = (covers("platform-authentication", &["X08", "X09"]), covers("app-api", &["DAT-50"]));
    let server = server();
    let browser = Browser::open(&server, USER).await;
    let made = make(&server.user(USER), "kulturstotte").await;
    for (method, path) in changes(&made) {
        assert_refused(&browser.request(method, &path).send().await);
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for path in
            [made.path.as_str(), &format!("{}/process", made.path), &format!("{}/data/{}", made.path, made.form)]
        {
            let answer = browser.request(method.clone(), path).send().await;
            assert_ne!(answer.status, 400, "{method} {path}");
        }
    }
    // What the policy of the route does not permit is refused for that.
    let complete = browser.request(Method::POST, &format!("{}/complete", made.path)).send().await;
    assert_eq!(complete.status, 403);
    // Who is nobody is told so first.
    let nobody = server.anonymous().post(create()).header("cookie", "AltinnStudioRuntime=forged");
    assert_eq!(nobody.send().await.status, 401);
}

#[tokio::test]
async fn other_sites_are_refused_even_with_a_pair() {
    let _rows = covers("platform-authentication", &["X11"]);
    let server = server();
    let browser = Browser::open(&server, USER).await;
    for origin in ["https://evil.example", "null", "https://localhost.evil.example", "https://localhost:1"] {
        assert_refused(&browser.own_request(Method::POST, &create()).header("origin", origin).send().await);
    }
}

#[tokio::test]
async fn an_app_can_turn_the_check_off() {
    let settings = [("AppSettings:DisableCsrfCheck".to_owned(), "true".to_owned())].into();
    let options = LoadOptions { settings, ..LoadOptions::serving() };
    let app = mottak_testing::repository_root().join("apps/kulturstotte");
    let server = TestServer::builder().apps([app]).load_options(options).build();
    let browser = Browser::open(&server, USER).await;
    assert_eq!(browser.request(Method::POST, &create()).send().await.status, 201);
}
