//! Verifying tokens (platform-authentication §4.1, §6).

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::sync::Cache;
use mottak_model::Time;
use serde_json::{Map, Value};

use super::caller::{Caller, Component};
use super::claims::{CallerProblem, name};
use super::exchange::TokenProvider;
use super::keys::{ALGORITHM, PublicKeys};
use super::strict_json;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// How far clocks may differ for `exp` and `nbf`, in seconds.
const SKEW: i64 = 10;
/// How far in the future `iat` may lie, in seconds.
const ISSUED_AHEAD: i64 = 60;
/// How long a token that is exchanged may be good altogether, in seconds.
const LONGEST_UPSTREAM: i64 = 24 * 3600;
/// The longest key identifier, in bytes.
const MAX_KEY_ID_LENGTH: usize = 256;
/// How many verified tokens are remembered; about 1 KiB each.
const REMEMBERED: u64 = 20_000;
/// The method of users of test tokens that do not name one.
const TEST_METHOD: &str = "localtest";

/// Why a token proves nothing. Every problem but [`KeysUnavailable`](Self::KeysUnavailable) means 401; none tells what
/// the token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    #[error("the token is not a signed JWT of three parts in strict base64url")]
    Malformed,
    #[error("the token is longer than {MAX_TOKEN_LENGTH} bytes")]
    TooLong,
    #[error("the token is not signed with RS256, or asks for an extension of the format")]
    Algorithm,
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token comes from an issuer that is not trusted here")]
    Issuer,
    #[error("the token has no usable expiry or other time")]
    Time,
    #[error("the token is good for longer than any token should be")]
    TooLasting,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token is an identity token, not meant for APIs")]
    IdentityToken,
    #[error("the token is a test token")]
    TestToken,
    #[error("the keys of the token's issuer cannot be had now")]
    KeysUnavailable,
    #[error(transparent)]
    Caller(#[from] CallerProblem),
}

/// Whether tokens that a test identity provider marks as its own are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestTokens {
    /// On a developer's machine. Tokens without method are completed, as old ones have none.
    Accepted,
    Refused,
}

/// Checks tokens and remembers those that are good.
#[derive(Debug)]
pub struct TokenVerifier {
    test_tokens: TestTokens,
    trust: RwLock<Arc<Trust>>,
}

/// Whose tokens are good, with what was verified on that ground: both change together.
struct Trust {
    issuers: Vec<TrustedIssuer>,
    verified: Cache<Fingerprint, Verified>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}

/// An issuer and its keys. A key of one issuer never verifies a token of another.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Exactly as in `iss`.
    pub issuer: String,
    pub keys: PublicKeys,
    pub takes: Takes,
}

/// Which tokens of an issuer are good without exchange (platform-authentication §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Everything,
    SystemUsersOnly,
    /// Platform access tokens, which prove a component and never a caller (platform-authentication §1.10).
    Components,
    /// Nothing as it is; its tokens are exchanged for ours (platform-authentication §2.3).
    Exchange(TokenProvider),
}

impl Takes {
    /// Whether its tokens prove callers.
    fn is_of_callers(self) -> bool {
        matches!(self, Self::Everything | Self::SystemUsersOnly)
    }
}

/// SHA-256 of a token.
type Fingerprint = [u8; 32];

/// A token that passed, and when it is good.
#[derive(Clone)]
struct Verified {
    caller: Caller,
    period: Period,
}

/// In seconds since 1970, the allowance for clocks included.
#[derive(Clone, Copy, Debug)]
struct Period {
    from: i64,
    /// The first second in which the token is no longer good.
    until: i64,
}

impl TokenVerifier {
    /// Trusts these issuers.
    pub fn new(issuers: Vec<TrustedIssuer>, test_tokens: TestTokens) -> Self {
        Self { test_tokens, trust: RwLock::new(Arc::new(Trust::new(issuers))) }
    }

