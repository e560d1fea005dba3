//! Values to the bytes of the stored document.

use std::fmt::Write as _;

use super::{XSD, XSI};
use crate::model::{Field, Kind, Model, ObjectType, Occurs, Place, WhenNull};
use crate::normalize::xml_char;
use crate::value::{FormObject, FormValue, ROW_ID};

pub(super) fn root(model: &Model, object: &FormObject) -> String {
    let mut writer = Writer { model, out: String::new() };
    let name = &model.root_element;
    let _ = write!(writer.out, "<{name} xmlns:xsi=\"{XSI}\" xmlns:xsd=\"{XSD}\"");
    writer.attributes(model.root(), object);
    if let Some(namespace) = &model.namespace {
        writer.attribute("xmlns", namespace);
    }
    writer.rest(name, |writer| writer.content(model.root(), object));
    writer.out
}

struct Writer<'m> {
    model: &'m Model,
    out: String,
}

impl Writer<'_> {
    /// Closes a start tag that has been opened, with whatever `content` writes; nothing makes it an empty element.
    fn rest(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let tag_end = self.out.len();
        self.out.push('>');
        content(self);
        if self.out.len() == tag_end + 1 {
            self.out.truncate(tag_end);
            self.out.push_str(" />");
        } else {
            let _ = write!(self.out, "</{name}>");
        }
    }

    fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let _ = write!(self.out, "<{name}");
        self.rest(name, content);
    }

    fn nil(&mut self, name: &str) {
        let _ = write!(self.out, "<{name} xsi:nil=\"true\" />");
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let _ = write!(self.out, " {name}=\"");
        for c in value.chars().map(xml_char) {
            match c {
                '"' => self.out.push_str("&quot;"),
                '\t' => self.out.push_str("&#x9;"),
                '\n' => self.out.push_str("&#xA;"),
                '\r' => self.out.push_str("&#xD;"),
                c => self.escaped(c),
            }
        }
        self.out.push('"');
    }

    fn text(&mut self, text: &str) {
        for c in text.chars().map(xml_char) {
            self.escaped(c);
        }
    }

    fn escaped(&mut self, c: char) {
        match c {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            c => self.out.push(c),
        }
    }

    fn attributes(&mut self, object_type: &ObjectType, object: &FormObject) {
        if (object_type.has_row_id || object_type.is_open)
            && let Some(id) = object.row_id()
        {
            self.attribute(ROW_ID, id);
        }
        for field in object_type.fields.iter().filter(|field| field.place == Place::Attribute) {
            let value = match &field.fixed {
                Some(fixed) => scalar_text(fixed),
                None => object.get(&field.name).and_then(scalar_text),
            };
            let value = value.or_else(|| scalar_text(&field.null_value()));
            if let Some(value) = value {
                self.attribute(&field.xml_name, &value);
            }
        }
    }

    fn content(&mut self, object_type: &ObjectType, object: &FormObject) {
        if object_type.is_open {
            for (name, value) in object.iter().filter(|(name, _)| *name != ROW_ID) {
                self.open_member(name, value);
            }
            return;
        }
        for field in &object_type.fields {
            let value = object.get(&field.name).unwrap_or(&FormValue::Null);
            match field.place {
                Place::Attribute => {}
                Place::TextContent => self.text(&scalar_text(value).unwrap_or_default()),
                Place::Element => self.field(field, value),
            }
        }
    }

    fn field(&mut self, field: &Field, value: &FormValue) {
        let items = value.as_list().unwrap_or_default().iter().filter(|item| !item.is_null());
        match &field.occurs {
            Occurs::Once => self.single(field, value),
            Occurs::Repeated => items.for_each(|item| self.value(&field.xml_name, field, item)),
            Occurs::Wrapped { item_name } if value.as_list().is_some() => {
                self.element(&field.xml_name, |writer| items.for_each(|item| writer.value(item_name, field, item)));
            }
            Occurs::Wrapped { .. } => {}
        }
    }

    fn single(&mut self, field: &Field, value: &FormValue) {
        let has_no_text = || {
            let text = self.model.object_type_of(field).and_then(ObjectType::text_content);
            text.is_some_and(|text| {
                value.as_object().and_then(|object| object.get(&text.name)).is_none_or(FormValue::is_null)
            })
        };
        match (value, field.when_null) {
            (FormValue::Null, WhenNull::Omitted | WhenNull::OmittedWithoutText) => {}
            (FormValue::Null, WhenNull::Nil) => self.nil(&field.xml_name),
            (FormValue::Null, WhenNull::Impossible) => self.value(&field.xml_name, field, &field.null_value()),
            (_, WhenNull::OmittedWithoutText) if has_no_text() => {}
            (value, _) => self.value(&field.xml_name, field, value),
        }
    }

    fn value(&mut self, name: &str, field: &Field, value: &FormValue) {
        match (value, field.kind) {
            (FormValue::Object(object), Kind::Object(id)) => {
                let object_type = self.model.object_type(id);
                let _ = write!(self.out, "<{name}");
                self.attributes(object_type, object);
                self.rest(name, |writer| writer.content(object_type, object));
            }
            (value, _) => {
                let text = scalar_text(value).unwrap_or_default();
                self.element(name, |writer| writer.text(&text));
            }
        }
    }

    /// A member of a document without model: it carries its type, because nothing else does.
    fn open_member(&mut self, name: &str, value: &FormValue) {
        match value {
            FormValue::List(items) => {
                for item in items {
                    self.open_value(name, item, " xsd:maxOccurs=\"unbounded\"");
                }
            }
            value => self.open_value(name, value, ""),
        }
    }

    fn open_value(&mut self, name: &str, value: &FormValue, list_mark: &str) {
        let _ = write!(self.out, "<{name}");
        if let Some(id) = value.as_object().and_then(FormObject::row_id) {
            self.attribute(ROW_ID, id);
        }
        self.out.push_str(list_mark);
        self.out.push_str(match value {
            FormValue::Null => " xsi:nil=\"true\"",
            FormValue::Number(_) => " xsi:type=\"xsd:decimal\"",
            FormValue::Bool(_) => " xsi:type=\"xsd:boolean\"",
            FormValue::Object(_) => " xsi:type=\"xsd:anyType\"",
            FormValue::Text(_) | FormValue::List(_) => "",
        });
        self.rest(name, |writer| match value {
            FormValue::Object(object) => {
                for (name, value) in object.iter().filter(|(name, _)| *name != ROW_ID) {
                    writer.open_member(name, value);
                }
            }
            value => writer.text(&scalar_text(value).unwrap_or_default()),
        });
    }
}

fn scalar_text(value: &FormValue) -> Option<String> {
    match value {
        FormValue::Bool(value) => Some(value.to_string()),
        FormValue::Number(number) => Some(number.to_string()),
        FormValue::Text(text) => Some(text.clone()),
        FormValue::Null | FormValue::Object(_) | FormValue::List(_) => None,
    }
}
