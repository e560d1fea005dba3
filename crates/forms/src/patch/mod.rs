//! JSON Patch on form data (app-forms §2.4).
//!
//! [`PatchRequest`] reads the bodies, [`apply`] changes one document, [`changed_fields`] says what rules changed
//! afterwards (§2.3). Operations work on the document with all declared members present, so an unset field can be
//! tested, replaced and removed.

mod apply;
mod changed;
mod request;

pub use apply::{PatchError, Patched, apply};
pub use changed::changed_fields;
pub use request::{ElementPatch, InvalidPatchRequest, PatchRequest};

use crate::value::FormValue;

/// The operations of one patch, in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Patch {
    pub operations: Vec<Operation>,
}

/// One operation of RFC 6902.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Add { path: Pointer, value: FormValue },
    Remove { path: Pointer },
    Replace { path: Pointer, value: FormValue },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: FormValue },
}

/// A JSON pointer (RFC 6901) with the text it came as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    parts: Vec<String>,
}

impl Pointer {
    /// None when the text is neither empty nor begins with `/`, or has a `~` that escapes nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = match text.strip_prefix('/') {
            Some(rest) => rest.split('/').map(unescape).collect::<Option<Vec<_>>>()?,
            None if text.is_empty() => Vec::new(),
            None => return None,
        };
        Some(Self { text: text.to_owned(), parts })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut unescaped = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            '~' => match chars.next()? {
                '0' => unescaped.push('~'),
                '1' => unescaped.push('/'),
                _ => return None,
            },
            c => unescaped.push(c),
        }
    }
    Some(unescaped)
}
