//! Validation of form data and data elements (app-forms §6).
//!
//! [`Issue`] is what every validator reports. Here are the checks that need the model ([`annotations`]), the data
//! elements of a task ([`elements`]), its signatures ([`signing`]) and an upload ([`upload`], [`upload_file`]).

pub mod annotations;
pub mod elements;
mod issue;
pub(crate) mod regex;
pub mod signing;
pub mod upload;
pub mod upload_file;

pub use issue::{Issue, Severity, source};
