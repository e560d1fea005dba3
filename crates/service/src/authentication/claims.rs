//! From claims to a caller: which kind it is and what each kind must say (platform-authentication §1.8, §4.2).

use mottak_model::{Guid, PartyId};
use serde_json::{Map, Value};

use super::caller::{Identity, Known, SystemUser, User};
use super::scopes::Scopes;
use super::subject;

/// Why claims describe no caller. Names claims, never their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerProblem {
    #[error("the token lacks the claim {0}")]
    Missing(&'static str),
    #[error("the claim {0} of the token is malformed")]
    Malformed(&'static str),
    #[error("the claim {0} occurs twice in the token")]
    Repeated(&'static str),
    /// A token of another issuer that this server takes only in exchange for one of its own.
    #[error("the token must be exchanged for one of this platform: GET /authentication/api/v1/exchange/{{provider}}")]
    MustBeExchanged,
}

/// Names of claims.
pub(super) mod name {
    pub(in super::super) const USER_ID: &str = "urn:altinn:userid";
    pub(in super::super) const PARTY_ID: &str = "urn:altinn:partyid";
    pub(in super::super) const PARTY_UUID: &str = "urn:altinn:party:uuid";
    pub(in super::super) const USERNAME: &str = "urn:altinn:username";
    pub(in super::super) const LEVEL: &str = "urn:altinn:authlevel";
    pub(in super::super) const METHOD: &str = "urn:altinn:authenticatemethod";
    pub(in super::super) const ORG: &str = "urn:altinn:org";
    pub(in super::super) const ORG_NUMBER: &str = "urn:altinn:orgNumber";
    pub(in super::super) const APP: &str = "urn:altinn:app";
    pub(in super::super) const ALTINN_SCOPE: &str = "urn:altinn:scope";
    pub(in super::super) const SCOPE: &str = "scope";
    pub(in super::super) const DETAILS: &str = "authorization_details";
    pub(in super::super) const CONSUMER: &str = "consumer";
    pub(in super::super) const SESSION: &str = "sid";
    pub(in super::super) const PID: &str = "pid";
    pub(in super::super) const ISSUER: &str = "iss";
    pub(in super::super) const ACR: &str = "acr";
    pub(in super::super) const ACTUAL_ISSUER: &str = "actual_iss";
}

/// Scopes for instances: whoever holds one meant to act as somebody.
const INSTANCE_SCOPES: [&str; 4] = [
    "altinn:instances.read",
    "altinn:instances.write",
    "altinn:serviceowner/instances.read",
    "altinn:serviceowner/instances.write",
];

/// What the details of a system user's token are marked with.
const SYSTEM_USER: &str = "urn:altinn:systemuser";
pub(super) const ORG_NUMBER_AUTHORITY: &str = "iso6523-actorid-upis";
/// What an organisation number is preceded by under that authority.
const ORG_NUMBER_SCHEME: &str = "0192:";

/// The claims that decide who the caller is.
#[derive(Default)]
struct Claims<'a> {
    by_name: [Option<&'a Value>; KNOWN.len()],
}

const KNOWN: [&str; 18] = [
    name::USER_ID,
    name::PARTY_ID,
    name::PARTY_UUID,
    name::USERNAME,
    name::LEVEL,
    name::METHOD,
    name::ORG,
    name::ORG_NUMBER,
    name::APP,
    name::ALTINN_SCOPE,
    name::SCOPE,
    name::DETAILS,
    name::CONSUMER,
    name::SESSION,
    name::PID,
    name::ISSUER,
    name::ACR,
    name::ACTUAL_ISSUER,
];

impl<'a> Claims<'a> {
    /// Sorts the claims by name without regard to case. `null` counts as absent.
    fn sort(claims: &'a Map<String, Value>) -> Result<Self, CallerProblem> {
        let mut sorted = Self::default();
        for (key, value) in claims.iter().filter(|(_, value)| !value.is_null()) {
            if let Some(index) = KNOWN.iter().position(|known| known.eq_ignore_ascii_case(key))
                && sorted.by_name[index].replace(value).is_some()
            {
                return Err(CallerProblem::Repeated(KNOWN[index]));
            }
        }
        Ok(sorted)
    }

    fn get(&self, name: &'static str) -> Option<&'a Value> {
        KNOWN.iter().position(|known| *known == name).and_then(|index| self.by_name[index])
    }

    /// The claim as text; blank counts as absent.
    fn text(&self, name: &'static str) -> Result<Option<&'a str>, CallerProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(CallerProblem::Malformed(name)),
        }
    }

    /// The claim as a whole number, written as JSON number or decimal text.
    fn number(&self, name: &'static str) -> Result<Option<i32>, CallerProblem> {
        let malformed = CallerProblem::Malformed(name);
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                number.as_i64().and_then(|number| i32::try_from(number).ok()).map(Some).ok_or(malformed)
            }
            Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| malformed),
            Some(_) => Err(malformed),
        }
    }

    fn guid(&self, name: &'static str) -> Result<Option<Guid>, CallerProblem> {
        self.text(name)?.map(|text| text.parse().map_err(|_| CallerProblem::Malformed(name))).transpose()
    }

    /// The level, 0–4.
    fn level(&self) -> Result<Option<u8>, CallerProblem> {
        match self.number(name::LEVEL)? {
            None => Ok(None),
            Some(level @ 0..=4) => Ok(Some(level as u8)),
            Some(_) => Err(CallerProblem::Malformed(name::LEVEL)),
        }
    }

    /// The scopes of one claim; an array of scopes is understood as well.
    fn scopes(&self, name: &'static str) -> Result<Option<Scopes>, CallerProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Scopes::new(text))),
            Some(Value::Array(items)) => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                texts.map(|texts| Some(Scopes::new(&texts.join(" ")))).ok_or(CallerProblem::Malformed(name))
            }
            Some(_) => Err(CallerProblem::Malformed(name)),
        }
    }
}

