//! A store that fails when it is told to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mottak_model::{Guid, InstanceEvent, InstanceId};
use mottak_service::ports::{
    Blobs, BuriedJob, Change, Choice, ClaimedJob, CommitFailure, Committed, InstanceQuery, Maintenance, Page,
    PortFuture, Record, RecordKind, RecordWrite, Snapshot, Store, StoreFailure, StoredBody,
};

/// What a store does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Commit,
    Load,
    Search,
    ReadBody,
    Record,
}

/// Another store, of which some operations can be made to fail.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    failing: Mutex<BTreeSet<Operation>>,
}

impl FaultyStore {
    /// A store that does what `inner` does.
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, failing: Mutex::default() })
    }

    /// From now on these operations fail, and no others.
    pub fn fail(&self, operations: impl IntoIterator<Item = Operation>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = operations.into_iter().collect();
    }

    fn attempt(&self, operation: Operation) -> Result<(), StoreFailure> {
        if !self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains(&operation) {
            return Ok(());
        }
        let attempt = format!("{operation:?}");
        Err(StoreFailure { attempt, cause: "the disk is full".to_owned(), is_overload: false })
    }
}

impl Store for FaultyStore {
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>> {
        Box::pin(async {
            self.attempt(Operation::Commit)?;
            self.inner.commit(change).await
        })
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        Box::pin(async move {
            self.attempt(Operation::Load)?;
            self.inner.load(id).await
        })
    }

    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>> {
        self.inner.find(guid)
    }

    fn read_body<'a>(
        &'a self,
        instance: InstanceId,
        element: Guid,
        choice: Option<Choice<'a>>,
    ) -> PortFuture<'a, Result<Option<StoredBody>, StoreFailure>> {
        Box::pin(async move {
            self.attempt(Operation::ReadBody)?;
            self.inner.read_body(instance, element, choice).await
        })
    }

    fn events(&self, id: InstanceId) -> PortFuture<'_, Result<Vec<InstanceEvent>, StoreFailure>> {
        self.inner.events(id)
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        Box::pin(async {
            self.attempt(Operation::Search)?;
            self.inner.search(query).await
        })
    }

    fn blobs(&self) -> &dyn Blobs {
        self.inner.blobs()
    }

    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.inner.is_ready()
    }

    fn record(&self, kind: RecordKind, key: String) -> PortFuture<'_, Result<Option<Record>, StoreFailure>> {
        Box::pin(async move {
            self.attempt(Operation::Record)?;
            self.inner.record(kind, key).await
        })
    }

    fn records(&self, kind: RecordKind, prefix: String) -> PortFuture<'_, Result<Vec<Record>, StoreFailure>> {
        Box::pin(async move {
            self.attempt(Operation::Record)?;
            self.inner.records(kind, prefix).await
        })
    }

    fn write_record(&self, write: RecordWrite) -> PortFuture<'_, Result<bool, StoreFailure>> {
        Box::pin(async {
            self.attempt(Operation::Record)?;
            self.inner.write_record(write).await
        })
    }

    fn claim_jobs(&self, limit: usize, lease: Duration) -> PortFuture<'_, Result<Vec<ClaimedJob>, StoreFailure>> {
        self.inner.claim_jobs(limit, lease)
    }

    fn complete_job<'a>(&'a self, job: &'a ClaimedJob) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.complete_job(job)
    }

    fn retry_job<'a>(&'a self, job: &'a ClaimedJob, delay: Duration) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.retry_job(job, delay)
    }

    fn bury_job<'a>(&'a self, job: &'a ClaimedJob, reason: String) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.bury_job(job, reason)
    }

    fn buried_jobs(&self) -> PortFuture<'_, Result<Vec<BuriedJob>, StoreFailure>> {
        self.inner.buried_jobs()
    }

    fn maintain(&self, grace: Duration) -> PortFuture<'_, Result<Maintenance, StoreFailure>> {
        self.inner.maintain(grace)
    }

    fn close(&self) -> PortFuture<'_, ()> {
        self.inner.close()
    }
}
