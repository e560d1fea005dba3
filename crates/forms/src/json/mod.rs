//! Form data as JSON (app-forms §1.4): text to values, values to a model, values to text.
//!
//! The reader is our own because numbers must keep their digits and scale, and because nesting, comments and
//! duplicate members have rules here.

mod conform;
mod parse;
mod write;

use std::sync::Arc;

pub use parse::{JsonSyntaxError, Syntax, parse};

use crate::data::FormData;
use crate::model::Model;
pub(crate) use conform::{conform, parse_row_id};
pub(crate) use parse::MAX_DEPTH;

/// How much a document may differ from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// A body of POST, PUT and instantiation: unknown members are ignored, numbers may be strings.
    Lenient,
    /// The result of a patch: unknown members and numbers in strings are refused.
    Strict,
}

/// Why JSON is no document of a model. The texts are the detail of the problem that clients see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonReadError {
    #[error("{0}")]
    Syntax(#[from] JsonSyntaxError),
    #[error("Json deserialization returned null")]
    Null,
    #[error(
        "The JSON property '{name}' could not be mapped to any .NET member contained in type '{type_name}'. Path: {path}."
    )]
    UnknownProperty { name: String, type_name: String, path: String },
    #[error("The JSON value could not be converted to {expected}. Path: {path}. Found: {found}.")]
    Mismatch { path: String, expected: &'static str, found: &'static str },
}

impl FormData {
    /// Reads a JSON body of POST, PUT or instantiation.
    ///
    /// # Errors
    /// Text that is not JSON, the literal `null`, or a value of the wrong kind.
    pub fn from_json(model: &Arc<Model>, bytes: &[u8]) -> Result<Self, JsonReadError> {
        let value = parse(bytes, Syntax::Strict)?;
        Ok(Self::from_root(model, conform(model, value, Strictness::Lenient)?))
    }

    /// Reads values that are already a tree: a patched document ([`Strictness::Strict`]) or values of rules.
    ///
    /// # Errors
    /// As [`FormData::from_json`], and unknown members when strict.
    pub fn from_value(
        model: &Arc<Model>,
        value: crate::value::FormValue,
        strictness: Strictness,
    ) -> Result<Self, JsonReadError> {
        Ok(Self::from_root(model, conform(model, value, strictness)?))
    }

    /// The document as the API answers it: compact, all declared members, only what JSON demands escaped.
    pub fn to_json(&self) -> String {
        write::relaxed(self.root())
    }

    /// The document as it is stored when its data type stores JSON: compact, everything but plain ASCII escaped.
    pub fn to_stored_json(&self) -> String {
        write::stored(self.root())
    }
}

impl crate::value::FormValue {
    /// Compact JSON with everything but plain ASCII escaped, as a text made of an object or list shows.
    pub fn to_ascii_json(&self) -> String {
        write::ascii(self)
    }
}
