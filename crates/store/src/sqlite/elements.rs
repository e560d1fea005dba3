//! How the data elements of an instance become rows, and where they are: side by side, in order of creation.

use mottak_model::{Guid, Time};
use rusqlite::{Connection, params};

use super::ledger::{ApplyError, CLEAN_UP, DELETE_OBJECT, Ledger, ticks};
use crate::prepare::{ElementRow, PreparedBody};

pub(super) const NONE: i64 = 0;
pub(super) const INLINE: i64 = 1;
pub(super) const OBJECT: i64 = 2;

/// The elements of an instance while it is changed.
pub(super) struct Elements {
    instance: i64,
    /// In order of creation.
    known: Vec<KnownElement>,
}

struct KnownElement {
    id: i64,
    guid: Guid,
    content: i64,
    object_key: Option<String>,
}

impl Elements {
    /// Those of a stored instance.
    pub(super) fn of(connection: &Connection, instance: i64) -> rusqlite::Result<Self> {
        let known = connection
            .prepare_cached("select id, guid, content, object_key from element where id between ? and ? order by id")?
            .query_map([first_element(instance), last_element(instance)], |row| {
                Ok(KnownElement {
                    id: row.get(0)?,
                    guid: Guid::from_bytes(row.get(1)?),
                    content: row.get(2)?,
                    object_key: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { instance, known })
    }

    /// A new instance has none.
    pub(super) fn of_new(instance: i64) -> Self {
        Self { instance, known: Vec::new() }
    }

    fn find(&mut self, guid: Guid) -> Option<&mut KnownElement> {
        self.known.iter_mut().find(|element| element.guid == guid)
    }

    /// The id of an element that is created now: after all others.
    fn next_id(&self) -> Result<i64, ApplyError> {
        let id = self.known.last().map_or(first_element(self.instance), |last| last.id + 1);
        if id > last_element(self.instance) {
            return Err(ApplyError::Failed("it has as many data elements as it can have"));
        }
        Ok(id)
    }
}

/// Ids of elements per instance.
const PLACES: i64 = 1 << 20;

/// The id of an instance's first element.
pub(super) const fn first_element(instance: i64) -> i64 {
    instance * PLACES
}

/// The largest id that an element of the instance can have.
pub(super) const fn last_element(instance: i64) -> i64 {
    instance * PLACES + (PLACES - 1)
}

impl Ledger {
    /// Makes the element as it shall be, at its place or after all others.
    pub(super) fn put_element(
        &self,
        row: &ElementRow,
        elements: &mut Elements,
        changed: Time,
    ) -> Result<(), ApplyError> {
        let (content, object_key, sha256) = match &row.body {
            PreparedBody::Keep => (NONE, None, None),
            PreparedBody::Inline(body) => (INLINE, None, Some(&body.sha256)),
            PreparedBody::Object { key, .. } if self.doomed.contains(key) || self.objects.lacks(key) => {
                return Err(ApplyError::Failed("a staged body is gone"));
            }
            PreparedBody::Object { key, sha256 } => (OBJECT, Some(key), Some(sha256)),
            PreparedBody::Large { .. } => return Err(ApplyError::Failed("a large body was not staged")),
        };
        let moved = ticks(if row.touch { Some(changed) } else { row.changed });
        let id = match elements.find(row.guid) {
            Some(old) if matches!(row.body, PreparedBody::Keep) => {
                return self
                    .connection
                    .prepare_cached("update element set changed = ?, doc = ? where id = ?")?
                    .execute(params![moved, row.doc, old.id])
                    .map(drop)
                    .map_err(ApplyError::Sqlite);
            }
            Some(old) => {
                self.connection
                    .prepare_cached(
                        "update element set changed = ?, doc = ?, content = ?, object_key = ?, sha256 = ? where id = ?",
                    )?
                    .execute(params![moved, row.doc, content, object_key, sha256, old.id])?;
                self.release(old, content, object_key.map(String::as_str), changed)?;
                (old.content, old.object_key) = (content, object_key.cloned());
                old.id
            }
            None => {
                let id = elements.next_id()?;
                self.connection
                    .prepare_cached(
                        "insert into element (id, guid, changed, content, object_key, sha256, doc) \
                         values (?, ?, ?, ?, ?, ?, ?)",
                    )?
                    .execute(params![id, row.guid.as_bytes(), moved, content, object_key, sha256, row.doc])?;
                elements.known.push(KnownElement { id, guid: row.guid, content, object_key: object_key.cloned() });
                id
            }
        };
        if let PreparedBody::Inline(body) = &row.body {
            self.connection
                .prepare_cached("insert or replace into blob (id, size, is_compressed, body) values (?, ?, ?, ?)")?
                .execute(params![id, body.size as i64, body.is_compressed, &body.bytes[..]])?;
        }
        Ok(())
    }

    /// Removes the element and its content, if the instance has it.
    pub(super) fn drop_element(&self, guid: Guid, elements: &mut Elements, changed: Time) -> Result<(), ApplyError> {
        if let Some(place) = elements.known.iter().position(|element| element.guid == guid) {
            let old = elements.known.remove(place);
            self.release(&old, NONE, None, changed)?;
            self.connection.prepare_cached("delete from element where id = ?")?.execute([old.id])?;
        }
        Ok(())
    }

    /// Removes all elements of an instance and their content.
    pub(super) fn drop_all_elements(&self, mut elements: Elements, changed: Time) -> Result<(), ApplyError> {
        while let Some(guid) = elements.known.last().map(|element| element.guid) {
            self.drop_element(guid, &mut elements, changed)?;
        }
        Ok(())
    }

    /// Lets go of an element's old content, unless the new one takes its place or is the same object.
    fn release(&self, old: &KnownElement, new: i64, new_object: Option<&str>, changed: Time) -> rusqlite::Result<()> {
        match &old.object_key {
            Some(key) if new_object != Some(key) => self.add_job(CLEAN_UP, changed, DELETE_OBJECT, key),
            None if old.content == INLINE && new != INLINE => {
                self.connection.prepare_cached("delete from blob where id = ?")?.execute([old.id]).map(drop)
            }
            _ => Ok(()),
        }
    }
}
