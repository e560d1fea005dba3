//! `options`: code lists (app-api §12.1, §12.2).

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use mottak_apps::App;
use mottak_service::instances::read;
use mottak_service::{Problem, Refusal};

use crate::WebState;
use crate::extract::{OfApp, OfInstance, Query, Who};
use crate::refusal::Refused;
use crate::response::raw_json;

const PARAMETERS: HeaderName = HeaderName::from_static("altinn-downstreamparameters");

/// A list of the app.
pub(super) async fn of_app(OfApp(app): OfApp, Path(path): Path<Vec<(String, String)>>) -> Result<Response, Refused> {
    list(&app, &path)
}

/// A list for one instance. Apps without code have none of their own, so it is the list of the app.
pub(super) async fn of_instance(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    Path(path): Path<Vec<(String, String)>>,
    _query: Query,
) -> Result<Response, Refused> {
    read::require(&web.service, &caller, &app, id, "read").await?;
    list(&app, &path)
}

fn list(app: &App, path: &[(String, String)]) -> Result<Response, Refused> {
    let id = path.iter().find(|(name, _)| name == "id").map_or("", |(_, value)| value.as_str());
    let list = app.options.get(id).ok_or(Refused(Refusal::NotFound(Problem::bare())))?;
    let mut response = raw_json(StatusCode::OK, list.document.clone());
    // Lists from files take no parameters.
    response.headers_mut().insert(PARAMETERS, HeaderValue::from_static(""));
    Ok(response)
}
