//! Requests that leave the process where it stands: refused, not understood, or in want of something else.

use mottak_testing::covers;
use serde_json::json;

use crate::sak::{Sak, problem};
use crate::saksgang::{STRAIGHT, Saksgang};
use crate::sketch::configured;

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
    assert_eq!(sak.moves(&case.server).await[4..], ["process_AbandonTask", "process_StartTask"]);
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