    /// Trusts these issuers from now on and forgets what was verified before.
    pub fn replace_issuers(&self, issuers: Vec<TrustedIssuer>) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Trust::new(issuers));
    }

    /// Trusts these keys of an issuer of ours from now on in place of those it had, and forgets what was verified before.
    pub fn replace_keys(&self, issuer: &str, keys: &PublicKeys) {
        let mut trust = self.trust.write().unwrap_or_else(PoisonError::into_inner);
        let mut issuers = trust.issuers.clone();
        for own in issuers.iter_mut().filter(|own| own.issuer == issuer && own.takes == Takes::Everything) {
            own.keys = keys.clone();
        }
        *trust = Arc::new(Trust::new(issuers));
    }

    /// The caller whom the token proves. Around 30 µs for a new token, about 1 µs for one that was seen before.
    pub fn verify(&self, token: &str, now: Time) -> Result<Caller, TokenProblem> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenProblem::TooLong);
        }
        let trust = self.trust();
        let fingerprint = fingerprint(token);
        if let Some(verified) = trust.verified.get(&fingerprint) {
            if let Err(problem) = verified.period.check(now) {
                trust.verified.invalidate(&fingerprint);
                return Err(problem);
            }
            return Ok(verified.caller);
        }
        let verified = self.verify_anew(&trust.issuers, token, now)?;
        trust.verified.insert(fingerprint, verified.clone());
        Ok(verified.caller)
    }

    /// The same, once the keys of the token's issuer have been asked for where they are not known yet.
    pub async fn verify_or_learn(&self, token: &str, now: Time) -> Result<Caller, TokenProblem> {
        self.verify(token, now)
    }

    /// The component that a platform access token proves. Only keys of [`Takes::Components`] count.
    pub fn verify_component(&self, token: &str, now: Time) -> Result<Component, TokenProblem> {
        let (claims, issuer) = self.verify_taken(token, now, |takes| takes == Takes::Components)?;
        let app = claims.get(name::APP).and_then(Value::as_str).filter(|app| !app.trim().is_empty());
        let app = app.ok_or(CallerProblem::Missing(name::APP))?;
        Ok(Component { issuer, app: app.to_owned() })
    }

    /// The claims of a token of this issuer.
    pub(super) fn verify_claims(
        &self,
        token: &str,
        issuer: &str,
        now: Time,
    ) -> Result<Map<String, Value>, TokenProblem> {
        let (claims, trusted) = self.verify_taken(token, now, |takes| takes == Takes::Everything)?;
        if trusted == issuer { Ok(claims) } else { Err(TokenProblem::Issuer) }
    }

    /// The claims of a token that the provider gave to be exchanged.
    pub(super) fn verify_upstream(
        &self,
        token: &str,
        provider: TokenProvider,
        now: Time,
    ) -> Result<Map<String, Value>, TokenProblem> {
        let (claims, _) = self.verify_taken(token, now, |takes| takes == Takes::Exchange(provider))?;
        let time = |name: &str| claims.get(name).and_then(seconds);
        let begins = time("iat").or(time("nbf")).unwrap_or(now.unix_seconds());
        if time("exp").is_none_or(|end| end - begins > LONGEST_UPSTREAM) {
            return Err(TokenProblem::TooLasting);
        }
        Ok(claims)
    }

    /// The claims of a good token, and its issuer.
    fn verify_taken(
        &self,
        token: &str,
        now: Time,
        may_issue: impl Fn(Takes) -> bool,
    ) -> Result<(Map<String, Value>, String), TokenProblem> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenProblem::TooLong);
        }
        let trust = self.trust();
        let parts = Parts::split(token)?;
        let trusted = signer(&trust.issuers, &parts, may_issue)?;
        Period::of(&parts.claims)?.check(now)?;
        Ok((parts.claims, trusted.issuer.clone()))
    }

    fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn verify_anew(&self, issuers: &[TrustedIssuer], token: &str, now: Time) -> Result<Verified, TokenProblem> {
        let parts = Parts::split(token)?;
        let trusted = signer(issuers, &parts, Takes::is_of_callers)?;
        let period = Period::of(&parts.claims)?;
        period.check(now)?;
        let caller = self.caller(parts.claims)?;
        if trusted.takes == Takes::SystemUsersOnly && caller.system_user().is_none() {
            return Err(CallerProblem::MustBeExchanged.into());
        }
        Ok(Verified { caller, period })
    }

    /// The caller whom verified claims describe.
    fn caller(&self, mut claims: Map<String, Value>) -> Result<Caller, TokenProblem> {
        if claims.contains_key("nonce") {
            return Err(TokenProblem::IdentityToken);
        }
        match self.test_tokens {
            TestTokens::Refused if claims.contains_key(name::ACTUAL_ISSUER) => return Err(TokenProblem::TestToken),
            // compat: users of older test identity providers have no method (§4.2).
            TestTokens::Accepted if !claims.contains_key(name::METHOD) && !claims.contains_key(name::DETAILS) => {
                claims.insert(name::METHOD.to_owned(), TEST_METHOD.into());
            }
            _ => {}
        }
        Ok(Caller::from_claims(&claims)?)
    }
}

