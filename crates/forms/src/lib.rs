//! What is inside a form: models, data as XML and JSON, patches, layouts, expressions, validation, options, texts
//! and prefill.
//!
//! Everything here is a plain function of its arguments: text in, values out. The crate knows nothing of HTTP, of
//! files or of the database; time and random ids are passed in.
//!
//! Read first: [`model::Model`] (which fields a form has), [`FormData`] (one document of it), [`FormValue`] (a value in
//! the document) and [`FieldPath`] (where the value is).
//!
//! ```
//! use std::sync::Arc;
//! use mottak_forms::{FormData, model::{Model, ModelSources}};
//!
//! let schema = br#"{"@xsdRootElement":"Skjema","type":"object","properties":{"navn":{"type":"string"}}}"#;
//! let sources = ModelSources { class_ref: "Models.Skjema", schema: Some(("models/m.schema.json", schema)), xsd: None };
//! let model = Arc::new(Model::read(&sources).expect("the schema declares fields").model);
//! let data = FormData::from_json(&model, br#"{"NAVN":"Ola"}"#).expect("the names match in any casing");
//! assert_eq!(data.to_json(), r#"{"navn":"Ola"}"#);
//! assert!(data.to_xml().ends_with("<navn>Ola</navn></Skjema>"));
//! ```

mod convert;
pub mod data;
pub mod decimal;
pub mod expression;
pub mod json;
pub mod layout;
pub mod model;
mod normalize;
pub mod options;
pub mod patch;
pub mod path;
pub mod prefill;
pub mod presentation;
mod row_ids;
mod shadow_fields;
mod target;
pub mod text;
mod time_text;
pub mod validation;
pub mod value;
pub mod xml;

pub use data::FormData;
pub use decimal::Decimal;
pub use path::FieldPath;
pub use value::{FormObject, FormValue};
