//! Models: which fields a form has, and how each is written (contract app-forms §1.1, §1.2).
//!
//! [`Model::read`] takes the files of one data type and gives the model with what was odd about them. The JSON schema
//! decides; the XSD decides where there is no usable schema, and always gives the namespace. [`Model::open`] is the
//! model of a data type without either file, [`Model::inferred`] that of a sample document.
//!
//! Types refer to one another by [`TypeId`], so a schema that refers to itself is a finite model; how deep a document
//! may go is the business of the readers.

mod infer;
mod json_schema;
mod names;
mod restriction;
mod xsd;

use std::collections::HashMap;

use crate::data::FormData;
use crate::decimal::Decimal;
use crate::value::FormValue;

pub(crate) use names::{camel_case, is_xml_name, same_property};
pub use restriction::{Bound, Pattern, Restriction, RestrictionRule};

/// The field structure of a form data type.
#[derive(Clone, Debug)]
pub struct Model {
    /// The last part of `classRef`.
    pub class_name: String,
    /// The name of the document element.
    pub root_element: String,
    /// Names accepted for the document element on input besides [`Model::root_element`].
    pub other_root_names: Vec<String>,
    /// The namespace of all elements of the document.
    pub namespace: Option<String>,
    types: Vec<ObjectType>,
}

/// Which object type of a [`Model`]; the root is [`TypeId::ROOT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(usize);

impl TypeId {
    pub const ROOT: Self = Self(0);
}

/// A type with members.
#[derive(Clone, Debug, Default)]
pub struct ObjectType {
    pub name: String,
    /// The fields in the order they are written.
    pub fields: Vec<Field>,
    /// Objects of this type carry an `altinnRowId` (app-forms §1.5).
    pub has_row_id: bool,
    /// Takes any member: the type of a document without a model.
    pub is_open: bool,
    /// Positions of fields by exact name, then by lower-case name and property name where those are free.
    by_name: HashMap<String, usize>,
}

/// A member of an [`ObjectType`].
#[derive(Clone, Debug)]
pub struct Field {
    /// The name in JSON and in paths.
    pub name: String,
    /// The name of the element or attribute.
    pub xml_name: String,
    /// The name of the property in the class of the original; shown in validation messages.
    pub property_name: String,
    pub place: Place,
    pub kind: Kind,
    pub occurs: Occurs,
    pub when_null: WhenNull,
    /// The value nobody can change.
    pub fixed: Option<FormValue>,
    /// The value a new document starts with, and a missing member gets.
    pub default: Option<FormValue>,
    pub restrictions: Vec<Restriction>,
}

/// Where the XML document keeps a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Element,
    Attribute,
    /// The text content of the element of the object itself.
    TextContent,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Decimal,
    /// A whole number of so many bits: `int`, `long` or `short`.
    Integer {
        bits: u32,
    },
    Bool,
    DateTime,
    Object(TypeId),
    /// Anything: a member of an open type.
    Any,
}

/// How often a field occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occurs {
    Once,
    /// A list, written as repeated elements.
    Repeated,
    /// A list inside an element of its own: `<x><item/><item/></x>`.
    Wrapped {
        item_name: String,
    },
}

/// What XML shows for a null (app-forms §1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenNull {
    /// Nothing.
    Omitted,
    /// An element with `xsi:nil="true"`.
    Nil,
    /// The field cannot be null: it is 0 or false.
    Impossible,
    /// Nothing, also when the object is there and its text content is null.
    OmittedWithoutText,
}

/// The files of a data type. Paths are only named in problems.
#[derive(Clone, Copy, Debug)]
pub struct ModelSources<'a> {
    /// `appLogic.classRef`, for example `Altinn.App.Models.Skjema`.
    pub class_ref: &'a str,
    /// Path and bytes of the JSON schema.
    pub schema: Option<(&'a str, &'a [u8])>,
    /// Path and bytes of the XML schema.
    pub xsd: Option<(&'a str, &'a [u8])>,
}

/// A model and what was noticed while reading it.
#[derive(Clone, Debug)]
pub struct ReadModel {
    pub model: Model,
    pub warnings: Vec<ModelProblem>,
}

/// Something odd or wrong in a model file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} ({place}): {reason}")]
pub struct ModelProblem {
    /// The path given in [`ModelSources`]; empty when no file was given.
    pub file: String,
    /// A JSON pointer, or `line n` of an XML file.
    pub place: String,
    pub reason: String,
}

