//! Validation of form data and data elements (app-forms §6).

pub(crate) mod regex;
