//! One moment of a store, read while servers go on writing to it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mottak_model::{Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{BlobStream, Clock, PortFuture, Sha256, StoreFailure};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresOptions;
use super::hold::Hold;
use super::link::{Address, Call, Link, Session, failed};
use super::migrations::require_current;
use super::read::get;
use super::rows::{BURIED, OUTBOX};
use super::sheet::Content as Stored;
use crate::archive::{
    Counters, ElementEntry, Entry, InstanceEntry, JobEntry, RecordEntry, RemovedEntry, Source, describe_bytes,
    describe_object, open_object, raw_document,
};
use crate::objects::{ObjectLocation, Objects, open_objects};
use crate::prepare::restore;
use crate::rules::failure;

const ATTEMPT: &str = "read the store";
/// Instances, records or jobs fetched at a time.
const BATCH: i64 = 64;

/// One moment for all statements, however long they take.
const BEGIN: &str = "begin transaction isolation level repeatable read read only; \
     set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
const INSTANCES: &str = "select party, guid, version, changed, doc from instance \
     where (party, guid) > ($1, $2) order by party, guid limit $3";
/// Without bodies: these are fetched one by one.
const ELEMENTS: &str = "select party, instance, position, guid, changed, content, object_key, sha256, doc from element \
     where (party, instance) >= ($1, $2) and (party, instance) <= ($3, $4)";
const EVENTS: &str = "select party, instance, n, docs from event \
     where (party, instance) >= ($1, $2) and (party, instance) <= ($3, $4)";
const BODY: &str = "select size, is_compressed, body from blob where party = $1 and instance = $2 and element = $3";
const REMOVED: &str = "select party, guid from removed where (party, guid) > ($1, $2) order by party, guid limit $3";
const RECORDS: &str = "select kind, key, version, document from record \
     where (kind, key) > ($1, $2) order by kind, key limit $3";
const JOBS: &str = "select id, due, kind, body, attempts, reason, lane from job \
     where id > $1 and lane in ($2, $3) order by id limit $4";

/// Everything a store holds at one moment. Objects that the moment names are not swept while this lives.
#[derive(Debug)]
pub(crate) struct PostgresDump {
    /// In a transaction.
    session: Arc<Session>,
    objects: Arc<dyn Objects>,
    waiting: VecDeque<Piece>,
    place: Place,
    hold: Hold,
}

/// What comes after what is waiting.
#[derive(Debug)]
enum Place {
    InstanceAfter(i32, Guid),
    RemovedAfter(i32, Guid),
    RecordAfter(String, String),
    JobAfter(i64),
    End,
}

#[derive(Debug)]
enum Piece {
    Whole(Entry),
    /// An element whose body has not been fetched.
    Element {
        instance: InstanceId,
        entry: ElementEntry,
        content: Stored,
        sha256: Option<Sha256>,
    },
}

impl PostgresDump {
    /// Opens the store in the database at `url`, as it is now.
    pub(crate) async fn open(
        url: &str,
        objects: &ObjectLocation,
        clock: Arc<dyn Clock>,
        options: &PostgresOptions,
    ) -> Result<Self, StoreFailure> {
        let address = Arc::new(Address::parse(url, options)?);
        let session = Link::new(&address).session().await;
        let session = session.map_err(|error| failed(&format!("reach the database {address}"), &error))?;
        require_current(&session).await?;
        let hold = Hold::begin(&address).await?;
        session.run(BEGIN).await.map_err(|error| failed(ATTEMPT, &error))?;
        let mut dump = Self {
            session,
            objects: open_objects(objects, clock)?,
            waiting: VecDeque::new(),
            place: Place::InstanceAfter(i32::MIN, Guid::nil()),
            hold,
        };
        // The moment is that of the first read.
        dump.count().await?;
        Ok(dump)
    }

    /// Lets go of the objects.
    pub(crate) async fn close(self) -> Result<(), StoreFailure> {
        self.hold.end().await
    }

    async fn query(&self, call: Call<'_>) -> Result<Vec<Row>, StoreFailure> {
        self.session.query(&call).await.map_err(|error| failed(ATTEMPT, &error))
    }

