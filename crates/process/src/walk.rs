//! The walk over the graph: what starting a process, or leaving a task, passes on its way.
//!
//! Pure: the same graph, task, action and answers of the conditions give the same steps. The caller turns steps into
//! changes and events.
//!
//! Contract: `app-process.md` §2.2–2.4, §2.6, §2.9.

use std::collections::HashSet;

use thiserror::Error;

use crate::condition::Condition;
use crate::graph::{EndEvent, Gateway, Node, Process, SequenceFlow, StartEvent};
use crate::task::Task;

/// `currentTask.flow` of the first task of an instance.
pub const FIRST_TASK_FLOW: i32 = 2;

/// How many automatic tasks one request may run; then the process is taken for a loop (contract §2.4 step 11).
pub const MAX_SERVICE_TASKS_IN_A_ROW: usize = 100;

/// `currentTask.flow` of the task entered after one with `flow`; also when it was visited before.
pub fn next_flow(flow: i32) -> i32 {
    flow.saturating_add(1)
}

/// One step of a move, in the order the steps are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step<'p> {
    /// The process begins.
    StartEvent { event: &'p StartEvent },
    /// The current task is completed, or abandoned.
    EndTask { task: &'p Task, flow_type: FlowType },
    /// A gateway chose this flow.
    PassGateway { gateway: &'p Gateway, flow: &'p SequenceFlow },
    /// The task becomes the current one, with this `currentTask.flowType`.
    StartTask { task: &'p Task, flow_type: FlowType },
    /// The process ends.
    EndEvent { event: &'p EndEvent },
}

/// How a task was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowType {
    Complete,
    /// By `reject`: the task's end steps do not run, its elements are not locked.
    Abandon,
}

/// Why a move cannot be made. All but [`Blocked::NoMatchingStartEvent`] are faults of the definition or its data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Blocked {
    /// None named although there are several, or one that does not exist.
    #[error("No matching startevent")]
    NoMatchingStartEvent,
    #[error("No task with id {id} in the process definition")]
    UnknownTask { id: String },
    #[error("Nothing follows {id}")]
    NothingFollows { id: String },
    #[error("Multiple next elements found from {id}. Please supply action and filter out possible elements")]
    SeveralFollow { id: String },
    #[error("Exclusive gateway {gateway} returned {open} flows. Expected 1")]
    Undecided { gateway: String, open: usize },
    #[error("The condition of {flow} failed: {reason}")]
    ConditionFailed { flow: String, reason: String },
    #[error("Exclusive gateway {gateway} leads back to itself")]
    GatewayLoop { gateway: String },
}

/// What a condition is judged in.
#[derive(Debug, Clone, Copy)]
pub struct FlowContext<'p> {
    pub gateway: &'p Gateway,
    pub flow: &'p SequenceFlow,
    /// The task being left; `None` when the process is started.
    pub current_task: Option<&'p Task>,
    /// What `["gatewayAction"]` says.
    pub action: Option<&'p str>,
}

/// Judges a condition; `Err` says why it could not be judged.
pub type GatewayRule<'r> = dyn FnMut(&Condition, &FlowContext<'_>) -> Result<bool, String> + 'r;

/// The steps that start a process: its start event, then up to the first task or the end.
///
/// `start_event` must be named when there are several.
pub fn start<'p>(
    process: &'p Process,
    start_event: Option<&str>,
    rule: &mut GatewayRule<'_>,
) -> Result<Vec<Step<'p>>, Blocked> {
    let event = match (start_event, &process.start_events[..]) {
        (Some(id), events) => events.iter().find(|event| event.id == id),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let event = event.ok_or(Blocked::NoMatchingStartEvent)?;
    let mut steps = vec![Step::StartEvent { event }];
    let way = Way { process, current_task: None, action: None };
    way.follow(&event.id, rule, &mut steps)?;
    Ok(steps)
}

/// The steps that leave the task `current` with `action`: its end, the gateways passed, and the task or end event
/// reached.
///
/// `reject` abandons the task. `write` and the task's own type, given for an automatic task, only asked to run it; so
/// the gateways see no action then.
pub fn leave<'p>(
    process: &'p Process,
    current: &str,
    action: Option<&str>,
    rule: &mut GatewayRule<'_>,
) -> Result<Vec<Step<'p>>, Blocked> {
    let task = process.task(current).ok_or_else(|| Blocked::UnknownTask { id: current.to_owned() })?;
    let flow_type = FlowType::of(action);
    let gateway_action = action.filter(|_| !(task.is_automatic && task.runs_with(action)));
    let mut steps = vec![Step::EndTask { task, flow_type }];
    let way = Way { process, current_task: Some(task), action: gateway_action };
    way.follow(&task.id, rule, &mut steps)?;
    Ok(steps)
}

