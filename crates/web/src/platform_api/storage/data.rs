//! `data` and `dataelements`: what instances hold (platform-storage §2.4).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mottak_model::InstanceId;
use mottak_service::data::read as reading;
use mottak_service::{Problem, Refusal};

use super::view::DataElementList;
use crate::WebState;
use crate::download;
use crate::extract::{OfElement, OfInstance, Who};
use crate::refusal::Refused;
use crate::response::json;

/// The elements of an instance, in order of creation.
pub(super) async fn list(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
) -> Result<Response, Refused> {
    require_party(id)?;
    let data_elements = reading::list(&web.service, &caller, id).await?;
    Ok(json(StatusCode::OK, &DataElementList { data_elements }))
}

/// The bytes of an element, as they were sent.
pub(super) async fn download(
    State(web): State<WebState>,
    Who(caller): Who,
    OfElement(id): OfElement,
) -> Result<Response, Refused> {
    require_party(id.instance)?;
    let (element, blob) = reading::download(&web.service, &caller, id).await?;
    Ok(download::download(&element, blob))
}

/// Party 0 is what clients send that have none.
fn require_party(id: InstanceId) -> Result<(), Refused> {
    if id.party.get() == 0 {
        let text = "Missing parameter value: instanceOwnerPartyId can not be empty";
        return Err(Refused(Refusal::Invalid(Problem::text(text))));
    }
    Ok(())
}
