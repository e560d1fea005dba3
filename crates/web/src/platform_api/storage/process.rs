//! `process/history` (platform-storage §2.2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mottak_model::Time;
use mottak_service::process::history::{self, HistoryItem};
use serde::Serialize;

use crate::WebState;
use crate::extract::{OfInstance, Who};
use crate::refusal::Refused;
use crate::response::json;

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
pub(super) async fn history(
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
