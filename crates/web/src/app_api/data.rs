//! `data`: forms and files of an instance (app-api §4).

use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use mottak_apps::App;
use mottak_forms::patch::PatchRequest;
use mottak_forms::validation::Issue;
use mottak_forms::{FormData, FormObject};
use mottak_model::{DataType, Guid, InstanceId};
use mottak_service::authentication::Caller;
use mottak_service::content::{Content, IncomingForm, ReceiveFailure, receive_judged};
use mottak_service::data::Wanted;
use mottak_service::data::create::{self, NewData, Written};
use mottak_service::data::file::{self, FileHeaders, SentHeaders};
use mottak_service::data::read::{self as reading, Data};
use mottak_service::data::{patch as patching, remove as removing, update as updating};
use mottak_service::refusal::ProblemKind;
use mottak_service::validation::{Findings, Selection};
use mottak_service::{Problem, Refusal};
use serde::Serialize;
use serde_json::value::RawValue;

use super::view::{ElementView, InstanceView, Links};
use crate::WebState;
use crate::body;
use crate::disposition;
use crate::download::download;
use crate::extract::{OfApp, OfElement, OfInstance, Query, Who, invalid_member};
use crate::refusal::Refused;
use crate::response::{json, with_type};

/// The source of issues that no validator found (app-api §4.3).
const LEGACY_SOURCE: &str = "DataController";

type Named = Path<Vec<(String, String)>>;

/// A new element of the data type in the path.
pub(super) async fn create(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    Path(path): Named,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let data_type = value(&path, "dataType").unwrap_or_default();
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    let written = create_element(&web, &caller, &app, id, data_type, &query, &headers, body).await?;
    Ok(json(
        StatusCode::OK,
        &DataPostResponse {
            new_data_element_id: written.element,
            instance: InstanceView::stored(&written.instance, &links),
            validation_issues: &written.findings.iter().map(FindingsView::of).collect::<Vec<_>>(),
            new_data_models: models(&written.forms)?,
        },
    ))
}

/// The same with the data type where other methods have the element.
pub(super) async fn create_alias(
    state: State<WebState>,
    who: Who,
    app: OfApp,
    instance: OfInstance,
    Path(mut path): Named,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    for (name, _) in &mut path {
        if name == "data" {
            "dataType".clone_into(name);
        }
    }
    create(state, who, app, instance, Path(path), uri, query, headers, body).await
}

/// A new element of the data type in the query; answers the element alone.
pub(super) async fn create_legacy(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let Some(data_type) = query.first("dataType").filter(|data_type| !data_type.is_empty()) else {
        return Err(invalid_member("dataType", "The dataType field is required."));
    };
    let no_validation = Query::default();
    let written = create_element(&web, &caller, &app, id, data_type, &no_validation, &headers, body)
        .await
        .map_err(|Refused(refusal)| Refused(in_legacy_words(&app, refusal)))?;
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    element_answer(&written, &links)
}

async fn create_element(
    web: &WebState,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    data_type: &str,
    query: &Query,
    headers: &HeaderMap,
    body: Body,
) -> Result<Written, Refused> {
    let svc = &web.service;
    let data_type = create::admit(svc, caller, app, id, data_type).await?;
    let data = if data_type.is_form() {
        // A form without a content type is an empty one, whatever the body.
        NewData::Form(match body::content_type(headers) {
            None => None,
            Some(content_type) => Some(read_form(data_type, Some(content_type), body).await?),
        })
    } else {
        let (headers, content) = read_file(web, data_type, headers, body).await?;
        if content.is_empty() {
            return Err(Refused(file::empty()));
        }
        NewData::File { headers, content }
    };
    let validation = query.list("ignoredValidators").map(Selection::incremental_without);
    let wanted = Wanted { validation: validation.as_ref(), language: query.first("language") };
    Ok(create::create(svc, caller, app, id, data_type, data, wanted).await?)
}

/// The content of an element.
pub(super) async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfElement(id): OfElement,
    Path(path): Named,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let include_row_ids = query.boolean("includeRowId")?.unwrap_or(false);
    let data = reading::read(&web.service, &caller, &app, id, value(&path, "dataType"), include_row_ids).await?;
    Ok(match data {
        Data::Form(form) => form_answer(&form, &headers),
        Data::File { element, blob } => download(&element, blob),
    })
}

