//! The token generator: a stand-in for the public one of the test environments (platform-authentication §5.4).
//!
//! `GET /api/Get…Token` answers a token for whoever the parameters describe, known in the register or not. [`admission`]
//! says who may ask, [`parameters`] what may be asked, [`claims`] what the tokens say. All are signed with this server's
//! key; `env` is checked and changes nothing.

mod admission;
mod claims;
mod numbers;
mod parameters;

use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mottak_service::authentication::TokenIssuer;
use serde_json::{Map, Value, json};

use super::{LocalState, reply};
use parameters::Parameters;

/// How long a token is good that nothing else is asked for, in seconds.
const LIFETIME: u32 = 1800;
/// What `actual_iss` says in tokens made here.
const ACTUAL_ISSUER: &str = "altinn-test-tools";

/// The name and password that the generator asks for. `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct GeneratorLogin {
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for GeneratorLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GeneratorLogin").field("user", &self.user).finish_non_exhaustive()
    }
}

impl GeneratorLogin {
    /// As text: `mottak:mottak`.
    pub const DEFAULT: &str = "mottak:mottak";
}

impl Default for GeneratorLogin {
    fn default() -> Self {
        Self::DEFAULT.parse().expect("the default has a name and a password")
    }
}

impl FromStr for GeneratorLogin {
    type Err = &'static str;

    /// From `name:password`. The name holds no colon.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, password) = text.split_once(':').ok_or("a name and a password, with a colon between")?;
        if user.is_empty() || password.is_empty() {
            return Err("neither the name nor the password is empty");
        }
        Ok(Self { user: user.to_owned(), password: password.to_owned() })
    }
}

/// The paths of the generator.
pub(super) fn routes() -> Router<LocalState> {
    Router::new()
        .route("/api/GetPersonalToken", get(personal))
        .route("/api/GetEnterpriseToken", get(enterprise))
        .route("/api/GetEnterpriseUserToken", get(gone))
        .route("/api/GetSystemUserToken", get(system_user))
        .route("/api/GetSelfIdentifiedUserToken", get(self_identified_user))
        .route("/api/GetSelfRegisteredEmailUserToken", get(email_user))
        .route("/api/GetPlatformToken", get(platform))
        .route("/api/GetPlatformAccessToken", get(platform_access))
        .route("/api/GetConsentToken", get(gone))
        .route("/api/.well-known/oauth-authorization-server", get(server_metadata))
        .route("/api/.well-known/jwks.json", get(keys))
}

/// The claims of a token, `iss` and times aside.
type Claims = Map<String, Value>;

/// What is to be signed. Made of parameters of which some may be wrong: then nothing is signed.
enum Order {
    /// By this server.
    Token(Claims),
    /// Several by this server, under the numbers of those they are for.
    Tokens(Vec<(String, Claims)>),
    /// By the issuer of platform access tokens that was asked for.
    Component(Option<TokenIssuer>, Claims),
}

async fn personal(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::PERSONAL, &headers, query, claims::personal)
}

async fn enterprise(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::ENTERPRISE, &headers, query, claims::enterprise)
}

async fn system_user(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::ENTERPRISE, &headers, query, claims::system_user)
}

async fn self_identified_user(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    state.answer(admission::PERSONAL, &headers, query, claims::self_identified_user)
}

async fn email_user(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::PERSONAL, &headers, query, claims::email_user)
}

async fn platform(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::PLATFORM, &headers, query, claims::platform)
}

async fn platform_access(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    state.answer(admission::PLATFORM, &headers, query, claims::platform_access)
}

/// What the platform itself has given up: enterprise users and consents of the time before.
async fn gone() -> Response {
    let detail = "This kind of token is no longer in use; GetEnterpriseToken and GetSystemUserToken take its place.";
    reply::problem_with(StatusCode::GONE, "This kind of token is discontinued", detail)
}

/// `GET /api/.well-known/oauth-authorization-server`, for verifiers of tokens with `env=none`.
async fn server_metadata(State(state): State<LocalState>) -> Response {
    let jwks_uri = format!("{}/api/.well-known/jwks.json", state.public_url);
    reply::json(&json!({ "issuer": state.issuer.issuer(), "jwks_uri": jwks_uri }).to_string())
}

/// `GET /api/.well-known/jwks.json`: the keys are the platform's.
async fn keys() -> Response {
    Redirect::temporary("/authentication/api/v1/openid/.well-known/openid-configuration/jwks").into_response()
}

impl LocalState {
    /// The token or tokens, for who may have them and asks rightly.
    fn answer(
        &self,
        scope: &str,
        headers: &HeaderMap,
        query: Option<String>,
        order: fn(&LocalState, &mut Parameters) -> Order,
    ) -> Response {
        if let Err(refusal) = self.admit(headers, scope) {
            return refusal;
        }
        let mut parameters = Parameters::parse(&query.unwrap_or_default());
        // The environment is somebody else's matter: everything is signed with the one key there is.
        parameters.needed("env", parameters::environment);
        let order = order(self, &mut parameters);
        let lifetime = parameters.optional("ttl", |text| text.parse().ok()).unwrap_or(LIFETIME);
        let is_dump = parameters.is_given("dump");
        if let Some(wrong) = parameters.wrong() {
            return (StatusCode::BAD_REQUEST, reply::json(&wrong.to_string())).into_response();
        }
        let lifetime = Duration::from_secs(lifetime.into());
        let token = match order {
            Order::Token(claims) => self.sign_for(&self.issuer, claims, lifetime),
            Order::Component(issuer, claims) => {
                self.sign_for(issuer.as_ref().unwrap_or(&self.issuer), claims, lifetime)
            }
            Order::Tokens(list) => {
                let sign = |(number, claims)| (number, self.sign_for(&self.issuer, claims, lifetime).into());
                let tokens: Claims = list.into_iter().map(sign).collect();
                return reply::private(reply::json(&Value::Object(tokens).to_string()));
            }
        };
        let text = if is_dump { reply::readable(&token).unwrap_or(token) } else { token };
        reply::private(text.into_response())
    }

    fn sign_for(&self, issuer: &TokenIssuer, mut claims: Claims, lifetime: Duration) -> String {
        let now = self.clock.now();
        claims.insert("exp".to_owned(), now.plus(lifetime).unix_seconds().into());
        for name in ["iat", "nbf"] {
            claims.insert(name.to_owned(), now.unix_seconds().into());
        }
        claims.insert("actual_iss".to_owned(), ACTUAL_ISSUER.into());
        issuer.issue(claims)
    }
}
