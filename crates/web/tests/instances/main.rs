//! Making and reading instances over HTTP: app-api §3, §20.4–20.6, §21.1–21.3 and §25.1–25.3.
//!
//! [`world`] starts servers with an app of ours, `opprettelse`, changed as a test needs it.

mod active;
mod copies;
mod history;
mod instantiation;
mod life;
mod owners;
mod parts;
mod prefill;
mod reading;
mod registers;
mod scopes;
mod simple;
mod world;
