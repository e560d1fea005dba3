//! Text resources: the texts of an application in one language (platform-storage §1.11).

use serde::{Deserialize, Serialize};

/// All texts of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextResource {
    /// `{org}-{app}-{language}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// ISO 639-1.
    pub language: String,
    pub resources: Vec<TextElement>,
}

/// One text. Absent members are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextElement {
    pub id: Option<String>,
    pub value: Option<String>,
    pub variables: Option<Vec<TextVariable>>,
}

/// A placeholder in a text. Absent members are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TextVariable {
    /// Path or name within the data source.
    pub key: Option<String>,
    /// `dataModel.default`, `dataModel.{type}`, `instanceContext`, `applicationSettings`, ….
    pub data_source: Option<String>,
    pub default_value: Option<String>,
}
