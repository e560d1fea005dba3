//! The older token endpoints, `/Home/GetTest…Token` (platform-authentication §5.3).

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mottak_service::ports::SystemUserRecord;

use super::query::Fields;
use super::reply::{self, Wrong};
use super::{LocalState, tokens};

const DEFAULT_OWNER_SCOPE: &str = "altinn:serviceowner/instances.read";

/// `GET /Home/GetTestUserToken[/{userId}]?userId&authenticationLevel`.
pub(super) async fn user(
    State(state): State<LocalState>,
    id: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Wrong> {
    let fields = fields(query, id, "userid");
    let user = fields.parsed("userid")?.ok_or_else(|| Wrong("userId is missing".to_owned()))?;
    let level = fields.level(2)?;
    let Some(profile) = state.register.profile(user)? else {
        return Ok((StatusCode::NOT_FOUND, "There is no such test user.").into_response());
    };
    let claims = tokens::old_user(&profile, level, &state.identities.extra_claims);
    Ok(reply::token(&state.issue(claims), &headers))
}

/// `GET /Home/GetTestOrgToken[/{org}]?org&orgNumber&scopes&authenticationLevel`.
pub(super) async fn org(
    State(state): State<LocalState>,
    id: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Wrong> {
    let fields = fields(query, id, "org");
    let code = fields.get("org").ok_or_else(|| Wrong("org is missing".to_owned()))?;
    let number = match fields.get("orgnumber") {
        Some(number) => number.to_owned(),
        None => state.register.org_number_of(code)?.ok_or_else(|| {
            Wrong("orgNumber is missing, and the code is not among the known application owners".to_owned())
        })?,
    };
    let scopes = fields.get("scopes").unwrap_or(DEFAULT_OWNER_SCOPE);
    let mut claims = tokens::service_owner(code, &number, scopes);
    // compat: stock apps on a developer's machine check the scopes of this claim.
    claims.insert("urn:altinn:scope".to_owned(), scopes.into());
    claims.insert("urn:altinn:authlevel".to_owned(), fields.level(3)?.into());
    Ok(reply::token(&state.issue(claims), &headers))
}

/// `GET /Home/GetTestSystemUserToken?systemUserId&systemId&systemUserOrgNumber&supplierOrgNumber&scope`.
pub(super) async fn system_user(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Wrong> {
    let fields = fields(query, None, "");
    let needed = |name: &str| fields.get(name).ok_or_else(|| Wrong(format!("{name} is missing")));
    let scope = needed("scope")?;
    if let Some(id) = fields.parsed("systemuserid")? {
        let record = state.register.system_user(id)?;
        let record = record.ok_or_else(|| Wrong("there is no such system user".to_owned()))?;
        return Ok(reply::token(&state.issue(tokens::system_user(&record, None, scope)), &headers));
    }
    let customer = needed("systemuserorgnumber")?;
    if state.register.organization(customer)?.is_none() {
        return Err(Wrong("systemUserOrgNumber is not in the register".to_owned()));
    }
    let record = SystemUserRecord {
        id: state.ids.guid(),
        system_id: needed("systemid")?.to_owned(),
        org_number: customer.to_owned(),
        actions: Vec::new(),
        apps: None,
    };
    let claims = tokens::system_user(&record, Some(needed("supplierorgnumber")?), scope);
    Ok(reply::token(&state.issue(claims), &headers))
}

/// The query, with the last part of the path in front of it as the field `name`.
fn fields(query: Option<String>, id: Option<Path<String>>, name: &str) -> Fields {
    let mut fields = Fields::default();
    if let Some(Path(id)) = id {
        fields.add(name, id);
    }
    fields.extend(Fields::parse(query.unwrap_or_default().as_bytes()));
    fields
}
