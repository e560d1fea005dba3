//! Text resources: the texts of an application per language, their variables, and the texts every application has.
//!
//! Contract: app-forms 7.3, 7.4.

mod resources;
mod variables;

pub use resources::{TextFile, TextResource, TextResources, TextVariable};
pub use variables::{TextParameters, translate};
