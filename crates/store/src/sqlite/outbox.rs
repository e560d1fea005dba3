//! The job queue: what commits left to do in the outside world. At least once; a claim is held by a lease, and its
//! number of attempts tells it from later claims of the same job.

use std::time::Duration;

use mottak_service::ports::StoreFailure;
use rusqlite::{Connection, Params, params};

use super::SqliteStore;
use super::ledger::{Ledger, OUTBOX, attempted};
use crate::jobs::{ClaimedJob, JobId};

impl SqliteStore {
    /// Hands out at most `limit` due jobs, earliest first, each held for `lease`.
    pub async fn claim_jobs(&self, limit: usize, lease: Duration) -> Result<Vec<ClaimedJob>, StoreFailure> {
        const ATTEMPT: &str = "claim jobs";
        if !self.has_due_jobs()? {
            return Ok(Vec::new());
        }
        self.writer.submit(ATTEMPT, move |ledger| claim(ledger, limit, lease).map_err(attempted(ATTEMPT))).await
    }

    /// Ends a job that is done. Answers whether the claim was still valid.
    pub async fn complete_job(&self, job: &ClaimedJob) -> Result<bool, StoreFailure> {
        const ATTEMPT: &str = "complete a job";
        let (id, attempts) = (job.id.0, job.attempts);
        self.writer
            .submit(ATTEMPT, move |ledger| {
                let delete = "delete from job where id = ? and attempts = ?";
                execute(&ledger.connection, delete, [id, i64::from(attempts)]).map_err(attempted(ATTEMPT))
            })
            .await
    }

    /// Gives a job back, to be tried again after `delay`. Answers whether the claim was still valid.
    pub async fn retry_job(&self, job: &ClaimedJob, delay: Duration) -> Result<bool, StoreFailure> {
        const ATTEMPT: &str = "put a job back";
        let (id, attempts) = (job.id.0, job.attempts);
        self.writer
            .submit(ATTEMPT, move |ledger| {
                let due = ledger.now().plus(delay).ticks();
                let update = "update job set due = ? where id = ? and attempts = ?";
                execute(&ledger.connection, update, [due, id, i64::from(attempts)]).map_err(attempted(ATTEMPT))
            })
            .await
    }

    /// Asks without the writer, so that polling an empty queue costs no sync.
    fn has_due_jobs(&self) -> Result<bool, StoreFailure> {
        let now = self.clock.now().ticks();
        self.point_readers.with(|connection| {
            connection
                .prepare_cached("select exists (select 1 from job where lane = ? and due <= ?)")
                .and_then(|mut statement| statement.query_row([OUTBOX, now], |row| row.get(0)))
                .map_err(attempted("look for jobs"))
        })
    }
}

fn claim(ledger: &Ledger, limit: usize, lease: Duration) -> rusqlite::Result<Vec<ClaimedJob>> {
    let now = ledger.now();
    let mut statement = ledger.connection.prepare_cached(
        "select id, kind, body, attempts + 1 from job where lane = ? and due <= ? order by due, id limit ?",
    )?;
    let jobs: Vec<ClaimedJob> = statement
        .query_map(params![OUTBOX, now.ticks(), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(ClaimedJob { id: JobId(row.get(0)?), kind: row.get(1)?, body: row.get(2)?, attempts: row.get(3)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut hold = ledger.connection.prepare_cached("update job set due = ?, attempts = ? where id = ?")?;
    for job in &jobs {
        hold.execute(params![now.plus(lease).ticks(), job.attempts, job.id.0])?;
    }
    Ok(jobs)
}

fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql)?.execute(parameters).map(|rows| rows > 0)
}
