//! Filling an empty store with what an archive holds: exactly that, versions and times included.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mottak_model::{AppId, Instance};
use mottak_service::ports::{Blobs, Clock, PortFuture, StoreFailure};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::dump::SqliteDump;
use super::elements::{INLINE, NONE, OBJECT, first_element, last_element};
use super::ledger::{BURIED, OUTBOX, attempted, ticks};
use super::{Options, Sync, open_ledger};
use crate::archive::{
    ArchiveFailure, Content, Counters, ElementEntry, Entry, InstanceEntry, JobEntry, Manifest, Progress, RecordEntry,
    RemovedEntry, Target, Unfinished, check, restore, verify,
};
use crate::durable::sync_file_system;
use crate::objects::Objects;
use crate::prepare::{InlineBody, InstanceRow, instance_row, shrink};
use crate::rules::failure;

const ATTEMPT: &str = "fill the store";
/// Pieces per transaction.
const PIECES: usize = 50_000;

impl SqliteStore {
    /// Makes a store in `folder`, which does not exist or is empty, of the archive in `from`. First the whole archive is
    /// verified; at the end the store is compared with it. After an error there is no such store.
    pub async fn restore(
        from: &Path,
        folder: &Path,
        options: &Options,
        clock: Arc<dyn Clock>,
        mut watcher: impl FnMut(Progress) + Send,
    ) -> Result<Manifest, ArchiveFailure> {
        let manifest = verify(from, &mut watcher)?;
        let unfinished = Unfinished::begin(folder)?;
        match refill(from, &manifest, unfinished.place(), options, clock, &mut watcher).await {
            Ok(()) => unfinished.finish().map(|()| manifest),
            Err(failure) => {
                unfinished.discard();
                Err(failure)
            }
        }
    }
}

async fn refill(
    from: &Path,
    manifest: &Manifest,
    folder: &Path,
    options: &Options,
    clock: Arc<dyn Clock>,
    watcher: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), ArchiveFailure> {
    let target = SqliteLoad::create(folder, options, Arc::clone(&clock))?;
    restore(from, manifest, Box::new(target), watcher).await?;
    let mut made = SqliteDump::open(folder, options.objects.as_ref(), clock)?;
    check(&mut made, manifest, watcher).await
}

/// A new store that is being filled. It is durable when it is finished; before, a machine that stops may leave a damaged
/// database.
#[derive(Debug)]
pub(crate) struct SqliteLoad {
    connection: Connection,
    objects: Arc<dyn Objects>,
    inline_limit: usize,
    folder: PathBuf,
    _lock: File,
    /// Made again at the end, sorted, which is faster than keeping them all the time.
    indexes: Vec<String>,
    apps: HashMap<(AppId, String), i64>,
    /// The instance whose pieces are coming, until the last of them is here.
    open: Option<Open>,
    last_instance: i64,
    pieces: usize,
}

#[derive(Debug)]
struct Open {
    owner: Owner,
    elements: i64,
    last_event: Option<i64>,
}

#[derive(Debug)]
enum Owner {
    Instance { id: i64, entry: InstanceEntry, row: InstanceRow },
    Removed(RemovedEntry),
}

impl SqliteLoad {
    /// Makes a store in `folder`, which is empty.
    pub(crate) fn create(folder: &Path, options: &Options, clock: Arc<dyn Clock>) -> Result<Self, StoreFailure> {
        let (ledger, lock) = open_ledger(folder, &clock, options, Sync::Off)?;
        let (connection, objects) = (ledger.connection, ledger.objects);
        let failed = attempted(ATTEMPT);
        let is_empty: bool = connection
            .query_row("select not exists (select 1 from instance)", [], |row| row.get(0))
            .map_err(&failed)?;
        if !is_empty {
            return Err(failure(ATTEMPT, "it is not empty"));
        }
        let indexes = drop_indexes(&connection).map_err(&failed)?;
        connection.execute_batch("begin").map_err(&failed)?;
        Ok(Self {
            connection,
            objects,
            inline_limit: options.inline_limit,
            folder: folder.to_owned(),
            _lock: lock,
            indexes,
            apps: HashMap::new(),
            open: None,
            last_instance: 0,
            pieces: 0,
        })
    }

