//! The newer token endpoints, `/Home/auth/*` (platform-authentication §5.3). What cannot be made is answered with the
//! values that could.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use mottak_model::{PartyId, UserProfile};
use mottak_service::authentication::PORTAL_SCOPE;
use serde_json::{Map, Value, json};

use super::LocalState;
use super::query::Fields;
use super::reply::{self, Wrong};
use super::tokens::{self, Login};

pub(super) const ORG_SCOPE: &str = "altinn:instances.read altinn:instances.write";
pub(super) const OWNER_SCOPE: &str = "altinn:serviceowner/instances.read altinn:serviceowner/instances.write";
/// The type of self-identified users in profiles.
const SELF_IDENTIFIED: i32 = 2;

type Claims = Result<Map<String, Value>, Wrong>;

/// A kind of token.
struct Kind {
    /// As `generate` calls it.
    name: &'static str,
    description: &'static str,
    /// As the refusals call it.
    spoken: &'static str,
    claims: fn(&LocalState, &Fields) -> Claims,
}

const USER: Kind = Kind { name: "User", description: "A person", spoken: "user", claims: user_claims };
const SELF_IDENTIFIED_USER: Kind = Kind {
    name: "SelfIdentifiedUser",
    description: "A person nobody vouches for",
    spoken: "self-identified user",
    claims: self_identified_claims,
};
const ORG: Kind = Kind { name: "Org", description: "An organisation", spoken: "org", claims: org_claims };
const SYSTEM_USER: Kind = Kind {
    name: "SystemUser",
    description: "A system acting for an organisation",
    spoken: "system user",
    claims: system_user_claims,
};
const SERVICE_OWNER: Kind = Kind {
    name: "ServiceOwner",
    description: "The owner of applications",
    spoken: "service owner",
    claims: service_owner_claims,
};

/// All kinds. The first has number 1.
const KINDS: [&Kind; 5] = [&USER, &SELF_IDENTIFIED_USER, &ORG, &SYSTEM_USER, &SERVICE_OWNER];

/// `GET /Home/auth/user?userId&partyId&authenticationLevel&scope`.
pub(super) async fn user(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&state, &USER, &fields(query), &headers)
}

/// `GET /Home/auth/selfidentifieduser?username&scope`.
pub(super) async fn self_identified_user(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, &SELF_IDENTIFIED_USER, &fields(query), &headers)
}

/// `GET /Home/auth/org?orgNumber&scope`.
pub(super) async fn org(State(state): State<LocalState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&state, &ORG, &fields(query), &headers)
}

/// `GET /Home/auth/serviceowner?org&orgNumber&scope`.
pub(super) async fn service_owner(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, &SERVICE_OWNER, &fields(query), &headers)
}

/// `GET /Home/auth/systemuser?systemId&systemUserId&scope`.
pub(super) async fn system_user(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, &SYSTEM_USER, &fields(query), &headers)
}

/// `GET /Home/auth/generate?type&…`: a token of any kind.
pub(super) async fn generate(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match token(&state, &fields(query)) {
        Ok(token) => reply::token(&token, &headers),
        Err((title, wrong)) => reply::problem(&title, wrong),
    }
}

/// A token of the kind that `type` says by name or number, with the parameters of that kind. A failure has a title.
pub(super) fn token(state: &LocalState, fields: &Fields) -> Result<String, (String, Wrong)> {
    let wanted = fields.get("type").unwrap_or_default();
    let kind = KINDS.iter().zip(1..).find(|(kind, number)| {
        kind.name.eq_ignore_ascii_case(wanted) || wanted.parse::<i32>().is_ok_and(|wanted| wanted == *number)
    });
    let Some((kind, _)) = kind else {
        return Err(("Failed to generate token".to_owned(), unknown("type", KINDS.map(|kind| kind.name))));
    };
    kind.token(state, fields)
}

/// `GET /Home/auth/info`: what tokens can be made, and of whom.
pub(super) async fn info(State(state): State<LocalState>) -> Response {
    let kinds: Vec<_> = KINDS
        .iter()
        .zip(1..)
        .map(|(kind, value)| json!({"value": value, "name": kind.name, "description": kind.description}))
        .collect();
    let users: Vec<_> = state
        .register
        .profiles()
        .iter()
        .map(|user| json!({"userId": user.user_id, "userName": user.user_name, "partyId": user.party_id}))
        .collect();
    let identities = &state.identities;
    let system_users: Vec<_> = identities
        .system_users
        .iter()
        .map(|user| json!({"id": user.id, "systemId": user.system_id, "orgNumber": user.org_number}))
        .collect();
    let systems: Vec<_> = identities.systems.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
    let info = json!({
        "authenticationTypes": kinds,
        "availableTestData": {
            "users": users,
            "organizations": identities.organizations,
            "systemUsers": system_users,
            "systems": systems,
        },
        "defaultScopes": {"serviceOwner": OWNER_SCOPE, "org": ORG_SCOPE, "user": PORTAL_SCOPE},
    });
    reply::json(&info.to_string())
}

fn fields(query: Option<String>) -> Fields {
    Fields::parse(query.unwrap_or_default().as_bytes())
}

