//! The subject of a policy decision, from the claims of a token (platform-authorization §5.1).

use serde_json::{Map, Value};

use super::claims::name;

const PERSON_UUID: &str = "urn:altinn:person:uuid";
const RESOURCE: &str = "urn:altinn:resource";
const ORGANISATION: &str = "urn:altinn:organization:identifier-no";
const LEGACY_ORGANISATION: &str = "urn:altinn:organizationnumber";
const SYSTEM_USER_UUID: &str = "urn:altinn:systemuser:uuid";
const SCOPE: &str = "urn:scope";
const SESSION: &str = "urn:altinn:sessionid";

/// Claims of which one becomes the identity.
#[derive(Default)]
struct Candidates {
    person: Option<String>,
    user: Option<String>,
    /// The party or the registered resource: whichever the token names last.
    party: Option<(&'static str, String)>,
    system_user: Option<String>,
    own_number: Option<String>,
    consumer: Option<String>,
    organisation: Option<String>,
}

/// The attributes that describe the caller, as pairs of attribute id and value, in the order of the claims and with
/// exactly one identity at the end.
pub(super) fn attributes(claims: &Map<String, Value>) -> Vec<(String, String)> {
    let mut attributes: Vec<(String, String)> = Vec::with_capacity(claims.len());
    let mut candidates = Candidates::default();
    for (key, value) in claims {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        let Some(text) = text(value) else { continue };
        if is(name::USER_ID) {
            candidates.user = Some(text);
        } else if is(name::PARTY_ID) {
            candidates.party = Some((name::PARTY_ID, text));
        } else if is(RESOURCE) {
            candidates.party = Some((RESOURCE, text));
        } else if is(PERSON_UUID) {
            candidates.person = Some(text);
        } else if is(name::ORG_NUMBER) {
            candidates.own_number = Some(text);
        } else if is(ORGANISATION) {
            candidates.organisation = Some(text);
        } else if is(name::CONSUMER) {
            candidates.consumer = consumer_number(value);
        } else if is(name::DETAILS) {
            candidates.system_user = system_user_id(value);
        } else if is(name::SCOPE) {
            attributes.push((SCOPE.to_owned(), text));
        } else if is(name::SESSION) || is("jti") {
            if attributes.iter().all(|(id, _)| id != SESSION) {
                attributes.push((SESSION.to_owned(), text));
            }
        } else if key.starts_with("urn:") {
            attributes.push((key.clone(), text));
        }
    }
    add_identity(&mut attributes, candidates);
    attributes
}

fn add_identity(attributes: &mut Vec<(String, String)>, candidates: Candidates) {
    let identity = candidates
        .person
        .map(|uuid| (PERSON_UUID, uuid))
        .or(candidates.user.map(|id| (name::USER_ID, id)))
        .or(candidates.party);
    if let Some((id, value)) = identity {
        attributes.push((id.to_owned(), value));
    } else if let Some(uuid) = candidates.system_user {
        // A system user is judged by what it was delegated, by nothing else in its token.
        attributes.clear();
        attributes.push((SYSTEM_USER_UUID.to_owned(), uuid));
    } else if let Some(number) = candidates.organisation {
        attributes.push((ORGANISATION.to_owned(), number));
    } else if let Some(number) = candidates.own_number {
        attributes.push((LEGACY_ORGANISATION.to_owned(), number.clone()));
        attributes.push((ORGANISATION.to_owned(), number));
    } else if let Some(number) = candidates.consumer {
        attributes.push((ORGANISATION.to_owned(), number));
    }
}

/// The value of an attribute; `null` is none.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The part of `{"ID":"0192:{number}"}` after the colon.
fn consumer_number(consumer: &Value) -> Option<String> {
    let id = consumer.get("ID")?.as_str()?;
    Some(id.split_once(':').map_or(id, |(_, number)| number).to_owned())
}

fn system_user_id(details: &Value) -> Option<String> {
    let details = match details {
        Value::Array(items) => items.first()?,
        other => other,
    };
    Some(details.get("systemuser_id")?.get(0)?.as_str()?.to_owned())
}
