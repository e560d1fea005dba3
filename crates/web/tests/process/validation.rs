//! `GET validate`, and the validation that a move begins with.

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::saksgang::{STRAIGHT, Saksgang};

const TASK: &str = "Altinn.App.Core.Features.Validation.Default.DefaultTaskValidator-*";

fn sources(issues: &Value) -> Vec<String> {
    let mut sources: Vec<String> = issues
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|issue| issue["source"].as_str())
        .map(str::to_owned)
        .collect();
    sources.dedup();
    sources
}

/// An app with something for every validator: a required field, a rule, a length, an attachment that is missing.
fn demanding() -> Saksgang {
    let rules = json!({"validations": {"vei": [
        {"message": "Ikke den veien", "severity": "error", "condition": ["equals", ["dataModel", "vei"], "feil"]},
        {"message": "Lang vei", "severity": "warning", "condition": ["equals", ["dataModel", "vei"], "lang"]},
    ]}});
    let required = json!([
        {"id": "hemmelig", "type": "Input", "required": true, "dataModelBindings": {"simpleBinding": "hemmelig"}},
        {"id": "vei", "type": "Input", "dataModelBindings": {"simpleBinding": "vei"}},
    ]);
    Saksgang::with(STRAIGHT)
        .page(required)
        .file("models/skjema.validation.json", rules.to_string())
        .file("appsettings.json", r#"{"AppSettings": {"RequiredValidation": true, "ExpressionValidation": true}}"#)
        .metadata(|metadata| metadata["dataTypes"][1]["minCount"] = json!(1))
}

#[tokio::test]
async fn sound_instance_has_no_issues() {
    let _rows = covers("app-api", &["VAL-01"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let answer = sak.client.get(sak.path("/validate")).send().await.expect(200);
    assert_eq!(answer.text(), "[]");
}

#[tokio::test]
async fn issues_are_a_flat_list_grouped_by_validator() {
    let _rows = covers("app-api", &["VAL-02"]);
    let case = demanding().serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn", "vei": "feil"})).await;
    let issues = sak.client.get(sak.path("/validate")).send().await.expect(200).json();
    assert_eq!(sources(&issues), ["Required", "Expression", TASK, "DataAnnotations"]);
    let form = sak.elements("skjema").await[0]["id"].clone();
    for issue in issues.as_array().into_iter().flatten() {
        assert_eq!(issue["severity"], 1, "{issue}");
        assert!(issue["source"] == TASK || issue["dataElementId"] == form, "{issue}");
    }
    let count = &issues[2];
    assert_eq!((&count["code"], &count["field"]), (&json!("TooFewDataElementsOfType"), &json!("vedlegg")));
    assert_eq!(count["noIncrementalUpdates"], true);
}

#[tokio::test]
async fn validators_are_left_out_by_name_or_by_kind() {
    let _rows = [covers("app-api", &["VAL-04", "VAL-08"]), covers("app-forms", &["101", "102"])];
    let case = demanding().serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn", "vei": "feil"})).await;
    let cases: [(&str, &[&str]); 5] = [
        ("?ignoredValidators=required,EXPRESSION", &[TASK, "DataAnnotations"]),
        ("?ignoredValidators=%20Required%20,,%20expression%20", &[TASK, "DataAnnotations"]),
        ("?onlyIncrementalValidators=true", &["Required", "Expression", "DataAnnotations"]),
        ("?onlyIncrementalValidators=false", &[TASK]),
        ("", &["Required", "Expression", TASK, "DataAnnotations"]),
    ];
    for (query, expected) in cases {
        let issues = sak.client.get(sak.path("/validate") + query).send().await.expect(200).json();
        assert_eq!(sources(&issues), expected, "{query}");
        for issue in issues.as_array().into_iter().flatten() {
            assert_eq!(issue.get("noIncrementalUpdates").is_some(), issue["source"] == TASK, "{issue}");
        }
    }
}

#[tokio::test]
async fn instance_outside_a_task_is_not_validated() {
    let _rows = covers("app-api", &["VAL-03"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let ended = case.create().await;
    ended.advance().await;
    for sak in [ended, case.without_process().await] {
        let refused = sak.client.get(sak.path("/validate")).send().await.expect(409).json();
        assert_eq!((&refused["title"], &refused["status"]), (&json!("Validation error"), &json!(409)));
        assert_eq!(refused["detail"], "Unable to validate instance without a started process.");
        assert!(refused["type"].is_string() && refused["traceId"].is_string(), "{refused}");
    }
}

#[tokio::test]
async fn move_with_errors_is_refused_with_all_issues() {
    let _rows = [covers("app-process", &["79"]), covers("app-api", &["PRC-03"])];
    let case = demanding().serve();
    let sak = case.create().await;
    sak.attach(b"%PDF-1.7").await;
    sak.fill(&json!({"hemmelig": "noe", "navn": "et altfor langt navn", "vei": "lang"})).await;
    let refused = sak.next().await.expect(409).json();
    assert_eq!((&refused["title"], &refused["status"]), (&json!("Validation failed for task"), &json!(409)));
    assert_eq!(refused["detail"], "1 validation errors found for task Utfylling");
    let issues = refused["validationIssues"].as_array().cloned().unwrap_or_default();
    let severities: Vec<_> = issues.iter().map(|issue| issue["severity"].as_i64()).collect();
    assert_eq!(severities, [Some(2), Some(1)]);
    assert_eq!(issues[0]["customTextKey"], "Lang vei");
    assert_eq!(sak.task().await.as_deref(), Some("Utfylling"));
}

#[tokio::test]
async fn warnings_do_not_stop_a_move() {
    let _rows = [covers("app-process", &["78"]), covers("app-api", &["PRC-05"]), covers("app-forms", &["103"])];
    let case = demanding().serve();
    let sak = case.create().await;
    sak.attach(b"%PDF-1.7").await;
    sak.fill(&json!({"hemmelig": "noe", "vei": "lang"})).await;
    let state = sak.advance().await;
    assert_eq!(state["endEvent"], "Slutt");
    assert!(state.get("validationIssues").is_none());
}

#[tokio::test]
async fn issues_are_told_in_the_language_asked_for() {
    let _rows = covers("app-process", &["81"]);
    let texts = |language: &str, text: &str| {
        json!({"language": language, "resources": [{"id": "feil.vei", "value": text}]}).to_string()
    };
    let rules = json!({"validations": {"vei": [
        {"message": "feil.vei", "severity": "error", "condition": ["equals", ["dataModel", "vei"], "feil"]},
    ]}});
    let case = demanding()
        .file("models/skjema.validation.json", rules.to_string())
        .file("config/texts/resource.nb.json", texts("nb", "Feil vei"))
        .file("config/texts/resource.en.json", texts("en", "Wrong way"))
        .serve();
    let sak = case.create().await;
    sak.fill(&json!({"vei": "feil"})).await;
    for (query, text) in [("", "Feil vei"), ("?language=en", "Wrong way")] {
        let refused = sak.client.put(sak.path("/process/next") + query).send().await.expect(409).json();
        let issues = refused["validationIssues"].as_array().cloned().unwrap_or_default();
        let told = issues.iter().find(|issue| issue["source"] == "Expression").cloned().unwrap_or_default();
        assert_eq!((&told["description"], &told["customTextKey"]), (&json!(text), &json!("feil.vei")), "{refused}");
    }
}

#[tokio::test]
async fn validation_is_for_those_who_may_read() {
    let _rows = covers("app-api", &["VAL-05"]);
    let case = Saksgang::with(STRAIGHT).serve();
    let sak = case.create().await;
    let refused = case.server.user(1002).get(sak.path("/validate")).send().await.expect(403).json();
    assert_eq!((&refused["title"], &refused["status"]), (&json!("Something went wrong."), &json!(403)));
    assert!(refused["traceId"].is_string(), "{refused}");
}

#[tokio::test]
async fn hidden_field_is_held_to_its_schema_all_the_same() {
    let _rows = covers("app-forms", &["91"]);
    let hidden = json!([
        {"id": "navn", "type": "Input", "hidden": true, "dataModelBindings": {"simpleBinding": "navn"}},
    ]);
    let case = Saksgang::with(STRAIGHT).page(hidden).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn"})).await;
    let issues = sak.client.get(sak.path("/validate")).send().await.expect(200).json();
    assert_eq!((&issues[0]["source"], &issues[0]["field"]), (&json!("DataAnnotations"), &json!("navn")));
}

#[tokio::test]
async fn form_of_another_task_is_held_to_its_schema() {
    let _rows = covers("app-forms", &["96"]);
    let sketch =
        "start Start\n task Utfylling data reject\n task Etter data\n end Slutt\n Start -> Utfylling -> Etter -> Slutt";
    let case = Saksgang::with(sketch).serve();
    let sak = case.create().await;
    sak.fill(&json!({"navn": "et altfor langt navn"})).await;
    sak.advance_by("reject").await;
    assert_eq!(sak.task().await.as_deref(), Some("Etter"));
    let issues = sak.client.get(sak.path("/validate")).send().await.expect(200).json();
    assert_eq!(issues[0]["dataElementId"], sak.elements("skjema").await[0]["id"], "{issues}");
}

#[tokio::test]
async fn file_that_waits_for_its_scan_holds_the_process_where_the_app_says_so() {
    let _rows = covers("app-process", &["80"]);
    for is_error in [true, false] {
        let case = Saksgang::with(STRAIGHT)
            .metadata(|metadata| {
                metadata["dataTypes"][1]["enableFileScan"] = json!(true);
                metadata["dataTypes"][1]["validationErrorOnPendingFileScan"] = json!(is_error);
            })
            .serve();
        let sak = case.create().await;
        let id = sak.attach(b"%PDF-1.7").await;
        if !is_error {
            assert_eq!(sak.advance().await["endEvent"], "Slutt");
            continue;
        }
        let refused = sak.next().await.expect(409).json();
        let issue = &refused["validationIssues"][0];
        assert_eq!(issue["code"], "DataElementFileScanPending", "{refused}");
        assert_eq!((&issue["dataElementId"], &issue["field"]), (&json!(id), &json!("vedlegg")));
    }
}

#[tokio::test]
async fn missing_value_is_told_in_every_language() {
    let _rows = covers("app-forms", &["107"]);
    let case = demanding().serve();
    let sak = case.create().await;
    let texts = [("nb", "Feltet er påkrevd"), ("nn", "Feltet er påkravd"), ("en", "Field is required")];
    for (language, text) in texts {
        let path = sak.path(&format!("/validate?language={language}"));
        let issues = sak.client.get(path).send().await.expect(200).json();
        assert_eq!((&issues[0]["code"], &issues[0]["description"]), (&json!("required"), &json!(text)), "{language}");
    }
}
