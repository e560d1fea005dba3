//! Request documents in JSON (contract §3.2): one question, or several that share attribute objects.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::request::{Group, Request, Value};
use crate::vocabulary::{Category, DataType};
use crate::xml::PolicyProblem;

/// A request text that cannot be understood. Names members and elements, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RequestProblem(String);

impl RequestProblem {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn from_xml(problem: PolicyProblem) -> Self {
        Self(problem.to_string())
    }
}

/// The questions of one request document, in the order of the answers.
///
/// A question that cannot be asked although the document is well formed (its reference names no resource, say) is an
/// `Err` of its own and leaves the others alone.
pub type Questions = Vec<Result<Request<'static>, RequestProblem>>;

/// Most attribute values that the references of one document may repeat among them. A page of a hundred instances
/// needs a few thousand.
const MOST_VALUES: usize = 1_000_000;

/// Reads a JSON request. `Err`: the document as a whole makes no sense, and is answered by one Indeterminate.
pub fn parse_json_request(text: &str) -> Result<Questions, RequestProblem> {
    let document: Json = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| RequestProblem::new(format!("not JSON (line {}, column {})", error.line(), error.column())))?;
    let request = document.as_object().and_then(|document| member(document, "Request")).and_then(Json::as_object);
    let request = request.ok_or_else(|| RequestProblem::new("there is no `Request` object"))?;

    let subjects = category_objects(request, "AccessSubject", &Category::Subject)?;
    let actions = category_objects(request, "Action", &Category::Action)?;
    let resources = category_objects(request, "Resource", &Category::Resource)?;
    let references = references(request)?;
    if references.len() >= 2 {
        return split(&references, [subjects, actions, resources]);
    }
    let others = category_objects(request, "Category", &Category::Environment)?;
    let objects = [subjects, actions, resources, others].into_iter().flatten().flatten();
    let groups = objects.map(|object| object.group).collect::<Result<_, _>>()?;
    Ok(vec![Ok(Request { groups })])
}

/// One object of a category array.
struct CategoryObject {
    id: Option<String>,
    group: Result<Group<'static>, RequestProblem>,
}

/// The objects of one array, or `None` when the array is absent or null.
fn category_objects(
    request: &Map<String, Json>,
    name: &str,
    category: &Category,
) -> Result<Option<Vec<CategoryObject>>, RequestProblem> {
    let Some(items) = member(request, name).filter(|items| !items.is_null()) else { return Ok(None) };
    let items = items.as_array().ok_or_else(|| RequestProblem::new(format!("`{name}` is no array")))?;
    let read = |item: &Json| {
        let item = item
            .as_object()
            .ok_or_else(|| RequestProblem::new(format!("`{name}` holds something else than objects")))?;
        let id = optional_text(item, "Id")?.map(str::to_owned);
        let category = optional_text(item, "CategoryId")?.map_or_else(|| category.clone(), Category::from_uri);
        Ok(CategoryObject { id, group: read_group(item, category) })
    };
    items.iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn read_group(item: &Map<String, Json>, category: Category) -> Result<Group<'static>, RequestProblem> {
    let mut group = Group { category, attributes: Vec::new() };
    let attributes = match member(item, "Attribute") {
        None | Some(Json::Null) => return Ok(group),
        Some(attributes) => attributes.as_array().ok_or_else(|| RequestProblem::new("`Attribute` is no array"))?,
    };
    for attribute in attributes {
        let attribute = attribute
            .as_object()
            .ok_or_else(|| RequestProblem::new("`Attribute` holds something else than objects"))?;
        let id = optional_text(attribute, "AttributeId")?
            .ok_or_else(|| RequestProblem::new("an attribute has no `AttributeId`"))?;
        let text = optional_text(attribute, "Value")?
            .ok_or_else(|| RequestProblem::new(format!("attribute `{id}` has no `Value`")))?;
        let data_type = data_type(optional_text(attribute, "DataType")?)?;
        let include_in_result = match member(attribute, "IncludeInResult") {
            None => false,
            Some(include) => include
                .as_bool()
                .ok_or_else(|| RequestProblem::new(format!("`IncludeInResult` of `{id}` is neither true nor false")))?,
        };
        let attribute = group.attribute(Cow::Owned(id.to_owned()));
        // The first occurrence of an attribute decides whether it is echoed.
        if attribute.values.is_empty() {
            attribute.include_in_result = include_in_result;
        }
        attribute.values.push(Value { data_type, text: Cow::Owned(text.to_owned()) });
    }
    Ok(group)
}

