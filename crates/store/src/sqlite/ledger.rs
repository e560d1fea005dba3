//! How a change becomes rows. Only the writer thread (and bulk filling) has a ledger.

use std::collections::{HashMap, HashSet};
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mottak_model::{AppId, Time};
use mottak_service::ports::{Clock, CommitFailure, Committed, Expect, Job, Removal, StoreFailure};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OptionalExtension, params};

use super::elements::Elements;
use crate::objects::Objects;
use crate::prepare::{InstanceRow, Prepared, PreparedElement};
use crate::rules::{commit_time, failure, moves_instance};

/// Jobs of the store itself.
pub(super) const CLEAN_UP: i64 = 0;
/// Jobs for the outside world.
pub(super) const OUTBOX: i64 = 1;
/// Jobs that were given up.
pub(super) const BURIED: i64 = 2;
/// The clean-up job that removes the object named by its body.
pub(super) const DELETE_OBJECT: &str = "delete-object";

/// Pages of the write-ahead log between two copies to the file: 32 MB. Pages that change often are copied once for many
/// changes, so fewer copies are less work; but a copy delays the next commit.
const CHECKPOINT_PAGES: usize = 8_000;

/// The write connection and what the writer remembers between changes.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) connection: Connection,
    pub(super) objects: Arc<dyn Objects>,
    /// Keys of objects that are being removed: no change can name them any more.
    pub(super) doomed: HashSet<String>,
    clock: Arc<dyn Clock>,
    /// The time of the last change that was applied, committed or not: it is never given twice.
    last: Time,
    saved_last: Time,
    /// Pages in the write-ahead log after the last commit.
    log_pages: Arc<AtomicUsize>,
    /// Of these, the pages that were there when the log was last copied to the file.
    copied_pages: usize,
    /// Short numbers, with the org that the instances carry.
    apps: HashMap<AppId, (String, i64)>,
}

/// What is known of an instance that is about to change.
struct Known {
    row: i64,
    version: u64,
    keys: SearchKeys,
    last_event: Option<i64>,
}

/// The columns that are keys of indexes, besides the guid and the party. An update that leaves them alone writes to no
/// index.
#[derive(Clone, Debug, PartialEq)]
struct SearchKeys {
    app: i64,
    changed: i64,
    created: Option<i64>,
    status: i64,
    task: Option<String>,
    due: Option<i64>,
    ended: Option<i64>,
    visible_after: Option<i64>,
}

impl Ledger {
    pub(super) fn new(
        mut connection: Connection,
        objects: Arc<dyn Objects>,
        clock: Arc<dyn Clock>,
    ) -> rusqlite::Result<Self> {
        let log_pages = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&log_pages);
        // Takes the place of SQLite's own checkpoint at the end of a commit.
        connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
            counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let last = connection
            .query_row("select value from meta where name = 'last-changed'", [], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let last = Time::from_ticks(last);
        let apps = HashMap::new();
        let doomed = HashSet::new();
        Ok(Self { connection, objects, doomed, clock, last, saved_last: last, log_pages, copied_pages: 0, apps })
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

    /// Copies the write-ahead log to the file when it has grown enough since the last time. The log begins anew
    /// after that, unless somebody still reads from it.
    pub(super) fn checkpoint_if_due(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.copied_pages {
            self.copied_pages = 0;
        }
        if pages - self.copied_pages < CHECKPOINT_PAGES {
            return;
        }
        self.copied_pages = pages;
        if let Err(error) = self.connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())) {
            tracing::warn!(%error, "could not copy the write-ahead log to the database");
        }
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

    /// Applies the change, inside the group's transaction. A conflict has written nothing; after another refusal
    /// the caller undoes what was written.
    pub(super) fn apply(&mut self, change: &Prepared) -> Result<Committed, CommitFailure> {
        self.apply_rows(change).map_err(|refusal| match refusal {
            ApplyError::Conflict => CommitFailure::Conflict,
            ApplyError::Failed(cause) => failure(&format!("change instance {}", change.id), cause).into(),
            ApplyError::Sqlite(error) => failure(&format!("change instance {}", change.id), error).into(),
        })
    }

