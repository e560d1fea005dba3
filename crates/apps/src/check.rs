//! What `mottak check` tells: the problems of folders, for the one who edits them.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use mottak_model::AppId;

use crate::app::{App, LoadOptions};
use crate::apps::id_taken;
use crate::files::app_folder;
use crate::problem::Problem;

/// What was found in each of some folders.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order they were asked for.
    pub folders: Vec<CheckedFolder>,
}

/// What was found in one folder.
#[derive(Clone, Debug)]
pub struct CheckedFolder {
    /// The `App` folder; the files of the problems are within it.
    pub folder: PathBuf,
    /// The app, when it would be served.
    pub app: Option<AppId>,
    /// By file and line.
    pub problems: Vec<Problem>,
}

/// Loads the apps in `dirs` without serving them. Two folders with the same id are a problem of the later one.
pub fn check(dirs: &[PathBuf], options: &LoadOptions) -> Report {
    let mut sound: Vec<Arc<App>> = Vec::new();
    let mut folders = Vec::new();
    for dir in dirs {
        let mut loaded = App::load_with(dir, options);
        if let Some(app) = &loaded.app
            && let Some(first) = sound.iter().find(|other| is_same_id(&other.id, &app.id))
        {
            loaded.problems.insert(0, id_taken(app, first));
            loaded.app = None;
        }
        let app = loaded.app.map(Arc::new);
        let id = app.as_ref().map(|app| app.id.clone());
        sound.extend(app);
        folders.push(CheckedFolder { folder: app_folder(dir), app: id, problems: loaded.problems });
    }
    Report { folders }
}

/// The report as text: a line per problem, `path:line: reason`, then a line per folder.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for checked in &report.folders {
        let folder = checked.folder.display();
        for problem in &checked.problems {
            let separator = if problem.file.is_empty() { ": " } else { "/" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{folder}{separator}{problem}");
        }
    }
    for checked in &report.folders {
        let folder = checked.folder.display();
        let errors = checked.problems.iter().filter(|problem| problem.is_error()).count();
        let warnings = checked.problems.len() - errors;
        let verdict = match &checked.app {
            Some(app) => format!("{app} is sound"),
            None => "refused".to_owned(),
        };
        let _ = writeln!(text, "{folder}: {verdict} ({errors} errors, {warnings} warnings)");
    }
    text
}

impl Report {
    /// Whether any folder would be refused.
    pub fn has_errors(&self) -> bool {
        self.folders.iter().any(|checked| checked.app.is_none())
    }
}

fn is_same_id(one: &AppId, other: &AppId) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}
