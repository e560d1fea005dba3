//! The store in one SQLite database file, with its large bodies as objects beside it or elsewhere.
//!
//! | file | question it answers |
//! |---|---|
//! | `ledger`, `elements` | how are they applied? (on the writer thread) |
//! | `writer` | how are changes committed in groups? |
//! | `readers`, `read`, `search` | on which connection, and by which statements, is it read? |
//! | `maintenance` | when do large bodies go? |
//! | `outbox` | who does the jobs? |
//! | `records` | where are the small documents beside the instances? |
//! | `migrate` | is the database the one this version knows? |
//! | `dump`, `hold` | what does it hold at one moment, and who keeps its objects meanwhile? |
//! | `bulk`, `load` | how is an empty one filled? |
//! | `reader` | how is it read beside the process that has it open? |

mod bulk;
mod dump;
mod elements;
mod hold;
mod ledger;
mod load;
mod maintenance;
mod migrate;
mod outbox;
mod read;
mod reader;
mod readers;
mod records;
mod search;
mod writer;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mottak_model::{Guid, InstanceEvent, InstanceId};
use mottak_service::ports::{
    Blobs, BuriedJob, Change, Choice, ClaimedJob, Clock, CommitFailure, Committed, InstanceQuery, Maintenance, Page,
    PortFuture, Record, RecordKind, RecordWrite, Snapshot, Store, StoreFailure, StoredBody,
};
use rusqlite::Connection;

pub(crate) use self::bulk::BulkLoader;
use self::ledger::Ledger;
use self::read::{Content, ContentRow};
pub use self::reader::SqliteReader;
use self::readers::{PointReaders, ReaderPool, configure};
use self::search::Budget;
use self::writer::Writer;
use crate::objects::{ObjectLocation, Objects, open_objects, read_object};
use crate::prepare::{Prepared, PreparedBody, PreparedElement, prepare};
use crate::rules::{failure, part_of};

/// How the store uses the machine. The defaults suit a server with a few cores.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest body, in bytes after compression, that is kept as a row.
    pub inline_limit: usize,
    /// Changes per commit, at most.
    pub group_limit: usize,
    /// Page cache per connection in KiB.
    pub cache_kib: u32,
    /// Connections for point reads: at least one per thread that serves requests.
    pub point_readers: usize,
    /// Threads for lists.
    pub list_readers: usize,
    /// Lists that may wait for a thread; more are refused as overload.
    pub list_queue: usize,
    /// Entries of an index that one page of a list may look at.
    pub key_budget: usize,
    /// Documents that one page of a list may look into, when a filter is not a column.
    pub scan_budget: usize,
    /// Where large bodies are kept: by default in the folder `objects` beside the database.
    pub objects: Option<ObjectLocation>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(4, usize::from);
        Self {
            inline_limit: 16 * 1024,
            group_limit: 256,
            cache_kib: 32 * 1024,
            point_readers: cores + 2,
            list_readers: cores.clamp(2, 8),
            list_queue: 256,
            key_budget: 2_000_000,
            scan_budget: 10_000,
            objects: None,
        }
    }
}

/// The store in a folder: `mottak.db` (with its log), `lock`, and `objects/` unless they are elsewhere.
#[derive(Debug)]
pub struct SqliteStore {
    clock: Arc<dyn Clock>,
    options: Options,
    objects: Arc<dyn Objects>,
    point_readers: PointReaders,
    list_readers: ReaderPool,
    writer: Writer,
}

pub(crate) const DATABASE: &str = "mottak.db";

