//! Paths with row indices, row by row of the conformance table.

use mottak_forms::data::NotSet;
use mottak_forms::{Decimal, FieldPath, FormData, FormValue};
use mottak_testing::covers;

use crate::skjema::{body, json};

fn path(text: &str) -> FieldPath {
    text.parse().expect("a path")
}

fn data() -> FormData {
    json(
        r#"{"rader":[{"id":"a","under":[{"x":"a0"}]},null,{"id":"c","under":[{"x":"c0"},{"x":"c1"}]}],"tagger":["t0","t1"],"felt":{"value":"v"}}"#,
    )
}

fn text(data: &FormData, at: &str, rows: &[usize]) -> Option<String> {
    let resolved = data.resolve(&path(at), rows).expect("no index on a non-list")?;
    data.get(&resolved).and_then(FormValue::as_text).map(str::to_owned)
}

#[test]
fn rows_of_the_context_fill_lists_without_index() {
    let _rows = covers("app-forms", &["61", "62"]);
    let data = data();
    assert_eq!(text(&data, "rader[0].under.x", &[1, 0]), None);
    assert_eq!(text(&data, "rader.under.x", &[2, 1]).as_deref(), Some("c1"));
    assert_eq!(text(&data, "rader[0].under[0].x", &[2, 1]).as_deref(), Some("a0"));
    assert_eq!(text(&data, "tagger", &[1]).as_deref(), Some("t1"));
    assert_eq!(text(&data, "rader.id", &[9]), None);
    assert_eq!(data.resolve(&path("rader"), &[]).expect("a list").map(|p| p.to_string()).as_deref(), Some("rader"));
    assert_eq!(data.row_count(&path("rader")), Some(3));
}

#[test]
fn unknown_and_fixed_names_are_no_fields_and_indices_need_lists() {
    let data = data();
    for unknown in ["x", "felt.orid", "rader.id", "felt.value.y"] {
        assert_eq!(data.resolve(&path(unknown), &[]), Ok(None), "{unknown}");
    }
    let error = data.resolve(&path("felt[0].value"), &[]).expect_err("an index on an object");
    assert!(error.to_string().starts_with("Index on non indexable property"));
}

#[test]
fn every_row_of_a_path_is_found() {
    let data = data();
    let all = |key: &str| data.resolve_all(key).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(all("rader.under.x"), ["rader[0].under[0].x", "rader[2].under[0].x", "rader[2].under[1].x"]);
    assert_eq!(all("rader[2].id"), ["rader[2].id"]);
    assert_eq!(all("tagger"), ["tagger"]);
    assert_eq!(all("tagger[]"), ["tagger[0]", "tagger[1]"]);
    assert_eq!(all("tagger[1]"), ["tagger[1]"]);
    assert_eq!(all("navn"), ["navn"]);
    assert!(all("ukjent").is_empty() && all("tagger[5]").is_empty() && all("rader..x").is_empty());
}

#[test]
fn setting_creates_objects_but_never_rows_and_converts() {
    let mut data = json(r#"{"rader":[{}]}"#);
    let mut set = |at: &str, value: FormValue| data.set(&path(at), value);
    assert_eq!(set("felt.value", FormValue::from("x")), Ok(()));
    assert_eq!(set("rader[0].sum", FormValue::from("1.50")), Ok(()));
    assert_eq!(set("alder", FormValue::Bool(true)), Ok(()));
    assert_eq!(set("ok", FormValue::from("TRUE")), Ok(()));
    assert_eq!(set("navn", FormValue::Number(Decimal::from(7))), Ok(()));
    assert_eq!(set("navn", FormValue::Bool(true)), Err(NotSet::Unsuitable));
    assert_eq!(set("tid", FormValue::Number(Decimal::from(7))), Err(NotSet::Unsuitable));
    assert_eq!(set("rader[1].id", FormValue::from("x")), Err(NotSet::NoSuchRow));
    assert_eq!(set("rader", FormValue::Null), Err(NotSet::Unsuitable));
    assert_eq!(set("felt.orid", FormValue::from("1")), Err(NotSet::NoSuchField));
    let expected =
        r#"<navn>7</navn><alder>1</alder><ok>true</ok><rader><sum>1.50</sum></rader><felt orid="30320">x</felt>"#;
    assert_eq!(body(&data), expected);
}
