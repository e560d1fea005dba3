//! What the steps of a move do to an instance: its state, its elements and its history, all in one change
//! (app-process §2.2, §2.9, §3).

use std::collections::BTreeMap;
use std::sync::Arc;

use mottak_forms::FormData;
use mottak_model::{
    DeleteStatus, FlowType, Guid, InstanceStatus, Party, ProcessElement, ProcessState, Time, UserProfile,
};
use mottak_process::{FIRST_TASK_FLOW, FlowType as Way, Step, Task, next_flow};

use super::finish::{self, FinishedForm};
use crate::draft::Draft;
use crate::instances::life::{Deletion, mark_deleted};
use crate::{Refusal, forms};

/// What starting a task may use of the world, loaded before.
pub(crate) struct Facts<'a> {
    pub(crate) party: &'a Party,
    pub(crate) profile: Option<Arc<UserProfile>>,
    /// What the caller gave for the forms of the first task.
    pub(crate) prefill: &'a BTreeMap<String, String>,
}

/// Sets the state of a process that has just started: already in its first task.
pub(crate) fn set_started(draft: &mut Draft<'_>, steps: &[Step<'_>]) {
    let now = draft.now;
    let mut state = ProcessState { started: Some(now), ..ProcessState::default() };
    for step in steps {
        match step {
            Step::StartEvent { event } => state.start_event = Some(event.id.clone()),
            Step::StartTask { task, flow_type } => {
                state.current_task = Some(visit(task, FIRST_TASK_FLOW, *flow_type, draft));
            }
            Step::EndEvent { event } => {
                state.ended = Some(now);
                state.end_event = Some(event.id.clone());
            }
            Step::EndTask { .. } | Step::PassGateway { .. } => {}
        }
    }
    draft.instance.process = Some(state);
}

/// Makes what the first task needs and records the start. Data sent along is already there.
pub(crate) fn enter_first_task(draft: &mut Draft<'_>, steps: &[Step<'_>], facts: &Facts<'_>) -> Result<(), Refusal> {
    for step in steps {
        if let Step::StartTask { task, .. } = step {
            create_forms(draft, task, facts)?;
        }
    }
    for step in steps {
        if let Step::EndEvent { .. } = step {
            archive(draft);
        }
        for event in step.instance_events() {
            draft.record_process(event);
        }
        if let Step::StartEvent { event } = step {
            draft
                .amend_last_event(|recorded| recorded.process_info = Some(state_at_start(&event.id, recorded.created)));
        }
    }
    Ok(())
}

/// The state the start event leaves behind: not yet in a task. Only the history sees it.
fn state_at_start(start_event: &str, now: Time) -> ProcessState {
    let element = ProcessElement {
        flow: Some(FIRST_TASK_FLOW - 1),
        started: Some(now),
        element_id: Some(start_event.to_owned()),
        ..ProcessElement::default()
    };
    ProcessState {
        started: Some(now),
        start_event: Some(start_event.to_owned()),
        current_task: Some(element),
        ..ProcessState::default()
    }
}

