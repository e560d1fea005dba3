//! Data elements over HTTP: app-api §4, §20 and §25.4–25.5, app-forms §1–2.
//!
//! [`world`] starts a server with one app and one instance. `journal` is an app of ours with every kind of data type,
//! `regneark` one that calculates; [`contributors`] uses the app that the contract's own cases name.

mod access;
mod bad_input;
mod bytes;
mod calculations;
mod contributors;
mod elements;
mod forms;
mod patches;
mod races;
mod uploads;
mod world;
