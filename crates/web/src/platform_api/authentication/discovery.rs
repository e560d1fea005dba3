//! Where clients learn how to verify tokens (platform-authentication §2.6).

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::exchange::authority_of;
use crate::WebState;
use crate::refusal::Refused;
use crate::response;

/// How long clients may keep the keys: shorter than a new one is published before it signs.
const KEPT_BY_CLIENTS: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// `GET …/openid/.well-known/openid-configuration`. Addresses are the configured ones, whatever host was asked.
pub(super) async fn configuration(State(web): State<WebState>) -> Result<impl IntoResponse, Refused> {
    let authority = authority_of(&web)?;
    let base = format!("{}/authentication/api/v1", web.service.settings.platform_url);
    let configuration = json!({
        "issuer": authority.issuer.issuer(),
        "jwks_uri": format!("{base}/openid/.well-known/openid-configuration/jwks"),
        "authorization_endpoint": format!("{base}/authorize/"),
        "token_endpoint": format!("{base}/token/"),
        "end_session_endpoint": format!("{base}/openid/logout/"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    Ok(response::json(StatusCode::OK, &configuration))
}

/// `GET …/openid-configuration/jwks`.
pub(super) async fn keys(State(web): State<WebState>) -> Result<Response, Refused> {
    let keys = authority_of(&web)?.issuer.ring().jwks(web.service.clock.now());
    let mut response = response::json(StatusCode::OK, &keys);
    response.headers_mut().insert(CACHE_CONTROL, KEPT_BY_CLIENTS);
    Ok(response)
}
