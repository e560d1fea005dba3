//! The start of a process: with a new instance, or of an instance that was made without one
//! (app-process §2.3, app-api §6.2).

use std::collections::BTreeMap;

use mottak_apps::App;
use mottak_model::InstanceId;
use mottak_process::Step;

use super::state::{ProcessView, view};
use super::steps::{self, Facts};
use super::{blocked, process_of};
use crate::authentication::Caller;
use crate::data::load_for;
use crate::draft::{Author, Draft};
use crate::{Problem, Refusal, Service, forms};

/// The way from a start event to the first task.
pub(crate) fn compute_start<'a>(app: &'a App, start_event: Option<&str>) -> Result<Vec<Step<'a>>, Refusal> {
    // There is no data yet that a condition could read.
    let mut rule = super::gateway::without_data(app);
    mottak_process::start(process_of(app)?, start_event, &mut rule)
        .map_err(|why| blocked("Process start failed.", &why))
}

/// Starts the process of an instance that has none.
pub async fn start(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    start_event: Option<&str>,
) -> Result<ProcessView, Refusal> {
    let _gate = svc.enter(id).await?;
    let instance = svc
        .retrying(async || {
            let snapshot = load_for(svc, caller, app, id, "instantiate").await?;
            if snapshot.instance.process.as_ref().is_some_and(|process| process.started.is_some()) {
                return Err(Refusal::Conflict(Problem::text("Process is already started. Use next.")).into());
            }
            let party = svc.register.party(id.party)?;
            let party = party.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
            let author = Author::of(svc, caller, app)?;
            let mut draft = Draft::of(svc, app, &author, &snapshot);
            let way = compute_start(app, start_event)?;
            steps::set_started(&mut draft, &way);
            let no_prefill = BTreeMap::new();
            let facts = Facts { party: &party, profile: forms::profile_of(svc, caller)?, prefill: &no_prefill };
            steps::enter_first_task(&mut draft, &way, &facts)?;
            draft.touch();
            svc.commit(Some(&snapshot.instance), draft.finish()).await
        })
        .await?;
    view(svc, caller, app, &instance)
}

/// The start events an instance without process may be started with; none while a task is current (legacy).
pub async fn next_elements(svc: &Service, caller: &Caller, app: &App, id: InstanceId) -> Result<Vec<String>, Refusal> {
    let snapshot = load_for(svc, caller, app, id, "read").await?;
    match &snapshot.instance.process {
        None => Ok(process_of(app)?.start_events.iter().map(|event| event.id.clone()).collect()),
        Some(process) if process.current_task.is_some() => Ok(Vec::new()),
        Some(_) => Err(Refusal::Conflict(Problem::text("Instance does not have valid info about currentTask"))),
    }
}
