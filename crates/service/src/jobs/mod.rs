//! What commits left to do: jobs of the outbox, taken when they are due, done at least once.
//!
//! [`run`] works on them while the server runs. A job is held by a lease while its handler runs; a handler that fails
//! gets the job again after a growing delay, and after [`ATTEMPTS`] of them the job is buried with the reason. Handlers
//! are idempotent: what was done before the server was killed is done again.

mod file_scan;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use mottak_model::Time;

pub use file_scan::TestScanner;

use crate::ports::ClaimedJob;
use crate::storage::cleanup;
use crate::storage::data::scan;
use crate::{Refusal, Service};

/// How often a job is tried before it is buried.
const ATTEMPTS: u32 = 12;

/// How long a handler may hold a job. Long enough to read the largest file once.
const LEASE: Duration = Duration::from_mins(10);

/// Jobs that are taken at once, and how many of them are worked on side by side.
const BATCH: usize = 16;
const SIDE_BY_SIDE: usize = 4;

/// How long an idle runner sleeps, unless a commit of this process wakes it.
const PAUSE: Duration = Duration::from_secs(2);

/// How long it leaves a store alone that does not answer.
const RESPITE: Duration = Duration::from_secs(15);

/// The delay before the second attempt; it doubles with each.
const FIRST_DELAY: Duration = Duration::from_secs(2);
const LONGEST_DELAY: Duration = Duration::from_hours(1);

/// How a handler left its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// There is nothing to do before this time.
    Later(Time),
}

/// Works on jobs until it is dropped. What is under way then is begun again when its lease has run out.
pub async fn run(svc: Arc<Service>) {
    loop {
        let pause = match run_due(&svc).await {
            Ok(BATCH..) => continue,
            Ok(_) => PAUSE,
            Err(failure) => {
                tracing::warn!("jobs have to wait: {failure:?}");
                RESPITE
            }
        };
        // Woken at once by a commit of this process, else by the clock: others may have left jobs too.
        let _ = tokio::time::timeout(pause, svc.has_jobs.notified()).await;
    }
}

/// Works on the jobs that are due now, at most one batch, and answers how many there were.
pub async fn run_due(svc: &Service) -> Result<usize, Refusal> {
    let jobs = svc.store.claim_jobs(BATCH, LEASE).await?;
    let count = jobs.len();
    futures_util::stream::iter(jobs)
        .for_each_concurrent(SIDE_BY_SIDE, |job| async move {
            if let Err(failure) = settle(svc, &job).await {
                // Its lease runs out and somebody begins again.
                tracing::warn!(job = %job.id, kind = job.kind, "a job could not be ended: {failure:?}");
            }
        })
        .await;
    Ok(count)
}

/// Handles a job and tells the store how that went.
async fn settle(svc: &Service, job: &ClaimedJob) -> Result<(), Refusal> {
    let handled = AssertUnwindSafe(handle(svc, job)).catch_unwind();
    let is_valid = match tokio::time::timeout(LEASE, handled).await {
        Ok(Ok(Ok(Outcome::Done))) => svc.store.complete_job(job).await?,
        Ok(Ok(Ok(Outcome::Later(time)))) => svc.store.retry_job(job, until(svc.clock.now(), time)).await?,
        Ok(Ok(Err(reason))) => give_back(svc, job, reason).await?,
        Ok(Err(_panic)) => give_back(svc, job, "its handler panicked".to_owned()).await?,
        Err(_elapsed) => give_back(svc, job, "its handler took too long".to_owned()).await?,
    };
    if !is_valid {
        tracing::info!(job = %job.id, kind = job.kind, "somebody else took the job over");
    }
    Ok(())
}

async fn handle(svc: &Service, job: &ClaimedJob) -> Result<Outcome, String> {
    let unreadable = || "nobody here knows what it asks for".to_owned();
    let done = match job.kind.as_str() {
        cleanup::CLEAN_UP => cleanup::clean_up(svc, cleanup::subject(&job.body).ok_or_else(unreadable)?).await,
        scan::FILE_SCAN => file_scan::handle(svc, file_scan::subject(&job.body).ok_or_else(unreadable)?).await,
        // A later version of this server may know.
        _ => return Err(unreadable()),
    };
    done.map_err(|refusal| reason_of(&refusal))
}

/// Why a handler did not do its job, for an operator.
fn reason_of(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Failed(failure) => failure.to_string(),
        Refusal::Busy => "the store was busy".to_owned(),
        Refusal::Conflict(_) => "the instance was being changed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Tries the job again later, or gives it up.
async fn give_back(svc: &Service, job: &ClaimedJob, reason: String) -> Result<bool, Refusal> {
    if job.attempts >= ATTEMPTS {
        tracing::error!(job = %job.id, kind = job.kind, attempts = job.attempts, "a job is given up: {reason}");
        return Ok(svc.store.bury_job(job, reason).await?);
    }
    let delay = delay_after(job.attempts, svc.ids.guid().as_u128());
    tracing::warn!(job = %job.id, kind = job.kind, attempts = job.attempts, "a job will be tried again: {reason}");
    Ok(svc.store.retry_job(job, delay).await?)
}

/// Twice as long with each attempt, and somewhere between half of that and all of it, so that jobs that failed together
/// do not come back together.
fn delay_after(attempts: u32, random: u128) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_DELAY);
    let half = doubled / 2;
    half + half.mul_f64((random % 1024) as f64 / 1024.0)
}

fn until(now: Time, later: Time) -> Duration {
    let ticks = u64::try_from(later.ticks().saturating_sub(now.ticks())).unwrap_or(0);
    Duration::from_micros(ticks / 10 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_spread() {
        for (attempts, random, seconds) in
            [(1, 0, 1.0), (1, 512, 1.5), (2, 0, 2.0), (5, 512, 24.0), (12, 0, 1800.0), (40, 1023, 3598.0)]
        {
            let delay = delay_after(attempts, random).as_secs_f64();
            assert!((delay - seconds).abs() < 1.0, "{attempts} {random}: {delay}");
        }
    }

    #[test]
    fn times_gone_by_are_no_delay_to_speak_of() {
        let now = Time::parse("2025-06-01T00:00:00Z").unwrap();
        assert!(until(now, Time::from_ticks(0)) < Duration::from_millis(1));
        let delay = until(now, now.plus(Duration::from_mins(1)));
        assert!(delay >= Duration::from_mins(1) && delay < Duration::from_secs(61));
    }
}
