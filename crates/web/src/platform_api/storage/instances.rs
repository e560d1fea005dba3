//! `instances`: lists, single instances, and what happens to one as a whole (platform-storage §2.1).

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use mottak_model::{Instance, Substatus};
use mottak_service::authentication::Caller;
use mottak_service::instances::life::Deletion;
use mottak_service::instances::list::{self, InstanceList};
use mottak_service::instances::query::ListRequest;
use mottak_service::instances::{life, read as reading};
use mottak_service::storage::instances::{self as storing, NewInstance, Said};
use serde::Deserialize;

use super::body;
use super::view::{QueryResponse, link};
use crate::WebState;
use crate::extract::{OfGuid, OfInstance, Query, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::{json, json_of_about};
use crate::routes::Callers::{Authenticated, Owner, Permitted, PermittedByTask};
use crate::routes::Routes;

const OWNER_IDENTIFIER: HeaderName = HeaderName::from_static("x-ai-instanceowneridentifier");
const TOKEN: &str = "continuationToken";

/// What an instance with a form takes in a list, roughly.
const BYTES_PER_INSTANCE: usize = 3072;

/// The routes of instances.
pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/storage/api/v1/instances";
    const BY_GUID: &str = "/storage/api/v1/instances/{guid}";
    const ONE: &str = "/storage/api/v1/instances/{party}/{guid}";
    const COMPLETE: &str = "/storage/api/v1/instances/{party}/{guid}/complete";
    const READ_STATUS: &str = "/storage/api/v1/instances/{party}/{guid}/readstatus";
    const SUBSTATUS: &str = "/storage/api/v1/instances/{party}/{guid}/substatus";
    const TEXTS: &str = "/storage/api/v1/instances/{party}/{guid}/presentationtexts";
    const VALUES: &str = "/storage/api/v1/instances/{party}/{guid}/datavalues";
    routes
        .add(Method::GET, ALL, Authenticated, Storage, list)
        .add(Method::POST, ALL, Permitted("instantiate"), Storage, create)
        .add(Method::GET, BY_GUID, Permitted("read"), Storage, find)
        .add(Method::GET, ONE, Permitted("read"), Storage, read)
        .add(Method::DELETE, ONE, Permitted("delete"), Storage, delete)
        .add(Method::POST, COMPLETE, Permitted("complete"), Storage, complete)
        .add(Method::PUT, READ_STATUS, Permitted("read"), Storage, set_read_status)
        .add(Method::PUT, SUBSTATUS, Owner, Storage, set_substatus)
        .add(Method::PUT, TEXTS, PermittedByTask, Storage, set_presentation_texts)
        .add(Method::PUT, VALUES, PermittedByTask, Storage, set_data_values)
}

/// Instances across apps that match the query.
async fn list(
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

/// A new instance of the app that the query names.
async fn create(
    State(web): State<WebState>,
    Who(caller): Who,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let new: NewInstance = body::read(&headers, body).await?;
    let app = query.first("appId").unwrap_or_default();
    let created = storing::create(&web.service, &caller, app, new).await?;
    let location = format!("{}/storage/api/v1/instances/{}", web.service.settings.platform_url, created.id);
    let mut response = answer(&web, StatusCode::CREATED, created);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// An instance.
async fn read(State(web): State<WebState>, Who(caller): Who, OfInstance(id): OfInstance) -> Result<Response, Refused> {
    let instance = reading::read_stored(&web.service, &caller, id).await?;
    Ok(answer(&web, StatusCode::OK, instance))
}

/// An instance of which only the guid is known.
async fn find(State(web): State<WebState>, Who(caller): Who, OfGuid(guid): OfGuid) -> Result<Response, Refused> {
    let id = reading::find(&web.service, guid).await?;
    let instance = reading::read_stored(&web.service, &caller, id).await?;
    Ok(answer(&web, StatusCode::OK, instance))
}

/// Deletes the instance, softly unless told otherwise. It is answered bare: without elements and links.
async fn delete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let how = if query.boolean("hard")?.unwrap_or(false) { Deletion::Hard } else { Deletion::Soft };
    let mut deleted = life::delete(&web.service, &caller, id, how).await?;
    deleted.data.clear();
    Ok(json(StatusCode::OK, &deleted))
}

/// The application owner confirms that it has what it needs.
async fn complete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    let confirmed = life::confirm_complete(&web.service, &caller, id).await?;
    Ok(answer(&web, StatusCode::OK, shown_to(&caller, confirmed)))
}

/// Whether the owner has seen the instance.
async fn set_read_status(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    query: Query,
) -> Result<Response, Refused> {
    let status = query.first("status").unwrap_or_default();
    let changed = life::set_read_status(&web.service, &caller, id, status).await?;
    Ok(answer(&web, StatusCode::OK, shown_to(&caller, changed)))
}

/// How far the application owner has come.
async fn set_substatus(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let substatus: Option<Substatus> = body::read(&headers, body).await?;
    let changed = life::set_substatus(&web.service, &caller, id, substatus.as_ref()).await?;
    Ok(answer(&web, StatusCode::OK, changed))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PresentationTexts {
    texts: Option<Said>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DataValues {
    values: Option<Said>,
}

/// What a list shows of the instance.
async fn set_presentation_texts(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: Option<PresentationTexts> = body::read(&headers, body).await?;
    let texts = sent.and_then(|sent| sent.texts);
    let changed = storing::set_presentation_texts(&web.service, &caller, id, texts.as_ref()).await?;
    Ok(json(StatusCode::OK, &shown_to(&caller, changed)))
}

/// What the app's owner looks instances up by.
async fn set_data_values(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let sent: Option<DataValues> = body::read(&headers, body).await?;
    let values = sent.and_then(|sent| sent.values);
    let changed = storing::set_data_values(&web.service, &caller, id, values.as_ref()).await?;
    Ok(json(StatusCode::OK, &shown_to(&caller, changed)))
}

/// An instance with its links.
pub(super) fn answer(web: &WebState, status: StatusCode, mut instance: Instance) -> Response {
    link(&mut instance, &web.service.settings);
    json(status, &instance)
}

/// What waits for its removal is shown to the owner of the app alone.
pub(super) fn shown_to(caller: &Caller, mut instance: Instance) -> Instance {
    if !caller.is_service_owner_of(&instance.org) && !caller.is_sync_adapter() {
        instance.data.retain(|element| !element.is_hard_deleted());
    }
    instance
}
