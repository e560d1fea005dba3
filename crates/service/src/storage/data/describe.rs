//! What is said about an element, set as a whole: this is how apps lock and tag (platform-storage §2.4.7).

use mottak_model::{DataElement, DeleteStatus, Guid, KeyValueEntry, Reference, Time};

use super::{Loaded, element_of, load, require_action, type_of};
use crate::authentication::Caller;
use crate::data::ElementId;
use crate::draft::{Author, Draft};
use crate::{Problem, Refusal, Service};

/// What is said about an element. What is absent here is absent afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Id and instance as the sender gives them; they must be those of the element.
    pub id: Option<String>,
    pub instance_guid: Option<String>,
    pub data_type: Option<String>,
    pub locked: bool,
    pub refs: Option<Vec<Guid>>,
    pub references: Option<Vec<Reference>>,
    pub tags: Option<Vec<String>>,
    pub user_defined_metadata: Option<Vec<KeyValueEntry>>,
    pub metadata: Option<Vec<KeyValueEntry>>,
    pub delete_status: Option<DeleteStatus>,
    /// Given: the instance changes with the element. Absent: the instance does not, and the element loses its own.
    pub last_changed: Option<Time>,
    pub last_changed_by: Option<String>,
}

/// Sets what is said about an element. Locked ones are no exception; there is no event.
pub async fn describe(
    svc: &Service,
    caller: &Caller,
    id: ElementId,
    description: &Description,
) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let Loaded { snapshot, app, application } = load(svc, caller, id.instance).await?;
        require_same(id, description)?;
        let element = element_of(&snapshot.instance, id.element)?;
        let data_type = type_of(&application, description.data_type.as_deref().unwrap_or_default())?;
        require_action(svc, caller, &app, &snapshot.instance, data_type)?;
        // Naming another type must not be a way around what the element's own asks for.
        if let Some(own) = application.data_type(&element.data_type).filter(|own| own.id != data_type.id) {
            require_action(svc, caller, &app, &snapshot.instance, own)?;
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        let Description { last_changed, last_changed_by, .. } = description;
        draft.remark(described(element, description.clone()));
        if last_changed.is_some() {
            draft.touch();
            draft.instance.last_changed_by.clone_from(last_changed_by);
        }
        let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(element_of(&instance, id.element)?.clone())
    })
    .await
}

fn require_same(id: ElementId, description: &Description) -> Result<(), Refusal> {
    let is = |given: &Option<String>, expected: Guid| given.as_deref() == Some(expected.to_string().as_str());
    if is(&description.instance_guid, id.instance.guid) && is(&description.id, id.element) {
        return Ok(());
    }
    Err(Refusal::Invalid(Problem::text("Mismatch between path and dataElement content")))
}

/// The element with what is said about it; type, content and whether it was read are not the sender's to say.
fn described(element: &DataElement, said: Description) -> DataElement {
    DataElement {
        locked: said.locked,
        refs: said.refs,
        references: said.references,
        tags: said.tags,
        user_defined_metadata: said.user_defined_metadata,
        metadata: said.metadata,
        delete_status: said.delete_status,
        last_changed: said.last_changed,
        last_changed_by: said.last_changed_by,
        ..element.clone()
    }
}
