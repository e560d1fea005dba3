//! Operations applied to a document.

use super::{Operation, Patch, Pointer};
use crate::data::FormData;
use crate::json::{JsonReadError, MAX_DEPTH, Strictness};
use crate::value::{FormObject, FormValue};

/// How many values all `copy` operations of a patch may make; copies of copies grow without bound otherwise.
const MAX_COPIED: usize = 1_000_000;

/// A document after a patch.
#[derive(Clone, Debug)]
pub struct Patched {
    pub data: FormData,
    /// False when the patch left the document as it was.
    pub changed: bool,
}

/// Why a patch was not applied. The texts are the detail of the problem that clients see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// 409, title `Precondition in patch failed`.
    #[error("Path `{path}` is not equal to the indicated value.")]
    TestFailed { operation_index: usize, path: String },
    /// 422, title `Patch Operation Failed`.
    #[error("Path `{path}` could not be reached.")]
    Unreachable { operation_index: usize, path: String },
    /// 422, title `Patch Operation Failed`.
    #[error("Path `{path}` would make the document too large.")]
    TooLarge { operation_index: usize, path: String },
    /// 422, title `Patch operation did not deserialize`.
    #[error("{0}")]
    DidNotDeserialize(JsonReadError),
    /// 422, title `Patch operation did not deserialize`: the document itself was removed.
    #[error("Deserialize patched model returned null")]
    ResultIsNull,
}

impl PatchError {
    /// Which operation failed, counted from 0; none when the result as a whole was refused.
    pub fn operation_index(&self) -> Option<usize> {
        match self {
            Self::TestFailed { operation_index, .. }
            | Self::Unreachable { operation_index, .. }
            | Self::TooLarge { operation_index, .. } => Some(*operation_index),
            Self::DidNotDeserialize(_) | Self::ResultIsNull => None,
        }
    }

    /// The title of the problem.
    pub fn title(&self) -> &'static str {
        match self {
            Self::TestFailed { .. } => "Precondition in patch failed",
            Self::Unreachable { .. } | Self::TooLarge { .. } => "Patch Operation Failed",
            Self::DidNotDeserialize(_) | Self::ResultIsNull => "Patch operation did not deserialize",
        }
    }
}

/// Applies all operations in order; the given document stays as it is.
///
/// # Errors
/// The first operation that fails, or what makes the result no document of the model.
pub fn apply(data: &FormData, patch: &Patch) -> Result<Patched, PatchError> {
    let mut applying = Applying { document: data.to_value(), copied: 0 };
    for (operation_index, operation) in patch.operations.iter().enumerate() {
        applying.operation(operation).map_err(|failure| {
            let path = failure.path.as_str().to_owned();
            match failure.kind {
                FailureKind::NotEqual => PatchError::TestFailed { operation_index, path },
                FailureKind::Unreachable => PatchError::Unreachable { operation_index, path },
                FailureKind::TooLarge => PatchError::TooLarge { operation_index, path },
            }
        })?;
    }
    let patched =
        FormData::from_value(data.model(), applying.document, Strictness::Strict).map_err(|error| match error {
            JsonReadError::Null => PatchError::ResultIsNull,
            other => PatchError::DidNotDeserialize(other),
        })?;
    let changed = !patched.same_values(data);
    Ok(Patched { data: patched, changed })
}

struct Applying {
    document: FormValue,
    copied: usize,
}

struct Failure<'p> {
    path: &'p Pointer,
    kind: FailureKind,
}

enum FailureKind {
    NotEqual,
    Unreachable,
    TooLarge,
}

