//! Who may create, change and remove which data elements: one ordered list of rules (app-api §20.2).

use mottak_apps::App;
use mottak_model::{DataElement, DataType, Instance};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::{Missing, Problem, Refusal, Service};

const PDF_TYPE: &str = "ref-data-as-pdf";

/// Refuses unless the caller may create an element of the type, with this many bytes where they are known.
pub(crate) fn require_create(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
    size: Option<u64>,
) -> Result<(), Refusal> {
    require_change(svc, caller, app, instance, data_type)?;
    let id = &data_type.id;
    let existing = instance.elements_of_type(id).filter(|element| !element.is_hard_deleted()).count();
    if data_type.max_count > 0 && i64::try_from(existing).is_ok_and(|existing| existing >= data_type.max_count) {
        let limit = data_type.max_count;
        return conflict("Max Count Exceeded", format!("Cannot create more than {limit} data elements of type {id}"));
    }
    if let (Some(size), Some(limit)) = (size, data_type.max_size.filter(|limit| *limit > 0))
        && data_type.max_bytes().is_some_and(|bytes| size > bytes)
    {
        let detail =
            format!("Cannot create data element of size {size} which exceeds the max size of {limit} for {id}");
        return invalid("Max Size Exceeded", detail);
    }
    if data_type.app_logic.as_ref().is_some_and(|logic| logic.disallow_user_create) && !is_owner(caller) {
        let detail = format!("Cannot create data element of type {id} as it is disallowed by app logic");
        return invalid("User Create Disallowed", detail);
    }
    Ok(())
}

/// Refuses unless the caller may change elements of the type.
pub(crate) fn require_change(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
) -> Result<(), Refusal> {
    let id = &data_type.id;
    if id.eq_ignore_ascii_case(PDF_TYPE) {
        return forbidden("Forbidden", format!("Data element of type {id} cannot be modified"));
    }
    if app.settings.enforce_data_type_task_id
        && let Some(task) = &data_type.task_id
        && instance.current_task_id() != Some(task)
    {
        let current = instance.current_task_id().unwrap_or("none");
        let detail = format!("Data element of type {id} can only be modified in {task} (current task {current})");
        return conflict("Conflict with Current Task", detail);
    }
    if let Some(action) = data_type.action_required_to_write.as_deref().filter(|action| !action.is_empty())
        && !svc.access(caller, action, Resource::instance(app, instance))?.is_permitted()
    {
        return forbidden("Unauthorized", format!("Access denied for data element of type {id}"));
    }
    require_active(instance)?;
    if !is_contributor(caller, data_type) {
        return forbidden("Forbidden", "User is not a valid contributor to the data type");
    }
    Ok(())
}

/// Refuses unless the caller may remove the element.
pub(crate) fn require_removal(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
) -> Result<(), Refusal> {
    require_change(svc, caller, app, instance, data_type)?;
    if data_type.is_form() && data_type.max_count == 1 && data_type.min_count == 1 {
        let detail = "Cannot delete the only data element of a class with app logic";
        return invalid("Cannot Delete main data element", detail);
    }
    if data_type.app_logic.as_ref().is_some_and(|logic| logic.disallow_user_delete) && !is_owner(caller) {
        let detail = format!("Cannot delete data element of type {} as it is disallowed by app logic", data_type.id);
        return invalid("User Delete Disallowed", detail);
    }
    Ok(())
}

/// Refuses unless the caller may read elements of the type.
pub(crate) fn require_read(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
) -> Result<(), Refusal> {
    if may_read(svc, caller, app, instance, data_type)? {
        return Ok(());
    }
    forbidden("Unauthorized", format!("Access denied for data element of type {}", data_type.id))
}

/// Whether the caller may read elements of the type, given that they may read the instance.
pub(crate) fn may_read(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
) -> Result<bool, Refusal> {
    match data_type.action_required_to_read.as_deref().filter(|action| !action.is_empty()) {
        None => Ok(true),
        Some(action) => Ok(svc.access(caller, action, Resource::instance(app, instance))?.is_permitted()),
    }
}

/// Refuses changes of what is locked: its task has ended (platform-storage §2.4.4, app-api §1.8).
pub(crate) fn require_unlocked(element: &DataElement) -> Result<(), Refusal> {
    if element.locked { Err(Refusal::Conflict(Problem::bare())) } else { Ok(()) }
}

/// Refuses changes of the data of an instance that is archived or deleted.
fn require_active(instance: &Instance) -> Result<(), Refusal> {
    let status = &instance.status;
    if status.archived.is_some() || status.soft_deleted.is_some() || status.hard_deleted.is_some() {
        let detail = format!("Cannot update data element of archived or deleted instance {}", instance.id);
        return conflict("Instance Not Active", detail);
    }
    Ok(())
}

/// Entries name application owners; whoever is not one of them is no contributor (app-api §20.2 rule 5).
fn is_contributor(caller: &Caller, data_type: &DataType) -> bool {
    let listed = [&data_type.allowed_contributers, &data_type.allowed_contributors];
    let Some(entries) = listed.into_iter().flatten().find(|entries| !entries.is_empty()) else { return true };
    let Some(org) = caller.service_owner() else { return false };
    entries.iter().any(|entry| match entry.split_once(':') {
        Some(("org", code)) => code.eq_ignore_ascii_case(org),
        Some(("orgno", number)) => caller.org_number() == Some(number),
        _ => false,
    })
}

fn is_owner(caller: &Caller) -> bool {
    caller.service_owner().is_some()
}

fn forbidden<T>(title: &str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Forbidden(Missing::default().because(title, detail)))
}

fn conflict<T>(title: &str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Conflict(Problem::details(title, detail)))
}

fn invalid<T>(title: &str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(Problem::details(title, detail)))
}
