//! `events`: the history of an instance (platform-storage §2.3).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use mottak_model::InstanceEvent;
use mottak_service::events::{self, EventFilter};
use mottak_service::storage::events::{self as writing, SentEvent};
use serde::Serialize;

use super::body;
use crate::WebState;
use crate::extract::{OfEvent, OfInstance, Query, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::json;
use crate::routes::Callers::Permitted;
use crate::routes::Routes;

/// The routes of events.
pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/storage/api/v1/instances/{party}/{guid}/events";
    const ONE: &str = "/storage/api/v1/instances/{party}/{guid}/events/{event}";
    routes
        .add(Method::GET, ALL, Permitted("read"), Storage, list)
        .add(Method::POST, ALL, Permitted("read"), Storage, add)
        .add(Method::GET, ONE, Permitted("read"), Storage, read)
}

/// Adds an event to the history.
async fn add(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    // The policy is asked before anything is said about the body.
    events::require_read(&web.service, &caller, id).await?;
    let sent: SentEvent = body::read(&headers, body).await?;
    let event = writing::add(&web.service, &caller, id, sent).await?;
    let mut response = json(StatusCode::CREATED, &event);
    if let Ok(location) = HeaderValue::from_str(&event.id.to_string()) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceEventList {
    instance_events: Vec<InstanceEvent>,
}

/// The events of an instance, oldest first.
async fn list(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let filter = EventFilter {
        types: query.all("eventTypes").map(str::to_owned).collect(),
        from: query.first("from").map(str::to_owned),
        to: query.first("to").map(str::to_owned),
    };
    let instance_events = events::list(&web.service, &caller, id, filter).await?;
    Ok(json(StatusCode::OK, &InstanceEventList { instance_events }))
}

/// One event.
async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    OfEvent(event): OfEvent,
) -> Result<Response, Refused> {
    let event = events::read(&web.service, &caller, id, event).await?;
    Ok(json(StatusCode::OK, &event))
}
