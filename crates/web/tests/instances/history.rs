//! What making an instance leaves in its history (app-process §2.9, platform-storage §2.3).

use mottak_testkit::{Client, TestServer};
use serde_json::{Value, json};

use crate::world::*;

async fn events_of(server: &TestServer, id: &str) -> Vec<Value> {
    let answer = server.ttd().get(format!("/storage/api/v1/instances/{id}/events")).send().await.expect(200);
    answer.json()["instanceEvents"].as_array().cloned().expect("a list of events")
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["eventType"].as_str()).collect()
}

async fn made_by(server: &TestServer, client: &Client, party: i32) -> Vec<Value> {
    let id = id(&instantiate(client, party).send().await.expect(201));
    events_of(server, &id).await
}

#[tokio::test]
async fn an_instance_is_created_then_its_form_then_the_process_starts() {
    let server = server();
    let created = instantiate(&server.user(1337), 501_337).send().await.expect(201).json();
    let events = events_of(&server, created["id"].as_str().unwrap()).await;
    assert_eq!(kinds(&events), ["Created", "Created", "process_StartEvent", "process_StartTask"]);
    let elements: Vec<_> = events.iter().map(|event| event["dataId"].as_str()).collect();
    assert_eq!(elements, [None, created["data"][0]["id"].as_str(), None, None]);
    for event in &events {
        assert_eq!(event["instanceId"], created["id"]);
        assert_eq!(event["instanceOwnerPartyId"], "501337");
        assert_eq!(event["user"]["userId"], 1337);
        assert_eq!(event["user"]["authenticationLevel"], 2);
        assert!(event["user"]["orgId"].is_null());
    }
    // Only events of the process name the person.
    let numbers: Vec<_> = events.iter().map(|event| event["user"]["nationalIdentityNumber"].as_str()).collect();
    assert_eq!(numbers, [None, None, Some("01039012345"), Some("01039012345")]);
    let places: Vec<_> = events
        .iter()
        .map(|event| {
            let task = &event["processInfo"]["currentTask"];
            (task["elementId"].as_str().unwrap(), task["flow"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(places, [("Task_1", 2), ("Task_1", 2), ("StartEvent_1", 1), ("Task_1", 2)]);
}

#[tokio::test]
async fn data_sent_along_is_in_the_history_before_what_the_app_makes() {
    let server = server();
    let parts: [(&str, Option<&str>, &str, &[u8]); 2] =
        [("vedlegg", Some("a.pdf"), "application/pdf", PDF), ("tillegg", None, "application/xml", b"<Tillegg/>")];
    let created = instantiate(&server.user(1337), 501_337).multipart(&parts).send().await.expect(201).json();
    let events = events_of(&server, created["id"].as_str().unwrap()).await;
    assert_eq!(kinds(&events), ["Created", "Created", "Created", "Created", "process_StartEvent", "process_StartTask"]);
    let elements: Vec<_> = created["data"].as_array().unwrap().iter().map(|element| &element["id"]).collect();
    assert_eq!(events[1..4].iter().map(|event| &event["dataId"]).collect::<Vec<_>>(), elements);
}

#[tokio::test]
async fn the_history_names_every_kind_of_caller() {
    let server = server();
    let by_owner = made_by(&server, &server.ttd(), 501_337).await;
    let by_organisation = made_by(&server, &server.organisation("897069650"), 500_000).await;
    let by_system = made_by(&server, &server.system_user(), 500_700).await;
    for (events, user) in [
        (by_owner, json!({ "orgId": "ttd", "authenticationLevel": 3 })),
        (by_organisation, json!({ "orgId": "897069650", "authenticationLevel": 3 })),
        (
            by_system,
            json!({
                "systemUserId": "d111dbab-d619-4f15-bf29-58fe570a9ae6",
                "systemUserOwnerOrgNo": "950474084",
                "authenticationLevel": 3
            }),
        ),
    ] {
        assert_eq!(kinds(&events), ["Created", "Created", "process_StartEvent", "process_StartTask"]);
        for event in events {
            for (name, value) in user.as_object().unwrap() {
                assert_eq!(&event["user"][name], value, "{event}");
            }
            assert!(event["user"]["userId"].is_null() && event["user"]["nationalIdentityNumber"].is_null());
        }
    }
}
