//! One app: an `App` folder read once, checked, and immutable from then on.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use mottak_model::{AppId, Application, DataType};
use mottak_policy::Policy;
use mottak_process::{CustomTask, Environment, Process, UnknownTaskTypes};

use crate::files::{AppFiles, ContentHash, app_folder};
use crate::json::text_of;
use crate::metadata::{Metadata, MetadataDocuments};
use crate::models::Models;
use crate::options::OptionLists;
use crate::problem::{Problem, Problems};
use crate::references;
use crate::rules;
use crate::settings::AppSettings;
use crate::texts::Texts;
use crate::ui::Ui;

const HOME_PAGE: &str = "views/Home/Index.cshtml";

/// How apps are loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The environment whose `appsettings.{environment}.json` counts over `appsettings.json`, and whose configuration
    /// of tasks must be complete. None: only what holds everywhere is read and checked.
    pub environment: Option<Environment>,
    /// Settings that count over those of the files, by their full name: `AppSettings:RemoveHiddenData`. The part
    /// between the sections may also be `__`, as in environment variables.
    pub settings: BTreeMap<String, String>,
    /// Task types that plugins bring.
    pub custom_tasks: Vec<CustomTask>,
    /// What becomes of other unknown types.
    pub unknown_task_types: UnknownTaskTypes,
}

/// An app: everything its folder says, parsed and checked.
#[derive(Debug)]
pub struct App {
    pub id: AppId,
    pub application: Application,
    pub metadata: MetadataDocuments,
    process: Option<Process>,
    /// `config/process/process.bpmn` without byte order mark.
    pub process_document: Option<Bytes>,
    /// Permits nobody when the app only describes itself.
    pub policy: Policy,
    /// `config/authorization/policy.xml` without byte order mark.
    pub policy_document: Option<Bytes>,
    pub texts: Texts,
    pub models: Models,
    pub ui: Ui,
    pub options: OptionLists,
    pub settings: AppSettings,
    /// The app's own `views/Home/Index.cshtml`.
    pub home_page: Option<Bytes>,
    pub content_hash: ContentHash,
    /// The `App` folder it was read from.
    pub folder: PathBuf,
}

/// The outcome of loading a folder.
#[derive(Debug)]
pub struct Loaded {
    /// The app, when no problem is an error.
    pub app: Option<App>,
    /// Everything found, by file and line.
    pub problems: Vec<Problem>,
}

impl LoadOptions {
    /// As a server loads apps: one with a task nobody can run is served, and says so when the task is reached.
    pub fn serving() -> Self {
        Self { unknown_task_types: UnknownTaskTypes::Warn, ..Self::default() }
    }
}

impl App {
    /// Reads an `App` folder, or the one in a repository. All its problems are told at once.
    pub fn load(dir: &Path) -> Loaded {
        Self::load_with(dir, &LoadOptions::default())
    }

    /// Reads an `App` folder, or the one in a repository, as `options` say.
    pub fn load_with(dir: &Path, options: &LoadOptions) -> Loaded {
        let folder = app_folder(dir);
        let mut problems = Problems::default();
        let files = AppFiles::read(&folder, &mut problems);
        let app = if problems.has_errors() && files.is_empty() {
            None
        } else {
            Self::from_files(&files, folder, options, &mut problems)
        };
        let app = app.filter(|_| !problems.has_errors());
        Loaded { app, problems: problems.into_sorted() }
    }

    /// Reads every part, also when an earlier one is faulty, so that all problems are found.
    pub(crate) fn from_files(
        files: &AppFiles,
        folder: PathBuf,
        options: &LoadOptions,
        problems: &mut Problems,
    ) -> Option<Self> {
        rules::check_presence(files, problems);
        let settings = AppSettings::read(files, options, problems);
        let option_lists = OptionLists::read(files, problems);
        let (process, process_document) = rules::read_process(files, options, problems).unzip();
        let Some(metadata) = Metadata::read(files, problems) else {
            check_without_metadata(files, problems);
            return None;
        };
        let id = metadata.application.id.clone();
        let titles = metadata.application.title.clone().unwrap_or_default();
        let ui = Ui::read(files, &metadata, process.as_ref(), &settings, problems);
        references::check(&metadata, process.as_ref(), &ui, problems);
        let (policy, policy_document) = rules::read_policy(files, &id, problems);
        Some(Self {
            texts: Texts::read(files, &id, titles, problems),
            models: Models::read(files, &metadata, problems),
            ui,
            metadata: metadata.documents(settings.json_object_in_data_response),
            home_page: files.get(HOME_PAGE).and_then(|bytes| text_of(HOME_PAGE, bytes, problems)).map(Bytes::from),
            content_hash: files.hash(),
            application: metadata.application,
            options: option_lists,
            policy,
            policy_document,
            process,
            process_document,
            settings,
            folder,
            id,
        })
    }

    /// The process; none for an app that only describes itself.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// The data type of the form that a stateless app opens with; none for other apps, and where the set or the type
    /// is not there (app-api §19.1, §24).
    pub fn stateless_data_type(&self) -> Option<&DataType> {
        let set = self.ui.set(self.application.stateless_set()?)?;
        self.application.data_type(set.data_type.as_deref()?)
    }

    /// The file below `wwwroot` that a request path names, when there is one. Paths that lead out of the folder, also
    /// by links, name nothing.
    pub fn static_file(&self, path: &str) -> Option<PathBuf> {
        let root = self.folder.join("wwwroot").canonicalize().ok()?;
        let relative = Path::new(path.trim_start_matches('/'));
        let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || path.contains(['\\', '\0']) {
            return None;
        }
        let file = root.join(relative).canonicalize().ok()?;
        (file.starts_with(&root) && file.is_file()).then_some(file)
    }
}

/// What can be said of the other files when nobody knows which app they are of.
fn check_without_metadata(files: &AppFiles, problems: &mut Problems) {
    let unknown = AppId::new("unknown", "unknown");
    rules::read_policy(files, &unknown, problems);
    Texts::read(files, &unknown, BTreeMap::new(), problems);
    Ui::check_files(files, problems);
}
