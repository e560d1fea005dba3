//! Watching the folders of the apps, so that a change is served without a restart. For development.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use crate::apps::{Apps, Reload};

/// A change is taken up when nothing has changed for so long: editors write in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// How often folders are compared where the system does not tell of changes.
const POLL: Duration = Duration::from_secs(1);

/// Changes remembered until they are taken up; more of them are of the same folders.
const REMEMBERED: usize = 1024;

/// Folders are watched until this is dropped.
pub struct Watch {
    watcher: Option<Box<dyn Watcher + Send>>,
    reloading: Option<JoinHandle<()>>,
}

/// The folders cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch the folders of the apps")]
pub struct WatchError(#[from] notify::Error);

impl Apps {
    /// Reloads each app when its folder changes, until the result is dropped. `on_reload` is told of every reload,
    /// on a thread of its own.
    pub fn watch(&self, on_reload: impl FnMut(Reload) + Send + 'static) -> Result<Watch, WatchError> {
        let (changed, changes) = sync_channel(REMEMBERED);
        let watcher = watcher(self.dirs(), &changed)?;
        let apps = self.clone();
        let reloading = std::thread::spawn(move || reload_changed(&apps, &changes, on_reload));
        Ok(Watch { watcher: Some(watcher), reloading: Some(reloading) })
    }
}

/// The system's own watcher, else one that compares the folders now and then.
fn watcher(dirs: &[PathBuf], changed: &SyncSender<PathBuf>) -> Result<Box<dyn Watcher + Send>, WatchError> {
    let config = Config::default().with_poll_interval(POLL);
    let native = RecommendedWatcher::new(teller(changed.clone()), config);
    if let Ok(mut watcher) = native
        && watch_all(&mut watcher, dirs).is_ok()
    {
        return Ok(Box::new(watcher));
    }
    let mut watcher = PollWatcher::new(teller(changed.clone()), config)?;
    watch_all(&mut watcher, dirs)?;
    Ok(Box::new(watcher))
}

fn watch_all(watcher: &mut dyn Watcher, dirs: &[PathBuf]) -> notify::Result<()> {
    // A folder that is not there is told of when the apps are loaded.
    dirs.iter().filter(|dir| dir.is_dir()).try_for_each(|dir| watcher.watch(dir, RecursiveMode::Recursive))
}

fn teller(changed: SyncSender<PathBuf>) -> impl Fn(notify::Result<Event>) + Send + 'static {
    move |event| {
        let Ok(event) = event else { return };
        // Loading an app opens its files, which is no change.
        if !matches!(event.kind, EventKind::Access(_)) {
            for path in event.paths {
                // Full: enough is remembered for the folders to be loaded again.
                let _ = changed.try_send(path);
            }
        }
    }
}

fn reload_changed(apps: &Apps, changes: &Receiver<PathBuf>, mut on_reload: impl FnMut(Reload)) {
    let watched: Vec<_> =
        apps.dirs().iter().map(|dir| (dir, dir.canonicalize().unwrap_or_else(|_| dir.clone()))).collect();
    while let Ok(first) = changes.recv() {
        let mut paths = BTreeSet::from([first]);
        let is_over = loop {
            match changes.recv_timeout(QUIET) {
                Ok(path) => drop(paths.insert(path)),
                Err(RecvTimeoutError::Timeout) => break false,
                Err(RecvTimeoutError::Disconnected) => break true,
            }
        };
        if is_over {
            return;
        }
        for (dir, full) in &watched {
            if paths.iter().any(|path| is_below(path, dir) || is_below(path, full)) {
                on_reload(apps.reload(dir));
            }
        }
    }
}

fn is_below(path: &Path, dir: &Path) -> bool {
    path.starts_with(dir)
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Without the watcher nobody tells of changes any more, and the thread ends.
        self.watcher = None;
        if let Some(reloading) = self.reloading.take()
            && reloading.join().is_err()
        {
            tracing::error!("the thread that reloads apps panicked");
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
