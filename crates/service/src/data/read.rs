//! Getting data elements (app-api §4.4, platform-storage §2.4.3).

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_model::{DataElement, DataType, InstanceId, ReadStatus};

use super::{ElementId, access, data_type_of, element_of, load_for};
use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::instances::read::load_stored;
use crate::ports::{Choice, Snapshot, StoredBody};
use crate::storage::applications;
use crate::{Missing, Problem, Refusal, Service, forms};

/// What an element holds.
#[derive(Debug)]
pub enum Data {
    Form(FormData),
    File(StoredBody),
}

/// How an element is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Named by the route: it must be the element's.
    pub data_type: Option<&'a str>,
    /// Whether the rows of a form come with their ids.
    pub include_row_ids: bool,
}

/// The content of an element, for the application API; of a file the part that is chosen.
pub async fn read(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: ElementId,
    reading: Reading<'_>,
    choice: Option<Choice<'_>>,
) -> Result<Data, Refusal> {
    let snapshot = load_for(svc, caller, app, id.instance, "read").await?;
    let element = element_of(&snapshot.instance, id.element)?.clone();
    let known = data_type_of(app, &element.data_type)?;
    require_type(&element, reading.data_type)?;
    access::require_read(svc, caller, app, &snapshot.instance, known)?;
    let mut given_ids = None;
    let (element, data) = if known.is_form() {
        let mut form = forms::load(svc, app, id.instance.party, &element).await?;
        if !reading.include_row_ids {
            form.remove_row_ids();
        } else if form.assign_row_ids(&mut || svc.ids.guid()) && !element.locked {
            given_ids = Some((known, form.clone()));
        }
        (element, Data::Form(form))
    } else {
        let body = svc.store.read_body(id.instance, id.element, choice).await?;
        let body = body.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
        // The answer tells of the element as it was with this content, which may be newer than what was looked at. Of
        // what was decided by, its type and the instance, nothing changes.
        (body.element.clone(), Data::File(body))
    };
    leave_traces(svc, caller, app, &snapshot, element, given_ids).await;
    Ok(data)
}

/// The route may name the data type as well; it must be the element's.
pub(super) fn require_type(element: &DataElement, named: Option<&str>) -> Result<(), Refusal> {
    match named {
        Some(named) if named != element.data_type => Err(Refusal::Invalid(Problem::text(format!(
            "Data type {named} does not match data element {}, which is of type {}",
            element.id, element.data_type
        )))),
        _ => Ok(()),
    }
}

/// Keeps the row ids that were given, since the editor refers to rows by them from now on, and notes that instance and
/// element have been read. Never in the way of the reader: a lost race is left to the next one.
async fn leave_traces(
    svc: &Service,
    caller: &Caller,
    app: &App,
    snapshot: &Snapshot,
    element: DataElement,
    given_ids: Option<(&DataType, FormData)>,
) {
    let Ok(author) = Author::of(svc, caller, app) else { return };
    let mut draft = Draft::of(svc, app, &author, snapshot);
    let id = element.id;
    if let Some((data_type, form)) = given_ids {
        forms::replace_as_is(&mut draft, data_type, element, &form);
    }
    if !caller.is_service_owner_of(app.id.org()) {
        draft.instance.status.read_status = ReadStatus::Read;
        if let Some(unread) = draft.instance.element(id).filter(|element| !element.is_read).cloned() {
            draft.remark(DataElement { is_read: true, ..unread });
        }
    }
    if draft.is_empty(&snapshot.instance) {
        return;
    }
    if let Err(failure) = svc.store.commit(draft.finish()).await {
        tracing::debug!(%failure, "row ids and the read status were not kept");
    }
}

/// A stored element with its bytes, or the part of them that is chosen, for the platform's storage API.
pub async fn download(
    svc: &Service,
    caller: &Caller,
    id: ElementId,
    choice: Option<Choice<'_>>,
) -> Result<StoredBody, Refusal> {
    let (snapshot, app) = load_stored(svc, caller, id.instance, "read").await?;
    let not_found = |text: String| Refusal::NotFound(Problem::text(text));
    let element = snapshot
        .instance
        .element(id.element)
        .ok_or_else(|| not_found(format!("Unable to find any data element with id: {}.", id.element)))?;
    let application = applications::known(svc, &app).await?;
    let data_type = application.data_type(&element.data_type).ok_or_else(|| {
        Refusal::Invalid(Problem::text("Requested element type is not declared in application metadata"))
    })?;
    if !access::may_read(svc, caller, &app, &snapshot.instance, data_type)? {
        let action = data_type.action_required_to_read.clone();
        return Err(Refusal::Forbidden(Missing { action, ..Missing::default() }));
    }
    let is_owner = caller.is_service_owner_of(&snapshot.instance.org);
    let require_visible = |element: &DataElement| {
        if element.is_hard_deleted() && !is_owner {
            return Err(Refusal::NotFound(Problem::bare()));
        }
        Ok(())
    };
    require_visible(element)?;
    let body = svc.store.read_body(id.instance, id.element, choice).await?;
    let body =
        body.ok_or_else(|| not_found(format!("Unable to read data element from blob storage for {}", id.element)))?;
    // The content comes with the element as it was then, which may be newer than what was looked at.
    require_visible(&body.element)?;
    if !body.element.is_read && !is_owner {
        mark_read(svc, caller, &app, id.instance, &body.element).await;
    }
    Ok(body)
}

/// Notes that an element has been read as it was seen. What somebody has changed about it meanwhile has not been read.
/// Never in the way of the reader.
async fn mark_read(svc: &Service, caller: &Caller, app: &App, id: InstanceId, seen: &DataElement) {
    let marked = svc
        .retrying(async || {
            let snapshot = svc.load(id).await?.filter(|snapshot| snapshot.instance.element(seen.id) == Some(seen));
            let Some(snapshot) = snapshot else { return Ok(()) };
            let author = Author::of(svc, caller, app)?;
            let mut draft = Draft::of(svc, app, &author, &snapshot);
            draft.remark(DataElement { is_read: true, ..seen.clone() });
            svc.commit(Some(&snapshot.instance), draft.finish()).await.map(drop)
        })
        .await;
    if let Err(refusal) = marked {
        tracing::debug!(?refusal, "the element was not marked as read");
    }
}

/// The stored elements of an instance, for the platform's storage API.
pub async fn list(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Vec<DataElement>, Refusal> {
    let (snapshot, _) = load_stored(svc, caller, id, "read").await?;
    let is_owner = caller.is_service_owner_of(&snapshot.instance.org);
    let mut elements = snapshot.instance.data;
    elements.retain(|element| is_owner || !element.is_hard_deleted());
    Ok(elements)
}
