//! Holding the objects of a store while another process reads one moment of it: what that moment names must not be
//! removed, although the store has moved on.
//!
//! A hold is a file beside the database that is written anew every minute. One that has not been for a quarter of an
//! hour belongs to nobody any more. The sweeper looks for holds on the writer thread when it dooms objects; a hold is
//! there before its moment is. So an object that is doomed was let go before any such moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use mottak_model::Time;
use mottak_service::ports::{Ids as _, RandomIds, StoreFailure};
use rusqlite::Connection;

use crate::rules::failure;

const PREFIX: &str = "backup-in-progress-";
const HEARTBEAT: Duration = Duration::from_mins(1);
const STALE: Duration = Duration::from_mins(15);

/// Ends when dropped.
#[derive(Debug)]
pub(super) struct Hold {
    place: PathBuf,
    stop: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

impl Hold {
    /// Holds the objects of the store in `folder`.
    pub(super) fn begin(folder: &Path) -> Result<Self, StoreFailure> {
        let failed = |error| failure(&format!("hold the objects of the store in {}", folder.display()), error);
        let place = folder.join(format!("{PREFIX}{}", RandomIds.guid().simple()));
        beat(&place).map_err(failed)?;
        let (stop, stopped) = channel();
        let written = place.clone();
        let heart = std::thread::Builder::new()
            .name("store-hold".to_owned())
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(HEARTBEAT) {
                    if let Err(error) = beat(&written) {
                        tracing::warn!(%error, "could not say that objects are still needed");
                    }
                }
            })
            .map_err(failed)?;
        Ok(Self { place, stop: Some(stop), heart: Some(heart) })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(heart) = self.heart.take() {
            let _ = heart.join();
        }
        if let Err(error) = fs::remove_file(&self.place) {
            tracing::warn!(%error, "could not let go of the store's objects; they are kept for a quarter of an hour");
        }
    }
}

fn beat(place: &Path) -> std::io::Result<()> {
    fs::write(place, "the objects of this store are being read\n")
}

/// Whether somebody holds the objects of the store that this database belongs to.
pub(super) fn is_held(connection: &Connection, now: Time) -> Result<bool, StoreFailure> {
    let Some(folder) = connection.path().and_then(|path| Path::new(path).parent()) else { return Ok(false) };
    look_for_holds(folder, now).map_err(|error| failure("look for who needs the objects", error))
}

fn look_for_holds(folder: &Path, now: Time) -> std::io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            continue;
        }
        // One that went away meanwhile has ended.
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        let written = Time::from_ticks(0).plus(modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO));
        if written.plus(STALE) > now {
            return Ok(true);
        }
        let _ = fs::remove_file(entry.path());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_until_it_ends_or_a_quarter_of_an_hour_after_its_holder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let is_held = |now| look_for_holds(folder.path(), now).unwrap();
        let past = Time::from_ticks(0);
        assert!(!is_held(past));
        let hold = Hold::begin(folder.path()).unwrap();
        assert!(is_held(past));
        drop(hold);
        assert!(!is_held(past));

        beat(&folder.path().join(format!("{PREFIX}left"))).unwrap();
        assert!(is_held(past));
        let future = Time::parse("2500-01-01").unwrap();
        assert!(!is_held(future));
        assert!(!is_held(past), "it was removed");
    }
}
