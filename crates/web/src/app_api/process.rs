//! `process`: state, start, next, history (app-api §6).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mottak_service::process::next::{self, NextRequest};
use mottak_service::process::{history, start, state};
use serde::Deserialize;

use super::view::{AppProcessState, HistoryView};
use crate::WebState;
use crate::body;
use crate::extract::{OfApp, OfInstance, Query, Who};
use crate::refusal::Refused;
use crate::response::json;

/// Where the process stands and what the caller may do.
pub(super) async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let view = state::read(&web.service, &caller, &app, id).await?;
    Ok(json(StatusCode::OK, &AppProcessState::of(&view)))
}

/// Starts the process of an instance that was made without one.
pub(super) async fn start(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let view = start::start(&web.service, &caller, &app, id, query.first("startEvent")).await?;
    Ok(json(StatusCode::OK, &AppProcessState::of(&view)))
}

/// The start events, before the process has started.
pub(super) async fn next_elements(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let elements = start::next_elements(&web.service, &caller, &app, id).await?;
    Ok(json(StatusCode::OK, &elements))
}

/// The body of PUT next. Whom the action is performed for only matters where a signature is made.
#[derive(Debug, Default, Deserialize)]
struct NextBody {
    #[serde(default, alias = "Action")]
    action: Option<String>,
}

/// Moves the process on.
pub(super) async fn next(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: NextBody = match body::optional_json(&headers, body).await? {
        Some(bytes) => body::parse::<Option<NextBody>>(&bytes)?.unwrap_or_default(),
        None => NextBody::default(),
    };
    let request = NextRequest { action: sent.action.filter(|action| !action.is_empty()), language: language(&query) };
    let view = next::next(&web.service, &caller, &app, id, &request).await?;
    Ok(json(StatusCode::OK, &AppProcessState::of(&view)))
}

/// Moves the process on to its end.
pub(super) async fn complete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let view = next::complete(&web.service, &caller, &app, id, language(&query)).await?;
    Ok(json(StatusCode::OK, &AppProcessState::of(&view)))
}

/// What the process has been through.
pub(super) async fn history(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let items = history::read_of_app(&web.service, &caller, &app, id).await?;
    Ok(json(StatusCode::OK, &HistoryView::of(&items)))
}

fn language(query: &Query) -> Option<String> {
    query.first("language").or_else(|| query.first("lang")).map(str::to_owned)
}
