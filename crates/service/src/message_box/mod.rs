//! The message box: a party's instances as its members see them in their inbox (platform-storage §2.7).
//!
//! [`mod@search`] finds many, [`mod@read`] shows one, [`history`] tells what happened to it, [`life`] deletes it and takes that
//! back. [`question`] holds what a search asks for and [`item`] how an instance is shown; both are pure.

pub mod history;
pub mod item;
pub mod life;
pub mod question;
pub mod read;
pub mod search;

use mottak_apps::App;
use mottak_model::Instance;

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::{Refusal, Service};

/// What the caller may do with an instance, as far as it was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub delete: bool,
    pub write: bool,
    pub sign: bool,
    /// Make another instance of the same app.
    pub instantiate: bool,
}

/// Whether the policy permits the caller the action on the instance.
fn may(svc: &Service, caller: &Caller, app: &App, instance: &Instance, action: &str) -> Result<bool, Refusal> {
    Ok(svc.access(caller, action, Resource::instance(app, instance))?.is_permitted())
}
