//! What a JSON schema says of one field.

use serde_json::Value;

/// How deep references and combinations are followed.
const DEPTH: usize = 16;

/// The schema of the document itself. Before version 8 that was what the only property of the schema refers to, which
/// is told by the document: it has no such member, `has_member` says.
fn root<'s>(schema: &'s Value, has_member: &dyn Fn(&str) -> bool) -> &'s Value {
    if let Some(pointer) = schema["info"]["rootNode"].as_str().filter(|pointer| pointer.len() > 2)
        && let Some(root) = schema.pointer(pointer.trim_start_matches('#'))
    {
        return root;
    }
    let mut properties = schema["properties"].as_object().into_iter().flatten();
    match (properties.next(), properties.next()) {
        (Some((name, only)), None) if !has_member(name) => only,
        _ => schema,
    }
}

/// The node with references followed and combinations entered.
pub(crate) fn resolve<'s>(schema: &'s Value, node: &'s Value) -> &'s Value {
    let mut node = node;
    for _ in 0..DEPTH {
        let inner = node["$ref"].as_str().and_then(|reference| schema.pointer(reference.trim_start_matches('#')));
        let inner = inner.or_else(|| ["allOf", "oneOf", "anyOf"].iter().find_map(|name| node[*name].get(0)));
        match inner.filter(|_| node.get("properties").is_none()) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The node of a field such as `rader[0].post`.
pub(crate) fn field<'s>(schema: &'s Value, path: &str) -> Option<&'s Value> {
    let first = path.split(['.', '[']).next().unwrap_or(path);
    let mut node = resolve(schema, root(schema, &|name| name == first));
    for part in path.split('.') {
        let name = part.split('[').next().unwrap_or(part);
        node = resolve(schema, node["properties"].get(name)?);
        if part.contains('[') {
            node = resolve(schema, node.get("items")?);
        }
    }
    Some(node)
}

/// The smallest document with everything the schema requires; `empty` is the document without any of it.
pub(crate) fn minimal(schema: &Value, empty: &Value, first_value: &dyn Fn(&Value) -> Value) -> Value {
    let root = root(schema, &|name| empty.get(name).is_some());
    object(schema, resolve(schema, root), first_value, 0)
}

fn object(schema: &Value, node: &Value, first_value: &dyn Fn(&Value) -> Value, depth: usize) -> Value {
    let required = node["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members = required.iter().filter_map(Value::as_str).filter(|_| depth < DEPTH).filter_map(|name| {
        let member = resolve(schema, node["properties"].get(name)?);
        let value = match member["type"].as_str() {
            Some("array") => Value::Array(Vec::new()),
            _ if member.get("properties").is_some() => object(schema, member, first_value, depth + 1),
            _ => first_value(member),
        };
        Some((name.to_owned(), value))
    });
    Value::Object(members.collect())
}
