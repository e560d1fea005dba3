//! HTTP in: one room per API family, and the mapping from refusals to status codes and bodies.
//!
//! Invariant: no SQL, no files, no rules. A handler reads the request, makes one call into `mottak-service` and answers.
//! A route is mounted with who may call it ([`Routes`](routes::Routes)); without that it cannot be mounted.
//!
//! [`app_api`] serves `/{org}/{app}/…`, [`platform_api`] the platform's half, [`local`] the development logins that only
//! `mottak dev` mounts. [`server::Server`] puts them together.

pub mod antiforgery;
pub mod app_api;
mod body;
mod canonical;
pub mod credentials;
mod disposition;
mod download;
mod extract;
mod identify;
pub mod local;
mod multipart;
pub mod platform_api;
pub mod refusal;
mod response;
pub mod routes;
pub mod server;

use std::ops::Deref;
use std::sync::Arc;

use mottak_service::Service;
use mottak_service::authentication::{Authority, KeyRing, TokenVerifier};

use crate::antiforgery::Antiforgery;

/// What every handler may use. Every request clones it several times, so a clone is one count.
#[derive(Clone, Debug)]
pub struct WebState(Arc<WebParts>);

/// The parts of [`WebState`].
#[derive(Debug)]
pub struct WebParts {
    pub service: Arc<Service>,
    pub verifier: TokenVerifier,
    pub antiforgery: Antiforgery,
    /// What gives tokens, where this server is the authority of its platform. None: tokens come from elsewhere.
    pub authority: Option<Authority>,
}

impl WebState {
    /// From its parts.
    pub fn new(parts: WebParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Takes other keys for the tokens of this platform: they are signed with these from now on, and what was verified
    /// before is verified again.
    pub fn replace_keys(&self, keys: KeyRing) {
        let Some(authority) = &self.authority else { return };
        self.verifier.replace_keys(authority.issuer.issuer(), &keys.public_keys(self.service.clock.now()));
        authority.issuer.replace_ring(keys);
    }
}

impl Deref for WebState {
    type Target = WebParts;

    fn deref(&self) -> &WebParts {
        &self.0
    }
}
