//! The developers' side together with the rest: its tokens and cookies are good for the APIs, on one host
//! (platform-authentication §5, §8.10).

use mottak_testing::covers;
use mottak_testkit::{Answer, TestServer};

use crate::callers::{PARTY, USER, make};

fn server() -> TestServer {
    TestServer::builder().with_local().build()
}

async fn get_with(server: &TestServer, token: &str, path: &str) -> Answer {
    server.anonymous().get(path).header("authorization", &format!("Bearer {token}")).send().await
}

async fn token(server: &TestServer, path: &str) -> String {
    let answer = server.anonymous().get(path).send().await.expect(200);
    answer.text().trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_test_user_token_reads_the_users_instances() {
    let _rows = covers("platform-authentication", &["T01"]);
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    let path = format!("/storage/api/v1/instances/{PARTY}/{}", made.guid);
    for family in ["/Home/GetTestUserToken/1337", "/Home/GetTestUserToken?userId=1337", "/Home/auth/user?userId=1337"] {
        let token = token(&server, family).await;
        assert_eq!(get_with(&server, &token, &path).await.status, 200, "{family}");
    }
    let other = token(&server, "/Home/GetTestUserToken/12345").await;
    assert_eq!(get_with(&server, &other, &path).await.status, 403);
    let low = token(&server, "/Home/GetTestUserToken?userId=1337&authenticationLevel=1").await;
    assert_eq!(get_with(&server, &low, &path).await.status, 403);
}

#[tokio::test]
async fn a_test_owner_token_lists_the_instances_of_its_apps_with_the_scope_alone() {
    let _rows = covers("platform-authentication", &["T04"]);
    let server = server();
    make(&server.user(USER), "kulturstotte").await;
    let list = "/storage/api/v1/instances?org=ttd";
    let base = "/Home/GetTestOrgToken/ttd?orgNumber=405003309";
    let read = token(&server, &format!("{base}&scopes=altinn%3Aserviceowner%2Finstances.read")).await;
    let answer = get_with(&server, &read, list).await.expect(200);
    assert_eq!(answer.json()["instances"].as_array().map(Vec::len), Some(1));
    let other = token(&server, &format!("{base}&scopes=altinn%3Asomething.else")).await;
    assert_eq!(get_with(&server, &other, list).await.status, 403);
}

#[tokio::test]
async fn test_tokens_of_owners_and_others_are_who_they_say() {
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    for (family, status) in [
        ("/Home/auth/serviceowner?org=ttd", 200),
        ("/Home/GetTestOrgToken?org=ttd", 200),
        ("/Home/auth/serviceowner?org=digdir", 403),
        ("/Home/auth/selfidentifieduser?username=SelvRegistrert", 403),
    ] {
        let token = token(&server, family).await;
        assert_eq!(get_with(&server, &token, &made.path).await.status, status, "{family}");
    }
}

#[tokio::test]
async fn everything_is_on_one_host() {
    let _rows = covers("platform-authentication", &["T36"]);
    let server = server();
    for (path, status) in [
        ("/authentication/api/v1/openid/.well-known/openid-configuration", 200),
        ("/storage/api/v1/applications", 200),
        ("/ttd/kulturstotte/", 302),
        ("/health", 200),
        ("/", 200),
    ] {
        let answer = server.anonymous().get(path).header("host", "local.altinn.cloud").send().await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_cookies_of_the_login_page_open_the_app() {
    let server = server();
    let form = "action=reauthenticate&UserSelect=1337.500000&AuthenticationLevel=2";
    let login = server.anonymous().post("/Home/LogInTestUser").body("application/x-www-form-urlencoded", form);
    let login = login.send().await.expect(204);
    let lines = login.headers.get_all("set-cookie").iter().map(|line| line.to_str().expect("a cookie"));
    let cookies: Vec<&str> = lines.filter_map(|line| line.split(';').next()).collect();
    let cookies = cookies.join("; ");
    let page = server.anonymous().get("/ttd/kulturstotte/").header("cookie", &cookies).send().await;
    assert_eq!(page.status, 200);
    let active = server.anonymous().get("/ttd/kulturstotte/instances/500000/active").header("cookie", &cookies);
    assert_eq!(active.send().await.status, 200);
}
