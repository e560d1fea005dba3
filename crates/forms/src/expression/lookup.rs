//! Functions that look something up: form data, components, the instance, settings, texts.
//!
//! Contract: app-forms 3.2, 4.3, 4.6.

use serde_json::Value;

use super::ExpressionError;
use super::conversion::shown;
use super::data::{ElementIndex, Facts, InstanceFacts};
use super::evaluate::{Arguments, EvaluationContext, required_number};
use super::syntax::Expression;
use crate::{FieldPath, text};

/// The data element a binding means (contract 3.2).
///
/// `Ok(None)` when the data type has no element on the instance. Errors name the data type that layouts cannot bind to.
pub fn element_for(
    data_type: Option<&str>,
    current: Option<ElementIndex>,
    facts: &Facts<'_>,
) -> Result<Option<ElementIndex>, ExpressionError> {
    let Some(data_type) = data_type else {
        return current.map(Some).ok_or_else(|| {
            ExpressionError::new(
                "DataModelBindings must either have DataType, or be in a context with a defaultDataElementIdentifier",
            )
        });
    };
    let current_type = current.and_then(|index| facts.element(index)).map(|element| element.data_type);
    if current_type == Some(data_type) {
        return Ok(current);
    }
    let Some(known) = facts.data_types.iter().find(|known| known.id == data_type) else {
        let found: Vec<&str> = facts.data_types.iter().map(|known| known.id).collect();
        return Err(ExpressionError::new(format!(
            "Data type {data_type} not found in applicationmetadata.json (found: {})",
            found.join(", ")
        )));
    };
    if !known.has_model {
        return Err(ExpressionError::new(format!("Data type {data_type} has no classRef in applicationmetadata.json")));
    }
    if known.max_count != 1 {
        return Err(ExpressionError::new(format!(
            "{data_type} has maxCount different from 1 in applicationmetadata.json and must be part of a subform when \
             used in layouts"
        )));
    }
    Ok(facts.first_element_of(data_type))
}

/// The value of a field seen from a place: row indices filled in, null when there is no such field or element.
pub(crate) fn field_value(
    field: &str,
    data_type: Option<&str>,
    context: &EvaluationContext<'_>,
) -> Result<Value, ExpressionError> {
    let element = element_for(data_type, context.element, context.facts)?;
    let content = element.and_then(|index| context.facts.element(index)).and_then(|element| element.content);
    let (Some(content), Ok(path)) = (content, field.parse::<FieldPath>()) else { return Ok(Value::Null) };
    let concrete = content.resolve(&path, context.row_indices)?;
    Ok(concrete.map_or(Value::Null, |path| content.value(&path)))
}

pub(super) fn data_model(arguments: &Arguments<'_>, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    let wrong = || ExpressionError::new(format!("expected 1-2 argument(s), got {}", arguments.len()));
    let data_type = match arguments.written {
        [_] => None,
        [_, Expression::Literal(Value::Null)] => None,
        [_, Expression::Literal(Value::String(data_type))] => Some(data_type.as_str()),
        [_, _] => {
            return Err(ExpressionError::new("The data type must be a string (expressions cannot be used here)"));
        }
        _ => return Err(wrong()),
    };
    match (arguments.values.as_slice(), arguments.len()) {
        ([Value::String(field), ..], _) => field_value(field, data_type, context),
        ([Value::Null], 1) => Err(ExpressionError::new("Cannot lookup dataModel null")),
        _ => Err(wrong()),
    }
}

pub(super) fn component(arguments: &Arguments<'_>, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    let [id] = arguments.exactly()?;
    let Value::String(id) = id else {
        return Err(ExpressionError::new(format!("Cannot lookup component {}", shown(id))));
    };
    let components = context.components.ok_or_else(|| ExpressionError::new("Component model not loaded"))?;
    let target = components.closest(id, context.element, context.row_indices)?;
    const NO_VALUE: &str = "component lookup requires the target component to have a simpleBinding";
    if components.has_children(target) {
        return Err(ExpressionError::new(format!("{NO_VALUE}, but {id} is a group of components")));
    }
    let binding = components.binding(target, "simpleBinding").ok_or_else(|| ExpressionError::new(NO_VALUE))?;
    if components.is_hidden(target)? {
        return Ok(Value::Null);
    }
    field_value(&binding.field, binding.data_type.as_deref(), context)
}

