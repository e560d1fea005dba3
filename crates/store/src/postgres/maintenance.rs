//! Clean-up: objects that no element names any more, uploads that no change ever named, marks of old commits.
//!
//! Several nodes may do this at once. An upload is removed only when it is much older than any that a commit may still
//! name (see `prepare`); on this node, a key that a commit is about to name is left alone besides.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mottak_model::Time;
use mottak_service::ports::{Maintenance, StoreFailure};
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::hold::is_held;
use super::link::Call;
use super::read::get;
use super::rows::{CLEAN_UP, REMOVE_OBJECT};
use crate::rules::failure;

/// Objects removed between two looks at the queue.
const BATCH: i64 = 64;
/// How long it is remembered that a transaction was committed. Nobody asks later than the writer's patience.
const BATCHES_KEPT: Duration = Duration::from_hours(24);

const DROPPED: &str =
    "select id, body from job where lane = $1 and due <= $2 and kind = $3 order by lane, due, id limit $4";
const IS_NAMED: &str = "select 1 from element where object_key = $1 limit 1";
const END_JOB: &str = "delete from job where id = $1";
const FORGET_BATCHES: &str = "delete from batch where at < $1";

/// Object keys that must not be touched at the moment: those that a commit is about to name, and those that are being
/// removed.
#[derive(Debug, Default)]
pub(super) struct KeysInUse(Mutex<Keys>);

#[derive(Debug, Default)]
struct Keys {
    naming: HashSet<String>,
    doomed: HashSet<String>,
}

/// Keys that a commit is about to name, until this is dropped.
#[derive(Debug)]
pub(super) struct Naming<'k> {
    keys: &'k KeysInUse,
    pub(super) named: Vec<String>,
}

impl KeysInUse {
    /// Nobody removes these while they are being named. `None`: somebody does already.
    pub(super) fn name(&self, named: Vec<String>) -> Option<Naming<'_>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if named.iter().any(|key| keys.doomed.contains(key)) {
            return None;
        }
        keys.naming.extend(named.iter().cloned());
        Some(Naming { keys: self, named })
    }

    /// Nobody names this any more. Answers whether that is so.
    fn doom(&self, key: &str) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !keys.naming.contains(key) && keys.doomed.insert(key.to_owned())
    }

    fn pardon(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).doomed.remove(key);
    }
}

impl Drop for Naming<'_> {
    fn drop(&mut self) {
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.named {
            keys.naming.remove(key);
        }
    }
}

impl PostgresStore {
    pub(super) async fn sweep(&self, grace: Duration) -> Result<Maintenance, StoreFailure> {
        let before = earlier(self.clock.now(), BATCHES_KEPT).ticks();
        self.errands.execute("forget old commits", &Call::new(FORGET_BATCHES).with(before, Type::INT8)).await?;
        if is_held(&self.errands).await? {
            return Ok(Maintenance::default());
        }
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
            let dropped = Call::new(DROPPED)
                .with(CLEAN_UP, Type::INT2)
                .with(before.ticks(), Type::INT8)
                .with(REMOVE_OBJECT, Type::TEXT)
                .with(BATCH, Type::INT8);
            let rows = self.errands.query(ATTEMPT, &dropped).await?;
            let mut ended = 0;
            for row in &rows {
                let (id, key): (i64, String) = (get(row, 0, ATTEMPT)?, get(row, 1, ATTEMPT)?);
                if !self.keys.doom(&key) {
                    continue;
                }
                let done = self.remove_dropped_object(id, &key).await;
                self.keys.pardon(&key);
                ended += usize::from(done?);
            }
            removed += ended;
            if ended < BATCH as usize {
                return Ok(removed);
            }
        }
    }

    /// Removes the object unless an element names it, then the job. Answers whether it was this node that did so.
    async fn remove_dropped_object(&self, job: i64, key: &str) -> Result<bool, StoreFailure> {
        if !self.is_named(key).await? {
            let removed = self.objects.remove(key.to_owned()).await;
            removed.map_err(|error| failure("remove a dropped object", error))?;
        }
        let ended = self.errands.execute("end a clean-up job", &Call::new(END_JOB).with(job, Type::INT8)).await?;
        Ok(ended > 0)
    }

    async fn remove_abandoned_uploads(&self, grace: Duration) -> Result<usize, StoreFailure> {
        const ATTEMPT: &str = "remove abandoned uploads";
        let keys = self.objects.uploads_before(earlier(self.clock.now(), grace)).await;
        let mut removed = 0;
        for key in keys.map_err(|error| failure(ATTEMPT, error))? {
            if !self.keys.doom(&key) {
                continue;
            }
            let done = match self.is_named(&key).await {
                // It belongs to an element, durably, since this was answered.
                Ok(true) => {
                    self.objects.settle(&key);
                    Ok(0)
                }
                Ok(false) => {
                    let abandoned = self.objects.abandon(key.clone()).await;
                    abandoned.map(|()| 1).map_err(|error| failure(ATTEMPT, error))
                }
                Err(error) => Err(error),
            };
            self.keys.pardon(&key);
            removed += done?;
        }
        Ok(removed)
    }

    async fn is_named(&self, key: &str) -> Result<bool, StoreFailure> {
        let call = Call::new(IS_NAMED).with(key, Type::TEXT);
        Ok(!self.errands.query("look for the element of an object", &call).await?.is_empty())
    }
}

fn earlier(now: Time, grace: Duration) -> Time {
    let ticks = i64::try_from(grace.as_nanos() / 100).unwrap_or(i64::MAX);
    Time::from_ticks(now.ticks().saturating_sub(ticks))
}
