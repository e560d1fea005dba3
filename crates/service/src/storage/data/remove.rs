//! Taking elements away, at once or when the application owner has had them (platform-storage §2.4.5, §3.5).

use mottak_model::{DataElement, DataType};

use super::{Loaded, element_of, load, require_action, type_of};
use crate::authentication::Caller;
use crate::data::ElementId;
use crate::draft::{Author, Draft};
use crate::{Problem, Refusal, Service};

/// When an element goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    AtOnce,
    /// It is only marked: hidden from all but the application owner, and removed some time after that one has
    /// confirmed that it has what it needs.
    Later,
}

/// Removes an element or marks it as removed. Its lock does not keep it from going: locks guard content. Answers the
/// element as it was, or with its mark.
pub async fn remove(svc: &Service, caller: &Caller, id: ElementId, when: When) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let Loaded { snapshot, app, application } = load(svc, caller, id.instance).await?;
        let element = element_of(&snapshot.instance, id.element)?;
        if element.is_hard_deleted() {
            if !caller.is_service_owner_of(&snapshot.instance.org) {
                return Err(Refusal::NotFound(Problem::bare()).into());
            }
            if when == When::Later {
                return Ok(element.clone());
            }
        }
        let data_type = type_of(&application, &element.data_type)?;
        require_action(svc, caller, &app, &snapshot.instance, data_type)?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        match when {
            When::AtOnce => {
                draft.remove_element(id.element);
                svc.commit(Some(&snapshot.instance), draft.finish()).await?;
                Ok(DataElement { last_changed_by: author.performed_by.clone(), ..element.clone() })
            }
            When::Later => {
                require_delayable(data_type)?;
                draft.mark_element_deleted(element.clone());
                let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
                Ok(element_of(&instance, id.element)?.clone())
            }
        }
    })
    .await
}

fn require_delayable(data_type: &DataType) -> Result<(), Refusal> {
    if data_type.app_logic.as_ref().is_some_and(|logic| logic.auto_delete_on_process_end) {
        return Ok(());
    }
    let text = format!("DataType {} does not support delayed deletion", data_type.id);
    Err(Refusal::Invalid(Problem::text(text)))
}
