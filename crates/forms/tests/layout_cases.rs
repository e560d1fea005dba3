//! Rules of layouts and texts, each on a small form.

use std::collections::BTreeMap;

use mottak_forms::expression::{DataSource, DataTypeFacts, ElementFacts, EvaluationContext, Facts, InstanceFacts};
use mottak_forms::layout::{
    ComponentContexts, FieldReference, LayoutSet, Layouts, Page, hidden_fields, hidden_fields_to_remove,
    required_issues,
};
use mottak_forms::text::{TextFile, TextResource, TextResources, TextVariable, translate};
use mottak_forms::validation::Issue;
use serde_json::{Value, json};

fn set(id: &str, data_type: &str, pages: &[Value]) -> LayoutSet {
    let page = |(number, data): (usize, &Value)| {
        Page::parse(&format!("page{number}"), &json!({"data": data})).expect("a page")
    };
    LayoutSet {
        id: id.to_owned(),
        data_type: data_type.to_owned(),
        pages: pages.iter().enumerate().map(page).collect(),
    }
}

fn one_page(layout: Value) -> Layouts {
    Layouts { sets: vec![set("form", "default", &[json!({"layout": layout})])] }
}

/// The elements of an instance: `sub…` are of the data type `sub`, the others of `default`.
fn with_facts(elements: &[(&str, Value)], texts: &TextResources, check: impl FnOnce(&Facts<'_>)) {
    let settings = BTreeMap::from([("url".to_owned(), "https://example.com".to_owned())]);
    let data_type = |id, max_count| DataTypeFacts { id, max_count, has_model: true };
    let facts = Facts {
        data_types: vec![data_type("default", 1), data_type("sub", 0)],
        elements: elements
            .iter()
            .map(|(id, data)| ElementFacts {
                id,
                data_type: if id.starts_with("sub") { "sub" } else { "default" },
                content: Some(data as &dyn DataSource),
            })
            .collect(),
        task_data_type: Some("default"),
        instance: InstanceFacts { app_id: Some("ttd/skjema"), ..InstanceFacts::default() },
        ..Facts::new(&settings, texts)
    };
    check(&facts);
}

fn required(layouts: &Layouts, elements: &[(&str, Value)]) -> Vec<Issue> {
    let mut issues = Vec::new();
    with_facts(elements, &TextResources::default(), |facts| {
        let contexts = ComponentContexts::build(layouts, "form", facts).expect("contexts");
        issues = required_issues(&contexts).expect("issues");
    });
    issues
}

fn fields(issues: &[Issue]) -> Vec<&str> {
    issues.iter().filter_map(|issue| issue.field.as_deref()).collect()
}

fn input(id: &str) -> Value {
    json!({"id": id, "type": "Input", "required": true, "dataModelBindings": {"simpleBinding": id}})
}

#[test]
fn a_null_row_is_hidden() {
    let _rows = mottak_testing::covers("app-forms", &["67"]);
    let layouts = one_page(json!([
        {"id": "group", "type": "RepeatingGroup", "dataModelBindings": {"group": "rows"}, "children": ["x"]},
        {"id": "x", "type": "Input", "required": true, "dataModelBindings": {"simpleBinding": "rows.x"}},
    ]));
    let issues = required(&layouts, &[("1", json!({"rows": [null, {"x": ""}]}))]);
    assert_eq!(fields(&issues), ["rows[1].x"]);
}

#[test]
fn required_fields_demand_a_value() {
    let _rows = mottak_testing::covers("app-forms", &["88", "89"]);
    let data = json!({"zero": 0, "no": false, "blank": " ", "none": null, "list": [], "street": null, "zip": "", "place": "Oslo"});
    let mut components: Vec<Value> = ["zero", "no", "blank", "none", "list"].into_iter().map(input).collect();
    components.push(json!({"id": "address", "type": "Address", "required": true, "dataModelBindings": {
        "address": "street", "zipCode": "zip", "postPlace": "none", "careOf": "blank", "houseNumber": "list"}}));
    let issues = required(&one_page(Value::Array(components)), &[("1", data)]);
    assert_eq!(fields(&issues), ["blank", "none", "list", "street", "zip", "none", "blank", "list"]);
    assert_eq!(issues[0].description.as_deref(), Some("Feltet er påkrevd"));
    assert_eq!(issues[0].custom_text_parameters.as_ref().expect("parameters")["componentId"], "blank");
}

#[test]
fn options_must_come_from_exactly_one_place() {
    let _rows = mottak_testing::covers("app-forms", &["73"]);
    let page = |component: Value| Page::parse("page", &json!({"data": {"layout": [component]}}));
    assert!(page(json!({"id": "a", "type": "Dropdown", "optionsId": "x", "options": []})).is_err());
    assert!(page(json!({"id": "a", "type": "Dropdown", "optionsId": "x"})).is_ok());
}

#[test]
fn problems_of_a_page_are_collected_with_their_places() {
    let json = json!({"data": {"layout": [
        {"id": "a", "type": "Group", "children": ["a"]},
        {"id": "b", "type": "Group", "children": ["missing"], "hidden": {}},
        {"id": "b", "type": "Input"},
        {"id": "c"},
    ]}});
    let problems = Page::parse("page", &json).expect_err("problems");
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        places,
        ["/data/layout/2/id", "/data/layout/1/children/0", "/data/layout/1/hidden", "/data/layout/3/type"]
    );
    let inside_itself = json!({"data": {"layout": [{"id": "a", "type": "Group", "children": ["a"]}]}});
    assert!(Page::parse("page", &inside_itself).is_err());
}

