//! Getting data elements (app-api §4.4, platform-storage §2.4.3).

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_model::{DataElement, DataType, InstanceId, ReadStatus};

use super::{ElementId, access, data_type_of, element_of, load_for};
use crate::authentication::Caller;
use crate::content::{Choice, read_chosen};
use crate::draft::{Author, Draft};
use crate::instances::read::load_stored;
use crate::ports::{Snapshot, StoredBody};
use crate::storage::applications;
use crate::{Missing, Problem, Refusal, Service, forms};

/// What an element holds.
#[derive(Debug)]
pub enum Data {
    Form(FormData),
    File { element: DataElement, body: StoredBody },
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
    for _ in 0..ATTEMPTS {
        if let Seen::Now(data) = try_read(svc, caller, app, id, reading, choice).await? {
            return Ok(data);
        }
    }
    Err(Refusal::Busy)
}

async fn try_read(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: ElementId,
    reading: Reading<'_>,
    choice: Option<Choice<'_>>,
) -> Result<Seen<Data>, Refusal> {
    let snapshot = load_for(svc, caller, app, id.instance, "read").await?;
    let element = element_of(&snapshot.instance, id.element)?.clone();
    let known = data_type_of(app, &element.data_type)?;
    require_type(&element, reading.data_type)?;
    access::require_read(svc, caller, app, &snapshot.instance, known)?;
    let mut given_ids = None;
    let data = if known.is_form() {
        let mut form = forms::load(svc, app, id.instance.party, &element).await?;
        if !reading.include_row_ids {
            form.remove_row_ids();
        } else if form.assign_row_ids(&mut || svc.ids.guid()) && !element.locked {
            given_ids = Some((known, form.clone()));
        }
        Data::Form(form)
    } else {
        let Seen::Now(body) = read_as_seen(svc, id.instance, &element, choice).await? else {
            return Ok(Seen::Before);
        };
        let body = body.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
        Data::File { element: element.clone(), body }
    };
    leave_traces(svc, caller, app, &snapshot, element, given_ids).await;
    Ok(Seen::Now(data))
}

/// How often an element is read whose content is replaced meanwhile.
const ATTEMPTS: usize = 5;

/// Whether what was read belongs to what was seen.
enum Seen<T> {
    Now(T),
    /// It was replaced in between.
    Before,
}

/// The content of an element, or the part that is chosen, if the element is still what was seen of it: a new content
/// must not go out under the old name and type.
async fn read_as_seen(
    svc: &Service,
    instance: InstanceId,
    seen: &DataElement,
    choice: Option<Choice<'_>>,
) -> Result<Seen<Option<StoredBody>>, Refusal> {
    let body = read_chosen(&*svc.store, instance, seen.id, choice).await?;
    let snapshot = svc.load(instance).await?;
    let now = snapshot.as_ref().and_then(|snapshot| snapshot.instance.element(seen.id));
    let is_same = now.is_some_and(|now| {
        (now.size, now.last_changed, &now.content_type, &now.filename)
            == (seen.size, seen.last_changed, &seen.content_type, &seen.filename)
    });
    Ok(if is_same { Seen::Now(body) } else { Seen::Before })
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

/// A stored element and its bytes, or the part of them that is chosen, for the platform's storage API.
pub async fn download(
    svc: &Service,
    caller: &Caller,
    id: ElementId,
    choice: Option<Choice<'_>>,
) -> Result<(DataElement, StoredBody), Refusal> {
    for _ in 0..ATTEMPTS {
        if let Seen::Now(download) = try_download(svc, caller, id, choice).await? {
            return Ok(download);
        }
    }
    Err(Refusal::Busy)
}

async fn try_download(
    svc: &Service,
    caller: &Caller,
    id: ElementId,
    choice: Option<Choice<'_>>,
) -> Result<Seen<(DataElement, StoredBody)>, Refusal> {
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
    if element.is_hard_deleted() && !is_owner {
        return Err(Refusal::NotFound(Problem::bare()));
    }
    let Seen::Now(body) = read_as_seen(svc, id.instance, element, choice).await? else { return Ok(Seen::Before) };
    let body =
        body.ok_or_else(|| not_found(format!("Unable to read data element from blob storage for {}", id.element)))?;
    if !element.is_read && !is_owner {
        mark_read(svc, caller, &app, id.instance, element).await;
    }
    Ok(Seen::Now((element.clone(), body)))
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
