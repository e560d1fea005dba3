//! Where an instance stands in its process (platform-storage §1.6, app-process §2.2).

use serde::{Deserialize, Serialize};

use crate::Time;

/// The state of a process. Before the start everything is absent; after the end there is no current task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    /// BPMN id of the start event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_task: Option<ProcessElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// BPMN id of the end event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_event: Option<String>,
}

/// One visit of a process element. (`element_id`, `flow`) identifies the visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessElement {
    /// Counts visits through the process: the first task has 2, the next 3, also when it is the same task again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altinn_task_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_type: Option<FlowType>,
}

/// How the process came to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowType {
    CompleteCurrentMoveToNext,
    /// The previous task was left by `reject`.
    AbandonCurrentMoveToNext,
    /// Never produced; other systems may send it.
    AbandonCurrentReturnToNext,
}

impl ProcessState {
    /// The BPMN id of the current task.
    pub fn current_task_id(&self) -> Option<&str> {
        self.current_task.as_ref()?.element_id.as_deref()
    }

    /// Whether the process has reached an end event.
    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }
}
