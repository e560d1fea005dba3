//! The storage API's JSON: the model's own form with links (platform-storage §1).

use mottak_model::{DataElement, Instance, InstanceId, ResourceLinks};
use mottak_service::Settings;
use serde::Serialize;

/// Sets the links of an instance and its elements.
pub fn link(instance: &mut Instance, settings: &Settings) {
    let mut here = format!("{}/storage/api/v1/instances/", settings.platform_url);
    instance.id.push_to(&mut here);
    for element in &mut instance.data {
        let id = element.id.hyphenated();
        element.self_links = links([here.as_str(), "/data/", id.encode_lower(&mut [0; 36])].concat());
    }
    instance.self_links = links(here);
}

/// Sets the link of one element of an instance, and answers it.
pub(super) fn link_element(element: &mut DataElement, instance: InstanceId, settings: &Settings) -> String {
    let link = format!("{}/storage/api/v1/instances/{instance}/data/{}", settings.platform_url, element.id);
    element.self_links = links(link.clone());
    link
}

fn links(platform: String) -> Option<ResourceLinks> {
    Some(ResourceLinks { apps: None, platform: Some(platform) })
}

/// A page of a list; `next` is null on the last one.
#[derive(Debug, Serialize)]
pub(super) struct QueryResponse {
    pub(super) count: usize,
    #[serde(rename = "self")]
    pub(super) this: Option<String>,
    pub(super) next: Option<String>,
    pub(super) instances: Vec<Instance>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataElementList {
    pub(super) data_elements: Vec<DataElement>,
}
