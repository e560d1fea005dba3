//! How a change becomes rows. Only the writer thread (and bulk filling) has a ledger.

use std::collections::HashMap;
use std::sync::Arc;

use mottak_model::{AppId, Guid, Time};
use mottak_service::ports::{Clock, CommitFailure, Committed, Expect, StoreFailure};
use rusqlite::{Connection, OptionalExtension, params};

use super::objects::ObjectFolder;
use super::prepare::{ElementRow, InstanceRow, Prepared, PreparedBody, PreparedElement};
use crate::rules::{commit_time, failure, moves_instance};

/// Jobs of the store itself.
pub(super) const CLEAN_UP: i64 = 0;
/// Jobs for the outside world.
pub(super) const OUTBOX: i64 = 1;
/// The clean-up job that removes the object named by its body.
pub(super) const DELETE_OBJECT: &str = "delete-object";

const INLINE: i64 = 1;
pub(super) const OBJECT: i64 = 2;

/// The write connection and what the writer remembers between changes.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) connection: Connection,
    pub(super) objects: Arc<ObjectFolder>,
    clock: Arc<dyn Clock>,
    /// The time of the last change that was applied, committed or not: it is never given twice.
    last: Time,
    saved_last: Time,
    apps: HashMap<AppId, i64>,
}

/// What is known of an instance that is about to change.
struct Known {
    row: i64,
    version: u64,
    changed: Time,
}

