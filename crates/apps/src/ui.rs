//! `ui/`: layout sets, pages and what goes with them.
//!
//! In the v8 layout `ui/layout-sets.json` lists the sets; in the v9 layout every folder is a set, and the list is made
//! from the folders so that the same frontend can be served. Contract: app-api §14, §24; app-forms §5.

mod folder;
mod sets;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mottak_forms::layout::{LayoutSet, Layouts};
use mottak_process::Process;

use crate::files::AppFiles;
use crate::json::{JsonFile, Original};
use crate::metadata::Metadata;
use crate::problem::{Problems, Severity};
use crate::settings::AppSettings;

pub use folder::UiFolder;
use sets::Surroundings;
pub use sets::{LayoutSetEntry, UiGeneration};

pub(crate) const ROOT: &str = "ui/";

/// The user interface of an app.
#[derive(Clone, Debug)]
pub struct Ui {
    /// How the folder says which sets there are.
    pub generation: UiGeneration,
    /// The sets in the order of the file; in the v9 layout in order of name.
    pub sets: Vec<LayoutSetEntry>,
    /// `api/layoutsets`; none when the app has neither list nor folders.
    pub layout_sets_document: Option<Bytes>,
    /// `ui/Settings.json`.
    pub settings_document: Option<Bytes>,
    /// `ui/footer.json`.
    pub footer_document: Option<Bytes>,
    /// The pages of all sets, for rules on the server.
    pub layouts: Arc<Layouts>,
    folders: BTreeMap<String, UiFolder>,
}

impl Ui {
    pub(crate) fn read(
        files: &AppFiles,
        metadata: &Metadata,
        process: Option<&Process>,
        settings: &AppSettings,
        problems: &mut Problems,
    ) -> Self {
        // Where the server has no rules that need the pages, a page it cannot read is served as it is (app-forms §5.1).
        let faulty_page = if settings.need_layouts() { Severity::Error } else { Severity::Warning };
        let folders = folder::read_all(files, faulty_page, problems);
        let global_settings = root_document(files, "Settings.json", problems);
        let around = Surroundings { metadata, process, folders: &folders, global_settings: global_settings.as_ref() };
        let found = sets::read(files, &around, problems);
        let of_forms = found.entries.iter().filter_map(|entry| {
            let folder = folders.get(&entry.id)?;
            Some(LayoutSet { id: entry.id.clone(), data_type: entry.data_type.clone()?, pages: folder.pages.clone() })
        });
        let layouts = Arc::new(Layouts { sets: of_forms.collect() });
        Self {
            generation: found.generation,
            sets: found.entries,
            layout_sets_document: found.document,
            settings_document: global_settings.map(|file| file.plain()),
            footer_document: root_document(files, "footer.json", problems).map(|file| file.plain()),
            layouts,
            folders,
        }
    }

    /// Tells of files that cannot be read, where nothing else of the app is known.
    pub(crate) fn check_files(files: &AppFiles, problems: &mut Problems) {
        folder::read_all(files, Severity::Warning, problems);
        for name in ["Settings.json", "layout-sets.json", "footer.json"] {
            root_document(files, name, problems);
        }
    }

    /// The set with this id.
    pub fn set(&self, id: &str) -> Option<&LayoutSetEntry> {
        self.sets.iter().find(|set| set.id == id)
    }

    /// The set of a task: the first that lists it.
    pub fn set_of_task(&self, task: &str) -> Option<&LayoutSetEntry> {
        self.sets.iter().find(|set| set.tasks.iter().any(|id| id == task))
    }

    /// The folder `ui/{id}`, whether a set is listed for it or not.
    pub fn folder(&self, id: &str) -> Option<&UiFolder> {
        self.folders.get(id)
    }
}

fn root_document(files: &AppFiles, name: &str, problems: &mut Problems) -> Option<JsonFile> {
    let path = format!("{ROOT}{name}");
    JsonFile::read(&path, files.get(&path)?, Original::CommentsAndTrailingCommas, problems)
}
