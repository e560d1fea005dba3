//! `PUT process/next` and `completeProcess`: who may move, what is recorded, what happens twice or at once.

use mottak_testing::covers;
use mottak_testkit::{Answer, Backing};
use serde_json::{Value, json};

use crate::saksgang::{CONFIRMED, STRAIGHT, Sak, Saksgang};
use crate::sketch::configured;

/// A refusal that is told in the words of the process.
fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    problem
}

async fn kinds(sak: &Sak, server: &mottak_testkit::TestServer) -> Vec<String> {
    sak.events(server)
        .await
        .into_iter()
        .map(|event| event.event_type)
        .filter(|kind| kind.starts_with("process"))
        .collect()
}

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
async fn whoever_lacks_the_right_of_the_task_does_not_move_it() {
    let _rows = [covers("app-process", &["26", "27", "29", "36"]), covers("app-api", &["PRC-07", "PRC-23"])];
    let to_confirm = "start Start\n task Utfylling confirmation\n end Slutt\n Start -> Utfylling -> Slutt";
    let declared = "start Start\n task Utfylling data godkjenn\n end Slutt\n Start -> Utfylling -> Slutt";
    // sketch, rights besides instantiate and read, action, task type
    let cases: [(&str, &[&str], Option<&str>, &str); 5] = [
        (STRAIGHT, &["delete"], None, "data"),
        (to_confirm, &["write"], None, "confirmation"),
        (STRAIGHT, &["write"], Some("complete"), "data"),
        (STRAIGHT, &["delete"], Some("read"), "data"),
        (declared, &["write"], Some("godkjenn"), "data"),
    ];
    for (sketch, rights, action, task_type) in cases {
        let case = Saksgang::with(sketch)
            .without_rights()
            .permits(&["instantiate", "read"], None)
            .permits(rights, None)
            .serve();
        let sak = case.create().await;
        let refused = match action {
            Some(action) => sak.next_by(action).await,
            None => sak.next().await,
        };
        let said = action.unwrap_or("none");
        assert_eq!(
            problem(&refused, 403),
            json!({
                "title": "Unauthorized", "status": 403,
                "detail": format!("User is not authorized to perform process next. Task ID: Utfylling. Task type: {task_type}. Action: {said}."),
            })
        );
        assert_eq!(sak.task().await.as_deref(), Some("Utfylling"));
    }
}

#[tokio::test]
async fn the_right_a_task_asks_for_suffices() {
    let _rows = covers("app-process", &["30", "32"]);
    let custom = "start Start\n task Utfylling vurdering\n end Slutt\n Start -> Utfylling -> Slutt";
    for (sketch, right) in [(custom, "vurdering"), (STRAIGHT, "write")] {
        let case = Saksgang::with(sketch).without_rights().permits(&["instantiate", "read", right], None).serve();
        assert_eq!(case.create().await.advance().await["endEvent"], "Slutt", "{right}");
    }
    let signing = "
        start Start
        task Utfylling data
        task Signer signing
        end Slutt
        Start -> Utfylling -> Signer -> Slutt";
    let config = "<altinn:signatureConfig><altinn:dataTypesToSign><altinn:dataType>skjema</altinn:dataType>\
                  </altinn:dataTypesToSign><altinn:signatureDataType>signatur</altinn:signatureDataType>\
                  </altinn:signatureConfig>";
    let case = Saksgang::with(signing)
        .file("config/process/process.bpmn", configured(signing, config))
        .metadata(|metadata| {
            let signature = json!({"id": "signatur", "allowedContentTypes": ["application/json"], "minCount": 0});
            metadata["dataTypes"].as_array_mut().expect("data types").push(signature);
        })
        .serve();
    let sak = case.create().await;
    sak.advance().await;
    assert_eq!(sak.advance().await["endEvent"], "Slutt");
}

#[tokio::test]
async fn an_action_nobody_declared_moves_where_the_policy_permits_it() {
    let _rows = covers("app-api", &["PRC-06"]);
    let case = Saksgang::with(STRAIGHT).permits(&["ukjent"], None).serve();
    assert_eq!(case.create().await.advance_by("ukjent").await["endEvent"], "Slutt");
}

