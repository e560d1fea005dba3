//! The instance: one case of one application for one owner (platform-storage §1.2–1.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AppId, DataElement, Guid, InstanceId, PartyId, ProcessState, Time};

/// An instance in the storage form. `self_links` are rendered per response and never stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub id: InstanceId,
    pub instance_owner: InstanceOwner,
    pub app_id: AppId,
    pub org: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_links: Option<ResourceLinks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_before: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_after: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessState>,
    pub status: InstanceStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_confirmations: Option<Vec<CompleteConfirmation>>,
    /// In order of creation. Empty in the stored document: elements are rows of their own.
    #[serde(default)]
    pub data: Vec<DataElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_texts: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_values: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Assigned by the store at commit, strictly increasing. Absent in the stored document: it is a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed_by: Option<String>,
}

impl Instance {
    /// The data element with this id.
    pub fn element(&self, id: Guid) -> Option<&DataElement> {
        self.data.iter().find(|element| element.id == id)
    }

    /// The data elements of one data type, in order of creation.
    pub fn elements_of_type<'a>(&'a self, data_type: &'a str) -> impl Iterator<Item = &'a DataElement> {
        self.data.iter().filter(move |element| element.data_type == data_type)
    }

    /// The BPMN id of the current task.
    pub fn current_task_id(&self) -> Option<&str> {
        self.process.as_ref()?.current_task_id()
    }

    /// Whether the stakeholder has confirmed that it has what it needs.
    pub fn is_confirmed_by(&self, stakeholder: &str) -> bool {
        self.complete_confirmations.iter().flatten().any(|confirmation| confirmation.stakeholder_id == stakeholder)
    }
}

/// Whose instance it is. Exactly one of the identifying numbers or names is present beside the party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceOwner {
    /// Written as a decimal string.
    #[serde(serialize_with = "party_as_text", deserialize_with = "party_from_text")]
    pub party_id: PartyId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external_identifier: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn party_as_text<S: Serializer>(party: &PartyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(party)
}

fn party_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PartyId, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Where a resource is found. Either half may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLinks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// Archive, deletion and read status (platform-storage §1.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstanceStatus {
    pub is_archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<Time>,
    pub is_soft_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_deleted: Option<Time>,
    pub is_hard_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_deleted: Option<Time>,
    pub read_status: ReadStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substatus: Option<Substatus>,
}

/// Whether the owner has seen the instance. Numbers are those of the application API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadStatus {
    #[default]
    Unread = 0,
    Read = 1,
    UpdatedSinceLastReview = 2,
}

impl ReadStatus {
    /// From its name in any case, or its number as text.
    pub fn parse(text: &str) -> Option<Self> {
        [
            ("Unread", "0", Self::Unread),
            ("Read", "1", Self::Read),
            ("UpdatedSinceLastReview", "2", Self::UpdatedSinceLastReview),
        ]
        .into_iter()
        .find(|(name, number, _)| name.eq_ignore_ascii_case(text) || *number == text)
        .map(|(_, _, status)| status)
    }
}

/// What the application owner says about its handling. Both may be text resource keys; absent is written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Substatus {
    pub label: Option<String>,
    pub description: Option<String>,
}

/// A stakeholder's statement that it has fetched what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteConfirmation {
    /// Code of the confirming organisation.
    pub stakeholder_id: String,
    pub confirmed_on: Time,
}
