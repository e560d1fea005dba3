//! What the process has been through: one row per event or task (platform-storage §2.2, app-process §2.9).

use mottak_apps::App;
use mottak_model::{InstanceEvent, InstanceId, PlatformUser, Time, event_type};

use crate::authentication::Caller;
use crate::data::load_for;
use crate::instances::read::require_read;
use crate::{Refusal, Service};

/// A row of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryItem {
    pub event_type: String,
    pub element_id: Option<String>,
    pub occured: Option<Time>,
    pub started: Option<Time>,
    pub ended: Option<Time>,
    /// National identity number, else the owner's code, else the organisation of a system user, else empty.
    pub performed_by: String,
}

/// The history of an instance's process.
pub async fn read(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Vec<HistoryItem>, Refusal> {
    require_read(svc, caller, id).await?;
    let events = svc.store.events(id).await?;
    Ok(history(&events))
}

/// The history of an instance's process, asked for through its app. An instance of another app is not there.
pub async fn read_of_app(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
) -> Result<Vec<HistoryItem>, Refusal> {
    load_for(svc, caller, app, id, "read").await?;
    let events = svc.store.events(id).await?;
    Ok(history(&events))
}

/// The events of the process as rows: start and end one each, a task one for all its visits. A
/// visit that was abandoned has ended too.
pub(crate) fn history(events: &[InstanceEvent]) -> Vec<HistoryItem> {
    let mut ordered: Vec<&InstanceEvent> =
        events.iter().filter(|event| event.event_type.starts_with("process")).collect();
    ordered.sort_by_key(|event| event.created);
    let mut items: Vec<HistoryItem> = Vec::new();
    for event in ordered {
        let process = event.process_info.clone().unwrap_or_default();
        let row = |element_id: Option<String>| HistoryItem {
            event_type: event.event_type.clone(),
            element_id,
            performed_by: event.user.as_ref().map(performer).unwrap_or_default(),
            ..HistoryItem::default()
        };
        let task = process.current_task_id().map(str::to_owned);
        match event.event_type.as_str() {
            event_type::PROCESS_START_EVENT => {
                let occured = process.started.or(Some(event.created));
                items.push(HistoryItem { occured, ..row(process.start_event) });
            }
            event_type::PROCESS_START_TASK => match find(&mut items, task.as_deref()) {
                Some(item) => item.started = Some(event.created),
                None => {
                    // compat: the first visit shows when the process started, if that is known.
                    let started = process.started.or(Some(event.created));
                    items.push(HistoryItem { occured: started, started, ..row(task) });
                }
            },
            event_type::PROCESS_END_TASK | event_type::PROCESS_ABANDON_TASK => {
                match find(&mut items, task.as_deref()) {
                    Some(item) => item.ended = Some(event.created),
                    None => {
                        let ended = Some(event.created);
                        items.push(HistoryItem { occured: process.ended.or(ended), ended, ..row(task) });
                    }
                }
            }
            event_type::PROCESS_END_EVENT => {
                items.push(HistoryItem { occured: process.ended, ..row(process.end_event) });
            }
            _ => {}
        }
    }
    items
}

fn find<'a>(items: &'a mut [HistoryItem], task: Option<&str>) -> Option<&'a mut HistoryItem> {
    let task = task?;
    items.iter_mut().find(|item| item.element_id.as_deref() == Some(task))
}

fn performer(user: &PlatformUser) -> String {
    let names = [&user.national_identity_number, &user.org_id, &user.system_user_owner_org_no];
    names.into_iter().flatten().next().cloned().unwrap_or_default()
}
