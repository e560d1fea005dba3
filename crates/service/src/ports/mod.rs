//! What the use cases need from the world: a store, a register of parties, other servers, a clock, ids.
//!
//! Each is a trait because there are two implementations today (SQLite and memory, built-in and file, real and fixed).

mod clock;
mod outbound;
mod register;
mod scanner;
mod store;

pub use clock::{Clock, FixedClock, Ids, RandomIds, SequentialIds, SystemClock};
pub use outbound::{Outbound, OutboundAnswer, OutboundFailure, OutboundMethod, OutboundRequest};
pub use register::{Register, RegisterFailure, SystemUserRecord};
pub use scanner::{FileScanner, ScanFailure, Verdict};
pub use store::{
    Blob, BlobFailure, BlobRange, BlobStream, Blobs, Body, BuriedJob, Change, Choice, ClaimedJob, CommitFailure,
    Committed, Cursor, ElementChange, ElementPut, Expect, InstanceQuery, Job, JobId, Maintenance, Order, Page,
    PortFuture, Record, RecordExpect, RecordKind, RecordWrite, Removal, Sha256, Snapshot, Staged, StagedWriter, Store,
    StoreFailure, StoredBody, TimeRange,
};
