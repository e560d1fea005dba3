//! `instances`: made, read, deleted, confirmed (app-api §3).

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use mottak_model::Instance;
use mottak_service::instances::copy as copying;
use mottak_service::instances::create::{self, require_instantiation_by};
use mottak_service::instances::life::{self, Deletion};
use mottak_service::instances::list;
use mottak_service::instances::read::{self as reading, Shown};
use mottak_service::{Problem, Refusal};

use super::template;
use super::view::{InstanceView, Links, SimpleInstanceView, page_of};
use crate::WebState;
use crate::body;
use crate::extract::{OfApp, OfInstance, OfParty, Query, Who};
use crate::refusal::Refused;
use crate::response::{empty, json};

/// Makes an instance, with the data sent along.
pub(super) async fn create(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    require_instantiation_by(&web.service, &caller, &app)?;
    let owner = query.number("instanceOwnerPartyId")?;
    let request = template::instantiation(&web.service, &app, owner, &headers, body).await?;
    let shown = create::create(&web.service, &caller, &app, request).await?;
    Ok(created(&shown, &Links::of(&headers, uri.path(), &web.service.settings)))
}

/// Makes an instance from a short form, without data.
pub(super) async fn create_simple(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let bytes = body::json(&headers, body).await?;
    let sent = template::parse_simple(&bytes)?;
    let shown = create::create_simple(
        &web.service,
        &caller,
        &app,
        sent.template,
        sent.prefill,
        sent.source_instance_id.as_deref(),
    )
    .await?;
    Ok(created(&shown, &Links::of(&headers, uri.path(), &web.service.settings)))
}

fn created(shown: &Shown, links: &Links) -> Response {
    let view = InstanceView::with_party(&shown.instance, shown.party.as_deref(), links);
    let mut response = json(StatusCode::CREATED, &view);
    if let Ok(location) = HeaderValue::from_str(&links.instance(shown.instance.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Makes an instance of an earlier one's data and sends the browser there. A link of the message box, so a GET.
pub(super) async fn copy(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let shown = copying::copy(&web.service, &caller, &app, id).await?;
    let page = page_of(&headers, &web.service.settings, &app.id, shown.instance.id);
    let mut response = empty(StatusCode::FOUND);
    let location = HeaderValue::from_str(&page).map_err(|error| Refusal::failed("send the browser on", error))?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The instance, as far as the caller may see it.
pub(super) async fn read(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let shown = reading::read(&web.service, &caller, &app, id).await?;
    let links = Links::of(&headers, uri.path(), &web.service.settings);
    Ok(json(StatusCode::OK, &InstanceView::with_party(&shown.instance, shown.party.as_deref(), &links)))
}

/// Deletes the instance, softly unless told otherwise.
pub(super) async fn delete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let how = if query.boolean("hard")?.unwrap_or(false) { Deletion::Hard } else { Deletion::Soft };
    reading::require(&web.service, &caller, &app, id, "delete").await?;
    let deleted = life::delete(&web.service, &caller, id, how).await.map_err(without_words)?;
    Ok(stored(&deleted, &Links::of(&headers, uri.path(), &web.service.settings)))
}

/// The application owner says how far it has come.
pub(super) async fn substatus(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let bytes = body::json(&headers, body).await?;
    let substatus = template::parse_substatus(&bytes)?;
    life::require_label(Some(&substatus))?;
    reading::require_of_app(&web.service, &app, id).await?;
    let changed = life::set_substatus(&web.service, &caller, id, Some(&substatus)).await.map_err(without_words)?;
    Ok(stored(&changed, &Links::of(&headers, uri.path(), &web.service.settings)))
}

/// The application owner confirms that it has what it needs.
pub(super) async fn complete(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfInstance(id): OfInstance,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    reading::require(&web.service, &caller, &app, id, "complete").await?;
    let confirmed = life::confirm_complete(&web.service, &caller, id).await?;
    Ok(stored(&confirmed, &Links::of(&headers, uri.path(), &web.service.settings)))
}

/// The instances of this app that the party has in progress.
pub(super) async fn active(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    OfParty(party): OfParty,
) -> Result<Response, Refused> {
    let instances = list::list_active(&web.service, &caller, &app, party).await?;
    let mut views = Vec::with_capacity(instances.len());
    for instance in &instances {
        views.push(SimpleInstanceView {
            id: instance.id,
            presentation_texts: instance.presentation_texts.as_ref(),
            due_before: instance.due_before,
            last_changed: instance.last_changed,
            last_changed_by: list::name_of_editor(&web.service, instance)?,
        });
    }
    Ok(json(StatusCode::OK, &views))
}

fn stored(instance: &Instance, links: &Links) -> Response {
    json(StatusCode::OK, &InstanceView::stored(instance, links))
}

/// A refusal of the store's rules reaches the app's clients without its text (app-api §1.8).
fn without_words(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Forbidden(missing) => Refusal::Forbidden(mottak_service::Missing { detail: None, ..missing }),
        Refusal::NotFound(_) => Refusal::NotFound(Problem::bare()),
        other => other,
    }
}
