//! `applications`: metadata of the apps that are loaded or were registered (platform-storage §2.8).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use mottak_model::ApplicationDocument;
use mottak_service::storage::applications::{self, Known};
use mottak_service::{Problem, Refusal};
use serde::Serialize;
use serde_json::value::RawValue;

use super::body;
use crate::WebState;
use crate::extract::{OfAppId, OfOrg, Query, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::{json, raw_json};
use crate::routes::Callers::{Anyone, Studio};
use crate::routes::Routes;

/// The routes of applications.
pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/storage/api/v1/applications";
    const OF_ORG: &str = "/storage/api/v1/applications/{org}";
    const ONE: &str = "/storage/api/v1/applications/{org}/{app}";
    routes
        .add(Method::GET, ALL, Anyone, Storage, list)
        .add(Method::POST, ALL, Studio, Storage, register)
        .add(Method::GET, OF_ORG, Anyone, Storage, list_of_org)
        .add(Method::GET, ONE, Anyone, Storage, read)
        .add(Method::PUT, ONE, Studio, Storage, update)
        .add(Method::DELETE, ONE, Studio, Storage, remove)
}

#[derive(Debug, Serialize)]
struct ApplicationList<'a> {
    applications: Vec<&'a RawValue>,
}

/// Every application.
async fn list(State(web): State<WebState>) -> Result<Response, Refused> {
    answer(&applications::all(&web.service, None).await?)
}

/// The applications of one owner.
async fn list_of_org(State(web): State<WebState>, OfOrg(org): OfOrg) -> Result<Response, Refused> {
    if org.contains('-') || org.contains(char::is_whitespace) {
        let text = format!("Application owner id '{org}' is not valid");
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    answer(&applications::all(&web.service, Some(&org)).await?)
}

fn answer(known: &[Known]) -> Result<Response, Refused> {
    let documents: Vec<Bytes> = known.iter().map(Known::document).collect();
    let raw: Result<Vec<&RawValue>, _> = documents.iter().map(|document| serde_json::from_slice(document)).collect();
    let applications = raw.map_err(|error| Refused(Refusal::failed("write an application's metadata", error)))?;
    Ok(json(StatusCode::OK, &ApplicationList { applications }))
}

/// One application.
async fn read(State(web): State<WebState>, OfAppId(id): OfAppId) -> Result<Response, Refused> {
    let known = applications::read(&web.service, &id).await?;
    Ok(raw_json(StatusCode::OK, known.document()))
}

/// Registers an application, in place of what is known of it.
async fn register(
    State(web): State<WebState>,
    Who(caller): Who,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: ApplicationDocument = body::read(&headers, body).await?;
    let id = query.first("appId").unwrap_or_default();
    let registered = applications::register(&web.service, &caller, id, sent).await?;
    let mut response = raw_json(StatusCode::CREATED, registered.document.clone());
    if let Ok(location) = HeaderValue::from_bytes(id.as_bytes()) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Replaces the metadata of an application.
async fn update(
    State(web): State<WebState>,
    Who(caller): Who,
    OfAppId(id): OfAppId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: ApplicationDocument = body::read(&headers, body).await?;
    let registered = applications::update(&web.service, &caller, id.as_str(), sent).await?;
    Ok(raw_json(StatusCode::OK, registered.document.clone()))
}

/// Ends the validity of an application, or forgets it.
async fn remove(
    State(web): State<WebState>,
    Who(caller): Who,
    OfAppId(id): OfAppId,
    query: Query,
) -> Result<Response, Refused> {
    let registered = if query.boolean("hard")? == Some(true) {
        applications::remove(&web.service, &id).await?
    } else {
        applications::retire(&web.service, &caller, &id).await?
    };
    Ok(raw_json(StatusCode::OK, registered.document.clone()))
}
