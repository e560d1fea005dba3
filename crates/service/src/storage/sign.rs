//! Signatures: who stands by which contents, kept as a document beside them (platform-storage §2.6).

use mottak_model::{Application, DataElement, Guid, Instance, InstanceId, Time, event_type};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::authentication::Caller;
use crate::draft::{Author, Draft, NewElement};
use crate::instances::read::load_permitted;
use crate::ports::{Blob, Body};
use crate::storage::applications;
use crate::{Problem, Refusal, Service};

/// The most bytes of an earlier signature document that are looked into.
const DOCUMENT_LIMIT: u64 = 1024 * 1024;

/// What is to be signed, by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct SignRequest {
    /// The data type that keeps signatures.
    pub signature_document_data_type: String,
    /// The task it is done in.
    pub generated_from_task: Option<String>,
    pub data_element_signatures: Option<Vec<DataElementSignature>>,
    pub signee: Option<Signee>,
}

/// One of the elements that are signed.
#[derive(Clone, Debug, PartialEq)]
pub struct DataElementSignature {
    pub data_element_id: Option<String>,
    pub signed: bool,
}

/// Who signs. Absent is written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Signee {
    pub user_id: Option<String>,
    pub system_user_id: Option<Guid>,
    pub person_number: Option<String>,
    pub organisation_number: Option<String>,
}

/// The document that is kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignDocument<'a> {
    id: Guid,
    instance_guid: Guid,
    signed_time: Time,
    signee_info: &'a Signee,
    data_element_signatures: Vec<SignedElement>,
}

/// What was signed: an element and the checksum its content had.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedElement {
    data_element_id: String,
    /// SHA-256 in lower-case hexadecimal digits.
    sha256_hash: String,
    signed: bool,
}

/// The part of an earlier document that tells whose it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedBy {
    signee_info: Signee,
}

/// Refuses, before the request's body is read, a caller who may not sign. The sync adapter is asked like anybody else.
pub async fn require_sign(svc: &Service, caller: &Caller, id: InstanceId) -> Result<(), Refusal> {
    load_permitted(svc, caller, id, "sign").await.map(drop)
}

/// Keeps a signature over the contents as they are now. An earlier one by the same signee goes.
pub async fn sign(svc: &Service, caller: &Caller, id: InstanceId, request: &SignRequest) -> Result<(), Refusal> {
    require_sign(svc, caller, id).await?;
    let signee = require_signee(request)?;
    if caller.performed_by().is_none() {
        return Err(Refusal::Unauthenticated);
    }
    let listed = require_listed(request)?;
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let (snapshot, app) = load_permitted(svc, caller, id, "sign").await?;
        let instance = &snapshot.instance;
        require_type(&*applications::known(svc, &app).await?, instance, &request.signature_document_data_type)?;
        // If one of these contents changes meanwhile, the commit fails and all is done again.
        let signed = hash_all(svc, instance, &listed).await?;
        let replaced = documents_of(svc, instance, &request.signature_document_data_type, signee).await?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        for document in replaced {
            draft.remove_element(document);
        }
        add_document(&mut draft, request, signee, signed)?;
        draft.record(event_type::SIGNED, None);
        svc.commit(Some(instance), draft.finish()).await.map(drop)
    })
    .await
}

fn require_signee(request: &SignRequest) -> Result<&Signee, Refusal> {
    let is_named = |signee: &&Signee| {
        signee.user_id.as_deref().is_some_and(|id| !id.trim().is_empty()) || signee.system_user_id.is_some()
    };
    request.signee.as_ref().filter(is_named).ok_or_else(|| {
        let detail = "The 'UserId' or 'SystemUserId' parameter must be defined for signee.";
        Refusal::Invalid(Problem::standard(detail))
    })
}

/// The listed elements with whether each is signed; what is no id is refused.
fn require_listed(request: &SignRequest) -> Result<Vec<(Guid, bool)>, Refusal> {
    let listed = request
        .data_element_signatures
        .as_ref()
        .ok_or_else(|| Refusal::Invalid(Problem::standard("The 'DataElementSignatures' parameter must be defined.")))?;
    let read = |entry: &DataElementSignature| {
        let id = entry.data_element_id.as_deref().unwrap_or_default();
        let unreadable = || Refusal::Invalid(Problem::standard(format!("'{id}' is not the id of a data element.")));
        Ok((Guid::try_parse(id).map_err(|_| unreadable())?, entry.signed))
    };
    listed.iter().map(read).collect()
}