/// Everything the claims say about the caller.
pub(super) fn read(claims: &Map<String, Value>) -> Result<Known, CallerProblem> {
    let sorted = Claims::sort(claims)?;
    let scope = sorted.scopes(name::SCOPE)?.unwrap_or_default();
    let identity = identify(&sorted, &scope)?;
    let level = sorted.level()?;
    let method = sorted.text(name::METHOD)?;
    let (level, method) = match &identity {
        Identity::SystemUser(_) => (level.unwrap_or(3), Some(method.unwrap_or("maskinporten"))),
        Identity::User(_) | Identity::Org { .. } | Identity::ServiceOwner { .. } => (
            level.ok_or(CallerProblem::Missing(name::LEVEL))?,
            Some(method.ok_or(CallerProblem::Missing(name::METHOD))?),
        ),
        Identity::Anonymous | Identity::Component(_) | Identity::Unknown => (level.unwrap_or(0), method),
    };
    Ok(Known {
        identity,
        level,
        method: method.map(str::to_owned),
        scopes: sorted.scopes(name::ALTINN_SCOPE)?.unwrap_or_else(|| scope.clone()),
        owner_scopes: scope,
        session: sorted.text(name::SESSION)?.map(str::to_owned),
        app: sorted.text(name::APP)?.map(str::to_owned),
        policy_attributes: subject::attributes(claims),
    })
}

/// The kind of caller; the first that applies.
fn identify(claims: &Claims<'_>, scope: &Scopes) -> Result<Identity, CallerProblem> {
    if let Some(details) = claims.get(name::DETAILS) {
        return system_user(details, claims.get(name::CONSUMER)).map(Identity::SystemUser);
    }
    let number = org_number(claims)?;
    if let Some(org) = claims.text(name::ORG)? {
        let org_number = number.ok_or(CallerProblem::Missing(name::ORG_NUMBER))?;
        return Ok(Identity::ServiceOwner { org: org.trim().to_owned(), org_number });
    }
    if let Some(number) = number {
        return Ok(Identity::Org { number });
    }
    if let Some(user_id) = claims.number(name::USER_ID)? {
        return user(user_id, claims).map(Identity::User);
    }
    if INSTANCE_SCOPES.iter().any(|wanted| scope.has(wanted)) && has_recognised_issuer(claims, scope)? {
        return Err(CallerProblem::MustBeExchanged);
    }
    Ok(Identity::Unknown)
}

