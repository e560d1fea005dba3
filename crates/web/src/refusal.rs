//! From a refusal to status, headers and body: one table per API family (app-api §1.7, platform-storage §0.4).
//!
//! Handlers answer `Err(Refused)`; the gate of the route renders it here, where the request's `Accept` and the
//! family's habits are known.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mottak_service::refusal::ProblemKind;
use mottak_service::{Missing, Problem, Refusal};
use serde_json::{Map, Value, json};

use crate::WebState;
use crate::response::{JSON, empty, with_type};

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json; charset=utf-8");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How a family of routes words its refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The application API: problem details, plain texts.
    App,
    /// The parts of it that answer JSON whatever is asked for (PJ in the contract).
    AppJson,
    /// The parts of it without automatic problem bodies.
    AppBare,
    /// The platform's storage API: texts as JSON strings.
    Storage,
    /// The parts of it that answer texts as they are (form T of platform-storage §0.4).
    StorageText,
    /// The exchange of tokens: like that, and whoever shows no good token gets a problem (platform-authentication §2.3).
    Exchange,
}

/// A refusal on its way out of a handler.
#[derive(Debug)]
pub struct Refused(pub Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// Holds the refusal until the gate of the route has it; taken exactly once.
#[derive(Clone, Debug)]
struct Carried(std::sync::Arc<std::sync::Mutex<Option<Refusal>>>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = empty(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(Carried(std::sync::Arc::new(std::sync::Mutex::new(Some(self.0)))));
        response
    }
}

/// What the rendering of a refusal needs to know of the request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Only JSON is wanted: a text is sent as a JSON string.
    only_json: bool,
    method: axum::http::Method,
    path: String,
}

impl Asked {
    pub(crate) fn by(request: &Request) -> Self {
        Self {
            only_json: prefers_json(request.headers()),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }
    }
}

/// Whether a text is to be sent as JSON: it is accepted, not after plain text, and not everything is (app-api §1.6).
fn prefers_json(headers: &HeaderMap) -> bool {
    let first = |wanted: &str| {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let mut kinds = lines.flat_map(|line| line.split(',')).filter_map(|entry| entry.split(';').next());
        kinds.position(|kind| kind.trim().eq_ignore_ascii_case(wanted))
    };
    match (first("*/*"), first("application/json"), first("text/plain")) {
        (Some(_), ..) | (_, None, _) => false,
        (None, Some(json), plain) => plain.is_none_or(|plain| json < plain),
    }
}

/// The answer when a handler panicked: what went wrong is in the log, the client gets an id.
pub(crate) fn panicked(family: Family, web: &WebState) -> Response {
    let trace = web.service.ids.guid().simple().to_string();
    tracing::error!(request = %trace, "the request was given up: its handler panicked");
    Page { family, only_json: false, trace }.problem(StatusCode::INTERNAL_SERVER_ERROR, Problem::bare())
}

/// Renders the refusal the response carries, if it carries one.
pub(crate) fn render(mut response: Response, family: Family, asked: &Asked, web: &WebState) -> Response {
    let Some(Carried(carried)) = response.extensions_mut().remove::<Carried>() else { return response };
    let refusal = carried.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let Some(refusal) = refusal else { return response };
    let trace = web.service.ids.guid().simple().to_string();
    if let Refusal::Failed(failure) = &refusal {
        tracing::error!(method = %asked.method, path = %asked.path, request = %trace, "{failure}");
    }
    let page = Page { family, only_json: asked.only_json, trace };
    let mut rendered = page.render(refusal);
    // What the handler had set on its own stays, such as cookies.
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
    }
    rendered
}

/// One refusal being rendered.
struct Page {
    family: Family,
    only_json: bool,
    trace: String,
}

