//! The job queue: what commits left to do in the outside world. At least once; a claim is held by a lease, and its
//! number of attempts tells it from later claims of the same job.

use std::time::Duration;

use mottak_service::ports::{BuriedJob, ClaimedJob, JobId, StoreFailure};
use rusqlite::{Connection, Params, params};

use super::SqliteStore;
use super::ledger::{BURIED, Ledger, OUTBOX, attempted};

impl SqliteStore {
    pub(super) async fn claim(&self, limit: usize, lease: Duration) -> Result<Vec<ClaimedJob>, StoreFailure> {
        const ATTEMPT: &str = "claim jobs";
        if !self.has_due_jobs()? {
            return Ok(Vec::new());
        }
        self.writer.submit(ATTEMPT, move |ledger| claim(ledger, limit, lease).map_err(attempted(ATTEMPT))).await
    }

    pub(super) async fn complete(&self, job: &ClaimedJob) -> Result<bool, StoreFailure> {
        const ATTEMPT: &str = "complete a job";
        let (id, attempts) = (job.id.0, job.attempts);
        self.writer
            .submit(ATTEMPT, move |ledger| {
                let delete = "delete from job where id = ? and attempts = ? and lane = ?";
                execute(&ledger.connection, delete, [id, i64::from(attempts), OUTBOX]).map_err(attempted(ATTEMPT))
            })
            .await
    }

    pub(super) async fn give_back(&self, job: &ClaimedJob, delay: Duration) -> Result<bool, StoreFailure> {
        const ATTEMPT: &str = "put a job back";
        let (id, attempts) = (job.id.0, job.attempts);
        self.writer
            .submit(ATTEMPT, move |ledger| {
                let due = ledger.now().plus(delay).ticks();
                let update = "update job set due = ? where id = ? and attempts = ? and lane = ?";
                execute(&ledger.connection, update, [due, id, i64::from(attempts), OUTBOX]).map_err(attempted(ATTEMPT))
            })
            .await
    }

    pub(super) async fn bury(&self, job: &ClaimedJob, reason: String) -> Result<bool, StoreFailure> {
        const ATTEMPT: &str = "bury a job";
        let (id, attempts) = (job.id.0, job.attempts);
        self.writer
            .submit(ATTEMPT, move |ledger| {
                let update = "update job set lane = ?, reason = ? where id = ? and attempts = ? and lane = ?";
                execute(&ledger.connection, update, params![BURIED, reason, id, attempts, OUTBOX])
                    .map_err(attempted(ATTEMPT))
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

/// The jobs that were given up.
pub(super) fn buried(connection: &Connection) -> Result<Vec<BuriedJob>, StoreFailure> {
    let read = || {
        let mut statement =
            connection.prepare_cached("select id, kind, body, attempts, reason from job where lane = ? order by id")?;
        let jobs = statement.query_map([BURIED], |row| {
            Ok(BuriedJob {
                id: JobId(row.get(0)?),
                kind: row.get(1)?,
                body: row.get(2)?,
                attempts: row.get(3)?,
                reason: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            })
        })?;
        jobs.collect::<rusqlite::Result<_>>()
    };
    read().map_err(attempted("list buried jobs"))
}

fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql)?.execute(parameters).map(|rows| rows > 0)
}
