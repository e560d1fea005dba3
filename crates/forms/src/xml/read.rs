//! The bytes of a document to values.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{XSD, XSI};
use crate::convert::integer_of;
use crate::data::new_object;
use crate::decimal::Decimal;
use crate::json::{MAX_DEPTH, parse_row_id};
use crate::model::{Field, Kind, Model, ObjectType, Occurs, Place, WhenNull};
use crate::time_text::DateTimeText;
use crate::value::{FormObject, FormValue, ROW_ID};

/// Why bytes are no document of a model. The texts are the detail of the problem that clients see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlReadError {
    #[error("No XML content read from stream")]
    Empty,
    #[error("There is an error in XML document ({line}, {column}). {reason}{}", element.as_ref().map(|name| format!(" (element `{name}`)")).unwrap_or_default())]
    At {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
        /// The element that was being read.
        element: Option<String>,
        reason: String,
    },
}

pub(super) fn read(model: &Model, bytes: &[u8]) -> Result<FormObject, XmlReadError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let read = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        error_at(&read, read.len(), None, "the document is not UTF-8".to_owned())
    })?;
    if text.trim().is_empty() {
        return Err(XmlReadError::Empty);
    }
    if let Some(at) = text.find(is_no_xml_character) {
        return Err(error_at(text, at, None, "there is a character that XML cannot carry".to_owned()));
    }
    let mut xml = NsReader::from_str(text);
    // Every element then has a start and an end, so that there is one way to read it.
    xml.config_mut().expand_empty_elements = true;
    let mut reader = Reader { model, text, xml, namespace: None, elements: Vec::new() };
    let start = reader.document_element()?;
    let root = reader.object(model.root(), &start)?;
    reader.end_of_document()?;
    Ok(root)
}

/// Control characters as themselves make a text something else than XML; what stands in their place as a reference is
/// cleaned when the form is stored.
fn is_no_xml_character(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn error_at(text: &str, at: usize, element: Option<String>, reason: String) -> XmlReadError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|b| *b == b'\n').count();
    XmlReadError::At { line, column: before.len() - line_start + 1, element, reason }
}

/// How many attributes one element may have; finding duplicates takes time that grows with their square.
const MAX_ATTRIBUTES: usize = 1_000;

const TOO_DEEP: &str = "the document nests deeper than 64 levels";

type Read<T> = Result<T, XmlReadError>;

struct Reader<'m, 't> {
    model: &'m Model,
    text: &'t str,
    xml: NsReader<&'t [u8]>,
    /// The namespace of the document element, which its fields must have too.
    namespace: Option<String>,
    /// The open elements, outermost first.
    elements: Vec<String>,
}

/// What an element says of itself in attributes of the schema namespaces.
#[derive(Default)]
struct Marks {
    is_nil: bool,
    is_list_item: bool,
    xsi_type: Option<String>,
}

