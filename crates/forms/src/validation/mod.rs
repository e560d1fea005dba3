//! Validation of form data and data elements (app-forms §6).
//!
//! [`Issue`] is what every validator reports. Here are the checks that need the model ([`annotations`]), the data
//! elements of a task ([`elements`]) and an upload ([`upload`]).

pub mod annotations;
pub mod elements;
mod issue;
pub(crate) mod regex;
pub mod upload;

pub use issue::{Issue, Severity, source};
