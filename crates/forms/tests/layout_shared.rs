//! Runs the shared files on layouts: claimed children, hidden data, required fields, expression validation, calculation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mottak_forms::expression::{
    CalculationLayout, Calculations, DataSource, DataTypeFacts, ElementFacts, ElementIndex, ExpressionRules, Facts,
    InstanceFacts,
};
use mottak_forms::layout::{
    ComponentContexts, ComponentIndex, LayoutSet, Layouts, Page, RowRemoval, hidden_fields, remove_fields,
    required_issues,
};
use mottak_forms::text::{TextFile, TextResource, TextResources};
use mottak_forms::{FieldPath, FormData, FormObject, FormValue};
use serde_json::{Value, json};

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a readable file");
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn shared(folder: &str) -> Option<PathBuf> {
    let found = mottak_testing::shared(folder);
    if found.is_none() {
        println!("skipped: {folder} is not here");
    }
    found
}

fn form_value(json: &Value) -> FormValue {
    match json {
        Value::Null => FormValue::Null,
        Value::Bool(flag) => FormValue::Bool(*flag),
        Value::Number(number) => {
            FormValue::Number(mottak_forms::Decimal::parse_json(&number.to_string()).expect("a decimal"))
        }
        Value::String(text) => FormValue::Text(text.clone()),
        Value::Array(items) => FormValue::List(items.iter().map(form_value).collect()),
        Value::Object(members) => {
            let mut object = FormObject::new();
            for (name, member) in members {
                object.set(name, form_value(member));
            }
            FormValue::Object(object)
        }
    }
}

fn form_data(json: &Value) -> FormData {
    FormData::inferred("Test", form_value(json))
}

/// The data as JSON without members that are null, and with rows kept.
fn without_nulls(json: &Value) -> Value {
    match json {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name.clone(), without_nulls(member)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn as_json(data: &FormData) -> Value {
    serde_json::to_value(data.to_value()).expect("form values are JSON")
}

fn pages(json: &Value) -> Vec<Page> {
    let pages = json.as_object().expect("pages").iter();
    pages.map(|(id, page)| Page::parse(id, page).unwrap_or_else(|problems| panic!("{problems:?}"))).collect()
}

fn texts(case: &Value) -> TextResources {
    let mut texts = TextResources::default();
    if let Some(resources) = case.get("textResources").filter(|resources| !resources.is_null()) {
        let resources: Vec<TextResource> = serde_json::from_value(resources.clone()).expect("text resources");
        texts.insert("nb", TextFile { language: "nb".to_owned(), resources });
    }
    texts
}

fn facts<'a>(
    elements: &'a [(String, String, FormData)],
    data_types: &'a [(String, i64)],
    settings: &'a BTreeMap<String, String>,
    texts: &'a TextResources,
) -> Facts<'a> {
    let element = |(id, data_type, data): &'a (String, String, FormData)| ElementFacts {
        id,
        data_type,
        content: Some(data as &dyn DataSource),
    };
    Facts {
        data_types: data_types
            .iter()
            .map(|(id, max_count)| DataTypeFacts { id, max_count: *max_count, has_model: true })
            .collect(),
        elements: elements.iter().map(element).collect(),
        task_data_type: data_types.first().map(|(id, _)| id.as_str()),
        instance: InstanceFacts { id: Some("1337/0"), app_id: Some("org/app"), ..InstanceFacts::default() },
        ..Facts::new(settings, texts)
    }
}

fn default_type() -> Vec<(String, i64)> {
    vec![("default".to_owned(), 1)]
}

fn default_element(data: &Value) -> Vec<(String, String, FormData)> {
    vec![("element".to_owned(), "default".to_owned(), form_data(data))]
}

fn default_layouts(json: &Value) -> Layouts {
    Layouts { sets: vec![LayoutSet { id: "form".to_owned(), data_type: "default".to_owned(), pages: pages(json) }] }
}

#[test]
fn pages_claim_the_children_of_the_shared_files() {
    let Some(folder) = shared("data/validation/page-components") else { return };
    let files = json_files(&folder);
    for file in &files {
        let case = read(file);
        let page = Page::parse("page", &case["layout"]);
        let place = file.display();
        if case["valid"] == json!(false) {
            assert!(page.is_err(), "{place} must be refused");
            continue;
        }
        let page = page.unwrap_or_else(|problems| panic!("{place}: {problems:?}"));
        if let Some(expected) = case.get("expectedHierarchy") {
            assert_eq!(tree(&page, page.top_level()), expected_tree(expected), "{place}");
        }
    }
    println!("{} page files", files.len());
}

