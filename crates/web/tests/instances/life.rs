//! What happens to an instance as a whole: deleted, given a substatus, confirmed (app-api §3.5–3.7).

use mottak_testing::covers;
use mottak_testkit::TestServer;
use serde_json::{Value, json};

use crate::world::*;

#[tokio::test]
async fn a_deleted_instance_can_come_back_until_it_is_deleted_for_good() {
    let _rows = covers("app-api", &["DEL-01", "DEL-02"]);
    let server = server();
    let user = server.user(1337);
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    let soft = user.delete(&path).send().await.expect(200).json();
    assert_eq!((&soft["status"]["isSoftDeleted"], &soft["status"]["isHardDeleted"]), (&json!(true), &json!(false)));
    assert!(soft["status"]["softDeleted"].is_string() && soft["instanceOwner"]["party"].is_null());
    assert_eq!(soft["selfLinks"]["apps"], format!("https://localhost{path}"));
    assert_eq!(soft["lastChangedBy"], "1337");
    let hard = user.delete(format!("{path}?hard=TRUE")).send().await.expect(200).json();
    assert_eq!((&hard["status"]["isSoftDeleted"], &hard["status"]["isHardDeleted"]), (&json!(true), &json!(true)));
    assert_eq!(hard["status"]["softDeleted"], soft["status"]["softDeleted"]);
}

#[tokio::test]
async fn how_to_delete_is_true_or_false() {
    let server = server();
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    let problem = server.user(1337).delete(format!("{path}?hard=kanskje")).send().await.expect(400).json();
    assert_eq!(problem["errors"], json!({ "hard": ["The value 'kanskje' is not valid."] }));
    let read = server.user(1337).get(&path).send().await.expect(200).json();
    assert_eq!(read["status"]["isSoftDeleted"], false);
}

#[tokio::test]
async fn whom_the_policy_does_not_let_may_not_delete() {
    let _rows = covers("app-api", &["DEL-03"]);
    let server = TestServer::with_example_apps();
    let path = "/ttd/kulturstotte/instances";
    let created = server.user(1337).post(format!("{path}?instanceOwnerPartyId=501337")).send().await.expect(201);
    let instance = format!("{path}/{}", id(&created));
    for path in [instance.clone(), format!("{path}/501337/9edd53de-f46f-40a1-bb4d-3efb93dc113d")] {
        let answer = server.user(1001).delete(path).send().await.expect(403);
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    let read = server.user(1337).get(instance).send().await.expect(200).json();
    assert_eq!(read["status"]["isSoftDeleted"], false);
}

#[tokio::test]
async fn an_app_can_keep_what_is_handed_in() {
    let server = Variant::of(&app(), |metadata| metadata["preventInstanceDeletionForDays"] = json!(30)).server();
    let user = server.user(1337);
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    for _ in 0..2 {
        user.put(format!("{path}/process/next")).send().await.expect(200);
    }
    let answer = user.delete(path).send().await.expect(403);
    assert!(answer.body.is_empty(), "{}", answer.text());
}

#[tokio::test]
async fn the_owner_of_the_app_says_how_far_it_has_come() {
    let server = server();
    let id = new_instance(&server).await;
    let path = format!("{APP}/instances/{id}");
    let substatus = json!({ "label": "Under behandling", "description": "Svar innen 14 dager" });
    let body = json!({ "Label": "Under behandling", "description": "Svar innen 14 dager" });
    let changed = server.ttd().put(format!("{path}/substatus")).json(&body).send().await.expect(200).json();
    assert_eq!(changed["status"]["substatus"], substatus);
    assert_eq!(changed["selfLinks"]["apps"], format!("https://localhost{path}"));
    assert_eq!(changed["lastChangedBy"], "405003309");
    let read = server.user(1337).get(path).send().await.expect(200).json();
    assert_eq!(read["status"]["substatus"], substatus);
    let events = server.ttd().get(format!("/storage/api/v1/instances/{id}/events")).send().await.expect(200).json();
    let last = events["instanceEvents"].as_array().and_then(|events| events.last()).cloned();
    assert_eq!(last.expect("a history")["eventType"], "SubstatusUpdated");
}

#[tokio::test]
async fn a_substatus_has_a_label() {
    let _rows = covers("app-api", &["SUB-02"]);
    let server = server();
    let path = format!("{APP}/instances/{}/substatus", new_instance(&server).await);
    for (body, said) in [
        (json!({}), r#"{"label":null,"description":null}"#),
        (json!({ "label": "", "description": "x" }), r#"{"label":"","description":"x"}"#),
    ] {
        let answer = server.ttd().put(&path).json(&body).send().await.expect(400);
        let expected = format!("Invalid sub status: {said}. Substatus must be defined and include a label.");
        assert_eq!(sentence(&answer), expected);
    }
    for body in ["null", "", "{", "[]", r#"{"label":7}"#] {
        let problem = server.ttd().put(&path).body("application/json", body).send().await.expect(400).json();
        assert!(problem["errors"].is_object(), "{body}: {problem}");
    }
    assert_standard_problem(&server.ttd().put(&path).send().await, 415, "Unsupported Media Type");
    let text = server.ttd().put(&path).body("text/plain", "{\"label\":\"x\"}").send().await;
    assert_standard_problem(&text, 415, "Unsupported Media Type");
}

#[tokio::test]
async fn only_the_owner_of_the_app_sets_the_substatus() {
    let _rows = covers("app-api", &["SUB-03"]);
    let server = server();
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    let others = [server.user(1337), server.owner("digdir", "991825827"), server.organisation("405003309")];
    for client in others {
        let answer = client.put(format!("{path}/substatus")).json(&json!({ "label": "x" })).send().await.expect(403);
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    let read = server.user(1337).get(path).send().await.expect(200).json();
    assert_eq!(read["status"]["substatus"], Value::Null);
}

#[tokio::test]
async fn the_owner_of_the_app_confirms_once() {
    let _rows = covers("app-api", &["CMP-01"]);
    let server = server();
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    for _ in 0..2 {
        server.user(1337).put(format!("{path}/process/next")).send().await.expect(200);
    }
    let sending = server.ttd().post(format!("{path}/complete")).body("text/plain", "whatever");
    let first = sending.send().await.expect(200).json();
    let confirmations = first["completeConfirmations"].as_array().unwrap();
    assert_eq!((confirmations.len(), &confirmations[0]["stakeholderId"]), (1, &json!("ttd")));
    assert_eq!(first["selfLinks"]["apps"], format!("https://localhost{path}"));
    assert!(first["instanceOwner"]["party"].is_null());
    let again = server.ttd().post(format!("{path}/complete")).send().await.expect(200).json();
    assert_eq!(again["completeConfirmations"], first["completeConfirmations"]);
}

#[tokio::test]
async fn whom_the_policy_does_not_let_may_not_confirm() {
    let _rows = covers("app-api", &["CMP-02"]);
    let server = server();
    let path = format!("{APP}/instances/{}", new_instance(&server).await);
    let answer = server.user(1337).post(format!("{path}/complete")).send().await.expect(403);
    assert!(answer.body.is_empty(), "{}", answer.text());
}