/// The three types the JSON profile knows. `integer` without its namespace is not one of them.
fn data_type(name: Option<&str>) -> Result<DataType, RequestProblem> {
    match name {
        None | Some("" | "string") => Ok(DataType::String),
        Some("anyURI") => Ok(DataType::AnyUri),
        Some(uri) => match DataType::from_uri(uri) {
            known @ (DataType::String | DataType::AnyUri | DataType::Integer) => Ok(known),
            _ => Err(RequestProblem::new(format!("the data type `{uri}` is not supported"))),
        },
    }
}

/// The id lists of `MultiRequests`, or none.
fn references(request: &Map<String, Json>) -> Result<Vec<Vec<&str>>, RequestProblem> {
    let wrong = || RequestProblem::new("`MultiRequests` is not a list of references");
    let Some(multi) = member(request, "MultiRequests").filter(|multi| !multi.is_null()) else { return Ok(Vec::new()) };
    let list = match member(multi.as_object().ok_or_else(wrong)?, "RequestReference") {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(list) => list.as_array().ok_or_else(wrong)?,
    };
    list.iter().map(|reference| reference_ids(reference).ok_or_else(wrong)).collect()
}

fn reference_ids(reference: &Json) -> Option<Vec<&str>> {
    member(reference.as_object()?, "ReferenceId")?.as_array()?.iter().map(Json::as_str).collect()
}

/// One question per reference, made of the subjects, actions and resources it names.
fn split(references: &[Vec<&str>], categories: [Option<Vec<CategoryObject>>; 3]) -> Result<Questions, RequestProblem> {
    let [Some(subjects), Some(actions), Some(resources)] = categories else {
        return Err(RequestProblem::new("several requests need `AccessSubject`, `Action` and `Resource`"));
    };
    if [&subjects, &actions, &resources].into_iter().flatten().any(|object| object.id.is_none()) {
        return Err(RequestProblem::new("several requests need an `Id` on every subject, action and resource"));
    }
    let mut values = 0;
    let mut questions = Vec::with_capacity(references.len());
    for reference in references {
        let named = |object: &&CategoryObject| object.id.as_deref().is_some_and(|id| reference.contains(&id));
        let chosen_subjects: Vec<_> = subjects.iter().filter(named).collect();
        // Of several resources with one id the last one counts.
        let chosen_resources: Vec<_> = resources
            .iter()
            .enumerate()
            .filter(|(at, object)| named(object) && resources[at + 1..].iter().all(|later| later.id != object.id))
            .map(|(_, object)| object)
            .collect();
        if chosen_subjects.is_empty() || chosen_resources.is_empty() {
            questions.push(Err(RequestProblem::new("the reference names no subject or no resource of the request")));
            continue;
        }
        let chosen = chosen_subjects.into_iter().chain(actions.iter().filter(named)).chain(chosen_resources);
        let question = chosen.map(|object| object.group.clone()).collect::<Result<Vec<_>, _>>();
        let sizes =
            question.iter().flatten().flat_map(|group| &group.attributes).map(|attribute| attribute.values.len());
        values += sizes.sum::<usize>();
        if values > MOST_VALUES {
            return Err(RequestProblem::new("the references repeat too many attributes"));
        }
        questions.push(question.map(|groups| Request { groups }));
    }
    Ok(questions)
}

/// A member by its name in any letter case.
fn member<'j>(object: &'j Map<String, Json>, name: &str) -> Option<&'j Json> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A text member; null counts as absent, anything else is a problem.
fn optional_text<'j>(object: &'j Map<String, Json>, name: &str) -> Result<Option<&'j str>, RequestProblem> {
    match member(object, name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestProblem::new(format!("`{name}` is no text"))),
    }
}
