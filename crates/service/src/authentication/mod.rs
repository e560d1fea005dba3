//! Who is calling: from a token to a verified identity (platform-authentication §1, §4, §6).
//!
//! [`TokenVerifier`] checks a token once and answers with a [`Caller`], the only identity the rest of the server sees.
//! [`Caller::from_claims`] holds the rules of classification and is pure. [`SigningKey`], [`PublicKeys`] and
//! [`TokenIssuer`] are the other end: the server's own key and the tokens it signs.
//!
//! Where a token travels (headers, cookies) is not known here. Neither tokens nor national identity numbers appear in
//! errors or `Debug` output.

mod caller;
mod claims;
mod issue;
mod keys;
mod scopes;
mod strict_json;
mod subject;
mod verify;

pub use caller::{Caller, Component, Identity, SystemUser, User};
pub use claims::CallerProblem;
pub use issue::TokenIssuer;
pub use keys::{KeyProblem, PublicKeys, SigningKey};
pub use scopes::{PORTAL_SCOPE, Scopes};
pub use verify::{MAX_TOKEN_LENGTH, Takes, TestTokens, TokenProblem, TokenVerifier, TrustedIssuer};

#[cfg(test)]
mod tests;
