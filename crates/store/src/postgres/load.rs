//! Filling an empty database with what an archive holds: exactly that, versions and times included, in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use mottak_model::{AppId, Instance, Time};
use mottak_service::ports::{Blobs, Clock, PortFuture, StoreFailure};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::PostgresOptions;
use super::link::{Address, Call, Link, Session, failed, plain};
use super::rows::{BURIED, OUTBOX};
use super::sheet::{INLINE, OBJECT};
use crate::archive::{Content, Counters, ElementEntry, Entry, JobEntry, RecordEntry, Target};
use crate::objects::{ObjectLocation, Objects, open_objects};
use crate::prepare::{instance_row, shrink};
use crate::rules::failure;

const ATTEMPT: &str = "fill the database";
/// Pieces per statement, and bytes of bodies.
const PIECES: usize = 500;
const BYTES: usize = 4 * 1024 * 1024;

/// Nobody else writes until this is over.
const BEGIN: &str = "begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; \
     lock table clock, instance in exclusive mode";
const IS_USED: &str = "select exists (select 1 from instance) or exists (select 1 from removed) \
     or exists (select 1 from record) or exists (select 1 from job)";
const APPS: &str = "insert into app (id, name, org) values ($1, $2, $3)";
const KNOWN_APPS: &str = "select id, name, org from app";
const INSTANCES: &str = "insert into instance (party, guid, app, version, changed, created, status, task, due, ended, \
     visible_after, last_event, search_text, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::int4[], $4::int8[], $5::int8[], $6::int8[], $7::int4[], \
     $8::text[], $9::int8[], $10::int8[], $11::int8[], $12::int4[], $13::text[], $14::text[])";
const ELEMENTS: &str = "insert into element (party, instance, guid, position, changed, content, object_key, sha256, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int4[], $5::int8[], $6::int2[], $7::text[], \
     $8::bytea[], $9::text[])";
const BLOBS: &str = "insert into blob (party, instance, element, size, is_compressed, body) \
     select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int8[], $5::bool[], $6::bytea[])";
const EVENTS: &str = "insert into event (party, instance, n, docs) \
     select * from unnest($1::int4[], $2::uuid[], $3::int4[], $4::text[])";
const REMOVED: &str = "insert into removed (party, guid) values ($1, $2)";
const RECORD: &str = "insert into record (kind, key, version, document) values ($1, $2, $3, $4)";
const JOB: &str = "insert into job (id, lane, due, kind, body, attempts, reason) values ($1, $2, $3, $4, $5, $6, $7)";

/// A database that is being filled. Nothing of it is there until it is finished.
#[derive(Debug)]
pub(crate) struct PostgresLoad {
    session: Arc<Session>,
    objects: Arc<dyn Objects>,
    inline_limit: usize,
    apps: HashMap<(AppId, String), i32>,
    /// The instance whose pieces are coming.
    owner: Option<Owner>,
    instances: Vec<InstanceLine>,
    elements: Vec<ElementLine>,
    blobs: Vec<BlobLine>,
    events: Vec<(i32, Uuid, i32, String)>,
    bytes: usize,
    /// Objects that are named, to be settled when that is durable.
    named: Vec<String>,
}

#[derive(Debug)]
struct Owner {
    party: i32,
    guid: Uuid,
    elements: i32,
    events: i32,
    /// `None`: only the history is left.
    line: Option<InstanceLine>,
}

#[derive(Debug)]
struct InstanceLine {
    party: i32,
    guid: Uuid,
    app: i32,
    version: i64,
    changed: i64,
    created: Option<i64>,
    status: i32,
    task: Option<String>,
    due: Option<i64>,
    ended: Option<i64>,
    visible_after: Option<i64>,
    events: i32,
    search_text: String,
    doc: String,
}

#[derive(Debug)]
struct ElementLine {
    party: i32,
    instance: Uuid,
    guid: Uuid,
    position: i32,
    changed: Option<i64>,
    content: i16,
    object: Option<String>,
    sha256: Option<Vec<u8>>,
    doc: String,
}

