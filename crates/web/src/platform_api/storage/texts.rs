//! `applications/…/texts`: what apps say, by language (platform-storage §2.8).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use mottak_model::TextResource;
use mottak_service::storage::texts;

use super::body;
use crate::WebState;
use crate::extract::{OfAppId, OfLanguage};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::{empty, json};
use crate::routes::Callers::{Authenticated, Studio};
use crate::routes::Routes;

/// The routes of texts.
pub(super) fn routes(routes: Routes) -> Routes {
    const TEXTS: &str = "/storage/api/v1/applications/{org}/{app}/texts";
    const LANGUAGE: &str = "/storage/api/v1/applications/{org}/{app}/texts/{language}";
    routes
        .add(Method::POST, TEXTS, Studio, Storage, register)
        .add(Method::GET, LANGUAGE, Authenticated, Storage, read)
        .add(Method::PUT, LANGUAGE, Studio, Storage, update)
        .add(Method::DELETE, LANGUAGE, Studio, Storage, remove)
}

/// The texts of an application in a language.
async fn read(
    State(web): State<WebState>,
    OfAppId(app): OfAppId,
    OfLanguage(language): OfLanguage,
) -> Result<Response, Refused> {
    let texts = texts::read(&web.service, &app, &language).await?;
    Ok(json(StatusCode::OK, &*texts))
}

/// Registers texts, in place of what is known in their language.
async fn register(
    State(web): State<WebState>,
    OfAppId(app): OfAppId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: TextResource = body::read(&headers, body).await?;
    Ok(json(StatusCode::OK, &texts::register(&web.service, &app, sent).await?))
}

/// Replaces texts; 204 when there is nothing to replace.
async fn update(
    State(web): State<WebState>,
    OfAppId(app): OfAppId,
    OfLanguage(language): OfLanguage,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: TextResource = body::read(&headers, body).await?;
    Ok(match texts::update(&web.service, &app, &language, sent).await? {
        Some(texts) => json(StatusCode::OK, &texts),
        None => empty(StatusCode::NO_CONTENT),
    })
}

/// Forgets texts.
async fn remove(
    State(web): State<WebState>,
    OfAppId(app): OfAppId,
    OfLanguage(language): OfLanguage,
) -> Result<Response, Refused> {
    texts::remove(&web.service, &app, &language).await?;
    Ok(empty(StatusCode::OK))
}
