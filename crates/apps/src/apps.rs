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
    options: LoadOptions,
    served: ArcSwap<ById>,
    /// Held while the set is changed, so that changes do not undo one another.
    changing: Mutex<()>,
}

/// Apps by id in lower case: routes are matched without regard to case (app-api §1.1).
type ById = BTreeMap<(String, String), Arc<App>>;

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
        let mut folders: BTreeMap<(String, String), PathBuf> = BTreeMap::new();
        for dir in dirs {
            let Loaded { app, mut problems } = App::load_with(dir, &options);
            if let Some(app) = app {
                let key = key(app.id.org(), app.id.app());
                match folders.get(&key) {
                    Some(first) => problems.extend(Loaded::refused(taken(&app, dir, first)).problems),
                    None => {
                        folders.insert(key.clone(), dir.clone());
                        served.insert(key, Arc::new(app));
                    }
                }
            }
            found.push((dir.clone(), problems));
        }
        let shared = Shared { options, served: ArcSwap::from_pointee(served), changing: Mutex::default() };
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

    /// Loads the folder of an app again and serves what it has become; with errors, the version served before stays.
    /// Returns what was found.
    pub fn reload(&self, dir: &Path) -> Vec<Problem> {
        let _changing = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Loaded { app, mut problems } = App::load_with(dir, &self.shared.options);
        let Some(app) = app else { return problems };
        let mut served = ById::clone(&self.shared.served.load());
        let key = key(app.id.org(), app.id.app());
        if let Some(other) = served.get(&key).filter(|other| other.folder != app.folder) {
            problems.extend(Loaded::refused(taken(&app, dir, &other.folder)).problems);
            return problems;
        }
        served.retain(|_, other| other.folder != app.folder);
        served.insert(key, Arc::new(app));
        self.shared.served.store(Arc::new(served));
        problems
    }
}

fn key(org: &str, app: &str) -> (String, String) {
    (org.to_lowercase(), app.to_lowercase())
}

fn taken(app: &App, dir: &Path, first: &Path) -> String {
    format!("the id `{}` is used by two folders: `{}` and `{}`", app.id, first.display(), dir.display())
}
