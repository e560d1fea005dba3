//! The store as plain maps under one lock: the executable specification of the port, and a store for tests.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mottak_model::{DataElement, Guid, Instance, InstanceEvent, InstanceId, Time};
use mottak_service::ports::{
    BlobFailure, Blobs, Body, BuriedJob, Change, Choice, ClaimedJob, Clock, CommitFailure, Committed, Cursor,
    ElementChange, ElementPut, Expect, Ids, InstanceQuery, Job, JobId, Maintenance, Page, PortFuture, RandomIds,
    Record, RecordExpect, RecordKind, RecordWrite, Removal, Snapshot, Staged, StagedWriter, Store, StoreFailure,
    StoredBody,
};
use sha2::{Digest as _, Sha256};

use crate::matching::{compare, matches};
use crate::rules::{check, commit_time, failure, moves_instance, part_of, stored_instance};

/// Keeps everything in memory and forgets it when dropped.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    blobs: MemoryBlobs,
}

#[derive(Debug)]
struct State {
    /// The time of the last commit.
    last: Time,
    instances: BTreeMap<Guid, Row>,
    objects: HashMap<String, Object>,
    jobs: BTreeMap<JobId, (Job, u32)>,
    buried: Vec<BuriedJob>,
    last_job: i64,
    records: BTreeMap<(RecordKind, String), Record>,
    /// The histories of instances that were removed without them.
    histories: HashMap<Guid, (InstanceId, Vec<InstanceEvent>)>,
}

#[derive(Clone, Debug)]
struct Row {
    version: u64,
    changed: Time,
    document: Instance,
    elements: Vec<Element>,
    events: Vec<InstanceEvent>,
}

#[derive(Clone, Debug)]
struct Element {
    document: DataElement,
    content: Option<Content>,
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Bytes),
    Object(String),
}

#[derive(Debug)]
struct Object {
    bytes: Bytes,
    /// The one element whose content it is: of which instance, and which one.
    holder: Option<(Guid, Guid)>,
}

impl MemoryStore {
    /// An empty store that takes the time from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = Arc::new(Mutex::new(State {
            last: Time::from_ticks(0),
            instances: BTreeMap::new(),
            objects: HashMap::new(),
            jobs: BTreeMap::new(),
            buried: Vec::new(),
            last_job: 0,
            records: BTreeMap::new(),
            histories: HashMap::new(),
        }));
        let blobs = MemoryBlobs { state: Arc::clone(&state), clock: Arc::clone(&clock) };
        Self { clock, state, blobs }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn claim(&self, limit: usize, lease: Duration) -> Vec<ClaimedJob> {
        let now = self.clock.now();
        let mut state = self.state();
        let mut due: Vec<_> =
            state.jobs.iter().filter(|(_, (job, _))| job.due <= now).map(|(id, (job, _))| (job.due, *id)).collect();
        due.sort_unstable();
        due.truncate(limit);
        due.into_iter()
            .filter_map(|(_, id)| {
                let (job, attempts) = state.jobs.get_mut(&id)?;
                *attempts += 1;
                job.due = now.plus(lease);
                Some(ClaimedJob { id, kind: job.kind.clone(), body: job.body.clone(), attempts: *attempts })
            })
            .collect()
    }

    /// Ends a job; answers whether the claim was still valid.
    fn end(&self, job: &ClaimedJob) -> bool {
        let mut state = self.state();
        let is_held = state.jobs.get(&job.id).is_some_and(|(_, attempts)| *attempts == job.attempts);
        if is_held {
            state.jobs.remove(&job.id);
        }
        is_held
    }

    fn give_back(&self, job: &ClaimedJob, delay: Duration) -> bool {
        let due = self.clock.now().plus(delay);
        match self.state().jobs.get_mut(&job.id) {
            Some((kept, attempts)) if *attempts == job.attempts => {
                kept.due = due;
                true
            }
            _ => false,
        }
    }
}

