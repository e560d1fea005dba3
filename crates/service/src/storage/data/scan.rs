//! Virus scans: what is asked of the scanner, and what it answers (platform-storage §1.16, §2.4.8).

use mottak_model::{DataElement, FileScanResult, Guid, Instance, InstanceId, Time};
use serde::{Deserialize, Serialize};

use super::element_of;
use crate::data::ElementId;
use crate::ports::{Body, Change, ElementChange, ElementPut, Job};
use crate::{Problem, Refusal, Service};

/// The kind of the jobs that hand a content to the scanner. Their body is a [`FileScanRequest`].
pub const FILE_SCAN: &str = "file-scan";

/// What the scanner is asked to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileScanRequest {
    pub data_element_id: Guid,
    pub instance_id: InstanceId,
    pub filename: Option<String>,
    /// When the content was written.
    pub timestamp: Time,
    pub blob_storage_path: Option<String>,
    pub org: String,
    /// Always null: there is one place for everything.
    pub storage_account_number: Option<i32>,
}

/// The job that has the content of an element scanned, written at `now`.
pub(crate) fn job(instance: &Instance, element: &DataElement, now: Time) -> Job {
    let request = FileScanRequest {
        data_element_id: element.id,
        instance_id: instance.id,
        filename: element.filename.clone(),
        timestamp: now,
        blob_storage_path: element.blob_storage_path.clone(),
        org: instance.org.clone(),
        storage_account_number: None,
    };
    let body = serde_json::to_string(&request).expect("texts, numbers and times can be written");
    Job { kind: FILE_SCAN.to_owned(), body, due: now }
}

/// Notes what the scanner found. Nothing else of the element changes, and the instance is not touched.
pub async fn set_result(svc: &Service, id: ElementId, result: FileScanResult) -> Result<(), Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let unknown = || Refusal::NotFound(Problem::text(format!("Unable to find instance {}", id.instance.guid)));
        let snapshot = svc.load(id.instance).await?.ok_or_else(unknown)?;
        let element = element_of(&snapshot.instance, id.element)?;
        let element = DataElement { file_scan_result: result, ..element.clone() };
        let mut change = Change::expecting(id.instance, snapshot.version);
        let put = ElementPut { element, touch: false, body: Body::Keep };
        change.elements.push(ElementChange::Put(Box::new(put)));
        svc.commit(Some(&snapshot.instance), change).await.map(drop)
    })
    .await
}

/// Whether the element is there.
pub async fn exists(svc: &Service, id: ElementId) -> Result<bool, Refusal> {
    let snapshot = svc.load(id.instance).await?;
    Ok(snapshot.is_some_and(|snapshot| snapshot.instance.element(id.element).is_some()))
}
