//! Prefill: what a new form knows before anybody has written in it (app-forms §8).
//!
//! Order: [`apply_external`] first, then [`apply_config`]. Both write only fields that are null, the latter all fields
//! when the file says `allowOverwrite`.

use mottak_model::{Organization, Person, UserProfile};

use crate::data::{FormData, NotSet};
use crate::decimal::Decimal;
use crate::json::{self, JsonSyntaxError, Syntax};
use crate::model::{Model, camel_case};
use crate::path::FieldPath;
use crate::target;
use crate::value::{FormObject, FormValue};

/// The file `models/<dataTypeId>.prefill.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefillConfig {
    pub allow_overwrite: bool,
    pub user_profile: Vec<Mapping>,
    /// From the register of legal entities: the organisation of the instance owner.
    pub organization: Vec<Mapping>,
    /// From the national register: the person of the instance owner.
    pub person: Vec<Mapping>,
    /// Query parameters of the page; the browser sends their values as external prefill.
    pub query_parameters: Vec<Mapping>,
}

/// A source and the path it fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub source: String,
    pub target: String,
}

/// Who the form is for and who fills it in. Absent ones leave their section out.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrefillSources<'a> {
    pub organization: Option<&'a Organization>,
    pub person: Option<&'a Person>,
    pub user_profile: Option<&'a UserProfile>,
}

/// A section or mapping that had no effect; for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefillNotice {
    #[error("the prefill section {section} has no source here")]
    SectionSkipped { section: &'static str },
    #[error("the prefill target `{target}` is not a field of the model")]
    UnknownTarget { target: String },
}

/// Why prefill failed. Values are personal and not in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefillError {
    #[error("the prefill source `{section}.{name}` does not exist")]
    UnknownSource { section: &'static str, name: String },
    #[error("the prefill value for `{path}` does not fit its field")]
    Unsuitable { path: String },
}

impl PrefillConfig {
    /// Reads the file; members it does not know are left alone.
    ///
    /// # Errors
    /// Text that is not JSON, or not an object.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonSyntaxError> {
        let value = json::parse(bytes, Syntax::AppFile)?;
        let not_an_object =
            JsonSyntaxError { line: 1, byte_in_line: 0, reason: "the prefill file must be an object".into() };
        let file = value.as_object().ok_or(not_an_object)?;
        let section = |name: &str| {
            let mappings = file.get(name).and_then(FormValue::as_object).into_iter().flat_map(FormObject::iter);
            mappings
                .filter_map(|(source, target)| {
                    Some(Mapping { source: source.to_owned(), target: target.as_text()?.to_owned() })
                })
                .collect()
        };
        Ok(Self {
            allow_overwrite: file.get("allowOverwrite").and_then(FormValue::as_bool).unwrap_or(false),
            user_profile: section("UserProfile"),
            organization: section("ER"),
            person: section("DSF"),
            query_parameters: section("QueryParameters"),
        })
    }

    /// The targets that the model does not have; report them when the app is loaded.
    pub fn unknown_targets(&self, model: &Model) -> Vec<&str> {
        [&self.user_profile, &self.organization, &self.person, &self.query_parameters]
            .into_iter()
            .flatten()
            .map(|mapping| mapping.target.as_str())
            .filter(|target| target::find(model, target).is_none())
            .collect()
    }
}

/// Fills in what the caller of instantiation sent: path and text. Unknown paths are ignored, filled fields kept.
///
/// # Errors
/// A text that is not of the type of its field; the document may be partly filled.
pub fn apply_external<'v>(
    data: &mut FormData,
    values: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> Result<(), PrefillError> {
    for (path, text) in values {
        fill(data, path, FormValue::from(text), Overwrite::OnlyNull)?;
    }
    Ok(())
}

