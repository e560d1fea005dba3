//! The store: where instances, their data, history and jobs are kept.
//!
//! Every write is one [`Change`]: plain data that says the whole effect of one request. It is applied in full or not
//! at all. Reads are small and typed. Bodies of data elements are handed over as bytes (small) or as a staged object
//! (large) that was written and synced before the change that names it.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{AppId, DataElement, Guid, Instance, InstanceEvent, InstanceId, PartyId, Time};

/// What an asynchronous port answers with.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The whole effect of one request on one instance.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: InstanceId,
    pub expect: Expect,
    /// The instance as it shall be; `data` is empty, `last_changed` is ignored. `None` when the instance's own row
    /// stays as it is (its version still moves on).
    pub instance: Option<Instance>,
    /// Whether the instance's `lastChanged` moves to the time of the commit. A new instance is always touched.
    pub touch: bool,
    pub elements: Vec<ElementChange>,
    /// Appended to the history in this order.
    pub events: Vec<InstanceEvent>,
    /// The outbox: what has to happen in the outside world once the change is durable.
    pub jobs: Vec<Job>,
    /// The instance goes for good, elements and their content with it. Nothing else may change then but the outbox.
    pub removal: Option<Removal>,
}

/// What stays of an instance that is removed for good (platform-storage §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its history, which [`Store::events`] goes on to answer.
    KeepHistory,
    /// Nothing.
    WithHistory,
}

impl Change {
    /// A change with no effect yet, on an instance as it was loaded.
    pub fn expecting(id: InstanceId, version: u64) -> Self {
        Self {
            id,
            expect: Expect::Version(version),
            instance: None,
            touch: false,
            elements: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            removal: None,
        }
    }
}

/// What must hold at the moment of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no such instance, and no history of one that was removed. Guids are unique by being random; a store need
    /// not look for the guid among other parties' instances.
    Absent,
    /// The instance has not changed since it was loaded with this version.
    Version(u64),
}

/// The effect on one data element.
#[derive(Clone, Debug)]
pub enum ElementChange {
    Put(Box<ElementPut>),
    /// The element and its body are gone.
    Drop(Guid),
}

/// A data element as it shall be.
#[derive(Clone, Debug)]
pub struct ElementPut {
    /// `last_changed` is ignored when `touch` is set, else stored as given.
    pub element: DataElement,
    /// Whether the element's `lastChanged` moves to the time of the commit.
    pub touch: bool,
    pub body: Body,
}

/// What becomes of an element's content.
#[derive(Clone, Debug)]
pub enum Body {
    /// It stays. For a new element: it has none.
    Keep,
    /// These bytes.
    Bytes(Bytes),
    /// An object that was staged before.
    Staged(Staged),
}

/// A body that is already durable in the object store but belongs to nothing until a change names it.
/// What is staged and never committed is swept away after a grace time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Never reused, never made from a file name.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Of these bytes.
    pub sha256: Sha256,
    /// When it was finished. It has to be named soon, or it is swept away.
    pub at: Time,
}

/// The SHA-256 checksum of a body.
pub type Sha256 = [u8; 32];

/// Something to do after the commit, at least once, surviving a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Names the handler.
    pub kind: String,
    /// JSON for the handler.
    pub body: String,
    /// Not before this time.
    pub due: Time,
}

/// Names a job of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A due job, held until its lease runs out. Then, if it was neither completed nor given back, another worker gets it:
/// handlers must be idempotent by `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    pub id: JobId,
    /// Names the handler.
    pub kind: String,
    /// JSON for the handler.
    pub body: String,
    /// How often the job has been claimed, this time included. Who held an earlier claim can no longer end it.
    pub attempts: u32,
}

/// A job that nobody will try again, kept for somebody to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuriedJob {
    pub id: JobId,
    pub kind: String,
    pub body: String,
    pub attempts: u32,
    pub reason: String,
}

/// What a small document beside the instances is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// The lock of an instance; the key is the instance's id.
    InstanceLock,
    /// The metadata of an application that was registered; the key is the app's id.
    Application,
    /// The texts of an application that were registered; the key is the app's id, a slash, and the language.
    Text,
    /// A session of a browser; the key is its public id.
    Session,
    /// A session found by the login it stands on: hash of issuer and upstream session, a slash, the session's id.
    UpstreamSession,
    /// A login that is under way at another provider; the key is its `state`, hashed.
    Login,
    /// A person known by what another provider calls them; the key is that name, hashed.
    ExternalIdentity,
}

impl RecordKind {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstanceLock => "instance-lock",
            Self::Application => "application",
            Self::Text => "text",
            Self::Session => "session",
            Self::UpstreamSession => "upstream-session",
            Self::Login => "login",
            Self::ExternalIdentity => "external-identity",
        }
    }
}