/// Whether the text has the form of a token; who signed it and when it is good is not looked at.
pub fn is_token(text: &str) -> bool {
    text.len() <= MAX_TOKEN_LENGTH && Parts::split(text).is_ok()
}

/// The issuer of the token, among those that issue such tokens, once its key has shown that it is.
fn signer<'a>(
    issuers: &'a [TrustedIssuer],
    parts: &Parts<'_>,
    may_issue: impl Fn(Takes) -> bool,
) -> Result<&'a TrustedIssuer, TokenProblem> {
    let key_id = key_id(&parts.header)?;
    let issuer = parts.claims.get(name::ISSUER).and_then(Value::as_str).ok_or(TokenProblem::Issuer)?;
    let mut issuers = issuers.iter().filter(|trusted| may_issue(trusted.takes));
    let trusted = issuers.find(|trusted| trusted.issuer == issuer).ok_or(TokenProblem::Issuer)?;
    let key = trusted.keys.find(key_id).ok_or(TokenProblem::UnknownKey)?;
    if !key.verifies(parts.signed.as_bytes(), &parts.signature) {
        return Err(TokenProblem::Signature);
    }
    Ok(trusted)
}

impl Trust {
    fn new(issuers: Vec<TrustedIssuer>) -> Self {
        Self { issuers, verified: Cache::new(REMEMBERED) }
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A token taken apart; nothing of it is believed yet.
struct Parts<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signature: Vec<u8>,
    /// What the signature is over.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Self, TokenProblem> {
        let malformed = TokenProblem::Malformed;
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(malformed)?;
        let object = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().and_then(|json| strict_json::object(&json));
        Ok(Self {
            header: object(header).ok_or(malformed)?,
            claims: object(claims).ok_or(malformed)?,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?,
            signed,
        })
    }
}

/// The name of the key, when the header asks for nothing we do not do. Keys and addresses of keys in the header are
/// ignored.
fn key_id(header: &Map<String, Value>) -> Result<Option<&str>, TokenProblem> {
    let algorithm = header.get("alg").and_then(Value::as_str);
    if algorithm != Some(ALGORITHM) || ["crit", "zip", "enc"].iter().any(|extension| header.contains_key(*extension)) {
        return Err(TokenProblem::Algorithm);
    }
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if id.len() <= MAX_KEY_ID_LENGTH => Ok(Some(id)),
        Some(_) => Err(TokenProblem::UnknownKey),
    }
}

impl Period {
    /// From `exp` (required), `nbf` and `iat`.
    fn of(claims: &Map<String, Value>) -> Result<Self, TokenProblem> {
        let seconds = |name: &str| claims.get(name).map(|value| seconds(value).ok_or(TokenProblem::Time)).transpose();
        let expires = seconds("exp")?.ok_or(TokenProblem::Time)?;
        let not_before = seconds("nbf")?.map_or(0, |nbf| nbf - SKEW);
        let issued = seconds("iat")?.map_or(0, |iat| iat - ISSUED_AHEAD);
        Ok(Self { from: not_before.max(issued), until: expires + SKEW })
    }

    fn check(self, now: Time) -> Result<(), TokenProblem> {
        let now = now.unix_seconds();
        if now >= self.until {
            Err(TokenProblem::Expired)
        } else if now < self.from {
            Err(TokenProblem::NotYet)
        } else {
            Ok(())
        }
    }
}

/// A time in whole seconds; fractions are dropped.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    const LIMIT: i64 = 1 << 53;
    let seconds = value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.is_finite()).map(|s| s as i64))?;
    (0..=LIMIT).contains(&seconds).then_some(seconds)
}
