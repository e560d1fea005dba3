//! One moment of a store, read while another process may have it open.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use mottak_model::{Guid, PartyId, Time};
use mottak_service::ports::{BlobStream, Clock, PortFuture, Sha256, StoreFailure};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::value::RawValue;

use super::SqliteStore;
use super::elements::{OBJECT, first_element, last_element};
use super::hold::Hold;
use super::ledger::{BURIED, OUTBOX, attempted};
use super::reader::open_beside;
use crate::archive::{
    ArchiveFailure, Counters, ElementEntry, Entry, InstanceEntry, JobEntry, Manifest, Progress, RecordEntry,
    RemovedEntry, Source, backup, describe_bytes, describe_object, open_object, raw_document,
};
use crate::objects::{ObjectLocation, Objects};
use crate::prepare::restore;
use crate::rules::failure;

const ATTEMPT: &str = "read the store";
/// Of the connection, in KiB. Everything is read once and in order.
const CACHE: u32 = 8 * 1024;

impl SqliteStore {
    /// Archives the store in `folder` as the new folder `to`, and reads the archive again to see that everything is
    /// there. A server may have the store open meanwhile, and may write: what is archived is one moment. After an error
    /// there is no such archive. `objects`: where large bodies are, if not beside the database.
    pub async fn backup(
        folder: &Path,
        objects: Option<&ObjectLocation>,
        to: &Path,
        clock: Arc<dyn Clock>,
        mut watcher: impl FnMut(Progress) + Send,
    ) -> Result<Manifest, ArchiveFailure> {
        let made = clock.now();
        let mut source = SqliteDump::open(folder, objects, clock)?;
        backup(&mut source, to, made, &mut watcher).await
    }
}

/// Everything a store holds at one moment. Objects that the moment names are not swept while this lives.
#[derive(Debug)]
pub(crate) struct SqliteDump {
    /// In a transaction that began when this was opened.
    connection: Connection,
    objects: Arc<dyn Objects>,
    place: Place,
    _hold: Hold,
}

/// What comes next.
#[derive(Debug)]
enum Place {
    InstanceAfter(i64),
    ElementAfter {
        element: i64,
        instance: i64,
        guid: Guid,
        last_event: Option<i64>,
    },
    /// The rows of a history, and what comes after it.
    History(VecDeque<i64>, Box<Place>),
    RemovedAfter(Vec<u8>),
    RecordAfter {
        kind: String,
        key: String,
    },
    JobAfter(i64),
    End,
}

/// An element, before its object is looked at.
struct ElementRow {
    entry: ElementEntry,
    object: Option<(String, Option<Sha256>)>,
}