/// One way through the graph.
struct Way<'p, 'a> {
    process: &'p Process,
    current_task: Option<&'p Task>,
    action: Option<&'a str>,
}

impl<'p> Way<'p, '_> {
    /// Adds what follows the element `from`, through gateways, up to a task or the end.
    fn follow(&self, from: &str, rule: &mut GatewayRule<'_>, steps: &mut Vec<Step<'p>>) -> Result<(), Blocked> {
        let mut targets = self.process.outgoing(from);
        let mut flow = match (targets.next(), targets.next()) {
            (None, _) => return Err(Blocked::NothingFollows { id: from.to_owned() }),
            (Some(_), Some(_)) => return Err(Blocked::SeveralFollow { id: from.to_owned() }),
            (Some(only), None) => only,
        };
        let mut passed = HashSet::new();
        loop {
            match self.process.node(&flow.target) {
                Some(Node::Gateway(gateway)) => {
                    if !passed.insert(gateway.id.as_str()) {
                        return Err(Blocked::GatewayLoop { gateway: gateway.id.clone() });
                    }
                    flow = self.choose(gateway, rule)?;
                    steps.push(Step::PassGateway { gateway, flow });
                }
                Some(Node::Task(task)) => {
                    steps.push(Step::StartTask { task, flow_type: FlowType::of(self.action) });
                    return Ok(());
                }
                Some(Node::End(event)) => {
                    steps.push(Step::EndEvent { event });
                    return Ok(());
                }
                Some(Node::Start(_)) | None => return Err(Blocked::NothingFollows { id: flow.id.clone() }),
            }
        }
    }

    /// The one flow to take: the one whose condition is true; when none is, the default flow or the single flow
    /// without a condition.
    fn choose(&self, gateway: &'p Gateway, rule: &mut GatewayRule<'_>) -> Result<&'p SequenceFlow, Blocked> {
        let (conditioned, unconditioned): (Vec<_>, Vec<_>) =
            self.process.outgoing(&gateway.id).partition(|flow| flow.condition.is_some());
        let mut open = Vec::new();
        for flow in &conditioned {
            let Some(condition) = &flow.condition else { continue };
            let context = FlowContext { gateway, flow, current_task: self.current_task, action: self.action };
            let is_true = rule(condition, &context)
                .map_err(|reason| Blocked::ConditionFailed { flow: flow.id.clone(), reason })?;
            if is_true {
                open.push(*flow);
            }
        }
        if open.is_empty() {
            let mut all = conditioned.iter().chain(&unconditioned);
            if let Some(default) = all.find(|flow| Some(&flow.id) == gateway.default_flow.as_ref()) {
                return Ok(default);
            }
            open = unconditioned;
        }
        match open[..] {
            [only] => Ok(only),
            _ => Err(Blocked::Undecided { gateway: gateway.id.clone(), open: open.len() }),
        }
    }
}

impl Step<'_> {
    /// The instance events the step records, in order (contract §2.9). `Created` and those of signing are not of the
    /// walk.
    pub fn instance_events(&self) -> &'static [&'static str] {
        match self {
            Self::StartEvent { .. } => &["process_StartEvent"],
            Self::EndTask { flow_type: FlowType::Complete, .. } => &["process_EndTask"],
            Self::EndTask { flow_type: FlowType::Abandon, .. } => &["process_AbandonTask"],
            Self::PassGateway { .. } => &[],
            Self::StartTask { .. } => &["process_StartTask"],
            Self::EndEvent { .. } => &["process_EndEvent", "Submited"],
        }
    }
}

impl FlowType {
    /// Abandon exactly for `reject`.
    pub fn of(action: Option<&str>) -> Self {
        if action == Some("reject") { Self::Abandon } else { Self::Complete }
    }

    /// The name clients see as `currentTask.flowType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "CompleteCurrentMoveToNext",
            Self::Abandon => "AbandonCurrentMoveToNext",
        }
    }
}
