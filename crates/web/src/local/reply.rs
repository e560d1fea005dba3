//! Answers of the developers' endpoints.

use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_service::ports::RegisterFailure;
use serde_json::{Value, json};

/// What is wrong with a request, for the developer who made it: 400.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0).into_response()
    }
}

impl From<RegisterFailure> for Wrong {
    fn from(failure: RegisterFailure) -> Self {
        Self(failure.to_string())
    }
}

/// What to add to an answer that holds a token.
const PRIVATE: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// A token: bare, or as a JSON string for those who accept nothing else (platform-authentication §2.3).
pub(super) fn token(token: &str, headers: &HeaderMap) -> Response {
    private(if wants_json(headers) { json(&format!("\"{token}\"")) } else { token.to_owned().into_response() })
}

/// An answer that holds a token.
pub(super) fn private(mut response: Response) -> Response {
    for (name, value) in PRIVATE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Header and claims of a token as indented JSON, with a line of a dot between. `None` for what is no token.
pub(super) fn readable(token: &str) -> Option<String> {
    let mut parts = token.split('.').map(|part| {
        let part: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
        serde_json::to_string_pretty(&part).ok()
    });
    let (header, claims) = (parts.next()??, parts.next()??);
    Some(format!("{header}\n.\n{claims}"))
}

/// A JSON text.
pub(super) fn json(text: &str) -> Response {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], text.to_owned()).into_response()
}

/// Problem details: 400.
pub(super) fn problem(title: &str, Wrong(detail): Wrong) -> Response {
    problem_with(StatusCode::BAD_REQUEST, title, &detail)
}

/// Problem details with any status.
pub(super) fn problem_with(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    let content_type = [(CONTENT_TYPE, "application/problem+json; charset=utf-8")];
    (status, content_type, body.to_string()).into_response()
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .collect();
    !accepted.contains(&"*/*") && accepted.iter().any(|range| matches!(*range, "application/json" | "text/json"))
}
