//! `mottak dev`: serves whatever apps there are, and lets a developer be anybody.

use std::fs;

use mottak_testing::covers;

use crate::running::{Running, copy_of_example, example, mottak};

const NEW: &str = "/ttd/kulturstotte/instances?instanceOwnerPartyId=500700";

#[tokio::test]
async fn dev_says_where_it_listens_and_is_healthy() {
    let _rows = covers("app-api", &["HLT-01"]);
    let server = Running::dev(&[example()]);
    let response = server.get("/health").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    assert_eq!(response.text().await.expect("a text"), "Healthy");
}

#[tokio::test]
async fn all_shared_apps_are_served_at_once() {
    let Some(folder) = mottak_testing::shared("data/apps") else {
        println!("skipped: no shared apps");
        return;
    };
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut apps: Vec<_> = entries.filter(|path| path.join("App").is_dir()).collect();
    apps.sort();
    let server = Running::dev(&apps);
    let list = server.json("/storage/api/v1/applications").await;
    let served = list["applications"].as_array().expect("applications");
    assert_eq!(served.len(), apps.len(), "{}", server.log());
    for app in served {
        let id = app["id"].as_str().expect("an id");
        let metadata = server.json(&format!("/{id}/api/v1/applicationmetadata")).await;
        assert_eq!(metadata["id"], app["id"]);
    }
    println!("{} apps", apps.len());
}

#[tokio::test]
async fn a_broken_app_is_told_of_and_does_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = copy_of_example(&folder.path().join("broken"));
    let metadata = broken.join("App/config/applicationmetadata.json");
    let text = fs::read_to_string(&metadata).expect("metadata").replace("ttd/kulturstotte", "ttd/broken");
    fs::write(&metadata, text).expect("a writable file");
    fs::write(broken.join("App/config/process/process.bpmn"), "<bpmn:definitions>\n<oops").expect("a writable file");
    let absent = folder.path().join("absent");
    let server = Running::dev(&[broken, absent, example()]);
    assert_eq!(server.status("/ttd/kulturstotte/api/v1/applicationmetadata").await, 200);
    assert_eq!(server.status("/ttd/broken/api/v1/applicationmetadata").await, 404);
    let log = server.log();
    for part in ["broken", "config/process/process.bpmn:", "absent"] {
        assert!(log.contains(part), "{part} is not in:\n{log}");
    }
}

#[tokio::test]
async fn every_family_of_test_tokens_is_good_for_what_it_says() {
    let _rows = covers("platform-authentication", &["T01", "T04", "T06"]);
    let server = Running::dev(&[example()]);
    let system = "d111dbab-d619-4f15-bf29-58fe570a9ae6";
    let instances = "altinn:serviceowner%2Finstances.read";
    for (family, status) in [
        ("/Home/GetTestUserToken/1337".to_owned(), 201),
        ("/Home/GetTestUserToken?userId=1337&authenticationLevel=1".to_owned(), 403),
        ("/Home/GetTestUserToken/12345".to_owned(), 403),
        (format!("/Home/GetTestOrgToken/ttd?orgNumber=405003309&scopes={instances}"), 201),
        ("/Home/GetTestOrgToken?org=ttd".to_owned(), 201),
        ("/Home/GetTestOrgToken/digdir".to_owned(), 403),
        (format!("/Home/GetTestSystemUserToken?systemUserId={system}&scope=altinn:instances.read"), 201),
        ("/Home/auth/user?userId=1337".to_owned(), 201),
        ("/Home/auth/serviceowner?org=ttd".to_owned(), 201),
        ("/Home/auth/org?orgNumber=950474084".to_owned(), 403),
        (format!("/Home/auth/systemuser?systemId=913312465_sbs&systemUserId={system}"), 201),
        ("/Home/auth/selfidentifieduser?username=SelvRegistrert".to_owned(), 403),
    ] {
        let token = server.text(&family).await;
        let created = server.post(NEW).bearer_auth(token.trim_matches('"')).send().await.expect("an answer");
        assert_eq!(created.status(), status, "{family}");
    }
    assert_eq!(server.status("/Home/GetTestUserToken/999999").await, 404);
}

