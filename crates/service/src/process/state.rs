//! What a caller sees of a process: its state, and what they may do in the current task (app-api §21.4).

use mottak_apps::App;
use mottak_model::{Instance, InstanceId, ProcessState};
use mottak_process::{ActionKind, Task};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::data::load_for;
use crate::{Refusal, Service};

/// A process as one caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessView {
    pub state: ProcessState,
    /// What the caller may do in the current task; none when there is no current task.
    pub permissions: Option<TaskPermissions>,
    /// All tasks of the definition.
    pub tasks: Vec<TaskSummary>,
}

/// What a caller may do in a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPermissions {
    pub read: bool,
    pub write: bool,
    /// `Task` or `ServiceTask`; none when the task is not in the definition.
    pub element_type: Option<&'static str>,
    /// `read`, `write`, then the task's own actions in the order of the definition.
    pub actions: Vec<ActionPermission>,
}

/// One action and whether the caller may perform it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPermission {
    pub id: String,
    pub kind: ActionKind,
    pub is_authorized: bool,
}

/// A task of the definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSummary {
    pub id: String,
    pub task_type: String,
    /// `Task` or `ServiceTask`.
    pub element_type: &'static str,
}

/// The process of an instance.
pub async fn read(svc: &Service, caller: &Caller, app: &App, id: InstanceId) -> Result<ProcessView, Refusal> {
    let snapshot = load_for(svc, caller, app, id, "read").await?;
    view(svc, caller, app, &snapshot.instance)
}

/// The process of a loaded instance, with the actions decided on its current task.
pub(crate) fn view(svc: &Service, caller: &Caller, app: &App, instance: &Instance) -> Result<ProcessView, Refusal> {
    let state = instance.process.clone().unwrap_or_default();
    let process = app.process();
    let permissions = match state.current_task_id() {
        None => None,
        Some(task) => {
            let known = process.and_then(|process| process.task(task));
            Some(match known {
                Some(task) => permissions(svc, caller, app, instance, task)?,
                None => TaskPermissions::default(),
            })
        }
    };
    let tasks = process.into_iter().flat_map(|process| process.tasks_as_reported()).map(|task| TaskSummary {
        id: task.id.clone(),
        task_type: task.task_type.as_str().to_owned(),
        element_type: task.element.as_str(),
    });
    Ok(ProcessView { state, permissions, tasks: tasks.collect() })
}

fn permissions(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    task: &Task,
) -> Result<TaskPermissions, Refusal> {
    let mut actions = Vec::new();
    for action in task.reported_actions() {
        let access = svc.access(caller, &action.id, Resource::instance(app, instance))?;
        actions.push(ActionPermission { id: action.id, kind: action.kind, is_authorized: access.is_permitted() });
    }
    let may = |id: &str| actions.iter().any(|action| action.id == id && action.is_authorized);
    Ok(TaskPermissions { read: may("read"), write: may("write"), element_type: Some(task.element.as_str()), actions })
}
