//! `events`: the history of an instance (platform-storage §2.3).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mottak_model::InstanceEvent;
use mottak_service::events::{self, EventFilter};
use serde::Serialize;

use crate::WebState;
use crate::extract::{OfEvent, OfInstance, Query, Who};
use crate::refusal::Refused;
use crate::response::json;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceEventList {
    instance_events: Vec<InstanceEvent>,
}

/// The events of an instance, oldest first.
pub(super) async fn list(
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
pub(super) async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    OfEvent(event): OfEvent,
) -> Result<Response, Refused> {
    let event = events::read(&web.service, &caller, id, event).await?;
    Ok(json(StatusCode::OK, &event))
}