impl SqliteStore {
    /// Opens the store in `folder`, made if it is missing. One process at a time can have it open. A database that a
    /// newer version made is refused.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Arc<Self>, StoreFailure> {
        let attempt = format!("open the store in {}", folder.display());
        let (ledger, lock) = open_ledger(folder, &clock, &options, Sync::Full)?;
        let path = folder.join(DATABASE);
        let objects = Arc::clone(&ledger.objects);
        let point_readers = PointReaders::open(&path, options.point_readers, options.cache_kib)
            .map_err(|error| failure(&attempt, error))?;
        let list_readers = ReaderPool::start(&path, options.list_readers, options.list_queue, options.cache_kib)?;
        let writer = Writer::start(ledger, lock, options.group_limit).map_err(|error| failure(&attempt, error))?;
        Ok(Arc::new(Self { clock, options, objects, point_readers, list_readers, writer }))
    }

    async fn apply(&self, change: Change) -> Result<Committed, CommitFailure> {
        let mut change = prepare(change, self.options.inline_limit, self.clock.now())?;
        let staged_here = self.stage_large_bodies(&mut change).await?;
        let named: Vec<String> = change.object_keys().map(str::to_owned).collect();
        let outcome = self.writer.submit("commit a change", move |ledger| ledger.apply(&change)).await;
        match &outcome {
            Ok(_) => named.iter().for_each(|key| self.objects.settle(key)),
            // Nobody else knows of these. After any other failure the sweeper decides: the change may be durable.
            Err(CommitFailure::Conflict) => {
                for key in staged_here {
                    if let Err(error) = self.objects.abandon(key).await {
                        tracing::warn!(%error, "the body of a change in conflict is left to the sweeper");
                    }
                }
            }
            Err(CommitFailure::Failed(_)) => {}
        }
        outcome
    }

    /// Writes bodies that are too large for a row, before the change that names them. Answers their keys.
    async fn stage_large_bodies(&self, change: &mut Prepared) -> Result<Vec<String>, StoreFailure> {
        let mut keys = Vec::new();
        for element in &mut change.elements {
            if let PreparedElement::Put(row) = element
                && let PreparedBody::Large { bytes, sha256 } = &row.body
            {
                let staged = self.objects.stage_bytes(bytes.clone()).await;
                let staged = staged.map_err(|error| failure("stage a large body", error))?;
                keys.push(staged.key.clone());
                row.body = PreparedBody::Object { key: staged.key, sha256: *sha256 };
            }
        }
        Ok(keys)
    }

    async fn body(
        &self,
        instance: InstanceId,
        id: Guid,
        choice: Option<Choice<'_>>,
    ) -> Result<Option<StoredBody>, StoreFailure> {
        let row = self.point_readers.with(|connection| read::body(connection, instance, id))?;
        let Some(ContentRow { element, sha256, content }) = row else { return Ok(None) };
        match content {
            Content::Inline(bytes) => Ok(Some(part_of(element, bytes, sha256, choice))),
            Content::Object(key) => {
                let object = read_object(&*self.objects, key, sha256, choice).await;
                let object = object.map_err(|error| failure(&format!("read the body of data element {id}"), error))?;
                Ok(object.map(|object| object.into_body(element, sha256)))
            }
        }
    }
}

impl Store for SqliteStore {
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>> {
        Box::pin(self.apply(change))
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        Box::pin(async move { self.point_readers.with(|connection| read::load(connection, id)) })
    }

    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>> {
        Box::pin(async move { self.point_readers.with(|connection| read::find(connection, guid)) })
    }