impl Ledger {
    pub(super) fn new(
        connection: Connection,
        objects: Arc<ObjectFolder>,
        clock: Arc<dyn Clock>,
    ) -> rusqlite::Result<Self> {
        let last = connection
            .query_row("select value from meta where name = 'last-changed'", [], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let last = Time::from_ticks(last);
        Ok(Self { connection, objects, clock, last, saved_last: last, apps: HashMap::new() })
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Begins the transaction of a group of changes.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.run("begin immediate")
    }

    /// Makes the group durable.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        if self.last > self.saved_last {
            self.connection
                .prepare_cached("insert or replace into meta (name, value) values ('last-changed', ?)")?
                .execute([self.last.ticks()])?;
        }
        self.run("commit")?;
        self.saved_last = self.last;
        Ok(())
    }

    /// Undoes the group.
    pub(super) fn roll_back(&mut self) {
        // New apps of the group are undone with it.
        self.apps.clear();
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("rollback")
        {
            tracing::error!(%error, "could not roll back a group of changes");
        }
    }

    /// Runs a statement without parameters and without rows.
    pub(super) fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Applies the change, inside the group's transaction. After a refusal the caller rolls back to its savepoint.
    pub(super) fn apply(&mut self, change: &Prepared) -> Result<Committed, CommitFailure> {
        self.apply_rows(change).map_err(|refusal| match refusal {
            ApplyError::Conflict => CommitFailure::Conflict,
            ApplyError::Failed(cause) => failure(&format!("change instance {}", change.id), cause).into(),
            ApplyError::Sqlite(error) => failure(&format!("change instance {}", change.id), error).into(),
        })
    }

    fn apply_rows(&mut self, change: &Prepared) -> Result<Committed, ApplyError> {
        let known = self.known(change)?;
        if change.expect != known.as_ref().map_or(Expect::Absent, |known| Expect::Version(known.version)) {
            return Err(ApplyError::Conflict);
        }
        let created = change.instance.as_ref().and_then(|row| row.created);
        let changed = commit_time(self.now(), self.last, created);
        let version = known.as_ref().map_or(1, |known| known.version + 1);
        let (instance, is_new) = match (&known, &change.instance) {
            (Some(known), row) => {
                let moves = moves_instance(change.touch, Some(known.changed), created);
                let moved = if moves { changed } else { known.changed };
                match row {
                    Some(row) => self.update_instance(known.row, row, version, moved)?,
                    None => self
                        .connection
                        .prepare_cached("update instance set version = ?, changed = ? where id = ?")?
                        .execute(params![version as i64, moved.ticks(), known.row])
                        .map(drop)?,
                }
                (known.row, false)
            }
            (None, Some(row)) => (self.insert_instance(change, row, version, changed)?, true),
            (None, None) => return Err(ApplyError::Failed("it has no document")),
        };
        let mut places = Places { connection: &self.connection, instance, next: is_new.then_some(0) };
        for element in &change.elements {
            match element {
                PreparedElement::Put(row) => self.put_element(change, row, &mut places, changed)?,
                PreparedElement::Drop(guid) => self.drop_element(change, *guid, instance, changed)?,
            }
        }
        self.append_events(instance, is_new, &change.events)?;
        for job in &change.jobs {
            self.add_job(OUTBOX, job.due, &job.kind, &job.body)?;
        }
        self.last = changed;
        Ok(Committed { version, changed })
    }

    fn known(&self, change: &Prepared) -> rusqlite::Result<Option<Known>> {
        self.connection
            .prepare_cached("select id, version, changed from instance where guid = ? and party = ?")?
            .query_row(params![change.id.guid.as_bytes(), change.id.party.get()], |row| {
                Ok(Known {
                    row: row.get(0)?,
                    version: row.get::<_, i64>(1)? as u64,
                    changed: Time::from_ticks(row.get(2)?),
                })
            })
            .optional()
    }

    fn insert_instance(
        &mut self,
        change: &Prepared,
        row: &InstanceRow,
        version: u64,
        changed: Time,
    ) -> rusqlite::Result<i64> {
        let app = self.app(&row.app)?;
        self.connection
            .prepare_cached(
                "insert into instance (app, org, version, changed, created, status, task, due, ended, visible_after, \
                 doc, party, guid) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .insert(params![
                app,
                row.org,
                version as i64,
                changed.ticks(),
                ticks(row.created),
                row.status.bits(),
                row.task,
                ticks(row.due),
                ticks(row.ended),
                ticks(row.visible_after),
                row.doc,
                change.id.party.get(),
                change.id.guid.as_bytes(),
            ])
    }

    fn update_instance(&mut self, id: i64, row: &InstanceRow, version: u64, changed: Time) -> rusqlite::Result<()> {
        let app = self.app(&row.app)?;
        self.connection
            .prepare_cached(
                "update instance set app = ?, org = ?, version = ?, changed = ?, created = ?, status = ?, task = ?, \
                 due = ?, ended = ?, visible_after = ?, doc = ? where id = ?",
            )?
            .execute(params![
                app,
                row.org,
                version as i64,
                changed.ticks(),
                ticks(row.created),
                row.status.bits(),
                row.task,
                ticks(row.due),
                ticks(row.ended),
                ticks(row.visible_after),
                row.doc,
                id,
            ])
            .map(drop)
    }

    /// The short number of an app, given on first use.
    fn app(&mut self, app: &AppId) -> rusqlite::Result<i64> {
        if let Some(id) = self.apps.get(app) {
            return Ok(*id);
        }
        let known = self
            .connection
            .prepare_cached("select id from app where name = ?")?
            .query_row([app.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            // A new app is remembered only when it is found again: its first change may yet be undone.
            self.apps.insert(app.clone(), id);
            return Ok(id);
        }
        self.connection.prepare_cached("insert into app (name) values (?)")?.insert([app.as_str()])
    }

    fn put_element(
        &self,
        change: &Prepared,
        row: &ElementRow,
        places: &mut Places<'_>,
        changed: Time,
    ) -> Result<(), ApplyError> {
        if let PreparedBody::Object { key } = &row.body
            && !self.objects.contains(key)
        {
            return Err(ApplyError::Failed("a staged body is gone"));
        }
        let moved = if row.touch { Some(changed) } else { row.changed };
        let id = match self.element(change, row.guid)? {
            Some(old) if old.instance != places.instance => {
                return Err(ApplyError::Failed("a data element belongs to another instance"));
            }
            Some(old) => {
                self.connection
                    .prepare_cached("update element set changed = ?, doc = ? where id = ?")?
                    .execute(params![ticks(moved), row.doc, old.row])?;
                if !matches!(row.body, PreparedBody::Keep) {
                    self.release(&old, row.body.object_key(), changed)?;
                }
                old.row
            }
            None => {
                let position = places.take()?;
                let (party, guid) = (change.id.party.get(), row.guid.as_bytes());
                self.connection
                    .prepare_cached(
                        "insert into element (party, guid, instance, position, changed, blob, doc) \
                         values (?, ?, ?, ?, ?, 0, ?)",
                    )?
                    .insert(params![party, guid, places.instance, position, ticks(moved), row.doc])?
            }
        };
        self.put_body(id, &row.body)
    }

    fn put_body(&self, element: i64, body: &PreparedBody) -> Result<(), ApplyError> {
        match body {
            PreparedBody::Keep => {}
            PreparedBody::Large(_) => return Err(ApplyError::Failed("a large body was not staged")),
            PreparedBody::Inline(inline) => {
                self.connection
                    .prepare_cached("insert or replace into blob (id, size, is_compressed, body) values (?, ?, ?, ?)")?
                    .execute(params![element, inline.size as i64, inline.is_compressed, &inline.bytes[..]])?;
                self.connection
                    .prepare_cached("update element set blob = ?, object_key = null where id = ?")?
                    .execute([INLINE, element])?;
            }
            PreparedBody::Object { key } => {
                self.connection
                    .prepare_cached("update element set blob = ?, object_key = ? where id = ?")?
                    .execute(params![OBJECT, key, element])?;
            }
        }
        Ok(())
    }

    fn drop_element(&self, change: &Prepared, guid: Guid, instance: i64, changed: Time) -> Result<(), ApplyError> {
        if let Some(old) = self.element(change, guid)?.filter(|old| old.instance == instance) {
            self.release(&old, None, changed)?;
            self.connection.prepare_cached("delete from element where id = ?")?.execute([old.row])?;
        }
        Ok(())
    }

    /// Lets go of an element's content, unless it is the object that it shall have again.
    fn release(&self, old: &KnownElement, keep: Option<&str>, changed: Time) -> Result<(), ApplyError> {
        match (&old.object_key, old.blob) {
            (Some(key), _) if keep != Some(key) => self.add_job(CLEAN_UP, changed, DELETE_OBJECT, key)?,
            (None, INLINE) => {
                self.connection.prepare_cached("delete from blob where id = ?")?.execute([old.row])?;
            }
            _ => {}
        }
        Ok(())
    }

    fn element(&self, change: &Prepared, guid: Guid) -> rusqlite::Result<Option<KnownElement>> {
        self.connection
            .prepare_cached("select id, instance, blob, object_key from element where party = ? and guid = ?")?
            .query_row(params![change.id.party.get(), guid.as_bytes()], |row| {
                Ok(KnownElement { row: row.get(0)?, instance: row.get(1)?, blob: row.get(2)?, object_key: row.get(3)? })
            })
            .optional()
    }

    fn append_events(&self, instance: i64, is_new: bool, events: &[String]) -> rusqlite::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let last: i64 = if is_new {
            0
        } else {
            self.connection
                .prepare_cached("select coalesce(max(n), 0) from event where instance = ?")?
                .query_row([instance], |row| row.get(0))?
        };
        let mut insert = self.connection.prepare_cached("insert into event (instance, n, doc) values (?, ?, ?)")?;
        for (n, doc) in (last + 1..).zip(events) {
            insert.execute(params![instance, n, doc])?;
        }
        Ok(())
    }

    fn add_job(&self, lane: i64, due: Time, kind: &str, body: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("insert into job (lane, due, kind, body) values (?, ?, ?, ?)")?
            .execute(params![lane, due.ticks(), kind, body])
            .map(drop)
    }
}

struct KnownElement {
    row: i64,
    instance: i64,
    blob: i64,
    object_key: Option<String>,
}

/// Gives new elements their positions: the order of creation.
struct Places<'a> {
    connection: &'a Connection,
    instance: i64,
    next: Option<i64>,
}

impl Places<'_> {
    fn take(&mut self) -> rusqlite::Result<i64> {
        let place = match self.next {
            Some(next) => next,
            None => self
                .connection
                .prepare_cached("select coalesce(max(position), -1) + 1 from element where instance = ?")?
                .query_row([self.instance], |row| row.get(0))?,
        };
        self.next = Some(place + 1);
        Ok(place)
    }
}

enum ApplyError {
    Conflict,
    Failed(&'static str),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for ApplyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl PreparedBody {
    fn object_key(&self) -> Option<&str> {
        match self {
            Self::Object { key } => Some(key),
            _ => None,
        }
    }
}

fn ticks(time: Option<Time>) -> Option<i64> {
    time.map(Time::ticks)
}

/// Names what was attempted on a failed statement.
pub(super) fn attempted(attempt: &str) -> impl Fn(rusqlite::Error) -> StoreFailure {
    move |error| failure(attempt, error)
}
