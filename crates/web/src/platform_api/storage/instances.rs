//! `instances`: lists, single instances, confirmation (platform-storage §2.1).

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use mottak_model::Instance;
use mottak_service::instances::list::{self, InstanceList};
use mottak_service::instances::query::ListRequest;
use mottak_service::instances::{life, read as reading};

use super::view::{QueryResponse, link};
use crate::WebState;
use crate::extract::{OfGuid, OfInstance, Query, Who};
use crate::refusal::Refused;
use crate::response::{json, json_of_about};

const OWNER_IDENTIFIER: HeaderName = HeaderName::from_static("x-ai-instanceowneridentifier");
const TOKEN: &str = "continuationToken";

/// What an instance with a form takes in a list, roughly.
const BYTES_PER_INSTANCE: usize = 3072;

/// Instances across apps that match the query.
pub(super) async fn list(
    State(web): State<WebState>,
    Who(caller): Who,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let request = ListRequest::parse(query.pairs())?;
    let owner = headers.get(OWNER_IDENTIFIER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let token = request.continuation_token.clone();
    let InstanceList { mut instances, next, is_of_unknown_owner } =
        list::list(&web.service, &caller, request, owner.as_deref()).await?;
    for instance in &mut instances {
        link(instance, &web.service.settings);
    }
    let here = format!("{}{}", web.service.settings.platform_url, uri.path());
    let this = match token {
        Some(token) => with_token(&here, &query, &token),
        None => match uri.query() {
            Some(query) => format!("{here}?{query}"),
            None => here.clone(),
        },
    };
    let page = QueryResponse {
        count: instances.len(),
        this: (!is_of_unknown_owner).then_some(this),
        next: next.map(|token| with_token(&here, &query, &token)),
        instances,
    };
    Ok(json_of_about(4096 + page.instances.len() * BYTES_PER_INSTANCE, StatusCode::OK, &page))
}

/// The same question with a token at its end.
fn with_token(here: &str, query: &Query, token: &str) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query.pairs().filter(|(name, _)| !name.eq_ignore_ascii_case(TOKEN)));
    encoded.append_pair(TOKEN, token);
    format!("{here}?{}", encoded.finish())
}

/// An instance.
pub(super) async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let instance = reading::read_stored(&web.service, &caller, id).await?;
    Ok(answer(&web, instance))
}

/// An instance of which only the guid is known.
pub(super) async fn find(
    State(web): State<WebState>,
    Who(caller): Who,
    OfGuid(guid): OfGuid,
) -> Result<Response, Refused> {
    let id = reading::find(&web.service, guid).await?;
    let instance = reading::read_stored(&web.service, &caller, id).await?;
    Ok(answer(&web, instance))
}

/// The application owner confirms that it has what it needs.
pub(super) async fn complete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let mut instance = life::confirm_complete(&web.service, &caller, id).await?;
    instance.data.retain(|element| !element.is_hard_deleted() || caller.is_service_owner_of(&instance.org));
    Ok(answer(&web, instance))
}

fn answer(web: &WebState, mut instance: Instance) -> Response {
    link(&mut instance, &web.service.settings);
    json(StatusCode::OK, &instance)
}
