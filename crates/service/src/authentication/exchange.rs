//! A token of ours for a token of Maskinporten, ID-porten or Altinn Studio (platform-authentication §2.3).
//!
//! What the upstream token says is kept, but for what only this platform says: claims under `urn:altinn:` and the marks
//! of its own tokens. An upstream speaks for its own names alone.

use mottak_model::{Guid, Time, UserProfile};
use serde_json::{Map, Value};

use super::authority::{Authority, LIFETIME};
use super::claims::{CallerProblem, ORG_NUMBER_AUTHORITY, is_digits, name};
use super::scopes::{SERVICE_OWNER_PREFIX, Scopes};
use super::verify::{TokenProblem, TokenVerifier};
use crate::ports::{Register, RegisterFailure};

/// What every claim of this platform begins with.
const OWN_CLAIMS: &str = "urn:altinn:";
/// Claims that mean something else, or somebody else, in a token of ours.
const NOT_KEPT: [&str; 7] = ["iss", "aud", "sid", "nonce", "actual_iss", "oiat", "nameid"];
/// The service owner that tests as another.
const TESTING_OWNER: (&str, &str) = ("digdir", "ttd");
/// Who signs for Altinn Studio.
const STUDIOS: [&str; 3] = ["studio", "dev-studio", "staging-studio"];

/// Whose tokens are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProvider {
    Maskinporten,
    IdPorten,
    AltinnStudio,
}

impl TokenProvider {
    /// By its name in the address, in any letter case.
    pub fn parse(name: &str) -> Option<Self> {
        let names =
            [("maskinporten", Self::Maskinporten), ("id-porten", Self::IdPorten), ("altinnstudio", Self::AltinnStudio)];
        names.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, provider)| provider)
    }
}

/// A token to be exchanged.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    pub provider: TokenProvider,
    /// Whether Digitaliseringsdirektoratet is to be the test department `ttd`.
    pub is_test: bool,
    /// Whether the client also authenticates an enterprise user, of which there are none any more.
    pub has_enterprise_user: bool,
    pub now: Time,
    /// The new token's session.
    pub session: Guid,
}

