//! Point reads: one instance, one body, one history.

use bytes::Bytes;
use mottak_model::{DataElement, Guid, Instance, InstanceEvent, InstanceId, PartyId, Time};
use mottak_service::ports::{Sha256, Snapshot, StoreFailure};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::elements::OBJECT;
use super::ledger::attempted;
use crate::prepare::restore;
use crate::rules::failure;

/// An instance and its elements: see `elements` for how their ids hang together.
const LOAD: &str = "select i.version, i.changed, i.doc, e.changed, e.doc from instance i \
                    left join element e on e.id between i.id * 1048576 and i.id * 1048576 + 1048575 \
                    where i.guid = ? and i.party = ? order by e.id";

/// The content of one element of an instance.
const BODY: &str = "select e.content, e.object_key, e.sha256, b.size, b.is_compressed, b.body, e.changed, e.doc \
                    from instance i join element e on e.id between i.id * 1048576 and i.id * 1048576 + 1048575 \
                    left join blob b on b.id = e.id where i.guid = ? and i.party = ? and e.guid = ?";

/// An element, where its content is, and the checksum of that.
pub(super) struct ContentRow {
    pub(super) element: DataElement,
    pub(super) sha256: Option<Sha256>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Inline(Bytes),
    Object(String),
}

/// The instance with its elements, by one statement: one moment.
pub(super) fn load(connection: &Connection, id: InstanceId) -> Result<Option<Snapshot>, StoreFailure> {
    let attempt = format!("load instance {id}");
    let failed = attempted(&attempt);
    let mut statement = connection.prepare_cached(LOAD).map_err(&failed)?;
    let mut rows = statement.query(params![id.guid.as_bytes(), id.party.get()]).map_err(&failed)?;
    let mut snapshot: Option<Snapshot> = None;
    while let Some(row) = rows.next().map_err(&failed)? {
        let snapshot = match &mut snapshot {
            Some(snapshot) => snapshot,
            None => snapshot.insert(Snapshot {
                version: row.get::<_, i64>(0).map_err(&failed)? as u64,
                instance: instance(row, 1, 2, &attempt)?,
            }),
        };
        snapshot.instance.data.extend(element(row, 3, 4, &attempt)?);
    }
    Ok(snapshot)
}

/// Why a row did not become a value.
pub(super) enum Unreadable {
    /// What is stored is no such document.
    Damaged(StoreFailure),
    Failed(StoreFailure),
}

impl From<Unreadable> for StoreFailure {
    fn from(unreadable: Unreadable) -> Self {
        let (Unreadable::Damaged(failure) | Unreadable::Failed(failure)) = unreadable;
        failure
    }
}

impl From<StoreFailure> for Unreadable {
    fn from(failure: StoreFailure) -> Self {
        Self::Failed(failure)
    }
}

/// The instance in a row; `changed` and `doc` are the numbers of the columns.
pub(super) fn instance(row: &Row<'_>, changed: usize, doc: usize, attempt: &str) -> Result<Instance, Unreadable> {
    let missing = || Unreadable::Damaged(failure(attempt, "there is no document"));
    let mut instance: Instance = document(row, doc, attempt)?.ok_or_else(missing)?;
    instance.last_changed = Some(Time::from_ticks(row.get(changed).map_err(attempted(attempt))?));
    Ok(instance)
}

/// The element in a row, if the row has one.
pub(super) fn element(
    row: &Row<'_>,
    changed: usize,
    doc: usize,
    attempt: &str,
) -> Result<Option<DataElement>, Unreadable> {
    let Some(mut element) = document::<DataElement>(row, doc, attempt)? else { return Ok(None) };
    element.last_changed = row.get::<_, Option<i64>>(changed).map_err(attempted(attempt))?.map(Time::from_ticks);
    Ok(Some(element))
}

fn document<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    attempt: &str,
) -> Result<Option<T>, Unreadable> {
    let damaged =
        |cause: String| Unreadable::Damaged(failure(attempt, format!("a stored document is damaged: {cause}")));
    let value = row.get_ref(column).map_err(attempted(attempt))?;
    let Some(text) = value.as_str_or_null().map_err(|error| damaged(error.to_string()))? else { return Ok(None) };
    // The position of the damage is told, never the content.
    serde_json::from_str(text)
        .map(Some)
        .map_err(|error| damaged(format!("{:?} at line {} column {}", error.classify(), error.line(), error.column())))
}

/// The instance with this guid.
pub(super) fn find(connection: &Connection, guid: Guid) -> Result<Option<InstanceId>, StoreFailure> {
    let attempt = format!("find instance {guid}");
    let failed = attempted(&attempt);
    connection
        .prepare_cached("select party from instance where guid = ?")
        .map_err(&failed)?
        .query_row([guid.as_bytes()], |row| Ok(InstanceId::new(PartyId::new(row.get(0)?), guid)))
        .optional()
        .map_err(&failed)
}

/// Where the content of the element is, or the content itself when it is a row.
pub(super) fn body(
    connection: &Connection,
    instance: InstanceId,
    guid: Guid,
) -> Result<Option<ContentRow>, StoreFailure> {
    let attempt = format!("read the body of data element {guid}");
    let failed = attempted(&attempt);
    let mut statement = connection.prepare_cached(BODY).map_err(&failed)?;
    let mut rows =
        statement.query(params![instance.guid.as_bytes(), instance.party.get(), guid.as_bytes()]).map_err(&failed)?;
    let Some(row) = rows.next().map_err(&failed)? else { return Ok(None) };
    let Some(element) = element(row, 6, 7, &attempt)? else { return Ok(None) };
    let content = match row.get::<_, i64>(0).map_err(&failed)? {
        0 => return Ok(None),
        OBJECT => Content::Object(row.get(1).map_err(&failed)?),
        _ => {
            let size = row.get::<_, i64>(3).map_err(&failed)? as usize;
            let is_compressed = row.get(4).map_err(&failed)?;
            let stored = row.get_ref(5).map_err(&failed)?.as_bytes().map_err(|error| failure(&attempt, error))?;
            Content::Inline(restore(size, is_compressed, stored)?)
        }
    };
    Ok(Some(ContentRow { element, sha256: row.get(2).map_err(&failed)?, content }))
}

/// The history of the instance.
pub(super) fn events(connection: &Connection, id: InstanceId) -> Result<Vec<InstanceEvent>, StoreFailure> {
    let attempt = format!("load the events of instance {id}");
    let failed = attempted(&attempt);
    let mut statement = connection
        .prepare_cached(
            "with recursive history (id, previous, docs) as ( \
             select e.id, e.previous, e.docs from ( \
             select last_event from instance where guid = ?1 and party = ?2 \
             union all select last_event from removed_instance where guid = ?1 and party = ?2) i \
             join event e on e.id = i.last_event \
             union all select e.id, e.previous, e.docs from history h join event e on e.id = h.previous) \
             select docs from history order by id",
        )
        .map_err(&failed)?;
    let mut rows = statement.query(params![id.guid.as_bytes(), id.party.get()]).map_err(&failed)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        events.extend(document::<Vec<InstanceEvent>>(row, 0, &attempt)?.into_iter().flatten());
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::super::migrate::migrate;
    use super::*;

    #[test]
    fn an_instance_is_found_by_its_guid_and_its_elements_by_their_place_beside_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        for sql in [LOAD, BODY] {
            let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
            let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
            let lines = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
            let plan = lines.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ");
            assert!(plan.contains("SEARCH i USING INDEX instance_by_guid (guid=?)"), "{plan}");
            assert!(plan.contains("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
        }
    }
}
