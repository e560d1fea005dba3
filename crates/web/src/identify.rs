//! Who sends a request: one identity, from one credential, verified once (platform-authentication §4.1, §6.1).

use axum::http::HeaderMap;
use mottak_service::Refusal;
use mottak_service::authentication::{Caller, TokenProblem};

use crate::WebState;
use crate::credentials;

/// The caller, by the one token the request carries. A token that is not good is no token, and neither is one of a
/// session that has ended.
///
/// Refused is only what cannot be decided now.
pub(crate) async fn identify(web: &WebState, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(token) = credentials::token(headers) else { return Ok(Caller::anonymous()) };
    let now = web.service.clock.now();
    let caller = match web.verifier.verify_or_learn(token, now).await {
        Ok(caller) => caller,
        Err(TokenProblem::KeysUnavailable) => return Err(Refusal::Busy),
        Err(_) => return Ok(Caller::anonymous()),
    };
    match web.authority.as_ref().and_then(|authority| authority.sessions.as_ref()) {
        Some(sessions) if !sessions.admit(&caller, now).await? => Ok(Caller::anonymous()),
        _ => Ok(caller),
    }
}

/// The component that the platform access token proves; without one, whoever the other token shows.
pub(crate) async fn identify_component(web: &WebState, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let token = credentials::platform_access_token(headers);
    let component = token.and_then(|token| web.verifier.verify_component(token, web.service.clock.now()).ok());
    match component {
        Some(component) => Ok(Caller::component(component)),
        None => identify(web, headers).await,
    }
}
