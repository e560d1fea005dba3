//! POST instances/create: the short form, without data (app-api §3.2).

use mottak_testing::covers;
use mottak_testkit::TestServer;
use serde_json::json;

use crate::world::*;

#[tokio::test]
async fn every_kind_of_caller_can_use_the_short_form() {
    let _rows = covers("app-api", &["SIM-01"]);
    let server = server();
    for (client, party, by) in [
        (server.user(1337), "501337", "1337"),
        (server.organisation("897069650"), "500000", "897069650"),
        (server.ttd(), "501337", "405003309"),
        (server.system_user(), "500700", "950474084"),
        (server.user_at_level(1004, 0), "510004", "1004"),
    ] {
        let body = json!({ "instanceOwner": { "partyId": party } });
        let answer = client.post(format!("{APP}/instances/create")).json(&body).send().await.expect(201);
        let created = answer.json();
        assert_eq!(answer.header("location"), created["selfLinks"]["apps"].as_str());
        assert_eq!(created["data"].as_array().map(Vec::len), Some(1));
        assert_eq!((&created["instanceOwner"]["partyId"], &created["createdBy"]), (&json!(party), &json!(by)));
        assert_eq!(created["process"]["currentTask"]["elementId"], "Task_1");
    }
}

#[tokio::test]
async fn values_are_of_their_kind() {
    let _rows = covers("app-api", &["SIM-04", "SIM-05"]);
    let server = server();
    let user = server.user(1337);
    for body in [
        r#"{"instanceOwner":{"partyId":501337}}"#,
        r#"{"instanceOwner":{"partyId":"501337"},"prefill":{"antall":3}}"#,
        r#"{"instanceOwner":{"partyId":"501337"},"dueBefore":"i morgen"}"#,
        r#"{"instanceOwner":{"partyId":"501337"},}"#,
        r#"{"instanceOwner":{"partyId":"501337"} // comment"#,
        r#"{"instanceOwner":"#,
        r#"["501337"]"#,
        "501337",
        "",
        "  ",
    ] {
        let answer = user.post(format!("{APP}/instances/create")).body("application/json", body).send().await;
        let problem = answer.expect(400).json();
        assert_eq!(problem["title"], "One or more validation errors occurred.", "{body}");
        assert!(problem["errors"].as_object().is_some_and(|errors| !errors.is_empty()), "{body}: {problem}");
    }
    for content_type in [None, Some("text/plain"), Some("multipart/form-data; boundary=b")] {
        let sending = user.post(format!("{APP}/instances/create"));
        let answer = match content_type {
            None => sending.send().await,
            Some(content_type) => sending.body(content_type, "{}").send().await,
        };
        assert_standard_problem(&answer, 415, "Unsupported Media Type");
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn the_owner_has_to_be_named() {
    let _rows = covers("app-api", &["SIM-06"]);
    let server = server();
    for body in [json!({}), json!({ "instanceOwner": {} }), json!({ "instanceOwner": null, "prefill": null })] {
        let answer = server.user(1337).post(format!("{APP}/instances/create")).json(&body).send().await.expect(400);
        assert!(sentence(&answer).ends_with("You must populate instanceOwnerPartyId or InstanceOwner"));
    }
    let body = json!({ "instanceOwner": { "partyId": "999999" } });
    let answer = server.user(1337).post(format!("{APP}/instances/create")).json(&body).send().await.expect(404);
    assert_eq!(sentence(&answer), "Cannot lookup party: Unknown party");
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn dates_are_kept() {
    let _rows = covers("app-api", &["SIM-07"]);
    let server = server();
    let body = json!({
        "InstanceOwner": { "PartyId": "501337" },
        "DueBefore": "2030-01-31T23:59:59Z",
        "visibleAfter": "2026-12-24T17:00:00Z",
        "unknown": { "member": [] }
    });
    let created = server.user(1337).post(format!("{APP}/instances/create")).json(&body).send().await.expect(201).json();
    assert_eq!(created["dueBefore"], "2030-01-31T23:59:59Z");
    assert_eq!(created["visibleAfter"], "2026-12-24T17:00:00Z");
}

#[tokio::test]
async fn users_are_kept_out_of_the_short_form_too() {
    let _rows = covers("app-api", &["SIM-08"]);
    let server = Variant::of(&app(), |metadata| metadata["disallowUserInstantiation"] = json!(true))
        .server_of(TestServer::builder().in_production());
    let body = json!({ "instanceOwner": { "partyId": "501337" } });
    let answer = server.user(1337).post(format!("{APP}/instances/create")).json(&body).send().await.expect(403);
    assert_eq!(sentence(&answer), "User instantiation is disabled for this application ttd/opprettelse");
    assert_nothing(&stored(&server).await);
    server.ttd().post(format!("{APP}/instances/create")).json(&body).send().await.expect(201);
}