/// New content for an element.
pub(super) async fn update(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfElement(id): OfElement,
    Path(path): Named,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let svc = &web.service;
    let data_type = updating::admit(svc, &caller, &app, id, value(&path, "dataType")).await?;
    let links = Links::of(&headers, uri.path(), &svc.settings);
    let element = if data_type.is_form() {
        let sent = read_form(data_type, body::content_type(&headers), body).await?;
        let replaced = updating::replace_form(svc, &caller, &app, id, &sent, query.first("language")).await?;
        if !replaced.changed_fields.is_empty() {
            let element = ElementView::of(id.instance, &replaced.element, &links);
            let changed_fields = &replaced.changed_fields;
            return Ok(json(StatusCode::OK, &CalculationResult { element, changed_fields }));
        }
        replaced.element
    } else {
        let (file, content) = read_file(&web, data_type, &headers, body)
            .await
            .map_err(|Refused(refusal)| Refused(in_legacy_words(&app, refusal)))?;
        updating::replace_file(svc, &caller, &app, id, &file, &content).await?
    };
    let mut response = json(StatusCode::CREATED, &ElementView::of(id.instance, &element, &links));
    set_location(&mut response, &links.element(id.instance, id.element));
    Ok(response)
}

/// Patches of several forms.
pub(super) async fn patch(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let bytes = body::large_json(&headers, body).await?;
    let request = PatchRequest::parse_multiple(&bytes).map_err(|wrong| invalid_member(&wrong.member, wrong.message))?;
    let written = patching::patch(&web.service, &caller, &app, id, &request, query.first("language")).await?;
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    Ok(json(
        StatusCode::OK,
        &DataPatchResponse {
            validation_issues: written.findings.iter().map(FindingsView::of).collect(),
            new_data_models: models(&written.forms)?,
            instance: InstanceView::stored(&written.instance, &links),
        },
    ))
}

/// A patch of one form (legacy).
pub(super) async fn patch_one(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfElement(id): OfElement,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let bytes = body::large_json(&headers, body).await?;
    let request =
        PatchRequest::parse_single(id.element, &bytes).map_err(|wrong| invalid_member(&wrong.member, wrong.message))?;
    let written = patching::patch(&web.service, &caller, &app, id.instance, &request, query.first("language")).await?;
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    let by_source = written.findings.iter().map(|findings| (findings.source, &findings.issues)).collect();
    let model = written.forms.first().map(|(_, form)| raw(form)).transpose()?;
    Ok(json(
        StatusCode::OK,
        &SinglePatchResponse {
            validation_issues: by_source,
            new_data_model: model,
            instance: InstanceView::stored(&written.instance, &links),
        },
    ))
}

/// Removes an element.
pub(super) async fn remove(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfElement(id): OfElement,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let validation = query.list("ignoredValidators").map(Selection::incremental_without);
    let wanted = Wanted { validation: validation.as_ref(), language: query.first("language") };
    let written = removing::remove(&web.service, &caller, &app, id, wanted).await?;
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    Ok(json(
        StatusCode::OK,
        &DataDeleteResponse {
            instance: InstanceView::stored(&written.instance, &links),
            validation_issues: written.findings.iter().map(FindingsView::of).collect(),
            new_data_models: models(&written.forms)?,
        },
    ))
}

/// The form that was sent.
async fn read_form(data_type: &DataType, content_type: Option<&str>, body: Body) -> Result<IncomingForm, Refused> {
    let limit = data_type.max_bytes().filter(|limit| *limit > 0);
    let bytes = body::form(body, limit).await?;
    Ok(IncomingForm { content_type: content_type.map(str::to_owned), bytes })
}

/// The file that was sent: its headers are judged before its bytes are taken.
async fn read_file(
    web: &WebState,
    data_type: &DataType,
    headers: &HeaderMap,
    body: Body,
) -> Result<(FileHeaders, Content), Refused> {
    let sent = headers.get(CONTENT_DISPOSITION);
    // Bytes outside ASCII are UTF-8, as browsers send them.
    let sent_text = sent.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let filename = sent_text.and_then(disposition::filename);
    let admitted = file::admit_headers(
        data_type,
        SentHeaders {
            has_content_disposition: sent.is_some(),
            filename: filename.as_deref(),
            content_type: body::content_type(headers),
            content_length: body::content_length(headers),
        },
    )?;
    let limit = data_type.max_bytes();
    let judge = |first_bytes: &[u8]| file::admit_content(data_type, first_bytes);
    let content = receive_judged(web.service.store.blobs(), body::stream(body), limit, judge).await;
    match content {
        Ok(content) => Ok((admitted, content)),
        Err(ReceiveFailure::OverLimit) => {
            let announced = body::content_length(headers).unwrap_or_default();
            Err(Refused(file::too_large(data_type, announced.max(limit.unwrap_or_default().saturating_add(1)))))
        }
        Err(ReceiveFailure::Refused(refusal)) => Err(Refused(refusal)),
    }
}

