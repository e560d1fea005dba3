//! Paths written in property names, as prefill, presentation fields and copy settings do (app-forms §8.2, §10).
//!
//! Their parts compare with JSON names without `-` and without regard to casing, and never name a row.

use crate::model::{Model, same_property};
use crate::path::{FieldPath, PathPart};

/// The field that such a path names; none when there is no such field, it is fixed, or a list is on the way.
pub(crate) fn find(model: &Model, path: &str) -> Option<FieldPath> {
    if model.is_open() {
        return path.parse().ok();
    }
    let mut object_type = Some(model.root());
    let mut parts = Vec::new();
    let names: Vec<&str> = path.split('.').collect();
    for (position, name) in names.iter().enumerate() {
        let field = object_type?.fields.iter().find(|field| same_property(&field.name, name))?;
        let is_last = position + 1 == names.len();
        if field.fixed.is_some() || (field.is_list() && !is_last) {
            return None;
        }
        parts.push(PathPart { name: field.name.clone(), index: None });
        object_type = model.object_type_of(field);
    }
    Some(FieldPath::from(parts))
}
