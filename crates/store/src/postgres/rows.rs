//! What differs on a sheet, as statements: each writes any number of rows at once.

use std::collections::HashMap;

use mottak_model::{AppId, InstanceId, Time};
use mottak_service::ports::Removal;
use tokio_postgres::types::{ToSql, Type};

use super::link::{Call, plain};
use super::sheet::{Content, Element, Live, NewEvents, NewJob, Sheet};
use crate::prepare::{ElementRow, InstanceRow, PreparedBody};

/// Jobs of the store itself.
pub(super) const CLEAN_UP: i16 = 0;
/// Jobs for the outside world.
pub(super) const OUTBOX: i16 = 1;
/// Jobs that nobody will try again.
pub(super) const BURIED: i16 = 2;
/// The clean-up job that removes the object named by its body.
pub(super) const REMOVE_OBJECT: &str = "remove-object";

/// The short numbers of apps, with the org that the instances carry.
pub(super) type AppNumbers = HashMap<(AppId, String), i32>;

const INSERT_INSTANCES: &str = "insert into instance (party, guid, app, version, changed, created, status, task, due, \
     ended, visible_after, last_event, search_text, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::int4[], $4::int8[], $5::int8[], $6::int8[], $7::int4[], \
     $8::text[], $9::int8[], $10::int8[], $11::int8[], $12::int4[], $13::text[], $14::text[])";

/// Rows that are there and locked are changed by putting them again: that finds each by its key, in its partition. A
/// join with the new values would leave it to the planner which side to read first.
const REWRITE_INSTANCES: &str = "insert into instance (party, guid, app, version, changed, created, status, task, due, \
     ended, visible_after, last_event, search_text, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::int4[], $4::int8[], $5::int8[], $6::int8[], $7::int4[], \
     $8::text[], $9::int8[], $10::int8[], $11::int8[], $12::int4[], $13::text[], $14::text[]) \
     on conflict (party, guid) do update set app = excluded.app, version = excluded.version, \
     changed = excluded.changed, created = excluded.created, status = excluded.status, task = excluded.task, \
     due = excluded.due, ended = excluded.ended, visible_after = excluded.visible_after, \
     last_event = excluded.last_event, search_text = excluded.search_text, doc = excluded.doc";
pub(super) const MOVE_INSTANCES: &str = "insert into instance (party, guid, version, changed, last_event, app, status, search_text, doc) \
     select k.*, 0, 0, '', '' from unnest($1::int4[], $2::uuid[], $3::int8[], $4::int8[], $5::int4[]) as k \
     on conflict (party, guid) do update set version = excluded.version, changed = excluded.changed, \
     last_event = excluded.last_event";

pub(super) const DELETE_INSTANCE: &str = "delete from instance where party = $1 and guid = $2";
pub(super) const DELETE_ITS_ELEMENTS: &str = "delete from element where party = $1 and instance = $2";
pub(super) const DELETE_ITS_BLOBS: &str = "delete from blob where party = $1 and instance = $2";
pub(super) const DELETE_ITS_HISTORY: &str = "delete from event where party = $1 and instance = $2";
const INSERT_TOMBSTONES: &str = "insert into removed (party, guid) select * from unnest($1::int4[], $2::uuid[])";

const INSERT_ELEMENTS: &str = "insert into element (party, instance, guid, position, changed, content, object_key, sha256, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int4[], $5::int8[], $6::int2[], $7::text[], \
     $8::bytea[], $9::text[])";
const REWRITE_ELEMENTS: &str = "insert into element (party, instance, guid, position, changed, content, object_key, sha256, doc) \
     select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int4[], $5::int8[], $6::int2[], $7::text[], \
     $8::bytea[], $9::text[]) \
     on conflict (party, instance, guid) do update set changed = excluded.changed, content = excluded.content, \
     object_key = excluded.object_key, sha256 = excluded.sha256, doc = excluded.doc";
pub(super) const DESCRIBE_ELEMENTS: &str = "insert into element (party, instance, guid, changed, doc, position, content) \
     select k.*, 0, 0 from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[]) as k \
     on conflict (party, instance, guid) do update set changed = excluded.changed, doc = excluded.doc";
