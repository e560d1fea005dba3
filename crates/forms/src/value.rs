//! Values of a form document: the tree that JSON, XML, patches and expressions all work on.
//!
//! A tree read against a model holds **every declared member of an object, in the order of the model, null when
//! unset** (contract app-forms §1.4), and a row id only where one is set.

use std::collections::HashMap;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::decimal::Decimal;

/// The member that carries the id of a row (app-forms §1.5).
pub const ROW_ID: &str = "altinnRowId";

/// One value of a form document.
///
/// Dates, times and GUIDs are [`FormValue::Text`]: they are text on every wire, and the model knows which they are.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum FormValue {
    #[default]
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Object(FormObject),
    List(Vec<FormValue>),
}

/// The members of an object, in order.
#[derive(Clone, Default, PartialEq)]
pub struct FormObject {
    members: Vec<(String, FormValue)>,
}

impl FormValue {
    /// Which kind of value this is, in the words of the JSON it stands for: `null`, `boolean`, `number`, `string`,
    /// `object`, `array`.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Object(_) => "object",
            Self::List(_) => "array",
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True for everything but objects and lists.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::Object(_) | Self::List(_))
    }

    /// Equality that tells `1.5` from `1.50`.
    fn is_written_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b && a.scale() == b.scale(),
            (Self::Object(a), Self::Object(b)) => a.is_written_like(b),
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_written_like(b)),
            (a, b) => a == b,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&FormObject> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn as_object_mut(&mut self) -> Option<&mut FormObject> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[FormValue]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_list_mut(&mut self) -> Option<&mut Vec<FormValue>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }
}

impl From<&str> for FormValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for FormValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for FormValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for FormValue {
    fn from(value: i64) -> Self {
        Self::Number(Decimal::from(value))
    }
}

impl From<Decimal> for FormValue {
    fn from(value: Decimal) -> Self {
        Self::Number(value)
    }
}

impl FormObject {
    pub fn new() -> Self {
        Self::default()
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &FormValue)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members in order, values changeable.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut FormValue)> {
        self.members.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member of exactly this name.
    pub fn get(&self, name: &str) -> Option<&FormValue> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut FormValue> {
        self.members.iter_mut().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Sets the member, in its place when it exists, else last.
    pub fn set(&mut self, name: &str, value: impl Into<FormValue>) {
        match self.get_mut(name) {
            Some(old) => *old = value.into(),
            None => self.members.push((name.to_owned(), value.into())),
        }
    }

    /// Takes the member out.
    pub fn remove(&mut self, name: &str) -> Option<FormValue> {
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1)
    }

    /// Keeps the members whose name `keep` accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.members.retain(|(name, _)| keep(name));
    }

    /// The row id, when one is set.
    pub fn row_id(&self) -> Option<&str> {
        self.get(ROW_ID).and_then(FormValue::as_text)
    }

    /// Gives the row this id; the id is its first member.
    pub fn set_row_id(&mut self, id: String) {
        self.remove(ROW_ID);
        self.members.insert(0, (ROW_ID.to_owned(), FormValue::Text(id)));
    }

    pub(crate) fn is_written_like(&self, other: &Self) -> bool {
        let same = |((name, a), (other_name, b)): (&(String, FormValue), &(String, FormValue))| {
            name == other_name && a.is_written_like(b)
        };
        self.members.len() == other.members.len() && self.members.iter().zip(&other.members).all(same)
    }

    /// An object of members of which later duplicates win, in the place of the first.
    pub fn from_members(members: Vec<(String, FormValue)>) -> Self {
        let mut places: HashMap<String, usize> = HashMap::with_capacity(members.len());
        let mut kept: Vec<(String, FormValue)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            if let Some(&at) = places.get(&name) {
                kept[at].1 = value;
            } else {
                places.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
        Self { members: kept }
    }

    /// Members that the caller knows to be distinct.
    pub(crate) fn from_distinct(members: Vec<(String, FormValue)>) -> Self {
        Self { members }
    }

    /// The value of the member at this position.
    pub(crate) fn value_at_mut(&mut self, position: usize) -> Option<&mut FormValue> {
        self.members.get_mut(position).map(|(_, value)| value)
    }

    pub(crate) fn into_members(self) -> Vec<(String, FormValue)> {
        self.members
    }
}

impl fmt::Debug for FormObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The value as JSON; numbers keep their scale when written as text by `serde_json`.
impl Serialize for FormValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Object(object) => object.serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}

impl Serialize for FormObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
