//! `sbl/instances`: the message box (platform-storage §2.7).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use mottak_service::instances::life::Deletion;
use mottak_service::message_box::question::Question;
use mottak_service::message_box::{history, life, read as reading, search as searching};

use super::body;
use crate::WebState;
use crate::extract::{OfInstance, Query, Who};
use crate::refusal::Family::StorageText;
use crate::refusal::Refused;
use crate::response::json;
use crate::routes::Callers::{Authenticated, Permitted};
use crate::routes::Routes;

/// The routes of the message box.
pub(super) fn routes(routes: Routes) -> Routes {
    const SEARCH: &str = "/storage/api/v1/sbl/instances/search";
    const ONE: &str = "/storage/api/v1/sbl/instances/{party}/{guid}";
    const EVENTS: &str = "/storage/api/v1/sbl/instances/{party}/{guid}/events";
    const UNDELETE: &str = "/storage/api/v1/sbl/instances/{party}/{guid}/undelete";
    routes
        .add(Method::POST, SEARCH, Authenticated, StorageText, search)
        .add(Method::GET, ONE, Authenticated, StorageText, read)
        .add(Method::DELETE, ONE, Permitted("delete"), StorageText, delete)
        .add(Method::GET, EVENTS, Permitted("read"), StorageText, events)
        .add(Method::PUT, UNDELETE, Permitted("delete"), StorageText, undelete)
}

/// The instances of some parties that match, newest first.
async fn search(
    State(web): State<WebState>,
    Who(caller): Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let question: Question = body::read(&headers, body).await?;
    Ok(json(StatusCode::OK, &searching::search(&web.service, &caller, &question).await?))
}

/// One instance.
async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let instance = reading::read(&web.service, &caller, id, query.first("language")).await?;
    Ok(json(StatusCode::OK, &instance))
}

/// What happened to an instance.
async fn events(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    Ok(json(StatusCode::OK, &history::read(&web.service, &caller, id).await?))
}

/// Deletes an instance; for good when that is asked for.
async fn delete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let how = if query.boolean("hard")? == Some(true) { Deletion::Hard } else { Deletion::Soft };
    life::delete(&web.service, &caller, id, how).await?;
    Ok(json(StatusCode::OK, &true))
}

/// Takes a deletion back.
async fn undelete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    life::undelete(&web.service, &caller, id).await?;
    Ok(json(StatusCode::OK, &true))
}
