//! Texts with variables, filled in from the form, the instance, the settings or the issue they describe.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resources::TextVariable;
use crate::expression::EvaluationContext;
use crate::expression::{field_value, instance_property, printed};

/// The parameters of a validation issue, for the variable source `customTextParameters`.
pub type TextParameters = BTreeMap<String, String>;

/// How many texts may refer to each other through the variable source `text`.
const MAX_REFERENCES: usize = 8;

/// The text of a key in the language of the context; `None` when there is no such text.
pub fn translate(key: &str, context: &EvaluationContext<'_>, parameters: Option<&TextParameters>) -> Option<String> {
    translate_below(key, context, parameters, &mut Vec::new())
}

/// `open` holds the keys being translated, so that texts that refer to each other end in their keys.
fn translate_below(
    key: &str,
    context: &EvaluationContext<'_>,
    parameters: Option<&TextParameters>,
    open: &mut Vec<String>,
) -> Option<String> {
    let resource = context.facts.texts.lookup(key, context.facts.language)?;
    let Some(variables) = resource.variables else { return Some(resource.value) };
    open.push(key.to_owned());
    let values: Vec<String> = variables
        .iter()
        .map(|variable| {
            variable_value(variable, context, parameters, open)
                .or_else(|| variable.default_value.clone())
                .unwrap_or_else(|| variable.key.clone())
        })
        .collect();
    open.pop();
    Some(fill(&resource.value, &values))
}

/// Replace every `{n}` that has a value; the values themselves are not looked into.
fn fill(text: &str, values: &[String]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, placeholder) = rest.split_at(start);
        filled.push_str(before);
        let value = placeholder.find('}').and_then(|end| {
            let index: usize = placeholder[1..end].parse().ok()?;
            values.get(index).map(|value| (value, end + 1))
        });
        rest = match value {
            Some((value, length)) => {
                filled.push_str(value);
                &placeholder[length..]
            }
            None => {
                filled.push('{');
                &placeholder[1..]
            }
        };
    }
    filled.push_str(rest);
    filled
}

fn variable_value(
    variable: &TextVariable,
    context: &EvaluationContext<'_>,
    parameters: Option<&TextParameters>,
    open: &mut Vec<String>,
) -> Option<String> {
    match variable.data_source.as_str() {
        "instanceContext" => instance_property(&variable.key, &context.facts.instance).as_ref().and_then(printed),
        "applicationSettings" => context.facts.frontend_settings.get(&variable.key).cloned(),
        "customTextParameters" => parameters?.get(&variable.key).cloned(),
        "text" if open.len() >= MAX_REFERENCES || open.contains(&variable.key) => None,
        "text" => translate_below(&variable.key, context, parameters, open),
        source => {
            let data_type = source.strip_prefix("dataModel.")?;
            model_value(&variable.key, data_type, context).as_ref().and_then(printed)
        }
    }
}

/// The value in a data model; a failing lookup gives nothing, so that the default or the key is shown.
fn model_value(key: &str, data_type: &str, context: &EvaluationContext<'_>) -> Option<Value> {
    let data_type = match data_type {
        "default" => context.facts.task_data_type?,
        named => named,
    };
    let field = without_row_markers(key);
    field_value(&field, Some(data_type), context).ok().filter(|value| !value.is_null())
}

/// `a[{0}].b[{1}].c` without the markers that stand for the rows of the context.
fn without_row_markers(key: &str) -> String {
    let mut field = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(start) = rest.find("[{") {
        let (before, marker) = rest.split_at(start);
        field.push_str(before);
        rest = match marker.find("}]") {
            Some(end) if marker[2..end].bytes().all(|byte| byte.is_ascii_digit()) => &marker[end + 2..],
            _ => {
                field.push_str("[{");
                &marker[2..]
            }
        };
    }
    field.push_str(rest);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_without_a_value_stay() {
        assert_eq!(fill("{0} {1} {2} {x} {", &["a".to_owned(), "{0}".to_owned()]), "a {0} {2} {x} {");
    }

    #[test]
    fn row_markers_are_removed_from_keys() {
        assert_eq!(without_row_markers("a[{0}].b[{1}].c"), "a.b.c");
        assert_eq!(without_row_markers("a[0].b[{x}]"), "a[0].b[{x}]");
    }
}
