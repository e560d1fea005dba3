//! Patches of forms: PATCH data (app-api §4.6, §4.7; app-forms §2.4).
//!
//! All forms of a request change together or not at all, and the validators see what is committed.

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_forms::patch::{PatchError, PatchRequest, apply};
use mottak_model::{Guid, Instance, InstanceId};

use super::calculation::{self, Edit, calculate};
use super::create::{Written, check};
use super::{Wanted, access, data_type_of, element_of, load_for, require_task};
use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::instances::read::hide_unreadable;
use crate::refusal::ProblemKind;
use crate::service::Attempt;
use crate::validation::{Changed, Selection};
use crate::{Problem, Refusal, Service, forms};

/// Applies the patches and validates the result. Forms that a patch leaves as they were are not written.
pub async fn patch(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    request: &PatchRequest,
    language: Option<&str>,
) -> Result<Written, Refusal> {
    let selection = Selection::incremental_without(request.ignored_validators.clone());
    let wanted = Wanted { validation: Some(&selection), language };
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let snapshot = load_for(svc, caller, app, id, "write").await?;
        require_writable(svc, caller, app, &snapshot.instance, request)?;
        let author = Author::of(svc, caller, app)?;
        let mut draft = Draft::of(svc, app, &author, &snapshot);
        let mut edits = Vec::with_capacity(request.patches.len());
        for element_patch in &request.patches {
            let element = element_of(&snapshot.instance, element_patch.data_element_id)?;
            let before = forms::load(svc, app, id.party, element).await?;
            let patched = apply(&before, &element_patch.patch).map_err(|error| refuse(&error, &before, element.id))?;
            edits.push(Edit { element: element.id, form: patched.data, is_changed: patched.changed });
        }
        calculate(svc, caller, app, &snapshot.instance, &mut edits, language).await?;
        let changed = Changed::Forms(edits.iter().any(|edit| edit.is_changed));
        for edit in &mut edits {
            edit.is_changed |= edit.form.assign_row_ids(&mut || svc.ids.guid());
        }
        let written = calculation::store(&mut draft, edits);
        let findings = check(svc, caller, app, &draft.instance, &written, wanted, &changed).await?;
        let mut instance = if draft.is_empty(&snapshot.instance) {
            snapshot.instance.clone()
        } else {
            svc.commit(Some(&snapshot.instance), draft.finish()).await?
        };
        hide_unreadable(svc, caller, app, &mut instance)?;
        let element = request.patches.first().map_or(id.guid, |patch| patch.data_element_id);
        Ok::<_, Attempt>(Written { element, instance, forms: written, findings })
    })
    .await
}

/// Every element is looked at before any of them may be refused for its type.
fn require_writable(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    request: &PatchRequest,
) -> Result<(), Refusal> {
    let mut data_types = Vec::new();
    for patch in &request.patches {
        let element = element_of(instance, patch.data_element_id)?;
        let data_type = data_type_of(app, &element.data_type)?;
        if !data_type.is_form() {
            let detail = format!("Data element {} is not form data and cannot be patched", element.id);
            return Err(Refusal::Invalid(Problem::details("Data Type Without Form", detail)));
        }
        if !data_types.contains(&data_type) {
            data_types.push(data_type);
        }
    }
    for data_type in data_types {
        access::require_change(svc, caller, app, instance, data_type)?;
    }
    require_task(instance, "update")?;
    for patch in &request.patches {
        access::require_unlocked(element_of(instance, patch.data_element_id)?)?;
    }
    Ok(())
}

fn refuse(error: &PatchError, before: &FormData, element: Guid) -> Refusal {
    let model = error.operation_index().and_then(|_| serde_json::from_str(&before.to_json()).ok());
    let kind = ProblemKind::Patch {
        previous_model: model,
        data_element_id: element,
        operation: error.operation_index().unwrap_or_default(),
    };
    let problem = Problem::details(error.title(), error.to_string()).with(kind);
    match error {
        PatchError::TestFailed { .. } => Refusal::Conflict(problem),
        _ => Refusal::Unprocessable(problem),
    }
}
