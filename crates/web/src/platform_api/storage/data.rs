//! `data` and `dataelements`: what instances hold (platform-storage §2.4, §2.5).
//!
//! [`upload`] is what brings content, [`description`] the JSON about an element.

mod description;
mod upload;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use mottak_model::{DataElement, FileScanResult, InstanceId};
use mottak_service::data::read as reading;
use mottak_service::storage::data::lock::{self, Locked};
use mottak_service::storage::data::remove::{self, When};
use mottak_service::storage::data::upload as uploads;
use mottak_service::storage::data::{describe, require_write, scan};
use mottak_service::{Problem, Refusal};
use serde::Deserialize;

use self::description::SentElement;
use super::body;
use super::view::{DataElementList, link_element};
use crate::WebState;
use crate::download::{self, Asked};
use crate::extract::{OfElement, OfInstance, Query, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::{empty, json};
use crate::routes::Callers::{Permitted, PermittedByTask, Platform};
use crate::routes::Routes;

/// The routes of data elements.
pub(super) fn routes(routes: Routes) -> Routes {
    const DATA: &str = "/storage/api/v1/instances/{party}/{guid}/data";
    const ELEMENT: &str = "/storage/api/v1/instances/{party}/{guid}/data/{data}";
    const LOCK: &str = "/storage/api/v1/instances/{party}/{guid}/data/{data}/lock";
    const LIST: &str = "/storage/api/v1/instances/{party}/{guid}/dataelements";
    const DESCRIPTION: &str = "/storage/api/v1/instances/{party}/{guid}/dataelements/{data}";
    const SCAN: &str = "/storage/api/v1/instances/{party}/{guid}/dataelements/{data}/filescanstatus";
    const EXISTS: &str = "/storage/api/v1/instances/{party}/{guid}/dataelementexists/{data}";
    routes
        .add(Method::POST, DATA, Permitted("write"), Storage, create)
        .add(Method::GET, ELEMENT, Permitted("read"), Storage, download)
        .add(Method::PUT, ELEMENT, Permitted("write"), Storage, replace)
        .add(Method::DELETE, ELEMENT, Permitted("write"), Storage, remove)
        .add(Method::PUT, LOCK, PermittedByTask, Storage, lock)
        .add(Method::DELETE, LOCK, PermittedByTask, Storage, unlock)
        .add(Method::GET, LIST, Permitted("read"), Storage, list)
        .add(Method::PUT, DESCRIPTION, Permitted("write"), Storage, describe)
        .add(Method::PUT, SCAN, Platform, Storage, set_scan_result)
        .add(Method::GET, EXISTS, Platform, Storage, exists)
}

/// A new element with its content.
async fn create(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let svc = &web.service;
    let sent = upload::sent(&query)?;
    let data_type = query.first("dataType");
    uploads::admit_new(svc, &caller, id, data_type).await?;
    let nothing = "No data attachments found";
    let (sent, content) = upload::receive_content(svc.store.blobs(), &headers, body, sent, nothing).await?;
    let mut element = uploads::create(svc, &caller, id, data_type, &sent, &content).await?;
    let location = link_element(&mut element, id, &svc.settings);
    let mut response = json(StatusCode::CREATED, &element);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The bytes of an element, as they were sent.
async fn download(
    State(web): State<WebState>,
    Who(caller): Who,
    OfElement(id): OfElement,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    require_party(id.instance)?;
    let asked = Asked::of(&headers);
    let body = reading::download(&web.service, &caller, id, asked.choice().as_deref()).await?;
    Ok(download::download(body, &asked))
}

/// Other content for an element.
async fn replace(
    State(web): State<WebState>,
    Who(caller): Who,
    OfElement(id): OfElement,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let svc = &web.service;
    let sent = upload::sent(&query)?;
    uploads::admit_replacement(svc, &caller, id).await?;
    let nothing = "No data found in request body";
    let (sent, content) = upload::receive_content(svc.store.blobs(), &headers, body, sent, nothing).await?;
    let mut element = uploads::replace(svc, &caller, id, &sent, &content).await?;
    link_element(&mut element, id.instance, &svc.settings);
    Ok(json(StatusCode::OK, &element))
}

/// Takes an element away, at once or later.
async fn remove(
    State(web): State<WebState>,
    Who(caller): Who,
    OfElement(id): OfElement,
    query: Query,
) -> Result<Response, Refused> {
    let when = if query.boolean("delay")?.unwrap_or(false) { When::Later } else { When::AtOnce };
    let element = remove::remove(&web.service, &caller, id, when).await?;
    Ok(json(StatusCode::OK, &element))
}

/// The elements of an instance, in order of creation.
async fn list(State(web): State<WebState>, Who(caller): Who, OfInstance(id): OfInstance) -> Result<Response, Refused> {
    require_party(id)?;
    let data_elements = reading::list(&web.service, &caller, id).await?;
    Ok(json(StatusCode::OK, &DataElementList { data_elements }))
}

/// Sets what is said about an element.
async fn describe(
    State(web): State<WebState>,
    Who(caller): Who,
    OfElement(id): OfElement,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    require_write(&web.service, &caller, id.instance).await?;
    let sent: SentElement = body::read(&headers, body).await?;
    let element = describe::describe(&web.service, &caller, id, &sent.into_description()).await?;
    Ok(json(StatusCode::OK, &element))
}

/// Keeps the content of an element from being changed.
async fn lock(State(web): State<WebState>, Who(caller): Who, OfElement(id): OfElement) -> Result<Response, Refused> {
    Ok(match lock::lock(&web.service, &caller, id).await? {
        Locked::Before(element) => json(StatusCode::OK, &element),
        Locked::Now(element) => at_its_id(StatusCode::CREATED, &element),
    })
}

/// Lets the content of an element be changed again.
async fn unlock(State(web): State<WebState>, Who(caller): Who, OfElement(id): OfElement) -> Result<Response, Refused> {
    let element = lock::unlock(&web.service, &caller, id).await?;
    Ok(json(StatusCode::OK, &element))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FileScanStatus {
    file_scan_result: FileScanResult,
}

/// What the scanner found.
async fn set_scan_result(
    State(web): State<WebState>,
    OfElement(id): OfElement,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let status: FileScanStatus = body::read(&headers, body).await?;
    scan::set_result(&web.service, id, status.file_scan_result).await?;
    Ok(empty(StatusCode::OK))
}

/// Whether the scanner still finds the element.
async fn exists(State(web): State<WebState>, OfElement(id): OfElement) -> Result<Response, Refused> {
    Ok(json(StatusCode::OK, &scan::exists(&web.service, id).await?))
}

/// Party 0 is what clients send that have none.
fn require_party(id: InstanceId) -> Result<(), Refused> {
    if id.party.get() == 0 {
        let text = "Missing parameter value: instanceOwnerPartyId can not be empty";
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    Ok(())
}

fn at_its_id(status: StatusCode, element: &DataElement) -> Response {
    let mut response = json(status, element);
    if let Ok(location) = HeaderValue::from_str(&element.id.to_string()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
