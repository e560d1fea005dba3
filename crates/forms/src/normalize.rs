//! What a document becomes before it is stored (app-forms §1.3): the stored and the answered document are the same.

use crate::data::FormData;
use crate::model::{Field, Model, ObjectType, Place, WhenNull};
use crate::value::{FormObject, FormValue, ROW_ID};

/// The character as XML can carry it: U+FFFD for those that it cannot, or that the original replaces too.
pub(crate) fn xml_char(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        c if c < ' ' => char::REPLACEMENT_CHARACTER,
        '\u{7F}'..='\u{9F}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

impl FormData {
    /// Brings the document to the form that storage keeps: null rows go, blank text content becomes null, elements that
    /// are left out without text become null, and characters that XML cannot carry become U+FFFD.
    ///
    /// Call it before saving, and answer the result.
    pub fn normalize(&mut self) {
        let model = std::sync::Arc::clone(self.model());
        normalize_object(&model, model.root(), self.root_mut());
    }
}

fn normalize_object(model: &Model, object_type: &ObjectType, object: &mut FormObject) {
    for (name, value) in object.iter_mut() {
        match object_type.field(name) {
            Some(field) => normalize_field(model, field, value),
            None if name == ROW_ID => {}
            None => normalize_open(value),
        }
    }
}

fn normalize_field(model: &Model, field: &Field, value: &mut FormValue) {
    if let FormValue::List(items) = value {
        items.retain(|item| !item.is_null());
        for item in items {
            normalize_single(model, field, item);
        }
    } else if field.is_list() {
        *value = FormValue::List(Vec::new());
    } else {
        normalize_single(model, field, value);
    }
}

fn normalize_single(model: &Model, field: &Field, value: &mut FormValue) {
    match value {
        FormValue::Text(text) if field.place == Place::TextContent && text.trim().is_empty() => {
            *value = FormValue::Null;
        }
        FormValue::Text(text) => clean(text),
        FormValue::Object(object) => {
            let Some(object_type) = model.object_type_of(field) else { return normalize_open(value) };
            normalize_object(model, object_type, object);
            let has_no_text = |text: &Field| object.get(&text.name).is_none_or(FormValue::is_null);
            if field.when_null == WhenNull::OmittedWithoutText && object_type.text_content().is_some_and(has_no_text) {
                *value = FormValue::Null;
            }
        }
        FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::List(_) => {}
    }
}

fn normalize_open(value: &mut FormValue) {
    match value {
        FormValue::Text(text) => clean(text),
        FormValue::Object(object) => object.iter_mut().for_each(|(_, value)| normalize_open(value)),
        FormValue::List(items) => items.iter_mut().for_each(normalize_open),
        FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) => {}
    }
}

fn clean(text: &mut String) {
    if text.chars().any(|c| xml_char(c) != c) {
        *text = text.chars().map(xml_char).collect();
    }
}
