//! Option lists: the files `options/<id>.json` here, the lists of an organisation in [`library`] (app-forms §7.1).

pub mod library;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::json::{self, JsonSyntaxError, Syntax};
use crate::value::{FormObject, FormValue};

/// One choice of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppOption {
    /// A string, number, boolean or null; clients get the type of the file.
    pub value: FormValue,
    /// Usually the key of a text; never translated here.
    pub label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Why a file is no option list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsProblem {
    #[error("line {}: {}", .0.line, .0.reason)]
    Syntax(#[from] JsonSyntaxError),
    #[error("/{index}: {reason}")]
    Option { index: usize, reason: String },
    #[error("the file must be a list of options")]
    NotAList,
}

/// Reads an option list.
///
/// # Errors
/// Text that is not JSON, an option without label, a value that is a list or object, or a member that options do not have.
pub fn parse(bytes: &[u8]) -> Result<Vec<AppOption>, OptionsProblem> {
    let value = json::parse(bytes, Syntax::AppFile)?;
    let entries = value.as_list().ok_or(OptionsProblem::NotAList)?;
    let read = entries.iter().enumerate().map(|(index, entry)| {
        let object = entry.as_object().ok_or_else(|| "an option must be an object".to_owned());
        object.and_then(read_option).map_err(|reason| OptionsProblem::Option { index, reason })
    });
    read.collect()
}

/// The name of the file of a list inside `options/`; none for an id that would leave the folder.
pub fn file_name(id: &str) -> Option<String> {
    let stays_inside = !id.is_empty() && !id.contains(['/', '\\', '\0', ':']) && id != "." && id != "..";
    stays_inside.then(|| format!("{id}.json"))
}

fn read_option(entry: &FormObject) -> Result<AppOption, String> {
    let mut option =
        AppOption { value: FormValue::Null, label: String::new(), description: None, help_text: None, tags: None };
    let mut has_label = false;
    for (name, value) in entry.iter() {
        let text = || match value {
            FormValue::Text(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            FormValue::Null => Ok(None),
            _ => Err(format!("`{name}` must be a string")),
        };
        match name.to_lowercase().as_str() {
            "value" if value.is_scalar() => option.value = shortest(value),
            "value" => return Err("the value must be a string, number, boolean or null".to_owned()),
            "label" => {
                option.label = text()?.unwrap_or_default();
                has_label = !value.is_null();
            }
            "description" => option.description = text()?,
            "helptext" => option.help_text = text()?,
            "tags" => option.tags = read_tags(value)?,
            _ => return Err(format!("options have no member `{name}`")),
        }
    }
    if has_label { Ok(option) } else { Err("the option has no label".to_owned()) }
}

fn read_tags(value: &FormValue) -> Result<Option<BTreeMap<String, String>>, String> {
    let Some(tags) = value.as_object() else {
        return if value.is_null() { Ok(None) } else { Err("`tags` must be an object of strings".to_owned()) };
    };
    let read = tags.iter().map(|(name, value)| match value.as_text() {
        Some(text) => Ok((name.to_owned(), text.to_owned())),
        None => Err(format!("the tag `{name}` must be a string")),
    });
    read.collect::<Result<_, _>>().map(Some)
}

/// Numbers lose zeros at the end: `1.0` is answered as `1`.
fn shortest(value: &FormValue) -> FormValue {
    match value {
        FormValue::Number(number) => FormValue::Number(number.without_trailing_zeros()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_json_type() {
        let _rows = mottak_testing::covers("app-forms", &["108"]);
        let file = br#"[ // en liste
            {"value":"a","label":"A","helpText":"h","description":"","tags":{"k":"v"}},
            {"Value":1.0,"LABEL":"B"}, {"value":true,"label":"C"}, {"value":null,"label":"D"},
        ]"#;
        let options = parse(file).expect("an option list");
        assert_eq!(
            serde_json::to_string(&options).expect("options are JSON"),
            r#"[{"value":"a","label":"A","helpText":"h","tags":{"k":"v"}},{"value":1,"label":"B"},{"value":true,"label":"C"},{"value":null,"label":"D"}]"#
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let reason = |text: &str| parse(text.as_bytes()).expect_err("no list").to_string();
        assert_eq!(reason(r#"[{"value":"a"}]"#), "/0: the option has no label");
        assert_eq!(
            reason(r#"[{"value":"a","label":"A"},{"value":"a","label":"A","x":1}]"#),
            "/1: options have no member `x`"
        );
        assert_eq!(reason(r#"[{"value":[],"label":"A"}]"#), "/0: the value must be a string, number, boolean or null");
        assert_eq!(reason("{}"), "the file must be a list of options");
        assert!(reason("[\n,]").starts_with("line 2"));
    }

    #[test]
    fn ids_stay_inside_the_folder() {
        assert_eq!(file_name("land").as_deref(), Some("land.json"));
        for id in ["", "..", "../config/x", "a/b", "a\\b", "c:x"] {
            assert_eq!(file_name(id), None, "{id}");
        }
    }
}
