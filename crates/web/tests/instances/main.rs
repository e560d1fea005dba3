//! Making and reading instances over HTTP: app-api §3, §20.4–20.6, §21.1–21.3 and §25.1–25.3.
//!
//! [`world`] starts servers with an app of ours, `opprettelse`, changed as a test needs it.

mod instantiation;
mod owners;
mod parts;
mod registers;
mod world;
