//! Form data between the store and the rules: bytes to a document of the app's model and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mottak_apps::App;
use mottak_forms::model::Model;
use mottak_forms::prefill::{PrefillSources, apply_config, apply_external};
use mottak_forms::{FormData, presentation};
use mottak_model::{DataElement, DataType, Guid, Instance, InstanceId, Party, PartyId, UserProfile};

use crate::authentication::Caller;
use crate::draft::{Draft, NewElement};
use crate::ports::{Blob, Body};
use crate::{Problem, Refusal, Service};

const XML: &str = "application/xml";
const JSON: &str = "application/json";

/// The model of a form data type.
pub(crate) fn model_of<'a>(app: &'a App, data_type: &str) -> Result<&'a Arc<Model>, Refusal> {
    app.models
        .model(data_type)
        .ok_or_else(|| Refusal::failed("find a form's model", format!("{} has none for {data_type}", app.id)))
}

/// Reads a form as a caller sends it (app-api §4.1).
pub(crate) fn parse(
    app: &App,
    data_type: &DataType,
    content_type: Option<&str>,
    bytes: &[u8],
) -> Result<FormData, Refusal> {
    let model = model_of(app, &data_type.id)?;
    let invalid = |title: &str, detail: String| Refusal::Invalid(Problem::details(title, detail));
    match content_type {
        None => read_xml(model, bytes).map_err(|detail| invalid("Failed to deserialize XML", detail)),
        Some(ct) if ct.contains(XML) => {
            read_xml(model, bytes).map_err(|detail| invalid("Failed to deserialize XML", detail))
        }
        Some(ct) if ct.contains(JSON) => {
            FormData::from_json(model, bytes).map_err(|error| invalid("Failed to deserialize JSON", error.to_string()))
        }
        Some(ct) => Err(Refusal::Unsupported(Problem::details(
            "Unsupported content type",
            format!("Content type {ct} is not supported for deserialization"),
        ))),
    }
}

fn read_xml(model: &Arc<Model>, bytes: &[u8]) -> Result<FormData, String> {
    FormData::from_xml(model, bytes).map_err(|error| error.to_string())
}

/// What forms of the type are stored as: the first of its content types that is one, else XML.
pub(crate) fn stored_type(data_type: &DataType) -> &'static str {
    let listed = data_type.allowed_content_types.as_deref().unwrap_or_default();
    listed.iter().find_map(|listed| [XML, JSON].into_iter().find(|known| listed == known)).unwrap_or(XML)
}

/// The bytes that are stored.
pub(crate) fn write(form: &FormData, content_type: &str) -> Bytes {
    if content_type.contains(JSON) { form.to_stored_json().into() } else { form.to_xml().into() }
}

/// A stored form.
pub(crate) async fn load(svc: &Service, app: &App, party: PartyId, element: &DataElement) -> Result<FormData, Refusal> {
    let bytes = load_bytes(svc, InstanceId::new(party, element.instance_guid), element.id).await?;
    let bytes = bytes.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
    let model = model_of(app, &element.data_type)?;
    let is_json = element.content_type.as_deref().is_some_and(|content_type| content_type.contains(JSON));
    let read = if is_json {
        FormData::from_json(model, &bytes).map_err(|error| error.to_string())
    } else {
        read_xml(model, &bytes)
    };
    read.map_err(|error| Refusal::failed(format!("read the stored form {}", element.id), error))
}

/// The content of an element that is small enough to be worked on as a whole.
pub(crate) async fn load_bytes(svc: &Service, instance: InstanceId, element: Guid) -> Result<Option<Bytes>, Refusal> {
    match svc.store.read_body(instance, element, None).await?.map(|body| body.blob) {
        None => Ok(None),
        Some(Blob::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Blob::Stream(mut stream)) => {
            let mut whole = Vec::with_capacity(usize::try_from(stream.len()).unwrap_or_default());
            while let Some(piece) = stream.next().await? {
                whole.extend_from_slice(&piece);
            }
            Ok(Some(whole.into()))
        }
    }
}

/// The profile of the user who calls.
pub(crate) fn profile_of(svc: &Service, caller: &Caller) -> Result<Option<Arc<UserProfile>>, Refusal> {
    match caller.user() {
        Some(user) => Ok(svc.register.profile(user.user_id)?),
        None => Ok(None),
    }
}