fn tree(page: &Page, components: &[ComponentIndex]) -> BTreeSet<String> {
    let shown = |index: &ComponentIndex| {
        let component = page.component(*index);
        format!("{}{:?}", component.id, tree(page, &component.children()))
    };
    components.iter().map(shown).collect()
}

fn expected_tree(json: &Value) -> BTreeSet<String> {
    let entries = json.as_array().map_or(&[][..], Vec::as_slice);
    entries
        .iter()
        .map(|entry| format!("{}{:?}", entry["id"].as_str().unwrap_or_default(), expected_tree(&entry["children"])))
        .collect()
}

#[test]
fn expression_rules_give_the_issues_of_the_shared_files() {
    let Some(folder) = shared("data/validation/expression-validation") else { return };
    let files = [json_files(&folder.join("shared")), json_files(&folder.join("backend"))].concat();
    for file in &files {
        let case = read(file);
        let layouts = default_layouts(&case["layouts"]);
        let (elements, data_types) = (default_element(&case["formData"]), default_type());
        let (settings, texts) = (BTreeMap::new(), texts(&case));
        let facts = facts(&elements, &data_types, &settings, &texts);
        let contexts = ComponentContexts::build(&layouts, "form", &facts).expect("contexts");
        let hidden = hidden_fields(&contexts).expect("hidden fields");
        let (rules, _) = ExpressionRules::parse(&case["validationConfig"]).expect("rules");
        let issues = rules.validate(ElementIndex(0), &contexts, &hidden);
        let issues = issues.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found: BTreeSet<_> = issues
            .into_iter()
            .map(|issue| {
                (issue.custom_text_key.unwrap_or_default(), issue.severity as u8, issue.field.unwrap_or_default())
            })
            .collect();
        let text = |issue: &Value, name: &str| issue[name].as_str().unwrap_or_default().to_owned();
        let expected: BTreeSet<_> = case["expects"]
            .as_array()
            .expect("expects")
            .iter()
            .map(|issue| {
                let severity = match issue["severity"].as_str() {
                    Some("warning") => 2,
                    Some("info") => 3,
                    Some("success") => 5,
                    _ => 1,
                };
                (text(issue, "message"), severity, text(issue, "field"))
            })
            .collect();
        assert_eq!(found, expected, "{}", file.display());
    }
    println!("{} validation files", files.len());
}

#[test]
fn calculations_give_the_results_of_the_shared_files() {
    let Some(folder) = shared("data/validation/calculation") else { return };
    let files = [json_files(&folder), json_files(&folder.join("assert-logger"))].concat();
    for file in &files {
        let case = read(file);
        let place = file.display();
        let layouts = default_layouts(&case["layouts"]);
        let (elements, data_types) = (default_element(&case["formData"]), default_type());
        let (settings, texts) = (BTreeMap::new(), texts(&case));
        let facts = facts(&elements, &data_types, &settings, &texts);
        let mut data = elements[0].2.clone();
        let (calculations, problems) = Calculations::parse(&case["calculationConfig"]);
        let layout = Some(CalculationLayout { layouts: &layouts, set_id: "form" });
        let unsuitable = calculations.run(&mut data, ElementIndex(0), &facts, layout);
        let unsuitable = unsuitable.unwrap_or_else(|error| panic!("{place}: {error}"));
        for expected in case["expects"].as_array().expect("expects") {
            if expected.get("logMessage").is_some() {
                assert!(!problems.is_empty() || !unsuitable.is_empty(), "{place} must report a problem");
                assert_eq!(as_json(&data), as_json(&elements[0].2), "{place} must change nothing");
                continue;
            }
            let field: FieldPath = expected["field"].as_str().expect("a field").parse().expect("a path");
            let value = data.get(&field).map_or(Value::Null, |value| serde_json::to_value(value).expect("JSON"));
            assert_eq!(without_nulls(&value), without_nulls(&expected["result"]), "{place}: {field}");
        }
    }
    println!("{} calculation files", files.len());
}

struct Evaluation {
    layouts: Layouts,
    data_types: Vec<(String, i64)>,
    elements: Vec<(String, String, FormData)>,
}

