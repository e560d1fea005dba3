//! The application: what an `App/config/applicationmetadata.json` says (platform-storage §1.10).
//!
//! Only what the server acts on is typed here. The file as a whole is kept beside it (in `mottak-apps`), so that
//! members unknown to us reach clients unchanged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AppId, Time};

/// An application's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    pub id: AppId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    pub org: String,
    /// Language code → title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_id: Option<String>,
    #[serde(default)]
    pub data_types: Vec<DataType>,
    #[serde(default)]
    pub party_types_allowed: PartyTypesAllowed,
    #[serde(default)]
    pub auto_delete_on_process_end: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevent_instance_deletion_for_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_fields: Option<Vec<DataField>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_fields: Option<Vec<DataField>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_entry: Option<OnEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_box_config: Option<MessageBoxConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_instance_settings: Option<CopyInstanceSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_scopes: Option<ApiScopesConfiguration>,
    #[serde(default)]
    pub disallow_user_instantiation: bool,
}

impl Application {
    /// The data type with this id.
    pub fn data_type(&self, id: &str) -> Option<&DataType> {
        self.data_types.iter().find(|data_type| data_type.id == id)
    }

    /// The layout set that a stateless app opens with; none for an app that begins with an instance (app-api §20.7).
    pub fn stateless_set(&self) -> Option<&str> {
        let show = self.on_entry.as_ref()?.show.as_deref()?;
        (!matches!(show, "new-instance" | "select-instance" | "startpage")).then_some(show)
    }
}

/// One kind of data an instance may hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataType {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<BTreeMap<String, String>>,
    /// Absent or empty: every content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_content_types: Option<Vec<String>>,
    /// Legacy misspelling of `allowed_contributors`; wins when both are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_contributers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_contributors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_required_to_read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_required_to_write: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_logic: Option<ApplicationLogic>,
    /// The task the data belongs to: locked when it ends, unlocked when it starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<i64>,
    /// Zero or less: no limit.
    pub max_count: i64,
    /// Zero or less: optional.
    pub min_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grouping: Option<String>,
    #[serde(default = "yes")]
    pub enable_pdf_creation: bool,
    pub enable_file_scan: bool,
    pub validation_error_on_pending_file_scan: bool,
    pub enabled_file_analysers: Vec<String>,
    pub enabled_file_validators: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_keys_for_user_defined_metadata: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

impl DataType {
    /// Whether elements of this type are form data rather than files.
    pub fn is_form(&self) -> bool {
        self.class_ref().is_some()
    }

    /// The class that models the form data.
    pub fn class_ref(&self) -> Option<&str> {
        self.app_logic.as_ref()?.class_ref.as_deref()
    }

    /// The largest content in bytes, when the type limits it.
    pub fn max_bytes(&self) -> Option<u64> {
        let mebibytes = u64::try_from(self.max_size?).ok()?;
        Some(mebibytes.saturating_mul(1024 * 1024))
    }
}

/// What the application does with a form data type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationLogic {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_create: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_ref: Option<String>,
    pub allow_anonymous_on_stateless: bool,
    pub auto_delete_on_process_end: bool,
    pub disallow_user_create: bool,
    pub disallow_user_delete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow_fields: Option<ShadowFields>,
}

/// Fields that are dropped when the task ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShadowFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_to_data_type: Option<String>,
}

/// Which kinds of party may own instances. All false means all are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PartyTypesAllowed {
    pub bankruptcy_estate: bool,
    pub organisation: bool,
    pub person: bool,
    pub sub_unit: bool,
}

/// A field of the form data that is shown with the instance (`presentationTexts`, `dataValues`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataField {
    pub id: String,
    /// Dotted path in the data model.
    pub path: String,
    pub data_type_id: Option<String>,
}

/// What the frontend shows first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnEntry {
    /// `new-instance`, `select-instance`, `startpage`, or the id of a stateless layout set.
    pub show: Option<String>,
}

/// How instances may be copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CopyInstanceSettings {
    pub enabled: bool,
    pub excluded_data_types: Option<Vec<String>>,
    pub excluded_data_fields: Option<Vec<String>>,
    pub include_attachments: bool,
}

/// How the message box treats instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageBoxConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_settings: Option<HideSettings>,
}

/// When an instance is hidden from message box searches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HideSettings {
    pub hide_always: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_on_task: Option<Vec<String>>,
}

/// Scopes an app demands beyond the platform's own (app-api §20.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiScopesConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<ApiScopes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_owners: Option<ApiScopes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message_text_resource_key: Option<String>,
}

/// The scopes of one kind of caller. `[app]` stands for the name of the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiScopes {
    pub read: Option<String>,
    pub write: Option<String>,
    pub error_message_text_resource_key: Option<String>,
}
