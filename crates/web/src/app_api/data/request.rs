//! What requests about data bring: who asks, how, and the content (app-api §4.1, §20.3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Path};
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mottak_apps::App;
use mottak_forms::validation::Issue;
use mottak_model::DataType;
use mottak_service::authentication::Caller;
use mottak_service::content::{Content, IncomingForm, ReceiveFailure, receive_judged};
use mottak_service::data::file::{self, FileHeaders, SentHeaders};
use mottak_service::refusal::ProblemKind;
use mottak_service::validation::Selection;
use mottak_service::{Problem, Refusal, Service};

use super::super::view::Links;
use crate::WebState;
use crate::body;
use crate::disposition;
use crate::extract::{OfApp, Query, Who};
use crate::refusal::Refused;
use crate::response::empty;

/// The source of issues that no validator found (app-api §4.3).
const LEGACY_SOURCE: &str = "DataController";

/// A request about data of an app, all but its body.
#[derive(Debug)]
pub(crate) struct DataRequest {
    pub(super) svc: Arc<Service>,
    pub(super) caller: Caller,
    pub(super) app: Arc<App>,
    pub(super) links: Links,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    path: Vec<(String, String)>,
}

impl FromRequestParts<WebState> for DataRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        let Who(caller) = Who::from_request_parts(parts, web).await?;
        let OfApp(app) = OfApp::from_request_parts(parts, web).await?;
        let query = Query::from_request_parts(parts, web).await?;
        // A path that is no text names nothing that is here.
        let path = Path::from_request_parts(parts, web).await;
        let Ok(Path(path)) = path else { return Err(empty(StatusCode::NOT_FOUND)) };
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, web).await;
        let links = Links::of(&parts.headers, uri.path(), &web.service.settings);
        let svc = Arc::clone(&web.service);
        Ok(Self { svc, caller, app, links, query, headers: parts.headers.clone(), path })
    }
}

impl DataRequest {
    /// A part of the path by the name its route gives it.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The validators to run: all but those ignored, when the query speaks of any.
    pub(super) fn validation(&self) -> Option<Selection> {
        self.query.list("ignoredValidators").map(Selection::incremental_without)
    }

    /// The language of texts.
    pub(super) fn language(&self) -> Option<&str> {
        self.query.first("language")
    }

    /// The `Content-Type` header.
    pub(super) fn content_type(&self) -> Option<&str> {
        body::content_type(&self.headers)
    }

    /// The form that was sent.
    pub(super) async fn form(&self, data_type: &DataType, body: Body) -> Result<IncomingForm, Refused> {
        let limit = data_type.max_bytes().filter(|limit| *limit > 0);
        let bytes = body::form(body, limit).await?;
        Ok(IncomingForm { content_type: self.content_type().map(str::to_owned), bytes })
    }

    /// The file that was sent: its headers are judged before its bytes are taken.
    pub(super) async fn file(&self, data_type: &DataType, body: Body) -> Result<(FileHeaders, Content), Refused> {
        let sent = self.headers.get(CONTENT_DISPOSITION);
        // Bytes outside ASCII are UTF-8, as browsers send them.
        let sent_text = sent.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let filename = sent_text.and_then(disposition::filename);
        let admitted = file::admit_headers(
            data_type,
            SentHeaders {
                has_content_disposition: sent.is_some(),
                filename: filename.as_deref(),
                content_type: self.content_type(),
                content_length: body::content_length(&self.headers),
            },
        )?;
        let limit = data_type.max_bytes();
        let judge = |first_bytes: &[u8]| file::admit_content(data_type, first_bytes);
        let content = receive_judged(self.svc.store.blobs(), body::stream(body), limit, judge).await;
        match content {
            Ok(content) => Ok((admitted, content)),
            Err(ReceiveFailure::OverLimit) => {
                let announced = body::content_length(&self.headers).unwrap_or_default();
                Err(Refused(file::too_large(data_type, announced.max(limit.unwrap_or_default().saturating_add(1)))))
            }
            Err(ReceiveFailure::Refused(refusal)) => Err(Refused(refusal)),
        }
    }
}

/// The older endpoint tells every 400 in one text, or as issues where the app says so (app-api §4.3).
pub(super) fn in_legacy_words(app: &App, refusal: Refusal) -> Refusal {
    let Refusal::Invalid(problem) = refusal else { return refusal };
    let text = match &problem.kind {
        ProblemKind::UploadIssues(issues) if app.settings.json_object_in_data_response => {
            return Refusal::Invalid(Problem { kind: ProblemKind::IssueList(issues.clone()), ..problem });
        }
        ProblemKind::UploadIssues(issues) => {
            let texts: Vec<&str> = issues.iter().filter_map(|issue| issue.description.as_deref()).collect();
            texts.join(";")
        }
        ProblemKind::Members(_) => return Refusal::Invalid(problem),
        _ if app.settings.json_object_in_data_response => {
            let issue = Issue {
                code: problem.title.clone(),
                description: problem.detail.clone(),
                ..Issue::error(LEGACY_SOURCE)
            };
            return Refusal::Invalid(Problem { kind: ProblemKind::IssueList(vec![issue]), ..problem });
        }
        _ => problem.detail.clone().unwrap_or_default(),
    };
    Refusal::Invalid(Problem::text(text))
}
