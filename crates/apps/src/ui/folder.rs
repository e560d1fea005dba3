//! One folder below `ui/`: its pages, its settings and its rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use mottak_forms::layout::{LayoutProblem, Page, page_order};
use serde_json::{Map, Value};

use super::ROOT;
use crate::files::AppFiles;
use crate::json::{JsonFile, Original, to_bytes};
use crate::problem::{Place, Problems, Severity};

/// The documents of a folder below `ui/`.
#[derive(Clone, Debug, Default)]
pub struct UiFolder {
    /// `api/layouts/{folder}`: page name → layout file.
    pub layouts_document: Bytes,
    /// The same as values.
    pub layouts: Map<String, Value>,
    /// `Settings.json`.
    pub settings: Option<Value>,
    /// `api/layoutsettings/{folder}`.
    pub settings_document: Option<Bytes>,
    /// `RuleHandler.js`, byte for byte.
    pub rule_handler: Option<Bytes>,
    /// `RuleConfiguration.json`, byte for byte.
    pub rule_configuration: Option<Bytes>,
    /// The pages in the order of the settings, read.
    pub pages: Vec<Page>,
    pub(super) settings_file: Option<JsonFile>,
}

impl UiFolder {
    /// `defaultDataType` of the settings (v9).
    pub fn default_data_type(&self) -> Option<&str> {
        self.settings.as_ref()?.get("defaultDataType")?.as_str()
    }
}

/// Every folder below `ui/` by name. A page whose components cannot be read is left out of the rules on the server, and
/// is a problem of the severity `faulty_page`.
pub(super) fn read_all(files: &AppFiles, faulty_page: Severity, problems: &mut Problems) -> BTreeMap<String, UiFolder> {
    let mut names: Vec<&str> =
        files.below(ROOT).filter_map(|(path, _)| path.split_once('/')).map(|(name, _)| name).collect();
    names.dedup();
    // `ui/layouts` without sets is the layout of the time before version 5.
    let names = names.into_iter().filter(|name| *name != "layouts");
    names.map(|name| (name.to_owned(), read(files, name, faulty_page, problems))).collect()
}

fn read(files: &AppFiles, name: &str, faulty_page: Severity, problems: &mut Problems) -> UiFolder {
    let mut folder = UiFolder {
        rule_handler: files.get(&format!("{ROOT}{name}/RuleHandler.js")).cloned(),
        rule_configuration: files.get(&format!("{ROOT}{name}/RuleConfiguration.json")).cloned(),
        ..UiFolder::default()
    };
    let mut page_files = BTreeMap::new();
    for (file_name, bytes) in files.below(&format!("{ROOT}{name}/layouts/")) {
        if file_name.contains('/') || file_name.starts_with('.') {
            continue;
        }
        let path = format!("{ROOT}{name}/layouts/{file_name}");
        let page = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
        let Some(file) = JsonFile::read(&path, bytes, Original::CommentsAndTrailingCommas, problems) else { continue };
        if folder.layouts.insert(page.to_owned(), file.value.clone()).is_some() {
            problems.error(Place::file(&path), format!("two files are the page `{page}`"));
        }
        page_files.insert(page.to_owned(), file);
    }
    folder.layouts_document = to_bytes(&Value::Object(folder.layouts.clone()));
    let settings_path = [format!("{ROOT}{name}/Settings.json"), format!("{ROOT}{name}/settings.json")];
    if let Some((path, bytes)) = settings_path.iter().find_map(|path| files.get_with_path(path)) {
        folder.settings_file = JsonFile::read(path, bytes, Original::CommentsAndTrailingCommas, problems);
    }
    let pages: Vec<(String, Page)> = page_files
        .iter()
        .filter_map(|(name, file)| match Page::parse(name, &file.value) {
            Ok(page) => Some((name.clone(), page)),
            Err(found) => {
                report(file, faulty_page, found, problems);
                None
            }
        })
        .collect();
    if settings_path.iter().all(|path| files.get(path).is_none()) {
        problems.add(
            faulty_page,
            Place::file(&format!("{ROOT}{name}")),
            "the folder has no `Settings.json`".to_owned(),
        );
    }
    if let Some(file) = &folder.settings_file {
        folder.settings = Some(file.value.clone());
        folder.settings_document = Some(file.plain());
        folder.pages = pages_in_order(name, file, &page_files, pages, problems);
    }
    folder
}

fn pages_in_order(
    folder: &str,
    settings: &JsonFile,
    files: &BTreeMap<String, JsonFile>,
    pages: Vec<(String, Page)>,
    problems: &mut Problems,
) -> Vec<Page> {
    let order = match page_order(folder, &settings.value) {
        Ok(order) => order,
        Err(problem) => {
            report(settings, Severity::Error, vec![problem], problems);
            return Vec::new();
        }
    };
    let mut listed = Vec::new();
    for name in order {
        if !files.contains_key(&name) {
            let place = settings.place("/pages");
            problems.error(place, format!("the page `{name}` has no file `{ROOT}{folder}/layouts/{name}.json`"));
        }
        listed.extend(pages.iter().find(|(page, _)| *page == name).map(|(_, page)| page.clone()));
    }
    listed
}

fn report(file: &JsonFile, severity: Severity, found: Vec<LayoutProblem>, problems: &mut Problems) {
    for problem in found {
        // The words of a layout problem speak of what its pointer names.
        let reason = match problem.pointer.as_str() {
            "" => problem.message,
            pointer => format!("{pointer}: {}", problem.message),
        };
        problems.add(severity, file.place(&problem.pointer), reason);
    }
}
