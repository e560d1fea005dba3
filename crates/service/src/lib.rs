//! The use cases: load what is needed, decide, commit one change.
//!
//! Invariant: knows nothing of HTTP and of SQL. What it needs from the world is declared in [`ports`]; what a request
//! may be refused for is a [`Refusal`]. Modules carry the words of the API, so that a reader who knows a URL can guess
//! the file.

pub mod authentication;
pub mod ports;
mod refusal;

pub use refusal::{Failure, Missing, Problem, Refusal};
