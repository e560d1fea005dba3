//! What the end of a task, and of the process, does to the data.

use mottak_model::{DataElement, Reference, ReferenceRelation, ReferenceType};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut};
use mottak_testing::covers;
use serde_json::{Value, json};

use crate::sak::Sak;
use crate::saksgang::{CONFIRMED, STRAIGHT, Saksgang, form};

#[tokio::test]
async fn elements_of_the_left_task_are_locked_but_may_be_deleted() {
    let _rows = covers("app-process", &["69"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    let attachment = sak.attach(b"%PDF-1.7 brev").await;
    let form_path = sak.form_path().await;
    sak.advance().await;
    for data_type in ["skjema", "vedlegg"] {
        assert_eq!(sak.elements(data_type).await[0]["locked"], true, "{data_type}");
    }
    let put = sak.client.put(&form_path).json(&json!({"navn": "Kari"})).send().await;
    assert_eq!(put.status, 409, "{}", put.text());
    let patch = json!({"patch": [{"op": "add", "path": "/navn", "value": "Kari"}], "ignoredValidators": []});
    let patch = sak.client.patch(&form_path).json(&patch).send().await;
    assert_eq!(patch.status, 409, "{}", patch.text());
    let deleted = sak.client.delete(sak.path(&format!("/data/{attachment}"))).send().await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
}

#[tokio::test]
async fn row_ids_are_not_handed_in() {
    let _rows = covers("app-process", &["74"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    sak.fill(&json!({"rader": [{"post": "Leie"}, {"post": "Lyd"}]})).await;
    assert!(sak.stored("skjema").await.contains("altinnRowId"));
    sak.advance().await;
    let stored = sak.stored("skjema").await;
    assert!(stored.contains("Lyd") && !stored.contains("altinnRowId"), "{stored}");
}

fn page() -> Value {
    let input = |id: &str, hidden: Value, keep: bool| {
        let mut input =
            json!({"id": id, "type": "Input", "hidden": hidden, "dataModelBindings": {"simpleBinding": id}});
        if keep {
            input["removeWhenHidden"] = json!(false);
        }
        input
    };
    json!([
        input("navn", json!(false), false),
        input("hemmelig", json!(true), false),
        input("beholdes", json!(true), true)
    ])
}

#[tokio::test]
async fn hidden_data_is_removed_where_the_app_wants_it() {
    let _rows = [covers("app-process", &["73"]), covers("app-api", &["PRC-11"]), covers("app-forms", &["119"])];
    for (switch, is_removed) in [("true", true), ("false", false)] {
        let case = Saksgang::with(STRAIGHT)
            .page(page())
            .file("appsettings.json", format!(r#"{{"AppSettings": {{"RemoveHiddenData": {switch}}}}}"#))
            .serve();
        let sak = case.create().await;
        sak.fill(&json!({"navn": "Kari", "hemmelig": "hysj", "beholdes": "blir"})).await;
        sak.advance().await;
        let stored = sak.stored("skjema").await;
        assert!(stored.contains("Kari") && stored.contains("blir"), "{stored}");
        assert_eq!(stored.contains("hysj"), !is_removed, "{stored}");
    }
}

#[tokio::test]
async fn data_that_only_the_rules_of_the_browser_hide_is_kept() {
    let _rows = covers("app-forms", &["125"]);
    let rules = json!({"data": {"conditionalRendering": {"skjul": {
        "selectedFunction": "alltid", "selectedAction": "Hide", "inputParams": {}, "selectedFields": {"felt": "navn"},
    }}}});
    let page = json!([{"id": "navn", "type": "Input", "dataModelBindings": {"simpleBinding": "navn"}}]);
    let case = Saksgang::with(STRAIGHT)
        .page(page)
        .file("ui/skjema/RuleConfiguration.json", rules.to_string())
        .file("appsettings.json", r#"{"AppSettings": {"RemoveHiddenData": true}}"#)
        .serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "Kari"})).await;
    sak.advance().await;
    assert!(sak.stored("skjema").await.contains("Kari"));
}

#[tokio::test]
async fn prefill_of_the_request_is_for_the_first_task_only() {
    let _rows = covers("app-process", &["68"]);
    let sketch = "start Start\n task Utfylling data\n task Mer data\n end Slutt\n Start -> Utfylling -> Mer -> Slutt";
    let case = Saksgang::with(sketch)
        .metadata(|metadata| {
            let mut second = form("mer");
            second["taskId"] = json!("Mer");
            metadata["dataTypes"].as_array_mut().expect("data types").push(second);
        })
        .file("models/mer.schema.json", r#"{"@xsdRootElement": "mer", "properties": {"navn": {"type": "string"}}}"#)
        .serve();
    let template = json!({"instanceOwner": {"partyId": "501337"}, "prefill": {"navn": "Kari"}});
    let sak = case.create_from("/ttd/saksgang/instances/create", &template).await;
    assert!(sak.stored("skjema").await.contains("Kari"));
    sak.advance().await;
    assert!(!sak.stored("mer").await.contains("Kari"));
}

fn with_shadow_fields(target: Option<&str>) -> Saksgang {
    Saksgang::with(CONFIRMED)
        .metadata(|metadata| {
            metadata["dataTypes"][0]["appLogic"]["shadowFields"] = json!({"prefix": "SF_", "saveToDataType": target});
            let mut clean = form("ren");
            clean["appLogic"]["autoCreate"] = json!(false);
            clean["minCount"] = json!(0);
            clean["taskId"] = Value::Null;
            metadata["dataTypes"].as_array_mut().expect("data types").push(clean);
        })
        .file("models/ren.schema.json", r#"{"@xsdRootElement": "ren", "properties": {"navn": {"type": "string"}}}"#)
}

#[tokio::test]
async fn shadow_fields_are_left_out_of_the_form() {
    let _rows = [covers("app-process", &["72"]), covers("app-api", &["PRC-12"])];
    let case = with_shadow_fields(None).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "Kari", "SF_notat": "hjelp"})).await;
    sak.advance().await;
    let stored = sak.stored("skjema").await;
    assert!(stored.contains("Kari") && !stored.contains("hjelp"), "{stored}");
    assert!(sak.elements("ren").await.is_empty());
}

#[tokio::test]
async fn shadow_fields_are_left_out_of_a_copy_of_its_own_type() {
    let _rows = [covers("app-process", &["72"]), covers("app-api", &["PRC-12"]), covers("app-forms", &["121"])];
    let case = with_shadow_fields(Some("ren")).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "Kari", "SF_notat": "hjelp"})).await;
    sak.advance().await;
    assert!(sak.stored("skjema").await.contains("hjelp"));
    let copy = sak.stored("ren").await;
    assert!(copy.contains("<navn>Kari</navn>") && !copy.contains("hjelp"), "{copy}");

    sak.advance_by("reject").await;
    sak.fill(&json!({"navn": "Ola"})).await;
    sak.advance().await;
    assert_eq!(sak.elements("ren").await.len(), 1);
    assert!(sak.stored("ren").await.contains("Ola"));
}

