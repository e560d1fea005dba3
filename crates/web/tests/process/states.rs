//! What is told of a process: its state, its start, its past.

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::saksgang::{CONFIRMED, STRAIGHT, Saksgang};

#[tokio::test]
async fn new_instance_stands_in_its_first_task() {
    let _rows = covers("app-process", &["15"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let process = &sak.created["process"];
    let task = &process["currentTask"];
    assert_eq!(process["startEvent"], "Start");
    assert_eq!((&task["elementId"], &task["altinnTaskType"]), (&json!("Utfylling"), &json!("data")));
    assert_eq!((&task["flow"], &task["name"]), (&json!(2), &json!("Om Utfylling")));
    assert_eq!(task["flowType"], "CompleteCurrentMoveToNext");
    assert!(task["started"].is_string() && process["started"].is_string(), "{process}");
    let events = sak.events(&case.server).await;
    let kinds: Vec<&str> =
        events.iter().map(|event| event.event_type.as_str()).filter(|kind| *kind != "Created").collect();
    assert_eq!(kinds, ["process_StartEvent", "process_StartTask"]);
    let created = events.iter().find(|event| event.event_type == "Created" && event.data_id.is_none());
    assert!(created.is_some(), "{events:?}");
}

#[tokio::test]
async fn state_says_what_the_caller_may_do() {
    let _rows = [covers("app-api", &["PRC-01"]), covers("app-process", &["19"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let state = case.create().await.process().await;
    let task = &state["currentTask"];
    assert_eq!(task["actions"], json!({"read": true, "write": true}));
    assert_eq!(
        task["userActions"],
        json!([
            {"id": "read", "authorized": true, "type": "ProcessAction"},
            {"id": "write", "authorized": true, "type": "ProcessAction"},
        ])
    );
    assert_eq!((&task["read"], &task["write"], &task["elementType"]), (&json!(true), &json!(true), &json!("Task")));
    assert_eq!(
        state["processTasks"],
        json!([{"altinnTaskType": "data", "elementId": "Utfylling", "elementType": "Task"}])
    );
    for unset in ["ended", "endEvent"] {
        assert!(state.get(unset).is_some_and(Value::is_null), "{unset} is written as null: {state}");
    }
    for unset in ["ended", "validated"] {
        assert!(task.get(unset).is_some_and(Value::is_null), "{unset} is written as null: {task}");
    }
}

#[tokio::test]
async fn declared_actions_come_with_decisions_and_server_actions_apart() {
    let _rows = covers("app-process", &["21", "22"]);
    let sketch =
        "start Start\n task Utfylling data godkjenn avvis +hent +gjem\n end Slutt\n Start -> Utfylling -> Slutt";
    let case = Saksgang::with(sketch).permits(&["godkjenn", "hent"], None).serve();
    let task = case.create().await.process().await["currentTask"].clone();
    assert_eq!(task["actions"], json!({"read": true, "write": true, "godkjenn": true, "avvis": false}));
    let row = |id: &str, authorized: bool, kind: &str| json!({"id": id, "authorized": authorized, "type": kind});
    assert_eq!(
        task["userActions"],
        json!([
            row("read", true, "ProcessAction"),
            row("write", true, "ProcessAction"),
            row("godkjenn", true, "ProcessAction"),
            row("avvis", false, "ProcessAction"),
            row("hent", true, "ServerAction"),
            row("gjem", false, "ServerAction"),
        ])
    );
}

#[tokio::test]
async fn state_is_not_told_to_those_who_may_not_read() {
    let _rows = covers("app-process", &["20"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    for path in ["/process", "/process/history", "/process/next"] {
        let answer = case.server.user(1002).get(sak.path(path)).send().await;
        assert_eq!((answer.status, answer.text()), (403, String::new()), "{path}");
    }
}

#[tokio::test]
async fn ended_process_has_no_task_and_still_lists_the_definition() {
    let _rows = [covers("app-process", &["23"]), covers("app-api", &["PRC-02"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let moved = sak.advance().await;
    let state = sak.process().await;
    assert_eq!(moved, state);
    assert!(state["currentTask"].is_null() && state["ended"].is_string());
    assert_eq!((&state["endEvent"], &state["startEvent"]), (&json!("Slutt"), &json!("Start")));
    assert_eq!(state["processTasks"].as_array().map(Vec::len), Some(1));
    let status = &sak.instance().await["status"];
    assert_eq!((&status["isArchived"], &status["archived"]), (&json!(true), &state["ended"]));
}

#[tokio::test]
async fn automatic_tasks_are_listed_after_the_others() {
    let _rows = covers("app-process", &["19"]);
    let sketch =
        "start Start\n service Brev pdf\n task Utfylling data\n end Slutt\n Start -> Utfylling -> Brev -> Slutt";
    let case = Saksgang::with(sketch).serve();
    let state = case.create().await.process().await;
    let row =
        |id: &str, kind: &str, element: &str| json!({"altinnTaskType": kind, "elementId": id, "elementType": element});
    assert_eq!(state["processTasks"], json!([row("Utfylling", "data", "Task"), row("Brev", "pdf", "ServiceTask")]));
}

#[tokio::test]
async fn next_elements_are_none_in_a_task_and_a_conflict_after_the_end() {
    let _rows = [covers("app-process", &["24"]), covers("app-api", &["PRC-27"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    assert_eq!(sak.client.get(sak.path("/process/next")).send().await.expect(200).json(), json!([]));
    sak.advance().await;
    let ended = sak.client.get(sak.path("/process/next")).send().await.expect(409);
    assert_eq!(ended.text(), "Instance does not have valid info about currentTask");

    let bare = case.without_process().await;
    assert_eq!(bare.client.get(bare.path("/process/next")).send().await.expect(200).json(), json!(["Start"]));
}

#[tokio::test]
async fn process_is_started_once() {
    let _rows = [covers("app-process", &["17"]), covers("app-api", &["PRC-19"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let again = sak.client.post(sak.path("/process/start")).send().await.expect(409);
    assert_eq!(again.text(), "Process is already started. Use next.");
}

#[tokio::test]
async fn instance_without_process_is_started_at_a_start_event_there_is() {
    let _rows = covers("app-process", &["18"]);
    let sketch =
        "start Her\n start Der\n task Utfylling data\n end Slutt\n Her -> Utfylling -> Slutt\n Der -> Utfylling";
    let case = Saksgang::with(sketch).serve();
    let sak = case.without_process().await;
    for query in ["", "?startEvent=Hit"] {
        let refused = sak.client.post(sak.path("/process/start") + query).send().await.expect(409);
        assert_eq!(refused.text(), "No matching startevent", "{query}");
    }
    let started = sak.client.post(sak.path("/process/start?startEvent=Der")).send().await.expect(200).json();
    assert_eq!((&started["startEvent"], &started["currentTask"]["elementId"]), (&json!("Der"), &json!("Utfylling")));
    assert_eq!(sak.elements("skjema").await.len(), 1);
}

#[tokio::test]
async fn history_has_one_row_per_task_and_keeps_its_spelling() {
    let _rows = covers("app-process", &["118"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    for action in ["write", "reject", "write", "confirm"] {
        sak.advance_by(action).await;
    }
    let history = sak.client.get(sak.path("/process/history")).send().await.expect(200).json();
    let rows = history["processHistory"].as_array().cloned().unwrap_or_default();
    let named: Vec<_> = rows.iter().map(|row| (row["eventType"].as_str(), row["elementId"].as_str())).collect();
    assert_eq!(
        named,
        [
            (Some("process_StartEvent"), Some("Start")),
            (Some("process_StartTask"), Some("Utfylling")),
            (Some("process_StartTask"), Some("Bekreft")),
            (Some("process_EndEvent"), Some("Slutt")),
        ]
    );
    for row in &rows {
        let members: Vec<&String> = row.as_object().map(|row| row.keys().collect()).unwrap_or_default();
        assert_eq!(members.len(), 6, "{row}");
        assert!(["occured", "started", "ended", "performedBy"].iter().all(|name| row.get(*name).is_some()), "{row}");
        assert_eq!(row["performedBy"], "01039012345");
    }
    assert!(rows[1]["ended"].is_string() && rows[2]["ended"].is_string(), "{rows:?}");
}

#[tokio::test]
async fn abandoned_task_has_ended_in_the_history() {
    let _rows = covers("app-process", &["118"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    sak.advance().await;
    sak.advance_by("reject").await;
    let history = sak.client.get(sak.path("/process/history")).send().await.expect(200).json();
    assert_eq!(history["processHistory"][2]["elementId"], "Bekreft");
    assert!(history["processHistory"][2]["ended"].is_string(), "{history}");
}

#[tokio::test]
async fn history_is_not_told_through_another_app() {
    let server = mottak_testkit::TestServer::with_example_apps();
    let user = server.user(1337);
    let created = user.post("/ttd/kulturstotte/instances?instanceOwnerPartyId=501337").send().await.expect(201).json();
    let id = created["id"].as_str().expect("an instance has an id");
    user.get(format!("/ttd/kulturstotte/instances/{id}/process/history")).send().await.expect(200);
    let refused = user.get(format!("/ttd/skjenkebevilling/instances/{id}/process/history")).send().await.expect(403);
    assert!(refused.body.is_empty(), "{}", refused.text());
}