#[derive(Debug)]
struct BlobLine {
    party: i32,
    instance: Uuid,
    element: Uuid,
    size: i64,
    is_compressed: bool,
    body: Vec<u8>,
}

impl PostgresLoad {
    /// Begins to fill the database at `url`, which has this version's tables and nothing in them.
    pub(crate) async fn begin(
        url: &str,
        objects: &ObjectLocation,
        clock: Arc<dyn Clock>,
        options: &PostgresOptions,
    ) -> Result<Self, StoreFailure> {
        let address = Arc::new(Address::parse(url, options)?);
        let session = Link::new(&address).session().await;
        let session = session.map_err(|error| failed(&format!("reach the database {address}"), &error))?;
        session.run(BEGIN).await.map_err(|error| failed(ATTEMPT, &error))?;
        let mut load = Self {
            session,
            objects: open_objects(objects, clock)?,
            inline_limit: options.inline_limit,
            apps: HashMap::new(),
            owner: None,
            instances: Vec::new(),
            elements: Vec::new(),
            blobs: Vec::new(),
            events: Vec::new(),
            bytes: 0,
            named: Vec::new(),
        };
        let rows = load.session.query(&Call::new(IS_USED)).await.map_err(|error| failed(ATTEMPT, &error))?;
        if rows.first().is_none_or(|row| row.get(0)) {
            return Err(failure(ATTEMPT, "it is not empty"));
        }
        for row in load.session.query(&Call::new(KNOWN_APPS)).await.map_err(|error| failed(ATTEMPT, &error))? {
            let name: String = row.get(1);
            let app = name.parse().map_err(|error| failure(ATTEMPT, error))?;
            load.apps.insert((app, row.get(2)), row.get(0));
        }
        Ok(load)
    }

    async fn run(&self, call: Call<'_>) -> Result<(), StoreFailure> {
        self.session.query(&call).await.map(drop).map_err(|error| failed(ATTEMPT, &error))
    }

    async fn take(&mut self, entry: Entry) -> Result<(), StoreFailure> {
        match entry {
            Entry::Element(element) => return self.take_element(element).await,
            Entry::History(events) => {
                let Some(owner) = &mut self.owner else { return Err(failure(ATTEMPT, "a history belongs to nobody")) };
                owner.events += 1;
                self.bytes += events.get().len();
                self.events.push((owner.party, owner.guid, owner.events, events.get().to_owned()));
                return Ok(());
            }
            _ => self.close_owner(),
        }
        if self.instances.len() + self.events.len() + self.elements.len() >= PIECES || self.bytes >= BYTES {
            self.flush().await?;
        }
        match entry {
            Entry::Instance(entry) => {
                let attempt = format!("write instance {}/{}", entry.party, entry.guid);
                let instance: Instance =
                    serde_json::from_str(entry.document.get()).map_err(|error| failure(&attempt, error))?;
                let row = instance_row(instance, entry.document.get().to_owned());
                let line = InstanceLine {
                    party: entry.party.get(),
                    guid: entry.guid,
                    app: self.app(row.app, row.org).await?,
                    version: entry.version as i64,
                    changed: entry.changed.ticks(),
                    created: row.created.map(Time::ticks),
                    status: row.status.bits() as i32,
                    task: row.task,
                    due: row.due.map(Time::ticks),
                    ended: row.ended.map(Time::ticks),
                    visible_after: row.visible_after.map(Time::ticks),
                    events: 0,
                    search_text: row.search_text,
                    doc: row.doc,
                };
                self.bytes += line.doc.len();
                let (party, guid) = (line.party, line.guid);
                self.owner = Some(Owner { party, guid, elements: 0, events: 0, line: Some(line) });
                Ok(())
            }
            Entry::RemovedInstance(removed) => {
                let (party, guid) = (removed.party.get(), removed.guid);
                self.owner = Some(Owner { party, guid, elements: 0, events: 0, line: None });
                self.run(Call::new(REMOVED).with(party, Type::INT4).with(guid, Type::UUID)).await
            }
            Entry::Record(RecordEntry { kind, key, version, document }) => {
                let call = Call::new(RECORD)
                    .with(kind, Type::TEXT)
                    .with(plain(&key), Type::TEXT)
                    .with(version as i64, Type::INT8)
                    .with(document, Type::TEXT);
                self.run(call).await
            }
            Entry::Job(JobEntry { id, due, kind, body, attempts, buried }) => {
                let call = Call::new(JOB)
                    .with(id, Type::INT8)
                    .with(if buried.is_some() { BURIED } else { OUTBOX }, Type::INT2)
                    .with(due.ticks(), Type::INT8)
                    .with(plain(&kind), Type::TEXT)
                    .with(plain(&body), Type::TEXT)
                    .with(attempts as i32, Type::INT4)
                    .with(buried.as_deref().map(plain), Type::TEXT);
                self.run(call).await
            }
            Entry::Element(_) | Entry::History(_) => Ok(()),
        }
    }