/// A small document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: String,
    /// JSON.
    pub document: String,
    /// 1 for a new record, one more with each write.
    pub version: u64,
}

/// A write of a record, which happens if the record is as expected.
#[derive(Clone, Debug)]
pub struct RecordWrite {
    pub kind: RecordKind,
    pub key: String,
    pub expect: RecordExpect,
    /// JSON; `None` removes the record.
    pub document: Option<String>,
}

/// What must hold of a record when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordExpect {
    Anything,
    /// There is none.
    Absent,
    /// It is there, with this version.
    Version(u64),
}

/// What a successful commit made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    pub version: u64,
    /// The time assigned to everything the change touches. Whole microseconds, unique and strictly increasing over all
    /// commits of the store, so that "changed after X" never misses an instance.
    pub changed: Time,
}

/// Why a change was not applied. Nothing of it is.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailure {
    /// `expect` did not hold: somebody else was first.
    #[error("the instance was changed by somebody else")]
    Conflict,
    #[error(transparent)]
    Failed(#[from] StoreFailure),
}

/// The store did not do what it was asked. The message is for the log, never for the client.
#[derive(Debug, thiserror::Error)]
#[error("the store could not {attempt}: {cause}")]
pub struct StoreFailure {
    /// What was attempted, on what.
    pub attempt: String,
    pub cause: String,
    /// Whether the same request may succeed in a moment.
    pub is_overload: bool,
}

/// An instance with its elements (in order of creation, hard-deleted ones included) at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub instance: Instance,
    pub version: u64,
}

/// A time range; both ends are optional and given exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// From here, this included.
    pub at_least: Option<Time>,
    /// Up to here, this excluded.
    pub below: Option<Time>,
}

impl TimeRange {
    /// Whether every time is in the range.
    pub fn is_unbounded(self) -> bool {
        self == Self::default()
    }

    /// Whether `time` is in the range.
    pub fn contains(self, time: Time) -> bool {
        self.at_least.is_none_or(|from| time >= from) && self.below.is_none_or(|to| time < to)
    }
}

/// A question for a list of instances (platform-storage §2.1.1). Everything given must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceQuery {
    pub org: Option<String>,
    pub app: Option<AppId>,
    pub party: Option<PartyId>,
    pub current_task: Option<String>,
    /// `true`: the process has ended. `false`: it has a current task.
    pub is_complete: Option<bool>,
    pub end_event: Option<String>,
    pub is_archived: Option<bool>,
    pub is_soft_deleted: Option<bool>,
    pub is_hard_deleted: Option<bool>,
    /// Confirmed complete by the instance's own org.
    pub is_confirmed: Option<bool>,
    /// Not confirmed complete by this stakeholder (exact).
    pub exclude_confirmed_by: Option<String>,
    pub changed: TimeRange,
    pub created: TimeRange,
    pub ended: TimeRange,
    pub visible_after: TimeRange,
    pub due_before: TimeRange,
    /// Case-insensitive part of any presentation text.
    pub search_text: Option<String>,
    /// The last hexadecimal digits of the instance's guid, at most 32, lower case, no hyphens.
    pub reference: Option<String>,
    pub order: Order,
    /// Instances per page, at least 1.
    pub size: usize,
    /// Where the previous page ended.
    pub after: Option<Cursor>,
    pub include_elements: bool,
}

impl Default for InstanceQuery {
    fn default() -> Self {
        Self {
            org: None,
            app: None,
            party: None,
            current_task: None,
            is_complete: None,
            end_event: None,
            is_archived: None,
            is_soft_deleted: None,
            is_hard_deleted: None,
            is_confirmed: None,
            exclude_confirmed_by: None,
            changed: TimeRange::default(),
            created: TimeRange::default(),
            ended: TimeRange::default(),
            visible_after: TimeRange::default(),
            due_before: TimeRange::default(),
            search_text: None,
            reference: None,
            order: Order::Descending,
            size: 100,
            after: None,
            include_elements: true,
        }
    }
}

/// By (`lastChanged`, guid), both in this direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// The place of an instance in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub changed: Time,
    pub guid: Guid,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub instances: Vec<Instance>,
    /// Where to go on, when there may be more. Also set on a page that is not full, even an empty one: the store looks
    /// into a limited number of documents per page.
    pub next: Option<Cursor>,
}

