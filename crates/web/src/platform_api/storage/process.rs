//! `process`: where instances stand and what they have been through (platform-storage §2.2).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use mottak_model::{ProcessState, Time};
use mottak_service::process::history::{self, HistoryItem};
use mottak_service::storage::process::{self as moving, Generated, ProcessStateUpdate};
use serde::Serialize;

use super::body;
use super::instances::{answer, shown_to};
use crate::WebState;
use crate::extract::{OfInstance, Query, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::json;
use crate::routes::Callers::{Permitted, PermittedByTask, Platform};
use crate::routes::Routes;

/// The routes of processes.
pub(super) fn routes(routes: Routes) -> Routes {
    const STATE: &str = "/storage/api/v1/instances/{party}/{guid}/process";
    const STATE_WITH_EVENTS: &str = "/storage/api/v1/instances/{party}/{guid}/process/instanceandevents";
    const HISTORY: &str = "/storage/api/v1/instances/{party}/{guid}/process/history";
    const FACTS: &str = "/storage/api/v1/instances/{party}/{guid}/process/authinfo";
    routes
        .add(Method::PUT, STATE, PermittedByTask, Storage, set_state)
        .add(Method::PUT, STATE_WITH_EVENTS, PermittedByTask, Storage, set_state_with_events)
        .add(Method::GET, HISTORY, Permitted("read"), Storage, history)
        .add(Method::GET, FACTS, Platform, Storage, authorization_facts)
}

/// Sets where the process stands.
async fn set_state(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let state: ProcessState = body::read(&headers, body).await?;
    let changed = moving::set_state(&web.service, &caller, id, &state).await?;
    Ok(answer(&web, StatusCode::OK, shown_to(&caller, changed)))
}

/// Sets where the process stands, with the events that led there.
async fn set_state_with_events(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let is_kept = query.boolean("deleteGeneratedElements")? == Some(false);
    let generated = if is_kept { Generated::Kept } else { Generated::Removed };
    let update: ProcessStateUpdate = body::read(&headers, body).await?;
    let changed = moving::set_state_with_events(&web.service, &caller, id, &update, generated).await?;
    Ok(answer(&web, StatusCode::OK, shown_to(&caller, changed)))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessState>,
    app_id: String,
}

/// What the platform's own decisions need to know of an instance.
async fn authorization_facts(State(web): State<WebState>, OfInstance(id): OfInstance) -> Result<Response, Refused> {
    let (process, app) = moving::authorization_facts(&web.service, id).await?;
    Ok(json(StatusCode::OK, &AuthInfo { process, app_id: app.to_string() }))
}

/// Absent members are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryList<'a> {
    process_history: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    element_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occured: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Time>,
    performed_by: &'a str,
}

/// What the process has been through.
async fn history(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let items = history::read(&web.service, &caller, id).await?;
    Ok(json(StatusCode::OK, &HistoryList { process_history: items.iter().map(Item::of).collect() }))
}

impl<'a> Item<'a> {
    fn of(item: &'a HistoryItem) -> Self {
        Self {
            event_type: &item.event_type,
            element_id: item.element_id.as_deref(),
            occured: item.occured,
            started: item.started,
            ended: item.ended,
            performed_by: &item.performed_by,
        }
    }
}
