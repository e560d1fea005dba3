//! A token of ours for the next half hour, until the limit of the login is reached (platform-authentication §2.4).

use std::time::Duration;

use mottak_model::Time;
use serde_json::{Map, Value};

use super::authority::{Authority, LIFETIME};
use super::claims::name;
use super::verify::{TokenProblem, TokenVerifier, seconds};
use crate::ports::{Register, RegisterFailure};

/// How long after somebody authenticated, or a token was first issued, it is renewed.
const LIMIT: Duration = Duration::from_hours(12);
/// When the first token was issued of which this is a renewal, in seconds since 1970.
const FIRST_ISSUED: &str = "oiat";
/// When somebody authenticated upstream.
const AUTHENTICATED: &str = "auth_time";

/// Why a token is not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshRefusal {
    #[error(transparent)]
    Token(#[from] TokenProblem),
    #[error("the login behind the token is older than twelve hours, or does not tell its age")]
    TooOld,
    #[error(transparent)]
    Register(#[from] RegisterFailure),
}

/// Whether the new token is to say the person's national identity number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NationalId {
    Added,
    AsItIs,
}

impl Authority {
    /// A new token for the caller of one of ours. Tokens of other issuers are exchanged, never renewed.
    pub fn refresh(
        &self,
        token: &str,
        national_id: NationalId,
        (verifier, register): (&TokenVerifier, &dyn Register),
        now: Time,
    ) -> Result<String, RefreshRefusal> {
        let claims = verifier.verify_claims(token, self.issuer.issuer(), now)?;
        let mut renewed = renew(claims, now).ok_or(RefreshRefusal::TooOld)?;
        if national_id == NationalId::Added && !renewed.contains_key(name::PID) {
            add_national_id(&mut renewed, register)?;
        }
        Ok(self.issuer.issue(renewed))
    }
}

/// The claims of the next token; `None` when the login behind these is too old, or does not tell its age.
fn renew(mut claims: Map<String, Value>, now: Time) -> Option<Map<String, Value>> {
    let times = [AUTHENTICATED, FIRST_ISSUED, "iat"].into_iter().filter_map(|name| claims.get(name).and_then(seconds));
    let began = times.min()?;
    if now >= Time::from_unix_seconds(began).plus(LIMIT) {
        return None;
    }
    claims.insert(FIRST_ISSUED.to_owned(), began.into());
    for name in ["iat", "nbf"] {
        claims.insert(name.to_owned(), now.unix_seconds().into());
    }
    claims.insert("exp".to_owned(), now.plus(LIFETIME).unix_seconds().into());
    Some(claims)
}

/// Looks the person up by the party's UUID; whoever is not found stays without.
fn add_national_id(claims: &mut Map<String, Value>, register: &dyn Register) -> Result<(), RegisterFailure> {
    let uuid = claims.get(name::PARTY_UUID).and_then(Value::as_str).and_then(|uuid| uuid.parse().ok());
    let Some(uuid) = uuid else { return Ok(()) };
    if let Some(ssn) = register.party_by_uuid(uuid)?.and_then(|party| party.ssn.clone()).filter(|ssn| !ssn.is_empty()) {
        claims.insert(name::PID.to_owned(), ssn.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BEGIN: i64 = 1_764_000_000;

    fn renewed(claims: Value, after: i64) -> Option<Map<String, Value>> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        renew(claims, Time::from_unix_seconds(BEGIN + after))
    }

    #[test]
    fn only_times_change() {
        let claims = renewed(json!({"iat": BEGIN, "nbf": BEGIN, "exp": BEGIN + 9, "sub": "s", "amr": ["a"]}), 5);
        let wanted = json!({
            "iat": BEGIN + 5, "nbf": BEGIN + 5, "exp": BEGIN + 1805, "sub": "s", "amr": ["a"], "oiat": BEGIN,
        });
        assert_eq!(claims.map(Value::Object), Some(wanted));
    }

    #[test]
    fn the_oldest_time_counts_for_the_limit() {
        let hours = |hours: i64| BEGIN + hours * 3600;
        assert!(renewed(json!({"iat": BEGIN}), 12 * 3600 - 1).is_some());
        assert!(renewed(json!({"iat": BEGIN}), 12 * 3600).is_none());
        assert!(renewed(json!({"iat": hours(11), "oiat": BEGIN}), 12 * 3600).is_none());
        assert!(renewed(json!({"iat": hours(11), "oiat": hours(11), "auth_time": BEGIN}), 12 * 3600).is_none());
        assert!(renewed(json!({"exp": hours(20)}), 0).is_none());
    }
}