/// The type has to be declared, and be of no task or the current one.
fn require_type(application: &Application, instance: &Instance, id: &str) -> Result<(), Refusal> {
    let Some(process) = &instance.process else {
        return Err(Refusal::Invalid(Problem::standard("The instance has no process.")));
    };
    let of_task = |task: &String| process.current_task_id() == Some(task);
    match application.data_type(id) {
        Some(data_type) if data_type.task_id.as_ref().is_none_or(of_task) => Ok(()),
        _ => {
            let detail = format!("DataType {id} is not declared in application metadata for app {}", application.id);
            Err(Refusal::NotAllowed(Problem::standard(detail)))
        }
    }
}

async fn hash_all(svc: &Service, instance: &Instance, listed: &[(Guid, bool)]) -> Result<Vec<SignedElement>, Refusal> {
    let mut signed = Vec::with_capacity(listed.len());
    for (id, is_signed) in listed {
        if instance.element(*id).is_none() {
            return Err(missing(format!("DataElement not found, dataElementId: {id}")));
        }
        let stored = svc.store.read_body(instance.id, *id, None).await?;
        let stored = stored.ok_or_else(|| missing(format!("Failed reading file, dataElementId: {id}")))?;
        let hash = match stored.sha256 {
            Some(known) => known,
            None => hash(stored.blob).await?,
        };
        signed.push(SignedElement {
            data_element_id: id.to_string(),
            sha256_hash: hexadecimal(&hash),
            signed: *is_signed,
        });
    }
    Ok(signed)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| text + &format!("{byte:02x}"))
}

fn missing(detail: String) -> Refusal {
    Refusal::NotFound(Problem::standard(detail))
}

async fn hash(blob: Blob) -> Result<[u8; 32], Refusal> {
    let mut hasher = Sha256::new();
    match blob {
        Blob::Bytes(bytes) => hasher.update(&bytes),
        Blob::Stream(mut stream) => {
            while let Some(piece) = stream.next().await? {
                hasher.update(&piece);
            }
        }
    }
    Ok(hasher.finalize().into())
}

/// The documents of the type by exactly this signee. One that cannot be read is nobody's.
async fn documents_of(
    svc: &Service,
    instance: &Instance,
    data_type: &str,
    signee: &Signee,
) -> Result<Vec<Guid>, Refusal> {
    let mut found = Vec::new();
    for element in instance.elements_of_type(data_type).filter(|element| element.size <= DOCUMENT_LIMIT) {
        let Some(stored) = svc.store.read_body(instance.id, element.id, None).await? else { continue };
        let bytes = whole(stored.blob).await?;
        if serde_json::from_slice::<SignedBy>(&bytes).is_ok_and(|document| document.signee_info == *signee) {
            found.push(element.id);
        }
    }
    Ok(found)
}

async fn whole(blob: Blob) -> Result<Vec<u8>, Refusal> {
    match blob {
        Blob::Bytes(bytes) => Ok(bytes.into()),
        Blob::Stream(mut stream) => {
            let mut whole = Vec::new();
            while let Some(piece) = stream.next().await? {
                whole.extend_from_slice(&piece);
            }
            Ok(whole)
        }
    }
}

fn add_document(
    draft: &mut Draft<'_>,
    request: &SignRequest,
    signee: &Signee,
    data_element_signatures: Vec<SignedElement>,
) -> Result<(), Refusal> {
    let data_type = &request.signature_document_data_type;
    let new = NewElement {
        filename: Some(format!("{data_type}.json")),
        content_type: Some("application/json".to_owned()),
        generated_from: request.generated_from_task.clone().filter(|task| !task.is_empty()),
        ..NewElement::default()
    };
    let element = draft.new_element(data_type, new);
    let document = SignDocument {
        id: element.id,
        instance_guid: draft.instance.id.guid,
        signed_time: draft.now,
        signee_info: signee,
        data_element_signatures,
    };
    let bytes = serde_json::to_vec_pretty(&document).map_err(|error| Refusal::failed("write a signature", error))?;
    let size = bytes.len() as u64;
    let element = DataElement { size, locked: true, refs: None, is_read: true, ..element };
    draft.insert_element(element, Body::Bytes(bytes.into()));
    Ok(())
}
