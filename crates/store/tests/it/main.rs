//! The store as its callers see it: both engines side by side, and what is left after a kill.

mod archive;
mod crash;
mod durability;
mod equivalence;
mod lists;
mod migration;
mod objects;
mod postgres;
mod samples;
