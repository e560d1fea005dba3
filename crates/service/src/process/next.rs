//! Moving the process (app-api §6.4, §6.5; app-process §2.4).
//!
//! A move is one commit: the state, the locks, the forms, the history. Two moves at once: one wins, the other is told
//! so before it does anything.

use std::collections::BTreeMap;

use mottak_apps::App;
use mottak_model::{Instance, InstanceId, ProcessElement};
use mottak_process::{FlowType, MAX_SERVICE_TASKS_IN_A_ROW, Task, TaskType};

use super::state::{ProcessView, view};
use super::steps::{self, Facts};
use super::{MOVE_FAILED, blocked, finish, gateway, process_of};
use crate::authentication::Caller;
use crate::authorization::{Access, Resource};
use crate::draft::{Author, Draft};
use crate::evaluation::Situation;
use crate::instances::read::load_of_app;
use crate::ports::Snapshot;
use crate::refusal::ProblemKind;
use crate::validation::{self, Changed, Selection};
use crate::{Missing, Problem, Refusal, Service, forms};

/// A request to move on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextRequest {
    /// What is done with the current task; none: it is completed.
    pub action: Option<String>,
    /// ISO 639-1, for the texts of validation.
    pub language: Option<String>,
}

/// Leaves the current task.
pub async fn next(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    request: &NextRequest,
) -> Result<ProcessView, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = load_of_app(svc, app, id).await?;
    let task = current_task(app, &snapshot.instance)?;
    authorize(svc, caller, app, &snapshot.instance, task, request.action.as_deref())?;
    let seen = visit_of(&snapshot.instance);

    let _move = svc.begin_move(id).ok_or_else(|| Refusal::Conflict(Problem::bare()))?;
    let _gate = svc.enter(id).await?;
    let mut instance = leave(svc, caller, app, id, request, seen.as_ref()).await?;
    // Tasks that run by themselves are part of the move that enters them.
    let on = NextRequest { action: None, language: request.language.clone() };
    for _ in 0..MAX_SERVICE_TASKS_IN_A_ROW {
        let is_automatic = current_task(app, &instance).is_ok_and(|task| task.is_automatic);
        if !is_automatic {
            return view(svc, caller, app, &instance);
        }
        let seen = visit_of(&instance);
        instance = leave(svc, caller, app, id, &on, seen.as_ref()).await?;
    }
    Err(Refusal::Stuck(Problem::details("Process loop detected", "Too many tasks in a row run by themselves.")))
}

/// Leaves one task after the other until the process has ended.
pub async fn complete(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    language: Option<String>,
) -> Result<ProcessView, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = load_of_app(svc, app, id).await?;
    let mut instance = snapshot.instance;
    let Some(state) = &instance.process else {
        return Err(Refusal::Conflict(Problem::titled("Process is not started. Use start!")));
    };
    if state.is_ended() {
        return Err(Refusal::Conflict(Problem::text("Process is ended. It cannot be restarted.")));
    }
    if state.current_task.is_none() && state.start_event.is_none() {
        return Err(Refusal::Conflict(Problem::text("Instance does not have valid currentTask")));
    }
    let _move = svc.begin_move(id).ok_or_else(|| Refusal::Conflict(Problem::bare()))?;
    let _gate = svc.enter(id).await?;
    for _ in 0..MAX_SERVICE_TASKS_IN_A_ROW {
        if instance.current_task_id().is_none() {
            return view(svc, caller, app, &instance);
        }
        let task = current_task(app, &instance)?;
        if !may_leave(svc, caller, app, &instance, task, None)? {
            return Err(Refusal::forbidden(task.task_type.default_action().unwrap_or("write")));
        }
        let action = task.task_type.default_action().map(str::to_owned);
        let request = NextRequest { action, language: language.clone() };
        let seen = visit_of(&instance);
        instance = leave(svc, caller, app, id, &request, seen.as_ref()).await?;
    }
    let detail = "More than 101 iterations detected in process. Possible loop. Fix app process definition!";
    Err(Refusal::Stuck(Problem::text(detail)))
}

/// The task the process stands in, or the refusal that says where it stands instead.
fn current_task<'a>(app: &'a App, instance: &Instance) -> Result<&'a Task, Refusal> {
    let refuse = |detail: &str| {
        let problem = Problem { title: None, detail: Some(detail.to_owned()), kind: ProblemKind::ProcessIssues(None) };
        Err(Refusal::Conflict(problem))
    };
    let Some(state) = &instance.process else { return refuse("The instance is missing process information.") };
    if state.is_ended() {
        return refuse("Process is ended.");
    }
    let Some(current) = &state.current_task else { return refuse("Process is not started. Use start!") };
    if current.altinn_task_type.as_deref().is_none_or(str::is_empty) {
        return refuse("Instance does not have current altinn task type information!");
    }
    let id = current.element_id.as_deref().unwrap_or_default();
    process_of(app)?.task(id).ok_or_else(|| {
        Refusal::Stuck(Problem::details(MOVE_FAILED, format!("No task with id {id} in the process definition")))
    })
}

/// A visit of a task: entering it again is another one.
fn visit_of(instance: &Instance) -> Option<ProcessElement> {
    instance.process.as_ref()?.current_task.clone()
}

