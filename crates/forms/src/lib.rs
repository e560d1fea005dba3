//! Form data: models, XML and JSON, patches, layouts, expressions, validation, options, texts and prefill.
