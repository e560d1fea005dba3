//! Cases that list the component contexts of a form.

use serde_json::{Map, Value, json};

use super::CaseOutcome;
use super::setting::{LAYOUT_SET, Setting};
use crate::layout::{ComponentContexts, ContextId, ContextKind};

pub(super) fn run(file: &Map<String, Value>, expected: &Value) -> CaseOutcome {
    let name = file.get("name").and_then(Value::as_str).unwrap_or("unnamed");
    CaseOutcome::new(name, check(file, expected))
}

fn check(file: &Map<String, Value>, expected: &Value) -> Result<(), String> {
    let setting = Setting::read(file)?;
    let facts = setting.facts();
    let contexts = ComponentContexts::build(&setting.layouts, LAYOUT_SET, &facts).map_err(|error| error.to_string())?;
    let found = list(&contexts, contexts.pages());
    let expected = normalized(expected);
    if found == expected { Ok(()) } else { Err(format!("found {found}, not {expected}")) }
}

/// Contexts as a test file writes them; the rows of a group give their children to the group.
fn list(contexts: &ComponentContexts<'_>, ids: &[ContextId]) -> Value {
    Value::Array(ids.iter().flat_map(|id| entries(contexts, *id)).collect())
}

fn entries(contexts: &ComponentContexts<'_>, id: ContextId) -> Vec<Value> {
    let children = list(contexts, contexts.children(id));
    if let ContextKind::Row(_) = contexts.kind(id) {
        return match children {
            Value::Array(children) => children,
            _ => Vec::new(),
        };
    }
    vec![json!({
        "component": contexts.name(id),
        "currentLayout": contexts.page(id).id,
        "rowIndices": contexts.row_indices(id),
        "children": children,
    })]
}

/// The expected list with every optional member written out.
fn normalized(expected: &Value) -> Value {
    let empty = json!([]);
    let entries = expected.as_array().map_or(&[][..], Vec::as_slice);
    let entry = |entry: &Value| {
        let member = |name: &str| entry.get(name).filter(|value| !value.is_null()).unwrap_or(&empty).clone();
        json!({
            "component": member("component"),
            "currentLayout": member("currentLayout"),
            "rowIndices": member("rowIndices"),
            "children": normalized(&member("children")),
        })
    };
    Value::Array(entries.iter().map(entry).collect())
}