pub(super) const DELETE_ELEMENT: &str = "delete from element where party = $1 and instance = $2 and guid = $3";

const PUT_BLOBS: &str = "insert into blob (party, instance, element, size, is_compressed, body) \
     select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::int8[], $5::bool[], $6::bytea[]) \
     on conflict (party, instance, element) do update \
     set size = excluded.size, is_compressed = excluded.is_compressed, body = excluded.body";
pub(super) const DELETE_BLOB: &str = "delete from blob where party = $1 and instance = $2 and element = $3";

const INSERT_EVENTS: &str = "insert into event (party, instance, n, docs) \
     select * from unnest($1::int4[], $2::uuid[], $3::int4[], $4::text[])";
const INSERT_JOBS: &str = "insert into job (id, lane, due, kind, body, attempts) \
     select k.id, k.lane, k.due, k.kind, k.body, 0 \
     from unnest($1::int8[], $2::int2[], $3::int8[], $4::text[], $5::text[]) as k (id, lane, due, kind, body)";

/// The statements that bring the tables to what the sheet says, in an order in which they can be run. `job_ids`: one
/// for each new job, ascending.
pub(super) fn statements<'s>(sheet: &'s Sheet<'_>, apps: &AppNumbers, job_ids: Vec<i64>) -> Vec<Call<'s>> {
    let mut calls = Vec::new();
    calls.extend(removals(sheet));
    calls.extend(instances(sheet, apps));
    calls.extend(elements(sheet));
    calls.extend(events(&sheet.events));
    calls.extend(jobs(&sheet.jobs, job_ids));
    calls
}

/// A statement and its rows, one array of values per column.
struct Rows<'s, R> {
    call: Call<'s>,
    rows: Vec<R>,
}

impl<'s, R> Rows<'s, R> {
    fn new(sql: &'static str, rows: impl IntoIterator<Item = R>) -> Self {
        Self { call: Call::new(sql), rows: rows.into_iter().collect() }
    }

    fn column<V: ToSql + Sync + Send + 's>(mut self, kind: Type, value: impl FnMut(&R) -> V) -> Self {
        let values: Vec<V> = self.rows.iter().map(value).collect();
        self.call = self.call.with(values, kind);
        self
    }

    /// Nothing, when there are no rows.
    fn call(self) -> Option<Call<'s>> {
        (!self.rows.is_empty()).then_some(self.call)
    }
}

/// Removals are few, and each is a statement of its own.
fn removals<'s>(sheet: &'s Sheet<'_>) -> Vec<Call<'s>> {
    let mut calls = Vec::new();
    let mut with_tombstone = Vec::new();
    for (id, entry) in &sheet.entries {
        let Some(removal) = entry.wipe else { continue };
        if entry.is_stored {
            calls.extend([DELETE_INSTANCE, DELETE_ITS_ELEMENTS, DELETE_ITS_BLOBS].map(|sql| keyed(sql, *id)));
        }
        match removal {
            Removal::WithHistory => calls.push(keyed(DELETE_ITS_HISTORY, *id)),
            Removal::KeepHistory => with_tombstone.push(*id),
        }
    }
    let tombstones = Rows::new(INSERT_TOMBSTONES, with_tombstone)
        .column(Type::INT4_ARRAY, |id| id.party.get())
        .column(Type::UUID_ARRAY, |id| id.guid);
    calls.extend(tombstones.call());
    calls
}