    /// The last piece of the instance was here.
    fn close_owner(&mut self) {
        if let Some(Owner { events, line: Some(line), .. }) = self.owner.take() {
            self.instances.push(InstanceLine { events, ..line });
        }
    }

    async fn take_element(&mut self, element: ElementEntry) -> Result<(), StoreFailure> {
        let attempt = format!("write data element {}", element.guid);
        let Some(owner) = &mut self.owner else { return Err(failure(&attempt, "it belongs to no instance")) };
        owner.elements += 1;
        let (party, instance, position) = (owner.party, owner.guid, owner.elements);
        let sha256 = element.body.as_ref().map(|body| body.sha256.to_vec());
        let (mut content, mut object) = (0, None);
        match element.body.map(|body| body.content) {
            None => {}
            Some(Content::Object(key)) => (content, object) = (OBJECT, Some(key)),
            Some(Content::Bytes(bytes)) => match shrink(bytes, self.inline_limit) {
                Ok(body) => {
                    content = INLINE;
                    self.bytes += body.bytes.len();
                    self.blobs.push(BlobLine {
                        party,
                        instance,
                        element: element.guid,
                        size: body.size as i64,
                        is_compressed: body.is_compressed,
                        body: body.bytes.to_vec(),
                    });
                }
                Err(large) => {
                    let staged = self.objects.stage_bytes(large).await.map_err(|error| failure(&attempt, error))?;
                    (content, object) = (OBJECT, Some(staged.key));
                }
            },
        }
        self.named.extend(object.clone());
        self.elements.push(ElementLine {
            party,
            instance,
            guid: element.guid,
            position,
            changed: element.changed.map(Time::ticks),
            content,
            object,
            sha256,
            doc: element.document.get().to_owned(),
        });
        if self.bytes >= BYTES { self.flush().await } else { Ok(()) }
    }

    /// The short number of an app, given on first use.
    async fn app(&mut self, app: AppId, org: String) -> Result<i32, StoreFailure> {
        let name = (app, org);
        if let Some(number) = self.apps.get(&name) {
            return Ok(*number);
        }
        let number = self.apps.values().max().map_or(1, |last| last + 1);
        let call = Call::new(APPS)
            .with(number, Type::INT4)
            .with(plain(name.0.as_str()), Type::TEXT)
            .with(plain(&name.1), Type::TEXT);
        self.run(call).await?;
        self.apps.insert(name, number);
        Ok(number)
    }

