//! XACML policies: text to compiled policy, and (policy, request) to a decision with obligations.
//!
//! Pure: knows nothing of files, clocks, users or HTTP. Who the caller is and which roles she has is put into the
//! [`Request`] before it comes here.
//!
//! Read first: [`Policy`], [`Request`], [`Decision`].

mod combine;
mod condition;
mod decision;
mod functions;
mod moment;
mod parse;
mod policy;
mod request;
mod uri;
mod vocabulary;
mod xml;

pub use combine::Effect;
pub use decision::{Assignment, CallerKind, Decision, Obligation, Status};
pub use parse::Placeholders;
pub use policy::Policy;
pub use request::{Attribute, Group, Request, Value};
pub use vocabulary::{ACTION_ID, Category, DataType, MINIMUM_LEVEL, MINIMUM_LEVEL_ORG};
pub use xml::PolicyProblem;
