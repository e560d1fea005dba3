//! Locks of elements: a locked one keeps its content (platform-storage §2.5).
//!
//! Neither locking nor unlocking touches the instance or leaves an event.

use mottak_model::DataElement;

use super::{element_of, find};
use crate::authentication::Caller;
use crate::data::ElementId;
use crate::draft::{Author, Draft};
use crate::ports::Snapshot;
use crate::service::Attempt;
use crate::storage::task::Question;
use crate::{Refusal, Service};
use mottak_apps::App;

/// What became of an element that was to be locked.
#[derive(Clone, Debug, PartialEq)]
pub enum Locked {
    Now(DataElement),
    Before(DataElement),
}

/// Locks an element, for who may act in the current task.
pub async fn lock(svc: &Service, caller: &Caller, id: ElementId) -> Result<Locked, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let (snapshot, app) = find(svc, id.instance).await?;
        svc.require_task_write(caller, &app, &snapshot.instance)?;
        let element = element_of(&snapshot.instance, id.element)?;
        if element.locked {
            return Ok(Locked::Before(element.clone()));
        }
        set(svc, caller, &app, &snapshot, DataElement { locked: true, ..element.clone() }).await.map(Locked::Now)
    })
    .await
}

/// Unlocks an element, for who may write, unlock or reject in the current task. An unknown instance is one nobody may
/// use.
pub async fn unlock(svc: &Service, caller: &Caller, id: ElementId) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let (snapshot, app) = match find(svc, id.instance).await {
            Err(Refusal::NotFound(_)) => return Err(Refusal::forbidden("unlock").into()),
            found => found?,
        };
        let task = snapshot.instance.current_task_id();
        let question = Question { actions: vec!["write", "unlock", "reject"], task };
        svc.require_any(caller, &app, &snapshot.instance, &question)?;
        let element = element_of(&snapshot.instance, id.element)?;
        if !element.locked {
            return Ok(element.clone());
        }
        set(svc, caller, &app, &snapshot, DataElement { locked: false, ..element.clone() }).await
    })
    .await
}

async fn set(
    svc: &Service,
    caller: &Caller,
    app: &App,
    snapshot: &Snapshot,
    element: DataElement,
) -> Result<DataElement, Attempt> {
    let author = Author::of(svc, caller, app)?;
    let mut draft = Draft::of(svc, app, &author, snapshot);
    draft.remark(element.clone());
    svc.commit(Some(&snapshot.instance), draft.finish()).await?;
    Ok(element)
}
