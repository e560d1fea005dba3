//! `/authentication/api/v1`: tokens for tokens, and the keys they are verified with (platform-authentication §2).
//!
//! Served where this server is the authority of its platform ([`WebParts::authority`](crate::WebParts::authority)). The
//! logins of developers are in [`local`](crate::local).

mod discovery;
mod exchange;
mod refresh;
mod token;

use axum::http::Method;

use crate::refusal::Family;
use crate::routes::{Callers, Routes};

/// All routes of the authentication API.
pub fn routes(routes: Routes) -> Routes {
    routes
        .add(
            Method::GET,
            "/authentication/api/v1/exchange/{tokenProvider}",
            Callers::Anyone,
            Family::Exchange,
            exchange::exchange,
        )
        .add(
            Method::GET,
            "/authentication/api/v1/refresh",
            Callers::Authenticated,
            Family::StorageText,
            refresh::refresh,
        )
        .add(
            Method::GET,
            "/authentication/api/v1/openid/.well-known/openid-configuration",
            Callers::Anyone,
            Family::StorageText,
            discovery::configuration,
        )
        .add(
            Method::GET,
            "/authentication/api/v1/openid/.well-known/openid-configuration/jwks",
            Callers::Anyone,
            Family::StorageText,
            discovery::keys,
        )
}
