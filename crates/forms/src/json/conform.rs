//! Values brought to the shape of a model: declared members in order, types checked, defaults filled in.

use std::borrow::Cow;
use std::fmt::Write as _;

use uuid::Uuid;

use super::{JsonReadError, Strictness};
use crate::convert::integer_of;
use crate::data::new_object;
use crate::decimal::Decimal;
use crate::model::{Field, Kind, Model, ObjectType, WhenNull, is_xml_name};
use crate::time_text::DateTimeText;
use crate::value::{FormObject, FormValue, ROW_ID};

/// The root object that `value` is as a document of `model`.
pub(crate) fn conform(model: &Model, value: FormValue, strictness: Strictness) -> Result<FormObject, JsonReadError> {
    let mut walk = Walk { model, strictness, path: Vec::new() };
    match value {
        FormValue::Object(object) => walk.object(model.root(), object),
        FormValue::Null => Err(JsonReadError::Null),
        other => Err(walk.mismatch("an object", &other)),
    }
}

struct Walk<'m> {
    model: &'m Model,
    strictness: Strictness,
    /// Where the walk is; made into text only for errors.
    path: Vec<Step<'m>>,
}

enum Step<'m> {
    Member(Cow<'m, str>),
    Row(usize),
}

impl<'m> Walk<'m> {
    /// The JSON path of where the walk is: `$.a[0].b`.
    fn place(&self) -> String {
        let mut place = String::from("$");
        for step in &self.path {
            let _ = match step {
                Step::Member(name) => write!(place, ".{name}"),
                Step::Row(index) => write!(place, "[{index}]"),
            };
        }
        place
    }

    fn mismatch(&self, expected: &'static str, found: &FormValue) -> JsonReadError {
        JsonReadError::Mismatch { path: self.place(), expected, found: found.kind_name() }
    }

