//! `GET /authentication/api/v1/refresh` (platform-authentication §2.4).

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mottak_service::Refusal;
use mottak_service::authentication::{NationalId, RefreshRefusal};

use super::exchange::authority_of;
use super::token;
use crate::WebState;
use crate::credentials;
use crate::extract::Query;
use crate::refusal::Refused;

/// The caller's token anew. The answer sets no cookie: whoever keeps the token in one sets it.
pub(super) async fn refresh(
    State(web): State<WebState>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let authority = authority_of(&web)?;
    let shown = credentials::token(&headers).ok_or(Refusal::Unauthenticated)?;
    let national_id = match query.boolean("enrichPid")? {
        Some(true) => NationalId::Added,
        _ => NationalId::AsItIs,
    };
    let means = (&web.verifier, &*web.service.register);
    match authority.refresh(shown, national_id, means, web.service.clock.now()) {
        Ok(token) => Ok(token::answer(token, &headers)),
        Err(RefreshRefusal::Token(_) | RefreshRefusal::TooOld) => Err(Refusal::Unauthenticated.into()),
        Err(RefreshRefusal::Register(failure)) => {
            tracing::error!("a person cannot be looked up: {failure}");
            Err(Refusal::Busy.into())
        }
    }
}
