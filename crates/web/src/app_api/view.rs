//! The application API's JSON: nulls written, enums as numbers, links of the app beside those of the platform
//! (app-api §1.11, §21).

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use mottak_model::{
    AppId, CompleteConfirmation, DataElement, DeleteStatus, FlowType, Guid, Instance, InstanceId, KeyValueEntry, Party,
    ProcessElement, ProcessState, Reference, Substatus, Time,
};
use mottak_process::ActionKind;
use mottak_service::Settings;
use mottak_service::process::history::HistoryItem;
use mottak_service::process::state::{ProcessView, TaskPermissions};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// Where the resources of an app are found, spelled as the request spells it.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// `https://host/org/app`
    app: String,
    /// `https://platform.host`
    platform: String,
}

impl Links {
    /// From the request: the host it names and the path before `/instances`.
    pub(super) fn of(headers: &HeaderMap, path: &str, settings: &Settings) -> Self {
        let host = host(headers);
        let is_instances = |part: &[u8]| part.eq_ignore_ascii_case(b"/instances");
        let end = path.as_bytes().windows(10).position(is_instances).unwrap_or(path.len());
        let base = path.get(..end).unwrap_or(path).trim_end_matches('/');
        Self { app: format!("{}://{host}{base}", settings.app_link_scheme), platform: settings.platform_url.clone() }
    }

    /// Where the application API has the instance.
    pub(super) fn instance(&self, id: InstanceId) -> String {
        link(&self.app, "/instances/", id, None)
    }

    /// Where the application API has the data element.
    pub(super) fn element(&self, id: InstanceId, element: Guid) -> String {
        link(&self.app, "/instances/", id, Some(element))
    }

    fn instance_links(&self, id: InstanceId) -> BothLinks {
        BothLinks { apps: self.instance(id), platform: link(&self.platform, PLATFORM_INSTANCES, id, None) }
    }

    fn element_links(&self, id: InstanceId, element: Guid) -> BothLinks {
        BothLinks {
            apps: self.element(id, element),
            platform: link(&self.platform, PLATFORM_INSTANCES, id, Some(element)),
        }
    }
}

/// Where a browser shows the instance.
pub(super) fn page_of(headers: &HeaderMap, settings: &Settings, app: &AppId, id: InstanceId) -> String {
    format!("{}://{}/{app}/#/instance/{id}", settings.app_link_scheme, host(headers))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}

const PLATFORM_INSTANCES: &str = "/storage/api/v1/instances/";

fn link(base: &str, instances: &str, id: InstanceId, element: Option<Guid>) -> String {
    let mut link = String::with_capacity(base.len() + instances.len() + 96);
    link.push_str(base);
    link.push_str(instances);
    id.push_to(&mut link);
    if let Some(element) = element {
        link.push_str("/data/");
        link.push_str(element.hyphenated().encode_lower(&mut [0; 36]));
    }
    link
}

#[derive(Debug, Serialize)]
struct BothLinks {
    apps: String,
    platform: String,
}

/// An instance, with its owner's party where that was looked up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceView<'a> {
    id: InstanceId,
    instance_owner: OwnerView<'a>,
    app_id: &'a str,
    org: &'a str,
    self_links: BothLinks,
    due_before: Option<Time>,
    visible_after: Option<Time>,
    process: Option<StateView<'a>>,
    status: StatusView<'a>,
    complete_confirmations: Option<&'a [CompleteConfirmation]>,
    data: Vec<ElementView<'a>>,
    presentation_texts: Option<&'a BTreeMap<String, String>>,
    data_values: Option<&'a BTreeMap<String, String>>,
    created: Option<Time>,
    created_by: Option<&'a str>,
    last_changed: Option<Time>,
    last_changed_by: Option<&'a str>,
}

impl<'a> InstanceView<'a> {
    /// The instance alone.
    pub(super) fn stored(instance: &'a Instance, links: &Links) -> Self {
        Self::with_party(instance, None, links)
    }

