//! Routes. None can exist without saying who may call it and how its refusals look.
//!
//! [`Routes::add`] is the only way to mount a handler. It wraps the handler in the layer that authenticates the caller,
//! turns away whom the declaration excludes, and renders refusals in the family's form. [`Routes::table`] lists what is
//! mounted, for the tests that go through every route with every kind of caller.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use mottak_service::Refusal;
use mottak_service::authentication::Caller;

use crate::WebState;
use crate::canonical::Patterns;
use crate::refusal::{Asked, Family, Refused, render};
use crate::response::add_app_headers;

/// Who may call a route. What a policy permits is decided by the use case on the stored instance; the declaration here
/// says so, and the tests hold it to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Everybody; an invalid token counts as none.
    Anyone,
    /// Whoever has a valid token.
    Authenticated,
    /// Those whom the app's policy permits this action on the instance.
    Permitted(&'static str),
    /// Those whom the app's policy permits one of the actions of the instance's current task.
    PermittedByTask,
    /// The owner of the instance's application.
    Owner,
}

/// A mounted route.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub callers: Callers,
    pub family: Family,
}

/// Collects routes into a router.
#[derive(Debug)]
pub struct Routes {
    state: WebState,
    router: Router<WebState>,
    table: Vec<Route>,
}

impl Routes {
    /// No routes yet.
    pub fn new(state: WebState) -> Self {
        Self { state, router: Router::new(), table: Vec::new() }
    }

    /// Mounts a handler.
    #[must_use]
    pub fn add<H, T>(mut self, method: Method, path: &'static str, callers: Callers, family: Family, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("routes use standard methods");
        let gate = Gate { web: self.state.clone(), callers, family };
        let guarded = on(filter, handler).layer(middleware::from_fn_with_state(gate, admit));
        self.router = self.router.route(path, guarded);
        self.table.push(Route { method, path, callers, family });
        self
    }

    /// What is mounted.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router, with paths matched in any letter case and with or without a slash at the end.
    pub fn into_router(self) -> (Router, Patterns) {
        let patterns = Patterns::of(self.table.iter().map(|route| route.path));
        (self.router.with_state(self.state), patterns)
    }
}

/// What stands before every handler.
#[derive(Clone, Debug)]
struct Gate {
    web: WebState,
    callers: Callers,
    family: Family,
}

async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let asked = Asked::by(&request);
    let caller = identify(&gate.web, request.headers());
    let response = if caller.is_anonymous() && gate.callers != Callers::Anyone {
        Refused(Refusal::Unauthenticated).into_response()
    } else {
        request.extensions_mut().insert(caller);
        next.run(request).await
    };
    let mut response = render(response, gate.family, &asked, &gate.web);
    if gate.family.is_app_api() {
        add_app_headers(response.headers_mut());
    }
    response
}

/// The caller, by the one token the request carries. A token that is not good is no token.
fn identify(web: &WebState, headers: &HeaderMap) -> Caller {
    let Some(token) = crate::credentials::token(headers) else { return Caller::anonymous() };
    web.verifier.verify(token, web.service.clock.now()).unwrap_or_else(|_| Caller::anonymous())
}

/// The state that handlers share.
impl axum::extract::FromRef<WebState> for Arc<mottak_service::Service> {
    fn from_ref(state: &WebState) -> Self {
        Arc::clone(&state.service)
    }
}
