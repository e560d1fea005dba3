//! The store in a PostgreSQL database, which any number of nodes may share, and a place for objects.
//!
//! | file | question it answers |
//! |---|---|
//! | `link` | how are connections kept, shared and replaced? |
//! | `sheet` | what do changes make of their instances? (no statements) |
//! | `rows` | by which statements is that written? |
//! | `writer` | how are changes committed in groups, and what if the connection breaks? |
//! | `read`, `search` | by which statements is it read? |
//! | `jobs`, `records` | who does the jobs; the small documents beside the instances |
//! | `maintenance` | when do large bodies go? |
//! | `migrations` | is the database the one this version knows? |
//! | `dump`, `hold` | what does it hold at one moment, and who keeps its objects meanwhile? |
//! | `load`, `archived` | how is an empty one filled; what is done with archives? |
//! | `reader` | how is it read by those who only read? |
//!
//! What holds for all statements: no session state but prepared statements, which can be switched off for a pooler; no
//! triggers, sequences or advisory locks; one party per change; failures never carry PostgreSQL's own words, which may
//! quote data.

mod archived;
mod dump;
mod hold;
mod jobs;
mod link;
mod load;
mod maintenance;
mod migrations;
#[cfg(test)]
mod plans;
mod read;
mod reader;
mod records;
mod rows;
mod search;
mod sheet;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use mottak_model::{Guid, InstanceEvent, InstanceId};
use mottak_service::ports::{
    Blobs, BuriedJob, Change, Choice, ClaimedJob, Clock, CommitFailure, Committed, InstanceQuery, Maintenance, Page,
    PortFuture, Record, RecordKind, RecordWrite, Snapshot, Store, StoreFailure, StoredBody,
};

use self::link::{Address, Link, LinkPool, SharedLinks, failed};
use self::maintenance::KeysInUse;
use self::read::{ContentRow, Place};
pub use self::reader::PostgresReader;
use self::search::AppBook;
use self::writer::Writer;
use crate::objects::{ObjectLocation, Objects, open_objects, read_object};
use crate::prepare::{Prepared, PreparedBody, PreparedElement, prepare};
use crate::rules::{failure, part_of};

/// How the store uses the database. The defaults suit a server with a few cores and a database that is its own.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The largest body, in bytes after compression, that is kept as a row.
    pub inline_limit: usize,
    /// Changes per transaction, at most.
    pub group_limit: usize,
    /// Connections that all point reads share.
    pub point_links: usize,
    /// Connections for lists, each serving one at a time.
    pub list_links: usize,
    /// Lists that may wait for a connection; more are refused as overload.
    pub list_queue: usize,
    /// Documents that one page of a list may look into, when a filter is not a column.
    pub scan_budget: usize,
    /// Whether statements are prepared and the session's settings are given with the connection. Not for a pooler that
    /// hands out connections by the transaction: there, settings belong to the database's role.
    pub prepared_statements: bool,
    pub commit_order: CommitOrder,
    /// How many parts by party the tables of a new database have. `None`: they are whole.
    pub partitions: Option<u32>,
    /// After this time the database gives a statement up.
    pub statement_timeout: Duration,
    /// After this time the database ends a connection that has left a transaction open.
    pub idle_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(4, usize::from);
        Self {
            inline_limit: 16 * 1024,
            group_limit: 256,
            point_links: 2,
            list_links: cores.clamp(2, 8),
            list_queue: 256,
            scan_budget: 10_000,
            prepared_statements: true,
            commit_order: CommitOrder::Strict,
            partitions: None,
            statement_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(10),
        }
    }
}

/// What `lastChanged` promises over several instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitOrder {
    /// It is strictly increasing over all commits of all nodes, in the order in which they become visible. Who asks for
    /// what changed after the last he has seen misses nothing. All nodes take turns at one row.
    #[default]
    Strict,
    /// It is strictly increasing for each instance. Nodes do not wait for one another; a commit with an earlier time may
    /// become visible after one with a later time. Who polls has to ask again for an overlap: as long as the clocks of
    /// the nodes may differ, plus the longest transaction (`statement_timeout`).
    PerInstance,
}

/// The store in a PostgreSQL database and a place for objects.
#[derive(Debug)]
pub struct PostgresStore {
    clock: Arc<dyn Clock>,
    options: PostgresOptions,
    objects: Arc<dyn Objects>,
    keys: KeysInUse,
    points: SharedLinks,
    lists: LinkPool,
    /// Jobs, records and clean-up.
    errands: Link,
    apps: AppBook,
    writer: Writer,
}

