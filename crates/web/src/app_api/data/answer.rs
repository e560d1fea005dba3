//! What requests about data are answered with (app-api §21.5, §21.6).

use axum::http::header::{ACCEPT, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use mottak_forms::validation::Issue;
use mottak_forms::{FormData, FormObject};
use mottak_model::Guid;
use mottak_service::Refusal;
use mottak_service::data::create::Written;
use mottak_service::validation::Findings;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::view::{ElementView, InstanceView, Links};
use crate::refusal::Refused;
use crate::response::{json, with_type};

/// The form as JSON, or as XML for those who ask for nothing else.
pub(super) fn form_answer(form: &FormData, headers: &HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
    let wants_xml = !accept.contains("*/*")
        && !accept.contains("application/json")
        && (accept.contains("application/xml") || accept.contains("text/xml"));
    if wants_xml {
        let xml = HeaderValue::from_static("application/xml; charset=utf-8");
        with_type(StatusCode::OK, xml, form.to_xml_without_declaration())
    } else {
        crate::response::raw_json(StatusCode::OK, form.to_json())
    }
}

/// 201 with the new element and where it is.
pub(super) fn element_answer(written: &Written, links: &Links) -> Response {
    let element = written.instance.element(written.element);
    let Some(element) = element else {
        // Written, but not for this caller's eyes.
        return crate::response::empty(StatusCode::CREATED);
    };
    let mut response = json(StatusCode::CREATED, &ElementView::of(written.instance.id, element, links));
    set_location(&mut response, &links.element(written.instance.id, element.id));
    response
}

/// Says where the element is.
pub(super) fn set_location(response: &mut Response, location: &str) {
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
}

/// The form's own JSON keeps digits and scale of numbers, so it is written as it is.
pub(super) fn raw(form: &FormData) -> Result<Box<RawValue>, Refused> {
    RawValue::from_string(form.to_json()).map_err(|error| Refused(Refusal::failed("write a form", error)))
}

/// Forms with their elements' ids.
pub(super) fn models(forms: &[(Guid, FormData)]) -> Result<Vec<ModelView>, Refused> {
    forms.iter().map(|(id, form)| Ok(ModelView { data_element_id: *id, data: raw(form)? })).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelView {
    pub(super) data_element_id: Guid,
    pub(super) data: Box<RawValue>,
}

#[derive(Debug, Serialize)]
pub(super) struct FindingsView<'a> {
    pub(super) source: &'a str,
    pub(super) issues: &'a [Issue],
}

impl<'a> FindingsView<'a> {
    pub(super) fn of(findings: &'a Findings) -> Self {
        Self { source: findings.source, issues: &findings.issues }
    }
}

/// A form that the app changed on the way into the store (app-api §21.6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalculationResult<'a> {
    #[serde(flatten)]
    pub(super) element: ElementView<'a>,
    pub(super) changed_fields: &'a FormObject,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataPostResponse<'a> {
    pub(super) new_data_element_id: Guid,
    pub(super) instance: InstanceView<'a>,
    pub(super) validation_issues: Vec<FindingsView<'a>>,
    pub(super) new_data_models: Vec<ModelView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataPatchResponse<'a> {
    pub(super) validation_issues: Vec<FindingsView<'a>>,
    pub(super) new_data_models: Vec<ModelView>,
    pub(super) instance: InstanceView<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SinglePatchResponse<'a> {
    pub(super) validation_issues: std::collections::BTreeMap<&'a str, &'a Vec<Issue>>,
    pub(super) new_data_model: Option<Box<RawValue>>,
    pub(super) instance: InstanceView<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataDeleteResponse<'a> {
    pub(super) instance: InstanceView<'a>,
    pub(super) validation_issues: Vec<FindingsView<'a>>,
    pub(super) new_data_models: Vec<ModelView>,
}