impl Model {
    /// Reads the model of a data type.
    ///
    /// # Errors
    /// The problems that leave no usable model: no file given, or none that declares fields.
    pub fn read(sources: &ModelSources<'_>) -> Result<ReadModel, Vec<ModelProblem>> {
        let mut problems = Vec::new();
        let xsd = sources.xsd.and_then(|(file, bytes)| match xsd::read(sources.class_ref, file, bytes) {
            Ok(read) => Some(read),
            Err(problem) => {
                problems.push(problem);
                None
            }
        });
        if let Some((file, bytes)) = sources.schema {
            match json_schema::read(sources.class_ref, file, bytes) {
                Ok((mut read, root_is_guessed)) => {
                    read.warnings.splice(0..0, problems);
                    if let Some(xsd) = xsd {
                        adopt_xsd_facts(&mut read, root_is_guessed, file, &xsd.model);
                    }
                    return Ok(read);
                }
                Err(problem) => problems.push(problem),
            }
        }
        match xsd {
            Some(mut read) => {
                read.warnings.splice(0..0, problems);
                Ok(read)
            }
            None => {
                if problems.is_empty() {
                    problems.push(ModelProblem {
                        file: String::new(),
                        place: String::new(),
                        reason: format!("no schema file for the class `{}`", sources.class_ref),
                    });
                }
                Err(problems)
            }
        }
    }

    /// The model of a data type that has neither schema nor XSD: every member is allowed and keeps the type it came with.
    ///
    /// In XML such a document says the types that its text does not: `xsi:type` for numbers and booleans, and
    /// `xsd:maxOccurs` on the items of lists.
    pub fn open(class_ref: &str) -> Self {
        let class_name = names::last_segment(class_ref).to_owned();
        let root = ObjectType { name: class_name.clone(), is_open: true, ..ObjectType::default() };
        Self {
            root_element: class_name.clone(),
            class_name,
            other_root_names: Vec::new(),
            namespace: None,
            types: vec![root],
        }
    }

    /// The model that a sample document has: its members, with the types of their values; null counts as a string.
    pub fn inferred(class_ref: &str, sample: &FormValue) -> Self {
        infer::model_of(class_ref, sample)
    }

    /// Puts a model together; the first type is the root.
    ///
    /// Returns none when there are no types or a field refers to one that is not there.
    pub fn from_types(class_ref: &str, root_element: &str, mut types: Vec<ObjectType>) -> Option<Self> {
        let known = types.len();
        let in_range = |field: &Field| !matches!(field.kind, Kind::Object(TypeId(id)) if id >= known);
        if types.is_empty() || !types.iter().flat_map(|t| &t.fields).all(in_range) {
            return None;
        }
        mark_rows(&mut types);
        for object_type in &mut types {
            object_type.index_names();
        }
        Some(Self {
            class_name: names::last_segment(class_ref).to_owned(),
            root_element: root_element.to_owned(),
            other_root_names: Vec::new(),
            namespace: None,
            types,
        })
    }

    pub fn root(&self) -> &ObjectType {
        &self.types[0]
    }

    /// The object type `id` of this model.
    pub fn object_type(&self, id: TypeId) -> &ObjectType {
        &self.types[id.0]
    }

    /// The type of the objects a field holds, when it holds objects.
    pub fn object_type_of(&self, field: &Field) -> Option<&ObjectType> {
        match field.kind {
            Kind::Object(id) => Some(self.object_type(id)),
            _ => None,
        }
    }

    /// True when the model knows no fields of its own ([`Model::open`]).
    pub fn is_open(&self) -> bool {
        self.root().is_open
    }

    /// How many object types the model has.
    pub fn type_count(&self) -> usize {
        self.types.len()
    }

    /// A document with nothing filled in: declared fields null, lists empty, defaults and fixed values set.
    pub fn new_data(self: &std::sync::Arc<Self>) -> FormData {
        FormData::new(self)
    }
}

impl TypeId {
    /// The position of the type in the list that [`Model::from_types`] takes.
    pub fn at(position: usize) -> Self {
        Self(position)
    }
}

impl ObjectType {
    /// A type with these fields in order.
    pub fn new(name: &str, fields: Vec<Field>) -> Self {
        let mut object_type = Self { name: name.to_owned(), fields, ..Self::default() };
        object_type.index_names();
        object_type
    }

