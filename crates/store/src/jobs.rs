//! A job that a worker holds for a while.

use std::fmt;

/// Names a job of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A due job, held until its lease runs out. Then, if it was neither completed nor retried, another worker gets it:
/// handlers must be idempotent by `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    pub id: JobId,
    /// Names the handler.
    pub kind: String,
    /// JSON for the handler.
    pub body: String,
    /// How often the job has been claimed, this time included. Who held an earlier claim can no longer complete it.
    pub attempts: u32,
}
