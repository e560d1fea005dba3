//! Who may move the process, by which action, and as whom that is recorded.

use mottak_testing::covers;
use serde_json::json;

use crate::sak::problem;
use crate::saksgang::{CONFIRMED, STRAIGHT, Saksgang};
use crate::sketch::configured;

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
async fn reject_alone_ends_a_process() {
    let _rows = covers("app-process", &["35"]);
    let sketch = "start Start\n task Utfylling data reject\n end Slutt\n Start -> Utfylling -> Slutt";
    let case = Saksgang::with(sketch).without_rights().permits(&["instantiate", "read", "reject"], None).serve();
    let sak = case.create().await;
    assert_eq!(sak.advance_by("reject").await["endEvent"], "Slutt");
    let events = sak.moves(&case.server).await;
    assert_eq!(events[2..], ["process_AbandonTask", "process_EndEvent"]);
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
