//! Routes. None can exist without saying who may call it and how its refusals look.
//!
//! [`Routes::add`] is the only way to mount a handler. It wraps the handler in the layer that authenticates the caller,
//! turns away whom the declaration excludes, and renders refusals in the family's form. [`Routes::table`] lists what is
//! mounted, for the tests that go through every route with every kind of caller.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use mottak_apps::App;
use mottak_model::{InstanceId, PartyId};
use mottak_service::authentication::Caller;
use mottak_service::{Missing, Problem, Refusal};

use crate::WebState;
use crate::app_api::scopes;
use crate::canonical::Patterns;
use crate::extract::guid_of;
use crate::identify::{identify, identify_component};
use crate::refusal::{Asked, Family, Refused, render};
use crate::response::empty;

/// Who may call a route. What a policy permits is decided by the use case on the stored instance; the declaration here
/// says so, and the tests hold it to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Everybody; an invalid token counts as none.
    Anyone,
    /// Whoever has a valid token.
    Authenticated,
    /// Those whom the app's policy permits this action on the instance, before anything else is looked at (P in
    /// app-api §2).
    Permitted(&'static str),
    /// The same, after scopes and forgery were looked at (X in app-api §2).
    PermittedLast(&'static str),
    /// Those whom the app's policy permits one of the actions of the instance's current task.
    PermittedByTask,
    /// The owner of the instance's application.
    Owner,
    /// Parts of the platform, by a platform access token. A caller with another token is refused, one without any is
    /// unknown (platform-authentication §1.10).
    Platform,
    /// The designer of apps, by the claim `urn:altinn:app` (platform-storage §0.3).
    Studio,
}

impl Callers {
    /// Whether a caller with a valid token may be one of them.
    fn admit(self, caller: &Caller) -> bool {
        match self {
            Self::Platform => caller.is_platform(),
            Self::Studio => caller.app() == Some("studio.designer"),
            Self::Anyone
            | Self::Authenticated
            | Self::Permitted(_)
            | Self::PermittedLast(_)
            | Self::PermittedByTask
            | Self::Owner => true,
        }
    }
}

/// Whether changes made with a browser's session must show that they come from the app's own page (app-api §1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    Checked,
    Unchecked,
}

/// A mounted route.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub callers: Callers,
    pub family: Family,
    pub forgery: Forgery,
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
    pub fn add<H, T>(self, method: Method, path: &'static str, callers: Callers, family: Family, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.mount(Route { method, path, callers, family, forgery: Forgery::Unchecked }, handler)
    }

    /// Mounts a handler whose changes a browser's session makes from the app's own page alone (column AF of
    /// app-api §2).
    #[must_use]
    pub fn add_checked<H, T>(
        self,
        method: Method,
        path: &'static str,
        callers: Callers,
        family: Family,
        handler: H,
    ) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.mount(Route { method, path, callers, family, forgery: Forgery::Checked }, handler)
    }

    fn mount<H, T>(mut self, route: Route, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(route.method.clone()).expect("routes use standard methods");
        let gate = Gate {
            web: self.state.clone(),
            callers: route.callers,
            family: route.family,
            forgery: route.forgery,
            scoped: scopes::use_of(&route),
        };
        let guarded = on(filter, handler).route_layer(middleware::from_fn_with_state(gate, admit));
        self.router = self.router.route(route.path, guarded);
        self.table.push(route);
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
    forgery: Forgery,
    /// How the route uses instances, where apps can demand scopes for that.
    scoped: Option<scopes::Use>,
}

async fn admit(
    State(gate): State<Gate>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    // What is no id names no route: nobody has to say who they are to learn that (app-api §1.1, §1.2).
    let parameters = parameters.ok();
    if parameters.iter().flatten().any(|given| !is_possible(given, request.method())) {
        return empty(StatusCode::NOT_FOUND);
    }
    let asked = Asked::by(&request);
    let caller = match gate.callers {
        Callers::Platform => identify_component(&gate.web, request.headers()).await,
        _ => identify(&gate.web, request.headers()).await,
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) => return render(Refused(refusal).into_response(), gate.family, &asked, &gate.web),
    };
    let response = if caller.is_anonymous() && gate.callers != Callers::Anyone {
        Refused(Refusal::Unauthenticated).into_response()
    } else if !gate.callers.admit(&caller) {
        Refused(Refusal::Forbidden(Missing::default())).into_response()
    } else if let Some(stopped) = stop(&gate, &asked, &request, &caller) {
        let wanted = wanted(&gate.web, &request, parameters);
        match refusal_before(&gate, wanted, &caller).await {
            Some(refusal) => Refused(refusal).into_response(),
            None => stopped,
        }
    } else {
        request.extensions_mut().insert(caller);
        next.run(request).await
    };
    render(response, gate.family, &asked, &gate.web)
}

/// The answer to a known caller whose request goes no further: for lack of a scope, or because another site may have
/// made the browser send it.
fn stop(gate: &Gate, asked: &Asked, request: &Request, caller: &Caller) -> Option<Response> {
    if let Some(refusal) = gate.scoped.and_then(|kind| scopes::refuse(&gate.web, kind, request, caller)) {
        return Some(refusal);
    }
    if gate.forgery == Forgery::Unchecked || !may_be_forged(&gate.web, request, caller) {
        return None;
    }
    // The one refusal that is a problem document where JSON is forced, too (app-api §1.5).
    let family = if gate.family == Family::AppJson { Family::App } else { gate.family };
    Some(render(Refused(Refusal::Invalid(Problem::bare())).into_response(), family, asked, &gate.web))
}

/// The refusal of the policy, where it counts over what else stands against the request (app-api §1.2). Asked only
/// then: a request that goes on is judged by its use case.
async fn refusal_before(gate: &Gate, wanted: Option<(Arc<App>, InstanceId)>, caller: &Caller) -> Option<Refusal> {
    let (Callers::Permitted(action), Some((app, id))) = (gate.callers, wanted) else { return None };
    gate.web.service.authorize_on(caller, action, &app, id).await.err()
}

/// The app and the instance that the path names.
fn wanted(web: &WebState, request: &Request, parameters: Option<RawPathParams>) -> Option<(Arc<App>, InstanceId)> {
    let parameters = parameters?;
    let value = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    let app = app_of(web, request)?;
    Some((app, InstanceId::new(value("party")?.parse().ok()?, guid_of(value("guid")?)?)))
}

fn app_of(web: &WebState, request: &Request) -> Option<Arc<App>> {
    let mut segments = request.uri().path().split('/').skip(1);
    let (org, app) = segments.next().zip(segments.next())?;
    web.service.app(org, app).ok()
}

/// Whether a parameter of the path can be what its name says. Where an element is named, data is posted to a type.
fn is_possible((name, value): (&str, &str), method: &Method) -> bool {
    match name {
        "party" => value.parse::<PartyId>().is_ok(),
        "guid" | "event" => guid_of(value).is_some(),
        "data" if *method != Method::POST => guid_of(value).is_some(),
        _ => true,
    }
}

/// Whether another site may have made the browser send this; apps can turn the check off.
fn may_be_forged(web: &WebState, request: &Request, caller: &Caller) -> bool {
    if web.antiforgery.admits(request.method(), request.headers(), caller) {
        return false;
    }
    app_of(web, request).is_none_or(|app| !app.settings.disable_csrf_check)
}

/// The state that handlers share.
impl axum::extract::FromRef<WebState> for Arc<mottak_service::Service> {
    fn from_ref(state: &WebState) -> Self {
        Arc::clone(&state.service)
    }
}
