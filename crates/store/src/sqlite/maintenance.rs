//! Clean-up of large bodies: objects that no element names any more, and uploads that no change ever named.
//!
//! Whether an object is in use is decided on the writer thread, between two changes. One that is not is doomed at the
//! same moment: no change can name it any more. It is removed afterwards, which may take a while, elsewhere. While
//! somebody holds the objects (`hold`), nothing is doomed.

use std::time::Duration;

use mottak_model::Time;
use mottak_service::ports::{Maintenance, StoreFailure};
use rusqlite::params;

use super::SqliteStore;
use super::hold::is_held;
use super::ledger::{CLEAN_UP, DELETE_OBJECT, Ledger, attempted};
use crate::rules::failure;

/// Objects removed per turn of the writer, so that changes do not wait long.
const BATCH: usize = 64;

impl SqliteStore {
    pub(super) async fn sweep(&self, grace: Duration) -> Result<Maintenance, StoreFailure> {
        Ok(Maintenance {
            removed_objects: self.remove_dropped_objects(grace).await?,
            abandoned_uploads: self.remove_abandoned_uploads(grace).await?,
        })
    }

    async fn remove_dropped_objects(&self, grace: Duration) -> Result<usize, StoreFailure> {
        const ATTEMPT: &str = "remove dropped objects";
        let before = earlier(self.clock.now(), grace);
        let mut removed = 0;
        loop {
            let dropped = self.writer.submit(ATTEMPT, move |ledger| doom_dropped(ledger, before)).await?;
            for key in &dropped.doomed {
                self.objects.remove(key.clone()).await.map_err(|error| failure(ATTEMPT, error))?;
            }
            let count = dropped.jobs.len();
            self.writer.submit(ATTEMPT, move |ledger| end_clean_up_jobs(ledger, &dropped)).await?;
            removed += count;
            if count < BATCH {
                return Ok(removed);
            }
        }
    }

    async fn remove_abandoned_uploads(&self, grace: Duration) -> Result<usize, StoreFailure> {
        const ATTEMPT: &str = "remove abandoned uploads";
        let keys = self.objects.uploads_before(earlier(self.clock.now(), grace)).await;
        let keys = keys.map_err(|error| failure(ATTEMPT, error))?;
        let mut removed = 0;
        for batch in keys.chunks(BATCH) {
            let batch = batch.to_vec();
            let uploads = self.writer.submit(ATTEMPT, move |ledger| doom_unnamed(ledger, &batch)).await?;
            // These belong to an element, durably, since this was answered.
            uploads.named.iter().for_each(|key| self.objects.settle(key));
            for key in &uploads.doomed {
                self.objects.abandon(key.clone()).await.map_err(|error| failure(ATTEMPT, error))?;
            }
            removed += uploads.doomed.len();
            self.writer.submit(ATTEMPT, move |ledger| forget(ledger, &uploads.doomed)).await?;
        }
        Ok(removed)
    }
}

fn earlier(now: Time, grace: Duration) -> Time {
    let ticks = i64::try_from(grace.as_nanos() / 100).unwrap_or(i64::MAX);
    Time::from_ticks(now.ticks().saturating_sub(ticks))
}

/// Clean-up jobs, and the objects of theirs that no element names.
struct Dropped {
    jobs: Vec<i64>,
    doomed: Vec<String>,
}

fn doom_dropped(ledger: &mut Ledger, before: Time) -> Result<Dropped, StoreFailure> {
    if is_held(&ledger.connection, ledger.now())? {
        return Ok(Dropped { jobs: Vec::new(), doomed: Vec::new() });
    }
    let failed = attempted("look for dropped objects");
    let jobs: Vec<(i64, String)> = ledger
        .connection
        .prepare_cached("select id, body from job where lane = ? and due <= ? and kind = ? order by due, id limit ?")
        .and_then(|mut statement| {
            let limits = params![CLEAN_UP, before.ticks(), DELETE_OBJECT, BATCH as i64];
            statement.query_map(limits, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(&failed)?;
    let mut dropped = Dropped { jobs: Vec::with_capacity(jobs.len()), doomed: Vec::new() };
    for (id, key) in jobs {
        dropped.jobs.push(id);
        if !is_named(ledger, &key).map_err(&failed)? {
            ledger.doomed.insert(key.clone());
            dropped.doomed.push(key);
        }
    }
    Ok(dropped)
}

fn end_clean_up_jobs(ledger: &mut Ledger, dropped: &Dropped) -> Result<(), StoreFailure> {
    for id in &dropped.jobs {
        ledger
            .connection
            .prepare_cached("delete from job where id = ?")
            .and_then(|mut statement| statement.execute([id]))
            .map_err(attempted("end a clean-up job"))?;
    }
    forget(ledger, &dropped.doomed)
}

/// The objects are gone.
fn forget(ledger: &mut Ledger, doomed: &[String]) -> Result<(), StoreFailure> {
    for key in doomed {
        ledger.doomed.remove(key);
    }
    Ok(())
}

/// Uploads, by whether an element names them.
struct Uploads {
    named: Vec<String>,
    doomed: Vec<String>,
}

fn doom_unnamed(ledger: &mut Ledger, keys: &[String]) -> Result<Uploads, StoreFailure> {
    let mut uploads = Uploads { named: Vec::new(), doomed: Vec::new() };
    if is_held(&ledger.connection, ledger.now())? {
        return Ok(uploads);
    }
    for key in keys {
        if is_named(ledger, key).map_err(attempted("look for the element of an upload"))? {
            uploads.named.push(key.clone());
        } else {
            ledger.doomed.insert(key.clone());
            uploads.doomed.push(key.clone());
        }
    }
    Ok(uploads)
}

fn is_named(ledger: &Ledger, key: &str) -> rusqlite::Result<bool> {
    ledger
        .connection
        .prepare_cached("select exists (select 1 from element where object_key = ?)")?
        .query_row([key], |row| row.get(0))
}
