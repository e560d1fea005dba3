//! Instance events: the history of an instance (platform-storage §1.9).

use serde::{Deserialize, Serialize};

use crate::{Guid, InstanceId, ProcessState, Time};

/// One thing that happened to an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceEvent {
    pub id: Guid,
    pub instance_id: InstanceId,
    /// The data element concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_id: Option<String>,
    pub created: Time,
    /// One of [`event_type`], or what an application sent.
    pub event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_owner_party_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<PlatformUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_user: Option<PlatformUser>,
    /// The process as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_info: Option<ProcessState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<String>,
}

/// Who did it, as far as the token says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlatformUser {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i32>,
    /// Code of the application owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    pub authentication_level: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user_system_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_identity_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_user_id: Option<Guid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_user_owner_org_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_user_name: Option<String>,
}

/// The names of the events that the platform itself writes.
pub mod event_type {
    pub const CREATED: &str = "Created";
    pub const SAVED: &str = "Saved";
    /// Spelled as clients know it.
    pub const SUBMITTED: &str = "Submited";
    pub const DELETED: &str = "Deleted";
    pub const UNDELETED: &str = "Undeleted";
    pub const CONFIRMED_COMPLETE: &str = "ConfirmedComplete";
    pub const SUBSTATUS_UPDATED: &str = "SubstatusUpdated";
    pub const PROCESS_START_EVENT: &str = "process_StartEvent";
    pub const PROCESS_END_EVENT: &str = "process_EndEvent";
    pub const PROCESS_START_TASK: &str = "process_StartTask";
    pub const PROCESS_END_TASK: &str = "process_EndTask";
    pub const PROCESS_ABANDON_TASK: &str = "process_AbandonTask";
    pub const SIGNED: &str = "Signed";
    pub const SENT_TO_SIGN: &str = "SentToSign";

    /// Every name there is, those that only others write included.
    pub const ALL: [&str; 23] = [
        "None",
        CREATED,
        SAVED,
        SUBMITTED,
        DELETED,
        UNDELETED,
        CONFIRMED_COMPLETE,
        SUBSTATUS_UPDATED,
        PROCESS_START_EVENT,
        PROCESS_END_EVENT,
        PROCESS_START_TASK,
        PROCESS_END_TASK,
        PROCESS_ABANDON_TASK,
        SIGNED,
        SENT_TO_SIGN,
        "SentToPayment",
        "SentToSendIn",
        "SentToFormFill",
        "InstanceForwarded",
        "InstanceRightRevoked",
        "NotificationSentSms",
        "MessageArchived",
        "MessageRead",
    ];
}
