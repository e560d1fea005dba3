//! Reading an instance, and what of it a caller sees (app-api §3.4, §20.1; platform-storage §2.1.2).

use std::sync::Arc;

use mottak_apps::App;
use mottak_model::{Instance, InstanceId, Party, ReadStatus};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::ports::{Change, Snapshot};
use crate::{Missing, Problem, Refusal, Service};

/// An instance as a caller may see it, with its owner's party.
#[derive(Clone, Debug)]
pub struct Shown {
    pub instance: Instance,
    pub party: Option<Arc<Party>>,
}

/// The instance for the application API. Whoever but the owner of the app reads it, has then read it.
pub async fn read(svc: &Service, caller: &Caller, app: &App, id: InstanceId) -> Result<Shown, Refusal> {
    let snapshot = crate::data::load_for(svc, caller, app, id, "read").await.map_err(Refusal::in_words)?;
    if !caller.is_service_owner_of(app.id.org()) {
        mark_read(svc, &snapshot).await;
    }
    show(svc, caller, app, snapshot.instance)
}

/// The instance for the platform's storage API.
pub async fn read_stored(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Instance, Refusal> {
    if caller.is_sync_adapter() {
        return svc.load(id).await?.map(|snapshot| snapshot.instance).ok_or_else(|| unknown(id.guid));
    }
    let (snapshot, _) = match load_stored(svc, caller, id, "read").await {
        // compat: the party in the path is not looked at; the policy is asked about the owner that is stored
        // (platform-authorization F07).
        Err(Refusal::NotFound(problem)) => match svc.store.find(id.guid).await? {
            Some(stored) if stored != id => load_stored(svc, caller, stored, "read").await?,
            _ => return Err(Refusal::NotFound(problem)),
        },
        other => other?,
    };
    let mut instance = snapshot.instance;
    if !caller.is_service_owner_of(&instance.org) {
        instance.data.retain(|element| !element.is_hard_deleted());
    }
    Ok(instance)
}

/// The id of an instance of which only the guid is known.
pub async fn find(svc: &Service, guid: mottak_model::Guid) -> Result<InstanceId, Refusal> {
    svc.store.find(guid).await?.ok_or_else(|| unknown(guid))
}

/// An instance and its app, for a caller whom the app's policy permits the action. 404 comes before 403.
pub(crate) async fn load_stored(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    action: &str,
) -> Result<(Snapshot, Arc<App>), Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = svc.load(id).await?.ok_or_else(|| unknown(id.guid))?;
    let app = app_of(svc, &snapshot.instance)?;
    svc.authorize(caller, action, Resource::instance(&app, &snapshot.instance))?;
    Ok((snapshot, app))
}

/// As [`load_stored`], for endpoints where the policy is asked first: an unknown instance is one nobody may use.
pub(crate) async fn load_permitted(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    action: &str,
) -> Result<(Snapshot, Arc<App>), Refusal> {
    match load_stored(svc, caller, id, action).await {
        Err(Refusal::NotFound(_)) => Err(Refusal::Forbidden(Missing::action(action))),
        other => other,
    }
}

/// As [`load_permitted`], but the sync adapter is let through to read, write and delete without the policy being asked
/// (platform-storage §0.3). `None`: it was let through to an instance that is not there.
pub(crate) async fn load_passed(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    action: &str,
) -> Result<Option<(Snapshot, Arc<App>)>, Refusal> {
    if !caller.is_sync_adapter() || !matches!(action, "read" | "write" | "delete") {
        return load_permitted(svc, caller, id, action).await.map(Some);
    }
    let Some(snapshot) = svc.load(id).await? else { return Ok(None) };
    let app = app_of(svc, &snapshot.instance)?;
    Ok(Some((snapshot, app)))
}

/// An instance and its app, for callers who are judged by what is stored.
pub(crate) async fn load_known(svc: &Service, id: InstanceId) -> Result<(Snapshot, Arc<App>), Refusal> {
    let snapshot = svc.load(id).await?.ok_or_else(|| unknown(id.guid))?;
    let app = app_of(svc, &snapshot.instance)?;
    Ok((snapshot, app))
}