/// Fills a new form: first what the caller gave, then what the app's prefill file takes from the registers
/// (app-forms §8).
pub(crate) fn prefill(
    app: &App,
    data_type: &DataType,
    form: &mut FormData,
    party: &Party,
    profile: Option<&UserProfile>,
    given: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let given = given.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    apply_external(form, given)
        .map_err(|error| Refusal::Invalid(Problem::details("Prefill failed", error.to_string())))?;
    let Some(config) = app.models.prefill(&data_type.id) else { return Ok(()) };
    let sources = PrefillSources {
        organization: party.organization.as_ref(),
        person: party.person.as_ref(),
        user_profile: profile,
    };
    let notices = apply_config(form, config, sources)
        .map_err(|error| Refusal::Stuck(Problem::details("Prefill failed", error.to_string())))?;
    for notice in notices {
        tracing::debug!(app = %app.id, data_type = data_type.id, %notice, "part of the prefill had no effect");
    }
    Ok(())
}

/// Adds a form to the instance: brings it to its stored form, and shows what the app wants shown. Answers it as stored.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    data_type: &DataType,
    mut form: FormData,
) -> Result<(Guid, FormData), Refusal> {
    settle(draft, &mut form);
    let id = add_as_is(draft, data_type, &form);
    Ok((id, form))
}

/// Adds a form that is already in its stored form.
pub(crate) fn add_as_is(draft: &mut Draft<'_>, data_type: &DataType, form: &FormData) -> Guid {
    let content_type = stored_type(data_type);
    let bytes = write(form, content_type);
    present(draft.app, data_type, form, &mut draft.instance);
    draft.add_element(data_type, NewElement::form(content_type, &bytes), Body::Bytes(bytes))
}

/// Replaces the content of a form that the same change adds, after bringing it to its stored form.
pub(crate) fn refine(draft: &mut Draft<'_>, added: Guid, form: &mut FormData) {
    settle(draft, form);
    let app = draft.app;
    let data_type = draft.instance.element(added).map(|element| element.data_type.clone());
    let Some(data_type) = data_type.and_then(|data_type| app.application.data_type(&data_type)) else { return };
    let bytes = write(form, stored_type(data_type));
    present(app, data_type, form, &mut draft.instance);
    draft.refine_content(added, bytes.len() as u64, Body::Bytes(bytes));
}

/// Replaces the content of a form, after bringing it to its stored form.
pub(crate) fn replace(draft: &mut Draft<'_>, data_type: &DataType, element: DataElement, form: &mut FormData) {
    settle(draft, form);
    replace_as_is(draft, data_type, element, form);
}

/// Replaces the content of a form by one that is already in its stored form.
pub(crate) fn replace_as_is(draft: &mut Draft<'_>, data_type: &DataType, element: DataElement, form: &FormData) {
    let content_type = element.content_type.clone().unwrap_or_else(|| stored_type(data_type).to_owned());
    let bytes = write(form, &content_type);
    present(draft.app, data_type, form, &mut draft.instance);
    let size = bytes.len() as u64;
    draft.replace_content(data_type, element, size, Body::Bytes(bytes));
}

/// Gives rows the ids the editor knows them by, and drops what cannot be stored.
fn settle(draft: &Draft<'_>, form: &mut FormData) {
    form.normalize();
    form.assign_row_ids(&mut || draft.guid());
}

/// Brings the instance's presentation texts and data values up to date with a form (app-forms §10).
pub(crate) fn present(app: &App, data_type: &DataType, form: &FormData, instance: &mut Instance) {
    let fields = [
        (&app.application.presentation_fields, &mut instance.presentation_texts),
        (&app.application.data_fields, &mut instance.data_values),
    ];
    for (fields, shown) in fields {
        let extracted = presentation::extract(fields.as_deref().unwrap_or_default(), &data_type.id, form);
        let changes = presentation::changes(shown.as_ref().unwrap_or(&BTreeMap::new()), extracted);
        if !changes.is_empty() {
            let merged = presentation::merged(shown.take().unwrap_or_default(), changes);
            *shown = Some(merged).filter(|merged| !merged.is_empty());
        }
    }
}
