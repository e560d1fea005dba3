//! The platform's own writes: what callers of the storage API change on an instance that is already there, or is made
//! by somebody else's app.
//!
//! Nothing in here knows the rules of an app's forms or its process; that an app may do something is asked of its
//! policy and, where the process decides, of [`task`]. Reading, deletion, confirmation and the two statuses are the same
//! through either API and live in [`crate::instances`].

pub mod applications;
pub(crate) mod cleanup;
pub mod data;
pub mod events;
pub mod instances;
pub mod locks;
pub mod process;
pub mod sign;
pub mod studio;
pub mod task;
pub mod texts;
