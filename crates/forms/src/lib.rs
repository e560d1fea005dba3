//! Form data: models, XML and JSON, patches, layouts, expressions, validation, options, texts and prefill.

pub mod expression;
pub mod layout;
pub mod text;
