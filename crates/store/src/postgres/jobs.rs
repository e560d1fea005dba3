//! The job queue: what commits left to do in the outside world. At least once; a claim is held by a lease, and its
//! number of attempts tells it from later claims of the same job.

use std::time::Duration;

use mottak_service::ports::{BuriedJob, ClaimedJob, Clock, JobId, StoreFailure};
use tokio_postgres::types::Type;

use super::link::{Call, Link, plain};
use super::read::get;
use super::rows::{BURIED, OUTBOX};

/// Who claims at the same time gets others.
const CLAIM: &str = "with due as (select id, due from job where lane = $1 and due <= $2 order by lane, due, id limit $3 \
     for update skip locked) \
     update job j set due = $4, attempts = j.attempts + 1 from due where j.id = due.id \
     returning due.due, j.id, j.kind, j.body, j.attempts";
const COMPLETE: &str = "delete from job where id = $1 and attempts = $2 and lane = $3";
const GIVE_BACK: &str = "update job set due = $4 where id = $1 and attempts = $2 and lane = $3";
const BURY: &str = "update job set lane = $4, reason = $5 where id = $1 and attempts = $2 and lane = $3";
const BURIED_JOBS: &str = "select id, kind, body, attempts, reason from job where lane = $1 order by id";

/// Hands out at most `limit` due jobs, earliest first, each held for `lease`.
pub(super) async fn claim(
    link: &Link,
    clock: &dyn Clock,
    limit: usize,
    lease: Duration,
) -> Result<Vec<ClaimedJob>, StoreFailure> {
    const ATTEMPT: &str = "claim jobs";
    let now = clock.now();
    let call = Call::new(CLAIM)
        .with(OUTBOX, Type::INT2)
        .with(now.ticks(), Type::INT8)
        .with(i64::try_from(limit).unwrap_or(i64::MAX), Type::INT8)
        .with(now.plus(lease).ticks(), Type::INT8);
    let rows = link.query(ATTEMPT, &call).await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in &rows {
        let job = ClaimedJob {
            id: JobId(get(row, 1, ATTEMPT)?),
            kind: get(row, 2, ATTEMPT)?,
            body: get(row, 3, ATTEMPT)?,
            attempts: get::<i32>(row, 4, ATTEMPT)?.unsigned_abs(),
        };
        jobs.push((get::<i64>(row, 0, ATTEMPT)?, job));
    }
    jobs.sort_unstable_by_key(|(due, job)| (*due, job.id));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// Ends a job that is done. Answers whether the claim was still valid.
pub(super) async fn complete(link: &Link, job: &ClaimedJob) -> Result<bool, StoreFailure> {
    link.execute("complete a job", &held(COMPLETE, job)).await.map(|rows| rows > 0)
}

/// Gives a job back, to be tried again after `delay`. Answers whether the claim was still valid.
pub(super) async fn give_back(
    link: &Link,
    clock: &dyn Clock,
    job: &ClaimedJob,
    delay: Duration,
) -> Result<bool, StoreFailure> {
    let due = clock.now().plus(delay).ticks();
    link.execute("put a job back", &held(GIVE_BACK, job).with(due, Type::INT8)).await.map(|rows| rows > 0)
}

/// Keeps a job for somebody to look at. Answers whether the claim was still valid.
pub(super) async fn bury(link: &Link, job: &ClaimedJob, reason: String) -> Result<bool, StoreFailure> {
    let call = held(BURY, job).with(BURIED, Type::INT2).with(plain(&reason), Type::TEXT);
    link.execute("bury a job", &call).await.map(|rows| rows > 0)
}

fn held(sql: &'static str, job: &ClaimedJob) -> Call<'static> {
    Call::new(sql)
        .with(job.id.0, Type::INT8)
        .with(i32::try_from(job.attempts).unwrap_or(i32::MAX), Type::INT4)
        .with(OUTBOX, Type::INT2)
}

/// The jobs that were buried, oldest first.
pub(super) async fn buried(link: &Link) -> Result<Vec<BuriedJob>, StoreFailure> {
    const ATTEMPT: &str = "list buried jobs";
    let rows = link.query(ATTEMPT, &Call::new(BURIED_JOBS).with(BURIED, Type::INT2)).await?;
    rows.iter()
        .map(|row| {
            Ok(BuriedJob {
                id: JobId(get(row, 0, ATTEMPT)?),
                kind: get(row, 1, ATTEMPT)?,
                body: get(row, 2, ATTEMPT)?,
                attempts: get::<i32>(row, 3, ATTEMPT)?.unsigned_abs(),
                reason: get::<Option<String>>(row, 4, ATTEMPT)?.unwrap_or_default(),
            })
        })
        .collect()
}
