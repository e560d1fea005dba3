//! Instances as the designer of an app sees them: what helps to find and understand one, nothing of its owner
//! (platform-storage §1.15, §2.9).

use mottak_model::{
    AppId, CompleteConfirmation, DataElement, FileScanResult, Guid, Instance, PlatformUser, ReadStatus, Time,
};
use serde::{Serialize, Serializer};

use crate::draft::Author;
use crate::instances::life::{Deletion, deletion};
use crate::instances::query::{ListRequest, Token};
use crate::ports::{Order, Snapshot};
use crate::{Problem, Refusal, Service};

/// The parameters that a list takes; others are ignored.
const PARAMETERS: [&str; 10] = [
    "process.currentTask",
    "process.isComplete",
    "lastChanged",
    "created",
    "confirmed",
    "status.isSoftDeleted",
    "status.isHardDeleted",
    "status.isArchived",
    "continuationToken",
    "size",
];

/// Instances of a page that does not say how many it wants.
const SIZE: usize = 10;

/// An instance, without what is personal.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleInstance {
    pub id: Guid,
    pub org: String,
    pub app: String,
    pub is_read: bool,
    pub current_task_id: Option<String>,
    pub current_task_name: Option<String>,
    #[serde(serialize_with = "with_offset")]
    pub completed_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub archived_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub soft_deleted_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub hard_deleted_at: Option<Time>,
    /// The first confirmation, whoever gave it.
    #[serde(serialize_with = "with_offset")]
    pub confirmed_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub created_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub last_changed_at: Option<Time>,
}

/// An instance with its elements.
#[derive(Clone, Debug, Serialize)]
pub struct SimpleInstanceDetails {
    pub data: Vec<SimpleDataElement>,
    #[serde(flatten)]
    pub instance: SimpleInstance,
}

/// A data element, without its file name.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleDataElement {
    pub id: Guid,
    pub data_type: String,
    pub content_type: Option<String>,
    /// Bytes.
    pub size: u64,
    pub locked: bool,
    pub is_read: bool,
    pub file_scan_result: FileScanResult,
    #[serde(serialize_with = "with_offset")]
    pub hard_deleted_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub created_at: Option<Time>,
    #[serde(serialize_with = "with_offset")]
    pub last_changed_at: Option<Time>,
}

/// A page of instances and the token of the next one.
#[derive(Clone, Debug)]
pub struct SimpleInstances {
    pub instances: Vec<SimpleInstance>,
    pub next: Option<String>,
}

/// The instances of an app that match the parameters, newest first.
pub async fn list(svc: &Service, app: AppId, parameters: &[(&str, &str)]) -> Result<SimpleInstances, Refusal> {
    let is_named = |wanted: &str, name: &str| wanted.eq_ignore_ascii_case(name);
    let known = parameters.iter().copied().filter(|(name, _)| PARAMETERS.iter().any(|wanted| is_named(wanted, name)));
    let mut request = ListRequest::parse(known)?;
    let value = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| is_named(wanted, name));
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    };
    if value("size").is_none() {
        request.query.size = SIZE;
    }
    if let Some(reference) = value("archiveReference") {
        let digits = reference.to_ascii_lowercase().replace('-', "");
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(SimpleInstances { instances: Vec::new(), next: None });
        }
        request.query.reference = Some(digits);
    }
    request.query.org = Some(app.org().to_owned());
    request.query.app = Some(app);
    request.query.order = Order::Descending;
    request.query.include_elements = false;
    let query = request.into_query()?;
    let token = Token::of(&query);
    let page = svc.store.search(query).await?;
    let instances = page.instances.iter().map(SimpleInstance::of).collect();
    Ok(SimpleInstances { instances, next: page.next.map(|cursor| token.write(cursor)) })
}

