//! Runs the crate's own expression files, and rules that no file can say.

use std::collections::BTreeMap;
use std::path::Path;

use mottak_forms::expression::testing::run_test_file;
use mottak_forms::expression::{
    Calculations, DataSource, DataTypeFacts, Dialect, ElementFacts, ElementIndex, EvaluationContext, Expression,
    ExpressionRules, Facts, evaluate,
};
use mottak_forms::layout::{ComponentContexts, LayoutSet, Layouts, Page, hidden_fields};
use mottak_forms::text::TextResources;
use proptest::prelude::*;
use serde_json::{Value, json};

fn run(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/expression").join(file);
    let text = std::fs::read_to_string(&path).expect("a readable file");
    for outcome in run_test_file(&text).expect("a test file") {
        assert!(outcome.passed, "{file}: {}: {}", outcome.name, outcome.detail);
    }
}

#[test]
fn arguments_are_all_evaluated_and_converted() {
    let _rows = mottak_testing::covers("app-forms", &["74", "75", "76", "77", "81", "144", "145"]);
    run("evaluation.json");
}

#[test]
fn decimals_calculate_with_fifteen_digits() {
    let _rows = mottak_testing::covers("app-forms", &["78", "142", "143"]);
    run("arithmetic.json");
}

#[test]
fn dates_are_shown_and_compared() {
    let _rows = mottak_testing::covers("app-forms", &["79", "80", "86"]);
    run("dates.json");
}

#[test]
fn lookups_follow_the_rows_of_the_context() {
    let _rows = mottak_testing::covers("app-forms", &["61", "62", "70", "72", "82"]);
    run("rows.json");
    run("hidden_row.json");
}

#[test]
fn a_column_is_summed_by_a_query() {
    let _rows = mottak_testing::covers("app-forms", &["87"]);
    run("sums.json");
}

#[test]
fn components_that_hide_each_other_are_named() {
    let _rows = mottak_testing::covers("app-forms", &["83"]);
    run("cycle.json");
}

#[test]
fn children_of_hidden_groups_are_hidden() {
    let _rows = mottak_testing::covers("app-forms", &["71"]);
    run("button_group.json");
}