    async fn count(&mut self) -> Result<u64, StoreFailure> {
        let rows = self.query(Call::new("select count(*) from instance")).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| get(row, 0, ATTEMPT))?;
        Ok(count as u64)
    }

    async fn next_entry(&mut self) -> Result<Option<Entry>, StoreFailure> {
        loop {
            match self.waiting.pop_front() {
                Some(Piece::Whole(entry)) => return Ok(Some(entry)),
                Some(Piece::Element { instance, entry, content, sha256 }) => {
                    return self.with_body(instance, entry, content, sha256).await.map(Some);
                }
                None => {}
            }
            let next = match &self.place {
                Place::InstanceAfter(party, guid) => self.fetch_instances(*party, *guid).await?,
                Place::RemovedAfter(party, guid) => self.fetch_removed(*party, *guid).await?,
                Place::RecordAfter(kind, key) => self.fetch_records(kind.clone(), key.clone()).await?,
                Place::JobAfter(id) => self.fetch_jobs(*id).await?,
                Place::End => return Ok(None),
            };
            self.place = next;
        }
    }

    async fn fetch_instances(&mut self, party: i32, guid: Guid) -> Result<Place, StoreFailure> {
        let rows = self.query(after(INSTANCES, party, guid)).await?;
        let mut ids = Vec::with_capacity(rows.len());
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let (party, guid) = (PartyId::new(get(row, 0, ATTEMPT)?), get(row, 1, ATTEMPT)?);
            ids.push(InstanceId::new(party, guid));
            entries.push(InstanceEntry {
                party,
                guid,
                version: get::<i64>(row, 2, ATTEMPT)? as u64,
                changed: Time::from_ticks(get(row, 3, ATTEMPT)?),
                document: raw_document(get(row, 4, ATTEMPT)?, &format!("read instance {party}/{guid}"))?,
            });
        }
        let Some(last) = ids.last().copied() else { return Ok(Place::RemovedAfter(i32::MIN, Guid::nil())) };
        let mut elements = self.fetch_elements(&ids).await?;
        let mut histories = self.fetch_histories(&ids).await?;
        for (id, entry) in ids.iter().zip(entries) {
            self.waiting.push_back(Piece::Whole(Entry::Instance(entry)));
            self.waiting.extend(elements.remove(id).unwrap_or_default().into_iter().map(|(_, element)| element));
            self.waiting.extend(histories.remove(id).unwrap_or_default().into_iter().map(|(_, change)| change));
        }
        Ok(Place::InstanceAfter(last.party.get(), last.guid))
    }

    /// Those of these neighbouring instances, each with its place.
    async fn fetch_elements(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, Vec<(i32, Piece)>>, StoreFailure> {
        let mut found: HashMap<InstanceId, Vec<(i32, Piece)>> = HashMap::new();
        for row in &self.query(between(ELEMENTS, ids)).await? {
            let instance = InstanceId::new(PartyId::new(get(row, 0, ATTEMPT)?), get(row, 1, ATTEMPT)?);
            let guid = get(row, 3, ATTEMPT)?;
            let document = raw_document(get(row, 8, ATTEMPT)?, &format!("read data element {guid}"))?;
            let changed = get::<Option<i64>>(row, 4, ATTEMPT)?.map(Time::from_ticks);
            let entry = ElementEntry { guid, changed, document, body: None };
            let content = Stored::of(get(row, 5, ATTEMPT)?, get(row, 6, ATTEMPT)?);
            let sha256 = get::<Option<&[u8]>>(row, 7, ATTEMPT)?.and_then(|sum| sum.try_into().ok());
            let piece = Piece::Element { instance, entry, content, sha256 };
            found.entry(instance).or_default().push((get(row, 2, ATTEMPT)?, piece));
        }
        for elements in found.values_mut() {
            elements.sort_by_key(|(place, _)| *place);
        }
        Ok(found)
    }

    async fn fetch_histories(
        &self,
        ids: &[InstanceId],
    ) -> Result<HashMap<InstanceId, Vec<(i32, Piece)>>, StoreFailure> {
        let mut found: HashMap<InstanceId, Vec<(i32, Piece)>> = HashMap::new();
        for row in &self.query(between(EVENTS, ids)).await? {
            let instance = InstanceId::new(PartyId::new(get(row, 0, ATTEMPT)?), get(row, 1, ATTEMPT)?);
            let events = raw_document(get(row, 3, ATTEMPT)?, &format!("read the history of instance {instance}"))?;
            let piece = Piece::Whole(Entry::History(events));
            found.entry(instance).or_default().push((get(row, 2, ATTEMPT)?, piece));
        }
        for changes in found.values_mut() {
            changes.sort_by_key(|(n, _)| *n);
        }
        Ok(found)
    }

    async fn fetch_removed(&mut self, party: i32, guid: Guid) -> Result<Place, StoreFailure> {
        let rows = self.query(after(REMOVED, party, guid)).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in &rows {
            ids.push(InstanceId::new(PartyId::new(get(row, 0, ATTEMPT)?), get(row, 1, ATTEMPT)?));
        }
        let Some(last) = ids.last().copied() else { return Ok(Place::RecordAfter(String::new(), String::new())) };
        let mut histories = self.fetch_histories(&ids).await?;
        for id in ids {
            let removed = RemovedEntry { party: id.party, guid: id.guid };
            self.waiting.push_back(Piece::Whole(Entry::RemovedInstance(removed)));
            self.waiting.extend(histories.remove(&id).unwrap_or_default().into_iter().map(|(_, change)| change));
        }
        Ok(Place::RemovedAfter(last.party.get(), last.guid))
    }

    async fn fetch_records(&mut self, kind: String, key: String) -> Result<Place, StoreFailure> {
        let call = Call::new(RECORDS).with(kind, Type::TEXT).with(key, Type::TEXT).with(BATCH, Type::INT8);
        let mut next = Place::JobAfter(i64::MIN);
        for row in &self.query(call).await? {
            let record = RecordEntry {
                kind: get(row, 0, ATTEMPT)?,
                key: get(row, 1, ATTEMPT)?,
                version: get::<i64>(row, 2, ATTEMPT)? as u64,
                document: get(row, 3, ATTEMPT)?,
            };
            next = Place::RecordAfter(record.kind.clone(), record.key.clone());
            self.waiting.push_back(Piece::Whole(Entry::Record(record)));
        }
        Ok(next)
    }

    async fn fetch_jobs(&mut self, id: i64) -> Result<Place, StoreFailure> {
        let call = Call::new(JOBS)
            .with(id, Type::INT8)
            .with(OUTBOX, Type::INT2)
            .with(BURIED, Type::INT2)
            .with(BATCH, Type::INT8);
        let mut next = Place::End;
        for row in &self.query(call).await? {
            let reason: Option<String> = get(row, 5, ATTEMPT)?;
            let job = JobEntry {
                id: get(row, 0, ATTEMPT)?,
                due: Time::from_ticks(get(row, 1, ATTEMPT)?),
                kind: get(row, 2, ATTEMPT)?,
                body: get(row, 3, ATTEMPT)?,
                attempts: get::<i32>(row, 4, ATTEMPT)?.unsigned_abs(),
                buried: (get::<i16>(row, 6, ATTEMPT)? == BURIED).then(|| reason.unwrap_or_default()),
            };
            next = Place::JobAfter(job.id);
            self.waiting.push_back(Piece::Whole(Entry::Job(job)));
        }
        Ok(next)
    }

    async fn with_body(
        &self,
        instance: InstanceId,
        mut entry: ElementEntry,
        content: Stored,
        sha256: Option<Sha256>,
    ) -> Result<Entry, StoreFailure> {
        let attempt = format!("read the body of data element {} of instance {instance}", entry.guid);
        entry.body = match content {
            Stored::None => None,
            Stored::Object(key) => Some(describe_object(&*self.objects, key, sha256, &attempt).await?),
            Stored::Inline => {
                let call = Call::new(BODY)
                    .with(instance.party.get(), Type::INT4)
                    .with(instance.guid, Type::UUID)
                    .with(entry.guid, Type::UUID);
                let rows = self.query(call).await?;
                let row = rows.first().ok_or_else(|| failure(&attempt, "it is gone"))?;
                let size = usize::try_from(get::<i64>(row, 0, ATTEMPT)?).map_err(|error| failure(&attempt, error))?;
                let bytes = restore(size, get(row, 1, ATTEMPT)?, get(row, 2, ATTEMPT)?)
                    .map_err(|damage| failure(&attempt, damage.cause))?;
                Some(describe_bytes(bytes, sha256, &attempt)?)
            }
        };
        Ok(Entry::Element(entry))
    }
}

