//! Making an instance: owner, first task, data sent along and data the app makes, in one commit
//! (app-api §3.1, §3.2; app-process §2.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mottak_apps::App;
use mottak_model::{DataType, Instance, InstanceId, InstanceStatus, Party, ReadStatus, Substatus, Time};

use super::copy::{self, Copied};
use super::owner::{OwnerReference, find_party, is_party_type_allowed, owner_of};
use super::read::{Shown, hide_unreadable};
use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::content::Content;
use crate::data::access;
use crate::data::calculation::{Edit, calculate};
use crate::data::file::admit_content;
use crate::draft::{Author, Draft, NewElement};
use crate::forms;
use crate::ports::Body;
use crate::process::{self, steps};
use crate::service::Attempt;
use crate::{Missing, Problem, Refusal, Service};

/// What a caller wants made.
#[derive(Clone, Debug, Default)]
pub struct Instantiation {
    /// The owner named beside the body; excludes an owner's party id in the template.
    pub owner_party_id: Option<i32>,
    pub template: Option<Template>,
    /// Data sent along, in the order it came.
    pub parts: Vec<Part>,
    /// Dotted path in the data model → value, for the forms the app makes.
    pub prefill: BTreeMap<String, String>,
}

/// What the body says about the instance itself.
#[derive(Clone, Debug, Default)]
pub struct Template {
    pub owner: OwnerReference,
    pub due_before: Option<Time>,
    pub visible_after: Option<Time>,
    pub read_status: Option<ReadStatus>,
    pub substatus: Option<Substatus>,
    pub presentation_texts: Option<BTreeMap<String, String>>,
    pub data_values: Option<BTreeMap<String, String>>,
}

/// One data element sent along.
#[derive(Clone, Debug)]
pub struct Part {
    /// The id of its data type.
    pub name: String,
    pub content_type: String,
    pub filename: Option<String>,
    pub content: PartContent,
    /// How a file begins; none of a form. At most [`FIRST_BYTES`].
    pub first_bytes: Bytes,
}

/// The most bytes by which it is told what a file is.
pub const FIRST_BYTES: usize = 4096;

/// The bytes of a part.
#[derive(Clone, Debug)]
pub enum PartContent {
    Here(Content),
    /// More than the data type allows; the bytes are gone.
    OverLimit,
}

const NO_OWNER: &str = "Cannot create an instance without an instanceOwner.partyId. Either provide instanceOwner party \
                        Id as a query parameter or an instanceTemplate object in the body.";
const TWO_OWNERS: &str = "You cannot provide an instanceOwnerPartyId as a query param as well as an instance template \
                          in the body. Choose one or the other.";

/// Refuses users where the app takes instances from its owner alone (app-api §20.6).
pub fn require_instantiation_by(svc: &Service, caller: &Caller, app: &App) -> Result<(), Refusal> {
    let is_closed = app.application.disallow_user_instantiation && svc.settings.is_production;
    if !is_closed || caller.service_owner().is_some() {
        return Ok(());
    }
    let detail = format!("User instantiation is disabled for this application {}", app.id);
    Err(Refusal::Forbidden(Missing { detail: Some(detail), ..Missing::default() }))
}

/// Makes an instance.
pub async fn create(svc: &Service, caller: &Caller, app: &App, request: Instantiation) -> Result<Shown, Refusal> {
    require_instantiation_by(svc, caller, app)?;
    let template = template_of(&request)?;
    check_parts(app, &request.parts)?;
    let party = find_party(svc, &template.owner)?;
    require_owner_admitted(svc, caller, app, &party)?;
    let making = Making { template, parts: request.parts, copies: Vec::new(), prefill: request.prefill };
    make(svc, caller, app, party, making).await
}

