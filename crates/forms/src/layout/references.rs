//! The fields of the form data that components are bound to, and which of them are hidden.
//!
//! Contract: app-forms 5.4.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::component::{Binding, ComponentKind};
use super::contexts::{ComponentContexts, ContextId, ContextKind};
use crate::FieldPath;
use crate::expression::{DataSource, ElementIndex, ExpressionError, element_for};

/// A concrete field of a data element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldReference {
    pub element: ElementIndex,
    pub path: FieldPath,
}

/// Fields that only hidden components are bound to, in the order they can be removed: rows from the end, what is inside
/// a row before the row. For validators, which see data without them.
pub fn hidden_fields(contexts: &ComponentContexts<'_>) -> Result<Vec<FieldReference>, ExpressionError> {
    fields_hidden_by(contexts, ComponentContexts::is_hidden)
}

/// As [`hidden_fields`], but without what `removeWhenHidden: false` keeps. For the end of a task.
pub fn hidden_fields_to_remove(contexts: &ComponentContexts<'_>) -> Result<Vec<FieldReference>, ExpressionError> {
    fields_hidden_by(contexts, ComponentContexts::is_hidden_for_removal)
}

fn fields_hidden_by<'a>(
    contexts: &ComponentContexts<'a>,
    is_hidden: fn(&ComponentContexts<'a>, ContextId) -> Result<bool, ExpressionError>,
) -> Result<Vec<FieldReference>, ExpressionError> {
    let (mut hidden, mut visible) = (HashSet::new(), HashSet::new());
    for id in contexts.all() {
        let bindings = bindings_for_hiding(contexts, id);
        if bindings.is_empty() {
            continue;
        }
        let side = if is_hidden(contexts, id)? { &mut hidden } else { &mut visible };
        for binding in bindings {
            side.extend(field_reference(contexts, id, binding)?);
        }
    }
    let mut fields: Vec<FieldReference> = hidden.difference(&visible).cloned().collect();
    fields.sort_by(|a, b| a.element.cmp(&b.element).then_with(|| removal_order(&a.path, &b.path)));
    Ok(fields)
}

/// The bindings whose fields a context shows or hides.
fn bindings_for_hiding<'a>(contexts: &ComponentContexts<'a>, id: ContextId) -> Vec<&'a Binding> {
    match contexts.kind(id) {
        ContextKind::Page(_) => Vec::new(),
        ContextKind::Component(component) => match (&component.kind, component.binding("group")) {
            (ComponentKind::Likert, _) => Vec::new(),
            (ComponentKind::Options, Some(list)) => vec![list],
            _ => component.bindings.iter().collect(),
        },
        ContextKind::Row(component) => match component.kind {
            ComponentKind::Options => component.bindings.iter().collect(),
            _ => component.binding("group").into_iter().collect(),
        },
    }
}

/// The concrete field a binding means in a context; `None` when the model has no such field.
pub(super) fn field_reference(
    contexts: &ComponentContexts<'_>,
    id: ContextId,
    binding: &Binding,
) -> Result<Option<FieldReference>, ExpressionError> {
    let facts = contexts.facts();
    let element = element_for(binding.data_type.as_deref(), Some(contexts.element(id)), facts)?;
    let element = element.ok_or_else(|| {
        let data_type = binding.data_type.as_deref().unwrap_or_default();
        ExpressionError::new(format!("No data element of type {data_type} found on the instance"))
    })?;
    let content = facts.element(element).and_then(|element| element.content);
    let (Some(content), Ok(path)) = (content, binding.field.parse::<FieldPath>()) else { return Ok(None) };
    let concrete = DataSource::resolve(content, &path, contexts.row_indices(id))?;
    Ok(concrete.map(|path| FieldReference { element, path }))
}

/// Higher rows first, and what is inside something before the thing itself.
fn removal_order(a: &FieldPath, b: &FieldPath) -> Ordering {
    let steps = a.parts().iter().zip(b.parts());
    let differing = steps.map(|(a, b)| a.name.cmp(&b.name).then(b.index.cmp(&a.index))).find(|order| order.is_ne());
    differing.unwrap_or_else(|| b.parts().len().cmp(&a.parts().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_removed_from_the_end_and_inside_out() {
        let mut paths: Vec<FieldPath> = ["a", "a[1]", "a[1].b", "a[10]", "a[10].b[2]", "a[10].b[3].c", "a[1].b[0]"]
            .iter()
            .map(|path| path.parse().expect("a path"))
            .collect();
        paths.sort_by(removal_order);
        let shown: Vec<String> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a[10].b[3].c", "a[10].b[2]", "a[10]", "a[1].b[0]", "a[1].b", "a[1]", "a"]);
    }
}
