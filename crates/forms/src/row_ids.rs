//! Row ids: the GUID that each row of a list carries (app-forms §1.5).

use std::collections::HashSet;

use uuid::Uuid;

use crate::data::FormData;
use crate::model::{Model, ObjectType};
use crate::value::{FormObject, FormValue, ROW_ID};

impl FormData {
    /// Gives every row without an id one from `new_id`, also rows whose id another row of the same list has. Returns
    /// true when any was given.
    ///
    /// A type that is a row somewhere carries ids where it is a single object too.
    pub fn assign_row_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) -> bool {
        let model = std::sync::Arc::clone(self.model());
        let mut assigning = Assigning { model: &model, new_id, changed: false };
        assigning.members(Some(model.root()), self.root_mut());
        assigning.changed
    }

    /// Takes all row ids out. Returns true when there were any.
    pub fn remove_row_ids(&mut self) -> bool {
        remove(self.root_mut())
    }

    /// The document as answered when the caller did not ask for row ids.
    pub fn without_row_ids(&self) -> Self {
        let mut copy = self.clone();
        copy.remove_row_ids();
        copy
    }
}

struct Assigning<'a> {
    model: &'a Model,
    new_id: &'a mut dyn FnMut() -> Uuid,
    changed: bool,
}

impl Assigning<'_> {
    fn give(&mut self, object: &mut FormObject) {
        object.set_row_id((self.new_id)().hyphenated().to_string());
        self.changed = true;
    }

    fn members(&mut self, object_type: Option<&ObjectType>, object: &mut FormObject) {
        for (name, value) in object.iter_mut() {
            let field = object_type.and_then(|object_type| object_type.field(name));
            let child = field.and_then(|field| self.model.object_type_of(field));
            match value {
                FormValue::Object(single) => {
                    if child.is_some_and(|child| child.has_row_id) && single.row_id().is_none() {
                        self.give(single);
                    }
                    self.members(child, single);
                }
                FormValue::List(rows) => self.rows(child, rows),
                FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => {}
            }
        }
    }

    fn rows(&mut self, row_type: Option<&ObjectType>, rows: &mut [FormValue]) {
        let mut seen = HashSet::new();
        for row in rows.iter_mut().filter_map(FormValue::as_object_mut) {
            let is_new = row.row_id().is_some_and(|id| seen.insert(id.to_owned()));
            // Rows without model are rows too.
            if !is_new && row_type.is_none_or(|row_type| row_type.has_row_id) {
                self.give(row);
            }
            self.members(row_type, row);
        }
    }
}

fn remove(object: &mut FormObject) -> bool {
    let mut removed = object.remove(ROW_ID).is_some();
    for (_, value) in object.iter_mut() {
        match value {
            FormValue::Object(child) => removed |= remove(child),
            FormValue::List(rows) => {
                for row in rows.iter_mut().filter_map(FormValue::as_object_mut) {
                    removed |= remove(row);
                }
            }
            FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => {}
        }
    }
    removed
}