impl SqliteDump {
    /// Opens the store in `folder`, as it is now.
    pub(crate) fn open(
        folder: &Path,
        objects: Option<&ObjectLocation>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreFailure> {
        let (connection, objects) = open_beside(folder, objects, clock, CACHE)?;
        let hold = Hold::begin(folder)?;
        connection
            .execute_batch("begin")
            // The moment is that of the first read.
            .and_then(|()| connection.query_row("select count(*) from meta", [], |_| Ok(())))
            .map_err(attempted(ATTEMPT))?;
        Ok(Self { connection, objects, place: Place::InstanceAfter(i64::MIN), _hold: hold })
    }

    async fn next_entry(&mut self) -> Result<Option<Entry>, StoreFailure> {
        loop {
            let (entry, next) = match &mut self.place {
                Place::InstanceAfter(after) => match instance_after(&self.connection, *after)? {
                    Some((row, last_event, entry)) => {
                        let (element, guid) = (first_element(row) - 1, entry.guid);
                        let next = Place::ElementAfter { element, instance: row, guid, last_event };
                        (Some(Entry::Instance(entry)), next)
                    }
                    None => (None, Place::RemovedAfter(Vec::new())),
                },
                Place::ElementAfter { element, instance, guid, last_event } => {
                    match element_after(&self.connection, *element, *instance)? {
                        Some((row, found)) => {
                            *element = row;
                            let (guid, objects) = (*guid, Arc::clone(&self.objects));
                            return with_object(&*objects, guid, found).await.map(Some);
                        }
                        None => {
                            let rows = history(&self.connection, *last_event)?;
                            (None, Place::History(rows, Box::new(Place::InstanceAfter(*instance))))
                        }
                    }
                }
                Place::History(rows, next) => match rows.pop_front() {
                    Some(row) => return change(&self.connection, row).map(Some),
                    None => (None, std::mem::replace(&mut **next, Place::End)),
                },
                Place::RemovedAfter(after) => match removed_after(&self.connection, after)? {
                    Some((last_event, entry)) => {
                        let next = Place::RemovedAfter(entry.guid.as_bytes().to_vec());
                        let rows = history(&self.connection, last_event)?;
                        (Some(Entry::RemovedInstance(entry)), Place::History(rows, Box::new(next)))
                    }
                    None => (None, Place::RecordAfter { kind: String::new(), key: String::new() }),
                },
                Place::RecordAfter { kind, key } => match record_after(&self.connection, kind, key)? {
                    Some(entry) => {
                        let next = Place::RecordAfter { kind: entry.kind.clone(), key: entry.key.clone() };
                        (Some(Entry::Record(entry)), next)
                    }
                    None => (None, Place::JobAfter(i64::MIN)),
                },
                Place::JobAfter(after) => match job_after(&self.connection, *after)? {
                    Some(entry) => {
                        let next = Place::JobAfter(entry.id);
                        (Some(Entry::Job(entry)), next)
                    }
                    None => (None, Place::End),
                },
                Place::End => return Ok(None),
            };
            self.place = next;
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }
}

/// Adds what there is to know of an object.
async fn with_object(objects: &dyn Objects, instance: Guid, row: ElementRow) -> Result<Entry, StoreFailure> {
    let ElementRow { mut entry, object } = row;
    if let Some((key, sha256)) = object {
        let attempt = format!("read the body of data element {} of instance {instance}", entry.guid);
        entry.body = Some(describe_object(objects, key, sha256, &attempt).await?);
    }
    Ok(Entry::Element(entry))
}

impl Source for SqliteDump {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    fn instances(&mut self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        let count = self.connection.query_row("select count(*) from instance", [], |row| row.get::<_, i64>(0));
        Box::pin(std::future::ready(count.map(|count| count as u64).map_err(attempted(ATTEMPT))))
    }

    fn next(&mut self) -> PortFuture<'_, Result<Option<Entry>, StoreFailure>> {
        Box::pin(self.next_entry())
    }

    fn counters(&mut self) -> PortFuture<'_, Result<Counters, StoreFailure>> {
        let read = |sql: &str| -> rusqlite::Result<i64> {
            self.connection.query_row(sql, [], |row| row.get(0)).optional().map(Option::unwrap_or_default)
        };
        let counters = read("select value from meta where name = 'last-changed'").and_then(|last_changed| {
            let last_job = read("select seq from sqlite_sequence where name = 'job'")?;
            Ok(Counters { last_changed: Time::from_ticks(last_changed), last_job })
        });
        Box::pin(std::future::ready(counters.map_err(attempted(ATTEMPT))))
    }

    fn object(&mut self, key: String) -> PortFuture<'_, Result<Box<dyn BlobStream>, StoreFailure>> {
        let objects = Arc::clone(&self.objects);
        Box::pin(async move { open_object(&*objects, key).await })
    }
}

fn instance_after(
    connection: &Connection,
    after: i64,
) -> Result<Option<(i64, Option<i64>, InstanceEntry)>, StoreFailure> {
    let failed = attempted("read an instance");
    let mut statement = connection
        .prepare_cached(
            "select id, party, guid, version, changed, last_event, doc from instance where id > ? order by id limit 1",
        )
        .map_err(&failed)?;
    let mut rows = statement.query([after]).map_err(&failed)?;
    let Some(row) = rows.next().map_err(&failed)? else { return Ok(None) };
    let read = || -> rusqlite::Result<_> {
        let (party, guid) = (PartyId::new(row.get(1)?), Guid::from_bytes(row.get(2)?));
        Ok((row.get(0)?, row.get(5)?, party, guid, row.get::<_, i64>(3)? as u64, Time::from_ticks(row.get(4)?)))
    };
    let (id, last_event, party, guid, version, changed) = read().map_err(&failed)?;
    let document = document(row, 6, || format!("read instance {party}/{guid}"))?;
    Ok(Some((id, last_event, InstanceEntry { party, guid, version, changed, document })))
}

