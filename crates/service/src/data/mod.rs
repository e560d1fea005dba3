//! Data elements: forms and files of an instance.
//!
//! [`read`] for getting them, [`create`], [`update`], [`patch`](mod@patch) and [`remove`] for writes; [`access`] holds the
//! rules all writes share, [`calculation`] what the app does to forms on each of them, [`mod@file`] the rules for uploads.

pub(crate) mod access;
pub(crate) mod calculation;
pub mod create;
pub mod file;
pub mod patch;
pub mod read;
pub mod remove;
pub mod update;

use mottak_apps::App;
use mottak_model::{DataElement, DataType, Guid, Instance, InstanceId};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::instances::read::load_of_app;
use crate::ports::Snapshot;
use crate::validation::Selection;
use crate::{Problem, Refusal, Service};

/// Which element of which instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementId {
    pub instance: InstanceId,
    pub element: Guid,
}

/// How the client wants a write of data answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The validators that run on the result; none when the client did not ask for any.
    pub validation: Option<&'a Selection>,
    /// The language of texts, as the query names it.
    pub language: Option<&'a str>,
}

/// The instance, for a caller whom the policy permits the action on it. An unknown one is one nobody may use.
pub(crate) async fn load_for(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    action: &str,
) -> Result<Snapshot, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = match load_of_app(svc, app, id).await {
        Err(Refusal::NotFound(_)) => return Err(Refusal::forbidden(action)),
        other => other?,
    };
    svc.authorize(caller, action, Resource::instance(app, &snapshot.instance))?;
    Ok(snapshot)
}

/// The element, or the refusal that names it.
pub(crate) fn element_of(instance: &Instance, id: Guid) -> Result<&DataElement, Refusal> {
    instance.element(id).ok_or_else(|| {
        Refusal::NotFound(Problem::details(
            "Data Element Not Found",
            format!("Did not find data element {id} on instance {}", instance.id),
        ))
    })
}

/// The data type, or the refusal that names it.
pub(crate) fn data_type_of<'a>(app: &'a App, id: &str) -> Result<&'a DataType, Refusal> {
    app.application.data_type(id).ok_or_else(|| {
        Refusal::Invalid(Problem::details(
            "Data Type Not Found",
            format!("Could not find the specified data type: \"{id}\" in applicationmetadata.json"),
        ))
    })
}

/// A write needs a process that stands in a task.
pub(crate) fn require_task<'a>(instance: &'a Instance, what: &str) -> Result<&'a str, Refusal> {
    instance.current_task_id().ok_or_else(|| {
        Refusal::Conflict(Problem::details(
            "No current task",
            format!("Cannot {what} data element without a current task"),
        ))
    })
}
