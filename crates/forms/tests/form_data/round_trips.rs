//! Documents made up at random for every model of the shared apps: what is written is read back the same.

use std::sync::Arc;

use mottak_forms::model::{Field, Kind, Model, ModelSources, ObjectType, Place, WhenNull};
use mottak_forms::patch::{self, Patch};
use mottak_forms::{FormData, FormValue, json};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::real_models::data_types;
use crate::skjema;

/// A source of choices that a seed decides.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64: short, and good enough to make documents differ.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_of<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len() as u64) as usize]
    }
}

fn any_object(model: &Model, object_type: &ObjectType, choices: &mut Choices, depth: usize) -> FormValue {
    let mut object = mottak_forms::FormObject::new();
    for field in &object_type.fields {
        if field.fixed.is_some() || choices.below(3) == 0 {
            continue;
        }
        let value = if field.is_list() {
            let rows = (0..choices.below(3)).map(|_| any_value(model, field, choices, depth));
            FormValue::List(rows.filter(|row| !row.is_null()).collect())
        } else {
            any_value(model, field, choices, depth)
        };
        object.set(&field.name, value);
    }
    FormValue::Object(object)
}

fn any_value(model: &Model, field: &Field, choices: &mut Choices, depth: usize) -> FormValue {
    // Text content of numbers has no null in XML, and defaults come back for null (app-forms §1.1, §1.3).
    let is_number_text = field.place == Place::TextContent && field.kind.is_value_type();
    let has_null = field.when_null != WhenNull::Impossible && field.default.is_none() && !is_number_text;
    if has_null && choices.below(6) == 0 {
        return FormValue::Null;
    }
    let number = |text: &str| FormValue::Number(text.parse().expect("a number"));
    match field.kind {
        Kind::Text | Kind::Any => {
            FormValue::from(choices.one_of(&["", " ", "x", " a\r\nb ", "<&>\"'", "æøå 😀", "\u{2}", "]]>"]))
        }
        Kind::Decimal => number(choices.one_of(&[
            "0",
            "1.50",
            "-3",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001",
        ])),
        Kind::Integer { .. } => number(choices.one_of(&["0", "-1", "32767"])),
        Kind::Bool => FormValue::Bool(choices.below(2) == 0),
        Kind::DateTime => FormValue::from(choices.one_of(&[
            "2024-05-01T10:00:00",
            "2024-05-01T10:00:00.5Z",
            "1999-12-31T23:59:59+02:00",
        ])),
        Kind::Object(_) if depth > 8 => FormValue::Null,
        Kind::Object(id) => any_object(model, model.object_type(id), choices, depth + 1),
    }
}

fn assert_round_trips(name: &str, model: &Arc<Model>, seed: u64) -> Result<(), TestCaseError> {
    let value = any_object(model, model.root(), &mut Choices(seed), 0);
    let text = serde_json::to_string(&value).expect("a value is JSON");
    let mut data =
        FormData::from_json(model, text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
    data.normalize();
    data.assign_row_ids(&mut {
        let mut next = 0;
        move || {
            next += 1;
            uuid::Uuid::from_u128(next)
        }
    });
    let xml = data.to_xml();
    let from_xml = FormData::from_xml(model, xml.as_bytes())
        .map_err(|error| TestCaseError::fail(format!("{name}: {error}\n{xml}")))?;
    prop_assert_eq!(from_xml.to_json(), data.to_json(), "{}\n{}", name, xml);
    prop_assert_eq!(from_xml.to_xml(), xml);
    for json in [data.to_json(), data.to_stored_json()] {
        let from_json =
            FormData::from_json(model, json.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(from_json.same_values(&data), "{}", name);
    }
    Ok(())
}

#[test]
fn random_documents_of_every_model_survive_xml_and_json() {
    let mut models: Vec<(String, Arc<Model>)> = vec![("Skjema".to_owned(), skjema::model())];
    models.extend(data_types().iter().filter_map(|files| Some((files.name.clone(), Arc::new(files.read()?.model)))));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    for (name, model) in &models {
        let result = runner.run(&any::<u64>(), |seed| assert_round_trips(name, model, seed));
        assert!(result.is_ok(), "{name}: {result:?}");
    }
    println!("random documents of {} models survived", models.len());
}

proptest! {
    #![proptest_config(Config { cases: 256, failure_persistence: None, ..Config::default() })]

    #[test]
    fn readers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let model = skjema::model();
        let _ = FormData::from_json(&model, &bytes);
        let _ = FormData::from_xml(&model, &bytes);
        let _ = json::parse(&bytes, json::Syntax::AppFile);
        let _ = mottak_forms::options::parse(&bytes);
        let _ = mottak_forms::prefill::PrefillConfig::parse(&bytes);
        let _ = Model::read(&ModelSources { class_ref: "M", schema: Some(("m", &bytes)), xsd: Some(("x", &bytes)) });
    }

    #[test]
    fn texts_near_to_json_and_xml_never_panic(text in r#"[\[\]{}",:0-9eE.+\-tfn <>/!&;#x=?a\\u-]{0,80}"#) {
        let model = Arc::new(Model::open("a"));
        let _ = FormData::from_json(&model, text.as_bytes());
        let _ = FormData::from_xml(&model, format!("<a>{text}</a>").as_bytes());
        let _ = text.parse::<mottak_forms::FieldPath>();
        let _ = text.parse::<mottak_forms::Decimal>();
        let _ = mottak_forms::model::Pattern::new(&text);
        if let Ok(value) = json::parse(text.as_bytes(), json::Syntax::AppFile) {
            if let Ok(operations) = Patch::from_value(&value, "patch") {
                let _ = patch::apply(&FormData::new(&skjema::model()), &operations);
            }
            let _ = FormData::inferred("M", value).to_xml();
        }
    }
}
