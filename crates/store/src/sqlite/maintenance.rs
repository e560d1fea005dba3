//! Clean-up of large bodies: objects that no element names any more, and uploads that no change ever named.
//!
//! Whether an object is in use is decided on the writer thread, between two changes; a change that names a staged object
//! looks for it on the same thread. So no object is removed under a change.

use std::time::Duration;

use mottak_service::ports::{Maintenance, StoreFailure};
use rusqlite::params;

use super::SqliteStore;
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
        let mut removed = 0;
        loop {
            let batch = self.writer.submit(ATTEMPT, move |ledger| run_clean_up_jobs(ledger, grace)).await?;
            removed += batch;
            if batch < BATCH {
                return Ok(removed);
            }
        }
    }

    async fn remove_abandoned_uploads(&self, grace: Duration) -> Result<usize, StoreFailure> {
        const ATTEMPT: &str = "remove abandoned uploads";
        let before = earlier(self.clock.now(), grace);
        let objects = self.objects.clone();
        let keys = tokio::task::spawn_blocking(move || objects.uploads_before(before))
            .await
            .map_err(|error| failure(ATTEMPT, error))?
            .map_err(|error| failure(ATTEMPT, error))?;
        let mut removed = 0;
        for batch in keys.chunks(BATCH) {
            let batch = batch.to_vec();
            let settled = self.writer.submit(ATTEMPT, move |ledger| remove_unnamed(ledger, &batch)).await?;
            removed += settled.removed;
            // These belong to an element, durably, since this was answered.
            settled.named.iter().for_each(|key| self.objects.settle(key));
        }
        Ok(removed)
    }
}

fn earlier(now: mottak_model::Time, grace: Duration) -> mottak_model::Time {
    let ticks = i64::try_from(grace.as_nanos() / 100).unwrap_or(i64::MAX);
    mottak_model::Time::from_ticks(now.ticks().saturating_sub(ticks))
}

fn run_clean_up_jobs(ledger: &mut Ledger, grace: Duration) -> Result<usize, StoreFailure> {
    let failed = attempted("remove dropped objects");
    let before = earlier(ledger.now(), grace).ticks();
    let jobs: Vec<(i64, String)> = ledger
        .connection
        .prepare_cached("select id, body from job where lane = ? and due <= ? and kind = ? order by due, id limit ?")
        .and_then(|mut statement| {
            let rows = statement.query_map(params![CLEAN_UP, before, DELETE_OBJECT, BATCH as i64], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            rows.collect()
        })
        .map_err(&failed)?;
    for (id, key) in &jobs {
        if !is_named(ledger, key).map_err(&failed)? {
            ledger.objects.remove(key).map_err(|error| failure("remove a dropped object", error))?;
        }
        ledger
            .connection
            .prepare_cached("delete from job where id = ?")
            .and_then(|mut statement| statement.execute([id]))
            .map_err(&failed)?;
    }
    Ok(jobs.len())
}

struct SweptUploads {
    removed: usize,
    named: Vec<String>,
}

fn remove_unnamed(ledger: &mut Ledger, keys: &[String]) -> Result<SweptUploads, StoreFailure> {
    let mut swept = SweptUploads { removed: 0, named: Vec::new() };
    for key in keys {
        if is_named(ledger, key).map_err(attempted("look for the element of an upload"))? {
            swept.named.push(key.clone());
        } else {
            ledger.objects.remove(key).map_err(|error| failure("remove an abandoned upload", error))?;
            swept.removed += 1;
        }
    }
    Ok(swept)
}

fn is_named(ledger: &Ledger, key: &str) -> rusqlite::Result<bool> {
    ledger
        .connection
        .prepare_cached("select exists (select 1 from element where object_key = ?)")?
        .query_row([key], |row| row.get(0))
}
