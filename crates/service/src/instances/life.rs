//! What happens to an instance as a whole: confirmed, deleted, given a substatus, marked as read
//! (platform-storage §2.1.4–2.1.7, §3.4, §3.5).

use std::sync::Arc;
use std::time::Duration;

use mottak_apps::App;
use mottak_model::{CompleteConfirmation, Instance, InstanceId, ReadStatus, Substatus, Time, event_type};

use super::read::{load_known, load_passed, load_permitted, unknown};
use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::ports::Snapshot;
use crate::service::Attempt;
use crate::storage::applications;
use crate::{Missing, Problem, Refusal, Service};

/// The caller's organisation states that it has what it needs. Saying it again changes nothing.
pub async fn confirm_complete(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let (snapshot, app) = load_permitted(svc, caller, id, "complete").await?;
        let Some(org) = caller.service_owner() else { return Err(Refusal::forbidden("complete").into()) };
        if snapshot.instance.is_confirmed_by(org) {
            return Ok(snapshot.instance);
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        let confirmation = CompleteConfirmation { stakeholder_id: org.to_owned(), confirmed_on: draft.now };
        draft.instance.complete_confirmations.get_or_insert_default().push(confirmation);
        draft.touch();
        draft.record(event_type::CONFIRMED_COMPLETE, None);
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

/// How far a deletion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Can be undone.
    Soft,
    /// A mark that cannot be taken back; removed for good later.
    Hard,
}

/// Deletes an instance, unless the app still keeps it from being deleted.
pub async fn delete(svc: &Service, caller: &Caller, id: InstanceId, how: Deletion) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let (snapshot, app) = load_to_delete(svc, caller, id).await?;
        let author = Author::of(svc, caller, &app)?;
        let draft = deletion(svc, &app, &author, &snapshot, how).await?;
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

/// The instance, to somebody who may delete it.
pub(crate) async fn load_to_delete(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
) -> Result<(Snapshot, Arc<App>), Refusal> {
    load_passed(svc, caller, id, "delete").await?.ok_or_else(|| {
        let text = format!("Didn't find the object that should be deleted with instanceId={id}");
        Refusal::NotFound(Problem::text(text))
    })
}

/// The deletion of an instance, unless the app still keeps it from being deleted.
pub(crate) async fn deletion<'a>(
    svc: &'a Service,
    app: &'a App,
    author: &'a Author,
    snapshot: &Snapshot,
    how: Deletion,
) -> Result<Draft<'a>, Refusal> {
    let mut draft = Draft::of(svc, app, author, snapshot);
    let known = applications::find(svc, &app.id).await?;
    let days = known.and_then(|application| application.prevent_instance_deletion_for_days);
    if is_kept(days, snapshot.instance.status.archived, draft.now) {
        return Err(Refusal::Forbidden(Missing {
            detail: Some("Instance cannot be deleted yet due to application restrictions.".to_owned()),
            ..Missing::default()
        }));
    }
    mark_deleted(&mut draft, how);
    draft.record(event_type::DELETED, None);
    Ok(draft)
}

/// Marks the instance as deleted.
pub(crate) fn mark_deleted(draft: &mut Draft<'_>, how: Deletion) {
    let now = draft.now;
    let status = &mut draft.instance.status;
    status.is_soft_deleted = true;
    match how {
        Deletion::Soft => status.soft_deleted = Some(now),
        Deletion::Hard => {
            status.soft_deleted = status.soft_deleted.or(Some(now));
            status.is_hard_deleted = true;
            status.hard_deleted = Some(now);
        }
    }
    draft.touch();
}

/// Whether the app's retention of so many days still holds an instance that was archived then
/// (platform-storage §3.4).
fn is_kept(days: Option<u32>, archived: Option<Time>, now: Time) -> bool {
    let (Some(days), Some(archived)) = (days, archived) else { return false };
    now < archived.plus(Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}

/// Refuses a substatus that says nothing.
pub fn require_label(substatus: Option<&Substatus>) -> Result<&Substatus, Refusal> {
    let is_labelled = |substatus: &&Substatus| substatus.label.as_deref().is_some_and(|label| !label.is_empty());
    substatus.filter(is_labelled).ok_or_else(|| {
        let sent = serde_json::to_string(&substatus).unwrap_or_default();
        let text = format!("Invalid sub status: {sent}. Substatus must be defined and include a label.");
        Refusal::Invalid(Problem::text(text))
    })
}

/// What the application owner says about its handling. The order of refusals is the contract's: body, instance, caller.
pub async fn set_substatus(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    substatus: Option<&Substatus>,
) -> Result<Instance, Refusal> {
    let substatus = require_label(substatus)?;
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        if caller.is_anonymous() {
            return Err(Refusal::Unauthenticated.into());
        }
        let (snapshot, app) = load_known(svc, id).await?;
        if !caller.is_service_owner_of(&snapshot.instance.org) {
            return Err(Refusal::Forbidden(Missing::default()).into());
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        draft.instance.status.substatus = Some(substatus.clone());
        draft.touch();
        draft.record(event_type::SUBSTATUS_UPDATED, None);
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

/// Sets whether the owner has seen the instance, by the name of the status or its number. Neither touches the instance
/// nor leaves an event.
pub async fn set_read_status(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    status: &str,
) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || -> Result<Instance, Attempt> {
        let found = load_passed(svc, caller, id, "read").await?;
        let status = ReadStatus::parse(status).ok_or_else(|| {
            Refusal::Invalid(Problem::text(format!(
                "Invalid read status: {status}. Accepted types include: Unread, Read, UpdatedSinceLastReview"
            )))
        })?;
        let (snapshot, app) = found.ok_or_else(|| unknown(id.guid))?;
        if snapshot.instance.status.read_status == status {
            return Ok(snapshot.instance);
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        draft.instance.status.read_status = status;
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use mottak_testing::covers;

    use super::*;

    #[test]
    fn archived_instances_are_kept_for_the_days_of_their_app() {
        let _rows = covers("platform-storage", &["I30"]);
        let now = Time::parse("2025-06-10T12:00:00Z").unwrap();
        let archived = |text: &str| Some(Time::parse(text).unwrap());
        for (days, archived, kept) in [
            (Some(2), archived("2025-06-09T12:00:00Z"), true),
            (Some(1), archived("2025-06-08T12:00:00Z"), false),
            (None, archived("2025-06-09T12:00:00Z"), false),
            (Some(2), None, false),
            (None, None, false),
            // To the last moment, and from then on no more.
            (Some(2), archived("2025-06-08T12:00:00.0000001Z"), true),
            (Some(2), archived("2025-06-08T12:00:00Z"), false),
            (Some(0), archived("2025-06-10T12:00:00Z"), false),
            (Some(u32::MAX), archived("2025-06-10T12:00:00Z"), true),
        ] {
            assert_eq!(is_kept(days, archived, now), kept, "{days:?} {archived:?}");
        }
    }
}
