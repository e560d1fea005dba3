//! What an evaluation may look at: the instance, its form data, settings, texts.
//!
//! [`Facts`] is plain borrowed data that the caller gathers; the content of one form is behind [`DataSource`], because
//! forms and bare JSON (test cases, stateless calls) both serve as content.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ExpressionError;
use crate::text::TextResources;
use crate::{FieldPath, FormData, FormValue};

/// The content of one form, reached by paths (contract 3.1).
pub trait DataSource: std::fmt::Debug + Sync {
    /// The concrete path of `path` in a row context; `None` when the model has no such field, or when a list inside the
    /// path gets no row. A row number on something that is no list is an error.
    fn resolve(&self, path: &FieldPath, row_indices: &[usize]) -> Result<Option<FieldPath>, ExpressionError>;

    /// Every concrete path a key of a validation or calculation file stands for.
    fn resolve_all(&self, key: &str) -> Vec<FieldPath>;

    /// The value at a concrete path; null when it is absent, out of range, or below a null.
    fn value(&self, path: &FieldPath) -> Value;

    /// The number of rows of the list at a concrete path; 0 when there is no list.
    fn row_count(&self, list: &FieldPath) -> usize;
}

impl DataSource for FormData {
    fn resolve(&self, path: &FieldPath, row_indices: &[usize]) -> Result<Option<FieldPath>, ExpressionError> {
        FormData::resolve(self, path, row_indices).map_err(|error| ExpressionError::new(error.to_string()))
    }

    fn resolve_all(&self, key: &str) -> Vec<FieldPath> {
        FormData::resolve_all(self, key)
    }

    fn value(&self, path: &FieldPath) -> Value {
        self.get(path).map_or(Value::Null, json_of)
    }

    fn row_count(&self, list: &FieldPath) -> usize {
        FormData::row_count(self, list).unwrap_or(0)
    }
}

/// A form value as the language sees it: numbers are doubles, as all its numbers are.
fn json_of(value: &FormValue) -> Value {
    match value {
        FormValue::Null => Value::Null,
        FormValue::Bool(flag) => Value::Bool(*flag),
        FormValue::Number(number) => Value::from(number.to_f64()),
        FormValue::Text(text) => Value::String(text.clone()),
        FormValue::List(items) => Value::Array(items.iter().map(json_of).collect()),
        FormValue::Object(object) => {
            Value::Object(object.iter().map(|(name, member)| (name.to_owned(), json_of(member))).collect())
        }
    }
}

/// A data type of the application, as far as bindings need it.
#[derive(Debug, Clone)]
pub struct DataTypeFacts<'a> {
    pub id: &'a str,
    /// `maxCount` of the data type; 0 means any number.
    pub max_count: i64,
    /// Whether the type has a model (`appLogic.classRef`).
    pub has_model: bool,
}

/// A data element of the instance.
#[derive(Debug, Clone)]
pub struct ElementFacts<'a> {
    pub id: &'a str,
    pub data_type: &'a str,
    /// The form content; `None` for a binary element.
    pub content: Option<&'a dyn DataSource>,
}

/// What kind of party owns the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnerKind {
    Organisation,
    Person,
    SelfIdentified,
    #[default]
    Unknown,
}

impl OwnerKind {
    /// The word of `instanceContext "instanceOwnerPartyType"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "org",
            Self::Person => "person",
            Self::SelfIdentified => "selfIdentified",
            Self::Unknown => "unknown",
        }
    }
}

/// The instance, as `instanceContext` shows it.
#[derive(Debug, Clone, Default)]
pub struct InstanceFacts<'a> {
    pub id: Option<&'a str>,
    pub app_id: Option<&'a str>,
    pub owner_party_id: Option<&'a str>,
    pub owner_kind: OwnerKind,
    pub owner_name: Option<&'a str>,
}

/// What the user may do in the current task, for `authContext`.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    pub read: bool,
    pub write: bool,
    pub actions: BTreeMap<String, bool>,
}

/// Which release of the original the language follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    #[default]
    V8,
    /// Adds `count`.
    V9,
}

/// Everything outside the form's component that an expression may ask for.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub data_types: Vec<DataTypeFacts<'a>>,
    /// Data elements in the order of the instance.
    pub elements: Vec<ElementFacts<'a>>,
    /// The default data type of the task's layout set, for the text variable source `dataModel.default`.
    pub task_data_type: Option<&'a str>,
    pub instance: InstanceFacts<'a>,
    pub frontend_settings: &'a BTreeMap<String, String>,
    pub texts: &'a TextResources,
    /// Two-letter language code.
    pub language: &'a str,
    /// The action of the process/next request, in a gateway only.
    pub gateway_action: Option<&'a str>,
    pub permissions: Option<&'a Permissions>,
    /// Where dates with an offset are shown.
    pub time_zone: jiff::tz::TimeZone,
    pub dialect: Dialect,
}

impl<'a> Facts<'a> {
    /// Facts with nothing in them but settings and texts: language `nb`, UTC, no instance.
    pub fn new(frontend_settings: &'a BTreeMap<String, String>, texts: &'a TextResources) -> Self {
        Self {
            data_types: Vec::new(),
            elements: Vec::new(),
            task_data_type: None,
            instance: InstanceFacts::default(),
            frontend_settings,
            texts,
            language: "nb",
            gateway_action: None,
            permissions: None,
            time_zone: jiff::tz::TimeZone::UTC,
            dialect: Dialect::V8,
        }
    }

    /// The first element of a data type.
    pub fn first_element_of(&self, data_type: &str) -> Option<ElementIndex> {
        self.elements.iter().position(|element| element.data_type == data_type).map(ElementIndex)
    }

    /// The element at `index`.
    pub fn element(&self, index: ElementIndex) -> Option<&ElementFacts<'a>> {
        self.elements.get(index.0)
    }
}

/// The place of a data element in [`Facts::elements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementIndex(pub usize);
