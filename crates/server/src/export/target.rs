//! The folder that is exported to, and how far it has come.
//!
//! `state.json` says up to which place in the order of changes everything is there, and how long `instances.ndjson` was
//! then. It is replaced only after what it speaks of is on disk. Whatever a stopped run wrote after that is cut off, and
//! written again.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use mottak_model::{AppId, Guid, Instance, InstanceId, Time};
use mottak_service::Settings;
use mottak_service::ports::{Cursor, Sha256};
use mottak_store::sync_file_system;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::link;

const LINES: &str = "instances.ndjson";
const FILES: &str = "files";
const STATE: &str = "state.json";
const LOCK: &str = "lock";
/// A file that is being written.
const INCOMING: &str = "incoming";

/// How often the state is written.
const INTERVAL: Duration = Duration::from_secs(2);

/// What becomes of instances that were deleted for good but not yet removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deleted {
    Included,
    LeftOut,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    format: u32,
    app: AppId,
    #[serde(rename = "hardDeleted")]
    deleted: Deleted,
    /// Everything up to this place is there.
    after: Option<Place>,
    /// Bytes of the lines.
    bytes: u64,
    /// Lines.
    instances: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    changed: Time,
    guid: Guid,
}

/// A folder that is exported to, by this process alone.
#[derive(Debug)]
pub(super) struct Target {
    folder: PathBuf,
    state: State,
    lines: BufWriter<File>,
    saved: Instant,
    _lock: File,
}

impl Target {
    /// Begins an export to the folder, or goes on with the one that is there.
    pub(super) fn open(folder: &Path, app: &AppId, deleted: Deleted) -> anyhow::Result<Self> {
        let place = || folder.display();
        fs::create_dir_all(folder).with_context(|| format!("make the folder {}", place()))?;
        let known = read_state(&folder.join(STATE))?;
        if known.is_none()
            && fs::read_dir(folder)?.flatten().any(|entry| entry.file_name() != LOCK)
            && !is_begun(folder)
        {
            bail!("{} is not empty, and holds no export", place());
        }
        let lock = File::create(folder.join(LOCK)).with_context(|| format!("make a file in {}", place()))?;
        if lock.try_lock().is_err() {
            bail!("another process exports to {}", place());
        }
        let state = match known {
            Some(state) if state.app != *app || state.deleted != deleted => bail!(
                "{} holds an export of {} with hard-deleted instances {}: go on with that, or name another folder",
                place(),
                state.app,
                if state.deleted == Deleted::Included { "included" } else { "left out" }
            ),
            Some(state) => state,
            None => State { format: 1, app: app.clone(), deleted, after: None, bytes: 0, instances: 0 },
        };
        let lines = folder.join(LINES);
        let file = OpenOptions::new().create(true).append(true).open(&lines);
        let file = file.with_context(|| format!("open {}", lines.display()))?;
        let length = file.metadata()?.len();
        if length < state.bytes {
            bail!("{} has {length} bytes, but {} were exported: somebody has changed it", lines.display(), state.bytes);
        }
        file.set_len(state.bytes).with_context(|| format!("shorten {}", lines.display()))?;
        fs::create_dir_all(folder.join(FILES))?;
        let lines = BufWriter::with_capacity(256 * 1024, file);
        let mut target = Self { folder: folder.to_owned(), state, lines, saved: Instant::now(), _lock: lock };
        target.save()?;
        Ok(target)
    }

    /// Where to go on.
    pub(super) fn after(&self) -> Option<Cursor> {
        self.state.after.map(|Place { changed, guid }| Cursor { changed, guid })
    }

    /// Adds the line of an instance whose files are there.
    pub(super) fn append(
        &mut self,
        mut instance: Instance,
        settings: &Settings,
        listed: &Instance,
    ) -> anyhow::Result<()> {
        link(&mut instance, settings);
        let mut line = serde_json::to_vec(&instance)?;
        line.push(b'\n');
        self.lines.write_all(&line).context("write a line")?;
        self.state.bytes += line.len() as u64;
        self.state.instances += 1;
        if let Some(changed) = listed.last_changed {
            self.advance(Cursor { changed, guid: listed.id.guid })?;
        }
        Ok(())
    }

