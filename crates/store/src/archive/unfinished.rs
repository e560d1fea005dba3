//! A folder that appears whole or not at all: made beside its place under another name, renamed at the end.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::{ArchiveFailure, on};
use crate::durable::sync_file_system;

/// Marks a folder that is being made. Its maker holds a lock on it.
const MARK: &str = "unfinished";

/// A folder that is being made. What is left of it after a crash is removed by the next attempt.
#[derive(Debug)]
pub(crate) struct Unfinished {
    place: PathBuf,
    goal: PathBuf,
    _mark: File,
}

impl Unfinished {
    /// Begins to make the folder `goal`, which does not exist or is empty.
    pub(crate) fn begin(goal: &Path) -> Result<Self, ArchiveFailure> {
        let unusable = |folder: &Path, cause: &str| ArchiveFailure::Unusable {
            folder: folder.to_owned(),
            cause: cause.to_owned(),
        };
        let goal = std::path::absolute(goal).map_err(on("find", goal))?;
        let (Some(parent), Some(name)) = (goal.parent(), goal.file_name()) else {
            return Err(unusable(&goal, "it is no folder that could be made"));
        };
        if goal.exists() {
            let mut entries = fs::read_dir(&goal).map_err(on("look into", &goal))?;
            if entries.next().is_some() {
                return Err(unusable(&goal, "it is not empty"));
            }
            if is_mount_point(&goal, parent) {
                return Err(unusable(&goal, "it is the root of a file system; name a folder in it"));
            }
        }
        fs::create_dir_all(parent).map_err(on("make", parent))?;
        let mut partial = name.to_owned();
        partial.push(".partial");
        let place = parent.join(partial);
        let mark = place.join(MARK);
        // An empty one was left by somebody who got no further.
        if place.exists() && fs::remove_dir(&place).is_err() {
            let Ok(left) = File::open(&mark) else {
                return Err(unusable(&place, "it is in the way, and nothing says that it may be removed"));
            };
            match left.try_lock() {
                Ok(()) => remove_marked(&place).map_err(on("remove", &place))?,
                Err(TryLockError::WouldBlock) => return Err(unusable(&place, "another process is writing it")),
                Err(TryLockError::Error(error)) => return Err(on("lock", &mark)(error)),
            }
        }
        fs::create_dir(&place).map_err(on("make", &place))?;
        let file = File::create_new(&mark).map_err(on("make", &mark))?;
        file.try_lock().map_err(|_| unusable(&place, "another process is writing it"))?;
        Ok(Self { place, goal, _mark: file })
    }

    /// Where it is made.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Whether the folder was never finished.
    pub(super) fn is_left(folder: &Path) -> bool {
        folder.join(MARK).exists()
    }

    /// Puts it in its place, durably with all that is in it.
    pub(crate) fn finish(self) -> Result<(), ArchiveFailure> {
        let mark = self.place.join(MARK);
        sync_file_system(&self.place).map_err(on("sync", &self.place))?;
        fs::remove_file(&mark).map_err(on("remove", &mark))?;
        // An empty folder gives way.
        fs::rename(&self.place, &self.goal).map_err(on("put in its place", &self.goal))?;
        sync_file_system(&self.goal).map_err(on("sync", &self.goal))
    }

    /// Removes what was made.
    pub(crate) fn discard(self) {
        // What stays is removed by the next attempt: it is marked.
        let _ = remove_marked(&self.place);
    }
}

/// Removes the folder, the mark last.
fn remove_marked(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != MARK {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir_all(folder)
}

/// A folder cannot be renamed into another file system.
#[cfg(unix)]
fn is_mount_point(folder: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    matches!((device(folder), device(parent)), (Ok(own), Ok(outer)) if own != outer)
}

#[cfg(not(unix))]
fn is_mount_point(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_when_it_is_finished_and_what_a_crash_left_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let goal = root.path().join("deep/goal");
        let first = Unfinished::begin(&goal).unwrap();
        fs::write(first.place().join("old"), "x").unwrap();
        assert!(matches!(Unfinished::begin(&goal), Err(ArchiveFailure::Unusable { .. })), "it is being written");
        drop(first);
        assert!(!goal.exists());

        let second = Unfinished::begin(&goal).unwrap();
        fs::write(second.place().join("new"), "x").unwrap();
        assert!(Unfinished::is_left(second.place()));
        second.finish().unwrap();
        let names: Vec<_> = fs::read_dir(&goal).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["new"]);
        assert!(!goal.with_file_name("goal.partial").exists());
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let goal = root.path().join("goal");
        let in_the_way = goal.with_file_name("goal.partial");
        fs::create_dir_all(&in_the_way).unwrap();
        fs::write(in_the_way.join("theirs"), "x").unwrap();
        assert!(Unfinished::begin(&goal).unwrap_err().to_string().contains("goal.partial"));
        assert!(in_the_way.join("theirs").exists());
        fs::remove_dir_all(in_the_way).unwrap();

        fs::create_dir(&goal).unwrap();
        fs::write(goal.join("theirs"), "x").unwrap();
        assert!(Unfinished::begin(&goal).unwrap_err().to_string().contains("not empty"));
        fs::remove_file(goal.join("theirs")).unwrap();
        Unfinished::begin(&goal).unwrap().finish().unwrap();
    }
}