/// What was done under a lock that panicked is undone by nobody, but every change is put in place as the last step.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn commit(&mut self, change: Change, now: Time) -> Result<Committed, CommitFailure> {
        check(&change, now)?;
        let old = self.instances.get(&change.id.guid);
        let holds = match (change.expect, old) {
            (Expect::Absent, old) => old.is_none() && !self.histories.contains_key(&change.id.guid),
            (Expect::Version(version), old) => {
                old.is_some_and(|row| row.version == version && row.document.id == change.id)
            }
        };
        if !holds {
            return Err(CommitFailure::Conflict);
        }
        if let Some(removal) = change.removal {
            return Ok(self.remove(change, removal, now));
        }
        let document = change.instance.map(stored_instance).or_else(|| old.map(|row| row.document.clone()));
        let document = document.ok_or_else(|| failure("change an instance", "it has no document"))?;
        let changed = commit_time(now, self.last, document.created);
        let mut row = Row {
            version: old.map_or(1, |row| row.version + 1),
            changed: match old {
                Some(row) if !moves_instance(change.touch, Some(row.changed), document.created) => row.changed,
                _ => changed,
            },
            document,
            elements: old.map_or_else(Vec::new, |row| row.elements.clone()),
            events: old.map_or_else(Vec::new, |row| row.events.clone()),
        };
        for element in change.elements {
            match element {
                ElementChange::Put(put) => self.put(&mut row, change.id, *put, changed)?,
                ElementChange::Drop(id) => row.elements.retain(|element| element.document.id != id),
            }
        }
        row.events.extend(change.events);

        // Nothing is refused from here on.
        self.last = changed;
        self.settle(change.id, &row);
        let version = row.version;
        self.instances.insert(change.id.guid, row);
        self.enqueue(change.jobs);
        Ok(Committed { version, changed })
    }

    fn enqueue(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            self.last_job += 1;
            self.jobs.insert(JobId(self.last_job), (job, 0));
        }
    }

    /// Takes an instance away whose version was as expected.
    fn remove(&mut self, change: Change, removal: Removal, now: Time) -> Committed {
        let old = self.instances.remove(&change.id.guid);
        let version = old.as_ref().map_or(1, |old| old.version + 1);
        for key in old.iter().flat_map(|old| &old.elements).filter_map(Element::object) {
            self.objects.remove(key);
        }
        if let (Removal::KeepHistory, Some(old)) = (removal, old) {
            self.histories.insert(change.id.guid, (change.id, old.events));
        }
        self.last = commit_time(now, self.last, None);
        self.enqueue(change.jobs);
        Committed { version, changed: self.last }
    }

    fn history(&self, id: InstanceId) -> Vec<InstanceEvent> {
        let removed = || self.histories.get(&id.guid).filter(|(known, _)| *known == id).map(|(_, events)| events);
        self.row(id).map(|row| &row.events).or_else(removed).cloned().unwrap_or_default()
    }

    fn write_record(&mut self, write: RecordWrite) -> bool {
        let place = (write.kind, write.key);
        let known = self.records.get(&place).map(|record| record.version);
        let is_as_expected = match write.expect {
            RecordExpect::Anything => true,
            RecordExpect::Absent => known.is_none(),
            RecordExpect::Version(version) => known == Some(version),
        };
        if is_as_expected {
            match write.document {
                Some(document) => {
                    let version = known.unwrap_or(0) + 1;
                    let record = Record { key: place.1.clone(), document, version };
                    self.records.insert(place, record);
                }
                None => {
                    self.records.remove(&place);
                }
            }
        }
        is_as_expected
    }

    fn put(&self, row: &mut Row, id: InstanceId, put: ElementPut, changed: Time) -> Result<(), StoreFailure> {
        let mut document = DataElement { self_links: None, ..put.element };
        if put.touch {
            document.last_changed = Some(changed);
        }
        let home = (id.guid, document.id);
        let content = match put.body {
            Body::Keep => None,
            Body::Bytes(bytes) => Some(Content::Bytes(bytes)),
            Body::Staged(staged) => {
                let object = self.objects.get(&staged.key);
                let is_shared = row
                    .elements
                    .iter()
                    .any(|other| other.document.id != document.id && other.object() == Some(&staged.key));
                if is_shared || object.is_none_or(|object| object.holder.is_some_and(|holder| holder != home)) {
                    return Err(failure("put a data element", "its staged body is gone or belongs to another"));
                }
                Some(Content::Object(staged.key))
            }
        };
        match row.elements.iter_mut().find(|element| element.document.id == document.id) {
            Some(element) => {
                element.document = document;
                element.content = content.or(element.content.take());
            }
            None => row.elements.push(Element { document, content }),
        }
        Ok(())
    }

    /// Notes which objects the elements of the instance hold. What they no longer hold is gone.
    fn settle(&mut self, id: InstanceId, row: &Row) {
        let old = self.instances.get(&id.guid).map_or(&[][..], |old| &old.elements);
        let keeps = |key: &str| row.elements.iter().any(|new| new.object() == Some(key));
        for key in old.iter().filter_map(Element::object).filter(|key| !keeps(key)) {
            self.objects.remove(key);
        }
        for element in &row.elements {
            let home = (id.guid, element.document.id);
            if let Some(object) = element.object().and_then(|key| self.objects.get_mut(key)) {
                object.holder = Some(home);
            }
        }
    }

    fn row(&self, id: InstanceId) -> Option<&Row> {
        self.instances.get(&id.guid).filter(|row| row.document.id == id)
    }

    fn body(&self, instance: InstanceId, element: Guid) -> Option<(DataElement, Bytes)> {
        let row = self.row(instance)?.elements.iter().find(|candidate| candidate.document.id == element)?;
        let bytes = match row.content.as_ref()? {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Object(key) => self.objects.get(key)?.bytes.clone(),
        };
        Some((row.document.clone(), bytes))
    }

    fn search(&self, query: &InstanceQuery) -> Page {
        let place = |row: &Row| Cursor { changed: row.changed, guid: row.document.id.guid };
        let mut found: Vec<&Row> = self
            .instances
            .values()
            .filter(|row| matches(query, &row.snapshot().instance))
            .filter(|row| query.after.is_none_or(|after| compare(query.order, place(row), after).is_gt()))
            .collect();
        found.sort_by(|left, right| compare(query.order, place(left), place(right)));
        let next = found.get(query.size.saturating_sub(1)).map(|row| place(row));
        found.truncate(query.size);
        let mut instances: Vec<_> = found.iter().map(|row| row.snapshot().instance).collect();
        if !query.include_elements {
            for instance in &mut instances {
                instance.data.clear();
            }
        }
        Page { instances, next }
    }
}

