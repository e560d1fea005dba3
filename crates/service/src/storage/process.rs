//! The state of a process as an app's backend sets it (platform-storage §2.2, §3.1).

use std::sync::Arc;

use mottak_apps::App;
use mottak_model::{AppId, Guid, Instance, InstanceId, PlatformUser, ProcessState, event_type};
use serde::Deserialize;

use super::events::SentEvent;
use super::task;
use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::ports::Snapshot;
use crate::{Problem, Refusal, Service};

/// The type of a task in which somebody signs.
const SIGNING: &str = "signing";

/// A new state with the events that led to it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessStateUpdate {
    pub state: Option<ProcessState>,
    pub events: Option<Vec<SentEvent>>,
}

/// What becomes of what earlier visits of a task have generated, when it is entered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    Removed,
    Kept,
}

/// Sets the state of the process. What earlier visits generated is not looked at.
pub async fn set_state(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    state: &ProcessState,
) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let snapshot = load(svc, id).await?;
        let app = app_of(svc, &snapshot.instance)?;
        require_move(svc, caller, &app, &snapshot.instance, state)?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        enter(&mut draft, state.clone());
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

/// Sets the state of the process and records the events that led to it, in one commit.
pub async fn set_state_with_events(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    update: &ProcessStateUpdate,
    generated: Generated,
) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let snapshot = load(svc, id).await?;
        let events = update.events.as_deref().unwrap_or_default();
        for event in events {
            require_user(event.user.as_ref())?;
            require_instance(id, event.instance_id.as_deref())?;
        }
        let state = update.state.as_ref().ok_or_else(|| invalid("Invalid instance state"))?;
        let app = app_of(svc, &snapshot.instance)?;
        require_move(svc, caller, &app, &snapshot.instance, state)?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        if generated == Generated::Removed {
            remove_generated(&mut draft, state);
        }
        for event in events {
            let event = event.clone().into_event(id, draft.guid(), draft.now)?;
            draft.append(event);
        }
        enter(&mut draft, state.clone());
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

/// Where an instance stands and whose app it is, for the platform's own decisions.
pub async fn authorization_facts(svc: &Service, id: InstanceId) -> Result<(Option<ProcessState>, AppId), Refusal> {
    let snapshot = svc.load(id).await?.ok_or_else(|| {
        Refusal::NotFound(Problem::text(format!("Unable to find instance {id}: there is no such instance.")))
    })?;
    Ok((snapshot.instance.process, snapshot.instance.app_id))
}

async fn load(svc: &Service, id: InstanceId) -> Result<Snapshot, Refusal> {
    svc.load(id).await?.ok_or_else(|| Refusal::NotFound(Problem::bare()))
}

/// An instance whose app is gone cannot be judged, and that is nothing its client could mend.
fn app_of(svc: &Service, instance: &Instance) -> Result<Arc<App>, Refusal> {
    let app = &instance.app_id;
    svc.apps.get(app.org(), app.app()).ok_or_else(|| {
        Refusal::failed(format!("move the process of {}", instance.id), format!("the application {app} is not here"))
    })
}

/// Refuses a caller whom the policy does not let bring the process there (platform-storage §3.6).
fn require_move(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    state: &ProcessState,
) -> Result<(), Refusal> {
    let question = task::to_move(instance.process.as_ref(), state).ok_or_else(|| Refusal::forbidden("write"))?;
    svc.require_any(caller, app, instance, &question)
}

/// The process stands in its new state. A task in which somebody signs is told of.
fn enter(draft: &mut Draft<'_>, state: ProcessState) {
    let is_signing = state.current_task.as_ref().is_some_and(|task| task.altinn_task_type.as_deref() == Some(SIGNING));
    draft.set_process(state);
    if is_signing {
        draft.record(event_type::SENT_TO_SIGN, None);
    }
}

/// What an earlier visit of the new task has generated goes.
fn remove_generated(draft: &mut Draft<'_>, state: &ProcessState) {
    let Some(task) = state.current_task_id() else { return };
    let generated: Vec<Guid> =
        draft.instance.data.iter().filter(|it| it.is_generated_from_task(task)).map(|it| it.id).collect();
    for id in generated {
        draft.remove_element(id);
    }
}

/// An event has to say who did it; a system user with whose it is.
fn require_user(user: Option<&PlatformUser>) -> Result<(), Refusal> {
    let is_text = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let is_valid = user.is_some_and(|user| {
        let is_owned = user.system_user_id.is_none() || is_text(&user.system_user_owner_org_no);
        let is_somebody = user.user_id.is_some()
            || is_text(&user.org_id)
            || user.system_user_id.is_some()
            || user.end_user_system_id.is_some();
        is_somebody && is_owned
    });
    if is_valid { Ok(()) } else { Err(invalid("Invalid user object in User")) }
}

fn require_instance(id: InstanceId, sent: Option<&str>) -> Result<(), Refusal> {
    let Some(sent) = sent.map(str::trim).filter(|sent| !sent.is_empty()) else {
        return Err(invalid("Missing instance ID in InstanceEvent"));
    };
    if sent.parse().is_ok_and(|sent: InstanceId| sent == id) {
        return Ok(());
    }
    Err(invalid("Instance ID in InstanceEvent does not match the Instance ID"))
}

fn invalid(text: &str) -> Refusal {
    Refusal::Invalid(Problem::text(text))
}

#[cfg(test)]
mod tests {
    use mottak_testing::covers;

    use super::*;

    #[test]
    fn events_say_who_did_it() {
        let _rows = covers("platform-storage", &["P23", "P24"]);
        let nobody = PlatformUser::default;
        let owner_number = Some("405003309".to_owned());
        for user in [
            PlatformUser { user_id: Some(1), ..nobody() },
            PlatformUser { org_id: Some("ttd".to_owned()), ..nobody() },
            PlatformUser {
                system_user_id: Some(Guid::from_u128(1)),
                system_user_owner_org_no: owner_number.clone(),
                ..nobody()
            },
            PlatformUser { end_user_system_id: Some(1), ..nobody() },
        ] {
            assert!(require_user(Some(&user)).is_ok(), "{user:?}");
        }
        for user in [
            nobody(),
            PlatformUser { org_id: Some(" ".to_owned()), ..nobody() },
            PlatformUser { system_user_id: Some(Guid::from_u128(1)), ..nobody() },
            PlatformUser { user_id: Some(1), system_user_id: Some(Guid::from_u128(1)), ..nobody() },
            PlatformUser { system_user_owner_org_no: owner_number, ..nobody() },
        ] {
            assert!(require_user(Some(&user)).is_err(), "{user:?}");
        }
        assert!(require_user(None).is_err());
    }
}
