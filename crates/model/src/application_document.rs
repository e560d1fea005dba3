//! An application's metadata as it is registered: every member the contract names, in its order
//! (platform-storage §1.10).
//!
//! [`Application`](crate::Application) is what the server acts on; this is what clients send and get back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::application::{
    ApiScopesConfiguration, CopyInstanceSettings, DataField, DataType, HideSettings, OnEntry, PartyTypesAllowed,
};
use crate::{AppId, Time};

/// The whole metadata of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationDocument {
    /// `{org}/{app}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Language code → title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    /// Set when the application is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_types: Option<Vec<DataType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_types_allowed: Option<PartyTypesAllowed>,
    pub auto_delete_on_process_end: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevent_instance_deletion_for_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_fields: Option<Vec<DataField>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_fields: Option<Vec<DataField>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_formidling: Option<EFormidling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_entry: Option<OnEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_box_config: Option<MessageBoxDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_instance_settings: Option<CopyInstanceSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_scopes: Option<ApiScopesConfiguration>,
    /// The platform's own; clients cannot change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_account_number: Option<i32>,
    pub disallow_user_instantiation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<Keyword>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AppAccess>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_points: Option<Vec<ContactPoint>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed_by: Option<String>,
}

impl ApplicationDocument {
    /// Says which application it is of.
    pub fn name(&mut self, id: &AppId) {
        self.id = Some(id.to_string());
        self.org = Some(id.org().to_owned());
    }
}

/// How instances are sent on through eFormidling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EFormidling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpf_shipment_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_after_task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    pub kind: Option<String>,
    pub security_level: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_types: Option<Vec<String>>,
}

/// How the message box and the Dialogporten adapter treat instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageBoxDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_settings: Option<HideSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_adapter_settings: Option<SyncAdapterSettings>,
}

/// What the Dialogporten adapter leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncAdapterSettings {
    pub disable_sync: bool,
    pub enable_user_supplied_dialog_id: bool,
    pub disable_create: bool,
    pub disable_delete: bool,
    pub disable_add_activities: bool,
    pub disable_add_transmissions: bool,
    pub disable_sync_due_at: bool,
    pub disable_sync_status: bool,
    pub disable_mark_completed_when_confirmed: bool,
    pub disable_sync_content_title: bool,
    pub disable_sync_content_summary: bool,
    pub disable_sync_content_additional_information: bool,
    pub disable_sync_content_extended_status: bool,
    pub disable_sync_attachments: bool,
    pub disable_sync_api_actions: bool,
    pub disable_sync_gui_actions: bool,
}

/// A word that people search for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keyword {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// How the right to use the application is described and handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppAccess {
    /// Language code → description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_description: Option<BTreeMap<String, String>>,
    pub delegable: bool,
    pub visible: bool,
}

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContactPoint {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_page: Option<String>,
}
