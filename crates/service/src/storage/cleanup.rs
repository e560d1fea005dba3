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
    let Some(snapshot) = svc.load(id).await? else {
        // Perhaps by an attempt that was ended before its last step.
        super::locks::forget(svc, id).await?;
        return Ok(Outcome::Done);
    };
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
            if remaining.is_none() {
                super::locks::forget(svc, id).await?;
            }
            Ok(remaining.flatten().map_or(Outcome::Done, Outcome::Later))
        }
        // Somebody changed the instance meanwhile; the next attempt decides on what it is then.
        Err(CommitFailure::Conflict) => Err(Refusal::Conflict(Problem::text("the instance was being changed"))),
        Err(CommitFailure::Failed(failure)) => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests {
    use mottak_model::{AppId, CompleteConfirmation, DeleteStatus, InstanceOwner, InstanceStatus, PartyId, ReadStatus};

    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    /// So many days into the story.
    fn day(number: u64) -> Time {
        Time::from_unix_seconds(1_700_000_000).plus(Duration::from_secs(number * DAY))
    }

    fn instance(status: InstanceStatus, confirmed_by: &[(&str, u64)]) -> Instance {
        let party = PartyId::new(1);
        let confirm = |(org, on): &(&str, u64)| CompleteConfirmation {
            stakeholder_id: (*org).to_owned(),
            confirmed_on: day(*on),
        };
        Instance {
            id: InstanceId::new(party, Guid::from_u128(1)),
            instance_owner: InstanceOwner {
                party_id: party,
                person_number: None,
                organisation_number: None,
                username: None,
                external_identifier: None,
            },
            app_id: AppId::new("ttd", "x"),
            org: "ttd".to_owned(),
            self_links: None,
            due_before: None,
            visible_after: None,
            process: None,
            status,
            complete_confirmations: (!confirmed_by.is_empty()).then(|| confirmed_by.iter().map(confirm).collect()),
            data: Vec::new(),
            presentation_texts: None,
            data_values: None,
            created: Some(day(0)),
            created_by: None,
            last_changed: None,
            last_changed_by: None,
        }
    }

    fn gone(on: Option<u64>, is_archived: bool) -> InstanceStatus {
        InstanceStatus {
            is_archived,
            is_soft_deleted: true,
            is_hard_deleted: true,
            hard_deleted: on.map(day),
            ..InstanceStatus::default()
        }
    }

    fn marked(number: u128, on: u64) -> DataElement {
        let status = DeleteStatus { is_hard_deleted: true, hard_deleted: Some(day(on)) };
        DataElement {
            delete_status: Some(status),
            is_read: false,
            last_changed_by: Some(number.to_string()),
            ..DataElement::new(Guid::from_u128(number), Guid::from_u128(1), "vedlegg")
        }
    }

    fn decided(instance: &Instance, on: u64) -> CleanUp {
        decide(instance, Removal::KeepHistory, day(on))
    }

    #[test]
    fn instances_go_when_both_halves_are_a_week_old() {
        const REMOVE: CleanUp = CleanUp::Remove(Removal::KeepHistory);
        for (status, confirmed, at, expected) in [
            (InstanceStatus::default(), &[("ttd", 1)][..], 100, CleanUp::Nothing),
            (gone(Some(1), false), &[], 1, CleanUp::LookAgain(day(2))),
            (gone(Some(1), false), &[], 2, REMOVE),
            (gone(None, false), &[], 1, REMOVE),
            (gone(Some(1), true), &[], 400, CleanUp::Nothing),
            (gone(Some(1), true), &[("digdir", 1)], 400, CleanUp::Nothing),
            (gone(Some(1), true), &[("ttd", 3)], 9, CleanUp::LookAgain(day(10))),
            (gone(Some(1), true), &[("ttd", 3)], 10, REMOVE),
            (gone(Some(5), true), &[("digdir", 1), ("ttd", 3)], 11, CleanUp::LookAgain(day(12))),
            (gone(Some(5), true), &[("digdir", 1), ("ttd", 3)], 12, REMOVE),
        ] {
            let instance = instance(status, confirmed);
            assert_eq!(decided(&instance, at), expected, "{instance:?} on day {at}");
        }
    }

    #[test]
    fn history_goes_where_the_app_says_so() {
        let instance = instance(gone(Some(1), false), &[]);
        assert_eq!(decide(&instance, Removal::WithHistory, day(9)), CleanUp::Remove(Removal::WithHistory));
    }

    #[test]
    fn elements_go_one_by_one() {
        let mut instance = instance(InstanceStatus::default(), &[("ttd", 2)]);
        instance.data =
            vec![marked(2, 1), marked(3, 4), DataElement::new(Guid::from_u128(4), Guid::from_u128(1), "vedlegg")];
        assert_eq!(next_look(&instance), Some(day(9)));
        assert_eq!(decided(&instance, 8), CleanUp::LookAgain(day(9)));
        assert_eq!(decided(&instance, 9), CleanUp::Drop(vec![Guid::from_u128(2)]));
        assert_eq!(decided(&instance, 11), CleanUp::Drop(vec![Guid::from_u128(2), Guid::from_u128(3)]));
        instance.complete_confirmations = None;
        assert_eq!(decided(&instance, 100), CleanUp::Nothing);
    }

    #[test]
    fn an_instance_follows_its_last_element() {
        let mut instance = instance(InstanceStatus::default(), &[("ttd", 2)]);
        instance.status.read_status = ReadStatus::Read;
        instance.data = vec![marked(2, 1), marked(3, 1)];
        let snapshot = Snapshot { instance, version: 7 };
        let change = without(&snapshot, &[Guid::from_u128(2), Guid::from_u128(3)]);
        assert!(change.touch && change.events.is_empty() && change.elements.len() == 2);
        let after = change.instance.expect("the instance follows");
        assert_eq!(after.last_changed_by.as_deref(), Some("3"));
        assert_eq!(after.status.read_status, ReadStatus::Unread);
    }

    #[test]
    fn jobs_say_which_instance() {
        let id = InstanceId::new(PartyId::new(7), Guid::from_u128(9));
        assert_eq!(subject(&job(id, day(1)).body), Some(id));
        assert_eq!(subject("{}"), None);
    }
}