fn subform(hidden: bool) -> Layouts {
    let main = json!({"layout": [{"id": "subs", "type": "Subform", "layoutSet": "sub", "hidden": hidden}]});
    Layouts { sets: vec![set("form", "default", &[main]), set("sub", "sub", &[json!({"layout": [input("name")]})])] }
}

#[test]
fn a_hidden_subform_demands_nothing() {
    let _rows = mottak_testing::covers("app-forms", &["65"]);
    let elements = [("1", json!({})), ("sub1", json!({"name": null}))];
    assert_eq!(fields(&required(&subform(true), &elements)), [""; 0]);
}

#[test]
fn subform_elements_are_demanded_one_by_one() {
    let _rows = mottak_testing::covers("app-forms", &["66"]);
    let elements = [("1", json!({})), ("sub1", json!({"name": "a"})), ("sub2", json!({"name": null}))];
    let issues = required(&subform(false), &elements);
    assert_eq!(fields(&issues), ["name"]);
    assert_eq!(issues[0].data_element_id.as_deref(), Some("sub2"));
}

#[test]
fn a_subform_of_itself_is_refused() {
    let page = json!({"layout": [{"id": "subs", "type": "Subform", "layoutSet": "form"}]});
    let layouts = Layouts { sets: vec![set("form", "default", &[page])] };
    with_facts(&[("1", json!({}))], &TextResources::default(), |facts| {
        assert!(ComponentContexts::build(&layouts, "form", facts).is_err());
    });
}

fn paths(fields: &[FieldReference]) -> Vec<String> {
    fields.iter().map(|field| field.path.to_string()).collect()
}

#[test]
fn remove_when_hidden_keeps_fields_and_shields_groups() {
    let _rows = mottak_testing::covers("app-forms", &["119"]);
    let page = |hidden: bool| {
        json!({"hidden": hidden, "layout": [
            {"id": "kept", "type": "Input", "hidden": true, "removeWhenHidden": false, "dataModelBindings": {"simpleBinding": "kept"}},
            {"id": "group", "type": "Group", "hidden": true, "removeWhenHidden": false, "children": ["in", "gone"]},
            {"id": "in", "type": "Input", "dataModelBindings": {"simpleBinding": "in"}},
            {"id": "gone", "type": "Input", "hidden": true, "dataModelBindings": {"simpleBinding": "gone"}},
        ]})
    };
    let data = json!({"kept": "1", "in": "2", "gone": "3"});
    for hidden in [false, true] {
        let layouts = Layouts { sets: vec![set("form", "default", &[page(hidden)])] };
        with_facts(&[("1", data.clone())], &TextResources::default(), |facts| {
            let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
            assert_eq!(paths(&hidden_fields_to_remove(&contexts).expect("fields")), ["gone"]);
            assert_eq!(paths(&hidden_fields(&contexts).expect("fields")), ["gone", "in", "kept"]);
        });
    }
}

#[test]
fn a_row_visible_in_one_of_two_groups_is_kept() {
    let _rows = mottak_testing::covers("app-forms", &["120"]);
    let layouts = one_page(json!([
        {"id": "one", "type": "RepeatingGroup", "dataModelBindings": {"group": "rows"}, "children": [], "hiddenRow": true},
        {"id": "two", "type": "RepeatingGroup", "dataModelBindings": {"group": "rows"}, "children": [], "hiddenRow": ["equals", ["dataModel", "rows.x"], 2]},
    ]));
    with_facts(&[("1", json!({"rows": [{"x": 1}, {"x": 2}]}))], &TextResources::default(), |facts| {
        let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
        assert_eq!(paths(&hidden_fields_to_remove(&contexts).expect("fields")), ["rows[1]"]);
    });
}