impl Applying {
    fn operation<'p>(&mut self, operation: &'p Operation) -> Result<(), Failure<'p>> {
        let unreachable = |path: &'p Pointer| Failure { path, kind: FailureKind::Unreachable };
        match operation {
            Operation::Add { path, value } => self.add(path, value.clone()),
            Operation::Remove { path } => self.remove(path).map(|_| ()).ok_or_else(|| unreachable(path)),
            Operation::Replace { path, value } => {
                check_depth(path, value)?;
                *self.reach_mut(&path.parts).ok_or_else(|| unreachable(path))? = value.clone();
                Ok(())
            }
            Operation::Move { from, path } => {
                let is_inside_itself = path.parts.len() > from.parts.len() && path.parts.starts_with(&from.parts);
                if is_inside_itself {
                    return Err(unreachable(path));
                }
                let value = self.remove(from).ok_or_else(|| unreachable(from))?;
                self.add(path, value)
            }
            Operation::Copy { from, path } => {
                let value = self.reach_mut(&from.parts).ok_or_else(|| unreachable(from))?;
                self.copied += count_values(value, MAX_COPIED);
                if self.copied > MAX_COPIED {
                    return Err(Failure { path, kind: FailureKind::TooLarge });
                }
                let value = self.reach_mut(&from.parts).ok_or_else(|| unreachable(from))?.clone();
                self.add(path, value)
            }
            Operation::Test { path, value } => {
                let actual = self.reach_mut(&path.parts).ok_or_else(|| unreachable(path))?;
                if same_json(actual, value) { Ok(()) } else { Err(Failure { path, kind: FailureKind::NotEqual }) }
            }
        }
    }

    fn reach_mut(&mut self, parts: &[String]) -> Option<&mut FormValue> {
        parts.iter().try_fold(&mut self.document, |value, part| match value {
            FormValue::Object(object) => object.get_mut(part),
            FormValue::List(items) => {
                let index = index_of(part)?;
                items.get_mut(index)
            }
            FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => None,
        })
    }

    fn add<'p>(&mut self, path: &'p Pointer, value: FormValue) -> Result<(), Failure<'p>> {
        check_depth(path, &value)?;
        let unreachable = || Failure { path, kind: FailureKind::Unreachable };
        let Some((last, way)) = path.parts.split_last() else {
            self.document = value;
            return Ok(());
        };
        match self.reach_mut(way).ok_or_else(unreachable)? {
            FormValue::Object(object) => object.set(last, value),
            FormValue::List(items) if last == "-" => items.push(value),
            FormValue::List(items) => {
                let index = index_of(last).filter(|index| *index <= items.len()).ok_or_else(unreachable)?;
                items.insert(index, value);
            }
            FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => {
                return Err(unreachable());
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &Pointer) -> Option<FormValue> {
        let Some((last, way)) = path.parts.split_last() else {
            return Some(std::mem::take(&mut self.document));
        };
        match self.reach_mut(way)? {
            FormValue::Object(object) => object.remove(last),
            FormValue::List(items) => {
                let index = index_of(last).filter(|index| *index < items.len())?;
                Some(items.remove(index))
            }
            FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => None,
        }
    }
}

fn index_of(part: &str) -> Option<usize> {
    let is_plain =
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
    is_plain.then(|| part.parse().ok()).flatten()
}

fn check_depth<'p>(path: &'p Pointer, value: &FormValue) -> Result<(), Failure<'p>> {
    if path.parts.len() + depth_of(value) > MAX_DEPTH {
        return Err(Failure { path, kind: FailureKind::TooLarge });
    }
    Ok(())
}

/// Levels of nesting; values come from the reader or from the document, so recursion is bounded.
fn depth_of(value: &FormValue) -> usize {
    match value {
        FormValue::Object(object) => 1 + object.iter().map(|(_, value)| depth_of(value)).max().unwrap_or(0),
        FormValue::List(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => 0,
    }
}

fn count_values(value: &FormValue, most: usize) -> usize {
    let add = |sum: usize, value: &FormValue| if sum > most { sum } else { sum + count_values(value, most) };
    match value {
        FormValue::Object(object) => object.iter().fold(1, |sum, (_, value)| add(sum, value)),
        FormValue::List(items) => items.iter().fold(1, add),
        // A text counts by its length, so that copies of long texts are bounded too.
        FormValue::Text(text) => 1 + text.len() / 64,
        FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) => 1,
    }
}

/// Equality as `test` means it: numbers by value, objects without regard to member order.
fn same_json(a: &FormValue, b: &FormValue) -> bool {
    let same_members = |a: &FormObject, b: &FormObject| {
        a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same_json(value, other)))
    };
    match (a, b) {
        (FormValue::Object(a), FormValue::Object(b)) => same_members(a, b),
        (FormValue::List(a), FormValue::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (a, b) => a == b,
    }
}