/// One instance of an app.
pub async fn read(svc: &Service, app: &AppId, guid: Guid) -> Result<SimpleInstanceDetails, Refusal> {
    let found = load(svc, app, guid).await?;
    let snapshot = found.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
    let instance = snapshot.instance;
    let data = instance.data.iter().map(SimpleDataElement::of).collect();
    Ok(SimpleInstanceDetails { data, instance: SimpleInstance::of(&instance) })
}

/// Deletes an instance of an app in its owner's name, so that it can be had back.
pub async fn delete(svc: &Service, app: &AppId, guid: Guid) -> Result<(), Refusal> {
    let not_found = |text: String| Refusal::NotFound(Problem::text(text));
    let unknown = || not_found(format!("Didn't find the object that should be deleted with instanceId={guid}"));
    let id = load(svc, app, guid).await?.ok_or_else(unknown)?.instance.id;
    let loaded = svc.apps.get(app.org(), app.app());
    let loaded = loaded.ok_or_else(|| not_found(format!("Cannot find application {app} in storage")))?;
    let number = svc.register.org_number_of(app.org())?;
    let number = number.ok_or_else(|| Refusal::failed("delete an instance", "its owner has no organisation number"))?;
    let user = PlatformUser { org_id: Some(app.org().to_owned()), ..PlatformUser::default() };
    let author = Author { performed_by: Some(number), process_user: user.clone(), user, is_owner: true };
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let snapshot = svc.load(id).await?.ok_or_else(unknown)?;
        if snapshot.instance.status.is_soft_deleted {
            return Ok(());
        }
        let mut draft = deletion(svc, &loaded, &author, &snapshot, Deletion::Soft).await?;
        draft.amend_last_event(|event| {
            event.additional_info = Some("Instance soft deleted by app owner via Altinn Studio".to_owned());
        });
        svc.commit(Some(&snapshot.instance), draft.finish()).await.map(drop)
    })
    .await
}

/// The instance with this guid, if it is one of the app.
async fn load(svc: &Service, app: &AppId, guid: Guid) -> Result<Option<Snapshot>, Refusal> {
    let Some(id) = svc.store.find(guid).await? else { return Ok(None) };
    Ok(svc.load(id).await?.filter(|snapshot| snapshot.instance.app_id == *app))
}

impl SimpleInstance {
    fn of(instance: &Instance) -> Self {
        let Instance { status, process, .. } = instance;
        let task = process.as_ref().and_then(|process| process.current_task.as_ref());
        let confirmations = instance.complete_confirmations.iter().flatten();
        let confirmed: Option<&CompleteConfirmation> = confirmations.min_by_key(|given| given.confirmed_on);
        Self {
            id: instance.id.guid,
            org: instance.org.clone(),
            app: instance.app_id.app().to_owned(),
            is_read: status.read_status != ReadStatus::Unread,
            current_task_id: task.and_then(|task| task.element_id.clone()),
            current_task_name: task.and_then(|task| task.name.clone()),
            completed_at: process.as_ref().and_then(|process| process.ended),
            archived_at: status.archived,
            soft_deleted_at: status.soft_deleted,
            hard_deleted_at: status.hard_deleted,
            confirmed_at: confirmed.map(|given| given.confirmed_on),
            created_at: instance.created,
            last_changed_at: instance.last_changed,
        }
    }
}

impl SimpleDataElement {
    fn of(element: &DataElement) -> Self {
        Self {
            id: element.id,
            data_type: element.data_type.clone(),
            content_type: element.content_type.clone(),
            size: element.size,
            locked: element.locked,
            is_read: element.is_read,
            file_scan_result: element.file_scan_result,
            hard_deleted_at: element.delete_status.as_ref().and_then(|status| status.hard_deleted),
            created_at: element.created,
            last_changed_at: element.last_changed,
        }
    }
}

/// These types alone are written with a numeric offset (platform-storage §0.2).
#[expect(clippy::ref_option, reason = "serde hands over a reference")]
fn with_offset<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&format_args!("{}+00:00", time.to_string().trim_end_matches('Z'))),
        None => serializer.serialize_none(),
    }
}
