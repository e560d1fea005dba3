//! Who is calling: from a token to a verified identity (platform-authentication §1, §4, §6).
//!
//! [`TokenVerifier`] checks a token once and answers with a [`Caller`], the only identity the rest of the server sees.
//! [`Caller::from_claims`] holds the rules of classification and is pure. [`SigningKey`], [`PublicKeys`] and
//! [`TokenIssuer`] are the other end: the server's own keys, which take turns in a [`KeyRing`], and the tokens it signs.
//! [`Authority`] gives such tokens, for tokens of other providers and for its own that run out.
//!
//! Where a token travels (headers, cookies) is not known here. Neither tokens nor national identity numbers appear in
//! errors or `Debug` output.

mod authority;
mod caller;
mod claims;
mod exchange;
mod issue;
mod keys;
mod owners;
mod refresh;
mod ring;
mod scopes;
mod sessions;
mod strict_json;
mod subject;
mod verify;

pub use authority::Authority;
pub use caller::{Caller, Component, Identity, SystemUser, User};
pub use claims::CallerProblem;
pub use exchange::{Exchange, ExchangeRefusal, TokenProvider};
pub use issue::TokenIssuer;
pub use keys::{KeyProblem, PublicKeys, SigningKey};
pub use owners::OwnerCodes;
pub use refresh::{NationalId, RefreshRefusal};
pub use ring::KeyRing;
pub use scopes::{PORTAL_SCOPE, Scopes};
pub use sessions::Sessions;
pub use verify::{MAX_TOKEN_LENGTH, Takes, TestTokens, TokenProblem, TokenVerifier, TrustedIssuer, is_token};

#[cfg(test)]
mod tests;
