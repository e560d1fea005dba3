//! `data`: forms and files of an instance (app-api §4).
//!
//! One handler per method here; [`request`] is what they take, [`answer`] what they give.

mod answer;
mod request;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use mottak_forms::patch::PatchRequest;
use mottak_model::InstanceId;
use mottak_service::data::create::{self, NewData, Written};
use mottak_service::data::read::{self as reading, Data, Reading};
use mottak_service::data::{Wanted, file, patch as patching, remove as removing, update as updating};

use super::view::{ElementView, InstanceView};
use crate::body;
use crate::download::{Asked, download};
use crate::extract::{OfElement, OfInstance, invalid_member};
use crate::refusal::Refused;
use crate::response::json;
use answer::{
    CalculationResult, DataDeleteResponse, DataPatchResponse, DataPostResponse, FindingsView, SinglePatchResponse,
    element_answer, form_answer, models, raw, set_location,
};
use request::{DataRequest, in_legacy_words};

/// A new element of the data type in the path; `data/{dataType}` has it where other methods have the element.
pub(super) async fn create(request: DataRequest, OfInstance(id): OfInstance, body: Body) -> Result<Response, Refused> {
    let data_type = request.named("dataType").or(request.named("data")).unwrap_or_default();
    let validation = request.validation();
    let wanted = Wanted { validation: validation.as_ref(), language: request.language() };
    let written = create_element(&request, id, data_type, wanted, body).await?;
    let response = DataPostResponse {
        new_data_element_id: written.element,
        instance: InstanceView::stored(&written.instance, &request.links),
        validation_issues: written.findings.iter().map(FindingsView::of).collect(),
        new_data_models: models(&written.forms)?,
    };
    Ok(json(StatusCode::OK, &response))
}

/// A new element of the data type in the query; answers the element alone.
pub(super) async fn create_legacy(
    request: DataRequest,
    OfInstance(id): OfInstance,
    body: Body,
) -> Result<Response, Refused> {
    let Some(data_type) = request.query.first("dataType").filter(|data_type| !data_type.is_empty()) else {
        return Err(invalid_member("dataType", "The dataType field is required."));
    };
    let written = create_element(&request, id, data_type, Wanted::default(), body)
        .await
        .map_err(|Refused(refusal)| Refused(in_legacy_words(&request.app, refusal)))?;
    Ok(element_answer(&written, &request.links))
}

async fn create_element(
    request: &DataRequest,
    id: InstanceId,
    data_type: &str,
    wanted: Wanted<'_>,
    body: Body,
) -> Result<Written, Refused> {
    let DataRequest { svc, caller, app, .. } = request;
    let data_type = create::admit(svc, caller, app, id, data_type).await?;
    let data = if !data_type.is_form() {
        let (headers, content) = request.file(data_type, body).await?;
        if content.is_empty() {
            return Err(Refused(file::empty()));
        }
        NewData::File { headers, content }
    } else if request.content_type().is_some() {
        NewData::Form(Some(request.form(data_type, body).await?))
    } else {
        // A form without a content type is an empty one, whatever the body.
        NewData::Form(None)
    };
    Ok(create::create(svc, caller, app, id, data_type, data, wanted).await?)
}

/// The content of an element.
pub(super) async fn read(request: DataRequest, OfElement(id): OfElement) -> Result<Response, Refused> {
    let DataRequest { svc, caller, app, .. } = &request;
    let include_row_ids = request.query.boolean("includeRowId")?.unwrap_or(false);
    let asked = Asked::of(&request.headers);
    let how = Reading { data_type: request.named("dataType"), include_row_ids };
    let data = reading::read(svc, caller, app, id, how, asked.choice().as_deref()).await?;
    Ok(match data {
        Data::Form(form) => form_answer(&form, &request.headers),
        Data::File(body) => download(body, &asked),
    })
}

/// New content for an element.
pub(super) async fn update(request: DataRequest, OfElement(id): OfElement, body: Body) -> Result<Response, Refused> {
    let DataRequest { svc, caller, app, links, .. } = &request;
    let data_type = updating::admit(svc, caller, app, id, request.named("dataType")).await?;
    let element = if data_type.is_form() {
        let sent = request.form(data_type, body).await?;
        let replaced = updating::replace_form(svc, caller, app, id, &sent, request.language()).await?;
        if !replaced.changed_fields.is_empty() {
            let element = ElementView::of(id.instance, &replaced.element, links);
            let changed_fields = &replaced.changed_fields;
            return Ok(json(StatusCode::OK, &CalculationResult { element, changed_fields }));
        }
        replaced.element
    } else {
        let (file, content) =
            request.file(data_type, body).await.map_err(|Refused(refusal)| Refused(in_legacy_words(app, refusal)))?;
        updating::replace_file(svc, caller, app, id, &file, &content).await?
    };
    let mut response = json(StatusCode::CREATED, &ElementView::of(id.instance, &element, links));
    set_location(&mut response, &links.element(id.instance, id.element));
    Ok(response)
}

/// Patches of several forms.
pub(super) async fn patch(request: DataRequest, OfInstance(id): OfInstance, body: Body) -> Result<Response, Refused> {
    let DataRequest { svc, caller, app, .. } = &request;
    let bytes = body::large_json(&request.headers, body).await?;
    let sent = PatchRequest::parse_multiple(&bytes).map_err(|wrong| invalid_member(&wrong.member, wrong.message))?;
    let written = patching::patch(svc, caller, app, id, &sent, request.language()).await?;
    let response = DataPatchResponse {
        validation_issues: written.findings.iter().map(FindingsView::of).collect(),
        new_data_models: models(&written.forms)?,
        instance: InstanceView::stored(&written.instance, &request.links),
    };
    Ok(json(StatusCode::OK, &response))
}

/// A patch of one form (legacy).
pub(super) async fn patch_one(request: DataRequest, OfElement(id): OfElement, body: Body) -> Result<Response, Refused> {
    let DataRequest { svc, caller, app, .. } = &request;
    let bytes = body::large_json(&request.headers, body).await?;
    let sent =
        PatchRequest::parse_single(id.element, &bytes).map_err(|wrong| invalid_member(&wrong.member, wrong.message))?;
    let written = patching::patch(svc, caller, app, id.instance, &sent, request.language()).await?;
    let response = SinglePatchResponse {
        validation_issues: written.findings.iter().map(|findings| (findings.source, &findings.issues)).collect(),
        new_data_model: written.forms.first().map(|(_, form)| raw(form)).transpose()?,
        instance: InstanceView::stored(&written.instance, &request.links),
    };
    Ok(json(StatusCode::OK, &response))
}

/// Removes an element.
pub(super) async fn remove(request: DataRequest, OfElement(id): OfElement) -> Result<Response, Refused> {
    let DataRequest { svc, caller, app, .. } = &request;
    let validation = request.validation();
    let wanted = Wanted { validation: validation.as_ref(), language: request.language() };
    let written = removing::remove(svc, caller, app, id, wanted).await?;
    let response = DataDeleteResponse {
        instance: InstanceView::stored(&written.instance, &request.links),
        validation_issues: written.findings.iter().map(FindingsView::of).collect(),
        new_data_models: models(&written.forms)?,
    };
    Ok(json(StatusCode::OK, &response))
}