impl Row {
    fn snapshot(&self) -> Snapshot {
        let mut instance = self.document.clone();
        instance.last_changed = Some(self.changed);
        instance.data = self.elements.iter().map(|element| element.document.clone()).collect();
        Snapshot { instance, version: self.version }
    }
}

impl Element {
    fn object(&self) -> Option<&str> {
        match self.content.as_ref()? {
            Content::Object(key) => Some(key),
            Content::Bytes(_) => None,
        }
    }
}

impl Store for MemoryStore {
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>> {
        Box::pin(async move { self.state().commit(change, self.clock.now()) })
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        Box::pin(async move { Ok(self.state().row(id).map(Row::snapshot)) })
    }

    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>> {
        Box::pin(async move { Ok(self.state().instances.get(&guid).map(|row| row.document.id)) })
    }

    fn read_body<'a>(
        &'a self,
        instance: InstanceId,
        element: Guid,
        choice: Option<Choice<'a>>,
    ) -> PortFuture<'a, Result<Option<StoredBody>, StoreFailure>> {
        Box::pin(
            async move { Ok(self.state().body(instance, element).map(|(row, body)| part_of(row, body, None, choice))) },
        )
    }

    fn events(&self, id: InstanceId) -> PortFuture<'_, Result<Vec<InstanceEvent>, StoreFailure>> {
        Box::pin(async move { Ok(self.state().history(id)) })
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        Box::pin(async move { Ok(self.state().search(&query)) })
    }

    fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }

    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(async { Ok(()) })
    }

    fn record(&self, kind: RecordKind, key: String) -> PortFuture<'_, Result<Option<Record>, StoreFailure>> {
        Box::pin(async move { Ok(self.state().records.get(&(kind, key)).cloned()) })
    }

    fn records(&self, kind: RecordKind, prefix: String) -> PortFuture<'_, Result<Vec<Record>, StoreFailure>> {
        Box::pin(async move {
            let state = self.state();
            let found = state.records.iter().filter(|((known, key), _)| *known == kind && key.starts_with(&prefix));
            Ok(found.map(|(_, record)| record.clone()).collect())
        })
    }

    fn write_record(&self, write: RecordWrite) -> PortFuture<'_, Result<bool, StoreFailure>> {
        Box::pin(async move { Ok(self.state().write_record(write)) })
    }

    fn claim_jobs(&self, limit: usize, lease: Duration) -> PortFuture<'_, Result<Vec<ClaimedJob>, StoreFailure>> {
        Box::pin(async move { Ok(self.claim(limit, lease)) })
    }

    fn complete_job<'a>(&'a self, job: &'a ClaimedJob) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move { Ok(self.end(job)) })
    }

    fn retry_job<'a>(&'a self, job: &'a ClaimedJob, delay: Duration) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move { Ok(self.give_back(job, delay)) })
    }

    fn bury_job<'a>(&'a self, job: &'a ClaimedJob, reason: String) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move {
            let is_held = self.end(job);
            if is_held {
                let ClaimedJob { id, kind, body, attempts } = job.clone();
                self.state().buried.push(BuriedJob { id, kind, body, attempts, reason });
            }
            Ok(is_held)
        })
    }

    fn buried_jobs(&self) -> PortFuture<'_, Result<Vec<BuriedJob>, StoreFailure>> {
        Box::pin(async move {
            let mut buried = self.state().buried.clone();
            buried.sort_by_key(|job| job.id);
            Ok(buried)
        })
    }

    /// Nothing is dropped late here.
    fn maintain(&self, _: Duration) -> PortFuture<'_, Result<Maintenance, StoreFailure>> {
        Box::pin(async { Ok(Maintenance::default()) })
    }

    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(async {})
    }
}

struct MemoryBlobs {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryBlobs")
    }
}

impl Blobs for MemoryBlobs {
    fn stage(&self) -> PortFuture<'_, Result<Box<dyn StagedWriter>, BlobFailure>> {
        let writer =
            MemoryWriter { state: Arc::clone(&self.state), clock: Arc::clone(&self.clock), bytes: BytesMut::new() };
        Box::pin(async move { Ok(Box::new(writer) as Box<dyn StagedWriter>) })
    }
}

struct MemoryWriter {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    bytes: BytesMut,
}

impl StagedWriter for MemoryWriter {
    fn write(&mut self, piece: Bytes) -> PortFuture<'_, Result<(), BlobFailure>> {
        self.bytes.extend_from_slice(&piece);
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>) -> PortFuture<'static, Result<Staged, BlobFailure>> {
        Box::pin(async move {
            let key = RandomIds.guid().simple().to_string();
            let bytes = self.bytes.freeze();
            let sha256 = Sha256::digest(&bytes).into();
            let staged = Staged { key: key.clone(), size: bytes.len() as u64, sha256, at: self.clock.now() };
            lock(&self.state).objects.insert(key, Object { bytes, holder: None });
            Ok(staged)
        })
    }
}
