//! Connections for reading: one per thread for point reads inline, and a small pool with threads of its own for the
//! rest.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use mottak_service::ports::StoreFailure;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::rules::failure;

/// Opens a connection that can only read.
pub(super) fn open_for_reading(path: &Path, cache_kib: u32) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "query_only", true)?;
    configure(&connection, cache_kib)?;
    Ok(connection)
}

/// What all connections have in common.
pub(super) fn configure(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // Plans do not depend on values; else a database with statistics prepares a statement anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))
}

/// Connections for point reads, used where the caller runs. Each thread has its favourite, so that nobody waits.
#[derive(Debug)]
pub(super) struct PointReaders {
    connections: Vec<Mutex<Connection>>,
}

impl PointReaders {
    pub(super) fn open(path: &Path, count: usize, cache_kib: u32) -> rusqlite::Result<Self> {
        let connections: rusqlite::Result<_> =
            (0..count.max(1)).map(|_| open_for_reading(path, cache_kib).map(Mutex::new)).collect();
        Ok(Self { connections: connections? })
    }

    /// Runs `read` on a connection that is free, the thread's favourite if possible.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        let favourite = thread_number() % self.connections.len();
        let (before, from) = self.connections.split_at(favourite);
        for connection in from.iter().chain(before) {
            match connection.try_lock() {
                Ok(connection) => return read(&connection),
                Err(TryLockError::Poisoned(poisoned)) => return read(&poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        read(&self.connections[favourite].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let given = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(given));
            given
        })
    })
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Threads with a connection each and one queue of limited length. They end when the pool is dropped.
#[derive(Debug)]
pub(super) struct ReaderPool {
    queue: SyncSender<Job>,
}

impl ReaderPool {
    pub(super) fn start(path: &Path, threads: usize, queue: usize, cache_kib: u32) -> Result<Self, StoreFailure> {
        let fail = |error: &dyn std::fmt::Display| failure("start the readers", error);
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads.max(1) {
            let connection = open_for_reading(path, cache_kib).map_err(|error| fail(&error))?;
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || serve(&connection, &receiver))
                .map_err(|error| fail(&error))?;
        }
        Ok(Self { queue: sender })
    }

    /// Runs `read` on one of the threads. Refused at once when too many are waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        attempt: &str,
        read: impl FnOnce(&Connection) -> Result<T, StoreFailure> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let (sender, receiver) = oneshot::channel::<Result<T, StoreFailure>>();
        let job: Job = Box::new(move |connection| {
            // The caller has gone away meanwhile: spare the work.
            if !sender.is_closed() {
                let _ = sender.send(read(connection));
            }
        });
        match self.queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                let overload = failure(attempt, "too many requests are waiting for a reader");
                return Err(StoreFailure { is_overload: true, ..overload });
            }
            Err(TrySendError::Disconnected(_)) => return Err(failure(attempt, "the readers are gone")),
        }
        receiver.await.unwrap_or_else(|_| Err(failure(attempt, "the reader gave it up")))
    }
}

fn serve(connection: &Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
            tracing::error!("a read panicked in the store");
        }
    }
}