#[tokio::test]
async fn ended_process_does_not_move() {
    let _rows = [covers("app-process", &["39"]), covers("app-api", &["PRC-13"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    sak.advance().await;
    let refused = sak.next().await;
    assert_eq!(problem(&refused, 409), json!({"status": 409, "detail": "Process is ended.", "validationIssues": null}));
}

#[tokio::test]
async fn process_that_has_not_begun_does_not_move() {
    let _rows = [covers("app-process", &["66"]), covers("app-api", &["PRC-16", "PRC-17"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.without_process().await;
    let refused = problem(&sak.next().await, 409);
    assert_eq!(refused["detail"], "The instance is missing process information.");
    let complete = |sak: &Sak| sak.client.put(sak.path("/process/completeProcess")).send();
    let refused = complete(&sak).await;
    assert_eq!(problem(&refused, 409)["title"], "Process is not started. Use start!");

    let sak = case.create().await;
    sak.advance().await;
    let refused = complete(&sak).await.expect(409);
    assert_eq!(refused.text(), "Process is ended. It cannot be restarted.");
}

#[tokio::test]
async fn unknown_instance_has_no_process() {
    let _rows = covers("app-process", &["40", "122"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let path = "/ttd/saksgang/instances/501337/00000000-0000-0000-0000-0000000000a1/process";
    let client = case.server.user(crate::saksgang::SOPHIE);
    for rest in ["next", "completeProcess"] {
        let refused = client.put(format!("{path}/{rest}")).send().await.expect(404).json();
        assert_eq!((&refused["title"], &refused["status"]), (&json!("Not Found"), &json!(404)));
    }
    // What only reads does not tell whether there is such an instance.
    let refused = client.get(path).send().await;
    assert_eq!((refused.status, refused.text()), (403, String::new()));
}

#[tokio::test]
async fn empty_body_is_legal_with_any_content_type() {
    let _rows = [covers("app-process", &["37", "38"]), covers("app-api", &["PRC-26"])];
    let case = Saksgang::with(STRAIGHT).serve();
    for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
        let sak = case.create().await;
        let moved = sak.moving().body(content_type, "").send().await.expect(200);
        assert_eq!(moved.json()["endEvent"], "Slutt", "{content_type}");
    }
    let sak = case.create().await;
    let moved = sak.client.put(sak.path("/process/next?elementId=Ingensteds")).send().await.expect(200);
    assert_eq!(moved.json()["endEvent"], "Slutt");
}

#[tokio::test]
async fn body_of_another_kind_or_broken_is_refused() {
    let _rows = [covers("app-process", &["121"]), covers("app-api", &["PRC-26"])];
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let action = r#"{"action":"write"}"#;
    for (sending, status) in [
        (sak.moving().body("text/plain", action), 415),
        (sak.moving().bytes(action), 415),
        (sak.moving().body("application/json", "{\"action\":"), 400),
        (sak.moving().body("application/json", "{\"action\":7}"), 400),
    ] {
        assert_eq!(sending.send().await.status, status);
    }
    assert_eq!(sak.task().await.as_deref(), Some("Utfylling"));
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
    assert_eq!(kinds(&sak, &case.server).await[2..], ["process_AbandonTask", "process_StartTask"]);
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
async fn reject_alone_ends_a_process() {
    let _rows = covers("app-process", &["35"]);
    let sketch = "start Start\n task Utfylling data reject\n end Slutt\n Start -> Utfylling -> Slutt";
    let case = Saksgang::with(sketch).without_rights().permits(&["instantiate", "read", "reject"], None).serve();
    let sak = case.create().await;
    assert_eq!(sak.advance_by("reject").await["endEvent"], "Slutt");
    let events = kinds(&sak, &case.server).await;
    assert_eq!(events[2..], ["process_AbandonTask", "process_EndEvent"]);
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
        assert_eq!(kinds(&sak, &case.server).await[2..], ["process_EndTask", "process_StartTask"]);
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
        kinds(&sak, &case.server).await[2..],
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
async fn completing_without_the_right_of_a_task_is_refused() {
    let _rows = covers("app-api", &["PRC-15"]);
    let case = Saksgang::with(CONFIRMED).without_rights().permits(&["instantiate", "read", "write"], None).serve();
    let sak = case.create().await;
    let refused = sak.client.put(sak.path("/process/completeProcess")).send().await;
    assert_eq!((refused.status, refused.text()), (403, String::new()));
    assert_eq!(sak.task().await.as_deref(), Some("Bekreft"));
}

#[tokio::test]
async fn organisation_of_the_owner_is_recorded_as_the_one_who_moved() {
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let moved = case.server.ttd().put(sak.path("/process/next")).send().await.expect(200);
    assert_eq!(moved.json()["endEvent"], "Slutt");
    let events = sak.events(&case.server).await;
    let user = events.last().and_then(|event| event.user.clone()).unwrap_or_default();
    assert_eq!((user.org_id.as_deref(), user.user_id), (Some("ttd"), None));
}

#[tokio::test]
async fn task_nobody_can_run_is_entered_and_stays() {
    let _rows = covers("app-process", &["60", "62"]);
    let sketch = "
        start Start
        task Utfylling data
        service Robot ukjentRobot
        end Slutt
        Start -> Utfylling -> Robot -> Slutt";
    let case = Saksgang::with(sketch).permits(&["ukjentRobot", "pay"], None).serve();
    let sak = case.create().await;
    for _ in 0..2 {
        let failed = problem(&sak.next().await, 500);
        assert_eq!(failed["title"], "Service task failed!");
        assert_eq!(failed["detail"], "Service task ukjentRobot returned a failed result!");
        assert_eq!(sak.task().await.as_deref(), Some("Robot"));
    }
    let refused = problem(&sak.next_by("pay").await, 409);
    assert_eq!(refused["title"], "User action not supported!");
    assert_eq!(refused["detail"], "Service tasks do not support running user actions! Received action param pay.");
    assert_eq!(problem(&sak.next_by("sign").await, 403)["title"], "Unauthorized");
}

#[tokio::test]
async fn failed_automatic_task_is_left_by_reject() {
    let _rows = covers("app-process", &["127"]);
    let sketch = r#"
        start Start
        task Utfylling data
        service Robot ukjentRobot reject
        gateway Avvist
        end Slutt
        Start -> Utfylling -> Robot -> Avvist
        Avvist -> Utfylling if ["equals", ["gatewayAction"], "reject"]
        Avvist -> Slutt if ["notEquals", ["gatewayAction"], "reject"]"#;
    let case = Saksgang::with(sketch).permits(&["ukjentRobot"], None).serve();
    let sak = case.create().await;
    assert_eq!(sak.next().await.status, 500);
    let back = sak.advance_by("reject").await;
    assert_eq!(back["currentTask"]["elementId"], "Utfylling");
    assert_eq!(kinds(&sak, &case.server).await[4..], ["process_AbandonTask", "process_StartTask"]);
}

#[tokio::test]
async fn unpaid_payment_holds_the_process() {
    let _rows = covers("app-process", &["31", "95", "128"]);
    let sketch = "
        start Start
        task Utfylling data
        task Betal payment pay confirm
        end Slutt
        Start -> Utfylling -> Betal -> Slutt";
    let config = "<altinn:paymentConfig><altinn:paymentDataType>betaling</altinn:paymentDataType>\
                  <altinn:paymentReceiptPdfDataType>kvittering</altinn:paymentReceiptPdfDataType></altinn:paymentConfig>";
    let case = Saksgang::with(sketch)
        .file("config/process/process.bpmn", configured(sketch, config))
        .metadata(|metadata| {
            let types = metadata["dataTypes"].as_array_mut().expect("data types");
            for (id, content_type) in [("betaling", "application/json"), ("kvittering", "application/pdf")] {
                types.push(json!({"id": id, "allowedContentTypes": [content_type], "minCount": 0}));
            }
        })
        .without_rights()
        .permits(&["instantiate", "read"], None)
        .permits(&["write"], Some("Utfylling"))
        .permits(&["pay", "confirm"], Some("Betal"))
        .serve();
    let sak = case.create().await;
    sak.advance().await;
    for answer in [sak.next().await, sak.next_by("confirm").await] {
        let refused = problem(&answer, 409);
        assert_eq!(refused["title"], "The payment is not completed.");
        assert_eq!(refused["detail"], "Payment information not found.");
        assert_eq!(sak.task().await.as_deref(), Some("Betal"));
    }
    assert!(sak.elements("kvittering").await.is_empty());
}

#[tokio::test]
async fn organisation_that_moves_is_recorded_by_its_number() {
    let _rows = covers("app-process", &["119"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let moved = case.server.organisation("897069650").put(sak.path("/process/next")).send().await.expect(200);
    assert_eq!(moved.json()["endEvent"], "Slutt");
    let events = sak.events(&case.server).await;
    let user = events.last().and_then(|event| event.user.clone()).unwrap_or_default();
    assert_eq!((user.org_id.as_deref(), user.user_id), (Some("897069650"), None));
}

#[tokio::test]
async fn task_that_is_not_in_the_definition_is_told_and_cannot_be_left() {
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.seeded(json!({
        "started": "2026-01-01T00:00:00Z", "startEvent": "Start",
        "currentTask": {"flow": 2, "elementId": "Borte", "altinnTaskType": "data", "started": "2026-01-01T00:00:00Z"},
    })).await;
    let task = sak.process().await["currentTask"].clone();
    assert_eq!((&task["elementId"], &task["actions"], &task["userActions"]), (&json!("Borte"), &json!({}), &json!([])));
    assert_eq!((&task["read"], &task["write"]), (&json!(false), &json!(false)));
    assert_eq!(problem(&sak.next().await, 500)["title"], "Process next failed.");
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
