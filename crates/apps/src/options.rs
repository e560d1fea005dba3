//! `options/{id}.json`: the static code lists of an app.
//!
//! Contract: app-api §12.1, §12.2; app-forms §7.1.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::files::AppFiles;
use crate::json::{JsonFile, Original, to_bytes};
use crate::problem::Problems;
use crate::shape::{Absent, NullsInStorage, ObjectShape, Others, Shape, conform, member};

const FOLDER: &str = "options/";

/// The code lists of an app by id.
#[derive(Clone, Debug, Default)]
pub struct OptionLists {
    lists: BTreeMap<String, OptionList>,
}

/// One code list.
#[derive(Clone, Debug)]
pub struct OptionList {
    pub options: Vec<AppOption>,
    /// The list as it is served.
    pub document: Bytes,
}

/// One choice of a code list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppOption {
    /// A string, number, boolean or null: of the type it has in the file.
    #[serde(default)]
    pub value: Value,
    /// Usually the key of a text.
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

impl OptionLists {
    pub(crate) fn read(files: &AppFiles, problems: &mut Problems) -> Self {
        let mut lists = BTreeMap::new();
        for (name, bytes) in files.below(FOLDER) {
            let Some(id) = name.strip_suffix(".json") else { continue };
            if let Some(list) = read_list(&format!("{FOLDER}{name}"), bytes, problems) {
                lists.insert(id.to_owned(), list);
            }
        }
        Self { lists }
    }

    /// The list with exactly this id; an id that leads out of the folder is just an unknown one.
    pub fn get(&self, id: &str) -> Option<&OptionList> {
        self.lists.get(id)
    }

    /// All lists by id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OptionList)> {
        self.lists.iter().map(|(id, list)| (id.as_str(), list))
    }
}

fn read_list(path: &str, bytes: &[u8], problems: &mut Problems) -> Option<OptionList> {
    let file = JsonFile::read(path, bytes, Original::CommentsAndTrailingCommas, problems)?;
    let list = conform(&file, &Shape::List(&Shape::Object(&OPTION)), problems)?;
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let options: Vec<AppOption> = items.iter().filter_map(option).collect();
    let document = serde_json::to_value(&options).ok()?;
    Some(OptionList { options, document: to_bytes(&document) })
}

fn option(item: &Value) -> Option<AppOption> {
    let mut option = AppOption::deserialize(item).ok()?;
    if let Value::Number(number) = &option.value {
        option.value = as_written(number);
    }
    option.description = option.description.filter(|text| !text.is_empty());
    option.help_text = option.help_text.filter(|text| !text.is_empty());
    Some(option)
}

/// Numbers are doubles in the original: `1.0` is written `1`.
fn as_written(number: &Number) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < EXACT => Value::from(double as i64),
        _ => Value::Number(number.clone()),
    }
}

const OPTION: ObjectShape = ObjectShape {
    members: &[
        member("value", Shape::Scalar, Absent::Null),
        member("label", Shape::Text, Absent::Refused),
        member("description", Shape::Text, Absent::Null),
        member("helpText", Shape::Text, Absent::Null),
        member("tags", Shape::Map(&Shape::Text), Absent::Null),
    ],
    others: Others::Refused,
    nulls_in_storage: NullsInStorage::Omitted,
};
