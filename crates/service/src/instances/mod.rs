//! Instances: made, read, listed, deleted, confirmed.
//!
//! [`create`] for both ways of instantiation, [`mod@copy`] for the data of an earlier instance, [`read`] for what a caller
//! sees of one, [`list`] for questions over many,
//! [`life`] for what happens to an instance as a whole.

pub mod copy;
pub mod create;
pub mod life;
pub mod list;
pub mod owner;
pub mod query;
pub mod read;
