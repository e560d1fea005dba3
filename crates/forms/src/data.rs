//! One document of form data: a tree of values that follows a model, with lookups by path (app-forms §3.1).

use std::sync::Arc;

use crate::model::{Field, Model, ObjectType};
use crate::path::{FieldPath, PathPart};
use crate::value::{FormObject, FormValue};

/// A form document. Every declared member is present; see [`crate::value`].
#[derive(Clone, Debug)]
pub struct FormData {
    model: Arc<Model>,
    root: FormObject,
}

/// A list index on something that is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Index on non indexable property {name}")]
pub struct NotIndexable {
    pub name: String,
}

/// Why a value was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSet {
    #[error("the model has no such field")]
    NoSuchField,
    #[error("there is no such row")]
    NoSuchRow,
    #[error("the value does not fit the type of the field")]
    Unsuitable,
}

impl FormData {
    /// A document with nothing filled in: declared fields null, lists empty, defaults and fixed values set.
    pub fn new(model: &Arc<Model>) -> Self {
        Self { model: Arc::clone(model), root: new_object(model.root()) }
    }

    /// A document whose tree is known to follow the model.
    pub(crate) fn from_root(model: &Arc<Model>, root: FormObject) -> Self {
        Self { model: Arc::clone(model), root }
    }

    /// A document with the model inferred from itself ([`Model::inferred`]); lists of mixed kinds make it an open one.
    pub fn inferred(class_ref: &str, sample: FormValue) -> Self {
        let model = Arc::new(Model::inferred(class_ref, &sample));
        match crate::json::conform(&model, sample.clone(), crate::json::Strictness::Lenient) {
            Ok(root) => Self { model, root },
            Err(_) => {
                let root = if let FormValue::Object(root) = sample { root } else { FormObject::new() };
                Self { model: Arc::new(Model::open(class_ref)), root }
            }
        }
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn root(&self) -> &FormObject {
        &self.root
    }

    pub(crate) fn root_mut(&mut self) -> &mut FormObject {
        &mut self.root
    }

    /// The document as a value.
    pub fn to_value(&self) -> FormValue {
        FormValue::Object(self.root.clone())
    }

    /// True when both documents hold the same values, numbers with the same scale: what is written is the same.
    pub fn same_values(&self, other: &Self) -> bool {
        self.root.is_written_like(&other.root)
    }

    /// Makes a path concrete by taking the row indices of the context for lists that have no index of their own.
    ///
    /// Returns none for "no field": an unknown name, a fixed field, or a list inside the path without an index.
    ///
    /// # Errors
    /// An index on something that is no list.
    pub fn resolve(&self, path: &FieldPath, rows: &[usize]) -> Result<Option<FieldPath>, NotIndexable> {
        let mut rows = rows.iter();
        let mut level = Level::of_root(self);
        let mut parts = Vec::with_capacity(path.parts().len());
        for (position, part) in path.parts().iter().enumerate() {
            let Some(step) = level.step(&part.name) else { return Ok(None) };
            let is_last = position + 1 == path.parts().len();
            let index = match (step.is_list, part.index) {
                (false, Some(_)) => return Err(NotIndexable { name: part.name.clone() }),
                (false, None) => None,
                (true, Some(index)) => {
                    // A literal index ends the context: deeper lists are on their own.
                    rows = [].iter();
                    Some(index)
                }
                (true, None) => match rows.next() {
                    Some(&index) => Some(index),
                    None if is_last => None,
                    None => return Ok(None),
                },
            };
            level = step.into_row(index);
            parts.push(PathPart { name: part.name.clone(), index });
        }
        Ok(Some(FieldPath::from(parts)))
    }

    /// Every concrete path that `path` stands for: lists inside the path without index give one path per row; the last
    /// part stays as it is. `list[]` as last part gives every row.
    ///
    /// Returns nothing for unknown names and null lists (the keys of validation and calculation files).
    pub fn resolve_all(&self, path: &str) -> Vec<FieldPath> {
        let (path, every_row) = match path.strip_suffix("[]") {
            Some(list) => (list, true),
            None => (path, false),
        };
        let Ok(path) = path.parse::<FieldPath>() else { return Vec::new() };
        let mut found = vec![(Level::of_root(self), Vec::new())];
        for (position, part) in path.parts().iter().enumerate() {
            let is_last = position + 1 == path.parts().len();
            let mut next = Vec::new();
            for (level, parts) in found {
                let Some(step) = level.step(&part.name) else { continue };
                let extend = |index: Option<usize>| {
                    let mut parts: Vec<PathPart> = parts.clone();
                    parts.push(PathPart { name: part.name.clone(), index });
                    parts
                };
                let rows = step.rows();
                if !step.is_list {
                    let extended = extend(None);
                    next.push((step.into_row(None), extended));
                } else if let Some(index) = part.index {
                    if rows.get(index).is_some_and(|row| !row.is_null()) {
                        next.push((step.into_row(Some(index)), extend(Some(index))));
                    }
                } else if is_last && !every_row {
                    let extended = extend(None);
                    next.push((step.into_row(None), extended));
                } else {
                    for (index, row) in rows.iter().enumerate() {
                        if !row.is_null() {
                            next.push((step.clone().into_row(Some(index)), extend(Some(index))));
                        }
                    }
                }
            }
            found = next;
        }
        found.into_iter().map(|(_, parts)| FieldPath::from(parts)).collect()
    }

    /// The value at a concrete path; none when a name is unknown, a row is not there, or something on the way is null.
    pub fn get(&self, path: &FieldPath) -> Option<&FormValue> {
        let (last, way) = path.parts().split_last()?;
        let mut object = &self.root;
        for part in way {
            object = part_of(object, part)?.as_object()?;
        }
        part_of(object, last)
    }

    /// How many rows the list at a concrete path has; none when it is no list or null.
    pub fn row_count(&self, path: &FieldPath) -> Option<usize> {
        self.get(path)?.as_list().map(<[_]>::len)
    }

    /// The field that a concrete path names in the model; none for rows ids, unknown names and open models.
    pub fn field(&self, path: &FieldPath) -> Option<&Field> {
        let (last, way) = path.parts().split_last()?;
        let mut object_type = self.model.root();
        for part in way {
            object_type = self.model.object_type_of(object_type.field(&part.name)?)?;
        }
        object_type.field(&last.name)
    }

    /// Sets the value at a concrete path, converted to the type of the field (app-forms §4.3, last rule).
    ///
    /// Creates objects on the way where they are null, never rows.
    ///
    /// # Errors
    /// The reason why nothing was changed.
    pub fn set(&mut self, path: &FieldPath, value: FormValue) -> Result<(), NotSet> {
        let model = Arc::clone(&self.model);
        let (last, way) = path.parts().split_last().ok_or(NotSet::NoSuchField)?;
        let (object, object_type) = reach(&model, &mut self.root, way)?;
        let Some(object_type) = object_type.filter(|object_type| !object_type.is_open) else {
            if last.index.is_none() {
                object.set(&last.name, value);
            } else {
                *row_of(object.get_mut(&last.name).ok_or(NotSet::NoSuchField)?, last.index)? = value;
            }
            return Ok(());
        };
        let field = object_type.field(&last.name).filter(|field| field.fixed.is_none()).ok_or(NotSet::NoSuchField)?;
        if field.is_list() && last.index.is_none() {
            return Err(NotSet::Unsuitable);
        }
        let value = crate::convert::to_field_kind(field, value).ok_or(NotSet::Unsuitable)?;
        let slot = object.get_mut(&last.name).ok_or(NotSet::NoSuchField)?;
        *row_of(slot, last.index)? = value;
        Ok(())
    }
}

/// A document of this type with nothing filled in.
pub(crate) fn new_object(object_type: &ObjectType) -> FormObject {
    let members = object_type.fields.iter().map(|field| (field.name.clone(), field.initial_value()));
    FormObject::from_distinct(members.collect())
}

/// The place for a value: the slot itself, or the row in it.
fn row_of(slot: &mut FormValue, index: Option<usize>) -> Result<&mut FormValue, NotSet> {
    match (slot, index) {
        (slot, None) => Ok(slot),
        (FormValue::List(rows), Some(index)) => rows.get_mut(index).ok_or(NotSet::NoSuchRow),
        (_, Some(_)) => Err(NotSet::NoSuchRow),
    }
}

/// Goes down to the object that holds the last part of a path; creates null objects, not null rows.
///
/// The object's type is none inside members of open types.
pub(crate) fn reach<'m, 'd>(
    model: &'m Model,
    root: &'d mut FormObject,
    way: &[PathPart],
) -> Result<(&'d mut FormObject, Option<&'m ObjectType>), NotSet> {
    let mut object = root;
    let mut object_type = Some(model.root());
    for part in way {
        let field = object_type.and_then(|t| t.field(&part.name));
        let is_open = object_type.is_none_or(|t| t.is_open);
        let child = field.and_then(|field| model.object_type_of(field));
        if !is_open && child.is_none() {
            return Err(NotSet::NoSuchField);
        }
        if is_open && object.get(&part.name).is_none() {
            object.set(&part.name, FormValue::Null);
        }
        let slot = object.get_mut(&part.name).ok_or(NotSet::NoSuchField)?;
        let slot = row_of(slot, part.index)?;
        if slot.is_null() {
            if part.index.is_some() {
                return Err(NotSet::NoSuchRow);
            }
            *slot = FormValue::Object(child.map(new_object).unwrap_or_default());
        }
        object = slot.as_object_mut().ok_or(NotSet::NoSuchField)?;
        object_type = child;
    }
    Ok((object, object_type))
}

fn part_of<'a>(object: &'a FormObject, part: &PathPart) -> Option<&'a FormValue> {
    let value = object.get(&part.name)?;
    match part.index {
        Some(index) => value.as_list()?.get(index),
        None => Some(value),
    }
}

