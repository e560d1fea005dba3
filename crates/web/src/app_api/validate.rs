//! `validate`: what is wrong with an instance in its current task (app-api §7.1).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mottak_service::validation::{self, Selection};

use crate::WebState;
use crate::extract::{OfApp, OfInstance, Query, Who};
use crate::refusal::Refused;
use crate::response::json;

/// A flat list of issues, by validator in their order.
pub(super) async fn validate(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let selection = Selection {
        ignored: query.list("ignoredValidators").unwrap_or_default(),
        incremental: query.boolean("onlyIncrementalValidators")?,
    };
    let issues = validation::validate(&web.service, &caller, &app, id, &selection, query.first("language")).await?;
    Ok(json(StatusCode::OK, &issues))
}