/// Moves the instance along the steps that leave a task.
///
/// `finished` are the forms of the task being left, as they are handed in.
pub(crate) fn follow(
    draft: &mut Draft<'_>,
    steps: &[Step<'_>],
    finished: &[FinishedForm],
    facts: &Facts<'_>,
) -> Result<(), Refusal> {
    for step in steps {
        match step {
            Step::EndTask { task, flow_type } => {
                if *flow_type == Way::Complete {
                    finish::store(draft, finished)?;
                    lock_elements(draft, &task.id, true);
                }
                for event in step.instance_events() {
                    draft.record_process(event);
                }
            }
            Step::StartTask { task, flow_type } => {
                let flow = draft.instance.process.as_ref().and_then(|process| process.current_task.as_ref()?.flow);
                let entered = visit(task, next_flow(flow.unwrap_or(FIRST_TASK_FLOW)), *flow_type, draft);
                if let Some(process) = &mut draft.instance.process {
                    process.current_task = Some(entered);
                }
                start_task(draft, task, facts)?;
                for event in step.instance_events() {
                    draft.record_process(event);
                }
                if task.signature.is_some() {
                    draft.record(mottak_model::event_type::SENT_TO_SIGN, None);
                }
            }
            Step::EndEvent { event } => {
                end(draft, &event.id);
                for event in step.instance_events() {
                    draft.record_process(event);
                }
            }
            Step::StartEvent { .. } | Step::PassGateway { .. } => {}
        }
    }
    draft.touch();
    Ok(())
}

fn visit(task: &Task, flow: i32, flow_type: Way, draft: &Draft<'_>) -> ProcessElement {
    ProcessElement {
        flow: Some(flow),
        started: Some(draft.now),
        element_id: Some(task.id.clone()),
        name: task.name.clone(),
        altinn_task_type: Some(task.task_type.as_str().to_owned()),
        ended: None,
        flow_type: Some(match flow_type {
            Way::Complete => FlowType::CompleteCurrentMoveToNext,
            Way::Abandon => FlowType::AbandonCurrentMoveToNext,
        }),
    }
}

/// A task starts: what earlier visits generated goes, its elements can be written again, its forms are made.
fn start_task(draft: &mut Draft<'_>, task: &Task, facts: &Facts<'_>) -> Result<(), Refusal> {
    let generated: Vec<Guid> = draft
        .instance
        .data
        .iter()
        .filter(|element| element.is_generated_from_task(&task.id))
        .map(|element| element.id)
        .collect();
    for id in generated {
        draft.remove_element(id);
    }
    lock_elements(draft, &task.id, false);
    create_forms(draft, task, facts)
}

/// Makes the forms the app wants made in this task, where there are none yet (app-process §3.2).
fn create_forms(draft: &mut Draft<'_>, task: &Task, facts: &Facts<'_>) -> Result<(), Refusal> {
    let app = draft.app;
    for data_type in &app.application.data_types {
        let is_wanted = data_type.task_id.as_deref() == Some(&task.id)
            && data_type.is_form()
            && data_type.app_logic.as_ref().is_some_and(|logic| logic.auto_create == Some(true));
        if !is_wanted || draft.instance.elements_of_type(&data_type.id).next().is_some() {
            continue;
        }
        let mut form = FormData::new(forms::model_of(app, &data_type.id)?);
        forms::prefill(app, data_type, &mut form, facts.party, facts.profile.as_deref(), facts.prefill)?;
        forms::add(draft, data_type, form)?;
    }
    Ok(())
}

/// Locks or unlocks every element whose data type belongs to the task.
fn lock_elements(draft: &mut Draft<'_>, task: &str, locked: bool) {
    let app = draft.app;
    let changed: Vec<_> = draft
        .instance
        .data
        .iter()
        .filter(|element| element.locked != locked)
        .filter(|element| {
            let data_type = app.application.data_type(&element.data_type);
            data_type.is_some_and(|data_type| data_type.task_id.as_deref() == Some(task))
        })
        .cloned()
        .collect();
    for mut element in changed {
        element.locked = locked;
        draft.remark(element);
    }
}

/// The process ends: the instance is archived, and what the app does not keep is marked for removal.
fn end(draft: &mut Draft<'_>, end_event: &str) {
    let now = draft.now;
    let state = draft.instance.process.get_or_insert_default();
    state.current_task = None;
    state.ended = Some(now);
    state.end_event = Some(end_event.to_owned());
    archive(draft);

    let app = draft.app;
    let passing: Vec<_> = draft
        .instance
        .data
        .iter()
        .filter(|element| !element.is_hard_deleted())
        .filter(|element| {
            let logic =
                app.application.data_type(&element.data_type).and_then(|data_type| data_type.app_logic.as_ref());
            logic.is_some_and(|logic| logic.auto_delete_on_process_end)
        })
        .cloned()
        .collect();
    for mut element in passing {
        element.delete_status = Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(now) });
        let id = element.id;
        draft.remark(element);
        draft.record(mottak_model::event_type::DELETED, Some(id));
    }
    if app.application.auto_delete_on_process_end && app.application.prevent_instance_deletion_for_days.is_none() {
        mark_deleted(draft, Deletion::Hard);
        draft.record(mottak_model::event_type::DELETED, None);
    }
}

fn archive(draft: &mut Draft<'_>) {
    let ended = draft.instance.process.as_ref().and_then(|process| process.ended);
    let status = std::mem::take(&mut draft.instance.status);
    draft.instance.status = InstanceStatus { is_archived: true, archived: ended, ..status };
}
