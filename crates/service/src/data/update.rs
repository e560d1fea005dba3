//! New content for a data element: PUT data (app-api §4.5).

use mottak_apps::App;
use mottak_forms::FormObject;
use mottak_forms::patch::changed_fields;
use mottak_model::{DataElement, DataType};

use super::calculation::{self, Edit, calculate};
use super::read::require_type;
use super::{ElementId, access, data_type_of, element_of, load_for, require_task};
use crate::authentication::Caller;
use crate::content::{Content, IncomingForm};
use crate::data::file::FileHeaders;
use crate::draft::{Author, Draft};
use crate::{Refusal, Service, forms};

/// Refuses, before the body is read, what would be refused anyway; answers the data type of the element.
pub async fn admit<'a>(
    svc: &Service,
    caller: &Caller,
    app: &'a App,
    id: ElementId,
    data_type: Option<&str>,
) -> Result<&'a DataType, Refusal> {
    let snapshot = load_for(svc, caller, app, id.instance, "write").await?;
    let element = element_of(&snapshot.instance, id.element)?;
    let known = data_type_of(app, &element.data_type)?;
    require_type(element, data_type)?;
    access::require_change(svc, caller, app, &snapshot.instance, known)?;
    access::require_unlocked(element)?;
    Ok(known)
}

/// A form, replaced.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// The element as it is stored.
    pub element: DataElement,
    /// What the app calculated otherwise than it was sent: paths of leaves to scalars (app-forms §2.3).
    pub changed_fields: FormObject,
}

/// Replaces a form.
pub async fn replace_form(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: ElementId,
    sent: &IncomingForm,
    language: Option<&str>,
) -> Result<Replaced, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let snapshot = load_for(svc, caller, app, id.instance, "write").await?;
        let element = element_of(&snapshot.instance, id.element)?;
        let data_type = data_type_of(app, &element.data_type)?;
        access::require_change(svc, caller, app, &snapshot.instance, data_type)?;
        let form = forms::parse(app, data_type, sent.content_type.as_deref(), &sent.bytes)?;
        require_task(&snapshot.instance, "update")?;
        access::require_unlocked(element)?;
        let author = Author::of(svc, caller, app)?;
        let mut draft = Draft::of(svc, app, &author, &snapshot);
        let mut edits = vec![Edit { element: id.element, form: form.clone(), is_changed: true }];
        calculate(svc, caller, app, &snapshot.instance, &mut edits, language).await?;
        let changed_fields = edits.first().map(|edit| changed_fields(&form, &edit.form)).unwrap_or_default();
        calculation::store(&mut draft, edits);
        let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(Replaced { element: element_of(&instance, id.element)?.clone(), changed_fields })
    })
    .await
}

/// Replaces a file.
pub async fn replace_file(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: ElementId,
    headers: &FileHeaders,
    content: &Content,
) -> Result<DataElement, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let snapshot = load_for(svc, caller, app, id.instance, "write").await?;
        let mut element = element_of(&snapshot.instance, id.element)?.clone();
        let data_type = data_type_of(app, &element.data_type)?;
        access::require_change(svc, caller, app, &snapshot.instance, data_type)?;
        access::require_unlocked(&element)?;
        let author = Author::of(svc, caller, app)?;
        let mut draft = Draft::of(svc, app, &author, &snapshot);
        element.filename = Some(headers.filename.clone());
        element.content_type = Some(headers.content_type.clone());
        draft.replace_content(data_type, element, content.len(), content.to_body());
        let instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(element_of(&instance, id.element)?.clone())
    })
    .await
}
