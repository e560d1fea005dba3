//! Files of the app, as they are: layouts, settings, schemas (app-api §14).
//!
//! JSON documents are sent as JSON whatever is asked for; a document that is not there is a 204, or a 404 where clients
//! expect one.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use mottak_service::{Problem, Refusal};

use crate::extract::OfApp;
use crate::refusal::Refused;
use crate::response::{empty, raw_json, with_type};

const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript");
const BARE_JSON: HeaderValue = HeaderValue::from_static("application/json");

type Named = Path<Vec<(String, String)>>;

/// `models/{id}.schema.json`
pub(super) async fn json_schema(OfApp(app): OfApp, Path(path): Named) -> Result<Response, Refused> {
    app.models.schema(id(&path)).cloned().map(document).ok_or_else(not_found)
}

/// `models/{id}.xsd`
pub(super) async fn xsd(OfApp(app): OfApp, Path(path): Named) -> Result<Response, Refused> {
    let xsd = app.models.xsd(id(&path)).cloned().ok_or_else(not_found)?;
    Ok(with_type(StatusCode::OK, XML, xsd))
}

/// The layouts of an app without layout sets: no longer served.
pub(super) async fn no_layouts(OfApp(app): OfApp) -> Refused {
    let text = format!(
        "This endpoint is no longer available. Use /{}/api/layoutsets and /{0}/api/layouts/{{id}} instead.",
        app.id
    );
    Refused(Refusal::NotFound(Problem::text(text)))
}

/// All layouts of a set; an unknown set has none.
pub(super) async fn layouts(OfApp(app): OfApp, Path(path): Named) -> Response {
    let layouts = app.ui.folder(id(&path)).map(|folder| folder.layouts_document.clone());
    document(layouts.unwrap_or(Bytes::from_static(b"{}")))
}

/// `ui/Settings.json`
pub(super) async fn global_settings(OfApp(app): OfApp) -> Response {
    optional(app.ui.settings_document.clone())
}

/// `ui/{id}/Settings.json`
pub(super) async fn layout_settings(OfApp(app): OfApp, Path(path): Named) -> Response {
    optional(app.ui.folder(id(&path)).and_then(|folder| folder.settings_document.clone()))
}

/// `ui/layout-sets.json`
pub(super) async fn layout_sets(OfApp(app): OfApp) -> Response {
    optional(app.ui.layout_sets_document.clone())
}

/// `ui/{id}/RuleHandler.js`
pub(super) async fn rule_handler(OfApp(app): OfApp, Path(path): Named) -> Response {
    match app.ui.folder(id(&path)).and_then(|folder| folder.rule_handler.clone()) {
        Some(script) => with_type(StatusCode::OK, JAVASCRIPT, script),
        None => empty(StatusCode::NO_CONTENT),
    }
}

/// `ui/{id}/RuleConfiguration.json`
pub(super) async fn rule_configuration(OfApp(app): OfApp, Path(path): Named) -> Response {
    match app.ui.folder(id(&path)).and_then(|folder| folder.rule_configuration.clone()) {
        Some(configuration) => with_type(StatusCode::OK, BARE_JSON, configuration),
        None => empty(StatusCode::NO_CONTENT),
    }
}

/// `ui/footer.json`
pub(super) async fn footer(OfApp(app): OfApp) -> Response {
    optional(app.ui.footer_document.clone())
}

/// `models/{id}.validation.json`
pub(super) async fn validation_config(OfApp(app): OfApp, Path(path): Named) -> Response {
    optional(app.models.validation(id(&path)).map(|validation| validation.json.clone()))
}

fn id(path: &[(String, String)]) -> &str {
    path.iter().find(|(name, _)| name == "id").map_or("", |(_, value)| value)
}

fn document(json: Bytes) -> Response {
    raw_json(StatusCode::OK, json)
}

fn optional(json: Option<Bytes>) -> Response {
    json.map_or_else(|| empty(StatusCode::NO_CONTENT), document)
}

fn not_found() -> Refused {
    Refused(Refusal::NotFound(Problem::bare()))
}