impl Page {
    fn render(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Unauthenticated if self.family == Family::Exchange => {
                self.problem(StatusCode::UNAUTHORIZED, Problem::bare())
            }
            Refusal::Unauthenticated => empty(StatusCode::UNAUTHORIZED),
            Refusal::Forbidden(missing) => self.forbidden(missing),
            Refusal::NotFound(problem) => self.problem(StatusCode::NOT_FOUND, problem),
            Refusal::Conflict(problem) => self.problem(StatusCode::CONFLICT, problem),
            Refusal::Invalid(problem) => self.problem(StatusCode::BAD_REQUEST, problem),
            Refusal::NotAllowed(problem) => self.problem(StatusCode::METHOD_NOT_ALLOWED, problem),
            Refusal::Unprocessable(problem) => self.problem(StatusCode::UNPROCESSABLE_ENTITY, problem),
            Refusal::TooLarge(problem) => self.problem(StatusCode::PAYLOAD_TOO_LARGE, problem),
            Refusal::Unsupported(problem) => self.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem),
            Refusal::Stuck(problem) => self.problem(StatusCode::INTERNAL_SERVER_ERROR, problem),
            Refusal::Gone(problem) => self.problem(StatusCode::GONE, problem),
            Refusal::NotImplemented(problem) => self.problem(StatusCode::NOT_IMPLEMENTED, problem),
            Refusal::Busy => {
                let mut response = self.problem(StatusCode::SERVICE_UNAVAILABLE, Problem::bare());
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Refusal::Unavailable(problem) => self.problem(StatusCode::SERVICE_UNAVAILABLE, problem),
            Refusal::Failed(_) => self.problem(StatusCode::INTERNAL_SERVER_ERROR, Problem::bare()),
        }
    }

    /// A 403 says in headers what was missing, also where the contract leaves it without a body.
    fn forbidden(&self, missing: Missing) -> Response {
        let mut response = match (&missing.detail, missing.level) {
            (Some(_), _) => {
                let kind = match missing.title {
                    Some(_) if missing.is_traced => ProblemKind::Traced,
                    Some(_) => ProblemKind::Details,
                    None if missing.is_bare => ProblemKind::Bare,
                    None => ProblemKind::Text,
                };
                let problem = Problem { title: missing.title.clone(), detail: missing.detail.clone(), kind };
                self.problem(StatusCode::FORBIDDEN, problem)
            }
            (None, Some(level)) if missing.says_level => {
                let name =
                    if missing.is_org_level { "RequiredAuthenticationLevelOrg" } else { "RequiredAuthenticationLevel" };
                with_type(StatusCode::FORBIDDEN, JSON, json!({ name: level.to_string() }).to_string())
            }
            _ if missing.is_bare => self.problem(StatusCode::FORBIDDEN, Problem::bare()),
            _ => empty(StatusCode::FORBIDDEN),
        };
        let headers = response.headers_mut();
        let facts = [
            ("altinn-missing-action", missing.action),
            ("altinn-required-level", missing.level.map(|level| level.to_string())),
            ("altinn-required-scope", (!missing.scopes.is_empty()).then(|| missing.scopes.join(" "))),
        ];
        for (name, fact) in facts {
            if let Some(value) = fact.and_then(|fact| HeaderValue::from_str(&fact).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn problem(&self, status: StatusCode, problem: Problem) -> Response {
        let Problem { title, detail, kind } = problem;
        match kind {
            ProblemKind::Text => self.text(status, &detail.unwrap_or_default()),
            ProblemKind::Bare if self.family == Family::AppBare => empty(status),
            ProblemKind::Bare => {
                let mut body = self.standard(status, None);
                if let Some(detail) = detail {
                    body.insert("detail".to_owned(), json!(detail));
                }
                self.json(status, &body)
            }
            ProblemKind::Empty => empty(status),
            ProblemKind::Members(members) => {
                let mut body = self.standard(status, Some("One or more validation errors occurred."));
                let errors: Map<String, Value> =
                    members.into_iter().map(|(name, messages)| (name, json!(messages))).collect();
                body.insert("errors".to_owned(), Value::Object(errors));
                self.json(status, &body)
            }
            ProblemKind::Details => self.json(status, &details(status, title, detail)),
            ProblemKind::Traced => {
                let mut body = details(status, title, detail);
                body.insert("type".to_owned(), json!(section(status)));
                body.insert("traceId".to_owned(), json!(self.trace_id()));
                self.json(status, &body)
            }
            ProblemKind::ProcessIssues(issues) => {
                let mut body = details(status, title, detail);
                body.insert("validationIssues".to_owned(), json!(issues));
                self.json(status, &body)
            }
            ProblemKind::UploadIssues(issues) => {
                let mut body = details(status, title, detail);
                body.insert("uploadValidationIssues".to_owned(), json!(issues));
                self.json(status, &body)
            }
            ProblemKind::IssueList(issues) => with_type(status, JSON, json!(issues).to_string()),
            ProblemKind::Patch { previous_model, data_element_id, operation } => {
                let mut body = details(status, title, detail);
                body.insert("type".to_owned(), json!("https://datatracker.ietf.org/doc/html/rfc6902/"));
                if let Some(model) = previous_model {
                    body.insert("previousModel".to_owned(), model);
                    body.insert("dataElementId".to_owned(), json!(data_element_id));
                    body.insert("patchOperationIndex".to_owned(), json!(operation));
                }
                self.json(status, &body)
            }
        }
    }

    /// Status and standard title, as the framework of the original words them.
    fn standard(&self, status: StatusCode, title: Option<&str>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(section(status)));
        body.insert("title".to_owned(), json!(title.unwrap_or_else(|| standard_title(status))));
        body.insert("status".to_owned(), json!(status.as_u16()));
        body.insert("traceId".to_owned(), json!(self.trace_id()));
        body
    }

    /// W3C trace context form; the middle is what the log calls `request`.
    fn trace_id(&self) -> String {
        format!("00-{}-{}-00", self.trace, self.trace.get(..16).unwrap_or_default())
    }

    fn json<T: serde::Serialize>(&self, status: StatusCode, body: &T) -> Response {
        let content_type = match self.family {
            Family::AppJson | Family::Storage => JSON,
            Family::App | Family::AppBare | Family::StorageText | Family::Exchange => PROBLEM_JSON,
        };
        match serde_json::to_vec(body) {
            Ok(bytes) => with_type(status, content_type, Body::from(bytes)),
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn text(&self, status: StatusCode, text: &str) -> Response {
        let is_json = matches!(self.family, Family::AppJson | Family::Storage) || self.only_json;
        if is_json {
            with_type(status, JSON, Value::String(text.to_owned()).to_string())
        } else {
            with_type(status, PLAIN_TEXT, text.to_owned())
        }
    }
}

fn details(status: StatusCode, title: Option<String>, detail: Option<String>) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(title) = title {
        body.insert("title".to_owned(), json!(title));
    }
    body.insert("status".to_owned(), json!(status.as_u16()));
    if let Some(detail) = detail {
        body.insert("detail".to_owned(), json!(detail));
    }
    body
}

fn section(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        401 => "https://tools.ietf.org/html/rfc9110#section-15.5.2",
        403 => "https://tools.ietf.org/html/rfc9110#section-15.5.4",
        404 => "https://tools.ietf.org/html/rfc9110#section-15.5.5",
        405 => "https://tools.ietf.org/html/rfc9110#section-15.5.6",
        409 => "https://tools.ietf.org/html/rfc9110#section-15.5.10",
        410 => "https://tools.ietf.org/html/rfc9110#section-15.5.11",
        413 => "https://tools.ietf.org/html/rfc9110#section-15.5.14",
        415 => "https://tools.ietf.org/html/rfc9110#section-15.5.16",
        422 => "https://tools.ietf.org/html/rfc4918#section-11.2",
        501 => "https://tools.ietf.org/html/rfc9110#section-15.6.2",
        503 => "https://tools.ietf.org/html/rfc9110#section-15.6.4",
        _ => "https://tools.ietf.org/html/rfc9110#section-15.6.1",
    }
}

fn standard_title(status: StatusCode) -> &'static str {
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        return "An error occurred while processing your request.";
    }
    status.canonical_reason().unwrap_or("Error")
}
