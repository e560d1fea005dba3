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
use mottak_service::authentication::TokenVerifier;

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
}

impl WebState {
    /// From its parts.
    pub fn new(service: Arc<Service>, verifier: TokenVerifier, antiforgery: Antiforgery) -> Self {
        Self(Arc::new(WebParts { service, verifier, antiforgery }))
    }
}

impl Deref for WebState {
    type Target = WebParts;

    fn deref(&self) -> &WebParts {
        &self.0
    }
}