    async fn take(&mut self, entry: Entry) -> Result<(), StoreFailure> {
        self.pieces += 1;
        if self.pieces.is_multiple_of(PIECES) {
            self.connection.execute_batch("commit; begin").map_err(attempted(ATTEMPT))?;
        }
        match entry {
            Entry::Element(element) => return self.put_element(element).await,
            Entry::History(events) => return self.put_history(events.get()).map_err(attempted("write a history")),
            _ => self.close_owner()?,
        }
        match entry {
            Entry::Instance(entry) => {
                let attempt = format!("write instance {}/{}", entry.party, entry.guid);
                let instance: Instance =
                    serde_json::from_str(entry.document.get()).map_err(|error| failure(&attempt, error))?;
                let row = instance_row(instance, entry.document.get().to_owned());
                self.last_instance += 1;
                let owner = Owner::Instance { id: self.last_instance, entry, row };
                self.open = Some(Open { owner, elements: 0, last_event: None });
                Ok(())
            }
            Entry::RemovedInstance(removed) => {
                self.open = Some(Open { owner: Owner::Removed(removed), elements: 0, last_event: None });
                Ok(())
            }
            Entry::Record(record) => put_record(&self.connection, &record).map_err(attempted("write a record")),
            Entry::Job(job) => put_job(&self.connection, &job).map_err(attempted("write a job")),
            Entry::Element(_) | Entry::History(_) => Ok(()),
        }
    }

    /// Writes the instance whose last piece was here.
    fn close_owner(&mut self) -> Result<(), StoreFailure> {
        let Some(Open { owner, last_event, .. }) = self.open.take() else { return Ok(()) };
        let written = match owner {
            Owner::Instance { id, entry, row } => self.put_instance(id, &entry, row, last_event),
            Owner::Removed(removed) => self
                .connection
                .prepare_cached("insert into removed_instance (guid, party, last_event) values (?, ?, ?)")
                .and_then(|mut insert| {
                    insert.execute(params![removed.guid.as_bytes(), removed.party.get(), last_event]).map(drop)
                }),
        };
        written.map_err(attempted("write an instance"))
    }

