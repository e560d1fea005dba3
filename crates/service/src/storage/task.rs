//! The process authorizer: which actions let a caller move the process, or write while a task stands
//! (platform-storage §3.6).
//!
//! Deciding what has to be asked is pure; [`Service::permits_any`] asks the policy until one answer is yes.

use mottak_model::{FlowType, Instance, ProcessElement, ProcessState};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::{Refusal, Service};
use mottak_apps::App;

/// Actions of which any suffices, and the task they are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question<'a> {
    pub(crate) actions: Vec<&'a str>,
    /// `None`: no task in particular.
    pub(crate) task: Option<&'a str>,
}

/// What has to be permitted to bring the process from where it stands into the new state. `None`: nobody may, because
/// the process stands nowhere, or in a task without a type.
pub(crate) fn to_move<'a>(stored: Option<&'a ProcessState>, new: &'a ProcessState) -> Option<Question<'a>> {
    let current = stored?.current_task.as_ref()?;
    let next = new.current_task.as_ref();
    match next.and_then(|task| task.flow_type) {
        None | Some(FlowType::CompleteCurrentMoveToNext) => of_task(current),
        Some(FlowType::AbandonCurrentMoveToNext) => {
            Some(Question { actions: vec!["reject"], task: current.element_id.as_deref() })
        }
        // The process goes back to where the new state stands: that task's actions are asked about it.
        Some(FlowType::AbandonCurrentReturnToNext) => next.and_then(of_task),
    }
}

/// What has to be permitted to write texts, values or a lock while the process stands where it stands.
pub(crate) fn to_write(stored: Option<&ProcessState>) -> Question<'_> {
    match stored.and_then(|process| process.current_task.as_ref()) {
        Some(task) => {
            let mut actions = actions_of(task.altinn_task_type.as_deref());
            actions.push("reject");
            Question { actions, task: task.element_id.as_deref() }
        }
        None => Question { actions: vec!["write", "reject"], task: None },
    }
}

fn of_task(task: &ProcessElement) -> Option<Question<'_>> {
    let actions = actions_of(task.altinn_task_type.as_deref());
    (!actions.is_empty()).then_some(Question { actions, task: task.element_id.as_deref() })
}

/// The actions of a type of task. A type that nobody here knows is an action of its own.
fn actions_of(task_type: Option<&str>) -> Vec<&str> {
    match task_type {
        None => Vec::new(),
        Some("data" | "feedback" | "pdf" | "eFormidling" | "fiksArkiv" | "subformPdf") => vec!["write"],
        Some("payment") => vec!["pay", "write"],
        Some("confirmation") => vec!["confirm"],
        Some("signing") => vec!["sign", "write"],
        Some(other) => vec![other],
    }
}

impl Service {
    /// Whether the policy permits the caller any of the actions on the instance. One after the other is asked, so the
    /// common one stands first.
    pub(crate) fn permits_any(
        &self,
        caller: &Caller,
        app: &App,
        instance: &Instance,
        question: &Question<'_>,
    ) -> Result<bool, Refusal> {
        let resource = Resource { task: question.task, ..Resource::instance(app, instance) };
        for action in &question.actions {
            if self.access(caller, action, resource)?.is_permitted() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses a caller who may not write while the process stands where it stands: texts, values, locks.
    pub(crate) fn require_task_write(&self, caller: &Caller, app: &App, instance: &Instance) -> Result<(), Refusal> {
        let question = to_write(instance.process.as_ref());
        self.require_any(caller, app, instance, &question)
    }

    /// Refuses unless any of the actions is permitted.
    pub(crate) fn require_any(
        &self,
        caller: &Caller,
        app: &App,
        instance: &Instance,
        question: &Question<'_>,
    ) -> Result<(), Refusal> {
        if self.permits_any(caller, app, instance, question)? {
            return Ok(());
        }
        Err(Refusal::forbidden(question.actions.first().copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, task_type: Option<&str>, flow_type: Option<FlowType>) -> ProcessState {
        let current_task = ProcessElement {
            element_id: Some(id.to_owned()),
            altinn_task_type: task_type.map(str::to_owned),
            flow_type,
            ..ProcessElement::default()
        };
        ProcessState { current_task: Some(current_task), ..ProcessState::default() }
    }

    #[test]
    fn actions_follow_from_the_type_of_the_stored_task() {
        let ended = ProcessState::default();
        for (task_type, actions) in [
            ("data", vec!["write"]),
            ("feedback", vec!["write"]),
            ("pdf", vec!["write"]),
            ("eFormidling", vec!["write"]),
            ("fiksArkiv", vec!["write"]),
            ("subformPdf", vec!["write"]),
            ("payment", vec!["pay", "write"]),
            ("confirmation", vec!["confirm"]),
            ("signing", vec!["sign", "write"]),
            ("vurdering", vec!["vurdering"]),
            // Types compare with their letter case.
            ("Data", vec!["Data"]),
        ] {
            let stored = task("Task_1", Some(task_type), None);
            let question = to_move(Some(&stored), &ended).unwrap();
            assert_eq!(question, Question { actions: actions.clone(), task: Some("Task_1") }, "{task_type}");
            let complete = task("Task_2", Some("x"), Some(FlowType::CompleteCurrentMoveToNext));
            assert_eq!(to_move(Some(&stored), &complete), Some(question));
            let writing = to_write(Some(&stored));
            assert_eq!(writing.task, Some("Task_1"));
            assert_eq!(writing.actions, [actions, vec!["reject"]].concat(), "{task_type}");
        }
    }

    #[test]
    fn process_that_stands_nowhere_is_not_moved() {
        let next = task("Task_1", Some("data"), None);
        assert_eq!(to_move(None, &next), None);
        assert_eq!(to_move(Some(&ProcessState::default()), &next), None);
        assert_eq!(to_move(Some(&task("Task_1", None, None)), &next), None);
        let nowhere = Question { actions: vec!["write", "reject"], task: None };
        assert_eq!(to_write(None), nowhere);
        assert_eq!(to_write(Some(&ProcessState::default())), nowhere);
        assert_eq!(to_write(Some(&task("Task_1", None, None))).actions, ["reject"]);
    }

    #[test]
    fn way_into_the_new_task_decides_what_is_asked() {
        let stored = task("Task_2", Some("confirmation"), None);
        let abandoned = task("Task_1", Some("data"), Some(FlowType::AbandonCurrentMoveToNext));
        assert_eq!(
            to_move(Some(&stored), &abandoned),
            Some(Question { actions: vec!["reject"], task: Some("Task_2") })
        );
        let returned = task("Task_1", Some("data"), Some(FlowType::AbandonCurrentReturnToNext));
        assert_eq!(to_move(Some(&stored), &returned), Some(Question { actions: vec!["write"], task: Some("Task_1") }));
    }
}
