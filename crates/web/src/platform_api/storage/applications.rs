//! `applications`: metadata and texts of the loaded apps (platform-storage §2.8).

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use mottak_apps::App;
use mottak_model::TextResource;
use mottak_service::{Problem, Refusal};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::WebState;
use crate::refusal::Refused;
use crate::response::{empty, json, raw_json};

/// The names in the path. What is no text names nothing.
#[derive(Debug)]
pub(super) struct Named(Vec<(String, String)>);

impl FromRequestParts<WebState> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        let path = Path::from_request_parts(parts, web).await;
        path.map(|Path(names)| Self(names)).map_err(|_| empty(StatusCode::NOT_FOUND))
    }
}

impl Named {
    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

#[derive(Debug, Serialize)]
struct ApplicationList<'a> {
    applications: Vec<&'a RawValue>,
}

/// Every application.
pub(super) async fn list(State(web): State<WebState>) -> Result<Response, Refused> {
    answer(&web, |_| true)
}

/// The applications of one owner.
pub(super) async fn list_of_org(State(web): State<WebState>, path: Named) -> Result<Response, Refused> {
    let org = path.value("org");
    if org.contains('-') || org.contains(char::is_whitespace) {
        let text = format!("Application owner id '{org}' is not valid");
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    answer(&web, |app| app.id.org() == org)
}

fn answer(web: &WebState, is_wanted: impl Fn(&App) -> bool) -> Result<Response, Refused> {
    let apps = web.service.apps.list();
    let mut applications = Vec::with_capacity(apps.len());
    for app in apps.iter().filter(|app| is_wanted(app)) {
        let document: &RawValue = serde_json::from_slice(&app.metadata.storage)
            .map_err(|error| Refused(Refusal::failed("write an application's metadata", error)))?;
        applications.push(document);
    }
    Ok(json(StatusCode::OK, &ApplicationList { applications }))
}

/// One application.
pub(super) async fn read(State(web): State<WebState>, path: Named) -> Result<Response, Refused> {
    let (org, name) = (path.value("org"), path.value("app"));
    let app = web.service.apps.get(org, name).ok_or_else(|| {
        Refused(Refusal::NotFound(Problem::text(format!("Could not find an application with appId={org}/{name}"))))
    })?;
    Ok(raw_json(StatusCode::OK, app.metadata.storage.clone()))
}

/// The texts of an application in a language.
pub(super) async fn texts(State(web): State<WebState>, path: Named) -> Result<Response, Refused> {
    let language = path.value("language");
    if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        let text = "The language must be a two letter ISO language name.";
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    let not_found = || Refused(Refusal::NotFound(Problem::bare()));
    let app = web.service.apps.get(path.value("org"), path.value("app")).ok_or_else(not_found)?;
    let texts = app.texts.in_language(language).filter(|texts| texts.language == language).ok_or_else(not_found)?;
    let named = TextResource {
        id: Some(format!("{}-{}-{language}", app.id.org(), app.id.app())),
        org: Some(app.id.org().to_owned()),
        ..texts.clone()
    };
    Ok(json(StatusCode::OK, &named))
}
