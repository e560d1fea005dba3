//! XACML policies: text to compiled policy, and (policy, request) to a decision with obligations.
//!
//! Pure: knows nothing of files, clocks, users or HTTP. Who the caller is and which roles she has is put into the
//! [`Request`] before it comes here.
//!
//! Read first: [`Policy`] (how a policy is read and asked), [`Request`], [`Decision`]. Contract: platform-authorization
//! §1 (policy files), §2 (evaluation), §3.2–3.4 (request and response documents).
//!
//! ```
//! use mottak_policy::{Effect, Placeholders, Policy, Request};
//!
//! let text = r#"<Policy xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" PolicyId="open"
//!     RuleCombiningAlgId="urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:deny-overrides">
//!   <Target/><Rule RuleId="anybody" Effect="Permit"/></Policy>"#;
//! let policy = Policy::parse(text, &Placeholders::for_app("ttd", "demo")).expect("the policy is sound");
//! let request = Request::new().subject("urn:altinn:rolecode", "DAGL").resource("urn:altinn:app", "demo").action("read");
//! assert_eq!(policy.decide(&request).effect, Effect::Permit);
//! ```

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
