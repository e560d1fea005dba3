//! `lock`: app backends agree who works on an instance (platform-storage §2.5).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::Response;
use mottak_service::storage::locks;
use serde::{Deserialize, Serialize};

use super::body;
use crate::WebState;
use crate::extract::{OfInstance, Who, invalid_member};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::{empty, json};
use crate::routes::Callers::{Authenticated, PermittedByTask};
use crate::routes::Routes;

const TOKEN: HeaderName = HeaderName::from_static("altinn-storage-lock-token");

/// The routes of instance locks.
pub(super) fn routes(routes: Routes) -> Routes {
    const LOCK: &str = "/storage/api/v1/instances/{party}/{guid}/lock";
    routes.add(Method::POST, LOCK, PermittedByTask, Storage, acquire).add(
        Method::PATCH,
        LOCK,
        Authenticated,
        Storage,
        renew,
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InstanceLockRequest {
    ttl_seconds: i32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceLockResponse {
    lock_token: String,
}

/// Takes the lock.
async fn acquire(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let request: InstanceLockRequest = body::read(&headers, body).await?;
    let token = locks::acquire(&web.service, &caller, id, request.ttl_seconds.into()).await?;
    Ok(json(StatusCode::OK, &InstanceLockResponse { lock_token: token.write() }))
}

/// Prolongs or releases the lock. Whoever has its token may.
async fn renew(
    State(web): State<WebState>,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let token = headers.get(&TOKEN).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    let token = token
        .filter(|token| !token.is_empty())
        .ok_or_else(|| invalid_member("Altinn-Storage-Lock-Token", "The lockTokenHeader field is required."))?;
    let request: InstanceLockRequest = body::read(&headers, body).await?;
    locks::renew(&web.service, id, &token, request.ttl_seconds.into()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
