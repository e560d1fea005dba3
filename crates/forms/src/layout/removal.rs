//! Taking hidden fields out of form data.
//!
//! Contract: app-forms 5.4, 9.4.

use crate::{FieldPath, FormData, FormObject, FormValue};

/// What becomes of a removed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowRemoval {
    /// Leave a null, so that the other rows keep their numbers. For cleaned data that validators see.
    SetToNull,
    /// Take the row out. For the end of a task.
    DeleteRow,
}

/// Remove fields, in the order that [`hidden_fields`](super::hidden_fields) gives them.
///
/// A field becomes null, or zero where the model knows no null; a list becomes null. What is not there is left alone.
pub fn remove_fields<'a>(data: &mut FormData, fields: impl IntoIterator<Item = &'a FieldPath>, rows: RowRemoval) {
    for field in fields {
        remove_field(data, field, rows);
    }
}

fn remove_field(data: &mut FormData, path: &FieldPath, rows: RowRemoval) {
    let empty = match data.field(path) {
        Some(field) if !field.is_list() => field.null_value(),
        _ => FormValue::Null,
    };
    let Some((last, way)) = path.parts().split_last() else { return };
    let mut object: &mut FormObject = data.root_mut();
    for part in way {
        let member = object.get_mut(&part.name);
        let inner = match part.index {
            Some(index) => member.and_then(FormValue::as_list_mut).and_then(|rows| rows.get_mut(index)),
            None => member,
        };
        let Some(inner) = inner.and_then(FormValue::as_object_mut) else { return };
        object = inner;
    }
    let Some(member) = object.get_mut(&last.name) else { return };
    let Some(index) = last.index else {
        *member = empty;
        return;
    };
    let Some(list) = member.as_list_mut().filter(|list| index < list.len()) else { return };
    match rows {
        RowRemoval::SetToNull => list[index] = FormValue::Null,
        RowRemoval::DeleteRow => {
            list.remove(index);
        }
    }
}