fn after(sql: &'static str, party: i32, guid: Guid) -> Call<'static> {
    Call::new(sql).with(party, Type::INT4).with(guid, Type::UUID).with(BATCH, Type::INT8)
}

fn between(sql: &'static str, ids: &[InstanceId]) -> Call<'static> {
    [ids.first(), ids.last()]
        .into_iter()
        .flatten()
        .fold(Call::new(sql), |call, id| call.with(id.party.get(), Type::INT4).with(id.guid, Type::UUID))
}

impl Source for PostgresDump {
    fn engine(&self) -> &'static str {
        "postgresql"
    }

    fn instances(&mut self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        Box::pin(self.count())
    }

    fn next(&mut self) -> PortFuture<'_, Result<Option<Entry>, StoreFailure>> {
        Box::pin(self.next_entry())
    }

    fn counters(&mut self) -> PortFuture<'_, Result<Counters, StoreFailure>> {
        Box::pin(async move {
            let number = async |sql: &'static str| {
                let rows = self.query(Call::new(sql)).await?;
                rows.first().map_or(Ok(0), |row| get::<i64>(row, 0, ATTEMPT))
            };
            // With several orders of commits, the clock is not kept: then the latest change is the last.
            let clock = number("select coalesce(max(last), 0) from clock").await?;
            let latest = number("select coalesce(max(changed), 0) from instance").await?;
            let last_job = number("select coalesce(max(last), 0) from counter where name = 'job'").await?;
            Ok(Counters { last_changed: Time::from_ticks(clock.max(latest)), last_job })
        })
    }

    fn object(&mut self, key: String) -> PortFuture<'_, Result<Box<dyn BlobStream>, StoreFailure>> {
        Box::pin(async move { open_object(&*self.objects, key).await })
    }
}
