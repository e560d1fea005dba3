//! The process over HTTP: state, start, moves, gateways, history, locks, what the end of a task does, validation; and
//! what an app says of itself: options, texts, metadata, resources.

mod ends;
mod gateways;
mod moves;
mod resources;
mod rights;
mod sak;
mod saksgang;
mod sketch;
mod standing;
mod states;
mod validation;