impl PostgresStore {
    /// Opens the store in the database at `url` (`postgres://user:password@host/database`, with
    /// `options=-csearch_path=…` also in another schema than the user's own, with `sslmode=require` encrypted and the
    /// server's certificate checked). The schema is brought to this version; one
    /// that a newer version made is refused. The connections live on the runtime that this is called on.
    ///
    /// Several nodes may have the same database open. Then `objects` has to be a place that they share.
    pub async fn open(
        url: &str,
        objects: &ObjectLocation,
        clock: Arc<dyn Clock>,
        options: PostgresOptions,
    ) -> Result<Arc<Self>, StoreFailure> {
        let address = Arc::new(Address::parse(url, &options)?);
        let errands = Link::new(&address);
        let session =
            errands.session().await.map_err(|error| failed(&format!("reach the database {address}"), &error))?;
        migrations::migrate(&session, options.partitions).await?;
        Ok(Arc::new(Self {
            objects: open_objects(objects, Arc::clone(&clock))?,
            keys: KeysInUse::default(),
            points: SharedLinks::new(&address, options.point_links),
            lists: LinkPool::new(&address, options.list_links, options.list_queue),
            errands,
            apps: AppBook::default(),
            writer: Writer::start(&address, Arc::clone(&clock), &options),
            clock,
            options,
        }))
    }

    async fn apply(&self, change: Change) -> Result<Committed, CommitFailure> {
        let attempt = format!("change instance {}", change.id);
        let mut change = prepare(change, self.options.inline_limit, self.clock.now())?;
        let staged_here = self.stage_large_bodies(&mut change).await?;
        let named = change.object_keys().map(str::to_owned).collect();
        let naming = self.keys.name(named).filter(|naming| !naming.named.iter().any(|key| self.objects.lacks(key)));
        let Some(naming) = naming else {
            return Err(failure(&attempt, "a staged body is gone").into());
        };
        let outcome = self.writer.commit(change).await;
        match &outcome {
            Ok(_) => naming.named.iter().for_each(|key| self.objects.settle(key)),
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
        let row = read::body(self.points.any(), instance, id).await?;
        let Some(ContentRow { element, sha256, place }) = row else { return Ok(None) };
        match place {
            Place::Inline(bytes) => Ok(Some(part_of(element, bytes, sha256, choice))),
            Place::Object(key) => {
                let object = read_object(&*self.objects, key, sha256, choice).await;
                let object = object.map_err(|error| failure(&format!("read the body of data element {id}"), error))?;
                Ok(object.map(|object| object.into_body(element, sha256)))
            }
        }
    }
}

impl Store for PostgresStore {
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>> {
        Box::pin(self.apply(change))
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        Box::pin(read::load(self.points.any(), id))
    }

    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>> {
        Box::pin(read::find(self.points.any(), guid))
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
        Box::pin(read::events(self.points.any(), id))
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        Box::pin(self.list(query))
    }

    fn blobs(&self) -> &dyn Blobs {
        &*self.objects
    }

    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.writer.ask())
    }

    fn record(&self, kind: RecordKind, key: String) -> PortFuture<'_, Result<Option<Record>, StoreFailure>> {
        Box::pin(async move { records::read(self.points.any(), kind, &key).await })
    }

    fn records(&self, kind: RecordKind, prefix: String) -> PortFuture<'_, Result<Vec<Record>, StoreFailure>> {
        Box::pin(async move { records::list(&self.errands, kind, &prefix).await })
    }

    fn write_record(&self, write: RecordWrite) -> PortFuture<'_, Result<bool, StoreFailure>> {
        Box::pin(records::write(&self.errands, write))
    }

    fn claim_jobs(&self, limit: usize, lease: Duration) -> PortFuture<'_, Result<Vec<ClaimedJob>, StoreFailure>> {
        Box::pin(jobs::claim(&self.errands, &*self.clock, limit, lease))
    }

    fn complete_job<'a>(&'a self, job: &'a ClaimedJob) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(jobs::complete(&self.errands, job))
    }

    fn retry_job<'a>(&'a self, job: &'a ClaimedJob, delay: Duration) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(jobs::give_back(&self.errands, &*self.clock, job, delay))
    }

    fn bury_job<'a>(&'a self, job: &'a ClaimedJob, reason: String) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(jobs::bury(&self.errands, job, reason))
    }

    fn buried_jobs(&self) -> PortFuture<'_, Result<Vec<BuriedJob>, StoreFailure>> {
        Box::pin(jobs::buried(&self.errands))
    }

    fn maintain(&self, grace: Duration) -> PortFuture<'_, Result<Maintenance, StoreFailure>> {
        Box::pin(self.sweep(grace))
    }

    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(self.writer.close())
    }
}
