//! The claims of test tokens (platform-authentication §5.3). All are marked with `actual_iss`.

use std::time::Duration;

use mottak_model::{PartyId, UserProfile};
use mottak_service::authentication::PORTAL_SCOPE;
use mottak_service::ports::SystemUserRecord;
use serde_json::{Map, Value, json};

use super::LocalState;

/// How long a test token is good.
pub(super) const LIFETIME: Duration = Duration::from_hours(16);

/// What `actual_iss` says in tokens made here.
const ACTUAL_ISSUER: &str = "localtest";
/// How a person is named who did not authenticate at all.
const NAME_IDENTIFIER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// How a test person is said to have authenticated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    pub(super) method: &'a str,
    /// 0–4.
    pub(super) level: u8,
    pub(super) scope: &'a str,
}

impl Login<'_> {
    /// By the login page.
    pub(super) fn on_page(level: u8) -> Self {
        Login { method: if level == 0 { "SelfIdentified" } else { "BankID" }, level, scope: PORTAL_SCOPE }
    }
}

/// A person; `party` is what the token names as the person's party.
pub(super) fn user(profile: &UserProfile, party: PartyId, login: Login<'_>) -> Map<String, Value> {
    let mut claims = object(json!({
        NAME_IDENTIFIER: profile.user_id.to_string(),
        "urn:altinn:userid": profile.user_id.to_string(),
        "urn:altinn:partyid": party.to_string(),
        "urn:altinn:authlevel": login.level,
        "urn:altinn:authenticatemethod": login.method,
        "scope": login.scope,
    }));
    insert_if_there(&mut claims, "urn:altinn:username", profile.user_name.as_deref());
    insert_if_there(&mut claims, "urn:altinn:party:uuid", profile.user_uuid.map(|uuid| uuid.to_string()).as_deref());
    claims
}

/// A person as older tools expect one: `nameid`, the own party as a number, further claims of the test data.
pub(super) fn old_user(profile: &UserProfile, level: u8, extra: &[(i32, String, String)]) -> Map<String, Value> {
    let login = Login { method: ACTUAL_ISSUER, level, scope: PORTAL_SCOPE };
    let mut claims = user(profile, profile.party_id, login);
    claims.shift_remove(NAME_IDENTIFIER);
    claims.insert("nameid".to_owned(), profile.user_id.to_string().into());
    claims.insert("urn:altinn:partyid".to_owned(), profile.party_id.get().into());
    for (_, name, value) in extra.iter().filter(|(user, ..)| *user == profile.user_id) {
        claims.entry(name.clone()).or_insert_with(|| value.clone().into());
    }
    claims
}

/// An organisation.
pub(super) fn org(number: &str, scope: &str) -> Map<String, Value> {
    object(json!({
        "urn:altinn:orgNumber": number,
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "consumer": organisation(number),
        "scope": scope,
    }))
}

/// An application owner, `org` being its code.
pub(super) fn service_owner(code: &str, number: &str, scope: &str) -> Map<String, Value> {
    let mut claims = org(number, scope);
    claims.insert("urn:altinn:org".to_owned(), code.to_lowercase().into());
    claims
}

/// A system user. The vendor's number is the beginning of the system's id unless told otherwise.
pub(super) fn system_user(user: &SystemUserRecord, vendor: Option<&str>, scope: &str) -> Map<String, Value> {
    let vendor = vendor.unwrap_or_else(|| user.system_id.split('_').next().unwrap_or_default());
    object(json!({
        "authorization_details": {
            "type": "urn:altinn:systemuser",
            "systemuser_id": [user.id],
            "systemuser_org": organisation(&user.org_number),
            "system_id": user.system_id,
        },
        "consumer": organisation(vendor),
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "scope": scope,
    }))
}

/// An organisation as `consumer` and the like name it.
pub(super) fn organisation(number: &str) -> Value {
    json!({ "authority": "iso6523-actorid-upis", "ID": format!("0192:{number}") })
}

/// The members of what is written as an object.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn insert_if_there(claims: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        claims.insert(name.to_owned(), value.into());
    }
}

impl LocalState {
    /// A signed test token with these claims, good from now on for [`LIFETIME`].
    pub(super) fn issue(&self, mut claims: Map<String, Value>) -> String {
        let now = self.clock.now();
        claims.insert("actual_iss".to_owned(), ACTUAL_ISSUER.into());
        claims.insert("jti".to_owned(), self.ids.guid().to_string().into());
        for name in ["iat", "nbf"] {
            claims.insert(name.to_owned(), now.unix_seconds().into());
        }
        claims.insert("exp".to_owned(), now.plus(LIFETIME).unix_seconds().into());
        self.issuer.issue(claims)
    }
}
