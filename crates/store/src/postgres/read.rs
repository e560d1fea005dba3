//! Point reads: one instance, one body, one history. Each is one statement, so one moment, and touches one shard.

use bytes::Bytes;
use mottak_model::{DataElement, Guid, Instance, InstanceEvent, InstanceId, PartyId, Time};
use mottak_service::ports::{Sha256, Snapshot, StoreFailure};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::link::{Call, Link};
use super::sheet::Content;
use crate::prepare::restore;
use crate::rules::failure;

/// The instance, place 0, and its elements, each at its own. So the instance's document travels once.
pub(super) const LOAD: &str = "select 0 as place, version, changed, doc from instance where party = $1 and guid = $2 \
     union all select position, null, changed, doc from element where party = $1 and instance = $2";
const FIND: &str = "select party from instance where guid = $1";
pub(super) const BODY: &str = "select e.content, e.object_key, e.sha256, b.size, b.is_compressed, b.body, e.changed, e.doc \
     from element e left join blob b on b.party = $1 and b.instance = $2 and b.element = $3 \
     where e.party = $1 and e.instance = $2 and e.guid = $3";
pub(super) const EVENTS: &str = "select n, docs from event where party = $1 and instance = $2";

/// The instance with its elements.
pub(super) async fn load(link: &Link, id: InstanceId) -> Result<Option<Snapshot>, StoreFailure> {
    let attempt = format!("load instance {id}");
    let mut rows = link.query(&attempt, &keyed(LOAD, id)).await?;
    rows.sort_by_key(|row| row.try_get::<_, i32>(0).unwrap_or(0));
    let Some((first, elements)) = rows.split_first() else { return Ok(None) };
    // Elements alone are those of an instance that is being made or removed by a damaged hand.
    let Some(version) = get::<Option<i64>>(first, 1, &attempt)? else { return Ok(None) };
    let mut instance = instance(first, 2, 3, &attempt)?;
    for row in elements {
        instance.data.push(element(row, 2, 3, &attempt)?);
    }
    Ok(Some(Snapshot { instance, version: version as u64 }))
}

/// The instance with this guid.
pub(super) async fn find(link: &Link, guid: Guid) -> Result<Option<InstanceId>, StoreFailure> {
    let attempt = format!("find instance {guid}");
    let rows = link.query(&attempt, &Call::new(FIND).with(guid, Type::UUID)).await?;
    rows.first().map(|row| Ok(InstanceId::new(PartyId::new(get(row, 0, &attempt)?), guid))).transpose()
}

/// An element, where its content is, and the checksum of that.
pub(super) struct ContentRow {
    pub(super) element: DataElement,
    pub(super) sha256: Option<Sha256>,
    pub(super) place: Place,
}

/// Where a content is.
pub(super) enum Place {
    Inline(Bytes),
    Object(String),
}

/// Where the content of the element is, or the content itself when it is a row.
pub(super) async fn body(link: &Link, instance: InstanceId, guid: Guid) -> Result<Option<ContentRow>, StoreFailure> {
    let attempt = format!("read the body of data element {guid}");
    let rows = link.query(&attempt, &keyed(BODY, instance).with(guid, Type::UUID)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let sha256 = get::<Option<&[u8]>>(row, 2, &attempt)?.and_then(|sum| sum.try_into().ok());
    let place = match Content::of(get(row, 0, &attempt)?, get(row, 1, &attempt)?) {
        Content::None => return Ok(None),
        Content::Object(key) => Place::Object(key),
        Content::Inline => {
            let size = usize::try_from(get::<i64>(row, 3, &attempt)?).map_err(|error| failure(&attempt, error))?;
            Place::Inline(restore(size, get(row, 4, &attempt)?, get(row, 5, &attempt)?)?)
        }
    };
    let element = element(row, 6, 7, &attempt)?;
    Ok(Some(ContentRow { element, sha256, place }))
}

/// The history of the instance, also when the instance is gone.
pub(super) async fn events(link: &Link, id: InstanceId) -> Result<Vec<InstanceEvent>, StoreFailure> {
    let attempt = format!("load the events of instance {id}");
    let mut rows = link.query(&attempt, &keyed(EVENTS, id)).await?;
    rows.sort_by_key(|row| row.try_get::<_, i32>(0).unwrap_or(0));
    let mut events = Vec::new();
    for row in &rows {
        events.extend(document::<Vec<InstanceEvent>>(row, 1, &attempt)?);
    }
    Ok(events)
}

fn keyed(sql: &'static str, id: InstanceId) -> Call<'static> {
    Call::new(sql).with(id.party.get(), Type::INT4).with(id.guid, Type::UUID)
}

/// The instance in a row; `changed` and `doc` are the numbers of the columns.
pub(super) fn instance(row: &Row, changed: usize, doc: usize, attempt: &str) -> Result<Instance, StoreFailure> {
    let mut instance: Instance = document(row, doc, attempt)?;
    instance.last_changed = Some(Time::from_ticks(get(row, changed, attempt)?));
    Ok(instance)
}

/// The element in a row.
pub(super) fn element(row: &Row, changed: usize, doc: usize, attempt: &str) -> Result<DataElement, StoreFailure> {
    let mut element: DataElement = document(row, doc, attempt)?;
    element.last_changed = get::<Option<i64>>(row, changed, attempt)?.map(Time::from_ticks);
    Ok(element)
}

fn document<T: DeserializeOwned>(row: &Row, column: usize, attempt: &str) -> Result<T, StoreFailure> {
    // The position of the damage is told, never the content.
    serde_json::from_str(get(row, column, attempt)?).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        failure(attempt, format!("a stored document is damaged: {kind:?} at line {line} column {column}"))
    })
}

/// A column as it must be.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize, attempt: &str) -> Result<T, StoreFailure> {
    row.try_get(column)
        .map_err(|_| failure(attempt, format!("column {column} of the answer is not what was asked for")))
}