    fn apply_rows(&mut self, change: &Prepared) -> Result<Committed, ApplyError> {
        let known = self.expected(change)?;
        if let (Some(removal), Some(known)) = (change.removal, &known) {
            return self.remove_instance(change, known, removal);
        }
        let known = known.as_ref();
        let created = change.instance.as_ref().and_then(|row| row.created);
        let changed = commit_time(self.now(), self.last, created);
        let version = known.map_or(1, |known| known.version + 1);
        let last_event = self.append_events(known.and_then(|known| known.last_event), change.events.as_deref())?;
        let instance = match (known, &change.instance) {
            (Some(known), row) => {
                let stored = Some(Time::from_ticks(known.keys.changed));
                let moved = moves_instance(change.touch, stored, created).then_some(changed);
                self.update_instance(known, row.as_ref(), moved, version, last_event)?;
                known.row
            }
            (None, Some(row)) => self.insert_instance(change, row, version, changed, last_event)?,
            (None, None) => return Err(ApplyError::Failed("it has no document")),
        };
        if !change.elements.is_empty() {
            let mut elements = match known {
                Some(_) => Elements::of(&self.connection, instance)?,
                None => Elements::of_new(instance),
            };
            for element in &change.elements {
                match element {
                    PreparedElement::Put(row) => self.put_element(row, &mut elements, changed)?,
                    PreparedElement::Drop(guid) => self.drop_element(*guid, &mut elements, changed)?,
                }
            }
        }
        self.add_jobs(&change.jobs)?;
        self.last = changed;
        Ok(Committed { version, changed })
    }

    fn remove_instance(&mut self, change: &Prepared, known: &Known, removal: Removal) -> Result<Committed, ApplyError> {
        let changed = commit_time(self.now(), self.last, None);
        self.drop_all_elements(Elements::of(&self.connection, known.row)?, changed)?;
        self.connection.prepare_cached("delete from instance where id = ?")?.execute([known.row])?;
        match removal {
            Removal::KeepHistory => {
                self.connection
                    .prepare_cached("insert into removed_instance (guid, party, last_event) values (?, ?, ?)")?
                    .execute(params![change.id.guid.as_bytes(), change.id.party.get(), known.last_event])?;
            }
            Removal::WithHistory => {
                self.connection
                    .prepare_cached(
                        "delete from event where id in (with recursive history (id, previous) as ( \
                         select id, previous from event where id = ? \
                         union all select e.id, e.previous from history h join event e on e.id = h.previous) \
                         select id from history)",
                    )?
                    .execute([known.last_event])?;
            }
        }
        self.add_jobs(&change.jobs)?;
        self.last = changed;
        Ok(Committed { version: known.version + 1, changed })
    }

    fn add_jobs(&self, jobs: &[Job]) -> rusqlite::Result<()> {
        jobs.iter().try_for_each(|job| self.add_job(OUTBOX, job.due, &job.kind, &job.body))
    }

    /// The instance as the change expects it; `None` when it shall be new.
    fn expected(&self, change: &Prepared) -> Result<Option<Known>, ApplyError> {
        let found = self
            .connection
            .prepare_cached(
                "select party, id, version, last_event, app, changed, created, status, task, due, ended, \
                 visible_after from instance where guid = ?",
            )?
            .query_row([change.id.guid.as_bytes()], |row| {
                let known = Known {
                    row: row.get(1)?,
                    version: row.get::<_, i64>(2)? as u64,
                    last_event: row.get(3)?,
                    keys: SearchKeys {
                        app: row.get(4)?,
                        changed: row.get(5)?,
                        created: row.get(6)?,
                        status: row.get(7)?,
                        task: row.get(8)?,
                        due: row.get(9)?,
                        ended: row.get(10)?,
                        visible_after: row.get(11)?,
                    },
                };
                Ok((row.get::<_, i32>(0)?, known))
            })
            .optional()?;
        match (change.expect, found) {
            (Expect::Absent, None) if !self.was_removed(change)? => Ok(None),
            (Expect::Version(version), Some((party, known)))
                if party == change.id.party.get() && version == known.version =>
            {
                Ok(Some(known))
            }
            _ => Err(ApplyError::Conflict),
        }
    }