fn keyed(sql: &'static str, id: InstanceId) -> Call<'static> {
    Call::new(sql).with(id.party.get(), Type::INT4).with(id.guid, Type::UUID)
}

fn instances<'s>(sheet: &'s Sheet<'_>, apps: &AppNumbers) -> impl Iterator<Item = Call<'s>> {
    let mut new: Vec<(InstanceId, &Live<'_>, &InstanceRow)> = Vec::new();
    let mut rewritten = Vec::new();
    let mut moved = Vec::new();
    for (id, entry) in &sheet.entries {
        let Some(live) = entry.live.as_ref().filter(|live| live.is_changed) else { continue };
        match live.row {
            Some(row) if entry.is_stored && entry.wipe.is_none() => rewritten.push((*id, live, row)),
            Some(row) => new.push((*id, live, row)),
            None => moved.push((*id, live)),
        }
    }
    let whole = |sql, rows: Vec<(InstanceId, &'s Live<'_>, &'s InstanceRow)>| {
        Rows::new(sql, rows)
            .column(Type::INT4_ARRAY, |(id, ..)| id.party.get())
            .column(Type::UUID_ARRAY, |(id, ..)| id.guid)
            .column(Type::INT4_ARRAY, |(_, _, row)| number(apps, row))
            .column(Type::INT8_ARRAY, |(_, live, _)| live.version as i64)
            .column(Type::INT8_ARRAY, |(_, live, _)| live.changed.ticks())
            .column(Type::INT8_ARRAY, |(_, _, row)| ticks(row.created))
            .column(Type::INT4_ARRAY, |(_, _, row)| row.status.bits() as i32)
            .column(Type::TEXT_ARRAY, |(_, _, row)| row.task.as_deref().map(plain))
            .column(Type::INT8_ARRAY, |(_, _, row)| ticks(row.due))
            .column(Type::INT8_ARRAY, |(_, _, row)| ticks(row.ended))
            .column(Type::INT8_ARRAY, |(_, _, row)| ticks(row.visible_after))
            .column(Type::INT4_ARRAY, |(_, live, _)| live.last_event)
            .column(Type::TEXT_ARRAY, |(_, _, row)| plain(&row.search_text))
            .column(Type::TEXT_ARRAY, |(_, _, row)| row.doc.as_str())
            .call()
    };
    let moved = Rows::new(MOVE_INSTANCES, moved)
        .column(Type::INT4_ARRAY, |(id, _)| id.party.get())
        .column(Type::UUID_ARRAY, |(id, _)| id.guid)
        .column(Type::INT8_ARRAY, |(_, live)| live.version as i64)
        .column(Type::INT8_ARRAY, |(_, live)| live.changed.ticks())
        .column(Type::INT4_ARRAY, |(_, live)| live.last_event)
        .call();
    [whole(INSERT_INSTANCES, new), whole(REWRITE_INSTANCES, rewritten), moved].into_iter().flatten()
}

/// An element, whose it is, and its new document with its time.
type PlacedElement<'s> = (InstanceId, &'s Element<'s>, (&'s ElementRow, Option<Time>));