/// Makes an instance from a short form, without data or with that of an earlier instance.
pub async fn create_simple(
    svc: &Service,
    caller: &Caller,
    app: &App,
    template: Template,
    prefill: BTreeMap<String, String>,
    source_instance: Option<&str>,
) -> Result<Shown, Refusal> {
    if let Some(source) = source_instance {
        return copy::create_from(svc, caller, app, template, prefill, source).await;
    }
    require_instantiation_by(svc, caller, app)?;
    template.owner.require_any()?;
    let party = find_party(svc, &template.owner)?;
    require_owner_admitted(svc, caller, app, &party)?;
    make(svc, caller, app, party, Making { template, parts: Vec::new(), copies: Vec::new(), prefill }).await
}

/// The policy lets the caller make instances for the party, and the app takes parties of its kind.
pub(super) fn require_owner_admitted(svc: &Service, caller: &Caller, app: &App, party: &Party) -> Result<(), Refusal> {
    svc.authorize(caller, "instantiate", Resource::party(app, party.party_id)).map_err(Refusal::in_words)?;
    if is_party_type_allowed(party, app.application.party_types_allowed) {
        return Ok(());
    }
    let detail = format!("Party {} is not allowed to instantiate this application {}", party.party_id, app.id);
    Err(Refusal::Forbidden(Missing { detail: Some(detail), ..Missing::default() }))
}

/// What a new instance is made of, once it is known whose it is.
pub(super) struct Making {
    pub(super) template: Template,
    pub(super) parts: Vec<Part>,
    pub(super) copies: Vec<Copied>,
    pub(super) prefill: BTreeMap<String, String>,
}

pub(super) async fn make(
    svc: &Service,
    caller: &Caller,
    app: &App,
    party: Arc<Party>,
    making: Making,
) -> Result<Shown, Refusal> {
    let Making { template, parts, copies, prefill } = making;
    let owner = owner_of(svc, caller, &party)?;
    let author = Author::of(svc, caller, app)?;
    let is_seen_by_maker = caller.service_owner().is_none();
    let read_status = if is_seen_by_maker { Some(ReadStatus::Read) } else { template.read_status };
    let instance = Instance {
        id: InstanceId::new(party.party_id, svc.ids.guid()),
        instance_owner: owner,
        app_id: app.id.clone(),
        org: app.id.org().to_owned(),
        self_links: None,
        due_before: template.due_before,
        visible_after: template.visible_after,
        process: None,
        status: InstanceStatus {
            read_status: read_status.unwrap_or_default(),
            substatus: template.substatus,
            ..InstanceStatus::default()
        },
        complete_confirmations: None,
        data: Vec::new(),
        presentation_texts: template.presentation_texts,
        data_values: template.data_values,
        created: None,
        created_by: None,
        last_changed: None,
        last_changed_by: None,
    };
    let mut draft = Draft::create(svc, app, &author, instance);
    let start = process::compute_start(app, None)?;
    steps::set_started(&mut draft, &start);
    draft.record(mottak_model::event_type::CREATED, None);
    let mut sent = Vec::new();
    for part in parts {
        sent.extend(add_part(svc, caller, &mut draft, &party, part)?);
    }
    // Only what was sent along is calculated here: the app's own forms come later and are as their prefill leaves them.
    calculate(svc, caller, app, &draft.instance, &mut sent, None).await?;
    for Edit { element, mut form, .. } in sent.into_iter().filter(|edit| edit.is_changed) {
        forms::refine(&mut draft, element, &mut form);
    }
    let facts = steps::Facts { party: &party, profile: forms::profile_of(svc, caller)?, prefill: &prefill };
    for copied in copies {
        copy::add_copy(&mut draft, &facts, copied)?;
    }
    steps::enter_first_task(&mut draft, &start, &facts)?;

    let mut instance = svc.commit(None, draft.finish()).await.map_err(Attempt::into_refusal)?;
    hide_unreadable(svc, caller, app, &mut instance)?;
    Ok(Shown { instance, party: Some(party) })
}

