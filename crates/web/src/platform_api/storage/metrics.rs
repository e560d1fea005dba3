//! `metrics`: figures of use, for whoever shows the key (platform-storage §2.10).

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use mottak_service::{Problem, Refusal};
use serde_json::json;

use crate::WebState;
use crate::refusal::Family::StorageText;
use crate::refusal::Refused;
use crate::response;
use crate::routes::Callers::Anyone;
use crate::routes::Routes;

/// The routes of figures.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/storage/api/v1/metrics/instances", Anyone, StorageText, instances)
}

/// Completed instances per app and day, which are not counted here.
async fn instances(State(web): State<WebState>, headers: HeaderMap) -> Result<Response, Refused> {
    let refuse = |why: &str| Ok(response::json(StatusCode::UNAUTHORIZED, &json!({ "error": why })));
    let Some(given) = headers.get("x-api-key") else { return refuse("API key required for metrics endpoints") };
    let given = given.to_str().unwrap_or_default().trim();
    if given.is_empty() {
        return refuse("API key cannot be empty");
    }
    let Some(key) = &web.service.settings.metrics_key else {
        return Ok(response::empty(StatusCode::SERVICE_UNAVAILABLE));
    };
    if !key.is(given) {
        return refuse("Invalid API key");
    }
    Err(Refused(Refusal::NotImplemented(Problem::standard(
        "This server makes no Parquet files. `mottak export` writes all instances of an app as lines of JSON, with \
         everything that can be counted.",
    ))))
}