fn user(user_id: i32, claims: &Claims<'_>) -> Result<User, CallerProblem> {
    let party = claims.number(name::PARTY_ID)?.ok_or(CallerProblem::Missing(name::PARTY_ID))?;
    let national_identity_number = claims.text(name::PID)?.map(str::to_owned);
    if national_identity_number.as_deref().is_some_and(|pid| !is_digits(pid, 11)) {
        return Err(CallerProblem::Malformed(name::PID));
    }
    Ok(User {
        user_id,
        party_id: PartyId::new(party),
        party_uuid: claims.guid(name::PARTY_UUID)?,
        username: claims.text(name::USERNAME)?.map(str::to_owned),
        national_identity_number,
    })
}

/// The organisation's number: nine digits, as text because of leading zeros.
fn org_number(claims: &Claims<'_>) -> Result<Option<String>, CallerProblem> {
    match claims.text(name::ORG_NUMBER)? {
        None => Ok(None),
        Some(number) if is_digits(number, 9) => Ok(Some(number.to_owned())),
        Some(_) => Err(CallerProblem::Malformed(name::ORG_NUMBER)),
    }
}

fn system_user(details: &Value, consumer: Option<&Value>) -> Result<SystemUser, CallerProblem> {
    let malformed = CallerProblem::Malformed(name::DETAILS);
    // compat: exchange and refresh write an array of one as the bare object (§1.1).
    let details = match details {
        Value::Object(details) => details,
        Value::Array(items) => match items.as_slice() {
            [Value::Object(details)] => details,
            _ => return Err(malformed),
        },
        _ => return Err(malformed),
    };
    let text = |member: &str| details.get(member).and_then(Value::as_str);
    if text("type") != Some(SYSTEM_USER) {
        return Err(malformed);
    }
    let ids: Option<Vec<Guid>> = details
        .get("systemuser_id")
        .and_then(Value::as_array)
        .and_then(|ids| ids.iter().map(|id| id.as_str()?.parse().ok()).collect());
    let id = ids.as_deref().and_then(<[Guid]>::first).copied().ok_or(malformed)?;
    let system_id = text("system_id").filter(|id| !id.trim().is_empty()).ok_or(malformed)?;
    let owner = details.get("systemuser_org").ok_or(malformed)?;
    if owner.get("authority").and_then(Value::as_str) != Some(ORG_NUMBER_AUTHORITY) {
        return Err(malformed);
    }
    let owner = checked_org_number(owner).ok_or(malformed)?;
    let consumer = consumer.ok_or(CallerProblem::Missing(name::CONSUMER))?;
    let vendor = checked_org_number(consumer).ok_or(CallerProblem::Malformed(name::CONSUMER))?;
    Ok(SystemUser {
        id,
        owner_org_number: owner.to_owned(),
        system_id: system_id.to_owned(),
        vendor_org_number: vendor.to_owned(),
    })
}

/// The number in `{"ID":"0192:{number}"}` or `{"ID":"{number}"}`, its check digit verified.
fn checked_org_number(organisation: &Value) -> Option<&str> {
    let id = organisation.get("ID")?.as_str()?;
    let number = id.strip_prefix(ORG_NUMBER_SCHEME).unwrap_or(id);
    has_valid_check_digit(number).then_some(number)
}

/// Whether it is an organisation number: nine digits of which the last checks the others (modulus 11).
fn has_valid_check_digit(number: &str) -> bool {
    const WEIGHTS: [u32; 9] = [3, 2, 7, 6, 5, 4, 3, 2, 1];
    let sum: u32 =
        number.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum();
    is_digits(number, 9) && sum.is_multiple_of(11)
}

pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the token comes from an issuer whose tokens have a known shape (§4.2, issuer kind).
fn has_recognised_issuer(claims: &Claims<'_>, scope: &Scopes) -> Result<bool, CallerProblem> {
    const ISSUERS: [&str; 3] = ["studio", "idporten.no", "maskinporten.no"];
    const METHODS: [&str; 4] = ["IdportenTestId", "maskinporten", "systemuser", "virksomhetsbruker"];
    let issuer = claims.text(name::ISSUER)?.unwrap_or_default();
    let method = claims.text(name::METHOD)?.unwrap_or_default();
    let acr = claims.text(name::ACR)?.unwrap_or_default();
    Ok(scope.is_portal()
        || ISSUERS.iter().any(|part| issuer.contains(part))
        || METHODS.contains(&method)
        || acr.starts_with("idporten"))
}
