//! Which rights let a caller leave a task.
//!
//! Contract: `app-process.md` §2.5.

use crate::task::{Task, TaskType};

/// The rights a caller needs, on the task, to leave it: one of `any_of`, and one of `and_any_of` unless that is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveRights<'a> {
    /// Tried in this order, each with its own authorizers, until one passes.
    pub any_of: Vec<&'a str>,
    /// For an action that is not meant to move this task (`read`, a server action): a right that is.
    pub and_any_of: Vec<&'a str>,
}

impl TaskType {
    /// The actions that complete a task of this type when the request names none; any one suffices.
    pub fn completing_actions(&self) -> Vec<&str> {
        match self {
            Self::Data | Self::Feedback | Self::Pdf | Self::SubformPdf | Self::EFormidling | Self::FiksArkiv => {
                vec!["write"]
            }
            Self::Confirmation => vec!["confirm"],
            Self::Signing => vec!["sign", "write"],
            Self::Payment => vec!["pay", "write"],
            Self::Custom(name) => vec![name],
        }
    }

    /// The action with which completing the whole process leaves a task of this type; `None`: as without an action.
    pub fn default_action(&self) -> Option<&str> {
        match self {
            Self::Payment => None,
            Self::Signing => Some("sign"),
            _ => self.completing_actions().first().copied(),
        }
    }
}

impl Task {
    /// The rights needed to leave this task with `action`.
    pub fn leave_rights<'a>(&'a self, action: Option<&'a str>) -> LeaveRights<'a> {
        let completing = self.task_type.completing_actions();
        let Some(action) = action else {
            return LeaveRights { any_of: completing, and_any_of: Vec::new() };
        };
        let is_meant_to_move =
            action == "reject" || completing.contains(&action) || self.process_actions().any(|id| id == action);
        LeaveRights { any_of: vec![action], and_any_of: if is_meant_to_move { Vec::new() } else { completing } }
    }
}
