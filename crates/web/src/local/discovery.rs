//! Where clients learn how to verify tokens (platform-authentication §2.6).

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde_json::json;

use super::{LocalState, reply};

/// `GET /authentication/api/v1/openid/.well-known/openid-configuration`. Addresses are the configured ones, whatever
/// host was asked.
pub(super) async fn configuration(State(state): State<LocalState>) -> impl IntoResponse {
    let base = format!("{}/authentication/api/v1", state.public_url);
    let configuration = json!({
        "issuer": state.issuer.issuer(),
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
    reply::json(&configuration.to_string())
}

/// `GET …/openid-configuration/jwks`.
pub(super) async fn keys(State(state): State<LocalState>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "public, max-age=3600")], reply::json(&state.issuer.key().jwks().to_string()))
}