    /// The field of exactly this JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        // Exact names are in the index too, and go before all others.
        self.by_name.get(name).and_then(|&at| self.fields.get(at)).filter(|field| field.name == name)
    }

    /// The field of this JSON name, or of this property name, in any casing (app-forms §1.4).
    pub fn field_in_any_case(&self, name: &str) -> Option<&Field> {
        self.position_in_any_case(name).and_then(|at| self.fields.get(at))
    }

    /// The position in [`ObjectType::fields`] of the field that [`ObjectType::field_in_any_case`] gives.
    pub(crate) fn position_in_any_case(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).or_else(|| self.by_name.get(&name.to_lowercase())).copied()
    }

    /// The text content field, when the type has one.
    pub fn text_content(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.place == Place::TextContent)
    }

    fn index_names(&mut self) {
        let exact = self.fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at));
        self.by_name = exact.collect();
        for (at, field) in self.fields.iter().enumerate() {
            self.by_name.entry(field.name.to_lowercase()).or_insert(at);
        }
        for (at, field) in self.fields.iter().enumerate() {
            self.by_name.entry(field.property_name.to_lowercase()).or_insert(at);
        }
    }
}

impl Field {
    /// An element of this name that holds at most one value of this kind and is omitted when null.
    pub fn element(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            xml_name: name.to_owned(),
            property_name: names::property_name(name),
            place: Place::Element,
            kind,
            occurs: Occurs::Once,
            when_null: WhenNull::Omitted,
            fixed: None,
            default: None,
            restrictions: Vec::new(),
        }
    }

    /// A list of such elements.
    pub fn list(name: &str, kind: Kind) -> Self {
        Self { occurs: Occurs::Repeated, ..Self::element(name, kind) }
    }

    pub fn is_list(&self) -> bool {
        self.occurs != Occurs::Once
    }

    /// What the field holds when nothing was given: its fixed or default value, an empty list, zero, or null.
    pub fn initial_value(&self) -> FormValue {
        match (&self.fixed, &self.default) {
            (Some(value), _) | (None, Some(value)) => value.clone(),
            (None, None) if self.is_list() => FormValue::List(Vec::new()),
            (None, None) => self.null_value(),
        }
    }

    /// What an explicit null becomes: null, or zero where the field cannot be null.
    pub fn null_value(&self) -> FormValue {
        match self.kind {
            _ if self.when_null != WhenNull::Impossible => FormValue::Null,
            Kind::Bool => FormValue::Bool(false),
            Kind::Decimal | Kind::Integer { .. } => FormValue::Number(Decimal::ZERO),
            Kind::DateTime => FormValue::from("0001-01-01T00:00:00"),
            Kind::Text | Kind::Object(_) | Kind::Any => FormValue::Null,
        }
    }
}

impl Kind {
    /// Numbers, booleans and date-times: the kinds whose null can be `xsi:nil`, and whose text cannot be empty.
    pub fn is_value_type(self) -> bool {
        matches!(self, Self::Decimal | Self::Integer { .. } | Self::Bool | Self::DateTime)
    }
}

/// Every type used as list item somewhere carries a row id, also where it is used as a single object.
fn mark_rows(types: &mut [ObjectType]) {
    let rows: Vec<usize> = types
        .iter()
        .flat_map(|object_type| &object_type.fields)
        .filter(|field| field.is_list())
        .filter_map(|field| match field.kind {
            Kind::Object(TypeId(id)) => Some(id),
            _ => None,
        })
        .collect();
    for id in rows {
        types[id].has_row_id = true;
    }
    let leaves_out_when_empty: Vec<bool> = types.iter().map(is_text_with_fixed_attribute).collect();
    for field in types.iter_mut().flat_map(|object_type| &mut object_type.fields) {
        if let Kind::Object(TypeId(id)) = field.kind
            && field.occurs == Occurs::Once
            && field.when_null == WhenNull::Omitted
            && leaves_out_when_empty[id]
        {
            field.when_null = WhenNull::OmittedWithoutText;
        }
    }
}

/// Exactly one fixed attribute and exactly one text content, and no list item (app-forms §1.3, the `orid` pattern).
fn is_text_with_fixed_attribute(object_type: &ObjectType) -> bool {
    let count = |test: fn(&Field) -> bool| object_type.fields.iter().filter(|field| test(field)).count();
    !object_type.has_row_id
        && count(|field| field.fixed.is_some()) == 1
        && count(|field| field.place == Place::TextContent) == 1
}

fn adopt_xsd_facts(read: &mut ReadModel, root_is_guessed: bool, schema_file: &str, xsd: &Model) {
    let model = &mut read.model;
    model.namespace.clone_from(&xsd.namespace);
    if model.root_element == xsd.root_element {
        return;
    }
    if root_is_guessed {
        model.root_element.clone_from(&xsd.root_element);
    } else {
        read.warnings.push(ModelProblem {
            file: schema_file.to_owned(),
            place: "/@xsdRootElement".to_owned(),
            reason: format!(
                "the root element is `{}` here and `{}` in the XSD; the schema decides",
                model.root_element, xsd.root_element
            ),
        });
        model.other_root_names.push(xsd.root_element.clone());
    }
}
