//! Reading a store beside the servers that write to it.

use std::sync::Arc;

use mottak_model::{AppId, Guid, InstanceId};
use mottak_service::ports::{
    Clock, Cursor, InstanceQuery, Page, PortFuture, Snapshot, Store as _, StoreFailure, StoredBody,
};
use tokio_postgres::types::Type;

use super::link::{Address, Call, Link, failed};
use super::migrations::require_current;
use super::read::get;
use super::{PostgresOptions, PostgresStore};
use crate::objects::ObjectLocation;
use crate::reader::Reader;
use crate::rules::failure;

const APPS: &str = "select distinct name from app order by name";
const COUNT: &str = "select count(*) from app a join instance i on i.app = a.id where a.name = $1 and i.changed > $2";

/// A store that is only read. Servers may have it open, and may write.
#[derive(Debug)]
pub struct PostgresReader {
    store: Arc<PostgresStore>,
}

impl PostgresReader {
    /// Opens the store in the database at `url`, which has to be made by this version.
    pub async fn open(
        url: &str,
        objects: &ObjectLocation,
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreFailure> {
        let address = Arc::new(Address::parse(url, &options)?);
        let session = Link::new(&address).session().await;
        let session = session.map_err(|error| failed(&format!("reach the database {address}"), &error))?;
        require_current(&session).await?;
        Ok(Self { store: PostgresStore::open(url, objects, clock, options).await? })
    }

    async fn app_names(&self) -> Result<Vec<AppId>, StoreFailure> {
        const ATTEMPT: &str = "list the apps";
        let rows = self.store.errands.query(ATTEMPT, &Call::new(APPS)).await?;
        let names = rows.iter().map(|row| get::<String>(row, 0, ATTEMPT));
        names.map(|name| name?.parse().map_err(|error| failure(ATTEMPT, error))).collect()
    }

    async fn count(&self, app: &AppId, after: Option<Cursor>) -> Result<u64, StoreFailure> {
        const ATTEMPT: &str = "count instances";
        let after = after.map_or(i64::MIN, |after| after.changed.ticks());
        let call = Call::new(COUNT).with(app.as_str(), Type::TEXT).with(after, Type::INT8);
        let rows = self.store.errands.query(ATTEMPT, &call).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| get(row, 0, ATTEMPT))?;
        Ok(count as u64)
    }
}

impl Reader for PostgresReader {
    fn apps(&self) -> PortFuture<'_, Result<Vec<AppId>, StoreFailure>> {
        Box::pin(self.app_names())
    }

    fn count_after<'a>(&'a self, app: &'a AppId, after: Option<Cursor>) -> PortFuture<'a, Result<u64, StoreFailure>> {
        Box::pin(self.count(app, after))
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        self.store.search(query)
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        self.store.load(id)
    }

    fn read_body(
        &self,
        instance: InstanceId,
        element: Guid,
    ) -> PortFuture<'_, Result<Option<StoredBody>, StoreFailure>> {
        self.store.read_body(instance, element, None)
    }
}