fn element_after(
    connection: &Connection,
    after: i64,
    instance: i64,
) -> Result<Option<(i64, ElementRow)>, StoreFailure> {
    let failed = attempted("read a data element");
    let mut statement = connection
        .prepare_cached(
            "select e.id, e.guid, e.changed, e.content, e.object_key, e.sha256, e.doc, b.size, b.is_compressed, b.body \
             from element e left join blob b on b.id = e.id where e.id > ? and e.id <= ? order by e.id limit 1",
        )
        .map_err(&failed)?;
    let mut rows = statement.query([after, last_element(instance)]).map_err(&failed)?;
    let Some(row) = rows.next().map_err(&failed)? else { return Ok(None) };
    let guid = Guid::from_bytes(row.get(1).map_err(&failed)?);
    let attempt = || format!("read data element {guid}");
    let changed: Option<i64> = row.get(2).map_err(&failed)?;
    let sha256: Option<Sha256> = row.get(5).map_err(&failed)?;
    let (mut body, mut object) = (None, None);
    match row.get::<_, i64>(3).map_err(&failed)? {
        0 => {}
        OBJECT => object = Some((row.get(4).map_err(&failed)?, sha256)),
        _ => {
            let size = row.get::<_, i64>(7).map_err(&failed)? as usize;
            let stored = row.get_ref(9).map_err(&failed)?.as_bytes().map_err(|error| failure(&attempt(), error))?;
            let bytes = restore(size, row.get(8).map_err(&failed)?, stored)
                .map_err(|damage| failure(&attempt(), damage.cause))?;
            body = Some(describe_bytes(bytes, sha256, &attempt())?);
        }
    }
    let document = document(row, 6, attempt)?;
    let entry = ElementEntry { guid, changed: changed.map(Time::from_ticks), document, body };
    Ok(Some((row.get(0).map_err(&failed)?, ElementRow { entry, object })))
}

/// The rows of the history that ends with this one, in order.
fn history(connection: &Connection, last: Option<i64>) -> Result<VecDeque<i64>, StoreFailure> {
    let Some(last) = last else { return Ok(VecDeque::new()) };
    connection
        .prepare_cached(
            "with recursive history (id, previous) as ( \
             select id, previous from event where id = ? \
             union all select e.id, e.previous from history h join event e on e.id = h.previous) \
             select id from history order by id",
        )
        .and_then(|mut statement| statement.query_map([last], |row| row.get(0))?.collect())
        .map_err(attempted("read a history"))
}

fn change(connection: &Connection, event: i64) -> Result<Entry, StoreFailure> {
    let failed = attempted("read a part of a history");
    let mut statement = connection.prepare_cached("select docs from event where id = ?").map_err(&failed)?;
    let mut rows = statement.query([event]).map_err(&failed)?;
    let row = rows.next().map_err(&failed)?.ok_or_else(|| failure("read a part of a history", "it is missing"))?;
    document(row, 0, || format!("read part {event} of a history")).map(Entry::History)
}

fn removed_after(connection: &Connection, after: &[u8]) -> Result<Option<(Option<i64>, RemovedEntry)>, StoreFailure> {
    connection
        .prepare_cached("select last_event, party, guid from removed_instance where guid > ? order by guid limit 1")
        .and_then(|mut statement| {
            statement
                .query_row([after], |row| {
                    let entry = RemovedEntry { party: PartyId::new(row.get(1)?), guid: Guid::from_bytes(row.get(2)?) };
                    Ok((row.get(0)?, entry))
                })
                .optional()
        })
        .map_err(attempted("read a removed instance"))
}

fn record_after(connection: &Connection, kind: &str, key: &str) -> Result<Option<RecordEntry>, StoreFailure> {
    connection
        .prepare_cached(
            "select kind, key, version, document from record where (kind, key) > (?, ?) order by kind, key limit 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([kind, key], |row| {
                    Ok(RecordEntry {
                        kind: row.get(0)?,
                        key: row.get(1)?,
                        version: row.get::<_, i64>(2)? as u64,
                        document: row.get(3)?,
                    })
                })
                .optional()
        })
        .map_err(attempted("read a record"))
}

fn job_after(connection: &Connection, after: i64) -> Result<Option<JobEntry>, StoreFailure> {
    connection
        .prepare_cached(
            "select id, due, kind, body, attempts, reason, lane from job where id > ? and lane in (?, ?) order by id limit 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![after, OUTBOX, BURIED], |row| {
                    let reason: Option<String> = row.get(5)?;
                    let is_buried = row.get::<_, Value>(6)? == Value::Integer(BURIED);
                    Ok(JobEntry {
                        id: row.get(0)?,
                        due: Time::from_ticks(row.get(1)?),
                        kind: row.get(2)?,
                        body: row.get(3)?,
                        attempts: row.get(4)?,
                        buried: is_buried.then(|| reason.unwrap_or_default()),
                    })
                })
                .optional()
        })
        .map_err(attempted("read a job"))
}

/// A stored document, as it is.
fn document(row: &Row<'_>, column: usize, attempt: impl Fn() -> String) -> Result<Box<RawValue>, StoreFailure> {
    let text = row.get(column).map_err(|error| failure(&attempt(), error))?;
    raw_document(text, &attempt())
}
