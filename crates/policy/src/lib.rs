//! XACML policies: text to compiled policy, and (policy, request) to a decision with obligations.
//!
//! Pure: knows nothing of files, clocks, users or HTTP. Who the caller is and which roles she has is put into the
//! [`Request`] before it comes here.
//!
//! Read first: [`Policy`], [`Request`], [`Decision`].

mod combine;
mod condition;
mod decision;
mod expression;
mod functions;
mod mentions;
mod moment;
mod parse;
mod policy;
mod request;
mod request_json;
mod request_xml;
mod response;
mod uri;
mod vocabulary;
mod xml;

pub use combine::Effect;
pub use decision::{Assignment, CallerKind, Decision, Obligation, Status};
pub use mentions::SubjectAlternative;
pub use parse::Placeholders;
pub use policy::Policy;
pub use request::{Attribute, Group, Request, Value};
pub use request_json::{Questions, RequestProblem, parse_json_request};
pub use response::{decide_text, indeterminate_json, response_json};
pub use vocabulary::{ACTION_ID, Category, DataType, MINIMUM_LEVEL, MINIMUM_LEVEL_ORG};
pub use xml::PolicyProblem;
