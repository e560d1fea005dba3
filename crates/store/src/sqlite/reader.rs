//! Reading a store beside the process that has it open.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use mottak_model::{AppId, Guid, InstanceId};
use mottak_service::ports::{Clock, Cursor, InstanceQuery, Page, PortFuture, Snapshot, StoreFailure, StoredBody};
use rusqlite::{Connection, params};

use super::ledger::attempted;
use super::read::{self, Content, ContentRow};
use super::readers::open_for_reading;
use super::search::{self, Budget};
use super::{DATABASE, migrate};
use crate::objects::{ObjectLocation, Objects, open_objects, read_object};
use crate::reader::Reader;
use crate::rules::{failure, part_of};

/// Of the connection, in KiB.
const CACHE: u32 = 32 * 1024;
/// What one page may look into.
const BUDGET: Budget = Budget { keys: 2_000_000, documents: 10_000 };

/// A store that is only read. Others may have it open, and may write.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Mutex<Connection>,
    objects: Arc<dyn Objects>,
}

impl SqliteReader {
    /// Opens the store in `folder`, which has to be there and made by this version. `objects`: where its large bodies
    /// are, if not beside it.
    pub fn open(folder: &Path, objects: Option<&ObjectLocation>, clock: Arc<dyn Clock>) -> Result<Self, StoreFailure> {
        let (connection, objects) = open_beside(folder, objects, clock, CACHE)?;
        Ok(Self { connection: Mutex::new(connection), objects })
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        read(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn app_names(&self) -> Result<Vec<AppId>, StoreFailure> {
        const ATTEMPT: &str = "list the apps";
        let names: Vec<String> = self.with(|connection| {
            connection
                .prepare_cached("select distinct name from app order by name")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .map_err(attempted(ATTEMPT))
        })?;
        names.iter().map(|name| name.parse().map_err(|error| failure(ATTEMPT, error))).collect()
    }

    fn count(&self, app: &AppId, after: Option<Cursor>) -> Result<u64, StoreFailure> {
        let after = after.map_or(i64::MIN, |after| after.changed.ticks());
        let count: i64 = self.with(|connection| {
            connection
                .prepare_cached(
                    "select count(*) from app a join instance i indexed by instance_by_app on i.app = a.id \
                     where a.name = ? and i.changed > ?",
                )
                .and_then(|mut statement| statement.query_row(params![app.as_str(), after], |row| row.get(0)))
                .map_err(attempted("count instances"))
        })?;
        Ok(count as u64)
    }

    async fn body(&self, instance: InstanceId, id: Guid) -> Result<Option<StoredBody>, StoreFailure> {
        let row = self.with(|connection| read::body(connection, instance, id))?;
        let Some(ContentRow { element, sha256, content }) = row else { return Ok(None) };
        match content {
            Content::Inline(bytes) => Ok(Some(part_of(element, bytes, sha256, None))),
            Content::Object(key) => {
                let object = read_object(&*self.objects, key, sha256, None).await;
                let object = object.map_err(|error| failure(&format!("read the body of data element {id}"), error))?;
                Ok(object.map(|object| object.into_body(element, sha256)))
            }
        }
    }
}

impl Reader for SqliteReader {
    fn apps(&self) -> PortFuture<'_, Result<Vec<AppId>, StoreFailure>> {
        Box::pin(async move { self.app_names() })
    }

    fn count_after<'a>(&'a self, app: &'a AppId, after: Option<Cursor>) -> PortFuture<'a, Result<u64, StoreFailure>> {
        Box::pin(async move { self.count(app, after) })
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        Box::pin(async move { self.with(|connection| search::search(connection, &query, BUDGET)) })
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        Box::pin(async move { self.with(|connection| read::load(connection, id)) })
    }

    fn read_body(
        &self,
        instance: InstanceId,
        element: Guid,
    ) -> PortFuture<'_, Result<Option<StoredBody>, StoreFailure>> {
        Box::pin(self.body(instance, element))
    }
}

/// Opens the database of a store for reading, and the place of its objects.
pub(super) fn open_beside(
    folder: &Path,
    objects: Option<&ObjectLocation>,
    clock: Arc<dyn Clock>,
    cache_kib: u32,
) -> Result<(Connection, Arc<dyn Objects>), StoreFailure> {
    let attempt = format!("open the store in {}", folder.display());
    let path = folder.join(DATABASE);
    if !path.is_file() {
        return Err(failure(&attempt, format!("there is no {DATABASE}")));
    }
    let connection = open_for_reading(&path, cache_kib).map_err(|error| failure(&attempt, error))?;
    migrate::require_current(&connection)?;
    let beside = ObjectLocation::Folder(folder.join("objects"));
    Ok((connection, open_objects(objects.unwrap_or(&beside), clock)?))
}
