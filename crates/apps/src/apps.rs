//! The set of apps a server serves, looked up without locks and exchanged one app at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::app::{App, LoadOptions, Loaded};
use crate::problem::Problem;

/// The apps that are served. Cheap to clone; clones are the same set.
#[derive(Clone, Debug)]
pub struct Apps {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dirs: Vec<PathBuf>,
    options: LoadOptions,
    served: ArcSwap<ById>,
    /// Held while the set is changed, so that changes do not undo one another.
    changing: Mutex<()>,
}

/// Apps by id in lower case: routes are matched without regard to case (app-api §1.1).
type ById = BTreeMap<String, Arc<App>>;

/// What loading a folder again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// The folder as it was given to [`Apps::load`].
    pub dir: PathBuf,
    pub outcome: ReloadOutcome,
    /// Everything found, by file and line.
    pub problems: Vec<Problem>,
}

/// Which version of an app is served after a reload. Requests under way keep the version they began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// The one that was just read.
    Replaced,
    /// The one before; nothing it was read from has changed.
    Unchanged,
    /// The one before, if any: the folder has errors now.
    Refused,
}

impl Apps {
    /// Loads the apps in `dirs`; each is an `App` folder or a repository with one. Returns the set and what was found
    /// in each folder; folders with errors, and those that repeat the id of an earlier one, are not in the set.
    pub fn load(dirs: &[PathBuf]) -> (Self, Vec<(PathBuf, Vec<Problem>)>) {
        Self::load_with(dirs, LoadOptions::default())
    }

    /// Loads the apps in `dirs` as `options` say.
    pub fn load_with(dirs: &[PathBuf], options: LoadOptions) -> (Self, Vec<(PathBuf, Vec<Problem>)>) {
        let mut served = ById::new();
        let mut found = Vec::new();
        for dir in dirs {
            let Loaded { app, mut problems } = App::load_with(dir, &options);
            if let Some(app) = app {
                let key = key_of(&app);
                match served.get(&key) {
                    Some(first) => problems.insert(0, id_taken(&app, first)),
                    None => {
                        served.insert(key, Arc::new(app));
                    }
                }
            }
            found.push((dir.clone(), problems));
        }
        let served = ArcSwap::from_pointee(served);
        let shared = Shared { dirs: dirs.to_vec(), options, served, changing: Mutex::default() };
        (Self { shared: Arc::new(shared) }, found)
    }

    /// The app of this owner and name, in any case. The caller keeps the version it got for as long as it needs.
    pub fn get(&self, org: &str, app: &str) -> Option<Arc<App>> {
        self.shared.served.load().get(&key(org, app)).cloned()
    }

    /// Every app, in order of id.
    pub fn list(&self) -> Vec<Arc<App>> {
        self.shared.served.load().values().cloned().collect()
    }

    /// The folders the set was made from, also those that are refused.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.shared.dirs
    }

    /// Loads the folder of an app again and serves what it has become; with errors, the version before stays.
    pub fn reload(&self, dir: &Path) -> Reload {
        let _changing = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Loaded { app, mut problems } = App::load_with(dir, &self.shared.options);
        let served = self.shared.served.load();
        let outcome = match app {
            None => ReloadOutcome::Refused,
            Some(app) => match served.get(&key_of(&app)) {
                Some(other) if other.folder != app.folder => {
                    problems.insert(0, id_taken(&app, other));
                    ReloadOutcome::Refused
                }
                Some(before) if before.content_hash == app.content_hash => ReloadOutcome::Unchanged,
                _ => {
                    self.replace(app, &served);
                    ReloadOutcome::Replaced
                }
            },
        };
        Reload { dir: dir.to_owned(), outcome, problems }
    }

    /// Serves `app` in place of what its folder was before, also under another id.
    fn replace(&self, app: App, before: &ById) {
        let mut served = before.clone();
        served.retain(|_, other| other.folder != app.folder);
        served.insert(key_of(&app), Arc::new(app));
        self.shared.served.store(Arc::new(served));
    }
}

fn key_of(app: &App) -> String {
    key(app.id.org(), app.id.app())
}

fn key(org: &str, app: &str) -> String {
    let id = [org, "/", app].concat();
    // Nearly every request spells it as the app does.
    if id.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) { id.to_lowercase() } else { id }
}

pub(crate) fn id_taken(app: &App, first: &App) -> Problem {
    let (first, second) = (first.folder.display(), app.folder.display());
    Problem::of_folder(format!("the id `{}` is used by two folders: `{first}` and `{second}`", app.id))
}
