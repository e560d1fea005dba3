//! Bare JSON as form content: the values themselves say which fields exist and which are lists.
//!
//! Contract: app-forms 3.1. Test cases are written this way.

use serde_json::Value;

use super::ExpressionError;
use super::data::DataSource;
use crate::FieldPath;
use crate::path::PathPart;

impl DataSource for Value {
    fn resolve(&self, path: &FieldPath, row_indices: &[usize]) -> Result<Option<FieldPath>, ExpressionError> {
        let mut unused = row_indices.iter().copied();
        let mut nodes = vec![self];
        let mut parts: Vec<PathPart> = Vec::with_capacity(path.parts().len());
        for (position, part) in path.parts().iter().enumerate() {
            nodes = members(&nodes, &part.name);
            let is_last = position + 1 == path.parts().len();
            let index = match (shape(&nodes), part.index) {
                (Shape::Unknown, _) => return Ok(None),
                (Shape::List, Some(index)) => {
                    // A literal index ends the context: deeper lists are on their own.
                    unused = [].iter().copied();
                    Some(index)
                }
                (Shape::List, None) => match unused.next() {
                    None if !is_last => return Ok(None),
                    row => row,
                },
                (Shape::Single, Some(_)) => {
                    return Err(ExpressionError::new(format!("Index on non indexable property {}", part.name)));
                }
                (Shape::Single, None) => None,
            };
            parts.push(PathPart { name: part.name.clone(), index });
        }
        Ok(Some(FieldPath::from(parts)))
    }

    fn resolve_all(&self, key: &str) -> Vec<FieldPath> {
        let (key, every_row) = match key.strip_suffix("[]") {
            Some(list) => (list, true),
            None => (key, false),
        };
        let Ok(path) = key.parse::<FieldPath>() else { return Vec::new() };
        let mut found = vec![FieldPath::root()];
        let mut nodes = vec![self];
        for (position, part) in path.parts().iter().enumerate() {
            nodes = members(&nodes, &part.name);
            let expands = position + 1 < path.parts().len() || every_row;
            let fields = found.iter().map(|parent| parent.member(&part.name));
            found = match (shape(&nodes), part.index) {
                (Shape::Unknown, _) => return Vec::new(),
                (Shape::Single, _) => fields.collect(),
                (Shape::List, Some(index)) => {
                    fields.map(|field| field.row(index)).filter(|row| !is_null(self, row)).collect()
                }
                (Shape::List, None) if expands => fields
                    .flat_map(|field| (0..self.row_count(&field)).map(move |row| field.row(row)))
                    .filter(|row| !is_null(self, row))
                    .collect(),
                (Shape::List, None) => fields.collect(),
            };
        }
        found
    }

    fn value(&self, path: &FieldPath) -> Value {
        reach(self, path).cloned().unwrap_or(Value::Null)
    }

    fn row_count(&self, list: &FieldPath) -> usize {
        reach(self, list).and_then(Value::as_array).map_or(0, Vec::len)
    }
}

enum Shape {
    Unknown,
    List,
    Single,
}

/// What the values of one field say about it: a field of no row is unknown.
fn shape(nodes: &[&Value]) -> Shape {
    if nodes.is_empty() {
        Shape::Unknown
    } else if nodes.iter().any(|node| node.is_array()) {
        Shape::List
    } else {
        Shape::Single
    }
}

/// The values of a member, in whatever rows they are.
fn members<'a>(nodes: &[&'a Value], name: &str) -> Vec<&'a Value> {
    let rows = nodes.iter().flat_map(|node| match node {
        Value::Array(rows) => rows.as_slice(),
        other => std::slice::from_ref(*other),
    });
    rows.filter_map(|row| row.get(name)).collect()
}

fn reach<'a>(root: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.parts().iter().try_fold(root, |node, part| {
        let member = node.get(&part.name)?;
        match part.index {
            Some(index) => member.as_array()?.get(index),
            None => Some(member),
        }
    })
}

fn is_null(root: &Value, path: &FieldPath) -> bool {
    reach(root, path).is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn concrete(path: &str, rows: &[usize]) -> Option<String> {
        let data = json!({"a": [{"b": [{"c": 1}], "d": 2}], "e": {"f": 1}, "tags": ["x", null]});
        let path: FieldPath = path.parse().expect("a path");
        data.resolve(&path, rows).expect("no index on a single field").map(|path| path.to_string())
    }

    #[test]
    fn row_indices_are_used_up_from_the_left_and_dropped_after_a_literal_index() {
        assert_eq!(concrete("a.b.c", &[2, 1]).as_deref(), Some("a[2].b[1].c"));
        assert_eq!(concrete("a[0].b.c", &[2, 1]), None);
        assert_eq!(concrete("a[0].b[3].c", &[2, 1]).as_deref(), Some("a[0].b[3].c"));
        assert_eq!(concrete("a.b", &[2]).as_deref(), Some("a[2].b"));
        assert_eq!(concrete("tags", &[]).as_deref(), Some("tags"));
        assert_eq!(concrete("a.unknown", &[0]), None);
    }

    #[test]
    fn index_on_a_single_field_is_an_error() {
        let path: FieldPath = "e[0].f".parse().expect("a path");
        assert!(json!({"e": {"f": 1}}).resolve(&path, &[]).is_err());
    }

    #[test]
    fn keys_expand_over_the_rows_that_exist() {
        let data = json!({"a": [{"b": 1}, null, {"b": null}], "tags": ["x", null]});
        let resolved = |key| data.resolve_all(key).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(resolved("a.b"), ["a[0].b", "a[2].b"]);
        assert_eq!(resolved("a"), ["a"]);
        assert_eq!(resolved("tags[]"), ["tags[0]"]);
        assert_eq!(resolved("a[7].b"), [""; 0]);
        assert_eq!(resolved("a.unknown"), [""; 0]);
    }
}
