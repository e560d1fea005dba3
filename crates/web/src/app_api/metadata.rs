//! `api/v1/…`: what the app is, in which languages, under which rules (app-api §13).

use axum::extract::Path;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use mottak_apps::App;
use mottak_model::{AppId, TextResource};
use mottak_service::{Problem, Refusal};

use crate::extract::{OfApp, Query};
use crate::refusal::Refused;
use crate::response::{json, raw_json, with_type};

const TEXT_XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");

/// The app's metadata. May be kept for a while, the refusal of another app's too.
pub(super) async fn application(
    OfApp(app): OfApp,
    Path(path): Path<Vec<(String, String)>>,
    query: Query,
) -> Result<Response, Refused> {
    let is_checked = query.boolean("checkOrgApp")? != Some(false);
    let mut response = match require_same_spelling(&app, &path) {
        Err(refused) if is_checked => refused.into_response(),
        _ => raw_json(StatusCode::OK, app.metadata.app_api.clone()),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public,max-age=60"));
    Ok(response)
}

/// The app's policy file.
pub(super) async fn policy(OfApp(app): OfApp, Path(path): Path<Vec<(String, String)>>) -> Result<Response, Refused> {
    let document = app.policy_document.clone().ok_or(not_found())?;
    require_same_spelling(&app, &path)?;
    Ok(with_type(StatusCode::OK, TEXT_XML, document))
}

/// The app's process file.
pub(super) async fn process(OfApp(app): OfApp, Path(path): Path<Vec<(String, String)>>) -> Result<Response, Refused> {
    require_same_spelling(&app, &path)?;
    let document = app.process_document.clone().ok_or(not_found())?;
    Ok(with_type(StatusCode::OK, TEXT_XML, document))
}

/// The texts of a language, or those in `nb`.
pub(super) async fn texts(OfApp(app): OfApp, Path(path): Path<Vec<(String, String)>>) -> Result<Response, Refused> {
    let language = value(&path, "language");
    if language.chars().count() != 2 {
        let text = format!("Provided language {language} is invalid. Language code should consists of two characters.");
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    let texts = app.texts.in_language(language).ok_or(not_found())?;
    let named = TextResource {
        id: Some(format!("{}-{}-{}", app.id.org(), app.id.app(), texts.language)),
        org: Some(app.id.org().to_owned()),
        language: texts.language.clone(),
        resources: texts.resources.clone(),
    };
    Ok(json(StatusCode::OK, &named))
}

/// The languages the app has texts in.
pub(super) async fn languages(OfApp(app): OfApp) -> Result<Response, Refused> {
    let document = app.texts.languages_document.clone().ok_or(not_found())?;
    Ok(raw_json(StatusCode::OK, document))
}

/// What the frontend is told of the app's settings.
pub(super) async fn settings(OfApp(app): OfApp) -> Response {
    json(StatusCode::OK, &app.settings.front_end)
}

/// The metadata of one app is not given under another spelling of its id.
fn require_same_spelling(app: &App, path: &[(String, String)]) -> Result<(), Refused> {
    let asked = AppId::new(value(path, "org"), value(path, "app"));
    if asked == app.id {
        return Ok(());
    }
    let text = format!("This is {}, and not the app you are looking for: {asked}!", app.id);
    Err(Refused(Refusal::Conflict(Problem::text(text))))
}

fn value<'a>(path: &'a [(String, String)], name: &str) -> &'a str {
    path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn not_found() -> Refused {
    Refused(Refusal::NotFound(Problem::bare()))
}
