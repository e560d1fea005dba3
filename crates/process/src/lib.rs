//! BPMN processes: text to graph, and (graph, current task, action) to the steps of the move.
//!
//! Plain functions over values. The crate knows nothing of instances, of storage, of time, of who asks, nor of the
//! expression language: a gateway's conditions are handed back to the caller to be judged. What could fail while an
//! instance is under way is refused when the file is read, all faults at once ([`ProcessProblem`]).
//!
//! Start with [`Process`] (the checked graph), then [`start`] and [`leave`] (the walk over it) and
//! [`LeaveRights`] (which right lets a caller leave a task).
//!
//! ```
//! use mottak_process::{Process, Step, leave};
//!
//! let process = Process::parse(
//!     r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:altinn="http://altinn.no/process">
//!       <process id="Permit">
//!         <startEvent id="Start"/>
//!         <task id="Fill"><extensionElements><altinn:taskExtension>
//!           <altinn:taskType>data</altinn:taskType>
//!         </altinn:taskExtension></extensionElements></task>
//!         <endEvent id="End"/>
//!         <sequenceFlow id="a" sourceRef="Start" targetRef="Fill"/>
//!         <sequenceFlow id="b" sourceRef="Fill" targetRef="End"/>
//!       </process>
//!     </definitions>"#,
//! )
//! .expect("a sound process");
//! let steps = leave(&process, "Fill", None, &mut |_, _| Ok(false)).expect("nothing blocks");
//! assert!(matches!(steps[..], [Step::EndTask { .. }, Step::EndEvent { .. }]));
//! ```
//!
//! Contract: `app-process.md` §1, §2.2–2.6, §2.9.

mod check;
mod condition;
mod config;
mod environment;
mod extension;
mod graph;
mod outline;
mod problem;
mod read;
mod requirements;
mod rights;
mod task;
mod walk;

pub use condition::Condition;
pub use config::{
    EFormidlingConfig, EFormidlingSettings, PaymentConfig, PdfConfig, SignatureConfig, SigneeSource, SubformPdfConfig,
};
pub use environment::{Environment, PerEnvironment};
pub use graph::{EndEvent, Gateway, Node, Process, SequenceFlow, StartEvent};
pub use problem::{Position, ProcessProblem, Severity};
pub use read::{CustomTask, ReadOptions, UnknownTaskTypes};
pub use rights::LeaveRights;
pub use task::{ActionKind, BpmnElement, Task, TaskAction, TaskType};
pub use walk::{
    Blocked, FIRST_TASK_FLOW, FlowContext, FlowType, GatewayRule, MAX_SERVICE_TASKS_IN_A_ROW, Step, leave, next_flow,
    start,
};