pub(super) fn instance_context(
    arguments: &Arguments<'_>,
    instance: &InstanceFacts<'_>,
) -> Result<Value, ExpressionError> {
    let [key] = arguments.exactly()?;
    let value = key.as_str().and_then(|key| instance_property(key, instance));
    value.ok_or_else(|| {
        let key = key.as_str().map_or_else(|| shown(key), ToOwned::to_owned);
        ExpressionError::new(format!("Unknown Instance context property {key}"))
    })
}

/// The value of an `instanceContext` key; `None` for an unknown key.
pub(crate) fn instance_property(key: &str, instance: &InstanceFacts<'_>) -> Option<Value> {
    let text = match key {
        "instanceId" => instance.id,
        "appId" => instance.app_id,
        "instanceOwnerPartyId" => instance.owner_party_id,
        "instanceOwnerPartyType" => Some(instance.owner_kind.as_str()),
        "instanceOwnerName" => instance.owner_name,
        _ => return None,
    };
    Some(text.map_or(Value::Null, Value::from))
}

pub(super) fn frontend_settings(arguments: &Arguments<'_>, facts: &Facts<'_>) -> Result<Value, ExpressionError> {
    let [key] = arguments.exactly()?;
    match key {
        Value::Null => Err(ExpressionError::new("Value cannot be null. (Parameter 'key')")),
        Value::String(key) => {
            Ok(facts.frontend_settings.get(key).map_or(Value::Null, |value| Value::from(value.as_str())))
        }
        other => Err(ExpressionError::new(format!("Expected argument to be string, got {}", shown(other)))),
    }
}

pub(super) fn text(arguments: &Arguments<'_>, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    match arguments.values.as_slice() {
        [Value::Null] => Ok(Value::Null),
        [Value::String(key)] => Ok(Value::String(text::translate(key, context, None).unwrap_or_else(|| key.clone()))),
        _ => Err(ExpressionError::new("The text function expects a single string argument")),
    }
}

pub(super) fn count_data_elements(arguments: &Arguments<'_>, facts: &Facts<'_>) -> Result<Value, ExpressionError> {
    let [data_type] = arguments.exactly()?;
    let Value::String(data_type) = data_type else {
        return Err(ExpressionError::new("Expected dataType argument to be a string"));
    };
    Ok(Value::from(facts.elements.iter().filter(|element| element.data_type == data_type).count()))
}

pub(super) fn argv(arguments: &Arguments<'_>, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    let [index] = arguments.exactly()?;
    let index = required_number(index)?.trunc();
    if context.arguments.is_some() && !(0.0..1e9).contains(&index) {
        return Err(ExpressionError::new(format!("Index {index} out of range")));
    }
    argument(index as usize, context)
}

/// The positional argument at `index`.
pub(super) fn argument(index: usize, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    let arguments = context.arguments.ok_or_else(|| ExpressionError::new("No positional arguments available"))?;
    arguments.get(index).cloned().ok_or_else(|| ExpressionError::new(format!("Index {index} out of range")))
}

pub(super) fn auth_context(arguments: &Arguments<'_>, facts: &Facts<'_>) -> Result<Value, ExpressionError> {
    let [action] = arguments.exactly()?;
    let Value::String(action) = action else {
        return Err(ExpressionError::new(format!("Unknown auth context property {}", shown(action))));
    };
    let permissions =
        facts.permissions.ok_or_else(|| ExpressionError::new("No permissions are known for authContext"))?;
    match action.as_str() {
        "read" => Ok(Value::Bool(permissions.read)),
        "write" => Ok(Value::Bool(permissions.write)),
        action => match permissions.actions.get(action) {
            Some(allowed) => Ok(Value::Bool(*allowed)),
            None if ["instantiate", "confirm", "sign", "reject"].contains(&action) => Ok(Value::Bool(false)),
            None => Err(ExpressionError::new(format!("Unknown auth context property {action}"))),
        },
    }
}
