//! Which members a JSON document of an app has, as tables: one table checks a document, names every fault in it, and
//! writes it in the two forms that clients see.

use mottak_model::Time;
use serde_json::{Map, Value};

use crate::json::{JsonFile, pointer_to};
use crate::problem::Problems;

/// What a value must be.
#[derive(Debug)]
pub(crate) enum Shape {
    Any,
    Text,
    Bool,
    /// A whole number of 32 bits.
    Integer,
    /// A date and time.
    Moment,
    /// A string, number or boolean.
    Scalar,
    List(&'static Shape),
    /// An object with members of any name, all of one shape.
    Map(&'static Shape),
    Object(&'static ObjectShape),
}

/// An object with named members.
#[derive(Debug)]
pub(crate) struct ObjectShape {
    pub(crate) members: &'static [Member],
    pub(crate) others: Others,
    pub(crate) nulls_in_storage: NullsInStorage,
}

/// Members that the table does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are written as they are, except in the storage form.
    Kept,
    Dropped,
    Refused,
}

/// Whether the storage form writes members that are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NullsInStorage {
    Written,
    Omitted,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) absent: Absent,
}

/// What the absence of a member, or null, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is a fault.
    Refused,
    Null,
    False,
    True,
    Zero,
    EmptyList,
    Text(&'static str),
}

/// A member of a shape table.
pub(crate) const fn member(name: &'static str, shape: Shape, absent: Absent) -> Member {
    Member { name, shape, absent }
}

/// The file's document with the names of the tables, without nulls; values of a wrong shape are left out and are
/// problems, all of them.
pub(crate) fn conform(file: &JsonFile, shape: &Shape, problems: &mut Problems) -> Option<Value> {
    Reading { file, problems }.value(&file.value, shape, "")
}

struct Reading<'a> {
    file: &'a JsonFile,
    problems: &'a mut Problems,
}

impl Reading<'_> {
    fn value(&mut self, value: &Value, shape: &Shape, pointer: &str) -> Option<Value> {
        match (shape, value) {
            (Shape::Any, _)
            | (Shape::Text, Value::String(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Scalar, Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value.clone()),
            (Shape::Integer, Value::Number(number))
                if number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()) =>
            {
                Some(value.clone())
            }
            (Shape::Moment, Value::String(text)) if Time::parse(text).is_ok() => Some(value.clone()),
            (Shape::List(item), Value::Array(items)) => {
                let items = items.iter().enumerate();
                Some(items.filter_map(|(at, value)| self.value(value, item, &format!("{pointer}/{at}"))).collect())
            }
            (Shape::Map(item), Value::Object(members)) => {
                let mut read = Map::new();
                for (name, value) in members {
                    if let Some(value) = self.value(value, item, &pointer_to(pointer, name)) {
                        read.insert(name.clone(), value);
                    }
                }
                Some(Value::Object(read))
            }
            (Shape::Object(shape), Value::Object(members)) => Some(self.object(members, shape, pointer)),
            _ => {
                let reason = format!("{} must be {}", name_of(pointer), shape.in_words());
                self.problems.error(self.file.place(pointer), reason);
                None
            }
        }
    }

    /// Names are compared without regard to case; of two that are the same the last one counts.
    fn object(&mut self, members: &Map<String, Value>, shape: &ObjectShape, pointer: &str) -> Value {
        let mut read = Map::new();
        for member in shape.members {
            let given = members.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(member.name));
            match given {
                None if member.absent == Absent::Refused => {
                    let reason = format!("{} has no `{}`", name_of(pointer), member.name);
                    self.problems.error(self.file.place(pointer), reason);
                }
                Some((name, Value::Null)) if !member.absent.may_be_null() => {
                    let reason = format!("`{}` must not be null", member.name);
                    self.problems.error(self.file.place(&pointer_to(pointer, name)), reason);
                }
                None | Some((_, Value::Null)) => {}
                Some((name, value)) => {
                    if let Some(value) = self.value(value, &member.shape, &pointer_to(pointer, name)) {
                        read.insert(member.name.to_owned(), value);
                    }
                }
            }
        }
        for (name, value) in members {
            if shape.members.iter().any(|member| name.eq_ignore_ascii_case(member.name)) {
                continue;
            }
            match shape.others {
                Others::Kept => {
                    read.insert(name.clone(), value.clone());
                }
                Others::Dropped => {}
                Others::Refused => {
                    let reason = format!("{} has no member `{name}`", name_of(pointer));
                    self.problems.error(self.file.place(&pointer_to(pointer, name)), reason);
                }
            }
        }
        Value::Object(read)
    }
}

/// The document as the application API writes it: every member of the tables, absent ones as null or as what their
/// absence means.
pub(crate) fn complete(value: &Value, shape: &Shape) -> Value {
    written(value, shape, &|_| true, Others::Kept)
}

/// The document as Storage writes it: only members of the tables, and no nulls except where a table says so.
pub(crate) fn stored(value: &Value, shape: &Shape) -> Value {
    written(value, shape, &|object| object.nulls_in_storage == NullsInStorage::Written, Others::Dropped)
}

fn written(value: &Value, shape: &Shape, writes_nulls: &dyn Fn(&ObjectShape) -> bool, others: Others) -> Value {
    match (shape, value) {
        (Shape::Object(shape), Value::Object(members)) => {
            let mut document = Map::new();
            for member in shape.members {
                let value = match members.get(member.name) {
                    Some(value) => written(value, &member.shape, writes_nulls, others),
                    None => member.absent.as_value(),
                };
                if !value.is_null() || writes_nulls(shape) {
                    document.insert(member.name.to_owned(), value);
                }
            }
            if shape.others == Others::Kept && others == Others::Kept {
                let known = |name: &str| shape.members.iter().any(|member| member.name == name);
                let unknown = members.iter().filter(|(name, _)| !known(name));
                document.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
            }
            Value::Object(document)
        }
        (Shape::List(item), Value::Array(items)) => {
            items.iter().map(|value| written(value, item, writes_nulls, others)).collect()
        }
        _ => value.clone(),
    }
}

impl Absent {
    fn may_be_null(self) -> bool {
        matches!(self, Self::Null | Self::EmptyList | Self::Text(_))
    }

    fn as_value(self) -> Value {
        match self {
            Self::Refused | Self::Null => Value::Null,
            Self::False => Value::Bool(false),
            Self::True => Value::Bool(true),
            Self::Zero => Value::from(0),
            Self::EmptyList => Value::Array(Vec::new()),
            Self::Text(text) => Value::from(text),
        }
    }
}

impl Shape {
    fn in_words(&self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Integer => "a whole number",
            Self::Moment => "a date and time",
            Self::Scalar => "a string, number or boolean",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object(_) => "an object",
        }
    }
}

/// The last part of a pointer, in words a reader recognises: `maxSize`, `dataTypes/1`, item 0.
fn name_of(pointer: &str) -> String {
    let Some((before, name)) = pointer.rsplit_once('/') else { return "the document".to_owned() };
    let is_item = name.bytes().all(|byte| byte.is_ascii_digit());
    match before.rsplit_once('/') {
        Some((_, list)) if is_item => format!("`{list}/{name}`"),
        None if is_item => format!("item {name}"),
        _ => format!("`{name}`"),
    }
}