    /// Everything up to this place has been dealt with.
    pub(super) fn advance(&mut self, after: Cursor) -> anyhow::Result<()> {
        self.state.after = Some(Place { changed: after.changed, guid: after.guid });
        if self.saved.elapsed() >= INTERVAL {
            self.save()?;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.save()?;
        match fs::remove_file(self.folder.join(INCOMING)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn save(&mut self) -> anyhow::Result<()> {
        let mut save = || -> std::io::Result<()> {
            self.lines.flush()?;
            sync_file_system(&self.folder)?;
            let new = self.folder.join("state.json.new");
            let mut file = File::create(&new)?;
            serde_json::to_writer_pretty(&mut file, &self.state)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(new, self.folder.join(STATE))?;
            File::open(&self.folder)?.sync_all()
        };
        save().with_context(|| format!("write to {}", self.folder.display()))?;
        self.saved = Instant::now();
        Ok(())
    }

    fn files_of(&self, instance: InstanceId) -> PathBuf {
        self.folder.join(FILES).join(instance.guid.to_string())
    }

    /// Begins a file, which takes its place when it is finished.
    pub(super) fn begin_file(&self) -> anyhow::Result<Incoming<'_>> {
        let path = self.folder.join(INCOMING);
        let file = File::create(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Incoming { target: self, file, path, size: 0, sha256: sha2::Sha256::new() })
    }

    /// Removes files that the instance had when it was exported before, but has no more.
    pub(super) fn keep_only(&self, instance: InstanceId, names: &[String]) -> anyhow::Result<()> {
        let folder = self.files_of(instance);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.with_context(|| format!("look into {}", folder.display()))?,
        };
        for entry in entries {
            let entry = entry?;
            if !names.iter().any(|name| entry.file_name() == name.as_str()) {
                fs::remove_file(entry.path()).with_context(|| format!("remove {}", entry.path().display()))?;
            }
        }
        if names.is_empty() {
            fs::remove_dir(&folder).with_context(|| format!("remove {}", folder.display()))?;
        }
        Ok(())
    }
}

/// A run that was stopped before its first state may have left this much.
fn is_begun(folder: &Path) -> bool {
    let ours = [LINES, LOCK, "state.json.new"];
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().all(|entry| {
            let is_empty_file = entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
            let name = entry.file_name();
            let is_ours = ours.iter().any(|ours| name == *ours);
            (is_ours && (is_empty_file || name == "state.json.new"))
                || (name == FILES && fs::read_dir(entry.path()).is_ok_and(|entries| entries.count() == 0))
        })
    })
}

fn read_state(path: &Path) -> anyhow::Result<Option<State>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("read {}", path.display()))?,
    };
    let state: State = serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))?;
    if state.format != 1 {
        bail!("{} was written by a newer version", path.display());
    }
    Ok(Some(state))
}

/// A file that is being written.
pub(super) struct Incoming<'a> {
    target: &'a Target,
    file: File,
    path: PathBuf,
    size: u64,
    sha256: sha2::Sha256,
}

impl Incoming<'_> {
    pub(super) fn write(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        self.size += piece.len() as u64;
        self.sha256.update(piece);
        self.file.write_all(piece).with_context(|| format!("write {}", self.path.display()))
    }

    /// Puts the file in its place, if it is what it should be. Answers whether it is.
    pub(super) fn finish(
        self,
        instance: InstanceId,
        name: &str,
        size: u64,
        sha256: Option<Sha256>,
    ) -> anyhow::Result<bool> {
        let seen: Sha256 = self.sha256.finalize().into();
        if self.size != size || sha256.is_some_and(|known| known != seen) {
            return Ok(false);
        }
        let folder = self.target.files_of(instance);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("make {}", folder.display()));
            }
            _ => {}
        }
        let place = folder.join(name);
        fs::rename(&self.path, &place).with_context(|| format!("make {}", place.display()))?;
        Ok(true)
    }
}