    /// Sends what is at hand.
    async fn flush(&mut self) -> Result<(), StoreFailure> {
        self.bytes = 0;
        let instances = std::mem::take(&mut self.instances);
        let call = Rows::new(INSTANCES, &instances)
            .column(Type::INT4_ARRAY, |row| row.party)
            .column(Type::UUID_ARRAY, |row| row.guid)
            .column(Type::INT4_ARRAY, |row| row.app)
            .column(Type::INT8_ARRAY, |row| row.version)
            .column(Type::INT8_ARRAY, |row| row.changed)
            .column(Type::INT8_ARRAY, |row| row.created)
            .column(Type::INT4_ARRAY, |row| row.status)
            .column(Type::TEXT_ARRAY, |row| row.task.as_deref().map(plain))
            .column(Type::INT8_ARRAY, |row| row.due)
            .column(Type::INT8_ARRAY, |row| row.ended)
            .column(Type::INT8_ARRAY, |row| row.visible_after)
            .column(Type::INT4_ARRAY, |row| row.events)
            .column(Type::TEXT_ARRAY, |row| plain(&row.search_text))
            .column(Type::TEXT_ARRAY, |row| row.doc.as_str());
        self.run(call.call).await?;
        let elements = std::mem::take(&mut self.elements);
        let call = Rows::new(ELEMENTS, &elements)
            .column(Type::INT4_ARRAY, |row| row.party)
            .column(Type::UUID_ARRAY, |row| row.instance)
            .column(Type::UUID_ARRAY, |row| row.guid)
            .column(Type::INT4_ARRAY, |row| row.position)
            .column(Type::INT8_ARRAY, |row| row.changed)
            .column(Type::INT2_ARRAY, |row| row.content)
            .column(Type::TEXT_ARRAY, |row| row.object.as_deref())
            .column(Type::BYTEA_ARRAY, |row| row.sha256.as_deref())
            .column(Type::TEXT_ARRAY, |row| row.doc.as_str());
        self.run(call.call).await?;
        let blobs = std::mem::take(&mut self.blobs);
        let call = Rows::new(BLOBS, &blobs)
            .column(Type::INT4_ARRAY, |row| row.party)
            .column(Type::UUID_ARRAY, |row| row.instance)
            .column(Type::UUID_ARRAY, |row| row.element)
            .column(Type::INT8_ARRAY, |row| row.size)
            .column(Type::BOOL_ARRAY, |row| row.is_compressed)
            .column(Type::BYTEA_ARRAY, |row| row.body.as_slice());
        self.run(call.call).await?;
        let events = std::mem::take(&mut self.events);
        let call = Rows::new(EVENTS, &events)
            .column(Type::INT4_ARRAY, |row| row.0)
            .column(Type::UUID_ARRAY, |row| row.1)
            .column(Type::INT4_ARRAY, |row| row.2)
            .column(Type::TEXT_ARRAY, |row| row.3.as_str());
        self.run(call.call).await
    }

    async fn end(mut self, counters: Counters) -> Result<(), StoreFailure> {
        self.close_owner();
        self.flush().await?;
        let clock = Call::new("update clock set last = $1").with(counters.last_changed.ticks(), Type::INT8);
        self.run(clock).await?;
        let jobs = Call::new("update counter set last = $1 where name = 'job'").with(counters.last_job, Type::INT8);
        self.run(jobs).await?;
        self.session.run("commit").await.map_err(|error| failed(ATTEMPT, &error))?;
        self.named.iter().for_each(|key| self.objects.settle(key));
        Ok(())
    }
}

/// A statement and its rows, one array of values per column.
struct Rows<'r, R> {
    call: Call<'r>,
    rows: &'r [R],
}

impl<'r, R> Rows<'r, R> {
    fn new(sql: &'static str, rows: &'r [R]) -> Self {
        Self { call: Call::new(sql), rows }
    }

    fn column<V: ToSql + Sync + Send + 'r>(self, kind: Type, value: impl FnMut(&'r R) -> V) -> Self {
        let values: Vec<V> = self.rows.iter().map(value).collect();
        Self { call: self.call.with(values, kind), rows: self.rows }
    }
}

impl Target for PostgresLoad {
    fn blobs(&self) -> &dyn Blobs {
        &*self.objects
    }

    fn put(&mut self, entry: Entry) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.take(entry))
    }

    fn finish(self: Box<Self>, counters: Counters) -> PortFuture<'static, Result<(), StoreFailure>> {
        Box::pin(self.end(counters))
    }
}
