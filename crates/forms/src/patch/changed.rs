//! Which fields rules changed, as the answer to PUT lists them (app-forms §2.3).

use crate::data::FormData;
use crate::value::{FormObject, FormValue};

/// The changes from `before` to `after` as a flat map of leaf paths to scalars, in document order. Lists compare by
/// index; whatever is gone is given as null.
pub fn changed_fields(before: &FormData, after: &FormData) -> FormObject {
    let mut changes = Vec::new();
    compare_objects("", before.root(), after.root(), &mut changes);
    FormObject::from_members(changes)
}

type Changes = Vec<(String, FormValue)>;

fn member_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn compare_objects(path: &str, before: &FormObject, after: &FormObject, changes: &mut Changes) {
    for (name, old) in before.iter() {
        compare(&member_path(path, name), old, after.get(name).unwrap_or(&FormValue::Null), changes);
    }
    for (name, new) in after.iter().filter(|(name, _)| before.get(name).is_none()) {
        compare(&member_path(path, name), &FormValue::Null, new, changes);
    }
}

fn compare(path: &str, old: &FormValue, new: &FormValue, changes: &mut Changes) {
    match (old, new) {
        (FormValue::Object(old), FormValue::Object(new)) => compare_objects(path, old, new, changes),
        (FormValue::List(old), FormValue::List(new)) => compare_lists(path, old, new, changes),
        (FormValue::Object(_) | FormValue::List(_), FormValue::Null) => gone(path, old, changes),
        (FormValue::List(rows), FormValue::Object(_)) => {
            changes.extend((0..rows.len()).map(|index| (format!("{path}[{index}]"), FormValue::Null)));
            added(path, new, changes);
        }
        (_, FormValue::Object(_)) => {
            changes.push((path.to_owned(), FormValue::Null));
            added(path, new, changes);
        }
        (FormValue::Object(_), FormValue::List(_)) => {
            gone(path, old, changes);
            added(path, new, changes);
        }
        (_, FormValue::List(_)) => added(path, new, changes),
        (old, new) if old == new => {}
        (_, scalar) => changes.push((path.to_owned(), scalar.clone())),
    }
}

fn compare_lists(path: &str, old: &[FormValue], new: &[FormValue], changes: &mut Changes) {
    for index in 0..old.len().max(new.len()) {
        let row = format!("{path}[{index}]");
        match (old.get(index), new.get(index)) {
            (Some(old), Some(new)) => compare(&row, old, new, changes),
            (Some(old), None) => gone(&row, old, changes),
            (None, Some(new)) => added(&row, new, changes),
            (None, None) => {}
        }
    }
}

/// Every leaf that is not null, as null.
fn gone(path: &str, old: &FormValue, changes: &mut Changes) {
    each_leaf(path, old, &mut |leaf, _| changes.push((leaf, FormValue::Null)));
}

/// Every leaf that is not null.
fn added(path: &str, new: &FormValue, changes: &mut Changes) {
    each_leaf(path, new, &mut |leaf, value| changes.push((leaf, value.clone())));
}

fn each_leaf(path: &str, value: &FormValue, take: &mut dyn FnMut(String, &FormValue)) {
    match value {
        FormValue::Null => {}
        FormValue::Object(object) => {
            object.iter().for_each(|(name, value)| each_leaf(&member_path(path, name), value, take));
        }
        FormValue::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| each_leaf(&format!("{path}[{index}]"), item, take));
        }
        scalar => take(path.to_owned(), scalar),
    }
}