impl<'t> Reader<'_, 't> {
    fn fail<T>(&self, reason: impl Into<String>) -> Read<T> {
        self.fail_at(self.position(), reason)
    }

    fn fail_at<T>(&self, at: usize, reason: impl Into<String>) -> Read<T> {
        Err(error_at(self.text, at, self.elements.last().cloned(), reason.into()))
    }

    /// Behind what was read last; bytes from the start.
    fn position(&self) -> usize {
        usize::try_from(self.xml.buffer_position()).unwrap_or(self.text.len())
    }

    fn next(&mut self) -> Read<Event<'t>> {
        match self.xml.read_event() {
            Ok(event) => Ok(event),
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// The start tag of the document element.
    fn document_element(&mut self) -> Read<BytesStart<'t>> {
        loop {
            let start = match self.next()? {
                Event::Start(start) | Event::Empty(start) => start,
                Event::DocType(_) => return self.fail("a document type declaration is not allowed"),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Text(text) if text.trim().is_empty() => continue,
                Event::Eof => return self.fail("Root element is missing."),
                Event::Text(text) => {
                    let at = self.position().saturating_sub(text.trim_start().len());
                    return self.fail_at(at, "Data at the root level is invalid.");
                }
                Event::CData(_) | Event::GeneralRef(_) | Event::End(_) => {
                    return self.fail("Data at the root level is invalid.");
                }
            };
            let (namespace, name) = self.resolved(&start)?;
            let name_fits = name == self.model.root_element || self.model.other_root_names.contains(&name);
            let namespace_fits = namespace.is_none() || namespace == self.model.namespace;
            if !name_fits || !namespace_fits {
                return self.fail(format!("<{name} xmlns='{}'> was not expected.", namespace.unwrap_or_default()));
            }
            self.namespace = namespace;
            self.elements.push(name);
            return Ok(start);
        }
    }

    fn end_of_document(&mut self) -> Read<()> {
        loop {
            match self.next()? {
                Event::Eof => return Ok(()),
                Event::PI(_) | Event::Comment(_) => {}
                Event::Text(text) if text.trim().is_empty() => {}
                _ => return self.fail("there is content after the document element"),
            }
        }
    }

    fn resolved(&self, start: &BytesStart<'t>) -> Read<(Option<String>, String)> {
        let (namespace, name) = self.xml.resolver().resolve_element(start.name());
        let name = name.as_ref().to_owned();
        match namespace {
            ResolveResult::Bound(namespace) => {
                Ok((Some(namespace.as_ref().to_owned()).filter(|namespace: &String| !namespace.is_empty()), name))
            }
            ResolveResult::Unbound => Ok((None, name)),
            ResolveResult::Unknown(prefix) => self.fail(format!("the prefix of `{prefix}:{name}` is not declared")),
        }
    }

    /// Hands each attribute to `take` with its name, none of a namespace; gathers those of the schema namespaces.
    fn attributes(&self, start: &BytesStart<'t>, mut take: impl FnMut(&str, String) -> Read<()>) -> Read<Marks> {
        let mut marks = Marks::default();
        for (position, attribute) in start.attributes().enumerate() {
            if position == MAX_ATTRIBUTES {
                return self.fail("the element has too many attributes");
            }
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(error) => return self.fail(error.to_string()),
            };
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = match quick_xml::escape::unescape(&attribute.value) {
                Ok(value) => value.into_owned(),
                Err(error) => return self.fail(error.to_string()),
            };
            let (namespace, name) = self.xml.resolver().resolve_attribute(attribute.key);
            match namespace {
                ResolveResult::Unbound => take(name.as_ref(), value)?,
                ResolveResult::Bound(namespace) if namespace.as_ref() == XSI => match name.as_ref() {
                    "nil" => marks.is_nil = matches!(value.trim(), "true" | "1"),
                    "type" => marks.xsi_type = Some(value),
                    _ => {}
                },
                ResolveResult::Bound(namespace) if namespace.as_ref() == XSD => {
                    marks.is_list_item |= name.as_ref() == "maxOccurs";
                }
                ResolveResult::Bound(_) => {}
                ResolveResult::Unknown(prefix) => return self.fail(format!("the prefix `{prefix}` is not declared")),
            }
        }
        Ok(marks)
    }

    fn enter(&mut self, name: String) -> Read<()> {
        if self.elements.len() > MAX_DEPTH {
            return self.fail(TOO_DEEP);
        }
        self.elements.push(name);
        Ok(())
    }

    /// The object whose start tag has been read; takes its end tag, and leaves the element.
    fn object(&mut self, object_type: &ObjectType, start: &BytesStart<'t>) -> Read<FormObject> {
        if object_type.is_open {
            let object = self.open_content(start)?.0;
            self.elements.pop();
            return Ok(object);
        }
        let mut object = new_object(object_type);
        let mut row_id = None;
        self.attributes(start, |name, text| {
            if object_type.has_row_id && name == ROW_ID {
                row_id = match parse_row_id(&text) {
                    Some(id) => id,
                    None => return self.fail("the row id is malformed"),
                };
            }
            let field = object_type.fields.iter().find(|f| f.place == Place::Attribute && f.xml_name == name);
            if let Some(field) = field.filter(|field| field.fixed.is_none()) {
                object.set(&field.name, self.scalar(field, &text)?);
            }
            Ok(())
        })?;
        if let Some(id) = row_id {
            object.set_row_id(id);
        }
        let mut text = String::new();
        loop {
            match self.next()? {
                Event::Start(child) => self.member(object_type, &mut object, &child)?,
                Event::End(_) => break,
                event => self.append(&mut text, event)?,
            }
        }
        if let Some(field) = object_type.text_content() {
            let value = match (text.trim().is_empty(), field.kind.is_value_type()) {
                (true, true) => zero_of(field),
                (true, false) if text.is_empty() => FormValue::Null,
                _ => self.scalar(field, &text)?,
            };
            object.set(&field.name, value);
        }
        self.elements.pop();
        Ok(object)
    }

    fn member(&mut self, object_type: &ObjectType, object: &mut FormObject, start: &BytesStart<'t>) -> Read<()> {
        let (namespace, name) = self.resolved(start)?;
        let field = object_type.fields.iter().find(|field| field.place == Place::Element && field.xml_name == name);
        let Some(field) = field.filter(|_| namespace == self.namespace) else {
            return self.skip();
        };
        self.enter(name)?;
        let value = match &field.occurs {
            Occurs::Wrapped { item_name } => FormValue::List(self.wrapped(field, item_name, start)?),
            Occurs::Once | Occurs::Repeated => self.value(field, start)?,
        };
        match (&field.occurs, object.get_mut(&field.name)) {
            (Occurs::Repeated, Some(FormValue::List(items))) => {
                items.extend(Some(value).filter(|item| !item.is_null()));
            }
            (_, Some(slot)) => *slot = value,
            (_, None) => {}
        }
        Ok(())
    }

    fn wrapped(&mut self, field: &Field, item_name: &str, start: &BytesStart<'t>) -> Read<Vec<FormValue>> {
        self.attributes(start, |_, _| Ok(()))?;
        let mut items = Vec::new();
        loop {
            let child = match self.next()? {
                Event::Start(child) => child,
                Event::End(_) => break,
                event => {
                    self.append(&mut String::new(), event)?;
                    continue;
                }
            };
            let (_, name) = self.resolved(&child)?;
            if name == item_name {
                self.enter(name)?;
                items.extend(Some(self.value(field, &child)?).filter(|item| !item.is_null()));
            } else {
                self.skip()?;
            }
        }
        self.elements.pop();
        Ok(items)
    }

    /// One value of a field whose start tag has been read and entered; leaves the element.
    fn value(&mut self, field: &Field, start: &BytesStart<'t>) -> Read<FormValue> {
        let marks = self.attributes(start, |_, _| Ok(()))?;
        if marks.is_nil && field.when_null != WhenNull::Impossible {
            self.skip()?;
            self.elements.pop();
            return Ok(FormValue::Null);
        }
        match field.kind {
            Kind::Object(id) => {
                let object_type = self.model.object_type(id);
                self.object(object_type, start).map(FormValue::Object)
            }
            Kind::Any => {
                let value = self.open_value(start)?.0;
                self.elements.pop();
                Ok(value)
            }
            Kind::Text | Kind::Decimal | Kind::Integer { .. } | Kind::Bool | Kind::DateTime => {
                let text = self.text_of_element()?;
                let value = self.scalar(field, &text)?;
                self.elements.pop();
                Ok(value)
            }
        }
    }

    fn text_of_element(&mut self) -> Read<String> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Event::Start(_) | Event::Empty(_) => return self.fail("an element stands where a value was expected"),
                Event::End(_) => break,
                event => self.append(&mut text, event)?,
            }
        }
        Ok(text)
    }

    /// Adds what an event between tags brings to the text around it.
    fn append(&self, text: &mut String, event: Event<'t>) -> Read<()> {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(c)) => text.push(c),
                Ok(None) => match quick_xml::escape::resolve_xml_entity(&reference) {
                    Some(entity) => text.push_str(entity),
                    None => return self.fail("an entity is not declared"),
                },
                Err(error) => return self.fail(error.to_string()),
            },
            Event::DocType(_) => return self.fail("a document type declaration is not allowed"),
            Event::Eof => return self.fail("the document ends too early"),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Start(_) | Event::Empty(_) | Event::End(_) => {}
        }
        Ok(())
    }

    /// Reads past an element whose start tag was read last. It may not nest deeper than a document may.
    fn skip(&mut self) -> Read<()> {
        let mut open = 1;
        while open > 0 {
            match self.next()? {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Eof => return self.fail("the document ends too early"),
                _ => {}
            }
            if open > MAX_DEPTH {
                return self.fail(TOO_DEEP);
            }
        }
        Ok(())
    }

    fn scalar(&self, field: &Field, text: &str) -> Read<FormValue> {
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        let value = match field.kind {
            Kind::Decimal => Decimal::parse_xml(text).ok().map(FormValue::Number),
            Kind::Integer { bits } => Decimal::parse_xml(text)
                .ok()
                .filter(|number| number.scale() == 0 && !trimmed.contains('.'))
                .and_then(|number| integer_of(number, bits))
                .map(FormValue::Number),
            Kind::Bool => match trimmed {
                "true" | "1" => Some(FormValue::Bool(true)),
                "false" | "0" => Some(FormValue::Bool(false)),
                _ => None,
            },
            Kind::DateTime => DateTimeText::parse(text).map(|time| FormValue::Text(time.to_string())),
            Kind::Text | Kind::Any | Kind::Object(_) => Some(FormValue::from(text)),
        };
        match value {
            Some(value) => Ok(value),
            None if matches!(field.kind, Kind::Bool) => self.fail("the text is not a valid Boolean value."),
            None => self.fail("the text is not of the type of its field"),
        }
    }

    /// The members of an object without model, and what its start tag said; takes the end tag.
    fn open_content(&mut self, start: &BytesStart<'t>) -> Read<(FormObject, String, Marks)> {
        let mut row_id = None;
        let marks = self.attributes(start, |name, text| {
            if name == ROW_ID {
                row_id = parse_row_id(&text).flatten();
            }
            Ok(())
        })?;
        let mut members: Vec<(String, FormValue)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut text = String::new();
        loop {
            let child = match self.next()? {
                Event::Start(child) => child,
                Event::End(_) => break,
                event => {
                    self.append(&mut text, event)?;
                    continue;
                }
            };
            let (_, name) = self.resolved(&child)?;
            self.enter(name.clone())?;
            let (value, is_list_item) = self.open_value(&child)?;
            self.elements.pop();
            let at = *places.entry(name.clone()).or_insert_with(|| {
                members.push((name, FormValue::List(Vec::new())));
                members.len() - 1
            });
            match (&mut members[at].1, is_list_item) {
                (FormValue::List(items), true) => items.push(value),
                (slot, _) => *slot = value,
            }
        }
        let mut object = FormObject::from_distinct(members);
        if let Some(id) = row_id {
            object.set_row_id(id);
        }
        Ok((object, text, marks))
    }

    /// A value without model, and whether it is an item of a list.
    fn open_value(&mut self, start: &BytesStart<'t>) -> Read<(FormValue, bool)> {
        let (object, text, marks) = self.open_content(start)?;
        let value = match marks.xsi_type.as_deref() {
            _ if marks.is_nil => FormValue::Null,
            Some("xsd:decimal") => self.scalar(&Field::element("", Kind::Decimal), &text)?,
            Some("xsd:boolean") => self.scalar(&Field::element("", Kind::Bool), &text)?,
            Some("xsd:anyType") => FormValue::Object(object),
            _ if object.is_empty() => FormValue::Text(text),
            _ => FormValue::Object(object),
        };
        Ok((value, marks.is_list_item))
    }
}

/// What empty text content of a present element reads as, for a number, boolean or date-time.
fn zero_of(field: &Field) -> FormValue {
    Field { when_null: WhenNull::Impossible, ..field.clone() }.null_value()
}
