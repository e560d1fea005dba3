//! `sign`: a signature over contents (platform-storage §2.6).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use mottak_service::storage::sign::{self, DataElementSignature, SignRequest, Signee};
use serde::Deserialize;

use super::body;
use crate::WebState;
use crate::extract::{OfInstance, Who};
use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::response::json;
use crate::routes::Callers::Permitted;
use crate::routes::Routes;

/// The route of signatures.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::POST, "/storage/api/v1/instances/{party}/{guid}/sign", Permitted("sign"), Storage, sign)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SentRequest {
    signature_document_data_type: Option<String>,
    generated_from_task: Option<String>,
    data_element_signatures: Option<Vec<SentSignature>>,
    signee: Option<Signee>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SentSignature {
    data_element_id: Option<String>,
    signed: bool,
}

/// Keeps a signature.
async fn sign(
    State(web): State<WebState>,
    Who(caller): Who,
    OfInstance(id): OfInstance,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    sign::require_sign(&web.service, &caller, id).await?;
    let sent: SentRequest = body::read(&headers, body).await?;
    let listed =
        |sent: SentSignature| DataElementSignature { data_element_id: sent.data_element_id, signed: sent.signed };
    let request = SignRequest {
        signature_document_data_type: sent.signature_document_data_type.unwrap_or_default(),
        generated_from_task: sent.generated_from_task,
        data_element_signatures: sent.data_element_signatures.map(|sent| sent.into_iter().map(listed).collect()),
        signee: sent.signee,
    };
    sign::sign(&web.service, &caller, id, &request).await?;
    Ok(json(StatusCode::CREATED, &"SignDocument is created"))
}