#[tokio::test]
async fn the_generator_asks_for_its_login_and_its_tokens_are_good() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = mottak();
    command.args(["dev", "--listen", "127.0.0.1:0", "--generator-login", "ola:hemmelig", "--data"]);
    command.arg(folder.path().join("data")).arg(example());
    let server = Running::start(command, folder);
    let kind = "/api/GetPersonalToken?env=tt02&pid=01039012345&userId=1337&partyId=501337";
    let usual = server.get(kind).basic_auth("mottak", Some("mottak")).send().await.expect("an answer");
    assert_eq!(usual.status(), 401);
    let token = server.get(kind).basic_auth("ola", Some("hemmelig")).send().await.expect("an answer");
    let token = token.text().await.expect("a token");
    let created = server.post(NEW).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    let created = created.text().await.expect("an instance");
    let created: serde_json::Value = serde_json::from_str(&created).expect("JSON");
    let text = |pointer: &str| created.pointer(pointer).and_then(|value| value.as_str()).expect("a text").to_owned();

    let kind = "/api/GetPlatformAccessToken?env=tt02&app=filescan";
    let component = server.get(kind).basic_auth("ola", Some("hemmelig")).send().await.expect("an answer");
    let component = component.text().await.expect("a token");
    let path = format!("/storage/api/v1/instances/{}/dataelementexists/{}", text("/id"), text("/data/0/id"));
    for (token, status) in [(component.as_str(), 200), (token.as_str(), 401)] {
        let answer = server.get(&path).header("PlatformAccessToken", token).send().await.expect("an answer");
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn tokens_of_another_run_are_not_taken() {
    let (first, second) = (Running::dev(&[example()]), Running::dev(&[example()]));
    let token = first.text("/Home/GetTestUserToken/1337").await;
    assert_eq!(first.post(NEW).bearer_auth(&token).send().await.expect("an answer").status(), 201);
    assert_eq!(second.post(NEW).bearer_auth(&token).send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn a_developer_logs_in_with_a_browser_and_makes_an_instance() {
    let server = Running::dev(&[example()]);
    let address = &server.address;
    let browser = reqwest::Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none());
    let browser = browser.build().expect("a client");
    let location = |response: &reqwest::Response| {
        assert_eq!(response.status(), 302, "{}", response.url());
        response.headers()["location"].to_str().expect("an address").to_owned()
    };

    let app = format!("{address}/ttd/kulturstotte/");
    let login = location(&browser.get(&app).send().await.expect("an answer"));
    assert!(login.starts_with(&format!("{address}/authentication/api/v1/authentication?goto=")), "{login}");
    let page = location(&browser.get(&login).send().await.expect("an answer"));
    assert!(page.starts_with("/?goto="), "{page}");
    assert_eq!(browser.get(format!("{address}{page}")).send().await.expect("an answer").status(), 200);

    let goto = page.strip_prefix("/?goto=").expect("an address");
    let form = format!("action=start&UserSelect=1337.500700&AuthenticationLevel=2&RedirectUrl={goto}");
    let chosen = browser.post(format!("{address}/Home/LogInTestUser")).body(form);
    let chosen = chosen.header("content-type", "application/x-www-form-urlencoded").send().await.expect("an answer");
    let back = location(&chosen);
    assert_eq!(format!("{back}/"), app);

    let page = browser.get(&back).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let cookies = page.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let shown = cookies.filter_map(|line| line.strip_prefix("XSRF-TOKEN=")).find_map(|rest| rest.split(';').next());
    let shown = shown.expect("the pair").to_owned();
    let new = browser.post(format!("{address}{NEW}"));
    assert_eq!(new.header("x-xsrf-token", shown).send().await.expect("an answer").status(), 201);
    assert_eq!(browser.post(format!("{address}{NEW}")).send().await.expect("an answer").status(), 400);
}

#[tokio::test]
async fn the_login_is_on_the_host_that_the_browser_knows() {
    let server = Running::dev(&[example()]);
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let app = browser.get(format!("{}/ttd/kulturstotte/", server.address)).header("host", "local.altinn.cloud:8000");
    let answer = app.send().await.expect("an answer");
    let login = answer.headers()["location"].to_str().expect("an address");
    assert!(login.starts_with("http://local.altinn.cloud:8000/authentication/"), "{login}");
}