fn elements<'s>(sheet: &'s Sheet<'_>) -> Vec<Call<'s>> {
    let all = || sheet.entries.iter().flat_map(|(id, entry)| entry.elements.iter().map(|element| (*id, element)));
    let with_row = || all().filter_map(|(id, element)| Some((id, element, element.row?)));
    let new = with_row().filter(|(_, element, _)| element.stored.is_none());
    let rewritten = with_row().filter(|(_, element, _)| element.stored.is_some() && element.body.is_some());
    let described = with_row().filter(|(_, element, _)| element.stored.is_some() && element.body.is_none());
    let bodies = all().filter_map(|(id, element)| Some((id, element.guid, element.inline()?)));

    let mut calls = Vec::new();
    for (id, guid, content) in
        sheet.entries.iter().flat_map(|(id, entry)| entry.dropped.iter().map(|(guid, content)| (*id, *guid, content)))
    {
        calls.push(keyed(DELETE_ELEMENT, id).with(guid, Type::UUID));
        calls.extend((*content == Content::Inline).then(|| keyed(DELETE_BLOB, id).with(guid, Type::UUID)));
    }
    let left_inline =
        all().filter(|(_, element)| element.stored == Some(Content::Inline) && element.content != Content::Inline);
    calls.extend(left_inline.map(|(id, element)| keyed(DELETE_BLOB, id).with(element.guid, Type::UUID)));
    let whole = |sql, rows: Vec<PlacedElement<'s>>| {
        Rows::new(sql, rows)
            .column(Type::INT4_ARRAY, |(id, ..)| id.party.get())
            .column(Type::UUID_ARRAY, |(id, ..)| id.guid)
            .column(Type::UUID_ARRAY, |(_, element, _)| element.guid)
            .column(Type::INT4_ARRAY, |(_, element, _)| element.position)
            .column(Type::INT8_ARRAY, |(_, _, (_, changed))| ticks(*changed))
            .column(Type::INT2_ARRAY, |(_, element, _)| element.content.number())
            .column(Type::TEXT_ARRAY, |(_, element, _)| element.content.object())
            .column(Type::BYTEA_ARRAY, |(_, element, _)| sha256(element))
            .column(Type::TEXT_ARRAY, |(_, _, (row, _))| row.doc.as_str())
            .call()
    };
    calls.extend(whole(INSERT_ELEMENTS, new.collect()));
    calls.extend(whole(REWRITE_ELEMENTS, rewritten.collect()));
    let described = Rows::new(DESCRIBE_ELEMENTS, described)
        .column(Type::INT4_ARRAY, |(id, ..)| id.party.get())
        .column(Type::UUID_ARRAY, |(id, ..)| id.guid)
        .column(Type::UUID_ARRAY, |(_, element, _)| element.guid)
        .column(Type::INT8_ARRAY, |(_, _, (_, changed))| ticks(*changed))
        .column(Type::TEXT_ARRAY, |(_, _, (row, _))| row.doc.as_str());
    calls.extend(described.call());
    let bodies = Rows::new(PUT_BLOBS, bodies)
        .column(Type::INT4_ARRAY, |(id, ..)| id.party.get())
        .column(Type::UUID_ARRAY, |(id, ..)| id.guid)
        .column(Type::UUID_ARRAY, |(_, guid, _)| *guid)
        .column(Type::INT8_ARRAY, |(_, _, body)| body.size as i64)
        .column(Type::BOOL_ARRAY, |(_, _, body)| body.is_compressed)
        .column(Type::BYTEA_ARRAY, |(_, _, body)| &body.bytes[..]);
    calls.extend(bodies.call());
    calls
}

fn events<'s>(rows: &'s [NewEvents<'_>]) -> Option<Call<'s>> {
    Rows::new(INSERT_EVENTS, rows)
        .column(Type::INT4_ARRAY, |row| row.id.party.get())
        .column(Type::UUID_ARRAY, |row| row.id.guid)
        .column(Type::INT4_ARRAY, |row| row.n)
        .column(Type::TEXT_ARRAY, |row| row.docs)
        .call()
}

fn jobs<'s>(jobs: &'s [NewJob<'_>], ids: Vec<i64>) -> Option<Call<'s>> {
    let rows = jobs.iter().zip(ids).map(|(job, id)| match job {
        NewJob::Outbox(job) => (id, OUTBOX, job.due, job.kind.as_str(), job.body.as_str()),
        NewJob::RemoveObject(key, since) => (id, CLEAN_UP, *since, REMOVE_OBJECT, key.as_str()),
    });
    Rows::new(INSERT_JOBS, rows)
        .column(Type::INT8_ARRAY, |(id, ..)| *id)
        .column(Type::INT2_ARRAY, |(_, lane, ..)| *lane)
        .column(Type::INT8_ARRAY, |(_, _, due, ..)| due.ticks())
        .column(Type::TEXT_ARRAY, |(_, _, _, kind, _)| plain(kind))
        .column(Type::TEXT_ARRAY, |(_, _, _, _, body)| plain(body))
        .call()
}

/// The app's short number, which the writer has found out before.
fn number(apps: &AppNumbers, row: &InstanceRow) -> Option<i32> {
    // A row without one is refused by the database.
    apps.get(&(row.app.clone(), row.org.clone())).copied()
}

fn sha256<'e>(element: &Element<'e>) -> Option<&'e [u8]> {
    match element.body? {
        PreparedBody::Inline(body) => Some(&body.sha256),
        PreparedBody::Object { sha256, .. } | PreparedBody::Large { sha256, .. } => Some(sha256),
        PreparedBody::Keep => None,
    }
}

fn ticks(time: Option<Time>) -> Option<i64> {
    time.map(Time::ticks)
}
