//! When what is marked as deleted goes for good (platform-storage §3.5).
//!
//! Deciding is pure. [`next_look`] says when something may go, so that the change that makes it possible can leave a
//! job for that time; [`decide`] says what goes when the job is due.

use std::time::Duration;

use mottak_model::{DataElement, Guid, Instance, InstanceId, Time};
use serde::{Deserialize, Serialize};

use crate::draft::forget_reading;
use crate::jobs::Outcome;
use crate::ports::{Change, CommitFailure, ElementChange, Job, Removal, Snapshot};
use crate::{Problem, Refusal, Service, storage};

/// The kind of the jobs that remove what may go.
pub(crate) const CLEAN_UP: &str = "clean-up-instance";

/// How long what was archived, or its elements, can still be had back by an operator.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How long what was never sent in is kept: the original removes it the next night.
const NIGHT: Duration = Duration::from_hours(24);

/// What goes for good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CleanUp {
    /// The instance.
    Remove(Removal),
    /// Elements of it.
    Drop(Vec<Guid>),
    /// Nothing yet.
    LookAgain(Time),
    Nothing,
}

/// What goes for good now; `history` says what stays of an instance that does.
pub(crate) fn decide(instance: &Instance, history: Removal, now: Time) -> CleanUp {
    if removable_from(instance).is_some_and(|time| time <= now) {
        return CleanUp::Remove(history);
    }
    let is_due = |element: &&DataElement| droppable_from(instance, element).is_some_and(|time| time <= now);
    let due: Vec<Guid> = instance.data.iter().filter(is_due).map(|element| element.id).collect();
    if !due.is_empty() {
        return CleanUp::Drop(due);
    }
    next_look(instance).map_or(CleanUp::Nothing, CleanUp::LookAgain)
}

/// When something of the instance may go for good, as things stand.
pub(crate) fn next_look(instance: &Instance) -> Option<Time> {
    let elements = instance.data.iter().filter_map(|element| droppable_from(instance, element));
    elements.chain(removable_from(instance)).min()
}

/// An archived instance waits until its own organisation has said that it has what it needs; one that never does keeps
/// it for ever.
fn removable_from(instance: &Instance) -> Option<Time> {
    let status = &instance.status;
    if !status.is_hard_deleted {
        return None;
    }
    let deleted = status.hard_deleted.or(instance.created).unwrap_or(Time::from_ticks(0));
    if status.is_archived { Some(deleted.max(confirmed(instance)?).plus(KEPT)) } else { Some(deleted.plus(NIGHT)) }
}

fn droppable_from(instance: &Instance, element: &DataElement) -> Option<Time> {
    let status = element.delete_status.as_ref().filter(|status| status.is_hard_deleted)?;
    let marked = status.hard_deleted.or(element.created).unwrap_or(Time::from_ticks(0));
    Some(marked.max(confirmed(instance)?).plus(KEPT))
}

/// When the instance's own organisation confirmed that it has what it needs.
fn confirmed(instance: &Instance) -> Option<Time> {
    let confirmations = instance.complete_confirmations.iter().flatten();
    let own = confirmations.filter(|confirmation| confirmation.stakeholder_id == instance.org);
    own.map(|confirmation| confirmation.confirmed_on).min()
}

/// What a job is about, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    instance: InstanceId,
}

/// The job that looks at the instance at that time.
pub(crate) fn job(instance: InstanceId, due: Time) -> Job {
    let body = serde_json::to_string(&About { instance }).expect("an id can be written as JSON");
    Job { kind: CLEAN_UP.to_owned(), body, due }
}

/// The instance that a job is about.
pub(crate) fn subject(body: &str) -> Option<InstanceId> {
    serde_json::from_str(body).ok().map(|About { instance }| instance)
}

/// The change that drops elements: the instance follows, nothing is recorded.
fn without(snapshot: &Snapshot, elements: &[Guid]) -> Change {
    let mut instance = snapshot.instance.clone();
    let mut change = Change::expecting(instance.id, snapshot.version);
    change.touch = true;
    for id in elements {
        forget_reading(&mut instance);
        if let Some(element) = instance.element(*id) {
            instance.last_changed_by = element.last_changed_by.clone();
        }
        instance.data.retain(|element| element.id != *id);
        change.elements.push(ElementChange::Drop(*id));
    }
    instance.data = Vec::new();
    change.instance = Some(instance);
    change
}

/// Removes what may go of an instance. Doing it again does no harm.
pub(crate) async fn clean_up(svc: &Service, id: InstanceId) -> Result<Outcome, Refusal> {
    let _gate = svc.enter(id).await?;
    let Some(snapshot) = svc.load(id).await? else { return Ok(Outcome::Done) };
    let app = storage::applications::find(svc, &snapshot.instance.app_id).await?;
    let history = match app {
        Some(app) if app.auto_delete_on_process_end => Removal::WithHistory,
        _ => Removal::KeepHistory,
    };
    let change = match decide(&snapshot.instance, history, svc.clock.now()) {
        CleanUp::Nothing => return Ok(Outcome::Done),
        CleanUp::LookAgain(time) => return Ok(Outcome::Later(time)),
        CleanUp::Remove(removal) => {
            let mut change = Change::expecting(id, snapshot.version);
            change.removal = Some(removal);
            change
        }
        CleanUp::Drop(elements) => without(&snapshot, &elements),
    };
    let remaining = change.removal.is_none().then(|| {
        let mut remaining = snapshot.instance.clone();
        let is_dropped =
            |id: Guid| change.elements.iter().any(|change| matches!(change, ElementChange::Drop(gone) if *gone == id));
        remaining.data.retain(|element| !is_dropped(element.id));
        next_look(&remaining)
    });
    match svc.store.commit(change).await {
        Ok(_) => {
            tracing::info!(instance = %id.guid, "removed what was deleted");
            Ok(remaining.flatten().map_or(Outcome::Done, Outcome::Later))
        }
        // Somebody changed the instance meanwhile; the next attempt decides on what it is then.
        Err(CommitFailure::Conflict) => Err(Refusal::Conflict(Problem::text("the instance was being changed"))),
        Err(CommitFailure::Failed(failure)) => Err(failure.into()),
    }
}
