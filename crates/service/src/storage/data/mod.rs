//! Data elements as the platform's storage API writes them (platform-storage §2.4, §2.5).
//!
//! [`upload`] brings new content, [`remove`] takes elements away, [`describe`] changes what is said about them,
//! [`lock`] keeps them from being changed, [`scan`] is about viruses. Reading is
//! [`data::read`](crate::data::read). What an app allows of its data types beyond the actions they name (sizes, counts,
//! contributors, tasks) is the application API's to enforce, not checked here.

pub mod describe;
pub mod lock;
pub mod remove;
pub mod scan;
pub mod upload;

use std::sync::Arc;

use mottak_apps::App;
use mottak_model::{Application, DataElement, DataType, Guid, Instance, InstanceId};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::instances::read::{app_of, load_permitted};
use crate::ports::Snapshot;
use crate::storage::applications::{self, Known};
use crate::{Missing, Problem, Refusal, Service};

/// Refuses, before the request's body is read, a caller who may not write to the instance.
pub async fn require_write(svc: &Service, caller: &Caller, id: InstanceId) -> Result<(), Refusal> {
    load(svc, caller, id).await.map(drop)
}

/// What a write is decided on.
struct Loaded {
    snapshot: Snapshot,
    /// Whose policy is asked.
    app: Arc<App>,
    /// Which declares the data types.
    application: Known,
}

/// The instance, for a caller who may write to it. The sync adapter is not asked about; it learns of instances that
/// are not there, others are refused.
async fn load(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Loaded, Refusal> {
    if caller.performed_by().is_none() {
        // The history has to name somebody.
        return Err(if caller.is_anonymous() { Refusal::Unauthenticated } else { Refusal::forbidden("write") });
    }
    let (snapshot, app) =
        if caller.is_sync_adapter() { find(svc, id).await? } else { load_permitted(svc, caller, id, "write").await? };
    let application = applications::known(svc, &app).await?;
    Ok(Loaded { snapshot, app, application })
}

/// The instance and its app, whoever asks.
async fn find(svc: &Service, id: InstanceId) -> Result<(Snapshot, Arc<App>), Refusal> {
    let unknown = || Refusal::NotFound(Problem::text(format!("Unable to find any instance with id: {id}.")));
    let snapshot = svc.load(id).await?.ok_or_else(unknown)?;
    let app = app_of(svc, &snapshot.instance)?;
    Ok((snapshot, app))
}

/// The element of this instance; one of another instance is not there.
fn element_of(instance: &Instance, id: Guid) -> Result<&DataElement, Refusal> {
    instance
        .element(id)
        .ok_or_else(|| Refusal::NotFound(Problem::text(format!("Unable to find any data element with id: {id}."))))
}

/// The type as the application declares it.
fn type_of<'a>(application: &'a Application, id: &str) -> Result<&'a DataType, Refusal> {
    application.data_type(id).ok_or_else(|| {
        Refusal::Invalid(Problem::text("Requested element type is not declared in application metadata"))
    })
}

/// Refuses unless the policy permits the caller the action that the type asks of its writers, if it asks for any.
fn require_action(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    data_type: &DataType,
) -> Result<(), Refusal> {
    let Some(action) = data_type.action_required_to_write.as_deref().filter(|action| !action.is_empty()) else {
        return Ok(());
    };
    if svc.access(caller, action, Resource::instance(app, instance))?.is_permitted() {
        return Ok(());
    }
    Err(Refusal::Forbidden(Missing { action: Some(action.to_owned()), ..Missing::default() }))
}