/// The older endpoint tells every 400 in one text, or as issues where the app says so (app-api §4.3).
fn in_legacy_words(app: &App, refusal: Refusal) -> Refusal {
    let Refusal::Invalid(problem) = refusal else { return refusal };
    let text = match &problem.kind {
        ProblemKind::UploadIssues(issues) if app.settings.json_object_in_data_response => {
            return Refusal::Invalid(Problem { kind: ProblemKind::IssueList(issues.clone()), ..problem });
        }
        ProblemKind::UploadIssues(issues) => {
            let texts: Vec<&str> = issues.iter().filter_map(|issue| issue.description.as_deref()).collect();
            texts.join(";")
        }
        ProblemKind::Members(_) => return Refusal::Invalid(problem),
        _ if app.settings.json_object_in_data_response => {
            let issue = Issue {
                code: problem.title.clone(),
                description: problem.detail.clone(),
                ..Issue::error(LEGACY_SOURCE)
            };
            return Refusal::Invalid(Problem { kind: ProblemKind::IssueList(vec![issue]), ..problem });
        }
        _ => problem.detail.clone().unwrap_or_default(),
    };
    Refusal::Invalid(Problem::text(text))
}

/// The form as JSON, or as XML for those who ask for nothing else.
fn form_answer(form: &FormData, headers: &HeaderMap) -> Response {
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

fn element_answer(written: &Written, links: &Links) -> Result<Response, Refused> {
    let element = written.instance.element(written.element);
    let Some(element) = element else {
        // Written, but not for this caller's eyes.
        return Ok(crate::response::empty(StatusCode::CREATED));
    };
    let mut response = json(StatusCode::CREATED, &ElementView::of(written.instance.id, element, links));
    set_location(&mut response, &links.element(written.instance.id, element.id));
    Ok(response)
}

fn set_location(response: &mut Response, location: &str) {
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
}

fn value<'a>(path: &'a [(String, String)], name: &str) -> Option<&'a str> {
    path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The form's own JSON keeps digits and scale of numbers, so it is written as it is.
fn raw(form: &FormData) -> Result<Box<RawValue>, Refused> {
    RawValue::from_string(form.to_json()).map_err(|error| Refused(Refusal::failed("write a form", error)))
}

fn models(forms: &[(Guid, FormData)]) -> Result<Vec<ModelView>, Refused> {
    forms.iter().map(|(id, form)| Ok(ModelView { data_element_id: *id, data: raw(form)? })).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelView {
    data_element_id: Guid,
    data: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct FindingsView<'a> {
    source: &'a str,
    issues: &'a [Issue],
}

impl<'a> FindingsView<'a> {
    fn of(findings: &'a Findings) -> Self {
        Self { source: findings.source, issues: &findings.issues }
    }
}

/// A form that the app changed on the way into the store (app-api §21.6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CalculationResult<'a> {
    #[serde(flatten)]
    element: ElementView<'a>,
    changed_fields: &'a FormObject,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DataPostResponse<'a> {
    new_data_element_id: Guid,
    instance: InstanceView<'a>,
    validation_issues: &'a [FindingsView<'a>],
    new_data_models: Vec<ModelView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DataPatchResponse<'a> {
    validation_issues: Vec<FindingsView<'a>>,
    new_data_models: Vec<ModelView>,
    instance: InstanceView<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SinglePatchResponse<'a> {
    validation_issues: std::collections::BTreeMap<&'a str, &'a Vec<Issue>>,
    new_data_model: Option<Box<RawValue>>,
    instance: InstanceView<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DataDeleteResponse<'a> {
    instance: InstanceView<'a>,
    validation_issues: Vec<FindingsView<'a>>,
    new_data_models: Vec<ModelView>,
}