    fn below<T>(
        &mut self,
        step: Step<'m>,
        read: impl FnOnce(&mut Self) -> Result<T, JsonReadError>,
    ) -> Result<T, JsonReadError> {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    fn object(&mut self, object_type: &'m ObjectType, given: FormObject) -> Result<FormObject, JsonReadError> {
        if object_type.is_open {
            return self.open_object(given);
        }
        let mut row_id = None;
        let mut conformed = new_object(object_type);
        for (name, value) in given.into_members() {
            if object_type.has_row_id && name.eq_ignore_ascii_case(ROW_ID) {
                row_id = self.below(Step::Member(ROW_ID.into()), |walk| walk.row_id(&value))?;
            } else if let Some(at) = object_type.position_in_any_case(&name) {
                let field = &object_type.fields[at];
                let value = self.below(Step::Member(field.name.as_str().into()), |walk| walk.field(field, value))?;
                if field.fixed.is_none()
                    && let Some(slot) = conformed.value_at_mut(at)
                {
                    *slot = value;
                }
            } else if self.strictness == Strictness::Strict {
                let (type_name, path) = (object_type.name.clone(), self.place());
                return Err(JsonReadError::UnknownProperty { name, type_name, path });
            }
        }
        if let Some(id) = row_id {
            conformed.set_row_id(id);
        }
        Ok(conformed)
    }

    fn row_id(&self, value: &FormValue) -> Result<Option<String>, JsonReadError> {
        match value {
            FormValue::Null => Ok(None),
            FormValue::Text(text) => parse_row_id(text).ok_or_else(|| self.mismatch("a row id", value)),
            other => Err(self.mismatch("a row id", other)),
        }
    }

    fn field(&mut self, field: &'m Field, value: FormValue) -> Result<FormValue, JsonReadError> {
        if field.fixed.is_some() {
            return Ok(FormValue::Null);
        }
        if !field.is_list() {
            return self.single(field, value);
        }
        match value {
            FormValue::Null => Ok(FormValue::List(Vec::new())),
            FormValue::List(items) => {
                let read = |(index, item): (usize, FormValue)| match item {
                    FormValue::Null => Ok(FormValue::Null),
                    item => self.below(Step::Row(index), |walk| walk.single(field, item)),
                };
                items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(FormValue::List)
            }
            other => Err(self.mismatch("a list", &other)),
        }
    }

    fn single(&mut self, field: &'m Field, value: FormValue) -> Result<FormValue, JsonReadError> {
        if value.is_null() {
            let is_refused = field.when_null == WhenNull::Impossible;
            return if is_refused { Err(self.mismatch("a value that cannot be null", &value)) } else { Ok(value) };
        }
        match (field.kind, value) {
            (Kind::Any, value) => Ok(value),
            (Kind::Object(id), FormValue::Object(object)) => {
                let object_type = self.model.object_type(id);
                self.object(object_type, object).map(FormValue::Object)
            }
            (Kind::Object(_), other) => Err(self.mismatch("an object", &other)),
            (Kind::Text, FormValue::Text(text)) => Ok(FormValue::Text(text)),
            (Kind::Text, other) => Err(self.mismatch("System.String", &other)),
            (Kind::Bool, FormValue::Bool(value)) => Ok(FormValue::Bool(value)),
            (Kind::Bool, other) => Err(self.mismatch("System.Boolean", &other)),
            (Kind::DateTime, FormValue::Text(text)) => match DateTimeText::parse(&text) {
                Some(time) => Ok(FormValue::Text(time.to_string())),
                None => Err(self.mismatch("System.DateTime", &FormValue::Text(text))),
            },
            (Kind::DateTime, other) => Err(self.mismatch("System.DateTime", &other)),
            (Kind::Decimal | Kind::Integer { .. }, value) => self.number(field.kind, value),
        }
    }

    fn number(&self, kind: Kind, value: FormValue) -> Result<FormValue, JsonReadError> {
        let number = match (&value, self.strictness) {
            (FormValue::Number(number), _) => Some(*number),
            (FormValue::Text(text), Strictness::Lenient) => Decimal::parse_json(text).ok(),
            _ => None,
        };
        let (fitting, expected) = match kind {
            // `1.0` and `1e2` are not whole numbers on the wire; the former still shows its scale here.
            Kind::Integer { bits } => {
                (number.filter(|n| n.scale() == 0).and_then(|n| integer_of(n, bits)), "a whole number of its size")
            }
            _ => (number, "System.Decimal"),
        };
        fitting.map(FormValue::Number).ok_or_else(|| self.mismatch(expected, &value))
    }

    /// A member of a document without model: anything whose names XML can carry.
    fn open_object(&mut self, given: FormObject) -> Result<FormObject, JsonReadError> {
        let mut members = given.into_members();
        for (name, value) in &mut members {
            if !is_xml_name(name) {
                let (type_name, path) = (self.model.class_name.clone(), self.place());
                return Err(JsonReadError::UnknownProperty { name: name.clone(), type_name, path });
            }
            let taken = std::mem::take(value);
            *value = self.below(Step::Member(name.clone().into()), |walk| walk.open_value(taken))?;
        }
        Ok(FormObject::from_distinct(members))
    }

    fn open_value(&mut self, value: FormValue) -> Result<FormValue, JsonReadError> {
        match value {
            FormValue::Object(object) => self.open_object(object).map(FormValue::Object),
            FormValue::List(items) => {
                let read = |(index, item): (usize, FormValue)| match item {
                    FormValue::List(_) => Err(self.mismatch("a list item that is no list", &item)),
                    item => self.below(Step::Row(index), |walk| walk.open_value(item)),
                };
                items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(FormValue::List)
            }
            scalar => Ok(scalar),
        }
    }
}

/// The id in its one form; the all-zero id is no id. None when the text is no GUID with hyphens.
#[expect(clippy::option_option, reason = "malformed and absent are different answers")]
pub(crate) fn parse_row_id(text: &str) -> Option<Option<String>> {
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    Some((!id.is_nil()).then(|| id.hyphenated().to_string()))
}