/// That the caller may read what belongs to the instance, as platform routes ask that decide before they look
/// (`P:read`).
pub async fn require_read(svc: &Service, caller: &Caller, id: InstanceId) -> Result<(), Refusal> {
    if caller.is_sync_adapter() {
        return Ok(());
    }
    load_permitted(svc, caller, id, "read").await.map(drop)
}

/// The instance, if it is one of this app.
pub(crate) async fn load_of_app(svc: &Service, app: &App, id: InstanceId) -> Result<Snapshot, Refusal> {
    let snapshot = svc.load(id).await?.filter(|snapshot| snapshot.instance.app_id == app.id);
    snapshot.ok_or_else(|| Refusal::NotFound(Problem::bare()))
}

/// The app of an instance that is there.
pub(crate) fn app_of(svc: &Service, instance: &Instance) -> Result<Arc<App>, Refusal> {
    let app = svc.apps.get(instance.app_id.org(), instance.app_id.app());
    app.ok_or_else(|| {
        Refusal::NotFound(Problem::text(format!("Cannot find application {} in storage", instance.app_id)))
    })
}

/// The refusal for an instance that is not there.
pub(crate) fn unknown(guid: mottak_model::Guid) -> Refusal {
    Refusal::NotFound(Problem::text(format!("Unable to find instance {guid}")))
}

/// What the caller sees of an instance, and whose it is.
fn show(svc: &Service, caller: &Caller, app: &App, mut instance: Instance) -> Result<Shown, Refusal> {
    hide_unreadable(svc, caller, app, &mut instance)?;
    let party = svc.register.party(instance.id.party).map_err(|failure| {
        tracing::warn!(%failure, "an instance was not shown");
        Refusal::Unavailable(Problem::details("Register unavailable", "The register of parties did not answer."))
    })?;
    Ok(Shown { instance, party })
}

/// Takes the elements out that the caller may not read: those whose type asks for an action the policy does not permit,
/// those of a type the app no longer knows, and those that only wait for their removal.
pub(crate) fn hide_unreadable(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &mut Instance,
) -> Result<(), Refusal> {
    let is_owner = caller.is_service_owner_of(app.id.org());
    let mut asked: Vec<(String, bool)> = Vec::new();
    let mut hidden = Vec::new();
    for element in &instance.data {
        let is_shown = match app.application.data_type(&element.data_type) {
            None => is_owner,
            Some(data_type) => match data_type.action_required_to_read.as_deref().filter(|action| !action.is_empty()) {
                None => true,
                Some(action) => match asked.iter().find(|(known, _)| known == action) {
                    Some((_, answer)) => *answer,
                    None => {
                        let resource = Resource::instance(app, instance);
                        let answer = svc.access(caller, action, resource)?.is_permitted();
                        asked.push((action.to_owned(), answer));
                        answer
                    }
                },
            },
        };
        if !is_shown || element.is_hard_deleted() && !is_owner {
            hidden.push(element.id);
        }
    }
    instance.data.retain(|element| !hidden.contains(&element.id));
    Ok(())
}

/// Notes that the instance has been read. Reading must not fail because of this, so a lost race is left to the next
/// reader.
pub(crate) async fn mark_read(svc: &Service, snapshot: &Snapshot) {
    if snapshot.instance.status.read_status == ReadStatus::Read {
        return;
    }
    let mut change = Change::expecting(snapshot.instance.id, snapshot.version);
    let mut instance = snapshot.instance.clone();
    instance.data = Vec::new();
    instance.status.read_status = ReadStatus::Read;
    change.instance = Some(instance);
    if let Err(failure) = svc.store.commit(change).await {
        tracing::debug!(%failure, "the read status was not noted");
    }
}

/// Refuses an instance that is not one of this app.
pub async fn require_of_app(svc: &Service, app: &App, id: InstanceId) -> Result<(), Refusal> {
    load_of_app(svc, app, id).await.map(drop)
}

/// Refuses unless the policy permits the caller the action on the instance.
pub async fn require(svc: &Service, caller: &Caller, app: &App, id: InstanceId, action: &str) -> Result<(), Refusal> {
    crate::data::load_for(svc, caller, app, id, action).await.map(drop)
}