fn evaluation_case(folder: &Path, case: &Value) -> Evaluation {
    let page = |file: &Value| {
        let path = folder.join(file.as_str().expect("a file name"));
        let id = path.file_stem().expect("a name").to_string_lossy().into_owned();
        Page::parse(&id, &read(&path)).unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()))
    };
    let pages = |files: &Value| files.as_array().expect("pages").iter().map(page).collect();
    if let Some(sets) = case.get("layoutSets").and_then(Value::as_array) {
        let text = |set: &Value, name: &str| set[name].as_str().expect("a text").to_owned();
        let elements = case["dataElements"].as_object().expect("elements").iter().map(|(id, data)| {
            let set = &sets[usize::from(id.starts_with("sub"))];
            (id.clone(), text(set, "dataType"), form_data(data))
        });
        return Evaluation {
            layouts: Layouts {
                sets: sets
                    .iter()
                    .map(|set| LayoutSet {
                        id: text(set, "id"),
                        data_type: text(set, "dataType"),
                        pages: pages(&set["pages"]),
                    })
                    .collect(),
            },
            data_types: sets.iter().map(|set| (text(set, "dataType"), set["maxCount"].as_i64().unwrap_or(1))).collect(),
            elements: elements.collect(),
        };
    }
    let set = LayoutSet { id: "form".to_owned(), data_type: "default".to_owned(), pages: pages(&case["pages"]) };
    Evaluation {
        layouts: Layouts { sets: vec![set] },
        data_types: default_type(),
        elements: default_element(&case["dataModel"]),
    }
}

#[test]
fn layouts_hide_and_demand_the_fields_of_the_shared_files() {
    let Some(root) = shared("data/validation/layout-evaluation") else { return };
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&root).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let mut count = 0;
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let is_case = |file: &&PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("case"));
        for file in json_files(folder).iter().filter(is_case) {
            check_evaluation(folder, &read(file), &file.display().to_string());
            count += 1;
        }
    }
    println!("{count} layout evaluation cases");
}

fn check_evaluation(folder: &Path, case: &Value, place: &str) {
    let evaluation = evaluation_case(folder, case);
    let (settings, texts) = (BTreeMap::new(), texts(case));
    let facts = facts(&evaluation.elements, &evaluation.data_types, &settings, &texts);
    let set = &evaluation.layouts.sets[0].id;
    let contexts = ComponentContexts::build(&evaluation.layouts, set, &facts).expect("contexts");
    let hidden = hidden_fields(&contexts).unwrap_or_else(|error| panic!("{place}: {error}"));
    let expect = case["expect"].as_object().expect("expect");

    let removed = |element: usize, rows: RowRemoval| {
        let mut data = evaluation.elements[element].2.clone();
        let fields = hidden.iter().filter(|field| field.element == ElementIndex(element)).map(|field| &field.path);
        remove_fields(&mut data, fields, rows);
        data
    };
    for (name, expected) in expect {
        match name.as_str() {
            "hiddenFieldsForRemoval" => {
                let found: BTreeSet<String> = hidden.iter().map(|field| field.path.to_string()).collect();
                let expected = expected.as_array().expect("fields").iter();
                let expected: BTreeSet<String> =
                    expected.map(|field| field.as_str().expect("a field").to_owned()).collect();
                assert_eq!(found, expected, "{place}");
            }
            "afterRemoval" => {
                let rows = match expected["option"].as_str() {
                    Some("DeleteRow") => RowRemoval::DeleteRow,
                    _ => RowRemoval::SetToNull,
                };
                let data = as_json(&removed(0, rows));
                assert_eq!(without_nulls(&data), without_nulls(&expected["dataModel"]), "{place}");
            }
            "clean" => {
                for (id, expected) in expected.as_object().expect("elements") {
                    let position = evaluation.elements.iter().position(|(known, ..)| known == id).expect("an element");
                    let data = as_json(&removed(position, RowRemoval::SetToNull));
                    assert_eq!(without_nulls(&data), without_nulls(expected), "{place}: {id}");
                }
            }
            "cleanFields" => {
                let data = removed(0, RowRemoval::SetToNull);
                for (field, expected) in expected.as_object().expect("fields") {
                    let field: FieldPath = field.parse().expect("a path");
                    assert_eq!(DataSource::value(&data, &field), *expected, "{place}: {field}");
                }
            }
            "requiredIssues" => check_required(&contexts, expected, place),
            other => panic!("{place}: unknown expectation {other}"),
        }
    }
}

fn check_required(contexts: &ComponentContexts<'_>, expected: &Value, place: &str) {
    let issues = required_issues(contexts).unwrap_or_else(|error| panic!("{place}: {error}"));
    let expected = expected.as_array().expect("issues");
    let found: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let mut json = serde_json::to_value(issue).expect("an issue is JSON");
            json["dataElement"] = json["dataElementId"].clone();
            json
        })
        .collect();
    assert_eq!(found.len(), expected.len(), "{place}: {found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        for (name, value) in expected.as_object().expect("an issue") {
            assert_eq!(&found[name], value, "{place}: {name} of {found}");
        }
    }
}
