//! `GET /authentication/api/v1/exchange/{tokenProvider}` (platform-authentication §2.3).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mottak_service::authentication::{Authority, Exchange, ExchangeRefusal, TokenProvider, is_token};
use mottak_service::{Missing, Problem, Refusal};
use serde_json::json;

use super::token;
use crate::WebState;
use crate::credentials::bearer_token;
use crate::extract::Query;
use crate::refusal::{PROBLEM_JSON, Refused};
use crate::response::with_type;

const ENTERPRISE_USER: &str = "x-altinn-enterpriseuser-authentication";

/// A token of this platform for one of the provider. The upstream token comes as bearer alone: cookies hold none.
pub(super) async fn exchange(
    State(web): State<WebState>,
    Path(provider): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let authority = authority_of(&web)?;
    let upstream = bearer_token(&headers).filter(|token| is_token(token)).ok_or(Refusal::Unauthenticated)?;
    let Some(provider) = TokenProvider::parse(&provider) else {
        return Err(Refusal::Invalid(Problem::text(format!(
            "Invalid token provider: {provider}. Trusted token providers are 'Maskinporten', 'Id-porten' and \
             'AltinnStudio'."
        )))
        .into());
    };
    let exchange = Exchange {
        provider,
        is_test: query.boolean("test")?.unwrap_or(false),
        has_enterprise_user: headers.get_all(ENTERPRISE_USER).iter().any(|value| !value.is_empty()),
        now: web.service.clock.now(),
        session: web.service.ids.guid(),
    };
    match authority.exchange(upstream, exchange, (&web.verifier, &*web.service.register)) {
        Ok(token) => Ok(token::answer(token, &headers)),
        Err(ExchangeRefusal::Token(_) | ExchangeRefusal::UnknownPerson) => Err(Refusal::Unauthenticated.into()),
        Err(ExchangeRefusal::Scope) => Err(Refusal::Forbidden(Missing::default()).into()),
        Err(ExchangeRefusal::EnterpriseUser) => Ok(no_enterprise_users()),
        Err(ExchangeRefusal::Register(failure)) => {
            tracing::error!("a person cannot be looked up: {failure}");
            Err(Refusal::Busy.into())
        }
    }
}

/// What gives tokens here. Its routes are mounted only where there is one.
pub(super) fn authority_of(web: &WebState) -> Result<&Authority, Refused> {
    web.authority.as_ref().ok_or_else(|| Refused(Refusal::NotFound(Problem::bare())))
}

fn no_enterprise_users() -> Response {
    let body = json!({
        "type": "https://docs.altinn.studio",
        "title": "Virksomhetsbruker is no longer available",
        "status": 410,
        "detail": "Enterprise users have been replaced by system users. Exchange the token without a user name and \
                   password.",
    });
    with_type(StatusCode::GONE, PROBLEM_JSON, body.to_string())
}
