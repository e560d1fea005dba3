//! Bodies that make an instance: the template and its parts (app-api §3.1), and the simplified form (§21.2).
//!
//! The template is read leniently, as clients send it: names in any case, numbers for texts, enums by name or number.
//! The simplified form is strict.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use mottak_apps::App;
use mottak_forms::json::{self, Syntax};
use mottak_forms::{FormObject, FormValue};
use mottak_model::{ReadStatus, Substatus, Time};
use mottak_service::Service;
use mottak_service::content::{Content, FORM_LIMIT, IncomingFailure, ReceiveFailure, receive_form, receive_judged};
use mottak_service::instances::create::{FIRST_BYTES, Instantiation, Part, PartContent, Template};
use mottak_service::instances::owner::OwnerReference;
use mottak_service::{Problem, Refusal};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::{self, content_type};
use crate::disposition;
use crate::multipart::{self, Multipart};
use crate::refusal::Refused;

/// The most bytes of a template.
const TEMPLATE_LIMIT: u64 = 1024 * 1024;

/// Reads the body of POST instances: a template alone, or parts.
pub(super) async fn instantiation(
    svc: &Service,
    app: &App,
    owner_party_id: Option<i32>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Instantiation, Refused> {
    let mut request = Instantiation { owner_party_id, ..Instantiation::default() };
    let Some(content_type) = content_type(headers) else { return Ok(request) };
    if content_type.to_ascii_lowercase().starts_with("multipart/") {
        let boundary = multipart::boundary(content_type)
            .ok_or_else(|| unreadable("The content type multipart/* has no usable boundary"))?;
        let parts = Multipart::new(body::stream(body), &boundary);
        read_parts(svc, app, parts, &mut request).await?;
    } else if content_type.contains("application/json") {
        let received = receive_form(body::stream(body), Some(TEMPLATE_LIMIT)).await;
        let bytes = received.map_err(|failure| match failure {
            ReceiveFailure::OverLimit => too_large(),
            ReceiveFailure::Refused(refusal) => Refused(refusal),
        })?;
        request.template = parse_template(&bytes)?;
    }
    Ok(request)
}

/// The most parts of a body.
const PART_LIMIT: usize = 1000;

/// One part before it is known what it is.
struct Section {
    /// Counted from 1.
    number: usize,
    name: Option<String>,
    content_type: String,
    filename: Option<String>,
    content: PartContent,
    first_bytes: Bytes,
}

async fn read_parts(
    svc: &Service,
    app: &App,
    mut parts: Multipart,
    request: &mut Instantiation,
) -> Result<(), Refused> {
    let mut sections = Vec::new();
    let mut wrong = Vec::new();
    let mut number = 0;
    // Forms and templates are parsed whole, so all of them together stay within what one form may have.
    let mut document_bytes_left = FORM_LIMIT;
    while let Some(headers) = parts.next_part().await.map_err(broken)? {
        number += 1;
        if number > PART_LIMIT {
            return Err(unreadable(format!("The request has more than {PART_LIMIT} parts")));
        }
        let Some(disposition) = headers.content_disposition else {
            wrong.push(format!("Part number {number} doesn't have a content disposition"));
            continue;
        };
        let Some(content_type) = headers.content_type.filter(|content_type| !content_type.is_empty()) else {
            wrong.push(format!("Part number {number} doesn't have a content type"));
            continue;
        };
        let name = disposition::name(&disposition);
        let filename = disposition::filename(&disposition);
        let data_type = name.as_deref().and_then(|name| app.application.data_type(name));
        let mut first_bytes = Bytes::new();
        let content = match data_type {
            Some(data_type) if !data_type.is_form() => {
                let limit = data_type.max_bytes().filter(|limit| *limit > 0);
                let remember = |bytes: &[u8]| {
                    first_bytes = Bytes::copy_from_slice(bytes.get(..FIRST_BYTES).unwrap_or(bytes));
                    Ok(())
                };
                receive_judged(svc.store.blobs(), parts.content(), limit, remember).await
            }
            _ => {
                let limit = match data_type {
                    Some(data_type) => data_type.max_bytes().filter(|limit| *limit > 0).unwrap_or(FORM_LIMIT),
                    None => TEMPLATE_LIMIT,
                };
                let received = receive_form(parts.content(), Some(limit.min(document_bytes_left))).await;
                if matches!(received, Err(ReceiveFailure::OverLimit)) && document_bytes_left < limit {
                    return Err(too_large());
                }
                received.map(Content::Kept)
            }
        };
        let content = match content {
            Ok(content) => {
                if let Content::Kept(bytes) = &content {
                    document_bytes_left = document_bytes_left.saturating_sub(bytes.len() as u64);
                }
                PartContent::Here(content)
            }
            Err(ReceiveFailure::OverLimit) => PartContent::OverLimit,
            Err(ReceiveFailure::Refused(refusal)) => return Err(Refused(refusal)),
        };
        sections.push(Section { number, name, content_type, filename, content, first_bytes });
    }
    if !wrong.is_empty() {
        return Err(unreadable(wrong.join(", ")));
    }
    sort_out(sections, request)
}

/// Finds the template and the notification among the parts; the rest is data.
fn sort_out(mut sections: Vec<Section>, request: &mut Instantiation) -> Result<(), Refused> {
    let template = sections.iter().position(|section| section.name.as_deref() == Some("instance"));
    let template = template.or_else(|| (sections.len() == 1 && sections[0].name.is_none()).then_some(0));
    if let Some(at) = template
        && let Some(document) = document_of(&sections.remove(at))?
    {
        request.template = parse_template(&document)?;
    }
    if let Some(at) = sections.iter().position(|section| section.name.as_deref() == Some("notification"))
        && let Some(document) = document_of(&sections.remove(at))?
    {
        // Notifications are for another service; the instance is made without. It has to be readable all the same.
        parse_object("notification", &document)?;
    }
    for section in sections {
        if section.name.as_deref() == Some("instance") && !section.content_type.starts_with("application/json") {
            let text = format!(
                "Error when comparing content to application metadata: Unexpected Content-Type '{}' of embedded \
                 instance template. Expecting 'application/json'",
                section.content_type
            );
            return Err(Refused(Refusal::Invalid(Problem::text(text))));
        }
        request.parts.push(Part {
            name: section.name.unwrap_or_default(),
            content_type: section.content_type,
            filename: section.filename,
            content: section.content,
            first_bytes: section.first_bytes,
        });
    }
    Ok(())
}

/// Only JSON is a template or a notification; anything else in its place is passed over.
fn document_of(section: &Section) -> Result<Option<Bytes>, Refused> {
    match &section.content {
        PartContent::Here(Content::Kept(bytes)) if section.content_type.contains("application/json") => {
            Ok(Some(bytes.clone()))
        }
        PartContent::OverLimit => Err(unreadable(format!("Part number {} is too large", section.number))),
        PartContent::Here(_) => Ok(None),
    }
}

fn broken(failure: IncomingFailure) -> Refused {
    match failure {
        IncomingFailure::TooLarge => too_large(),
        IncomingFailure::Broken(_) => unreadable(failure.to_string()),
    }
}

fn unreadable(detail: impl Into<String>) -> Refused {
    Refused(Refusal::Invalid(Problem::details("Error reading request", detail)))
}

fn too_large() -> Refused {
    Refused(Refusal::TooLarge(Problem::details(
        "Request too large",
        "The request has more bytes than the server takes.",
    )))
}

/// A JSON object, maybe with comments. Nothing, and `null`, is none.
fn parse_object(what: &str, bytes: &[u8]) -> Result<Option<FormObject>, Refused> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    match json::parse(bytes, Syntax::AppFile) {
        Ok(FormValue::Null) => Ok(None),
        Ok(FormValue::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(unreadable(format!("The {what} is not a JSON object"))),
        Err(error) => Err(unreadable(format!("The {what} is not JSON: {error}"))),
    }
}

/// Reads a template. Nothing, and `null`, is no template.
fn parse_template(bytes: &[u8]) -> Result<Option<Template>, Refused> {
    let Some(members) = parse_object("instance template", bytes)? else { return Ok(None) };
    let status = object(&members, "status");
    Ok(Some(Template {
        owner: owner(object(&members, "instanceOwner")),
        due_before: time(&members, "dueBefore")?,
        visible_after: time(&members, "visibleAfter")?,
        read_status: status.map(read_status).transpose()?.flatten(),
        substatus: status.and_then(|status| object(status, "substatus")).map(|substatus| Substatus {
            label: text(substatus, "label"),
            description: text(substatus, "description"),
        }),
        presentation_texts: texts(&members, "presentationTexts"),
        data_values: texts(&members, "dataValues"),
    }))
}

fn read_status(status: &FormObject) -> Result<Option<ReadStatus>, Refused> {
    let Some(text) = text(status, "readStatus") else { return Ok(None) };
    let wrong = || unreadable("The member readStatus of the instance template is no read status");
    ReadStatus::parse(&text).map(Some).ok_or_else(wrong)
}

fn owner(members: Option<&FormObject>) -> OwnerReference {
    let Some(members) = members else { return OwnerReference::default() };
    OwnerReference {
        party_id: text(members, "partyId"),
        person_number: text(members, "personNumber"),
        organisation_number: text(members, "organisationNumber"),
        username: text(members, "username"),
        external_identifier: text(members, "externalIdentifier"),
    }
}

fn member<'a>(members: &'a FormObject, name: &str) -> Option<&'a FormValue> {
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn object<'a>(members: &'a FormObject, name: &str) -> Option<&'a FormObject> {
    member(members, name)?.as_object()
}

