//! New elements and new content (platform-storage §2.4.1, §2.4.2, §2.4.4).

use mottak_model::{DataElement, Guid, InstanceId};

use super::{Loaded, element_of, load, require_action, type_of};
use crate::authentication::Caller;
use crate::content::Content;
use crate::data::ElementId;
use crate::draft::{Author, Draft, NewElement, generated_from};
use crate::{Problem, Refusal, Service};

/// What is said about a content beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub filename: Option<String>,
    /// The header as it came, parameters included.
    pub content_type: Option<String>,
    /// Other elements it refers to.
    pub refs: Vec<Guid>,
    /// The task that made it.
    pub generated_from: Option<String>,
}

/// Refuses, before the body is read, what would be refused anyway.
pub async fn admit_new(svc: &Service, caller: &Caller, id: InstanceId, data_type: Option<&str>) -> Result<(), Refusal> {
    let Loaded { snapshot, app, application } = load(svc, caller, id).await?;
    let data_type = type_of(&application, require_named(id, data_type)?)?;
    require_action(svc, caller, &app, &snapshot.instance, data_type)
}

/// Adds an element.
pub async fn create(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    data_type: Option<&str>,
    sent: &Sent,
    content: &Content,
) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let Loaded { snapshot, app, application } = load(svc, caller, id).await?;
        let data_type = type_of(&application, require_named(id, data_type)?)?;
        require_action(svc, caller, &app, &snapshot.instance, data_type)?;
        if content.is_empty() {
            let text = "Empty stream provided. Cannot persist data.";
            return Err(Refusal::Invalid(Problem::text(text)).into());
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        let new = NewElement {
            filename: sent.filename.clone(),
            content_type: sent.content_type.clone(),
            size: content.len(),
            refs: sent.refs.clone(),
            generated_from: sent.generated_from.clone(),
        };
        let element = draft.add_element(data_type, new, content.to_body());
        let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(element_of(&instance, element)?.clone())
    })
    .await
}

/// Refuses, before the body is read, what would be refused anyway.
pub async fn admit_replacement(svc: &Service, caller: &Caller, id: ElementId) -> Result<(), Refusal> {
    let Loaded { snapshot, app, application } = load(svc, caller, id.instance).await?;
    let element = element_of(&snapshot.instance, id.element)?;
    let data_type = type_of(&application, &element.data_type)?;
    require_action(svc, caller, &app, &snapshot.instance, data_type)?;
    require_unlocked(element)
}

/// Gives an element other content. What was said about the content before goes with it; tags, metadata and the lock stay.
pub async fn replace(
    svc: &Service,
    caller: &Caller,
    id: ElementId,
    sent: &Sent,
    content: &Content,
) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let Loaded { snapshot, app, application } = load(svc, caller, id.instance).await?;
        let element = element_of(&snapshot.instance, id.element)?;
        let data_type = type_of(&application, &element.data_type)?;
        require_action(svc, caller, &app, &snapshot.instance, data_type)?;
        require_unlocked(element)?;
        if content.is_empty() {
            return Err(Refusal::Unprocessable(Problem::text("Could not process attached file")).into());
        }
        let element = DataElement {
            filename: sent.filename.clone(),
            content_type: sent.content_type.clone(),
            refs: Some(sent.refs.clone()),
            references: sent.generated_from.as_deref().map(generated_from),
            ..element.clone()
        };
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        draft.replace_content(data_type, element, content.len(), content.to_body());
        let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(element_of(&instance, id.element)?.clone())
    })
    .await
}

/// Party 0 is what clients send that have none.
fn require_named(id: InstanceId, data_type: Option<&str>) -> Result<&str, Refusal> {
    data_type.filter(|data_type| id.party.get() != 0 && !data_type.is_empty()).ok_or_else(|| {
        let text = "Missing parameter values: instanceId, elementType or attached file content cannot be null";
        Refusal::Invalid(Problem::text(text))
    })
}

fn require_unlocked(element: &DataElement) -> Result<(), Refusal> {
    if !element.locked {
        return Ok(());
    }
    let text = format!("Data element {} is locked and cannot be updated", element.id);
    Err(Refusal::Conflict(Problem::text(text)))
}
