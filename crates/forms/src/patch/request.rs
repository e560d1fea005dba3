//! The bodies of PATCH requests.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Operation, Patch, Pointer};
use crate::json::{self, Syntax};
use crate::value::{FormObject, FormValue};

/// What a PATCH request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// One patch per data element, in request order; no element occurs twice.
    pub patches: Vec<ElementPatch>,
    /// Validator sources not to run; compare without regard to casing.
    pub ignored_validators: Vec<String>,
}

/// The patch of one data element.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementPatch {
    pub data_element_id: Uuid,
    pub patch: Patch,
}

/// Why a body is no patch request: the member at fault, as the `errors` map of the answer names it, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {message}")]
pub struct InvalidPatchRequest {
    pub member: String,
    pub message: String,
}

fn invalid<T>(member: impl Into<String>, message: impl Into<String>) -> Result<T, InvalidPatchRequest> {
    Err(InvalidPatchRequest { member: member.into(), message: message.into() })
}

impl PatchRequest {
    /// Reads `{"patches":[{"dataElementId","patch":[…]}],"ignoredValidators":[…]}`.
    ///
    /// # Errors
    /// The first member that is missing or malformed, or a data element that occurs twice.
    pub fn parse_multiple(body: &[u8]) -> Result<Self, InvalidPatchRequest> {
        let body = parse_body(body)?;
        let Some(entries) = member(&body, "patches").and_then(FormValue::as_list) else {
            return invalid("patches", "The Patches field is required.");
        };
        let mut patches = Vec::with_capacity(entries.len());
        let mut seen = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let at = |name: &str| format!("patches[{index}].{name}");
            let id = entry.as_object().and_then(|entry| member(entry, "dataElementId")).and_then(FormValue::as_text);
            let Some(data_element_id) = id.and_then(|id| Uuid::try_parse(id).ok()) else {
                return invalid(at("dataElementId"), "The data element id is missing or not a GUID.");
            };
            if !seen.insert(data_element_id) {
                return invalid(at("dataElementId"), "The data element occurs more than once.");
            }
            let operations = entry.as_object().and_then(|entry| member(entry, "patch"));
            let patch = Patch::from_value(operations.unwrap_or(&FormValue::Null), &at("patch"))?;
            patches.push(ElementPatch { data_element_id, patch });
        }
        Ok(Self { patches, ignored_validators: ignored_validators(&body)? })
    }

    /// Reads `{"patch":[…],"ignoredValidators":[…]}` for the data element of the route.
    ///
    /// # Errors
    /// The first member that is missing or malformed.
    pub fn parse_single(data_element_id: Uuid, body: &[u8]) -> Result<Self, InvalidPatchRequest> {
        let body = parse_body(body)?;
        let patch = Patch::from_value(member(&body, "patch").unwrap_or(&FormValue::Null), "patch")?;
        let ignored_validators = ignored_validators(&body)?;
        Ok(Self { patches: vec![ElementPatch { data_element_id, patch }], ignored_validators })
    }
}

impl Patch {
    /// Reads a list of operations; `member` names it in errors.
    ///
    /// # Errors
    /// Anything but a list of well-formed operations.
    pub fn from_value(value: &FormValue, member: &str) -> Result<Self, InvalidPatchRequest> {
        let Some(operations) = value.as_list() else { return invalid(member, "The patch is missing or not a list.") };
        let read = operations.iter().enumerate().map(|(index, operation)| {
            read_operation(operation).map_err(|reason| InvalidPatchRequest {
                member: format!("{member}[{index}]"),
                message: reason.to_owned(),
            })
        });
        read.collect::<Result<_, _>>().map(|operations| Self { operations })
    }
}

fn read_operation(value: &FormValue) -> Result<Operation, &'static str> {
    let operation = value.as_object().ok_or("An operation must be an object.")?;
    let text = |name: &str| operation.get(name).and_then(FormValue::as_text);
    let pointer = |name: &str| text(name).and_then(Pointer::parse);
    let path = pointer("path").ok_or("The path of an operation must be a JSON pointer.")?;
    let from = || pointer("from").ok_or("The operation needs `from`, a JSON pointer.");
    let value = || operation.get("value").cloned().ok_or("The operation needs a value.");
    match text("op") {
        Some("add") => Ok(Operation::Add { path, value: value()? }),
        Some("remove") => Ok(Operation::Remove { path }),
        Some("replace") => Ok(Operation::Replace { path, value: value()? }),
        Some("move") => Ok(Operation::Move { from: from()?, path }),
        Some("copy") => Ok(Operation::Copy { from: from()?, path }),
        Some("test") => Ok(Operation::Test { path, value: value()? }),
        Some(_) => Err("The operation is unknown."),
        None => Err("The operation has no `op`."),
    }
}

fn parse_body(body: &[u8]) -> Result<FormObject, InvalidPatchRequest> {
    match json::parse(body, Syntax::Strict) {
        Ok(FormValue::Object(body)) => Ok(body),
        Ok(_) => invalid("", "The body must be an object."),
        Err(error) => invalid("", error.to_string()),
    }
}

/// Members of request bodies match in any casing.
fn member<'v>(object: &'v FormObject, name: &str) -> Option<&'v FormValue> {
    object.get(name).or_else(|| object.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn ignored_validators(body: &FormObject) -> Result<Vec<String>, InvalidPatchRequest> {
    let not_texts = || InvalidPatchRequest {
        member: "ignoredValidators".to_owned(),
        message: "The ignored validators must be a list of strings.".to_owned(),
    };
    match member(body, "ignoredValidators") {
        None | Some(FormValue::Null) => Ok(Vec::new()),
        Some(FormValue::List(sources)) => {
            sources.iter().map(|source| source.as_text().map(str::to_owned).ok_or_else(not_texts)).collect()
        }
        Some(_) => Err(not_texts()),
    }
}