    /// Whether there was such an instance whose history is still here.
    fn was_removed(&self, change: &Prepared) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("select exists (select 1 from removed_instance where guid = ?)")?
            .query_row([change.id.guid.as_bytes()], |row| row.get(0))
    }

    fn insert_instance(
        &mut self,
        change: &Prepared,
        row: &InstanceRow,
        version: u64,
        changed: Time,
        last_event: Option<i64>,
    ) -> rusqlite::Result<i64> {
        let app = self.app(&row.app, &row.org)?;
        self.connection
            .prepare_cached(
                "insert into instance (guid, party, app, version, changed, created, status, task, due, ended, \
                 visible_after, last_event, doc, search_text) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .insert(params![
                change.id.guid.as_bytes(),
                change.id.party.get(),
                app,
                version as i64,
                changed.ticks(),
                ticks(row.created),
                row.status.bits(),
                row.task,
                ticks(row.due),
                ticks(row.ended),
                ticks(row.visible_after),
                last_event,
                row.doc,
                row.search_text,
            ])
    }

    /// `moved`: the time that the instance's `lastChanged` moves to, if it does.
    fn update_instance(
        &mut self,
        known: &Known,
        row: Option<&InstanceRow>,
        moved: Option<Time>,
        version: u64,
        last_event: Option<i64>,
    ) -> rusqlite::Result<()> {
        let (id, version) = (known.row, version as i64);
        let changed = moved.map_or(known.keys.changed, Time::ticks);
        let Some(row) = row else {
            if moved.is_none() {
                return self
                    .connection
                    .prepare_cached("update instance set version = ?, last_event = ? where id = ?")?
                    .execute(params![version, last_event, id])
                    .map(drop);
            }
            return self
                .connection
                .prepare_cached("update instance set version = ?, last_event = ?, changed = ? where id = ?")?
                .execute(params![version, last_event, changed, id])
                .map(drop);
        };
        let keys = SearchKeys { app: self.app(&row.app, &row.org)?, changed, ..row.keys() };
        if keys == known.keys {
            return self
                .connection
                .prepare_cached(
                    "update instance set version = ?, last_event = ?, doc = ?, search_text = ? where id = ?",
                )?
                .execute(params![version, last_event, row.doc, row.search_text, id])
                .map(drop);
        }
        self.connection
            .prepare_cached(
                "update instance set version = ?, last_event = ?, doc = ?, search_text = ?, app = ?, changed = ?, \
                 created = ?, status = ?, task = ?, due = ?, ended = ?, visible_after = ? where id = ?",
            )?
            .execute(params![
                version,
                last_event,
                row.doc,
                row.search_text,
                keys.app,
                keys.changed,
                keys.created,
                keys.status,
                keys.task,
                keys.due,
                keys.ended,
                keys.visible_after,
                id,
            ])
            .map(drop)
    }

    /// The short number of an app, given on first use.
    fn app(&mut self, app: &AppId, org: &str) -> rusqlite::Result<i64> {
        if let Some((_, id)) = self.apps.get(app).filter(|(known, _)| known == org) {
            return Ok(*id);
        }
        let known = self
            .connection
            .prepare_cached("select id from app where name = ? and org = ?")?
            .query_row([app.as_str(), org], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            // A new app is remembered only when it is found again: its first change may yet be undone.
            self.apps.insert(app.clone(), (org.to_owned(), id));
            return Ok(id);
        }
        self.connection.prepare_cached("insert into app (name, org) values (?, ?)")?.insert([app.as_str(), org])
    }

    /// Adds the events of a change to the chain that ends with `previous`. Answers its new end.
    fn append_events(&self, previous: Option<i64>, docs: Option<&str>) -> rusqlite::Result<Option<i64>> {
        let Some(docs) = docs else { return Ok(previous) };
        self.connection
            .prepare_cached("insert into event (previous, docs) values (?, ?)")?
            .insert(params![previous, docs])
            .map(Some)
    }

    pub(super) fn add_job(&self, lane: i64, due: Time, kind: &str, body: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("insert into job (lane, due, kind, body) values (?, ?, ?, ?)")?
            .execute(params![lane, due.ticks(), kind, body])
            .map(drop)
    }
}

pub(super) enum ApplyError {
    Conflict,
    Failed(&'static str),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for ApplyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl InstanceRow {
    /// The keys that the document decides; the app and the time of the change are not among them.
    fn keys(&self) -> SearchKeys {
        SearchKeys {
            app: 0,
            changed: 0,
            created: ticks(self.created),
            status: self.status.bits(),
            task: self.task.clone(),
            due: ticks(self.due),
            ended: ticks(self.ended),
            visible_after: ticks(self.visible_after),
        }
    }
}

pub(super) fn ticks(time: Option<Time>) -> Option<i64> {
    time.map(Time::ticks)
}

/// Names what was attempted on a failed statement.
pub(super) fn attempted(attempt: &str) -> impl Fn(rusqlite::Error) -> StoreFailure {
    move |error| failure(attempt, error)
}