/// Instances, their elements, history and outbox.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Applies the change in full, durably, or not at all.
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>>;

    /// The instance with all its elements.
    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>>;

    /// The instance with this guid, whoever owns it.
    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>>;

    /// The content of an element of this instance, or the part of it that is chosen, as it is at one moment. `None`:
    /// there is no such element, or it has no content.
    fn read_body<'a>(
        &'a self,
        instance: InstanceId,
        element: Guid,
        choice: Option<Choice<'a>>,
    ) -> PortFuture<'a, Result<Option<StoredBody>, StoreFailure>>;

    /// The history of an instance in the order it was written, also of one that was removed without it.
    fn events(&self, id: InstanceId) -> PortFuture<'_, Result<Vec<InstanceEvent>, StoreFailure>>;

    /// One page of instances.
    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>>;

    /// Where large bodies go before the change that names them.
    fn blobs(&self) -> &dyn Blobs;

    /// Answers when the store can serve.
    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>>;

    /// A small document.
    fn record(&self, kind: RecordKind, key: String) -> PortFuture<'_, Result<Option<Record>, StoreFailure>>;

    /// The documents whose keys begin like this, by key.
    fn records(&self, kind: RecordKind, prefix: String) -> PortFuture<'_, Result<Vec<Record>, StoreFailure>>;

    /// Writes or removes a small document, durably. Answers whether it was as expected; if not, nothing is written.
    fn write_record(&self, write: RecordWrite) -> PortFuture<'_, Result<bool, StoreFailure>>;

    /// Hands out at most `limit` due jobs, earliest first, each held for `lease`.
    fn claim_jobs(&self, limit: usize, lease: Duration) -> PortFuture<'_, Result<Vec<ClaimedJob>, StoreFailure>>;

    /// Ends a job that is done. Answers whether the claim was still valid.
    fn complete_job<'a>(&'a self, job: &'a ClaimedJob) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// Gives a job back, to be tried again after `delay`. Answers whether the claim was still valid.
    fn retry_job<'a>(&'a self, job: &'a ClaimedJob, delay: Duration) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// Ends a job that is not worth another attempt, and keeps it with the reason. Answers whether the claim was still
    /// valid.
    fn bury_job<'a>(&'a self, job: &'a ClaimedJob, reason: String) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// The jobs that were buried, oldest first.
    fn buried_jobs(&self) -> PortFuture<'_, Result<Vec<BuriedJob>, StoreFailure>>;

    /// Removes objects that nothing has named for longer than `grace`. To be called every few minutes. Downloads that
    /// began before go on undisturbed; uploads that are written to at least that often are safe.
    fn maintain(&self, grace: Duration) -> PortFuture<'_, Result<Maintenance, StoreFailure>>;

    /// Makes everything accepted durable and takes no more changes. Reads still work.
    fn close(&self) -> PortFuture<'_, ()>;
}

/// What a round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Objects that were replaced or dropped longer than the grace time ago.
    pub removed_objects: usize,
    /// Uploads that were staged and not committed within the grace time.
    pub abandoned_uploads: usize,
}

/// Large bodies.
pub trait Blobs: fmt::Debug + Send + Sync {
    /// Begins a body of unknown length. Dropping the writer before [`StagedWriter::finish`] leaves nothing behind.
    fn stage(&self) -> PortFuture<'_, Result<Box<dyn StagedWriter>, BlobFailure>>;
}

/// Takes a body piece by piece.
pub trait StagedWriter: Send {
    /// Appends. Waits when the disk is slower than the sender.
    fn write(&mut self, piece: Bytes) -> PortFuture<'_, Result<(), BlobFailure>>;
    /// Makes the body durable.
    fn finish(self: Box<Self>) -> PortFuture<'static, Result<Staged, BlobFailure>>;
}

/// The object store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the object store could not {attempt}: {cause}")]
pub struct BlobFailure {
    pub attempt: String,
    pub cause: String,
}

/// A part of a body in bytes. What lies beyond the end does not count.
pub type BlobRange = Range<u64>;

/// Decides which part of a content is read (all of it: `None`) from its size in bytes and its checksum.
pub type Choice<'a> = &'a (dyn Fn(u64, Option<&Sha256>) -> Option<BlobRange> + Send + Sync);

/// The content of an element, or a part of it, with what is known of the whole.
#[derive(Debug)]
pub struct StoredBody {
    /// The element as it was when it had this content.
    pub element: DataElement,
    /// Bytes of the whole.
    pub size: u64,
    /// Of the whole. None of what was stored before checksums were kept.
    pub sha256: Option<Sha256>,
    /// The whole, or the part that was asked for.
    pub blob: Blob,
}

/// The content of an element.
pub enum Blob {
    /// Small enough to be at hand.
    Bytes(Bytes),
    /// Large: read on.
    Stream(Box<dyn BlobStream>),
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Stream(stream) => write!(f, "Stream({} bytes)", stream.len()),
        }
    }
}

/// A body, or a part of one, that is read piece by piece.
pub trait BlobStream: Send {
    /// Bytes there are to read in all.
    fn len(&self) -> u64;
    /// Whether the body has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The next piece; `None` at the end.
    fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>>;
}