    fn put_instance(
        &mut self,
        id: i64,
        entry: &InstanceEntry,
        row: InstanceRow,
        last_event: Option<i64>,
    ) -> rusqlite::Result<()> {
        let app = match self.apps.entry((row.app, row.org)) {
            std::collections::hash_map::Entry::Occupied(known) => *known.get(),
            std::collections::hash_map::Entry::Vacant(new) => {
                let (name, org) = new.key();
                let insert = "insert into app (name, org) values (?, ?)";
                let id = self.connection.prepare_cached(insert)?.insert([name.as_str(), org])?;
                *new.insert(id)
            }
        };
        self.connection
            .prepare_cached(
                "insert into instance (id, guid, party, app, version, changed, created, status, task, due, ended, \
                 visible_after, last_event, doc, search_text) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                id,
                entry.guid.as_bytes(),
                entry.party.get(),
                app,
                entry.version as i64,
                entry.changed.ticks(),
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
            .map(drop)
    }

    async fn put_element(&mut self, element: ElementEntry) -> Result<(), StoreFailure> {
        let attempt = format!("write data element {}", element.guid);
        let failed = attempted(&attempt);
        let Some(Open { owner: Owner::Instance { id, .. }, elements, .. }) = &mut self.open else {
            return Err(failure(&attempt, "it belongs to no instance"));
        };
        let place = first_element(*id) + *elements;
        if place > last_element(*id) {
            return Err(failure(&attempt, "its instance has as many as it can have"));
        }
        *elements += 1;
        let sha256 = element.body.as_ref().map(|body| body.sha256);
        let (mut inline, mut object) = (None, None);
        match element.body.map(|body| body.content) {
            None => {}
            Some(Content::Object(key)) => object = Some(key),
            Some(Content::Bytes(bytes)) => match shrink(bytes, self.inline_limit) {
                Ok(body) => inline = Some(body),
                Err(large) => {
                    let staged = self.objects.stage_bytes(large).await.map_err(|error| failure(&attempt, error))?;
                    object = Some(staged.key);
                }
            },
        }
        let content = match (&inline, &object) {
            (_, Some(_)) => OBJECT,
            (Some(_), None) => INLINE,
            (None, None) => NONE,
        };
        self.connection
            .prepare_cached(
                "insert into element (id, guid, changed, content, object_key, sha256, doc) values (?, ?, ?, ?, ?, ?, ?)",
            )
            .and_then(|mut insert| {
                let (changed, doc) = (ticks(element.changed), element.document.get());
                insert.execute(params![place, element.guid.as_bytes(), changed, content, object, sha256, doc])
            })
            .map_err(&failed)?;
        if let Some(InlineBody { size, is_compressed, bytes, .. }) = inline {
            self.connection
                .prepare_cached("insert into blob (id, size, is_compressed, body) values (?, ?, ?, ?)")
                .and_then(|mut insert| insert.execute(params![place, size as i64, is_compressed, &bytes[..]]))
                .map_err(&failed)?;
        }
        // The store appears whole or not at all: nothing of it is an upload.
        if let Some(key) = object {
            self.objects.settle(&key);
        }
        Ok(())
    }

    fn put_history(&mut self, events: &str) -> rusqlite::Result<()> {
        if let Some(open) = &mut self.open {
            let row = self
                .connection
                .prepare_cached("insert into event (previous, docs) values (?, ?)")?
                .insert(params![open.last_event, events])?;
            open.last_event = Some(row);
        }
        Ok(())
    }

    fn end(mut self, counters: Counters) -> Result<(), StoreFailure> {
        let failed = attempted(ATTEMPT);
        self.close_owner()?;
        put_counters(&self.connection, counters).map_err(&failed)?;
        self.connection.execute_batch("commit").map_err(&failed)?;
        // What is sorted is too much for memory.
        self.connection.pragma_update(None, "temp_store", "file").map_err(&failed)?;
        for index in &self.indexes {
            self.connection.execute_batch(index).map_err(attempted("sort the store"))?;
        }
        self.connection
            .execute_batch("pragma synchronous = full; pragma journal_mode = wal; pragma wal_checkpoint(truncate)")
            .map_err(&failed)?;
        drop(self.connection);
        // What was written without waiting for the disk is waited for now.
        sync_file_system(&self.folder).map_err(|error| failure(ATTEMPT, error))
    }
}

impl Target for SqliteLoad {
    fn blobs(&self) -> &dyn Blobs {
        &*self.objects
    }

    fn put(&mut self, entry: Entry) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.take(entry))
    }

    fn finish(self: Box<Self>, counters: Counters) -> PortFuture<'static, Result<(), StoreFailure>> {
        Box::pin(std::future::ready(self.end(counters)))
    }
}

/// Answers the statements that make them again.
fn drop_indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let indexes: Vec<(String, String)> = connection
        .prepare("select name, sql from sqlite_master where type = 'index' and sql is not null order by name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, _) in &indexes {
        connection.execute_batch(&format!("drop index {name}"))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

fn put_record(connection: &Connection, record: &RecordEntry) -> rusqlite::Result<()> {
    let RecordEntry { kind, key, version, document } = record;
    connection
        .prepare_cached("insert into record (kind, key, version, document) values (?, ?, ?, ?)")?
        .execute(params![kind, key, *version as i64, document])
        .map(drop)
}

fn put_job(connection: &Connection, job: &JobEntry) -> rusqlite::Result<()> {
    let lane = if job.buried.is_some() { BURIED } else { OUTBOX };
    connection
        .prepare_cached("insert into job (id, lane, due, kind, body, attempts, reason) values (?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![job.id, lane, job.due.ticks(), job.kind, job.body, job.attempts, job.buried])
        .map(drop)
}

fn put_counters(connection: &Connection, counters: Counters) -> rusqlite::Result<()> {
    connection.execute(
        "insert or replace into meta (name, value) values ('last-changed', ?)",
        [counters.last_changed.ticks()],
    )?;
    let known: Option<i64> =
        connection.query_row("select seq from sqlite_sequence where name = 'job'", [], |row| row.get(0)).optional()?;
    let sql = match known {
        Some(_) => "update sqlite_sequence set seq = max(seq, ?) where name = 'job'",
        None => "insert into sqlite_sequence (name, seq) values ('job', ?)",
    };
    connection.execute(sql, [counters.last_job]).map(drop)
}
