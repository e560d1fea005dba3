//! The forms of a task as they are handed in when the task ends: without row ids, hidden fields and shadow fields
//! (app-process §3.2, app-forms §9.4, §9.5).

use std::collections::{BTreeMap, VecDeque};

use mottak_apps::App;
use mottak_forms::expression::ExpressionError;
use mottak_forms::layout::{RowRemoval, hidden_fields_to_remove, remove_fields};
use mottak_forms::{FieldPath, FormData};
use mottak_model::{Guid, ShadowFields};
use mottak_process::Task;

use super::MOVE_FAILED;
use crate::authentication::Caller;
use crate::data::access::may_read;
use crate::draft::Draft;
use crate::evaluation::Situation;
use crate::validation::contexts_of;
use crate::{Problem, Refusal, Service, forms};

/// What the end of a task makes of one form.
pub(crate) struct FinishedForm {
    element: Guid,
    /// The form as it is kept; none when it stays as it was stored.
    kept: Option<FormData>,
    /// What is handed in beside it, and as which data type.
    copy: Option<(String, FormData)>,
}

/// Finishes the forms of the task that the caller may read, and with them every form that a hidden component of the
/// task's pages writes to.
pub(crate) fn finish(
    svc: &Service,
    caller: &Caller,
    situation: &mut Situation<'_>,
    task: &Task,
) -> Result<Vec<FinishedForm>, Refusal> {
    let (app, instance) = (situation.app, situation.instance);
    let mut hidden = hidden_fields(situation, task)?;
    let mut finished = Vec::new();
    for (index, element) in instance.data.iter().enumerate() {
        let hidden = hidden.remove(&index).unwrap_or_default();
        let Some(data_type) = app.application.data_type(&element.data_type) else { continue };
        let is_of_task = data_type.task_id.as_deref() == Some(task.id.as_str());
        let is_concerned = is_of_task || !hidden.is_empty();
        if !is_concerned || !may_read(svc, caller, app, instance, data_type)? {
            continue;
        }
        let Some(stored) = situation.form(element.id) else { continue };
        let mut form = stored.clone();
        if is_of_task {
            form.remove_row_ids();
        }
        remove_fields(&mut form, &hidden, RowRemoval::DeleteRow);
        let mut copy = None;
        let shadow_fields = data_type.app_logic.as_ref().and_then(|logic| logic.shadow_fields.as_ref());
        if let Some(shadow_fields) = shadow_fields.filter(|_| is_of_task) {
            copy = split_shadow_fields(app, &element.data_type, shadow_fields, &mut form)?;
        }
        let kept = Some(form).filter(|form| form.root() != stored.root());
        finished.push(FinishedForm { element: element.id, kept, copy });
    }
    Ok(finished)
}

/// The fields to remove, by the position of their element in the instance, in the order they can be removed.
fn hidden_fields(situation: &Situation<'_>, task: &Task) -> Result<BTreeMap<usize, Vec<FieldPath>>, Refusal> {
    let mut by_element: BTreeMap<usize, Vec<FieldPath>> = BTreeMap::new();
    if !situation.app.settings.remove_hidden_data {
        return Ok(by_element);
    }
    let mut facts = situation.facts();
    facts.language = "nb";
    let Some(contexts) = contexts_of(situation, &task.id, &facts)? else { return Ok(by_element) };
    let hidden = hidden_fields_to_remove(&contexts).map_err(|error| unremovable(&error))?;
    for field in hidden {
        by_element.entry(field.element.0).or_default().push(field.path);
    }
    Ok(by_element)
}

/// The text of the error may hold values of the form, so it is not passed on.
fn unremovable(_error: &ExpressionError) -> Refusal {
    Refusal::Stuck(Problem::details(MOVE_FAILED, "Hidden data could not be found."))
}

/// Takes the shadow fields out of a form. Where they go by leaving them out of a copy, the form keeps them.
fn split_shadow_fields(
    app: &App,
    data_type: &str,
    shadow_fields: &ShadowFields,
    form: &mut FormData,
) -> Result<Option<(String, FormData)>, Refusal> {
    let Some(prefix) = shadow_fields.prefix.as_deref().filter(|prefix| !prefix.is_empty()) else { return Ok(None) };
    let target = shadow_fields.save_to_data_type.as_deref().filter(|target| !target.is_empty());
    let name = target.unwrap_or(data_type);
    let model = app.models.model(name).ok_or_else(|| {
        let detail = format!("Shadow fields of {data_type} are saved to {name}, which has no model.");
        Refusal::Stuck(Problem::details(MOVE_FAILED, detail))
    })?;
    let clean = form.without_shadow_fields(prefix, model).map_err(|_| {
        Refusal::Stuck(Problem::details(
            MOVE_FAILED,
            format!("The data of {data_type} does not fit the model of {name}."),
        ))
    })?;
    if target.is_some() {
        return Ok(Some((name.to_owned(), clean)));
    }
    *form = clean;
    Ok(None)
}

/// Stores what finishing made. Copies take the place of those of an earlier visit.
pub(crate) fn store(draft: &mut Draft<'_>, finished: &[FinishedForm]) -> Result<(), Refusal> {
    let app = draft.app;
    let mut earlier: BTreeMap<&str, VecDeque<Guid>> = BTreeMap::new();
    for (target, _) in finished.iter().filter_map(|form| form.copy.as_ref()) {
        let elements = draft.instance.elements_of_type(target).map(|element| element.id);
        earlier.entry(target).or_insert_with(|| elements.collect());
    }
    for FinishedForm { element, kept, copy } in finished {
        if let (Some(form), Some(element)) = (kept, draft.instance.element(*element).cloned())
            && let Some(data_type) = app.application.data_type(&element.data_type)
        {
            forms::replace_as_is(draft, data_type, element, form);
        }
        let Some((target, form)) = copy else { continue };
        let data_type = app.application.data_type(target).ok_or_else(|| {
            Refusal::failed("keep a form without shadow fields", format!("{} has no data type {target}", app.id))
        })?;
        let before = earlier.get_mut(target.as_str()).and_then(VecDeque::pop_front);
        match before.and_then(|id| draft.instance.element(id).cloned()) {
            Some(element) => forms::replace_as_is(draft, data_type, element, form),
            None => {
                forms::add_as_is(draft, data_type, form);
            }
        }
    }
    for stale in earlier.into_values().flatten() {
        draft.remove_element(stale);
    }
    Ok(())
}
