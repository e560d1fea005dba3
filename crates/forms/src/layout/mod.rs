//! Layout files: pages, components, what they bind, and which of them are hidden for given form data.
//!
//! [`Page::parse`] reads one layout file into components that know their children; [`LayoutSet`] is the pages of one
//! folder in order; [`ComponentContexts`] places every component in the rows of the form data and answers what is
//! hidden. What a browser alone uses (texts, sizes, filters) is not read. Contract: app-forms 5.

mod check;
mod component;
mod contexts;
mod page;
mod references;
mod removal;
mod required;
mod sets;

pub use component::{Binding, Component, ComponentIndex, ComponentKind};
pub use contexts::{ComponentContexts, ContextId, ContextKind};
pub use page::Page;
pub use references::{FieldReference, hidden_fields, hidden_fields_to_remove};
pub use removal::{RowRemoval, remove_fields};
pub use required::required_issues;
pub use sets::{LayoutSet, LayoutSetEntry, LayoutSets, Layouts, page_order};

/// Something wrong in a layout file, with the place it was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{pointer}: {message}")]
pub struct LayoutProblem {
    /// The page id, or the name of the settings file.
    pub file: String,
    /// JSON pointer into the file.
    pub pointer: String,
    pub message: String,
}

impl LayoutProblem {
    pub(crate) fn new(file: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), pointer: pointer.into(), message: message.into() }
    }
}