fn text(id: &str, value: &str, variables: &[(&str, &str, Option<&str>)]) -> TextResource {
    let variable = |(key, data_source, default): &(&str, &str, Option<&str>)| TextVariable {
        key: (*key).to_owned(),
        data_source: (*data_source).to_owned(),
        default_value: default.map(ToOwned::to_owned),
    };
    let variables = (!variables.is_empty()).then(|| variables.iter().map(variable).collect());
    TextResource { id: id.to_owned(), value: value.to_owned(), variables }
}

fn texts(resources: Vec<TextResource>) -> TextResources {
    let mut texts = TextResources::default();
    texts.insert("nb", TextFile { language: "nb".to_owned(), resources });
    texts
}

#[test]
fn an_application_can_word_what_is_required() {
    let _rows = mottak_testing::covers("app-forms", &["90"]);
    let texts = texts(vec![
        text(
            "backend.validation_errors.required",
            "{0} on {1}",
            &[("componentTitle", "customTextParameters", None), ("pageName", "customTextParameters", None)],
        ),
        text("title.name", "Name", &[]),
        text("page0", "First page", &[]),
    ]);
    let mut name = input("name");
    name["textResourceBindings"] = json!({"title": "title.name"});
    let layouts = one_page(json!([name]));
    with_facts(&[("1", json!({"name": null}))], &texts, |facts| {
        let contexts = ComponentContexts::build(&layouts, "form", facts).expect("contexts");
        let issues = required_issues(&contexts).expect("issues");
        assert_eq!(issues[0].description.as_deref(), Some("Name on First page"));
    });
}

#[test]
fn text_variables_come_from_many_sources() {
    let _rows = mottak_testing::covers("app-forms", &["112", "113"]);
    let texts = texts(vec![
        text("unknown", "{0}", &[("the.key", "nowhere", None)]),
        text("row", "{0} {1}", &[("rows[{0}].x", "dataModel.default", None), ("none", "dataModel.sub", Some("-"))]),
        text("app", "{0} {1}", &[("appId", "instanceContext", None), ("url", "applicationSettings", None)]),
        text("loop", "<{0}>", &[("loop2", "text", None)]),
        text("loop2", "[{0}]", &[("loop", "text", None)]),
    ]);
    with_facts(&[("1", json!({"rows": [{"x": "a"}, {"x": true}]}))], &texts, |facts| {
        let first = facts.first_element_of("default");
        let context = EvaluationContext { row_indices: &[1], ..EvaluationContext::without_layout(facts, first) };
        let translated = |key: &str| translate(key, &context, None);
        assert_eq!(translated("unknown").as_deref(), Some("the.key"));
        assert_eq!(translated("row").as_deref(), Some("true -"));
        assert_eq!(translated("app").as_deref(), Some("ttd/skjema https://example.com"));
        assert_eq!(translated("loop").as_deref(), Some("<[loop]>"));
        assert_eq!(translated("none"), None);
    });
}

#[test]
fn built_in_texts_follow_the_language() {
    let titles = BTreeMap::from([("nb".to_owned(), "Skjema".to_owned()), ("en".to_owned(), "Form".to_owned())]);
    let mut texts = TextResources::of_application("app", titles);
    let value = |texts: &TextResources, key: &str, language: &str| texts.lookup(key, language).map(|text| text.value);
    let required = "backend.validation_errors.required";
    assert_eq!(value(&texts, "appName", "en").as_deref(), Some("Form"));
    assert_eq!(value(&texts, required, "nn").as_deref(), Some("Feltet er påkravd"));
    assert_eq!(value(&texts, required, "en").as_deref(), Some("Field is required"));
    texts.insert("nb", TextFile { language: "nb".to_owned(), resources: vec![text("ServiceName", "Navn", &[])] });
    assert_eq!(value(&texts, "appName", "nn").as_deref(), Some("Navn"));
    assert_eq!(value(&texts, "other", "nb"), None);
}

#[test]
fn names_that_lead_nowhere_are_reported_with_their_places() {
    let layouts = one_page(json!([
        {"id": "a", "type": "Input", "hidden": ["component", "nobody"], "dataModelBindings": {"simpleBinding": "a"}},
        {"id": "b", "type": "Input", "required": ["optionLabel", "x"], "dataModelBindings": {"simpleBinding": {"field": "c", "dataType": "sub"}}},
        {"id": "c", "type": "Subform", "layoutSet": "other"},
    ]));
    let problems = layouts.problems(&|data_type, field| data_type == "default" && field == "a");
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/data/layout/0/hidden",
            "/data/layout/1/required",
            "/data/layout/1/dataModelBindings/simpleBinding",
            "/data/layout/2/layoutSet",
        ]
    );
    assert_eq!(problems[0].file, "form/layouts/page0.json");
}
