//! Where a test server keeps what it is told.

use std::sync::{Arc, LazyLock};

use mottak_service::ports::{Clock, Store};
use mottak_store::{MemoryStore, ObjectLocation, Options, PostgresOptions, PostgresStore, SqliteStore};
use mottak_testing::postgres::Schema;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Where a test server keeps what it is told.
///
/// The default is in memory, or what the environment variable `MOTTAK_TEST_STORE` says (`memory`, `sqlite`, `postgres`),
/// so that a whole suite can be run on another engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    Memory,
    /// SQLite in a folder that is gone after the test.
    Sqlite,
    /// PostgreSQL in a schema that is gone after the test, on the server that `MOTTAK_TEST_POSTGRES` names.
    Postgres,
}

impl Default for Backing {
    fn default() -> Self {
        Self::told().unwrap_or(Self::Memory)
    }
}

impl Backing {
    fn told() -> Option<Self> {
        let told = std::env::var_os("MOTTAK_TEST_STORE")?;
        match told.to_str() {
            Some("memory") => Some(Self::Memory),
            Some("sqlite") => Some(Self::Sqlite),
            Some("postgres") => Some(Self::Postgres),
            _ => panic!("MOTTAK_TEST_STORE is memory, sqlite or postgres"),
        }
    }

    /// An empty store. It lives as long as what is answered beside it.
    pub(crate) fn open(self, clock: &Arc<dyn Clock>) -> (Arc<dyn Store>, Room) {
        match self {
            Self::Memory => (Arc::new(MemoryStore::new(Arc::clone(clock))), Room::default()),
            Self::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                let store = SqliteStore::open(folder.path(), Arc::clone(clock), Options::default());
                (store.expect("a new store can be opened"), Room { _folder: Some(folder), _schema: None })
            }
            Self::Postgres => {
                let schema = Schema::fresh().expect("MOTTAK_TEST_STORE=postgres needs MOTTAK_TEST_POSTGRES");
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                let store = open_postgres(&schema, &folder, Arc::clone(clock));
                (store, Room { _folder: Some(folder), _schema: Some(schema) })
            }
        }
    }
}

/// The engines that a test is for whose subject they could treat differently: `for backing in Engines`. In a run on
/// one engine (`MOTTAK_TEST_STORE`), that one.
#[derive(Clone, Copy, Debug)]
pub struct Engines;

impl IntoIterator for Engines {
    type Item = Backing;
    type IntoIter = std::vec::IntoIter<Backing>;

    fn into_iter(self) -> Self::IntoIter {
        let all = Backing::told().map_or_else(|| vec![Backing::Memory, Backing::Sqlite], |backing| vec![backing]);
        all.into_iter()
    }
}

/// What a store needs and what is gone when the last server that uses it is gone.
#[derive(Debug, Default)]
pub(crate) struct Room {
    _folder: Option<TempDir>,
    _schema: Option<Schema>,
}

/// Drives the connections of all stores of this process: tests' own runtimes end with them, and a server is built
/// outside of any.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime can be made")
});

fn open_postgres(schema: &Schema, folder: &TempDir, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let (url, objects) = (schema.url(), ObjectLocation::Folder(folder.path().to_owned()));
    let options = PostgresOptions { point_links: 1, list_links: 1, ..PostgresOptions::default() };
    // The caller may be inside a runtime, where nobody may wait.
    let open = move || RUNTIME.block_on(PostgresStore::open(&url, &objects, clock, options));
    let opened = std::thread::spawn(open).join().expect("the thread that opens the store does not panic");
    opened.expect("a new store can be opened")
}