/// Where a walk along a path stands: in the model, and beside it in the data as far as there is any.
#[derive(Clone)]
struct Level<'a> {
    model: &'a Model,
    /// None inside scalars and open members.
    object_type: Option<&'a ObjectType>,
    is_open: bool,
    data: Option<&'a FormValue>,
    object: Option<&'a FormObject>,
}

/// The member a walk has reached, before a row of it is chosen.
#[derive(Clone)]
struct Step<'a> {
    model: &'a Model,
    is_list: bool,
    object_type: Option<&'a ObjectType>,
    is_open: bool,
    data: Option<&'a FormValue>,
}

impl<'a> Level<'a> {
    fn of_root(data: &'a FormData) -> Self {
        let root = data.model.root();
        Self {
            model: &data.model,
            object_type: Some(root),
            is_open: root.is_open,
            data: None,
            object: Some(&data.root),
        }
    }

    /// None when the model has no such field, or has it fixed.
    fn step(&self, name: &str) -> Option<Step<'a>> {
        let object = self.object.or_else(|| self.data.and_then(FormValue::as_object));
        let data = object.and_then(|object| object.get(name));
        if self.is_open {
            let is_list = matches!(data, Some(FormValue::List(_)));
            return data.map(|data| Step {
                model: self.model,
                is_list,
                object_type: None,
                is_open: true,
                data: Some(data),
            });
        }
        let object_type = self.object_type?;
        if object_type.has_row_id && name == crate::value::ROW_ID {
            return Some(Step { model: self.model, is_list: false, object_type: None, is_open: false, data });
        }
        let field = object_type.field(name).filter(|field| field.fixed.is_none())?;
        let is_list = field.is_list();
        Some(Step { model: self.model, is_list, object_type: self.model.object_type_of(field), is_open: false, data })
    }
}

impl<'a> Step<'a> {
    fn rows(&self) -> &'a [FormValue] {
        self.data.and_then(FormValue::as_list).unwrap_or_default()
    }

    fn into_row(self, index: Option<usize>) -> Level<'a> {
        let data = match (self.is_list, index) {
            (true, Some(index)) => self.rows().get(index),
            (true, None) => None,
            (false, _) => self.data,
        };
        Level { model: self.model, object_type: self.object_type, is_open: self.is_open, data, object: None }
    }
}
