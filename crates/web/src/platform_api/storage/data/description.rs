//! The JSON in which an element is described (platform-storage §1.8, §2.4.7).

use mottak_model::{DeleteStatus, Guid, KeyValueEntry, Reference, Time};
use mottak_service::storage::data::describe::Description;
use serde::Deserialize;

/// A data element as it is sent; members that are not the sender's to set are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SentElement {
    id: Option<String>,
    instance_guid: Option<String>,
    data_type: Option<String>,
    locked: bool,
    refs: Option<Vec<Guid>>,
    references: Option<Vec<Reference>>,
    /// Without a word about them there are none; `null` leaves the member itself out.
    #[serde(default = "none_of_them")]
    tags: Option<Vec<String>>,
    user_defined_metadata: Option<Vec<KeyValueEntry>>,
    metadata: Option<Vec<KeyValueEntry>>,
    delete_status: Option<DeleteStatus>,
    last_changed: Option<Time>,
    last_changed_by: Option<String>,
}

const fn none_of_them() -> Option<Vec<String>> {
    Some(Vec::new())
}

impl SentElement {
    pub(super) fn into_description(self) -> Description {
        Description {
            id: self.id,
            instance_guid: self.instance_guid,
            data_type: self.data_type,
            locked: self.locked,
            refs: self.refs,
            references: self.references,
            tags: self.tags,
            user_defined_metadata: self.user_defined_metadata,
            metadata: self.metadata,
            delete_status: self.delete_status,
            last_changed: self.last_changed,
            last_changed_by: self.last_changed_by,
        }
    }
}
