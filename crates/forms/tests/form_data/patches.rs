//! Patches, row by row of the conformance table.

use mottak_forms::FormData;
use mottak_forms::patch::{self, Patch, PatchError, PatchRequest, Patched, changed_fields};
use mottak_testing::covers;
use uuid::Uuid;

use crate::skjema::{body, json, member};

fn apply(data: &FormData, operations: &str) -> Result<Patched, PatchError> {
    let value = mottak_forms::json::parse(operations.as_bytes(), mottak_forms::json::Syntax::Strict).expect("JSON");
    patch::apply(data, &Patch::from_value(&value, "patch").expect("a patch"))
}

fn patched(data: &FormData, operations: &str) -> FormData {
    apply(data, operations).expect("applied").data
}

fn failure(data: &FormData, operations: &str) -> PatchError {
    apply(data, operations).expect_err("refused")
}

#[test]
fn unset_fields_can_be_tested_added_and_removed() {
    let _rows = covers("app-forms", &["2", "39", "48", "128"]);
    let data = json("{}");
    let added = patched(&data, r#"[{"op":"test","path":"/navn","value":null},{"op":"add","path":"/navn","value":""}]"#);
    assert_eq!((body(&added).as_str(), member(&added, "navn").as_str()), ("<navn />", r#""""#));
    let removed = patched(
        &json(r#"{"navn":"x","start":"y"}"#),
        r#"[{"op":"remove","path":"/navn"},{"op":"remove","path":"/start"}]"#,
    );
    assert_eq!((member(&removed, "navn").as_str(), member(&removed, "start").as_str()), ("null", r#""ny""#));
    assert_eq!(member(&patched(&json(r#"{"tagger":["a"]}"#), r#"[{"op":"remove","path":"/tagger"}]"#), "tagger"), "[]");
}

#[test]
fn failed_test_names_the_operation() {
    let operations = r#"[{"op":"add","path":"/navn","value":"x"},{"op":"test","path":"/alder","value":3}]"#;
    let error = failure(&json(r#"{"alder":2}"#), operations);
    assert_eq!(error, PatchError::TestFailed { operation_index: 1, path: "/alder".to_owned() });
    assert_eq!(error.title(), "Precondition in patch failed");
    assert_eq!(error.to_string(), "Path `/alder` is not equal to the indicated value.");
}

#[test]
fn paths_that_do_not_exist_cannot_be_reached() {
    let _rows = covers("app-forms", &["41", "46"]);
    let data = json(r#"{"rader":[{"id":"a"}]}"#);
    for (operation, path) in [
        (r#"{"op":"test","path":"/x","value":null}"#, "/x"),
        (r#"{"op":"remove","path":"/x"}"#, "/x"),
        (r#"{"op":"replace","path":"/x","value":1}"#, "/x"),
        (r#"{"op":"add","path":"/felt/value","value":"x"}"#, "/felt/value"),
        (r#"{"op":"add","path":"/rader/5/id","value":"x"}"#, "/rader/5/id"),
        (r#"{"op":"add","path":"/rader/2","value":{}}"#, "/rader/2"),
        (r#"{"op":"add","path":"/rader/01","value":{}}"#, "/rader/01"),
        (r#"{"op":"copy","from":"/x","path":"/navn"}"#, "/x"),
        (r#"{"op":"move","from":"/rader","path":"/rader/0"}"#, "/rader/0"),
    ] {
        let error = failure(&data, &format!("[{operation}]"));
        assert_eq!(error.to_string(), format!("Path `{path}` could not be reached."));
        assert_eq!((error.title(), error.operation_index()), ("Patch Operation Failed", Some(0)));
    }
}

#[test]
fn results_that_are_no_document_are_refused() {
    let _rows = covers("app-forms", &["42", "43"]);
    let unknown = failure(&json("{}"), r#"[{"op":"add","path":"/ukjent","value":"x"}]"#);
    assert_eq!((unknown.title(), unknown.operation_index()), ("Patch operation did not deserialize", None));
    assert!(unknown.to_string().contains("The JSON property 'ukjent' could not be mapped"), "{unknown}");
    let text = failure(&json("{}"), r#"[{"op":"replace","path":"/alder","value":"abc"}]"#);
    assert_eq!(text.title(), "Patch operation did not deserialize");
    for operation in [
        r#"{"op":"replace","path":"/alder","value":"12"}"#,
        r#"{"op":"replace","path":"/navn","value":{}}"#,
        r#"{"op":"replace","path":"/rader","value":{}}"#,
    ] {
        assert_eq!(failure(&json("{}"), &format!("[{operation}]")).title(), "Patch operation did not deserialize");
    }
    assert_eq!(failure(&json("{}"), r#"[{"op":"remove","path":""}]"#), PatchError::ResultIsNull);
}

#[test]
fn tests_compare_numbers_by_value_and_objects_without_order() {
    let _rows = covers("app-forms", &["44"]);
    let data = json(r#"{"belop":1.0,"rader":[{"id":"a","sum":1}]}"#);
    patched(&data, r#"[{"op":"test","path":"/belop","value":1}]"#);
    patched(&data, r#"[{"op":"test","path":"/rader/0","value":{"under":[],"sum":1.00,"id":"a"}}]"#);
    failure(&data, r#"[{"op":"test","path":"/rader/0","value":{"sum":1,"id":"a"}}]"#);
    failure(&data, r#"[{"op":"test","path":"/belop","value":"1"}]"#);
}

#[test]
fn rows_are_added_with_ids_and_removed_from_the_end() {
    let _rows = covers("app-forms", &["32", "36", "37", "45", "47"]);
    let id = Uuid::from_u128(5);
    let mut data = patched(
        &json("{}"),
        &format!(
            r#"[{{"op":"add","path":"/rader/-","value":{{"altinnRowId":"{id}","id":"a"}}}},
                {{"op":"add","path":"/rader/-","value":{{"id":"b"}}}}, {{"op":"add","path":"/rader/1","value":{{"id":"c"}}}}]"#
        ),
    );
    let mut next = 10;
    data.assign_row_ids(&mut || {
        next += 1;
        Uuid::from_u128(next)
    });
    let row = |n: u128, name: &str| format!(r#"<rader altinnRowId="{}"><id>{name}</id></rader>"#, Uuid::from_u128(n));
    assert_eq!(body(&data), [row(5, "a"), row(11, "c"), row(12, "b")].concat());
    assert!(member(&data, "rader").starts_with(&format!(r#"[{{"altinnRowId":"{id}","id":"a""#)));
    let without_middle = patched(&data, r#"[{"op":"remove","path":"/rader/1"}]"#);
    assert_eq!(body(&without_middle), [row(5, "a"), row(12, "b")].concat());
    let emptied = patched(&without_middle, r#"[{"op":"remove","path":"/rader/1"},{"op":"remove","path":"/rader/0"}]"#);
    assert_eq!(member(&emptied, "rader"), "[]");
}

#[test]
fn move_and_copy_follow_the_standard() {
    let _rows = covers("app-forms", &["60"]);
    let data = json(r#"{"navn":"x","tagger":["a","b"]}"#);
    let result = patched(
        &data,
        r#"[{"op":"copy","from":"/tagger/0","path":"/tagger/-"},{"op":"move","from":"/navn","path":"/dato"}]"#,
    );
    assert_eq!(body(&result), "<dato>x</dato><tagger>a</tagger><tagger>b</tagger><tagger>a</tagger>");
}

#[test]
fn unchanged_documents_are_known_as_such() {
    let data = json(r#"{"belop":1.5}"#);
    let changed = |operations: &str| apply(&data, operations).expect("applied").changed;
    assert!(!changed("[]"));
    assert!(!changed(r#"[{"op":"replace","path":"/belop","value":1.5}]"#));
    assert!(changed(r#"[{"op":"replace","path":"/belop","value":1.50}]"#));
}

#[test]
fn copies_of_copies_do_not_exhaust_memory() {
    let double = r#"{"op":"copy","from":"/rader","path":"/rader/0"}"#;
    let error = failure(&json(r#"{"rader":[{"id":"a"}]}"#), &format!("[{}]", vec![double; 100].join(",")));
    assert_eq!(error.title(), "Patch Operation Failed");
}

#[test]
fn requests_are_checked_before_anything_is_applied() {
    let _rows = covers("app-forms", &["51"]);
    let id = Uuid::from_u128(1);
    let element = format!(r#"{{"dataElementId":"{id}","patch":[]}}"#);
    let request = PatchRequest::parse_multiple(
        format!(r#"{{"patches":[{element}],"ignoredValidators":["Required"]}}"#).as_bytes(),
    );
    let request = request.expect("a request");
    assert_eq!((request.patches.len(), request.ignored_validators), (1, vec!["Required".to_owned()]));
    let twice = PatchRequest::parse_multiple(format!(r#"{{"patches":[{element},{element}]}}"#).as_bytes());
    assert_eq!(twice.expect_err("twice").member, "patches[1].dataElementId");
    for body in ["", "[]", "{}", r#"{"patches":[{}]}"#, r#"{"patches":[{"dataElementId":"x","patch":[]}]}"#] {
        assert!(PatchRequest::parse_multiple(body.as_bytes()).is_err(), "{body}");
    }
    for patch in [
        r#"[{"op":"spin","path":"/a"}]"#,
        r#"[{"op":"add","path":"/a"}]"#,
        r#"[{"op":"add","path":"a","value":1}]"#,
        r#"[{"op":"move","path":"/a"}]"#,
        r#"[{"op":"remove","path":"/~2"}]"#,
        "{}",
    ] {
        assert!(PatchRequest::parse_single(id, format!(r#"{{"patch":{patch}}}"#).as_bytes()).is_err(), "{patch}");
    }
    assert!(PatchRequest::parse_single(id, b"{}").is_err());
}

#[test]
fn changed_fields_are_leaves_and_lost_rows_are_nulls() {
    let _rows = covers("app-forms", &["59"]);
    let before = json(
        r#"{"navn":"a","rader":[{"id":"1","sum":1,"under":[{"x":"u"}]},{"id":"2"},{"id":"3","sum":3,"under":[{"x":"v"}]}],"tagger":["x","y"]}"#,
    );
    let after = patched(
        &before,
        r#"[{"op":"replace","path":"/navn","value":"b"},{"op":"remove","path":"/rader/1"},{"op":"remove","path":"/tagger/1"},
        {"op":"add","path":"/felt","value":{"value":"f"}}]"#,
    );
    let changes = serde_json::to_string(&changed_fields(&before, &after)).expect("JSON");
    assert_eq!(
        changes,
        concat!(
            r#"{"navn":"b","rader[1].id":"3","rader[1].sum":3,"rader[1].under[0].x":"v","#,
            r#""rader[2].id":null,"rader[2].sum":null,"rader[2].under[0].x":null,"#,
            r#""tagger[1]":null,"felt":null,"felt.orid":30320,"felt.value":"f"}"#
        )
    );
    let removed = changed_fields(&after, &json(r#"{"navn":"b","rader":[],"tagger":["x"]}"#));
    assert!(removed.get("felt").is_none() && removed.get("felt.value").is_some_and(mottak_forms::FormValue::is_null));
    assert!(changed_fields(&after, &after).is_empty());
}
