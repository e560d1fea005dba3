//! Which layout sets an app has: listed in `layout-sets.json`, or made from the folders.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use mottak_process::Process;
use serde_json::{Value, json};

use super::{ROOT, UiFolder};
use crate::files::AppFiles;
use crate::json::{JsonFile, Original, to_bytes};
use crate::metadata::Metadata;
use crate::problem::{Place, Problems};
use crate::shape::{Absent, NullsInStorage, ObjectShape, Others, Shape, conform, member};

/// Process elements that a set may name though the process does not have them: pages of the frontend itself.
const PSEUDO_TASKS: [&str; 1] = ["CustomReceipt"];

/// How a `ui` folder says which sets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiGeneration {
    /// By `layout-sets.json`.
    V8,
    /// By its folders.
    V9,
}

/// One layout set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutSetEntry {
    /// The name of its folder.
    pub id: String,
    /// The data type of bindings that name none; always one of the app, when the app has any form data type.
    pub data_type: Option<String>,
    /// The process elements it belongs to; empty for subforms and stateless sets.
    pub tasks: Vec<String>,
    pub(super) place: PlaceOfEntry,
}

/// Where a set is spoken of: a file and the pointers to its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlaceOfEntry {
    file: String,
    line: Option<u32>,
    pointer: Option<String>,
}

pub(super) struct Found {
    pub(super) generation: UiGeneration,
    pub(super) entries: Vec<LayoutSetEntry>,
    pub(super) document: Option<Bytes>,
}

pub(super) fn read(
    files: &AppFiles,
    folders: &BTreeMap<String, UiFolder>,
    settings: Option<&JsonFile>,
    problems: &mut Problems,
) -> Found {
    let path = format!("{ROOT}layout-sets.json");
    if let Some(bytes) = files.get(&path) {
        let file = JsonFile::read(&path, bytes, Original::CommentsAndTrailingCommas, problems);
        let entries = file.as_ref().map(|file| listed(file, problems)).unwrap_or_default();
        return Found { generation: UiGeneration::V8, entries, document: file.map(|file| file.plain()) };
    }
    if folders.is_empty() {
        if files.below(&format!("{ROOT}layouts/")).next().is_some() {
            problems.warn(
                Place::file("ui/layouts"),
                "layouts without layout sets are of a version before 5; the frontend needs `ui/layout-sets.json`",
            );
        }
        return Found { generation: UiGeneration::V8, entries: Vec::new(), document: None };
    }
    let entries: Vec<_> = folders.iter().map(|(name, folder)| from_folder(name, folder)).collect();
    let document = as_layout_sets(&entries, settings);
    Found { generation: UiGeneration::V9, entries, document: Some(document) }
}

fn listed(file: &JsonFile, problems: &mut Problems) -> Vec<LayoutSetEntry> {
    let document = conform(file, &Shape::Object(&LAYOUT_SETS), problems).unwrap_or_default();
    let sets = document.get("sets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut entries: Vec<LayoutSetEntry> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let Some(id) = set.get("id").and_then(Value::as_str) else { continue };
        let place = file.place(&format!("/sets/{at}"));
        if entries.iter().any(|earlier| earlier.id == id) {
            problems.error(file.place(&format!("/sets/{at}/id")), format!("two layout sets have the id `{id}`"));
            continue;
        }
        let tasks = set.get("tasks").and_then(Value::as_array).into_iter().flatten();
        entries.push(LayoutSetEntry {
            id: id.to_owned(),
            data_type: set.get("dataType").and_then(Value::as_str).map(str::to_owned),
            tasks: tasks.filter_map(|task| task.as_str().map(str::to_owned)).collect(),
            place: PlaceOfEntry { file: place.file, line: place.line, pointer: place.pointer },
        });
    }
    entries
}

fn from_folder(name: &str, folder: &UiFolder) -> LayoutSetEntry {
    let place = match &folder.settings_file {
        Some(file) => file.place("/defaultDataType"),
        None => Place::file(&format!("{ROOT}{name}")),
    };
    LayoutSetEntry {
        id: name.to_owned(),
        data_type: folder.default_data_type().map(str::to_owned),
        tasks: vec![name.to_owned()],
        place: PlaceOfEntry { file: place.file, line: place.line, pointer: place.pointer },
    }
}

/// What `layout-sets.json` would say.
fn as_layout_sets(entries: &[LayoutSetEntry], settings: Option<&JsonFile>) -> Bytes {
    let set = |entry: &LayoutSetEntry| json!({"id": entry.id, "dataType": entry.data_type, "tasks": entry.tasks});
    let sets: Vec<Value> = entries.iter().map(set).collect();
    let settings = settings.map_or_else(|| json!({}), |file| file.value.clone());
    to_bytes(&json!({"sets": sets, "uiSettings": settings}))
}

/// Names that lead nowhere are told; the original lets them pass, so they are warnings. A set whose data type is
/// unknown gets the first form data type of the app (app-forms §5.1).
pub(super) fn check(
    entries: Vec<LayoutSetEntry>,
    metadata: &Metadata,
    process: Option<&Process>,
    folders: &BTreeMap<String, UiFolder>,
    problems: &mut Problems,
) -> Vec<LayoutSetEntry> {
    let data_types: HashSet<&str> = metadata.application.data_types.iter().map(|known| known.id.as_str()).collect();
    let first_form = metadata.application.data_types.iter().find(|data_type| data_type.is_form());
    let is_v8 = folders.values().all(|folder| folder.default_data_type().is_none());
    let mut checked = Vec::new();
    for mut entry in entries {
        let place = entry.place.clone().into_place();
        if !folders.contains_key(&entry.id) {
            problems.warn(place.clone(), format!("there is no folder `{ROOT}{}`", entry.id));
        }
        match entry.data_type.as_deref() {
            Some(id) if data_types.contains(id) => {}
            named => {
                if let Some(id) = named {
                    problems.warn(place.clone(), format!("the data type `{id}` is not in `{}`", crate::metadata::PATH));
                }
                entry.data_type = first_form.map(|data_type| data_type.id.clone());
            }
        }
        if let (Some(process), true) = (process, is_v8) {
            for task in &entry.tasks {
                if process.node(task).is_none() && !PSEUDO_TASKS.contains(&task.as_str()) {
                    problems.warn(place.clone(), format!("the task `{task}` is not in the process"));
                }
            }
        }
        checked.push(entry);
    }
    checked
}

impl PlaceOfEntry {
    fn into_place(self) -> Place {
        Place { file: self.file, line: self.line, pointer: self.pointer }
    }
}

const LAYOUT_SETS: ObjectShape = ObjectShape {
    members: &[
        member("sets", Shape::List(&Shape::Object(&LAYOUT_SET)), Absent::Refused),
        member("uiSettings", Shape::Any, Absent::Null),
    ],
    others: Others::Kept,
    nulls_in_storage: NullsInStorage::Omitted,
};

const LAYOUT_SET: ObjectShape = ObjectShape {
    members: &[
        member("id", Shape::Text, Absent::Refused),
        member("dataType", Shape::Text, Absent::Null),
        member("tasks", Shape::List(&Shape::Text), Absent::Null),
        member("type", Shape::Text, Absent::Null),
    ],
    others: Others::Kept,
    nulls_in_storage: NullsInStorage::Omitted,
};