    fn read_body<'a>(
        &'a self,
        instance: InstanceId,
        element: Guid,
        choice: Option<Choice<'a>>,
    ) -> PortFuture<'a, Result<Option<StoredBody>, StoreFailure>> {
        Box::pin(self.body(instance, element, choice))
    }

    fn events(&self, id: InstanceId) -> PortFuture<'_, Result<Vec<InstanceEvent>, StoreFailure>> {
        Box::pin(self.list_readers.run("load events", move |connection| read::events(connection, id)))
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        let budget = Budget { keys: self.options.key_budget, documents: self.options.scan_budget };
        Box::pin(self.list_readers.run("list instances", move |connection| search::search(connection, &query, budget)))
    }

    fn blobs(&self) -> &dyn Blobs {
        &*self.objects
    }

    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.writer.submit("answer the readiness check", |_| Ok(())))
    }

    fn record(&self, kind: RecordKind, key: String) -> PortFuture<'_, Result<Option<Record>, StoreFailure>> {
        Box::pin(async move { self.point_readers.with(|connection| records::read(connection, kind, &key)) })
    }

    fn records(&self, kind: RecordKind, prefix: String) -> PortFuture<'_, Result<Vec<Record>, StoreFailure>> {
        Box::pin(self.list_readers.run("list records", move |connection| records::list(connection, kind, &prefix)))
    }

    fn write_record(&self, write: RecordWrite) -> PortFuture<'_, Result<bool, StoreFailure>> {
        Box::pin(self.writer.submit("write a record", move |ledger| ledger.write_record(&write)))
    }

    fn claim_jobs(&self, limit: usize, lease: Duration) -> PortFuture<'_, Result<Vec<ClaimedJob>, StoreFailure>> {
        Box::pin(self.claim(limit, lease))
    }

    fn complete_job<'a>(&'a self, job: &'a ClaimedJob) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(self.complete(job))
    }

    fn retry_job<'a>(&'a self, job: &'a ClaimedJob, delay: Duration) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(self.give_back(job, delay))
    }

    fn bury_job<'a>(&'a self, job: &'a ClaimedJob, reason: String) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(self.bury(job, reason))
    }

    fn buried_jobs(&self) -> PortFuture<'_, Result<Vec<BuriedJob>, StoreFailure>> {
        Box::pin(self.list_readers.run("list buried jobs", outbox::buried))
    }

    fn maintain(&self, grace: Duration) -> PortFuture<'_, Result<Maintenance, StoreFailure>> {
        Box::pin(self.sweep(grace))
    }

    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(self.writer.close())
    }
}

/// How much a commit waits for.
#[derive(Clone, Copy, Debug)]
enum Sync {
    /// Durable after power loss.
    Full,
    /// Whatever the operating system does: for data that can be made again.
    Off,
}

/// Locks the folder and opens the database for writing.
fn open_ledger(
    folder: &Path,
    clock: &Arc<dyn Clock>,
    options: &Options,
    sync: Sync,
) -> Result<(Ledger, File), StoreFailure> {
    let attempt = format!("open the store in {}", folder.display());
    fs::create_dir_all(folder).map_err(|error| failure(&attempt, error))?;
    let lock = File::create(folder.join("lock")).map_err(|error| failure(&attempt, error))?;
    lock.try_lock().map_err(|error| failure(&attempt, format!("another process has it open ({error})")))?;
    let beside = || ObjectLocation::Folder(folder.join("objects"));
    let objects = open_objects(&options.objects.clone().unwrap_or_else(beside), Arc::clone(clock))?;
    let log = folder.join(format!("{DATABASE}-wal"));
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        // Closing empties it.
        tracing::info!("the store was not closed in order; what was committed is taken from its log");
    }
    let mut connection =
        open_for_writing(&folder.join(DATABASE), options.cache_kib, sync).map_err(|error| failure(&attempt, error))?;
    migrate::migrate(&mut connection)?;
    let ledger = Ledger::new(connection, objects, Arc::clone(clock));
    Ok((ledger.map_err(|error| failure(&attempt, error))?, lock))
}

fn open_for_writing(path: &Path, cache_kib: u32, sync: Sync) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    configure(&connection, cache_kib)?;
    // What a savepoint may have to undo is kept in memory, not in a file beside the log.
    connection.pragma_update(None, "temp_store", "memory")?;
    match sync {
        Sync::Full => connection.pragma_update(None, "synchronous", "full")?,
        Sync::Off => {
            connection.pragma_update(None, "synchronous", "off")?;
            connection.pragma_update(None, "journal_mode", "off")?;
        }
    }
    Ok(connection)
}
