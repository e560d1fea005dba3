//! What the app calculates in its forms: `models/<dataType>.calculation.json` (app-forms §9.3).
//!
//! Calculations run on every write of data in the current task: after what the caller changed, before anything is
//! stored. One pass over all forms of the task that the caller may read, also over those the caller did not touch.

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_forms::expression::{CalculationLayout, Calculations, ElementIndex};
use mottak_model::{DataElement, Guid, Instance};

use super::access::may_read;
use crate::authentication::Caller;
use crate::draft::Draft;
use crate::evaluation::Situation;
use crate::{Problem, Refusal, Service, forms};

/// A form of a request on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) element: Guid,
    pub(crate) form: FormData,
    /// Whether it differs from what is stored.
    pub(crate) is_changed: bool,
}

/// Runs the calculations of the current task over the instance as it will be.
///
/// The forms in `edits` stand in for the stored ones. What comes out otherwise is changed there; forms that only the
/// calculations changed are added at the end.
pub(crate) async fn calculate(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    edits: &mut Vec<Edit>,
    language: Option<&str>,
) -> Result<(), Refusal> {
    let Some(task) = instance.current_task_id() else { return Ok(()) };
    if !instance.data.iter().any(|element| calculations_of(app, task, element).is_some()) {
        return Ok(());
    }
    let is_edited = |id: Guid| edits.iter().any(|edit| edit.element == id);
    let mut situation = Situation::load(svc, app, instance, language, |element| !is_edited(element.id)).await?;
    for edit in edits.iter() {
        situation.replace_form(edit.element, edit.form.clone());
    }
    let set = app.ui.set_of_task(task).filter(|set| app.ui.layouts.set(&set.id).is_some());
    let layout = set.map(|set| CalculationLayout { layouts: &app.ui.layouts, set_id: &set.id });
    for (index, element) in instance.data.iter().enumerate() {
        let Some(calculations) = calculations_of(app, task, element) else { continue };
        let Some(data_type) = app.application.data_type(&element.data_type) else { continue };
        let Some(before) = situation.form(element.id) else { continue };
        if !may_read(svc, caller, app, instance, data_type)? {
            continue;
        }
        let mut form = before.clone();
        let unsuitable =
            calculations.run(&mut form, ElementIndex(index), &situation.facts(), layout).map_err(|_| {
                // What went wrong may quote the form, so it is not passed on.
                let detail = format!("The calculations of {} could not be run.", data_type.id);
                Refusal::Stuck(Problem::details("Calculation failed", detail))
            })?;
        for result in unsuitable {
            tracing::warn!(app = %app.id, data_type = data_type.id, field = %result.field, "a calculated value does not fit its field");
        }
        if form.same_values(before) {
            continue;
        }
        situation.replace_form(element.id, form.clone());
        match edits.iter_mut().find(|edit| edit.element == element.id) {
            Some(edit) => {
                edit.form = form;
                edit.is_changed = true;
            }
            None => edits.push(Edit { element: element.id, form, is_changed: true }),
        }
    }
    Ok(())
}

/// Writes the changed forms into the draft, where their elements already are. Answers all of them as they are stored.
pub(super) fn store(draft: &mut Draft<'_>, edits: Vec<Edit>) -> Vec<(Guid, FormData)> {
    let mut stored = Vec::with_capacity(edits.len());
    for Edit { element: id, mut form, is_changed } in edits {
        let element = draft.instance.element(id).filter(|_| is_changed).cloned();
        let data_type = element.as_ref().and_then(|element| draft.app.application.data_type(&element.data_type));
        if let (Some(element), Some(data_type)) = (element, data_type) {
            forms::replace(draft, data_type, element, &mut form);
        }
        stored.push((id, form));
    }
    stored
}

/// What is calculated in an element; none for those that take no part in the task or may not be changed.
fn calculations_of<'a>(app: &'a App, task: &str, element: &DataElement) -> Option<&'a Calculations> {
    let data_type = app.application.data_type(&element.data_type)?;
    let takes_part = data_type.task_id.as_deref() == Some(task) && !element.locked && !element.is_hard_deleted();
    app.models.calculations(&data_type.id).filter(|_| takes_part)
}