/// The template, or one made of the owner named beside the body.
fn template_of(request: &Instantiation) -> Result<Template, Refusal> {
    let invalid = |text: &str| Err(Refusal::Invalid(Problem::text(text)));
    match (&request.template, request.owner_party_id) {
        (None, None) => invalid(NO_OWNER),
        (None, Some(party)) => Ok(Template { owner: OwnerReference::of_party(party), ..Template::default() }),
        (Some(template), query) => {
            if query.is_some() && template.owner.party_id.as_ref().is_some_and(|id| !id.is_empty()) {
                return invalid(TWO_OWNERS);
            }
            template.owner.require_any()?;
            Ok(template.clone())
        }
    }
}

/// Holds the parts against the app's data types: each in turn, then their number (app-api §3.1 step 7).
fn check_parts(app: &App, parts: &[Part]) -> Result<(), Refusal> {
    let wrong = |message: String| {
        Err(Refusal::Invalid(Problem::text(format!("Error when comparing content to application metadata: {message}"))))
    };
    for part in parts {
        let name = &part.name;
        let Some(data_type) = app.application.data_type(name) else {
            return wrong(format!(
                "Multipart section named, '{name}' does not correspond to an element type in application metadata"
            ));
        };
        if !is_content_type_listed(data_type, &part.content_type) {
            return wrong(format!(
                "The multipart section named {name} has a Content-Type '{}' which is invalid for element type '{}'",
                part.content_type, data_type.id
            ));
        }
        match &part.content {
            PartContent::Here(content) if content.is_empty() => {
                return wrong(format!("The multipart section named {name} has no data. Cannot process empty part."));
            }
            PartContent::Here(_) => {}
            PartContent::OverLimit => {
                return wrong(format!(
                    "The multipart section named {name} exceeds the size limit of element type '{}'",
                    data_type.id
                ));
            }
        }
    }
    for data_type in &app.application.data_types {
        let count = parts.iter().filter(|part| part.name == data_type.id).count();
        if data_type.max_count > 0 && i64::try_from(count).is_ok_and(|count| count > data_type.max_count) {
            return wrong(format!(
                "The list of parts contains more elements of type '{}' than the element type allows.",
                data_type.id
            ));
        }
    }
    Ok(())
}

/// The media type, without its parameters, is one the data type lists; or it lists none.
fn is_content_type_listed(data_type: &DataType, content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let listed = data_type.allowed_content_types.as_deref().unwrap_or_default();
    listed.is_empty() || listed.iter().any(|allowed| allowed == media_type)
}

/// Adds what was sent along; answers the form, when it is one.
fn add_part(
    svc: &Service,
    caller: &Caller,
    draft: &mut Draft<'_>,
    party: &Party,
    part: Part,
) -> Result<Option<Edit>, Refusal> {
    let app = draft.app;
    let data_type = app
        .application
        .data_type(&part.name)
        .ok_or_else(|| Refusal::failed("store a part", format!("data type {} was checked to be there", part.name)))?;
    let PartContent::Here(content) = part.content else {
        return Err(Refusal::failed("store a part", "its size was checked"));
    };
    access::require_create(svc, caller, app, &draft.instance, data_type, Some(content.len()))?;
    if data_type.is_form() {
        let Content::Kept(bytes) = content else {
            return Err(Refusal::failed("read a form", "forms are kept in memory"));
        };
        let mut form = forms::parse(app, data_type, Some(&part.content_type), &bytes)?;
        let profile = forms::profile_of(svc, caller)?;
        forms::prefill(app, data_type, &mut form, party, profile.as_deref(), &BTreeMap::new())?;
        let (element, form) = forms::add(draft, data_type, form)?;
        Ok(Some(Edit { element, form, is_changed: false }))
    } else {
        admit_content(data_type, &part.first_bytes)?;
        let new = NewElement {
            filename: part.filename,
            content_type: Some(part.content_type),
            size: content.len(),
            ..NewElement::default()
        };
        let body: Body = content.to_body();
        draft.add_element(data_type, new, body);
        Ok(None)
    }
}
