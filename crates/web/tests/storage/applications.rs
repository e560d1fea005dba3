//! Metadata and texts of applications (platform-storage §2.8).

use mottak_testing::covers;

use crate::{API, expect_empty, expect_problem, expect_text, own};

#[tokio::test]
async fn applications_are_listed_for_everybody() {
    let _rows = covers("platform-storage", &["A01", "A02"]);
    let world = own::world(Default::default());
    let anonymous = world.server.anonymous();
    for path in ["applications", "applications/ttd"] {
        let list = anonymous.get(format!("{API}/{path}")).send().await.expect(200);
        assert_eq!(list.header("content-type"), Some("application/json; charset=utf-8"));
        let list = list.json();
        let ids: Vec<_> =
            list["applications"].as_array().expect("a list").iter().map(|app| app["id"].clone()).collect();
        assert_eq!(ids, ["ttd/kulturstotte", "ttd/skjenkebevilling"], "{path}");
        assert_eq!(list.as_object().map(serde_json::Map::len), Some(1));
    }
    let none = anonymous.get(format!("{API}/applications/digdir")).send().await.expect(200);
    assert_eq!(none.text(), r#"{"applications":[]}"#);
}

#[tokio::test]
async fn codes_that_no_owner_can_have_are_refused() {
    let _rows = covers("platform-storage", &["A03"]);
    let world = own::world(Default::default());
    for (path, org) in [("test%20org", "test org"), ("test-1", "test-1")] {
        let asked = world.server.anonymous().get(format!("{API}/applications/{path}")).send().await;
        expect_text(&asked, 400, &format!("Application owner id '{org}' is not valid"));
    }
}

#[tokio::test]
async fn one_application_is_the_same_as_in_the_list() {
    let _rows = covers("platform-storage", &["A04"]);
    let world = own::world(Default::default());
    let anonymous = world.server.anonymous();
    let one = anonymous.get(format!("{API}/applications/ttd/kulturstotte")).send().await.expect(200);
    let list = anonymous.get(format!("{API}/applications/ttd")).send().await.expect(200);
    assert_eq!(list.json()["applications"][0], one.json());
    assert!(list.text().contains(&one.text()), "byte for byte");
    let members: Vec<_> = one.json().as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members[..3], ["id", "org", "title"]);
    for unknown in ["ttd/finnes-ikke", "digdir/kulturstotte"] {
        let asked = anonymous.get(format!("{API}/applications/{unknown}")).send().await;
        expect_text(&asked, 404, &format!("Could not find an application with appId={unknown}"));
    }
}

#[tokio::test]
async fn texts_are_told_to_whoever_has_a_token() {
    let _rows = covers("platform-storage", &["T01"]);
    let world = own::world(Default::default());
    let path = format!("{API}/applications/ttd/kulturstotte/texts/nb");
    for client in [world.sophie(), world.ttd(), world.server.system_user()] {
        let answer = client.get(&path).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        let texts = answer.json();
        let members: Vec<_> = texts.as_object().expect("an object").keys().cloned().collect();
        assert_eq!(members, ["id", "org", "language", "resources"]);
        assert_eq!((texts["id"].as_str(), texts["org"].as_str()), (Some("ttd-kulturstotte-nb"), Some("ttd")));
        assert_eq!(texts["language"], "nb");
        let first = r#"{"id":"appName","value":"Søknad om kulturstøtte","variables":null}"#;
        assert!(answer.text().contains(first), "{}", answer.text());
    }
}

#[tokio::test]
async fn texts_of_no_language_are_refused_and_unknown_ones_not_found() {
    let _rows = covers("platform-storage", &["T02"]);
    let world = own::world(Default::default());
    let path = |language: &str| format!("{API}/applications/ttd/kulturstotte/texts/{language}");
    for language in ["norsk", "12", "n", "n1", "%C3%A6"] {
        let asked = world.sophie().get(path(language)).send().await;
        expect_text(&asked, 400, "The language must be a two letter ISO language name.");
    }
    expect_problem(&world.sophie().get(path("fr")).send().await, 404, "Not Found", "15.5.5");
    let unknown = format!("{API}/applications/ttd/finnes-ikke/texts/nb");
    expect_problem(&world.sophie().get(unknown).send().await, 404, "Not Found", "15.5.5");
    expect_empty(&world.server.anonymous().get(path("nb")).send().await, 401);
}