    /// The instance with its owner's party.
    pub(super) fn with_party(instance: &'a Instance, party: Option<&'a Party>, links: &Links) -> Self {
        let owner = &instance.instance_owner;
        Self {
            id: instance.id,
            instance_owner: OwnerView {
                party_id: owner.party_id.to_string(),
                person_number: owner.person_number.as_deref(),
                organisation_number: owner.organisation_number.as_deref(),
                username: owner.username.as_deref(),
                external_identifier: owner.external_identifier.as_deref(),
                party: party.map(PartyView::of),
            },
            app_id: instance.app_id.as_str(),
            org: &instance.org,
            self_links: links.instance_links(instance.id),
            due_before: instance.due_before,
            visible_after: instance.visible_after,
            process: instance.process.as_ref().map(StateView::of),
            status: StatusView {
                is_archived: instance.status.is_archived,
                archived: instance.status.archived,
                is_soft_deleted: instance.status.is_soft_deleted,
                soft_deleted: instance.status.soft_deleted,
                is_hard_deleted: instance.status.is_hard_deleted,
                hard_deleted: instance.status.hard_deleted,
                read_status: instance.status.read_status as u8,
                substatus: instance.status.substatus.as_ref(),
            },
            complete_confirmations: instance.complete_confirmations.as_deref(),
            data: instance.data.iter().map(|element| ElementView::of(instance.id, element, links)).collect(),
            presentation_texts: instance.presentation_texts.as_ref(),
            data_values: instance.data_values.as_ref(),
            created: instance.created,
            created_by: instance.created_by.as_deref(),
            last_changed: instance.last_changed,
            last_changed_by: instance.last_changed_by.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerView<'a> {
    party_id: String,
    person_number: Option<&'a str>,
    organisation_number: Option<&'a str>,
    username: Option<&'a str>,
    external_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<PartyView<'a>>,
}

/// The owner's party; empty texts count as none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartyView<'a> {
    party_id: i32,
    party_uuid: Option<Guid>,
    party_type_name: u8,
    ssn: Option<&'a str>,
    org_number: Option<&'a str>,
    unit_type: Option<&'a str>,
    name: Option<&'a str>,
    is_deleted: bool,
}

impl<'a> PartyView<'a> {
    fn of(party: &'a Party) -> Self {
        fn given(text: Option<&str>) -> Option<&str> {
            text.filter(|text| !text.is_empty())
        }
        Self {
            party_id: party.party_id.get(),
            party_uuid: party.party_uuid,
            party_type_name: party.party_type as u8,
            ssn: given(party.ssn.as_deref()),
            org_number: given(party.org_number.as_deref()),
            unit_type: given(party.unit_type.as_deref()),
            name: given(party.name.as_deref()),
            is_deleted: party.is_deleted,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusView<'a> {
    is_archived: bool,
    archived: Option<Time>,
    is_soft_deleted: bool,
    soft_deleted: Option<Time>,
    is_hard_deleted: bool,
    hard_deleted: Option<Time>,
    read_status: u8,
    substatus: Option<&'a Substatus>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateView<'a> {
    started: Option<Time>,
    start_event: Option<&'a str>,
    current_task: Option<TaskView<'a>>,
    ended: Option<Time>,
    end_event: Option<&'a str>,
}

impl<'a> StateView<'a> {
    fn of(state: &'a ProcessState) -> Self {
        Self {
            started: state.started,
            start_event: state.start_event.as_deref(),
            current_task: state.current_task.as_ref().map(TaskView::of),
            ended: state.ended,
            end_event: state.end_event.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskView<'a> {
    flow: Option<i32>,
    started: Option<Time>,
    element_id: Option<&'a str>,
    name: Option<&'a str>,
    altinn_task_type: Option<&'a str>,
    ended: Option<Time>,
    /// Never set; clients know the member.
    validated: Option<()>,
    flow_type: Option<FlowType>,
}

impl<'a> TaskView<'a> {
    fn of(task: &'a ProcessElement) -> Self {
        Self {
            flow: task.flow,
            started: task.started,
            element_id: task.element_id.as_deref(),
            name: task.name.as_deref(),
            altinn_task_type: task.altinn_task_type.as_deref(),
            ended: task.ended,
            validated: None,
            flow_type: task.flow_type,
        }
    }
}

/// A data element.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ElementView<'a> {
    id: Guid,
    instance_guid: Guid,
    data_type: &'a str,
    filename: Option<&'a str>,
    content_type: Option<&'a str>,
    blob_storage_path: Option<&'a str>,
    self_links: BothLinks,
    size: u64,
    content_hash: Option<&'a str>,
    locked: bool,
    refs: Option<&'a [Guid]>,
    is_read: bool,
    tags: &'a [String],
    user_defined_metadata: Option<&'a [KeyValueEntry]>,
    metadata: Option<&'a [KeyValueEntry]>,
    delete_status: Option<&'a DeleteStatus>,
    file_scan_result: mottak_model::FileScanResult,
    references: Option<&'a [Reference]>,
    created: Option<Time>,
    created_by: Option<&'a str>,
    last_changed: Option<Time>,
    last_changed_by: Option<&'a str>,
}

impl<'a> ElementView<'a> {
    /// The element of this instance.
    pub(super) fn of(instance: InstanceId, element: &'a DataElement, links: &Links) -> Self {
        Self {
            id: element.id,
            instance_guid: element.instance_guid,
            data_type: &element.data_type,
            filename: element.filename.as_deref(),
            content_type: element.content_type.as_deref(),
            blob_storage_path: element.blob_storage_path.as_deref(),
            self_links: links.element_links(instance, element.id),
            size: element.size,
            content_hash: element.content_hash.as_deref(),
            locked: element.locked,
            refs: element.refs.as_deref(),
            is_read: element.is_read,
            tags: element.tags.as_deref().unwrap_or_default(),
            user_defined_metadata: element.user_defined_metadata.as_deref(),
            metadata: element.metadata.as_deref(),
            delete_status: element.delete_status.as_ref(),
            file_scan_result: element.file_scan_result,
            references: element.references.as_deref(),
            created: element.created,
            created_by: element.created_by.as_deref(),
            last_changed: element.last_changed,
            last_changed_by: element.last_changed_by.as_deref(),
        }
    }
}

/// A process with what the caller may do in it (app-api §21.4).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppProcessState<'a> {
    current_task: Option<PermittedTask<'a>>,
    process_tasks: Vec<TaskSummaryView<'a>>,
    started: Option<Time>,
    start_event: Option<&'a str>,
    ended: Option<Time>,
    end_event: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskSummaryView<'a> {
    altinn_task_type: &'a str,
    element_id: &'a str,
    element_type: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PermittedTask<'a> {
    actions: Actions<'a>,
    user_actions: Vec<UserActionView<'a>>,
    read: bool,
    write: bool,
    element_type: Option<&'a str>,
    #[serde(flatten)]
    task: TaskView<'a>,
}

#[derive(Debug, Serialize)]
struct UserActionView<'a> {
    id: &'a str,
    authorized: bool,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The process actions as a map.
#[derive(Debug)]
struct Actions<'a>(&'a TaskPermissions);

impl Serialize for Actions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for action in self.0.actions.iter().filter(|action| action.kind == ActionKind::Process) {
            map.serialize_entry(&action.id, &action.is_authorized)?;
        }
        map.end()
    }
}

impl<'a> AppProcessState<'a> {
    /// As the caller may see it.
    pub(super) fn of(view: &'a ProcessView) -> Self {
        let permitted = |permissions: &'a TaskPermissions| {
            let task = view.state.current_task.as_ref()?;
            Some(PermittedTask {
                actions: Actions(permissions),
                user_actions: permissions
                    .actions
                    .iter()
                    .map(|action| UserActionView {
                        id: &action.id,
                        authorized: action.is_authorized,
                        kind: match action.kind {
                            ActionKind::Process => "ProcessAction",
                            ActionKind::Server => "ServerAction",
                        },
                    })
                    .collect(),
                read: permissions.read,
                write: permissions.write,
                element_type: permissions.element_type,
                task: TaskView::of(task),
            })
        };
        Self {
            current_task: view.permissions.as_ref().and_then(permitted),
            process_tasks: view
                .tasks
                .iter()
                .map(|task| TaskSummaryView {
                    altinn_task_type: &task.task_type,
                    element_id: &task.id,
                    element_type: task.element_type,
                })
                .collect(),
            started: view.state.started,
            start_event: view.state.start_event.as_deref(),
            ended: view.state.ended,
            end_event: view.state.end_event.as_deref(),
        }
    }
}

/// The history of a process.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryView<'a> {
    process_history: Vec<HistoryItemView<'a>>,
}

/// Unset members are written as null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryItemView<'a> {
    event_type: &'a str,
    element_id: Option<&'a str>,
    occured: Option<Time>,
    started: Option<Time>,
    ended: Option<Time>,
    performed_by: &'a str,
}

impl<'a> HistoryView<'a> {
    /// All rows.
    pub(super) fn of(items: &'a [HistoryItem]) -> Self {
        let row = |item: &'a HistoryItem| HistoryItemView {
            event_type: &item.event_type,
            element_id: item.element_id.as_deref(),
            occured: item.occured,
            started: item.started,
            ended: item.ended,
            performed_by: &item.performed_by,
        };
        Self { process_history: items.iter().map(row).collect() }
    }
}

/// One of the instances a party has in progress.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SimpleInstanceView<'a> {
    pub(super) id: InstanceId,
    pub(super) presentation_texts: Option<&'a BTreeMap<String, String>>,
    pub(super) due_before: Option<Time>,
    pub(super) last_changed: Option<Time>,
    /// A name for people; empty when there is none.
    pub(super) last_changed_by: String,
}
