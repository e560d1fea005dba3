//! The use cases: load what is needed, decide, commit one change.
//!
//! Invariant: knows nothing of HTTP and of SQL. What it needs from the world is declared in [`ports`]; what a request
//! may be refused for is a [`Refusal`]. Modules carry the words of the API, so that a reader who knows a URL can guess
//! the file.

pub mod authentication;
pub mod authorization;
pub mod content;
pub mod data;
mod draft;
mod evaluation;
pub mod events;
mod forms;
mod gates;
pub mod instances;
pub mod jobs;
pub mod message_box;
pub mod ports;
pub mod process;
pub mod refusal;
mod service;
pub mod storage;
pub mod validation;

pub use refusal::{Failure, Missing, Problem, Refusal};
pub use service::{MetricsKey, Service, Settings};