#[tokio::test]
async fn values_that_the_app_shows_are_on_the_instance() {
    let _rows = covers("app-api", &["PRC-10"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "Kari", "vei": "kort"})).await;
    sak.advance().await;
    let instance = sak.instance().await;
    assert_eq!(
        (&instance["presentationTexts"], &instance["dataValues"]),
        (&json!({"tittel": "Kari"}), &json!({"vei": "kort"}))
    );
}

/// Puts an element there as the platform would have generated it in a task.
async fn generate(sak: &Sak, case: &crate::saksgang::Case, task: &str) {
    let store = &case.server.service.store;
    let id = sak.id.parse().expect("an instance id");
    let snapshot = store.load(id).await.expect("the store answers").expect("the instance is there");
    let guid = case.server.service.ids.guid();
    let mut element = DataElement::new(guid, snapshot.instance.id.guid, "vedlegg");
    element.content_type = Some("application/pdf".to_owned());
    element.locked = true;
    element.references = Some(vec![Reference {
        value: Some(task.to_owned()),
        relation: Some(ReferenceRelation::GeneratedFrom),
        value_type: Some(ReferenceType::Task),
    }]);
    let mut change = Change::expecting(id, snapshot.version);
    let body = Body::Bytes(bytes::Bytes::from_static(b"%PDF-1.7"));
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch: false, body })));
    store.commit(change).await.expect("the change is sound");
}

#[tokio::test]
async fn going_back_removes_what_the_task_generated_though_locked() {
    let _rows = covers("app-process", &["75", "134"]);
    let case = Saksgang::with(CONFIRMED).serve();
    let sak = case.create().await;
    sak.advance().await;
    generate(&sak, &case, "Utfylling").await;
    generate(&sak, &case, "Bekreft").await;
    assert_eq!(sak.elements("vedlegg").await.len(), 2);
    sak.advance_by("reject").await;
    let left = sak.elements("vedlegg").await;
    assert_eq!((left.len(), &left[0]["references"][0]["value"]), (1, &json!("Bekreft")));
}

#[tokio::test]
async fn elements_that_are_not_kept_are_marked_deleted_at_the_end() {
    let _rows = covers("app-process", &["77"]);
    let case = Saksgang::with(STRAIGHT)
        .metadata(|metadata| metadata["dataTypes"][0]["appLogic"]["autoDeleteOnProcessEnd"] = json!(true))
        .serve();
    let sak = case.create().await;
    sak.advance().await;
    assert!(sak.elements("skjema").await.is_empty(), "users do not see it");
    let path = format!("/storage/api/v1/instances/{}", sak.id);
    let whole = case.server.ttd().get(path).send().await.expect(200).json();
    assert_eq!(whole["data"][0]["deleteStatus"]["isHardDeleted"], true, "{whole}");
}

#[tokio::test]
async fn instance_that_is_not_kept_is_gone_after_the_end() {
    let _rows = covers("app-process", &["77"]);
    let case = Saksgang::with(STRAIGHT).metadata(|metadata| metadata["autoDeleteOnProcessEnd"] = json!(true)).serve();
    let sak = case.create().await;
    assert_eq!(sak.advance().await["endEvent"], "Slutt");
    // Whoever may read it is still told what has become of it; nobody finds it.
    assert_eq!(sak.instance().await["status"]["isHardDeleted"], true);
    let query = "/storage/api/v1/instances?instanceOwner.partyId=501337";
    let found = sak.client.get(query).send().await.expect(200).json();
    assert_eq!(found["instances"], json!([]));
}
