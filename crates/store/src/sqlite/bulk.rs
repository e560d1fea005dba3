//! Loading many changes fast: large transactions, no waiting for the disk, documents written on another core.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use mottak_model::Time;
use mottak_service::ports::{Change, CommitFailure, FixedClock, StoreFailure};

use super::ledger::{Ledger, attempted};
use super::{Options, Sync, open_ledger};
use crate::prepare::{Prepared, prepare};
use crate::rules::failure;

const ATTEMPT: &str = "load changes in bulk";

/// Changes handed to the loader at a time.
const BATCH: usize = 128;
/// Batches per transaction: long, so that a page of an index is written once for many changes.
const BATCHES_PER_TRANSACTION: usize = 200;

/// What is loaded is durable only after [`BulkLoader::finish`]. A machine that stops before may leave a damaged
/// database: for test data only.
#[derive(Debug)]
pub(crate) struct BulkLoader {
    options: Options,
    batches: SyncSender<Vec<(Prepared, Time)>>,
    batch: Vec<(Prepared, Time)>,
    thread: JoinHandle<Result<(), StoreFailure>>,
}

impl BulkLoader {
    /// Opens the store in `folder` for this alone.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreFailure> {
        let options = Options { cache_kib: 512 * 1024, ..Options::default() };
        let clock = Arc::new(FixedClock::at(Time::from_ticks(0)));
        let as_clock: Arc<dyn mottak_service::ports::Clock> = clock.clone();
        let (ledger, lock) = open_ledger(folder, &as_clock, &options, Sync::Off)?;
        let (batches, receiver) = sync_channel(16);
        let thread = std::thread::Builder::new()
            .name("store-loader".to_owned())
            .spawn(move || {
                let _lock = lock;
                load(ledger, &clock, &receiver)
            })
            .map_err(|error| failure(ATTEMPT, error))?;
        Ok(Self { options, batches, batch: Vec::with_capacity(BATCH), thread })
    }

    /// Adds a change as if it were committed at `time`. Bodies have to fit into a row.
    pub(crate) fn add(&mut self, change: Change, time: Time) -> Result<(), StoreFailure> {
        self.batch.push((prepare(change, self.options.inline_limit, time)?, time));
        if self.batch.len() == BATCH { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), StoreFailure> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // The loader's own failure is told by `finish`.
        self.batches.send(batch).map_err(|_| failure(ATTEMPT, "the loader has ended"))
    }

    /// Waits until everything is on disk.
    pub(crate) fn finish(mut self) -> Result<(), StoreFailure> {
        let sent = self.send();
        drop(self.batches);
        self.thread.join().map_err(|_| failure(ATTEMPT, "the loader panicked"))??;
        sent
    }
}

fn load(mut ledger: Ledger, clock: &FixedClock, batches: &Receiver<Vec<(Prepared, Time)>>) -> Result<(), StoreFailure> {
    let failed = attempted(ATTEMPT);
    ledger.begin().map_err(&failed)?;
    for (number, batch) in batches.iter().enumerate() {
        if number % BATCHES_PER_TRANSACTION == BATCHES_PER_TRANSACTION - 1 {
            ledger.commit().and_then(|()| ledger.begin()).map_err(&failed)?;
        }
        for (change, time) in &batch {
            clock.set(*time);
            ledger.apply(change).map_err(|refusal| match refusal {
                CommitFailure::Conflict => failure(ATTEMPT, "an instance is there already"),
                CommitFailure::Failed(cause) => cause,
            })?;
        }
    }
    ledger.commit().map_err(&failed)?;
    // What was written before is synced with the next transaction: the one that brings the log back.
    ledger
        .connection
        .execute_batch("pragma synchronous = full; pragma journal_mode = wal; pragma wal_checkpoint(truncate)")
        .map_err(&failed)
}