fn authorize(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    task: &Task,
    action: Option<&str>,
) -> Result<(), Refusal> {
    if may_leave(svc, caller, app, instance, task, action)? {
        return Ok(());
    }
    let detail = format!(
        "User is not authorized to perform process next. Task ID: {}. Task type: {}. Action: {}.",
        task.id,
        task.task_type.as_str(),
        action.unwrap_or("none")
    );
    let asked = action.or_else(|| task.task_type.completing_actions().first().copied()).unwrap_or("write");
    Err(Refusal::Forbidden(Missing::action(asked).because("Unauthorized", detail)))
}

fn may_leave(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    task: &Task,
    action: Option<&str>,
) -> Result<bool, Refusal> {
    let rights = task.leave_rights(action);
    let permits_any = |actions: &[&str]| -> Result<bool, Refusal> {
        for action in actions {
            if svc.access(caller, action, Resource::instance(app, instance))? == Access::Permitted {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Ok(permits_any(&rights.any_of)? && (rights.and_any_of.is_empty() || permits_any(&rights.and_any_of)?))
}

/// One move, decided and committed. Refused when the process no longer stands in the visit the caller was allowed to
/// leave.
async fn leave(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    request: &NextRequest,
    seen: Option<&ProcessElement>,
) -> Result<Instance, Refusal> {
    svc.retrying(async || {
        let snapshot = load_of_app(svc, app, id).await?;
        if visit_of(&snapshot.instance).as_ref() != seen {
            return Err(Refusal::Conflict(Problem::bare()).into());
        }
        let change = decide(svc, caller, app, &snapshot, request).await?;
        svc.commit(Some(&snapshot.instance), change).await
    })
    .await
}

async fn decide(
    svc: &Service,
    caller: &Caller,
    app: &App,
    snapshot: &Snapshot,
    request: &NextRequest,
) -> Result<crate::ports::Change, Refusal> {
    let instance = &snapshot.instance;
    let task = current_task(app, instance)?;
    let action = request.action.as_deref();
    require_possible(task, action)?;

    let mut situation = Situation::load(svc, app, instance, request.language.as_deref(), |_| true).await?;
    if task.is_validated_before(action) {
        require_valid(svc, caller, &situation, task)?;
    }
    let steps = mottak_process::leave(process_of(app)?, &task.id, action, &mut gateway::over(&situation))
        .map_err(|why| blocked(MOVE_FAILED, &why))?;

    let party = svc.register.party(instance.id.party)?.ok_or_else(|| {
        Refusal::failed("move the process", format!("party {} is not in the register", instance.id.party))
    })?;
    let no_prefill = BTreeMap::new();
    let facts = Facts { party: &party, profile: forms::profile_of(svc, caller)?, prefill: &no_prefill };
    let finished = match FlowType::of(action) {
        FlowType::Complete => finish::finish(svc, caller, &mut situation, task)?,
        FlowType::Abandon => Vec::new(),
    };
    let author = Author::of(svc, caller, app)?;
    let mut draft = Draft::of(svc, app, &author, snapshot);
    steps::follow(&mut draft, &steps, &finished, &facts)?;
    Ok(draft.finish())
}

/// Refuses moves whose task needs what this server cannot do for it.
fn require_possible(task: &Task, action: Option<&str>) -> Result<(), Refusal> {
    if action == Some("reject") {
        return Ok(());
    }
    if task.is_automatic {
        if !task.runs_with(action) {
            let detail = format!(
                "Service tasks do not support running user actions! Received action param {}.",
                action.unwrap_or_default()
            );
            let kind = ProblemKind::ProcessIssues(None);
            return Err(Refusal::Conflict(Problem::details("User action not supported!", detail).with(kind)));
        }
        let detail = format!("Service task {} returned a failed result!", task.task_type.as_str());
        return Err(Refusal::Stuck(Problem::details("Service task failed!", detail)));
    }
    match (&task.task_type, action) {
        (TaskType::Signing, Some("sign")) => Err(Refusal::NotImplemented(Problem::details(
            "Signing is not available",
            "This server does not make signatures. The task can be left with write.",
        ))),
        // No payment can have been made: nothing here makes one (app-process §3.3, §4).
        (TaskType::Payment, _) => {
            let kind = ProblemKind::ProcessIssues(None);
            Err(Refusal::Conflict(
                Problem::details("The payment is not completed.", "Payment information not found.").with(kind),
            ))
        }
        _ => Ok(()),
    }
}

fn require_valid(svc: &Service, caller: &Caller, situation: &Situation<'_>, task: &Task) -> Result<(), Refusal> {
    let findings = validation::run(svc, caller, situation, &Selection::default(), &Changed::Anything)?;
    let issues: Vec<_> = findings.into_iter().flat_map(|findings| findings.issues).collect();
    let errors = issues.iter().filter(|issue| issue.is_blocking()).count();
    if errors == 0 {
        return Ok(());
    }
    let detail = format!("{errors} validation errors found for task {}", task.id);
    let problem = Problem::details("Validation failed for task", detail);
    Err(Refusal::Conflict(problem.with(ProblemKind::ProcessIssues(Some(issues)))))
}
