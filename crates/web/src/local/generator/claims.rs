//! What the generator's tokens say: the kinds of platform-authentication §1, in the spelling of §5.4.

use mottak_service::authentication::PORTAL_SCOPE;
use serde_json::{Map, Value, json};

use super::super::LocalState;
use super::super::tokens::{object, organisation};
use super::parameters::{self as read, Parameters};
use super::{Claims, Order, numbers};

/// What users' tokens grant when nothing is asked for.
const USER_SCOPE: &str = "altinn:enduser";
/// The organisation in tokens that name no other.
const AGENCY: &str = "991825827";

/// `GetPersonalToken`: a person, as after an exchange with ID-porten (§1.5). Without `userId` the token names no user.
pub(super) fn personal(state: &LocalState, parameters: &mut Parameters) -> Order {
    let scopes = parameters.optional("scopes", read::scopes).unwrap_or_else(|| USER_SCOPE.to_owned());
    let user = parameters.optional("userId", read::id).filter(|id| *id != 0);
    let party = parameters.optional("partyId", read::id).filter(|id| *id != 0);
    let uuid = parameters.optional("partyuuid", read::guid);
    let pid = parameters.optional("pid", read::person_number);
    let count = parameters.optional("bulkCount", read::count).unwrap_or(0);
    let level = parameters.optional("authLvl", read::level).unwrap_or_else(|| "3".to_owned());
    let consumer = parameters.optional("consumerOrgNo", read::any_number);
    let user_name = parameters.optional("userName", read::identifier);
    let client_amr = parameters.optional("clientAmr", read::identifier);
    let delegation_source = parameters.optional("delegationSource", read::uri);
    let acr = match level.as_str() {
        "3" => "idporten-loa-substantial",
        "4" => "idporten-loa-high",
        _ => "idporten-loa-low",
    };
    let claims = object(json!({
        "nameid": user,
        "urn:altinn:userid": user,
        "urn:altinn:partyid": party,
        "urn:altinn:username": user_name,
        "urn:altinn:party:uuid": uuid,
        "urn:altinn:authenticatemethod": "NotDefined",
        // compat: a text here and a number in all others.
        "urn:altinn:authlevel": level,
        "client_amr": client_amr.as_deref().unwrap_or("virksomhetssertifikat"),
        "token_type": "Bearer",
        "acr": acr,
        "scope": scopes,
        "client_orgno": consumer.as_deref().map(organisation),
        "consumer": consumer.as_deref().map(organisation),
        "delegation_source": delegation_source,
    }));
    let of = |pid: &str| {
        let own = json!({ "pid": pid, "client_id": state.ids.guid() });
        said(claims.clone().into_iter().chain(object(own)))
    };
    let fresh = || numbers::person(&*state.ids);
    one_or_several(count, pid.unwrap_or_else(fresh), fresh, of)
}

/// `GetEnterpriseToken`: an organisation, or with `org` an application owner (§1.7). Nothing asks whether the code and
/// the number belong together.
pub(super) fn enterprise(state: &LocalState, parameters: &mut Parameters) -> Order {
    let scopes = parameters.needed("scopes", read::scopes).unwrap_or_default();
    let org = parameters.optional("org", read::identifier);
    let number = parameters.optional("orgNo", read::org_number);
    let count = parameters.optional("bulkCount", read::count).unwrap_or(0);
    let supplier = parameters.optional("supplierOrgNo", read::org_number);
    let delegation_source = parameters.optional("delegationSource", read::uri);
    let client = parameters.optional("clientId", read::identifier);
    let claims = object(json!({
        "scope": scopes,
        "token_type": "Bearer",
        "urn:altinn:authenticatemethod": "maskinporten",
        "urn:altinn:authlevel": 3,
        "urn:altinn:org": org,
        "supplier": supplier.as_deref().map(organisation),
        "delegation_source": delegation_source,
    }));
    let of = |number: &str| {
        let own = json!({
            "client_id": client.clone().unwrap_or_else(|| state.ids.guid().to_string()),
            "jti": numbers::token_id(&*state.ids),
            "consumer": organisation(number),
            "urn:altinn:orgNumber": number,
        });
        said(claims.clone().into_iter().chain(object(own)))
    };
    let fresh = || numbers::organisation(&*state.ids);
    one_or_several(count, number.unwrap_or_else(fresh), fresh, of)
}

