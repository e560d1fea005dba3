//! A new instance from an earlier one that was handed in: which of its data comes along (app-api §3.2, §3.3, §3.3.1).

use std::collections::BTreeMap;

use mottak_apps::App;
use mottak_model::{CopyInstanceSettings, DataElement, DataType, Instance, InstanceId, PartyId, ReadStatus};

use super::create::{Making, Template, make, require_owner_admitted};
use super::owner::OwnerReference;
use super::read::{Shown, load_stored};
use crate::authentication::Caller;
use crate::draft::{Draft, NewElement};
use crate::ports::{Blob, Body};
use crate::process::steps::Facts;
use crate::{Missing, Problem, Refusal, Service, forms};

const NOT_ENABLED: &str = "Creating instance based on a copy from an archived instance is not enabled for this app.";

/// An element of the source with what it holds, read before anything is decided.
pub(super) struct Copied {
    element: DataElement,
    content: CopiedContent,
}

enum CopiedContent {
    Form(mottak_forms::FormData),
    File(Body),
}

/// Copies an instance for the link in the message box. Only users follow it.
pub async fn copy(svc: &Service, caller: &Caller, app: &App, source: InstanceId) -> Result<Shown, Refusal> {
    if caller.user().is_none() {
        return Err(Refusal::Forbidden(Missing::default()));
    }
    let settings = require_enabled(app)?;
    let source = crate::data::load_for(svc, caller, app, source, "read").await.map_err(Refusal::in_words)?.instance;
    if !source.status.is_archived {
        return Err(Refusal::Invalid(Problem::text("The instance being copied must be archived.")));
    }
    let resource = crate::authorization::Resource::party(app, source.id.party);
    svc.authorize(caller, "instantiate", resource).map_err(Refusal::in_words)?;
    let party = svc.register.party(source.id.party)?.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
    let template = Template {
        owner: OwnerReference::of_party(source.id.party.get()),
        visible_after: source.visible_after,
        read_status: Some(ReadStatus::Read),
        ..Template::default()
    };
    let copies = read_copies(svc, app, settings, &source).await?;
    let making = Making { template, parts: Vec::new(), copies, prefill: BTreeMap::new() };
    make(svc, caller, app, party, making).await
}

/// Makes an instance from the short form with data of the earlier instance that it names.
pub(super) async fn create_from(
    svc: &Service,
    caller: &Caller,
    app: &App,
    template: Template,
    prefill: BTreeMap<String, String>,
    source: &str,
) -> Result<Shown, Refusal> {
    let settings = require_enabled(app)?;
    template.owner.require_any()?;
    let party = super::owner::find_party(svc, &template.owner)?;
    let owner = source.split('/').next().and_then(|party| party.parse::<PartyId>().ok());
    if owner != Some(party.party_id) {
        let text = "It is not possible to copy instances between instance owners.";
        return Err(Refusal::Invalid(Problem::text(text)));
    }
    require_owner_admitted(svc, caller, app, &party)?;
    let source = source.parse::<InstanceId>().map_err(|_| {
        let text = format!("Instantiation of appId {} failed for party {}", app.id, party.party_id);
        Refusal::Invalid(Problem::text(text))
    })?;
    let source = read_source(svc, caller, app, source).await?;
    if !source.status.is_archived {
        let text = "It is not possible to copy an instance that isn't archived.";
        return Err(Refusal::Invalid(Problem::text(text)));
    }
    let copies = read_copies(svc, app, settings, &source).await?;
    make(svc, caller, app, party, Making { template, parts: Vec::new(), copies, prefill }).await
}

fn require_enabled(app: &App) -> Result<&CopyInstanceSettings, Refusal> {
    let settings = app.application.copy_instance_settings.as_ref().filter(|settings| settings.enabled);
    settings.ok_or_else(|| Refusal::Invalid(Problem::text(NOT_ENABLED)))
}

/// The source as the platform gives it to the caller. An instance of another app is none.
async fn read_source(svc: &Service, caller: &Caller, app: &App, id: InstanceId) -> Result<Instance, Refusal> {
    let failed = |status: &str| {
        Refusal::Stuck(Problem::text(format!("Retrieving source instance failed with status code {status}")))
    };
    match load_stored(svc, caller, id, "read").await {
        Ok((snapshot, _)) if snapshot.instance.app_id == app.id => Ok(snapshot.instance),
        Ok(_) | Err(Refusal::NotFound(_)) => Err(failed("NotFound")),
        Err(Refusal::Forbidden(_)) => Err(failed("Forbidden")),
        Err(other) => Err(other),
    }
}

/// Reads what comes along: the data of the task that a new instance begins in.
async fn read_copies(
    svc: &Service,
    app: &App,
    settings: &CopyInstanceSettings,
    source: &Instance,
) -> Result<Vec<Copied>, Refusal> {
    let start = crate::process::compute_start(app, None)?;
    let first_task = start.iter().find_map(|step| match step {
        mottak_process::Step::StartTask { task, .. } => Some(task.id.as_str()),
        _ => None,
    });
    let is_excluded =
        |data_type: &DataType| settings.excluded_data_types.iter().flatten().any(|id| *id == data_type.id);
    let mut copies = Vec::new();
    for element in source.data.iter().filter(|element| !element.is_hard_deleted()) {
        let Some(data_type) = app.application.data_type(&element.data_type) else { continue };
        if data_type.task_id.is_none() || data_type.task_id.as_deref() != first_task || is_excluded(data_type) {
            continue;
        }
        let content = if data_type.is_form() {
            let mut form = forms::load(svc, app, source.id.party, element).await?;
            let cleared = settings.excluded_data_fields.iter().flatten().map(String::as_str);
            mottak_forms::prefill::clear_fields(&mut form, cleared);
            form.remove_row_ids();
            CopiedContent::Form(form)
        } else if settings.include_attachments {
            let Some(body) = copy_body(svc, source.id, element).await? else { continue };
            CopiedContent::File(body)
        } else {
            continue;
        };
        copies.push(Copied { element: element.clone(), content });
    }
    Ok(copies)
}

/// The bytes of an element as the body of another one; large ones are staged piece by piece.
async fn copy_body(svc: &Service, source: InstanceId, element: &DataElement) -> Result<Option<Body>, Refusal> {
    Ok(match svc.store.read_body(source, element.id, None).await?.map(|body| body.blob) {
        None => None,
        Some(Blob::Bytes(bytes)) => Some(Body::Bytes(bytes)),
        Some(Blob::Stream(mut stream)) => {
            let mut writer = svc.store.blobs().stage().await?;
            while let Some(piece) = stream.next().await? {
                writer.write(piece).await?;
            }
            Some(Body::Staged(writer.finish().await?))
        }
    })
}

/// Adds what was copied. Tags, metadata and references stay behind.
pub(super) fn add_copy(draft: &mut Draft<'_>, facts: &Facts<'_>, copied: Copied) -> Result<(), Refusal> {
    let app = draft.app;
    let Copied { element, content } = copied;
    let Some(data_type) = app.application.data_type(&element.data_type) else { return Ok(()) };
    match content {
        CopiedContent::Form(mut form) => {
            forms::prefill(app, data_type, &mut form, facts.party, facts.profile.as_deref(), &BTreeMap::new())?;
            forms::add(draft, data_type, form)?;
        }
        CopiedContent::File(body) => {
            let new = NewElement {
                filename: element.filename,
                content_type: element.content_type,
                size: element.size,
                ..NewElement::default()
            };
            draft.add_element(data_type, new, body);
        }
    }
    Ok(())
}
