//! The data element: one form or one file of an instance (platform-storage §1.8).

use serde::{Deserialize, Serialize};

use crate::{Guid, ResourceLinks, Time};

/// A data element in the storage form. `self_links` are rendered per response and never stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataElement {
    pub id: Guid,
    pub instance_guid: Guid,
    /// Id of a data type of the application.
    pub data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The full header value, parameters included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `{org}/{app}/{instanceGuid}/data/{dataGuid}`; clients see it, nothing is found by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_storage_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_links: Option<ResourceLinks>,
    /// Bytes of the content as it was sent.
    #[serde(default)]
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    #[serde(default)]
    pub locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refs: Option<Vec<Guid>>,
    #[serde(default = "yes")]
    pub is_read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_defined_metadata: Option<Vec<KeyValueEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Vec<KeyValueEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_status: Option<DeleteStatus>,
    #[serde(default)]
    pub file_scan_result: FileScanResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<Reference>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Assigned by the store at commit when the change touches the element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed_by: Option<String>,
}

const fn yes() -> bool {
    true
}

impl DataElement {
    /// A new element without content, as POST data makes it.
    pub fn new(id: Guid, instance_guid: Guid, data_type: &str) -> Self {
        Self {
            id,
            instance_guid,
            data_type: data_type.to_owned(),
            filename: None,
            content_type: None,
            blob_storage_path: None,
            self_links: None,
            size: 0,
            content_hash: None,
            locked: false,
            refs: None,
            is_read: true,
            tags: Some(Vec::new()),
            user_defined_metadata: None,
            metadata: None,
            delete_status: None,
            file_scan_result: FileScanResult::NotApplicable,
            references: None,
            created: None,
            created_by: None,
            last_changed: None,
            last_changed_by: None,
        }
    }

    /// Whether the element is marked as deleted and only kept for its application owner.
    pub fn is_hard_deleted(&self) -> bool {
        self.delete_status.as_ref().is_some_and(|status| status.is_hard_deleted)
    }

    /// Whether the element was made by the platform in this task and goes when the task is entered again.
    pub fn is_generated_from_task(&self, task: &str) -> bool {
        self.references.iter().flatten().any(|reference| {
            reference.relation == Some(ReferenceRelation::GeneratedFrom)
                && reference.value_type == Some(ReferenceType::Task)
                && reference.value.as_deref() == Some(task)
        })
    }
}

/// A delayed deletion. Absent is written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeleteStatus {
    pub is_hard_deleted: bool,
    pub hard_deleted: Option<Time>,
}

/// A pair of the metadata lists. Keys need not be unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValueEntry {
    pub key: Option<String>,
    pub value: Option<String>,
}

/// What the virus scanner found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileScanResult {
    /// The data type is not scanned.
    #[default]
    NotApplicable,
    Pending,
    Clean,
    Infected,
}

/// What an element was made from. Absent is written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference {
    pub value: Option<String>,
    pub relation: Option<ReferenceRelation>,
    pub value_type: Option<ReferenceType>,
}

/// The only relation there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferenceRelation {
    GeneratedFrom,
}

/// What kind of thing a reference's value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferenceType {
    DataElement,
    Task,
}