fn answer(state: &LocalState, kind: &Kind, fields: &Fields, headers: &HeaderMap) -> Response {
    match kind.token(state, fields) {
        Ok(token) => reply::token(&token, headers),
        Err((title, wrong)) => reply::problem(&title, wrong),
    }
}

impl Kind {
    fn token(&self, state: &LocalState, fields: &Fields) -> Result<String, (String, Wrong)> {
        let claims = (self.claims)(state, fields);
        let claims = claims.map_err(|wrong| (format!("Failed to generate {} token", self.spoken), wrong))?;
        Ok(state.issue(claims))
    }
}

/// The user and party asked for. Only the top of party lists counts: sub-units are refused.
fn user_claims(state: &LocalState, fields: &Fields) -> Claims {
    let level = fields.level(2)?;
    let users = state.register.profiles();
    let wanted_party: Option<PartyId> = fields.parsed("partyid")?;
    let profile = match (fields.parsed::<i32>("userid")?, wanted_party) {
        (Some(id), _) => users.iter().find(|user| user.user_id == id),
        (None, Some(party)) => find_by_party(state, &users, party)?,
        (None, None) => users.first(),
    };
    let profile = profile.ok_or_else(|| {
        unknown("user", users.iter().map(|user| format!("{} (party {})", user.user_id, user.party_id)))
    })?;
    let parties = parties(state, profile)?;
    let party = match wanted_party {
        Some(party) if parties.contains(&party) => party,
        Some(_) => return Err(unknown("party of this user", parties)),
        None => parties.first().copied().unwrap_or(profile.party_id),
    };
    let scope = fields.get("scope").unwrap_or(PORTAL_SCOPE);
    Ok(tokens::user(profile, party, Login { method: "BankID", level, scope }))
}

fn find_by_party<'a>(
    state: &LocalState,
    users: &'a [Arc<UserProfile>],
    party: PartyId,
) -> Result<Option<&'a Arc<UserProfile>>, Wrong> {
    for user in users {
        if parties(state, user)?.contains(&party) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

fn parties(state: &LocalState, profile: &UserProfile) -> Result<Vec<PartyId>, Wrong> {
    Ok(state.register.party_list(profile.user_id)?.iter().map(|party| party.party_id).collect())
}

fn self_identified_claims(state: &LocalState, fields: &Fields) -> Claims {
    let profile = match fields.get("username") {
        Some(name) => state.register.profile_by_username(name)?.filter(|user| user.user_type == SELF_IDENTIFIED),
        None => None,
    };
    let profile = profile.ok_or_else(|| {
        let users = state.register.profiles().into_iter().filter(|user| user.user_type == SELF_IDENTIFIED);
        unknown("self-identified user", users.filter_map(|user| user.user_name.clone()))
    })?;
    let scope = fields.get("scope").unwrap_or(PORTAL_SCOPE);
    let mut claims = tokens::user(&profile, profile.party_id, Login { method: "SelfIdentified", level: 0, scope });
    claims.insert("acr".to_owned(), "Selfidentified".into());
    claims.insert("amr".to_owned(), json!(["SelfIdentified"]));
    Ok(claims)
}

fn org_claims(state: &LocalState, fields: &Fields) -> Claims {
    let known = &state.identities.organizations;
    let number = match fields.get("orgnumber") {
        Some(wanted) => known.iter().find(|number| *number == wanted),
        None => known.first(),
    };
    let number = number.ok_or_else(|| unknown("organisation", known))?;
    Ok(tokens::org(number, fields.get("scope").unwrap_or(ORG_SCOPE)))
}

fn service_owner_claims(state: &LocalState, fields: &Fields) -> Claims {
    let code = fields.get("org").ok_or_else(|| Wrong("org is missing: the code of an application owner".to_owned()))?;
    let number = match fields.get("orgnumber") {
        Some(number) => Some(number.to_owned()),
        None => state.register.org_number_of(code)?,
    };
    let number =
        number.ok_or_else(|| Wrong("orgNumber is missing, and the code of the owner is not known".to_owned()))?;
    Ok(tokens::service_owner(code, &number, fields.get("scope").unwrap_or(OWNER_SCOPE)))
}

fn system_user_claims(state: &LocalState, fields: &Fields) -> Claims {
    let known = &state.identities.system_users;
    let found = known.iter().find(|user| {
        fields.get("systemid") == Some(&user.system_id)
            && fields.get("systemuserid").and_then(|id| id.parse().ok()) == Some(user.id)
    });
    let user = found.ok_or_else(|| {
        unknown("pair of systemId and systemUserId", known.iter().map(|user| format!("{} {}", user.system_id, user.id)))
    })?;
    Ok(tokens::system_user(user, None, fields.get("scope").unwrap_or(ORG_SCOPE)))
}

/// No such thing, but these.
fn unknown(kind: &str, known: impl IntoIterator<Item = impl Display>) -> Wrong {
    let known: Vec<_> = known.into_iter().map(|value| value.to_string()).collect();
    Wrong(format!("There is no such {kind}. Valid: {}", known.join(", ")))
}