/// `GetSystemUserToken`: the system of a vendor (`orgNo`) that acts for a customer (`systemUserOrg`) (§1.8).
pub(super) fn system_user(state: &LocalState, parameters: &mut Parameters) -> Order {
    let user = parameters.needed("systemUserId", read::guid);
    let scopes = parameters.optional("scopes", read::scopes).unwrap_or_else(|| USER_SCOPE.to_owned());
    let vendor = parameters.optional("orgNo", read::org_number).unwrap_or_else(|| AGENCY.to_owned());
    let supplier = parameters.optional("supplierOrgNo", read::org_number);
    let customer = parameters.optional("systemUserOrg", read::org_number).unwrap_or_else(|| AGENCY.to_owned());
    let client = parameters.optional("clientId", read::identifier);
    let claims = json!({
        "scope": scopes,
        "token_type": "Bearer",
        "client_id": client.unwrap_or_else(|| state.ids.guid().to_string()),
        "jti": numbers::token_id(&*state.ids),
        "consumer": organisation(&vendor),
        "supplier": supplier.as_deref().map(organisation),
        "authorization_details": [{
            "type": "urn:altinn:systemuser",
            "systemuser_id": [user],
            "systemuser_org": organisation(&customer),
            "system_id": state.ids.guid(),
        }],
        "urn:altinn:authenticatemethod": "systemuser",
        "urn:altinn:authlevel": 3,
    });
    Order::Token(said(object(claims)))
}

/// `GetSelfIdentifiedUserToken`: a user of the time before whom nobody vouches for (§1.6).
pub(super) fn self_identified_user(state: &LocalState, parameters: &mut Parameters) -> Order {
    let name = parameters.optional("username", read::identifier);
    let name = name.unwrap_or_else(|| format!("SIUser{}", numbers::between(&*state.ids, 1000, 9999)));
    let kind = json!({
        "urn:altinn:username": name,
        "urn:altinn:authenticatemethod": "SelfIdentified",
        "acr": "idporten-loa-low",
        "amr": ["SelfIdentified"],
        "orignaliss": "altinn2",
    });
    level_0(state, parameters, kind)
}

/// `GetSelfRegisteredEmailUserToken`: a user whom ID-porten knows by an e-mail address alone (§1.6).
pub(super) fn email_user(state: &LocalState, parameters: &mut Parameters) -> Order {
    let email = parameters.needed("email", read::email).unwrap_or_default();
    let escaped: String = form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let kind = json!({
        "urn:altinn:username": format!("epost:{email}"),
        "urn:altinn:party:external-identifier": format!("urn:altinn:person:idporten-email:{escaped}"),
        "urn:altinn:authenticatemethod": "IdportenEpost",
        "acr": "selfregistered-email",
        "amr": ["Selfregistered-email"],
        "email": email,
        "orignaliss": "idporten",
    });
    level_0(state, parameters, kind)
}

/// What users of level 0 have in common, and what sets this kind apart.
fn level_0(state: &LocalState, parameters: &mut Parameters, kind: Value) -> Order {
    let user = parameters.optional("userId", read::id).filter(|id| *id != 0);
    let scopes = parameters.optional("scopes", read::scopes).unwrap_or_else(|| PORTAL_SCOPE.to_owned());
    let party = parameters.optional("partyId", read::id);
    let party = party.unwrap_or_else(|| numbers::between(&*state.ids, 5_000_000, 7_000_000));
    let uuid = parameters.optional("partyuuid", read::guid).unwrap_or_else(|| state.ids.guid());
    let common = json!({
        "nameid": user,
        "urn:altinn:userid": user,
        "urn:altinn:partyid": party,
        "urn:altinn:party:uuid": uuid,
        "sub": format!("urn:altinn:party:uuid:{uuid}"),
        "urn:altinn:authlevel": 0,
        "jti": numbers::token_id(&*state.ids),
        "scope": scopes,
    });
    Order::Token(said(object(common).into_iter().chain(object(kind))))
}

/// `GetPlatformToken`: the claims of a component in a token of this server's own issuer.
pub(super) fn platform(_: &LocalState, parameters: &mut Parameters) -> Order {
    Order::Token(component(parameters))
}

/// `GetPlatformAccessToken`: a component of the platform, or with `org` an owner's app (§1.10).
pub(super) fn platform_access(state: &LocalState, parameters: &mut Parameters) -> Order {
    let claims = component(parameters);
    let find = |org: &str| state.components.iter().find(|issuer| issuer.issuer() == org).cloned();
    let issuer = parameters.optional("org", find).or_else(|| find("platform"));
    Order::Component(issuer, claims)
}

fn component(parameters: &mut Parameters) -> Claims {
    let app = parameters.needed("app", read::component);
    said(object(json!({ "urn:altinn:app": app })))
}

/// One token, or as many as were asked for, each for somebody else.
fn one_or_several(count: usize, number: String, fresh: impl Fn() -> String, of: impl Fn(&str) -> Claims) -> Order {
    if count == 0 {
        return Order::Token(of(&number));
    }
    let numbers = (0..count).map(|_| fresh());
    Order::Tokens(
        numbers
            .map(|number| {
                let claims = of(&number);
                (number, claims)
            })
            .collect(),
    )
}

/// The claims that say something.
fn said(claims: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    claims.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