/// Why a token is not exchanged.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeRefusal {
    #[error(transparent)]
    Token(#[from] TokenProblem),
    #[error("the token has no scope of this platform")]
    Scope,
    #[error("enterprise users are no longer available")]
    EnterpriseUser,
    #[error("the person has no user here")]
    UnknownPerson,
    #[error(transparent)]
    Register(#[from] RegisterFailure),
}

impl Authority {
    /// The token of this platform for the upstream one.
    pub fn exchange(
        &self,
        token: &str,
        exchange: Exchange,
        (verifier, register): (&TokenVerifier, &dyn Register),
    ) -> Result<String, ExchangeRefusal> {
        let claims = verifier.verify_upstream(token, exchange.provider, exchange.now)?;
        let claims = match exchange.provider {
            TokenProvider::Maskinporten => self.organisation(claims, exchange)?,
            TokenProvider::IdPorten => self.person(claims, exchange, register)?,
            TokenProvider::AltinnStudio => studio(claims, exchange)?,
        };
        Ok(self.issuer.issue(claims))
    }

    /// An organisation, an application owner or a vendor's system user.
    fn organisation(
        &self,
        source: Map<String, Value>,
        exchange: Exchange,
    ) -> Result<Map<String, Value>, ExchangeRefusal> {
        let number = consumer_number(&source)?;
        if exchange.has_enterprise_user {
            return Err(ExchangeRefusal::EnterpriseUser);
        }
        let is_owner = scopes(&source).iter().any(is_owner_scope);
        let code = self.owners.code_of(&number).filter(|_| is_owner);
        let code = code.map(|code| if exchange.is_test && code == TESTING_OWNER.0 { TESTING_OWNER.1 } else { code });
        let mut claims = kept(source);
        claims.shift_remove("client_amr");
        if let Some(code) = code {
            claims.insert(name::ORG.to_owned(), code.into());
        }
        claims.insert(name::ORG_NUMBER.to_owned(), number.into());
        claims.insert(name::METHOD.to_owned(), "maskinporten".into());
        claims.insert(name::LEVEL.to_owned(), 3.into());
        stamp(&mut claims, exchange);
        claims.insert("exp".to_owned(), exchange.now.plus(LIFETIME).unix_seconds().into());
        Ok(claims)
    }

    /// A person. The new token is good as long as the old one.
    fn person(
        &self,
        source: Map<String, Value>,
        exchange: Exchange,
        register: &dyn Register,
    ) -> Result<Map<String, Value>, ExchangeRefusal> {
        let scopes = scopes(&source);
        if !scopes
            .iter()
            .any(|scope| scope.starts_with("altinn:") || self.partner_scopes.iter().any(|own| own == scope))
        {
            return Err(ExchangeRefusal::Scope);
        }
        if source.contains_key("nonce") {
            return Err(TokenProblem::IdentityToken.into());
        }
        let pid = text(&source, name::PID).ok_or(TokenProblem::from(CallerProblem::Missing(name::PID)))?;
        let acr = text(&source, name::ACR).ok_or(TokenProblem::from(CallerProblem::Missing(name::ACR)))?;
        let level = level_of(acr).ok_or(TokenProblem::from(CallerProblem::Malformed(name::ACR)))?;
        let profile = register.profile_by_ssn(pid)?.ok_or(ExchangeRefusal::UnknownPerson)?;
        let method = first_method(&source).to_owned();
        let mut claims = kept(source);
        for upstream_only in ["sub", "at_hash"] {
            claims.shift_remove(upstream_only);
        }
        claims.extend(user_claims(&profile).ok_or(ExchangeRefusal::UnknownPerson)?);
        claims.insert(name::METHOD.to_owned(), method.into());
        claims.insert(name::LEVEL.to_owned(), level.into());
        stamp(&mut claims, exchange);
        Ok(claims)
    }
}

/// The designer of apps.
fn studio(source: Map<String, Value>, exchange: Exchange) -> Result<Map<String, Value>, ExchangeRefusal> {
    if !text(&source, name::ISSUER).is_some_and(|issuer| STUDIOS.contains(&issuer)) {
        return Err(TokenProblem::Issuer.into());
    }
    let app = source.get(name::APP).cloned();
    let mut claims = kept(source);
    if let Some(app) = app {
        claims.insert(name::APP.to_owned(), app);
    }
    stamp(&mut claims, exchange);
    claims.insert("exp".to_owned(), exchange.now.plus(LIFETIME).unix_seconds().into());
    Ok(claims)
}

/// The claims that the new token keeps.
fn kept(mut claims: Map<String, Value>) -> Map<String, Value> {
    let is_own = |claim: &str| {
        let begins = claim.get(..OWN_CLAIMS.len()).is_some_and(|head| head.eq_ignore_ascii_case(OWN_CLAIMS));
        begins || NOT_KEPT.iter().any(|other| other.eq_ignore_ascii_case(claim))
    };
    claims.retain(|claim, _| !is_own(claim));
    claims
}

/// A session of its own, and the time.
fn stamp(claims: &mut Map<String, Value>, exchange: Exchange) {
    claims.insert(name::SESSION.to_owned(), exchange.session.to_string().into());
    for name in ["iat", "nbf"] {
        claims.insert(name.to_owned(), exchange.now.unix_seconds().into());
    }
}

/// Who the person is here; `None` without a party UUID.
fn user_claims(profile: &UserProfile) -> Option<[(String, Value); 5]> {
    let uuid = profile.party.party_uuid.or(profile.user_uuid)?;
    let user_id = profile.user_id.to_string();
    Some([
        ("nameid".to_owned(), user_id.clone().into()),
        (name::USER_ID.to_owned(), user_id.into()),
        (name::USERNAME.to_owned(), profile.user_name.clone().unwrap_or_default().into()),
        (name::PARTY_ID.to_owned(), profile.party_id.get().into()),
        (name::PARTY_UUID.to_owned(), uuid.to_string().into()),
    ])
}

/// The number of the organisation whose client it is.
fn consumer_number(claims: &Map<String, Value>) -> Result<String, TokenProblem> {
    let consumer = claims.get(name::CONSUMER).ok_or(CallerProblem::Missing(name::CONSUMER))?;
    let malformed = CallerProblem::Malformed(name::CONSUMER);
    if consumer.get("authority").and_then(Value::as_str) != Some(ORG_NUMBER_AUTHORITY) {
        return Err(malformed.into());
    }
    // compat: older clients come under the scheme 9908 (§1.2).
    let id = consumer.get("ID").and_then(Value::as_str).ok_or(malformed)?;
    let number = id.split_once(':').map_or(id, |(_, number)| number);
    is_digits(number, 9).then(|| number.to_owned()).ok_or_else(|| malformed.into())
}

fn is_owner_scope(scope: &str) -> bool {
    scope.strip_prefix(SERVICE_OWNER_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The level of an upstream login (platform-authentication §1.3); `None` for those that are not exchanged.
fn level_of(acr: &str) -> Option<u8> {
    let levels = [
        ("idporten-loa-high", 4),
        ("level4", 4),
        ("idporten-loa-substantial", 3),
        ("level3", 3),
        ("level2", 2),
        ("level1", 1),
        ("idporten-loa-low", 0),
        ("level0", 0),
    ];
    levels.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(acr)).map(|(_, level)| level)
}

/// How the person authenticated, as the upstream names it.
fn first_method(claims: &Map<String, Value>) -> &str {
    let methods = claims.get("amr");
    let first = match methods {
        Some(Value::Array(methods)) => methods.first().and_then(Value::as_str),
        Some(Value::String(method)) => Some(method.as_str()),
        _ => None,
    };
    first.unwrap_or("NotDefined")
}

fn scopes(claims: &Map<String, Value>) -> Scopes {
    Scopes::new(text(claims, name::SCOPE).unwrap_or_default())
}

/// A claim as text; blank counts as absent.
fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
