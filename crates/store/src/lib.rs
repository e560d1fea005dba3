//! The store: instances, their data, history and outbox, in SQLite or in memory; bodies as rows and files.
//!
//! Invariant: knows nothing of HTTP and takes no business decision. A [`Change`] says the whole effect of a request;
//! this crate applies it in full or not at all. [`MemoryStore`] is the executable specification of the
//! [`Store`] port: plain maps, one lock. [`SqliteStore`] does the same durably, and a suite of random commands holds the two
//! together.
//!
//! Start with [`SqliteStore::open`]; read `sqlite/ledger.rs` for how a change becomes rows.
//!
//! ```
//! use std::sync::Arc;
//! use mottak_service::ports::{InstanceQuery, Store, SystemClock};
//! use mottak_store::MemoryStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryStore::new(Arc::new(SystemClock));
//! let page = store.search(InstanceQuery::default()).await.unwrap();
//! assert!(page.instances.is_empty());
//! # });
//! ```
//!
//! [`Change`]: mottak_service::ports::Change
//! [`Store`]: mottak_service::ports::Store

pub mod archive;
pub mod bench;
mod durable;
mod fill;
mod matching;
mod memory;
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
mod prepare;
mod reader;
pub mod register;
mod rules;
mod specimen;
mod sqlite;
mod status;

pub use durable::sync_file_system;
pub use fill::{fill, fill_store};
pub use memory::MemoryStore;
pub use objects::ObjectLocation;
#[cfg(feature = "object-storage")]
pub use objects::{BucketLocation, Patience};
#[cfg(feature = "postgres")]
pub use postgres::{CommitOrder, PostgresOptions, PostgresReader, PostgresStore};
pub use reader::Reader;
pub use sqlite::{Options, SqliteReader, SqliteStore};
