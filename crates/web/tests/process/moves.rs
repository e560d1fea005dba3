//! `PUT process/next` and `completeProcess`: what a move does and records, and what happens at once.

use mottak_testing::covers;
use mottak_testkit::{Answer, Backing};
use serde_json::{Value, json};

use crate::sak::problem;
use crate::saksgang::{CONFIRMED, STRAIGHT, Saksgang};

#[tokio::test]
async fn a_move_ends_one_task_and_starts_the_next() {
    let _rows = covers("app-process", &["25", "28", "43", "44"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    let before = sak.process().await;
    let state = sak.advance().await;
    let task = &state["currentTask"];
    assert_eq!((&task["elementId"], &task["flow"]), (&json!("Bekreft"), &json!(3)));
    assert_eq!(task["flowType"], "CompleteCurrentMoveToNext");
    assert_eq!(task["actions"], json!({"read": true, "write": true, "confirm": true, "reject": true}));

    let events = sak.events(&case.server).await;
    let [.., ended, started] = &events[..] else { panic!("{events:?}") };
    assert_eq!((ended.event_type.as_str(), started.event_type.as_str()), ("process_EndTask", "process_StartTask"));
    assert_eq!(ended.created, started.created);
    let state_in = |event: &mottak_model::InstanceEvent| serde_json::to_value(&event.process_info).expect("JSON");
    assert_eq!(state_in(ended)["currentTask"]["elementId"], "Utfylling");
    assert_eq!(state_in(ended)["currentTask"]["started"], before["currentTask"]["started"]);
    assert_eq!(state_in(started)["currentTask"]["elementId"], "Bekreft");

    assert_eq!(sak.advance_by("confirm").await["endEvent"], "Slutt");
}

#[tokio::test]
async fn the_end_archives_and_is_recorded_in_order() {
    let _rows = covers("app-process", &["42"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let state = sak.advance().await;
    assert!(state["ended"].is_string() && state["endEvent"] == "Slutt", "{state}");
    let events = sak.events(&case.server).await;
    let last: Vec<_> = events[events.len() - 3..].iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(last, ["process_EndTask", "process_EndEvent", "Submited"]);
    assert_eq!(sak.instance().await["status"]["isArchived"], true);
}

#[tokio::test]
async fn declared_reject_leaves_an_invalid_form_behind() {
    let _rows = [covers("app-process", &["33", "71"]), covers("app-api", &["PRC-04"])];
    let sketch = "
        start Start
        task Utfylling data reject
        task Etter data
        end Slutt
        Start -> Utfylling -> Etter -> Slutt";
    let case = Saksgang::with(sketch).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn"})).await;
    let state = sak.advance_by("reject").await;
    assert_eq!(state["currentTask"]["flowType"], "AbandonCurrentMoveToNext");
    assert_eq!(sak.moves(&case.server).await[2..], ["process_AbandonTask", "process_StartTask"]);
    assert_eq!(sak.elements("skjema").await[0]["locked"], false);
}

#[tokio::test]
async fn reject_that_the_task_does_not_declare_is_validated() {
    let _rows = covers("app-process", &["34"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn"})).await;
    let refused = problem(&sak.next_by("reject").await, 409);
    assert_eq!(refused["title"], "Validation failed for task");
    assert_eq!(refused["validationIssues"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn of_moves_at_once_one_succeeds() {
    let _rows = [covers("app-process", &["103"]), covers("app-api", &["PRC-14"])];
    // Who is let into the next task may not leave it: a request that arrives after the move is refused by that.
    let case = Saksgang::with(CONFIRMED)
        .without_rights()
        .permits(&["instantiate", "read", "write"], None)
        .serve_from(Backing::Sqlite);
    let mut conflicts = 0;
    for _ in 0..50 {
        let sak = case.create().await;
        let moves: Vec<_> = (0..3).map(|_| tokio::spawn(sak.moving().send())).collect();
        let answers = futures_util::future::join_all(moves).await;
        let answers: Vec<Answer> = answers.into_iter().map(|answer| answer.expect("it answers")).collect();
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            conflicts += 1;
            let refused = refused.json();
            assert_eq!((&refused["title"], refused.get("detail")), (&json!("Conflict"), None));
        }
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 403 | 409)));
        assert_eq!(sak.task().await.as_deref(), Some("Bekreft"));
        assert_eq!(sak.moves(&case.server).await[2..], ["process_EndTask", "process_StartTask"]);
    }
    assert!(conflicts > 0, "no two of them ever met");
}

#[tokio::test]
async fn going_back_visits_the_same_task_again() {
    let _rows = covers("app-process", &["41", "67", "70"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "Kari"})).await;
    let first = sak.elements("skjema").await;
    sak.advance().await;
    assert_eq!(sak.elements("skjema").await[0]["locked"], true);
    let back = sak.advance_by("reject").await;
    let task = &back["currentTask"];
    assert_eq!((&task["elementId"], &task["flow"]), (&json!("Utfylling"), &json!(4)));
    let second = sak.elements("skjema").await;
    assert_eq!((second.len(), &second[0]["id"], &second[0]["locked"]), (1, &first[0]["id"], &json!(false)));
    assert!(sak.stored("skjema").await.contains("Kari"));
}

#[tokio::test]
async fn whole_process_is_completed_by_one_request() {
    let _rows = [covers("app-process", &["64"]), covers("app-api", &["PRC-15"])];
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    let done = sak.client.put(sak.path("/process/completeProcess")).send().await.expect(200).json();
    assert_eq!((&done["endEvent"], &done["currentTask"]), (&json!("Slutt"), &Value::Null));
    assert_eq!(
        sak.moves(&case.server).await[2..],
        ["process_EndTask", "process_StartTask", "process_EndTask", "process_EndEvent"]
    );
}

#[tokio::test]
async fn completing_stops_at_the_first_invalid_task_and_keeps_what_was_moved() {
    let _rows = [covers("app-process", &["65"]), covers("app-api", &["PRC-18"])];
    let sketch = "start Start\n task Utfylling data\n task Mer data\n end Slutt\n Start -> Utfylling -> Mer -> Slutt";
    let case = Saksgang::with(sketch)
        .metadata(|metadata| metadata["dataTypes"][1]["minCount"] = json!(1))
        .metadata(|metadata| metadata["dataTypes"][1]["taskId"] = json!("Mer"))
        .serve();
    let sak = case.create().await;
    let refused = sak.client.put(sak.path("/process/completeProcess")).send().await;
    let refused = problem(&refused, 409);
    assert_eq!(refused["title"], "Validation failed for task");
    assert_eq!(refused["detail"], "1 validation errors found for task Mer");
    assert_eq!(sak.task().await.as_deref(), Some("Mer"));
}

#[tokio::test]
async fn change_during_a_move_comes_before_it_or_not_at_all() {
    let _rows = covers("app-process", &["104"]);
    let case = Saksgang::with(CONFIRMED).serve_from(Backing::Sqlite);
    for is_move_first in [true, false, true, false] {
        let sak = case.create().await;
        let operation = json!({"op": "add", "path": "/navn", "value": "et altfor langt navn"});
        let patch = json!({"patch": [operation], "ignoredValidators": []});
        let changing = sak.client.patch(sak.form_path().await).json(&patch);
        let mut requests = vec![sak.moving(), changing];
        if !is_move_first {
            requests.reverse();
        }
        let answers =
            futures_util::future::join_all(requests.into_iter().map(|request| tokio::spawn(request.send()))).await;
        let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.expect("it answers").status).collect();
        if !is_move_first {
            statuses.reverse();
        }
        let is_stored = sak.stored("skjema").await.contains("altfor");
        let task = sak.task().await;
        match statuses[..] {
            // The move was first: nothing changes any more.
            [200, 409] => assert_eq!((is_stored, task.as_deref()), (false, Some("Bekreft"))),
            // The change was first: the move sees it, and refuses it.
            [409, 200] => assert_eq!((is_stored, task.as_deref()), (true, Some("Utfylling"))),
            _ => panic!("{statuses:?}, stored: {is_stored}, {task:?}"),
        }
    }
}
