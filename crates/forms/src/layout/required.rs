//! Required fields that are empty.
//!
//! Contract: app-forms 6.4.

use serde_json::Value;

use super::component::Component;
use super::contexts::{ComponentContexts, ContextId, ContextKind};
use super::references::{FieldReference, field_reference};
use crate::expression::{ExpressionError, field_value};
use crate::text::{TextParameters, translate};
use crate::validation::{Issue, source};

/// The text key of a missing value.
const REQUIRED_TEXT_KEY: &str = "backend.validation_errors.required";

/// An issue for every binding of a visible, required component without a value; children before their component.
pub fn required_issues(contexts: &ComponentContexts<'_>) -> Result<Vec<Issue>, ExpressionError> {
    let mut issues = Vec::new();
    for page in contexts.pages() {
        collect(contexts, *page, &mut issues)?;
    }
    Ok(issues)
}

fn collect(contexts: &ComponentContexts<'_>, id: ContextId, issues: &mut Vec<Issue>) -> Result<(), ExpressionError> {
    if contexts.is_hidden(id)? {
        return Ok(());
    }
    for child in contexts.children(id) {
        collect(contexts, *child, issues)?;
    }
    let ContextKind::Component(component) = contexts.kind(id) else { return Ok(()) };
    if !contexts.boolean_property(id, &component.required, "required", false)? {
        return Ok(());
    }
    let place = contexts.evaluation(id);
    for binding in &component.bindings {
        let value = field_value(&binding.field, binding.data_type.as_deref(), &place)?;
        if is_empty(&value)
            && let Some(field) = field_reference(contexts, id, binding)?
        {
            issues.push(issue(contexts, id, component, &binding.name, &field));
        }
    }
    Ok(())
}

fn issue(
    contexts: &ComponentContexts<'_>,
    id: ContextId,
    component: &Component,
    binding_name: &str,
    field: &FieldReference,
) -> Issue {
    let place = contexts.evaluation(id);
    let text = |key: &str| translate(key, &place, None).unwrap_or_else(|| key.to_owned());
    let page = &contexts.page(id).id;
    let mut parameters = TextParameters::from([
        ("field".to_owned(), field.path.to_string()),
        ("layoutId".to_owned(), contexts.layout_set(id).id.clone()),
        ("pageId".to_owned(), page.clone()),
        ("componentId".to_owned(), component.id.clone()),
        ("bindingName".to_owned(), binding_name.to_owned()),
        ("pageName".to_owned(), text(page)),
    ]);
    if let Some(title) = &component.title {
        parameters.insert("componentTitle".to_owned(), text(title));
    }
    Issue {
        data_element_id: contexts.facts().element(field.element).map(|element| element.id.to_owned()),
        field: Some(field.path.to_string()),
        code: Some("required".to_owned()),
        description: translate(REQUIRED_TEXT_KEY, &place, Some(&parameters)),
        custom_text_key: Some(REQUIRED_TEXT_KEY.to_owned()),
        custom_text_parameters: Some(parameters),
        ..Issue::error(source::REQUIRED)
    }
}

/// Null, blank text and an empty list are no value; 0 and false are.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}
