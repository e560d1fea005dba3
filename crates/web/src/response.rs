//! Answers: JSON in the contract's form, headers every answer of the application API carries.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

/// The content type of every JSON answer.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A JSON answer.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    json_of_about(4096, status, body)
}

/// A JSON answer of about so many bytes: room for it is made once instead of again and again.
pub(crate) fn json_of_about<T: Serialize>(bytes: usize, status: StatusCode, body: &T) -> Response {
    let mut written = Vec::with_capacity(bytes);
    match serde_json::to_writer(&mut written, body) {
        Ok(()) => raw_json(status, written),
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// A JSON answer that is already text.
pub(crate) fn raw_json(status: StatusCode, body: impl Into<Body>) -> Response {
    with_type(status, JSON, body)
}

/// An answer of any type.
pub(crate) fn with_type(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The security headers of the application API (app-api §1.9). What the handler set itself stays.
pub(crate) fn add_app_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_FRAME_OPTIONS, "deny"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_XSS_PROTECTION, "0"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store, no-cache"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
