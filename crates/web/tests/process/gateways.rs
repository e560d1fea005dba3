//! Which way the process takes at a gateway.

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::saksgang::{Case, Saksgang, form};

/// `Utfylling`, then a gateway with these flows; `Kort` and `Lang` are ends.
fn with_flows(gateway: &str, flows: &str) -> Saksgang {
    Saksgang::with(&format!(
        "start Start\n task Utfylling data reject\n gateway Vei {gateway}\n end Kort\n end Lang\n \
         Start -> Utfylling -> Vei\n {flows}"
    ))
}

/// The end that an instance with this form comes to, or what is refused.
async fn end_of(case: &Case, form: &Value) -> Result<String, (u16, Value)> {
    let sak = case.create().await;
    sak.fill(form).await;
    let answer = sak.next().await;
    match answer.status {
        200 => Ok(answer.json()["endEvent"].as_str().unwrap_or_default().to_owned()),
        status => {
            assert_eq!(sak.task().await.as_deref(), Some("Utfylling"));
            Err((status, answer.json()))
        }
    }
}

const BOTH: &str = "Vei -> Kort if [\"equals\", [\"dataModel\", \"vei\"], \"kort\"]\n \
                    Vei -> Lang if [\"equals\", [\"dataModel\", \"vei\"], \"lang\"]";

#[tokio::test]
async fn condition_on_the_form_decides() {
    let _rows = covers("app-process", &["49", "53"]);
    let case = with_flows("data=skjema", BOTH).serve();
    assert_eq!(end_of(&case, &json!({"vei": "kort"})).await, Ok("Kort".to_owned()));
    assert_eq!(end_of(&case, &json!({"vei": "lang"})).await, Ok("Lang".to_owned()));
    let (status, problem) = end_of(&case, &json!({"vei": "annen"})).await.expect_err("no flow is open");
    assert_eq!((status, &problem["title"]), (500, &json!("Process next failed.")));
    assert_eq!(problem["detail"], "Exclusive gateway Vei returned 0 flows. Expected 1");
}

#[tokio::test]
async fn gateway_without_a_type_reads_the_form_of_the_page() {
    let _rows = covers("app-process", &["51"]);
    let navn = json!([{"id": "navn", "type": "Input", "dataModelBindings": {"simpleBinding": "navn"}}]);
    let case = with_flows("", BOTH).page(navn).serve();
    assert_eq!(end_of(&case, &json!({"vei": "lang"})).await, Ok("Lang".to_owned()));
}

#[tokio::test]
async fn action_of_the_request_decides() {
    let _rows = covers("app-process", &["50"]);
    let flows = "Vei -> Kort if [\"equals\", [\"gatewayAction\"], null]\n \
                 Vei -> Lang if [\"equals\", [\"gatewayAction\"], \"reject\"]";
    let case = with_flows("", flows).serve();
    assert_eq!(case.create().await.advance().await["endEvent"], "Kort");
    assert_eq!(case.create().await.advance_by("reject").await["endEvent"], "Lang");
}

#[tokio::test]
async fn connected_type_without_element_fails_only_where_its_data_is_read() {
    let _rows = covers("app-process", &["52"]);
    let with_other = |flows: &str| {
        with_flows("data=annet", flows)
            .metadata(|metadata| {
                let mut other = form("annet");
                other["appLogic"]["autoCreate"] = json!(false);
                other["minCount"] = json!(0);
                metadata["dataTypes"].as_array_mut().expect("data types").push(other);
            })
            .file("models/annet.schema.json", r#"{"type": "object", "properties": {"vei": {"type": "string"}}}"#)
            .serve()
    };
    let reads = "Vei -> Kort if [\"equals\", [\"dataModel\", \"vei\"], null]\n Vei -> Lang if false";
    let (status, problem) = end_of(&with_other(reads), &json!({})).await.expect_err("there is nothing to read");
    assert_eq!((status, &problem["title"]), (500, &json!("Process next failed.")));
    let names = "Vei -> Kort if [\"equals\", [\"dataModel\", \"vei\", \"annet\"], null]\n Vei -> Lang if false";
    assert_eq!(end_of(&with_other(names), &json!({})).await, Ok("Kort".to_owned()));
    let action = "Vei -> Kort if [\"equals\", [\"gatewayAction\"], null]\n Vei -> Lang if false";
    assert_eq!(end_of(&with_other(action), &json!({})).await, Ok("Kort".to_owned()));
}

#[tokio::test]
async fn several_open_flows_are_no_decision() {
    let _rows = covers("app-process", &["54"]);
    let case = with_flows("", "Vei -> Kort if true\n Vei -> Lang if true").serve();
    let (status, problem) = end_of(&case, &json!({})).await.expect_err("two flows are open");
    assert_eq!((status, &problem["detail"]), (500, &json!("Exclusive gateway Vei returned 2 flows. Expected 1")));
}

#[tokio::test]
async fn default_flow_is_taken_when_no_condition_holds_and_only_then() {
    let _rows = covers("app-process", &["55", "56"]);
    let flows = "Vei -> Kort if [\"equals\", [\"dataModel\", \"vei\"], \"kort\"]\n Vei -> Lang";
    let case = with_flows("data=skjema default=Lang", flows).serve();
    assert_eq!(end_of(&case, &json!({"vei": "annen"})).await, Ok("Lang".to_owned()));
    assert_eq!(end_of(&case, &json!({"vei": "kort"})).await, Ok("Kort".to_owned()));
}

#[tokio::test]
async fn chained_gateways_are_followed() {
    let _rows = covers("app-process", &["57"]);
    let sketch = "
        start Start
        task Utfylling data
        gateway Vei data=skjema
        gateway Igjen data=skjema
        gateway Samlet
        end Kort
        end Lang
        Start -> Utfylling -> Vei
        Vei -> Kort if [\"equals\", [\"dataModel\", \"vei\"], \"kort\"]
        Vei -> Igjen if [\"notEquals\", [\"dataModel\", \"vei\"], \"kort\"]
        Igjen -> Samlet if [\"equals\", [\"dataModel\", \"vei\"], \"lang\"]
        Igjen -> Kort if [\"notEquals\", [\"dataModel\", \"vei\"], \"lang\"]
        Samlet -> Lang";
    let case = Saksgang::with(sketch).serve();
    assert_eq!(end_of(&case, &json!({"vei": "lang"})).await, Ok("Lang".to_owned()));
    assert_eq!(end_of(&case, &json!({"vei": "annen"})).await, Ok("Kort".to_owned()));
}
