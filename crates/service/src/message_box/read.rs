//! One instance of the message box (platform-storage §2.7.3).

use mottak_model::{Instance, InstanceId};

use super::item::{MessageBoxInstance, language};
use super::{Rights, may};
use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::storage::{applications, texts};
use crate::{Problem, Refusal, Service};

/// The instance, to somebody who may read it.
pub async fn read(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    asked_language: Option<&str>,
) -> Result<MessageBoxInstance, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = svc.load(id).await?;
    let instance = snapshot.map(|snapshot| snapshot.instance);
    let instance = instance.ok_or_else(|| Refusal::NotFound(Problem::text(format!("Could not find instance {id}"))))?;
    let app = svc.apps.get(instance.app_id.org(), instance.app_id.app());
    let app = app.ok_or_else(|| Refusal::forbidden("read"))?;
    svc.authorize(caller, "read", Resource::instance(&app, &instance))?;
    let may = |action: &str| may(svc, caller, &app, &instance, action);
    let rights = Rights {
        delete: may("delete")?,
        write: may("write")?,
        sign: may("sign")?,
        instantiate: is_copied(svc, &instance).await? && may("instantiate")?,
    };
    let texts = texts::find(svc, &instance.app_id, language(asked_language)).await?;
    Ok(MessageBoxInstance::of(&instance, texts.as_deref(), rights))
}

/// Whether the app makes new instances out of ones like this.
async fn is_copied(svc: &Service, instance: &Instance) -> Result<bool, Refusal> {
    if !instance.status.is_archived {
        return Ok(false);
    }
    let application = applications::find(svc, &instance.app_id).await?;
    let settings = application.as_ref().and_then(|application| application.copy_instance_settings.as_ref());
    Ok(settings.is_some_and(|settings| settings.enabled))
}
