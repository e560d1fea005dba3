//! The issue that validation reports (app-forms §6.1).

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// How bad an issue is; only errors stop a task from ending. Written as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    #[default]
    Unspecified = 0,
    Error = 1,
    Warning = 2,
    Informational = 3,
    /// Kept because clients know it; nothing here makes it but a message prefix.
    Fixed = 4,
    Success = 5,
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// Something found wrong, or worth saying, about the data of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub severity: Severity,
    pub data_element_id: Option<String>,
    /// A concrete path, or the id of a data type for counts and files.
    pub field: Option<String>,
    pub code: Option<String>,
    /// The text for people.
    pub description: Option<String>,
    /// Which validator; see [`source`].
    pub source: String,
    /// The validator does not run on every change. Only written when true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_incremental_updates: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_text_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_text_params: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_text_parameters: Option<BTreeMap<String, String>>,
}

impl Issue {
    /// An error with this source, nothing else said.
    pub fn error(source: &str) -> Self {
        Self { severity: Severity::Error, source: source.to_owned(), ..Self::default() }
    }

    /// True when the issue stops the task from ending.
    pub fn is_blocking(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Takes the text of the issue's key where it has no text yet (app-forms §6.1).
    ///
    /// `translate` gets the key and the parameters, and gives none for an unknown key.
    pub fn describe(&mut self, translate: impl FnOnce(&str, &BTreeMap<String, String>) -> Option<String>) {
        if self.description.as_deref().is_none_or(str::is_empty)
            && let Some(key) = &self.custom_text_key
        {
            let none = BTreeMap::new();
            if let Some(text) = translate(key, self.custom_text_parameters.as_ref().unwrap_or(&none)) {
                self.description = Some(text);
            }
        }
    }
}

/// The names of the built-in validators; clients know them (app-forms §6.2).
pub mod source {
    pub const DATA_ANNOTATIONS: &str = "DataAnnotations";
    pub const REQUIRED: &str = "Required";
    pub const EXPRESSION: &str = "Expression";
    pub const XSD: &str = "Xsd";
    pub const TASK: &str = "Altinn.App.Core.Features.Validation.Default.DefaultTaskValidator-*";
    pub const DATA_ELEMENT: &str = "Altinn.App.Core.Features.Validation.Default.DefaultDataElementValidator-*";
    pub const SIGNING_TASK: &str = "Altinn.App.Core.Features.Validation.Default.SigningTaskValidator-*";
    pub const SIGNATURE_HASH: &str = "Altinn.App.Core.Features.Validation.Default.SignatureHashValidator-*";
    pub const VALIDATE_ROUTE: &str = "Altinn.App.Api.Controllers.ValidateController";
    pub const UPLOAD: &str = "DataRestrictionValidation";
    pub const MIME_TYPE: &str = "MimeTypeValidator";

    /// True when the caller asked not to run the validator; sources compare without regard to casing (app-forms §6.2).
    pub fn is_ignored(source: &str, ignored: &[String]) -> bool {
        ignored.iter().any(|name| name.trim().eq_ignore_ascii_case(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_json_has_numbers_for_severity_and_leaves_out_what_is_optional() {
        let _rows = mottak_testing::covers("app-forms", &["106"]);
        let issue = Issue { field: Some("a[0].b".to_owned()), ..Issue::error("Required") };
        assert_eq!(
            serde_json::to_string(&issue).expect("an issue is JSON"),
            r#"{"severity":1,"dataElementId":null,"field":"a[0].b","code":null,"description":null,"source":"Required"}"#
        );
        let issue = Issue { no_incremental_updates: true, custom_text_key: Some("k".to_owned()), ..issue };
        let json = serde_json::to_string(&issue).expect("an issue is JSON");
        assert!(json.ends_with(r#""noIncrementalUpdates":true,"customTextKey":"k"}"#), "{json}");
    }

    #[test]
    fn ignored_sources_compare_in_any_casing() {
        let ignored = ["required".to_owned(), " EXPRESSION".to_owned()];
        assert!(source::is_ignored(source::REQUIRED, &ignored));
        assert!(source::is_ignored(source::EXPRESSION, &ignored));
        assert!(!source::is_ignored(source::DATA_ANNOTATIONS, &ignored));
    }

    #[test]
    fn a_text_key_is_translated_only_where_no_text_is() {
        let mut issue = Issue { custom_text_key: Some("k".to_owned()), ..Issue::error("Xsd") };
        issue.describe(|key, _| (key == "k").then(|| "text".to_owned()));
        assert_eq!(issue.description.as_deref(), Some("text"));
        issue.describe(|_, _| Some("other".to_owned()));
        assert_eq!(issue.description.as_deref(), Some("text"));
    }
}
