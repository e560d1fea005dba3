//! `studio/instances`: instances as the designer of their app sees them (platform-storage §2.9).

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use mottak_service::storage::studio::{self, SimpleInstance};
use serde::Serialize;

use crate::WebState;
use crate::extract::{OfAppId, OfGuid, Query};
use crate::refusal::Family::{Storage, StorageText};
use crate::refusal::Refused;
use crate::response::{empty, json};
use crate::routes::Callers::Studio;
use crate::routes::Routes;

/// The routes of the designer.
pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/storage/api/v1/studio/instances/{org}/{app}";
    const ONE: &str = "/storage/api/v1/studio/instances/{org}/{app}/{guid}";
    routes.add(Method::GET, ALL, Studio, Storage, list).add(Method::GET, ONE, Studio, Storage, read).add(
        Method::DELETE,
        ONE,
        Studio,
        StorageText,
        delete,
    )
}

/// A page of a list. `next` is the token itself, no address.
#[derive(Debug, Serialize)]
struct QueryResponse {
    count: usize,
    #[serde(rename = "self")]
    this: Option<String>,
    next: Option<String>,
    instances: Vec<SimpleInstance>,
}

/// The instances of an app, newest first.
async fn list(State(web): State<WebState>, OfAppId(app): OfAppId, query: Query) -> Result<Response, Refused> {
    let parameters: Vec<(&str, &str)> = query.pairs().collect();
    let page = studio::list(&web.service, app, &parameters).await?;
    let (count, next, instances) = (page.instances.len(), page.next, page.instances);
    Ok(json(StatusCode::OK, &QueryResponse { count, this: None, next, instances }))
}

/// One instance with its elements.
async fn read(State(web): State<WebState>, OfAppId(app): OfAppId, OfGuid(guid): OfGuid) -> Result<Response, Refused> {
    Ok(json(StatusCode::OK, &studio::read(&web.service, &app, guid).await?))
}

/// Deletes an instance so that it can be had back.
async fn delete(State(web): State<WebState>, OfAppId(app): OfAppId, OfGuid(guid): OfGuid) -> Result<Response, Refused> {
    studio::delete(&web.service, &app, guid).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
