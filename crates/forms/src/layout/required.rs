//! Required fields that are empty.
//!
//! Contract: app-forms 6.4.

use serde_json::Value;

use super::contexts::{ComponentContexts, ContextId, ContextKind};
use super::references::{FieldReference, field_reference};
use crate::expression::{ExpressionError, field_value};
use crate::text::{TextParameters, translate};

/// The text key and code of a missing value.
pub const REQUIRED_TEXT_KEY: &str = "backend.validation_errors.required";

/// A binding of a visible, required component without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingValue {
    pub field: FieldReference,
    /// The text for people, in the language of the facts.
    pub description: String,
    /// `customTextParameters` of the issue.
    pub parameters: TextParameters,
}

/// Every missing value of a form, in the order of the contract: children before their component.
pub fn missing_values(contexts: &ComponentContexts<'_>) -> Result<Vec<MissingValue>, ExpressionError> {
    let mut found = Vec::new();
    for page in contexts.pages() {
        collect(contexts, *page, &mut found)?;
    }
    Ok(found)
}

fn collect(
    contexts: &ComponentContexts<'_>,
    id: ContextId,
    found: &mut Vec<MissingValue>,
) -> Result<(), ExpressionError> {
    if contexts.is_hidden(id)? {
        return Ok(());
    }
    for child in contexts.children(id) {
        collect(contexts, *child, found)?;
    }
    let ContextKind::Component(component) = contexts.kind(id) else { return Ok(()) };
    if !contexts.boolean_property(id, &component.required, "required", false)? {
        return Ok(());
    }
    let place = contexts.evaluation(id);
    for binding in &component.bindings {
        let value = field_value(&binding.field, binding.data_type.as_deref(), &place)?;
        if !is_empty(&value) {
            continue;
        }
        let Some(field) = field_reference(contexts, id, binding)? else { continue };
        let text = |key: &str| translate(key, &place, None).unwrap_or_else(|| key.to_owned());
        let page = &contexts.page(id).id;
        let mut parameters = TextParameters::from([
            ("field".to_owned(), field.path.to_string()),
            ("layoutId".to_owned(), contexts.layout_set(id).id.clone()),
            ("pageId".to_owned(), page.clone()),
            ("componentId".to_owned(), component.id.clone()),
            ("bindingName".to_owned(), binding.name.clone()),
            ("pageName".to_owned(), text(page)),
        ]);
        if let Some(title) = &component.title {
            parameters.insert("componentTitle".to_owned(), text(title));
        }
        let description = translate(REQUIRED_TEXT_KEY, &place, Some(&parameters)).unwrap_or_default();
        found.push(MissingValue { field, description, parameters });
    }
    Ok(())
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
