//! Which layout sets an app has: listed in `layout-sets.json`, or made from the folders.

use std::collections::BTreeMap;

use bytes::Bytes;
use mottak_model::DataType;
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
    /// Where the app says so.
    place: Place,
}

/// The sets of an app, checked.
pub(super) struct Found {
    pub(super) generation: UiGeneration,
    pub(super) entries: Vec<LayoutSetEntry>,
    pub(super) document: Option<Bytes>,
}

/// What the sets are checked against.
pub(super) struct Surroundings<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) process: Option<&'a Process>,
    pub(super) folders: &'a BTreeMap<String, UiFolder>,
    pub(super) global_settings: Option<&'a JsonFile>,
}

pub(super) fn read(files: &AppFiles, around: &Surroundings<'_>, problems: &mut Problems) -> Found {
    let path = format!("{ROOT}layout-sets.json");
    if let Some(bytes) = files.get(&path) {
        let file = JsonFile::read(&path, bytes, Original::CommentsAndTrailingCommas, problems);
        let mut entries = file.as_ref().map(|file| listed(file, problems)).unwrap_or_default();
        for entry in &mut entries {
            check_listed(entry, around, problems);
        }
        return Found { generation: UiGeneration::V8, entries, document: file.map(|file| file.plain()) };
    }
    if around.folders.is_empty() {
        if files.below(&format!("{ROOT}layouts/")).next().is_some() {
            problems.warn(
                Place::file("ui/layouts"),
                "layouts without layout sets are of a version before 5; the frontend needs `ui/layout-sets.json`",
            );
        }
        return Found { generation: UiGeneration::V8, entries: Vec::new(), document: None };
    }
    let folders = around.folders.iter();
    let entries: Vec<_> = folders.map(|(name, folder)| from_folder(name, folder, around.metadata, problems)).collect();
    let document = as_layout_sets(&entries, around.global_settings);
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
            place,
        });
    }
    entries
}

fn from_folder(name: &str, folder: &UiFolder, metadata: &Metadata, problems: &mut Problems) -> LayoutSetEntry {
    let place = match &folder.settings_file {
        Some(file) => file.place("/defaultDataType"),
        None => Place::file(&format!("{ROOT}{name}")),
    };
    let mut entry = LayoutSetEntry {
        id: name.to_owned(),
        data_type: folder.default_data_type().map(str::to_owned),
        tasks: vec![name.to_owned()],
        place,
    };
    resolve_data_type(&mut entry, metadata, problems);
    entry
}

/// What `layout-sets.json` would say.
fn as_layout_sets(entries: &[LayoutSetEntry], settings: Option<&JsonFile>) -> Bytes {
    let set = |entry: &LayoutSetEntry| json!({"id": entry.id, "dataType": entry.data_type, "tasks": entry.tasks});
    let sets: Vec<Value> = entries.iter().map(set).collect();
    let settings = settings.map_or_else(|| json!({}), |file| file.value.clone());
    to_bytes(&json!({"sets": sets, "uiSettings": settings}))
}

/// Names that lead nowhere are told; the original lets them pass, so they are warnings.
fn check_listed(entry: &mut LayoutSetEntry, around: &Surroundings<'_>, problems: &mut Problems) {
    if !around.folders.contains_key(&entry.id) {
        problems.warn(entry.place.clone(), format!("there is no folder `{ROOT}{}`", entry.id));
    }
    resolve_data_type(entry, around.metadata, problems);
    let Some(process) = around.process else { return };
    for task in &entry.tasks {
        if process.node(task).is_none() && !PSEUDO_TASKS.contains(&task.as_str()) {
            problems.warn(entry.place.clone(), format!("the task `{task}` is not in the process"));
        }
    }
}

/// A set with no data type, or one that is not there, has the form of its task, else the first form of the app
/// (app-forms §5.1, app-api §24).
fn resolve_data_type(entry: &mut LayoutSetEntry, metadata: &Metadata, problems: &mut Problems) {
    if let Some(id) = &entry.data_type {
        if metadata.application.data_type(id).is_some() {
            return;
        }
        let reason = format!("the data type `{id}` is not in `{}`", crate::metadata::PATH);
        problems.warn(entry.place.clone(), reason);
    }
    let forms = || metadata.application.data_types.iter().filter(|data_type| data_type.is_form());
    let is_of_task = |data_type: &&DataType| data_type.task_id.as_ref().is_some_and(|task| *task == entry.id);
    let form = forms().find(is_of_task).or_else(|| forms().next());
    entry.data_type = form.map(|data_type| data_type.id.clone());
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
