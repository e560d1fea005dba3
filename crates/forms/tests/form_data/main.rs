//! Form data from the outside: documents, models of real apps, patches and paths.

mod documents;
mod patches;
mod paths;
mod real_models;
mod round_trips;
mod skjema;
