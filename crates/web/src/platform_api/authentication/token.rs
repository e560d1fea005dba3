//! Answers that are a token.

use axum::http::header::{ACCEPT, CACHE_CONTROL, HeaderMap, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::response::{JSON, with_type};

/// The bare token, or a JSON string for those who accept JSON and not everything (platform-authentication §2.3).
pub(super) fn answer(token: String, headers: &HeaderMap) -> Response {
    let mut response = if wants_json(headers) {
        with_type(StatusCode::OK, JSON, format!("\"{token}\""))
    } else {
        with_type(StatusCode::OK, HeaderValue::from_static("text/plain; charset=utf-8"), token)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn wants_json(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let kinds = lines.flat_map(|line| line.split(',')).filter_map(|range| range.split(';').next());
    let kinds: Vec<&str> = kinds.map(str::trim).collect();
    let accepts = |wanted: &str| kinds.iter().any(|kind| kind.eq_ignore_ascii_case(wanted));
    !accepts("*/*") && (accepts("application/json") || accepts("text/json"))
}
