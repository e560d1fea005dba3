//! Developers' side: choosing who to be, without a password (platform-authentication §5).
//!
//! Mounted by `mottak dev` alone; in production none of these paths exists. Everything here trusts its caller, so
//! [`router`] answers only requests to the hosts of [`LocalState::hosts`], which keeps other web sites from reaching it
//! through a developer's browser.
//!
//! The tokens are complete: they pass the same verifier as all others, which tells them by `actual_iss`.

mod auth;
mod generator;
mod html;
mod login;
mod page;
mod query;
mod reply;
mod test_tokens;
mod token_page;
mod tokens;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use mottak_apps::{App, Apps};
use mottak_model::AppId;
use mottak_service::authentication::{TokenIssuer, TokenVerifier};
use mottak_service::ports::{Clock, Ids, Register, SystemUserRecord};

pub use generator::GeneratorLogin;

/// The version of the development tools' interface that this one offers.
const INTERFACE_VERSION: &str = "6";

/// What the developers' side works with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalState {
    pub issuer: TokenIssuer,
    /// They sign platform access tokens: for the platform's own parts and for the apps of owners.
    pub components: Arc<[TokenIssuer]>,
    /// What the token generator asks for, and the tokens that may be shown to it instead.
    pub generator_login: GeneratorLogin,
    pub verifier: Arc<TokenVerifier>,
    pub register: Arc<dyn Register>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub identities: Arc<TestIdentities>,
    pub apps: Arc<dyn LocalApps>,
    /// The address the platform is reached at, without a slash at the end: `http://local.altinn.cloud:8000`.
    pub public_url: Arc<str>,
    /// The host names that requests may be sent to, in lower case and without port.
    pub hosts: Arc<[String]>,
}

impl LocalState {
    /// Host names under which a developer's machine is known.
    pub const HOSTS: [&str; 4] = ["local.altinn.cloud", "localhost", "127.0.0.1", "altinn3local.no"];

    /// Whose platform access tokens can be had (platform-authentication §5.4).
    pub const COMPONENTS: [&str; 2] = ["platform", "ttd"];

    /// Whether a host name, with or without port, is one of ours.
    fn is_own_host(&self, authority: &str) -> bool {
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

/// Test identities that a register cannot be asked for.
#[derive(Clone, Debug, Default)]
pub struct TestIdentities {
    /// Numbers of organisations.
    pub organizations: Vec<String>,
    pub system_users: Vec<SystemUserRecord>,
    /// Id and name of registered systems.
    pub systems: Vec<(String, String)>,
    /// What the test tokens of a user claim beside the usual: user id, name, value.
    pub extra_claims: Vec<(i32, String, String)>,
}

/// The applications that can be started now.
pub trait LocalApps: fmt::Debug + Send + Sync + 'static {
    /// In the order they are to be offered.
    fn apps(&self) -> Vec<LocalApp>;
}

/// An application on offer.
#[derive(Clone, Debug)]
pub struct LocalApp {
    pub id: AppId,
    /// The lowest authentication level its policy permits, when it asks for one.
    pub minimum_level: Option<u8>,
}

/// Those that are served.
impl LocalApps for Apps {
    fn apps(&self) -> Vec<LocalApp> {
        let offer =
            |app: &Arc<App>| LocalApp { id: app.id.clone(), minimum_level: app.policy.minimum_authentication_level() };
        self.list().iter().map(offer).collect()
    }
}

/// All paths of the developers' side. [`generator`] has those under `/api`.
pub fn router(state: LocalState) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/Home", get(page::show))
        .route("/Home/Index", get(page::show))
        .route("/Home/LogInTestUser", post(login::log_in))
        .route("/Home/GetTestUserToken", get(test_tokens::user))
        .route("/Home/GetTestUserToken/{id}", get(test_tokens::user))
        .route("/Home/GetTestOrgToken", get(test_tokens::org))
        .route("/Home/GetTestOrgToken/{id}", get(test_tokens::org))
        .route("/Home/GetTestSystemUserToken", get(test_tokens::system_user))
        .route("/Home/GetAppAuthenticationLevel", get(page::app_authentication_level))
        .route("/Home/Localtest/Version", get(version))
        .route("/Home/Tokens", get(token_page::show))
        .route("/Home/auth/user", get(auth::user))
        .route("/Home/auth/selfidentifieduser", get(auth::self_identified_user))
        .route("/Home/auth/org", get(auth::org))
        .route("/Home/auth/serviceowner", get(auth::service_owner))
        .route("/Home/auth/systemuser", get(auth::system_user))
        .route("/Home/auth/generate", get(auth::generate))
        .route("/Home/auth/info", get(auth::info))
        .route("/authentication/api/v1/authentication", get(login::redirect_to_page))
        .merge(generator::routes())
        .layer(middleware::from_fn_with_state(state.clone(), only_own_hosts))
        .with_state(state)
}

async fn version() -> impl IntoResponse {
    reply::json(INTERFACE_VERSION)
}

/// Lets requests pass that name one of our hosts.
async fn only_own_hosts(State(state): State<LocalState>, request: Request, next: Next) -> Response {
    match host(request.uri(), request.headers()) {
        Some(host) if state.is_own_host(host) => next.run(request).await,
        _ => (StatusCode::BAD_REQUEST, "This host is not served here.").into_response(),
    }
}

fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(|authority| authority.as_str()),
    }
}

#[cfg(test)]
mod tests;
