//! Reading a store beside the server that writes to it.

use std::fmt;

use mottak_model::{AppId, Guid, InstanceId};
use mottak_service::ports::{Cursor, InstanceQuery, Page, PortFuture, Snapshot, StoreFailure, StoredBody};

/// A store that is only read. Each answer is of one moment, but two answers are of two.
pub trait Reader: fmt::Debug + Send + Sync {
    /// The apps that instances are of, by name.
    fn apps(&self) -> PortFuture<'_, Result<Vec<AppId>, StoreFailure>>;

    /// How many instances of the app come after this place in the order of changes.
    fn count_after<'a>(&'a self, app: &'a AppId, after: Option<Cursor>) -> PortFuture<'a, Result<u64, StoreFailure>>;

    /// One page of instances.
    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>>;

    /// The instance with all its elements.
    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>>;

    /// The content of an element of this instance. `None`: there is no such element, or it has no content.
    fn read_body(
        &self,
        instance: InstanceId,
        element: Guid,
    ) -> PortFuture<'_, Result<Option<StoredBody>, StoreFailure>>;
}