/// Facts with one form of the data type `default`, and types that bindings may not name.
fn with_form(data: &dyn DataSource, check: impl FnOnce(&Facts<'_>)) {
    let (settings, texts) = (BTreeMap::new(), TextResources::default());
    let data_type = |id, max_count| DataTypeFacts { id, max_count, has_model: true };
    let facts = Facts {
        data_types: vec![data_type("default", 1), data_type("many", 5), data_type("absent", 1)],
        elements: vec![ElementFacts { id: "1", data_type: "default", content: Some(data) }],
        ..Facts::new(&settings, &texts)
    };
    check(&facts);
}

fn value_of(json: Value, context: &EvaluationContext<'_>) -> Result<Value, String> {
    let expression = Expression::parse(&json).map_err(|error| error.to_string())?;
    evaluate(&expression, context).map_err(|error| error.to_string())
}

fn layouts(components: Value) -> Layouts {
    let page = Page::parse("page", &json!({"data": {"layout": components}})).expect("a page");
    Layouts { sets: vec![LayoutSet { id: "form".to_owned(), data_type: "default".to_owned(), pages: vec![page] }] }
}

#[test]
fn data_types_outside_the_form_are_read_when_there_is_exactly_one() {
    let _rows = mottak_testing::covers("app-forms", &["63", "64"]);
    with_form(&json!({"a": 1}), |facts| {
        let context = EvaluationContext::without_layout(facts, Some(ElementIndex(0)));
        assert_eq!(value_of(json!(["dataModel", "a", "absent"]), &context), Ok(Value::Null));
        let error = value_of(json!(["dataModel", "a", "many"]), &context).expect_err("many elements");
        assert!(error.contains("many has maxCount different from 1"), "{error}");
        let error = value_of(json!(["dataModel", "a", "other"]), &context).expect_err("no such type");
        assert!(error.contains("other not found in applicationmetadata.json"), "{error}");
    });
}

#[test]
fn a_gateway_has_no_components_and_only_true_is_true() {
    with_form(&json!({}), |facts| {
        let context = EvaluationContext::without_layout(facts, None);
        assert_eq!(value_of(json!(["component", "a"]), &context), Err("Component model not loaded".to_owned()));
        assert_eq!(value_of(json!(["concat", "true"]), &context), Ok(json!("true")));
        let error = value_of(json!(["dataModel", "a"]), &context).expect_err("no element");
        assert!(error.contains("defaultDataElementIdentifier"), "{error}");
    });
}

fn issues(rules: &Value, data: &Value, components: Value) -> Result<Vec<(String, String)>, String> {
    let mut result = Ok(Vec::new());
    with_form(data, |facts| {
        let layouts = layouts(components);
        let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
        let hidden = hidden_fields(&contexts).expect("hidden fields");
        let (rules, _) = ExpressionRules::parse(rules).expect("rules");
        result = rules
            .validate(ElementIndex(0), &contexts, &hidden)
            .map(|issues| issues.into_iter().filter_map(|issue| issue.field.zip(issue.code)).collect())
            .map_err(|error| error.to_string());
    });
    result
}

#[test]
fn expression_rules_skip_what_is_hidden_part_by_part() {
    let _rows = mottak_testing::covers("app-forms", &["97"]);
    let rules = json!({"validations": {
        "form.name": [{"message": "m", "condition": true}],
        "form.nameOfPet": [{"message": "m", "condition": true}],
        "form.empty": [{"message": "m", "condition": true}],
    }});
    let data = json!({"form": {"name": "a", "nameOfPet": "b", "empty": null}});
    let hidden =
        json!([{"id": "a", "type": "Input", "hidden": true, "dataModelBindings": {"simpleBinding": "form.name"}}]);
    assert_eq!(issues(&rules, &data, hidden), Ok(vec![("form.nameOfPet".to_owned(), "m".to_owned())]));
}

#[test]
fn expression_rules_keep_the_text_of_links() {
    let _rows = mottak_testing::covers("app-forms", &["98"]);
    let rules = json!({"validations": {"a": [{"message": ["linkToComponent", "Go", "b"], "condition": ["equals", ["value"], "a"]}]}});
    assert_eq!(issues(&rules, &json!({"a": 1}), json!([])), Ok(vec![("a".to_owned(), "Go".to_owned())]));
}

#[test]
fn a_condition_that_is_neither_true_nor_false_is_an_error() {
    let _rows = mottak_testing::covers("app-forms", &["99"]);
    let rules = json!({"validations": {"a": [{"message": "m", "condition": ["dataModel", "b"]}]}});
    let error = issues(&rules, &json!({"a": 1}), json!([])).expect_err("null is no condition");
    assert!(error.contains("must be true or false") && error.contains("validation of a"), "{error}");
}

#[test]
fn definitions_see_only_the_ones_above_them() {
    let _rows = mottak_testing::covers("app-forms", &["100"]);
    let rules = json!({
        "definitions": {
            "early": {"ref": "late", "message": "early"},
            "late": {"message": "late", "condition": true},
            "later": {"ref": "late", "message": "later"},
        },
        "validations": {"a": ["early", "late", "later"]},
    });
    let found = issues(&rules, &json!({"a": 1}), json!([])).expect("issues");
    assert_eq!(found, [("a".to_owned(), "late".to_owned()), ("a".to_owned(), "later".to_owned())]);
    let (_, problems) = ExpressionRules::parse(&rules).expect("rules");
    assert_eq!(problems.len(), 2);
    assert!(ExpressionRules::parse(&json!({"validations": {"a": [{"severity": "bad"}]}})).is_err());
}

#[test]
fn count_is_a_function_of_the_newer_dialect_only() {
    with_form(&json!({}), |facts| {
        let count = json!(["count", ["list", null, 1]]);
        let context = EvaluationContext::without_layout(facts, None);
        assert!(value_of(count.clone(), &context).is_err_and(|error| error.contains("not implemented")));
        let newer = Facts { dialect: Dialect::V9, ..facts.clone() };
        assert_eq!(value_of(count, &EvaluationContext::without_layout(&newer, None)), Ok(json!(2)));
    });
}

#[test]
fn calculations_report_what_they_cannot_parse() {
    let (_, problems) =
        Calculations::parse(&json!({"calculations": {"a": {"expression": {}}, "b": {"expression": 1}}}));
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/calculations/a"]);
}

/// A chain of `length` components, each hidden by asking the next inside `nesting` calls; the last asks `last`.
fn chain(length: usize, nesting: usize, last: &Value) -> Layouts {
    let component = |position: usize| {
        let mut asked = json!(["component", format!("c{}", position + 1)]);
        for _ in 0..nesting {
            asked = json!(["concat", asked]);
        }
        let hidden = if position + 1 == length { last.clone() } else { json!(["equals", asked, "x"]) };
        json!({"id": format!("c{position}"), "type": "Input", "hidden": hidden, "dataModelBindings": {"simpleBinding": "a"}})
    };
    layouts((0..length).map(component).collect())
}

#[test]
fn long_chains_of_hidden_components_end_in_an_answer_or_an_error() {
    with_form(&json!({"a": "y"}), |facts| {
        for (length, nesting, is_fine) in [(50, 1, true), (5, 60, true), (90, 60, false), (5000, 0, false)] {
            let layouts = chain(length, nesting, &json!(false));
            let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
            let context = contexts.evaluation(contexts.pages()[0]);
            assert_eq!(value_of(json!(["component", "c0"]), &context).is_ok(), is_fine, "{length}");
        }
    });
}

fn json_values() -> impl Strategy<Value = Value> {
    let functions = prop::sample::select(vec![
        "equals",
        "if",
        "compare",
        "concat",
        "stringSlice",
        "stringReplace",
        "round",
        "formatDate",
        "plus",
        "minus",
        "multiply",
        "divide",
        "sum",
        "average",
        "count",
        "list",
        "object",
        "jmespath",
        "dataModel",
        "component",
        "text",
        "argv",
        "lowerCaseFirst",
        "upperCase",
        "commaContains",
        "stringIndexOf",
        "and",
        "not",
        "greaterThan",
        "value",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9:TZ+ .-]{0,24}".prop_map(Value::from),
        "[yMdEaGhHmsS ]{0,8}".prop_map(Value::from),
        "[a-c@.\\[\\]{}()?*|&!=<>`'\":,0-9-]{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "a",
            "a[0]",
            "a.b",
            "c",
            "not",
            "isBefore",
            "isSameDay",
            "else",
            "2024-02-29T12:00Z"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            8 => (functions.clone(), prop::collection::vec(inner.clone(), 0..5)).prop_map(|(name, arguments)| {
                Value::Array(std::iter::once(Value::from(name)).chain(arguments).collect())
            }),
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            1 => prop::collection::hash_map("[a-z]{1,4}", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_panics(expression in json_values(), data in json_values()) {
        let data = json!({"a": [{"b": data.clone()}, null], "c": data});
        with_form(&data, |facts| {
            let layouts = layouts(json!([{"id": "c", "type": "Input", "dataModelBindings": {"simpleBinding": "c"}}]));
            let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
            let context = contexts.evaluation(contexts.pages()[0]);
            let _ = value_of(expression.clone(), &EvaluationContext { arguments: Some(&[]), ..context });
        });
    }

    #[test]
    fn no_layout_or_rule_file_panics(json in json_values(), name in "hidden|children|type|dataModelBindings|rows|tabs") {
        let mut component = json!({"id": "a", "type": "RepeatingGroup", "children": ["b"], "dataModelBindings": {"group": "c"}});
        component[&name] = json.clone();
        let _ = Page::parse("page", &json);
        let _ = Page::parse("page", &json!({"data": {"layout": [component, {"id": "b", "type": "Group", "children": json}]}}));
        let _ = ExpressionRules::parse(&json!({"validations": {"a": [json]}, "definitions": json}));
        let _ = run_test_file(&json!({"expression": json, "layouts": json}).to_string());
    }
}

#[test]
fn the_deepest_query_fits_beside_the_longest_chain_of_hidden_components() {
    let deepest = [
        "[".repeat(39) + "a" + &"]".repeat(39),
        "(".repeat(39) + "a" + &")".repeat(39),
        "!".repeat(39) + "a",
        "a.".repeat(38) + "a",
        "abs(".repeat(38) + "`1`" + &")".repeat(38),
        "!".repeat(299) + "a",
        "a.".repeat(149) + "a",
    ];
    let run = move || {
        with_form(&json!({"a": "y"}), |facts| {
            for query in &deepest {
                let layouts = chain(50, 1, &json!(["jmespath", ["object"], query]));
                let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
                let context = contexts.evaluation(contexts.pages()[0]);
                let result = value_of(json!(["component", "c0"]), &context);
                assert!(result.as_ref().err().is_none_or(|error| !error.contains("wait for each other")), "{result:?}");
            }
        });
    };
    // Two thirds of the stack of a worker thread.
    let thread = std::thread::Builder::new().stack_size(1_400 << 10).spawn(run);
    thread.expect("a thread").join().expect("no overflow");
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let mut json = json!(1);
    for _ in 0..100_000 {
        json = Value::Array(vec![json!("not"), json]);
    }
    assert!(Expression::parse(&json).is_err());
    // Dropping the value itself would recurse as deep as it is nested.
    std::mem::forget(json);
}
