//! Deleting an instance in the message box, and taking that back (platform-storage §2.7.3).

use mottak_model::{InstanceId, event_type};

use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::instances::life::{Deletion, deletion, load_to_delete};
use crate::instances::read::load_passed;
use crate::{Problem, Refusal, Service};

/// Deletes an instance, unless the app still keeps it from being deleted.
pub async fn delete(svc: &Service, caller: &Caller, id: InstanceId, how: Deletion) -> Result<(), Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let (snapshot, app) = load_to_delete(svc, caller, id).await?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = deletion(svc, &app, &author, &snapshot, how).await?;
        draft.amend_last_event(|event| event.process_info = None);
        svc.commit(Some(&snapshot.instance), draft.finish()).await.map(drop)
    })
    .await
}

/// Takes a deletion back. What is not deleted stays as it is; what was deleted for good stays deleted.
pub async fn undelete(svc: &Service, caller: &Caller, id: InstanceId) -> Result<(), Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let not_found = |text: String| Refusal::NotFound(Problem::text(text));
        let (snapshot, app) = load_passed(svc, caller, id, "delete")
            .await?
            .ok_or_else(|| not_found(format!("Didn't find the object that should be restored with instanceId={id}")))?;
        let status = &snapshot.instance.status;
        if status.is_hard_deleted {
            let text = "Instance was permanently deleted and cannot be restored.";
            return Err(not_found(text.to_owned()).into());
        }
        if !status.is_soft_deleted {
            return Ok(());
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        draft.instance.status.is_soft_deleted = false;
        draft.instance.status.soft_deleted = None;
        draft.touch();
        draft.record(event_type::UNDELETED, None);
        draft.amend_last_event(|event| event.process_info = None);
        svc.commit(Some(&snapshot.instance), draft.finish()).await.map(drop)
    })
    .await
}