/// Fills in what the file maps from the profile and the registers.
///
/// # Errors
/// A source name that does not exist, or a value that is not of the type of its field.
pub fn apply_config(
    data: &mut FormData,
    config: &PrefillConfig,
    sources: PrefillSources<'_>,
) -> Result<Vec<PrefillNotice>, PrefillError> {
    let overwrite = if config.allow_overwrite { Overwrite::Everything } else { Overwrite::OnlyNull };
    let sections: [(&'static str, &[Mapping], Option<serde_json::Value>); 3] = [
        ("UserProfile", &config.user_profile, sources.user_profile.map(facts_of)),
        ("ER", &config.organization, sources.organization.map(facts_of)),
        ("DSF", &config.person, sources.person.map(facts_of)),
    ];
    let mut notices = Vec::new();
    for (section, mappings, facts) in sections {
        let Some(facts) = facts else {
            if !mappings.is_empty() {
                notices.push(PrefillNotice::SectionSkipped { section });
            }
            continue;
        };
        for Mapping { source, target } in mappings {
            let value =
                fact(&facts, source).ok_or_else(|| PrefillError::UnknownSource { section, name: source.clone() })?;
            if fill(data, target, value, overwrite)? == Filled::UnknownTarget {
                notices.push(PrefillNotice::UnknownTarget { target: target.clone() });
            }
        }
    }
    Ok(notices)
}

/// Sets fields back to null, as a copy of an instance does with `excludedDataFields` (app-forms §8.3).
///
/// Unknown paths have no effect.
pub fn clear_fields<'p>(data: &mut FormData, paths: impl IntoIterator<Item = &'p str>) {
    for path in paths {
        let Some(path) = target::find(data.model(), path) else { continue };
        let model = std::sync::Arc::clone(data.model());
        let Some((last, way)) = path.parts().split_last() else { continue };
        // An object that is not there has nothing to clear.
        if !way.is_empty() && data.get(&FieldPath::from(way.to_vec())).is_none_or(FormValue::is_null) {
            continue;
        }
        if let Ok((object, object_type)) = crate::data::reach(&model, data.root_mut(), way)
            && let Some(field) = object_type.and_then(|object_type| object_type.field(&last.name))
            && let Some(slot) = object.get_mut(&last.name)
        {
            *slot = if field.is_list() { FormValue::List(Vec::new()) } else { field.null_value() };
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Overwrite {
    OnlyNull,
    Everything,
}

#[derive(Clone, Copy, PartialEq)]
enum Filled {
    Done,
    UnknownTarget,
}

fn fill(data: &mut FormData, path: &str, value: FormValue, overwrite: Overwrite) -> Result<Filled, PrefillError> {
    let Some(target) = target::find(data.model(), path) else { return Ok(Filled::UnknownTarget) };
    let is_null = data.get(&target).is_none_or(FormValue::is_null);
    if !is_null && overwrite == Overwrite::OnlyNull {
        return Ok(Filled::Done);
    }
    match data.set(&target, value) {
        Ok(()) => Ok(Filled::Done),
        Err(NotSet::NoSuchField | NotSet::NoSuchRow) => Ok(Filled::UnknownTarget),
        Err(NotSet::Unsuitable) => Err(PrefillError::Unsuitable { path: path.to_owned() }),
    }
}

fn facts_of(source: &impl serde::Serialize) -> serde_json::Value {
    // These are plain structs of texts and numbers, which always have a JSON form.
    serde_json::to_value(source).unwrap_or_default()
}

/// The fact of this name, such as `Party.Person.LastName`. Names are the exact property names, capital first.
fn fact(facts: &serde_json::Value, name: &str) -> Option<FormValue> {
    let mut found = facts;
    for part in name.split('.') {
        if !part.starts_with(char::is_uppercase) {
            return None;
        }
        found = found.get(camel_case(part))?;
    }
    match found {
        serde_json::Value::Null => Some(FormValue::Null),
        serde_json::Value::Bool(value) => Some(FormValue::Bool(*value)),
        serde_json::Value::Number(number) => Decimal::parse_json(&number.to_string()).ok().map(FormValue::Number),
        serde_json::Value::String(text) => Some(FormValue::Text(text.clone())),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ModelSources;

    fn new_form() -> FormData {
        let schema = br#"{"properties":{"navn":{"type":"string"},"antall":{"type":"number"},
            "adresse-grp-1":{"type":"object","properties":{"post-nr":{"type":"string"}}}}}"#;
        let sources = ModelSources { class_ref: "M", schema: Some(("m", schema)), xsd: None };
        FormData::new(&Arc::new(Model::read(&sources).expect("a model").model))
    }

    fn firm() -> Organization {
        Organization { name: Some("Fisk AS".to_owned()), ..Organization::default() }
    }

    fn config(text: &str) -> PrefillConfig {
        PrefillConfig::parse(text.as_bytes()).expect("a prefill file")
    }

    #[test]
    fn a_section_without_its_party_is_skipped() {
        let _rows = mottak_testing::covers("app-forms", &["114"]);
        let mut data = new_form();
        let person = Person { name: Some("Kari".to_owned()), ..Person::default() };
        let sources = PrefillSources { person: Some(&person), ..PrefillSources::default() };
        let notices = apply_config(&mut data, &config(r#"{"ER":{"Name":"navn"}}"#), sources).expect("prefilled");
        assert_eq!(notices, [PrefillNotice::SectionSkipped { section: "ER" }]);
        assert!(data.same_values(&new_form()));
    }

    #[test]
    fn external_prefill_stays_unless_the_file_overwrites() {
        let _rows = mottak_testing::covers("app-forms", &["115"]);
        let firm = firm();
        let sources = PrefillSources { organization: Some(&firm), ..PrefillSources::default() };
        for (file, expected) in
            [(r#"{"ER":{"Name":"navn"}}"#, "Utenfra"), (r#"{"allowOverwrite":true,"ER":{"Name":"navn"}}"#, "Fisk AS")]
        {
            let mut data = new_form();
            apply_external(&mut data, [("navn", "Utenfra")]).expect("prefilled");
            apply_config(&mut data, &config(file), sources).expect("prefilled");
            assert_eq!(data.root().get("navn").and_then(FormValue::as_text), Some(expected));
        }
    }

    #[test]
    fn unknown_external_paths_are_ignored_and_misfits_are_named() {
        let _rows = mottak_testing::covers("app-forms", &["116"]);
        let mut data = new_form();
        apply_external(&mut data, [("finnes.ikke", "x"), ("antall", "301738.1")]).expect("prefilled");
        assert_eq!(data.root().get("antall"), Some(&FormValue::Number("301738.1".parse().expect("a number"))));
        let error = apply_external(&mut new_form(), [("antall", "mange")]).expect_err("no number");
        assert_eq!(error.to_string(), "the prefill value for `antall` does not fit its field");
    }

    #[test]
    fn targets_match_without_dashes_in_any_casing() {
        let _rows = mottak_testing::covers("app-forms", &["117"]);
        let mut data = new_form();
        apply_external(&mut data, [("AdresseGrp1.postnr", "0150")]).expect("prefilled");
        assert!(data.to_json().contains(r#""adresse-grp-1":{"post-nr":"0150"}"#));
    }

    #[test]
    fn unknown_sources_fail_and_unknown_targets_are_reported() {
        let firm = firm();
        let sources = PrefillSources { organization: Some(&firm), ..PrefillSources::default() };
        let error =
            apply_config(&mut new_form(), &config(r#"{"ER":{"name":"navn"}}"#), sources).expect_err("wrong casing");
        assert_eq!(error, PrefillError::UnknownSource { section: "ER", name: "name".to_owned() });
        let file = config(r#"{"ER":{"Name":"x.y"}}"#);
        assert_eq!(file.unknown_targets(new_form().model()), ["x.y"]);
        let notices = apply_config(&mut new_form(), &file, sources).expect("prefilled");
        assert_eq!(notices, [PrefillNotice::UnknownTarget { target: "x.y".to_owned() }]);
    }

    #[test]
    fn excluded_fields_of_a_copy_are_null_and_then_prefilled() {
        let _rows = mottak_testing::covers("app-forms", &["118"]);
        let mut data = new_form();
        apply_external(&mut data, [("navn", "Gammel"), ("antall", "1"), ("adressegrp1.postnr", "1")])
            .expect("prefilled");
        clear_fields(&mut data, ["Navn", "adressegrp1.postnr", "finnes.ikke"]);
        assert_eq!(data.root().get("navn"), Some(&FormValue::Null));
        let firm = firm();
        let sources = PrefillSources { organization: Some(&firm), ..PrefillSources::default() };
        apply_config(&mut data, &config(r#"{"ER":{"Name":"navn"}}"#), sources).expect("prefilled");
        assert_eq!(data.to_json(), r#"{"navn":"Fisk AS","antall":1,"adresse-grp-1":{"post-nr":null}}"#);
    }
}