/// A text, or a number as text.
fn text(members: &FormObject, name: &str) -> Option<String> {
    match member(members, name)? {
        FormValue::Text(text) => Some(text.clone()),
        FormValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn time(members: &FormObject, name: &str) -> Result<Option<Time>, Refused> {
    match text(members, name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match Time::parse(&text) {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(unreadable(format!("The member {name} of the instance template is no date"))),
        },
    }
}

/// A dictionary of texts; its keys stay as they are.
fn texts(members: &FormObject, name: &str) -> Option<BTreeMap<String, String>> {
    let members = object(members, name)?;
    Some(members.iter().filter_map(|(key, _)| Some((key.to_owned(), text(members, key)?))).collect())
}

/// The body of POST instances/create.
#[derive(Debug, Default)]
pub(super) struct SimpleInstantiation {
    pub(super) template: Template,
    pub(super) prefill: BTreeMap<String, String>,
    pub(super) source_instance_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SimpleBody {
    instanceowner: Option<SimpleOwner>,
    duebefore: Option<Time>,
    visibleafter: Option<Time>,
    prefill: Option<BTreeMap<String, Option<String>>>,
    sourceinstanceid: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SimpleOwner {
    partyid: Option<String>,
    personnumber: Option<String>,
    organisationnumber: Option<String>,
    username: Option<String>,
    externalidentifier: Option<String>,
}

/// Reads the simplified body: names in any case, but texts must be texts.
pub(super) fn parse_simple(bytes: &Bytes) -> Result<SimpleInstantiation, Refused> {
    let mut members: Map<String, Value> = body::parse(bytes)?;
    fold_names(&mut members);
    if let Some(Value::Object(owner)) = members.get_mut("instanceowner") {
        fold_names(owner);
    }
    // The names are folded; to read it again as text keeps one place that words what is wrong.
    let folded = serde_json::to_vec(&members).unwrap_or_default();
    let sent: SimpleBody = body::parse(&folded)?;
    let owner = sent.instanceowner.unwrap_or_default();
    Ok(SimpleInstantiation {
        template: Template {
            owner: OwnerReference {
                party_id: owner.partyid,
                person_number: owner.personnumber,
                organisation_number: owner.organisationnumber,
                username: owner.username,
                external_identifier: owner.externalidentifier,
            },
            due_before: sent.duebefore,
            visible_after: sent.visibleafter,
            ..Template::default()
        },
        prefill: sent.prefill.unwrap_or_default().into_iter().filter_map(|(path, text)| Some((path, text?))).collect(),
        source_instance_id: sent.sourceinstanceid.filter(|id| !id.is_empty()),
    })
}

/// Reads a substatus: names in any case, but texts must be texts.
pub(super) fn parse_substatus(bytes: &Bytes) -> Result<Substatus, Refused> {
    let mut members: Map<String, Value> = body::parse(bytes)?;
    fold_names(&mut members);
    body::parse(&serde_json::to_vec(&members).unwrap_or_default())
}

fn fold_names(members: &mut Map<String, Value>) {
    *members = std::mem::take(members).into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
}
