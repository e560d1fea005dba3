//! What the use cases need from the world: a store, a register of parties, a clock, ids.
//!
//! Each is a trait because there are two implementations today (SQLite and memory, built-in and file, real and fixed).

mod clock;
mod register;
mod store;

pub use clock::{Clock, FixedClock, Ids, RandomIds, SequentialIds, SystemClock};
pub use register::{Register, RegisterFailure, SystemUserRecord};
pub use store::{
    Blob, BlobFailure, BlobRange, BlobStream, Blobs, Body, Change, CommitFailure, Committed, Cursor, ElementChange,
    ElementPut, Expect, InstanceQuery, Job, Order, Page, PortFuture, Snapshot, Staged, StagedWriter, Store,
    StoreFailure, TimeRange,
};
