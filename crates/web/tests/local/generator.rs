//! `GET /api/Get…Token` (platform-authentication §5.4).

use mottak_testing::covers;
use mottak_testkit::TestServer;
use serde_json::{Value, json};

use crate::world::{ask, basic, claims, get_as, make, server, token};

const SYSTEM_USER: &str = "d111dbab-d619-4f15-bf29-58fe570a9ae6";
const INVALID: &str = "Parameter was supplied with an invalid value";
const PERSONAL: &str = "/api/GetPersonalToken?env=tt02&pid=01039012345&userId=1337&partyId=501337";

/// Every kind of token, with what it needs.
const KINDS: [&str; 7] = [
    "GetPersonalToken?env=tt02",
    "GetEnterpriseToken?env=tt02&scopes=altinn:a",
    "GetSystemUserToken?env=tt02&systemUserId=d111dbab-d619-4f15-bf29-58fe570a9ae6",
    "GetSelfIdentifiedUserToken?env=tt02",
    "GetSelfRegisteredEmailUserToken?env=tt02&email=ola@example.no",
    "GetPlatformToken?env=tt02&app=k6-e2e-tests",
    "GetPlatformAccessToken?env=tt02&app=k6-e2e-tests",
];

/// The times of a token: seconds from `iat` to `exp`.
fn lifetime(claims: &Value) -> i64 {
    assert_eq!(claims["iat"], claims["nbf"]);
    claims["exp"].as_i64().expect("seconds") - claims["iat"].as_i64().expect("seconds")
}

#[tokio::test]
async fn a_personal_token_reads_the_persons_instances() {
    let _rows = covers("platform-authentication", &["T21"]);
    let server = server();
    let (instance, _) = make(&server, 501_337).await;
    let query = "env=tt02&pid=01039012345&userId=1337&partyId=501337&scopes=altinn:portal/enduser";
    let token = token(&server, &format!("GetPersonalToken?{query}")).await;
    let claims = claims(&token);
    assert_eq!(claims["urn:altinn:authlevel"], "3");
    assert_eq!(claims["actual_iss"], "altinn-test-tools");
    assert_eq!((&claims["nameid"], &claims["urn:altinn:userid"]), (&json!(1337), &json!(1337)));
    assert_eq!((&claims["urn:altinn:partyid"], &claims["pid"]), (&json!(501_337), &json!("01039012345")));
    assert_eq!(claims["urn:altinn:authenticatemethod"], "NotDefined");
    assert_eq!(claims["client_amr"], "virksomhetssertifikat");
    assert_eq!((&claims["acr"], &claims["token_type"]), (&json!("idporten-loa-substantial"), &json!("Bearer")));
    assert_eq!((&claims["scope"], lifetime(&claims)), (&json!("altinn:portal/enduser"), 1800));
    assert_eq!(claims.get("consumer"), None);
    assert_eq!(get_as(&server, &token, &instance).await.status, 200);
    let other = "GetPersonalToken?env=tt02&pid=01017512345&userId=12345&partyId=512345&scopes=altinn:portal/enduser";
    let other = crate::world::token(&server, other).await;
    assert_eq!(get_as(&server, &other, &instance).await.status, 403);
}

#[tokio::test]
async fn a_personal_token_says_what_it_is_told_to_say() {
    let server = server();
    let uuid = "e9dd7d91-32d8-4933-a108-07562762d572";
    let query = format!(
        "env=at22&authLvl=4&consumerOrgNo=991825827&userName=SophieDDG&clientAmr=private_key_jwt&ttl=60\
         &partyuuid={uuid}&delegationSource=https://example.no/x&scopes=altinn:a,altinn:b/c"
    );
    let claims = claims(&token(&server, &format!("GetPersonalToken?{query}")).await);
    let organisation = json!({"authority": "iso6523-actorid-upis", "ID": "0192:991825827"});
    for (claim, value) in [
        ("acr", json!("idporten-loa-high")),
        ("urn:altinn:authlevel", json!("4")),
        ("consumer", organisation.clone()),
        ("client_orgno", organisation),
        ("urn:altinn:username", json!("SophieDDG")),
        ("urn:altinn:party:uuid", json!(uuid)),
        ("client_amr", json!("private_key_jwt")),
        ("delegation_source", json!("https://example.no/x")),
        ("scope", json!("altinn:a altinn:b/c")),
        ("iss", json!("https://platform.example.no/authentication/api/v1/openid/")),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert_eq!(lifetime(&claims), 60);
    for absent in ["nameid", "urn:altinn:userid", "urn:altinn:partyid"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    let pid = claims["pid"].as_str().expect("a number");
    assert!(pid.len() == 11 && matches!(pid.as_bytes()[2], b'8' | b'9'), "a synthetic person");
    let low = token(&server, "GetPersonalToken?env=tt02&authLvl=1").await;
    assert_eq!(crate::world::claims(&low)["acr"], "idporten-loa-low");
    assert_eq!(crate::world::claims(&low)["scope"], "altinn:enduser");
}

#[tokio::test]
async fn name_and_password_are_asked_for() {
    let _rows = covers("platform-authentication", &["T22"]);
    let server = server();
    let nobody = server.anonymous();
    let wrong = [basic("mottak:wrong"), basic("other:mottak"), basic(":"), "Digest x".to_owned(), "Basic".to_owned()];
    for authorization in [None].into_iter().chain(wrong.iter().map(Some)) {
        for path in [PERSONAL.to_owned()].into_iter().chain(KINDS.map(|kind| format!("/api/{kind}"))) {
            let request = nobody.get(path.as_str());
            let request = match authorization {
                Some(value) => request.header("authorization", value),
                None => request,
            };
            let answer = request.send().await;
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some(r#"Basic realm="AltinnTestTools - TokenGenerator""#), "{path}");
            assert_eq!((answer.status, answer.body.len()), (401, 0), "{path}");
        }
    }
    for undecodable in ["Basic !", "Basic bW90dGFr", "Basic bW90dGFrO", "Bearer x", "Bearer a.b.c"] {
        let answer = nobody.get(PERSONAL).header("authorization", undecodable).send().await;
        assert_eq!(answer.status, 400, "{undecodable}");
    }
    let answer = nobody.get(PERSONAL).header("authorization", &basic("mottak:mottak").replace("Basic", "basic"));
    assert_eq!(answer.send().await.status, 200);
}

#[tokio::test]
async fn a_token_with_the_scope_does_in_place_of_a_password() {
    let server = server();
    for (scope, kind, status) in [
        ("altinn:testtools/tokengenerator", KINDS[0], 200),
        ("altinn:testtools/tokengenerator/personal", KINDS[0], 200),
        ("altinn:testtools/tokengenerator/personal", KINDS[1], 403),
        ("altinn:testtools/tokengenerator/enterprise", KINDS[1], 200),
        ("altinn:testtools/tokengenerator/platform", KINDS[6], 200),
        ("altinn:testtools/token", KINDS[6], 403),
    ] {
        let shown = token(&server, &format!("GetEnterpriseToken?env=tt02&scopes={scope}")).await;
        let answer = get_as(&server, &shown, &format!("/api/{kind}")).await;
        assert_eq!(answer.status, status, "{scope} {kind}");
        if status == 403 {
            assert!(answer.text().starts_with("Missing required scope: altinn:testtools/tokengenerator/"), "{scope}");
        }
    }
    let expired = server.expired_user(1337);
    assert_eq!(expired.get(PERSONAL).send().await.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_the_parameters_is_told_at_once() {
    let _rows = covers("platform-authentication", &["T23", "T25", "T34"]);
    let server = server();
    let missing = "Parameter must be supplied";
    for (path, wrong) in [
        ("GetEnterpriseToken?env=tt02", json!({"scopes": missing})),
        ("GetEnterpriseToken?env=TT02", json!({"scopes": missing, "env": INVALID})),
        (
            "GetPersonalToken?env=tt02&authLvl=7&pid=123&ttl=x",
            json!({"authLvl": INVALID, "pid": INVALID, "ttl": INVALID}),
        ),
        ("GetPersonalToken", json!({"env": missing})),
        ("GetPersonalToken?env=tt02&scopes=Altinn:a", json!({"scopes": INVALID})),
        (
            "GetPersonalToken?env=tt02&userId=x&partyId=-1&partyuuid=1",
            json!({"userId": INVALID, "partyId": INVALID, "partyuuid": INVALID}),
        ),
        ("GetPersonalToken?env=tt02&bulkCount=100000", json!({"bulkCount": INVALID})),
        ("GetPlatformAccessToken?env=tt02&app=x1&org=foo", json!({"org": INVALID})),
        ("GetPlatformAccessToken?env=tt02&app=x", json!({"app": INVALID})),
        ("GetPlatformToken?env=tt02", json!({"app": missing})),
        ("GetSystemUserToken?env=tt02", json!({"systemUserId": missing})),
        ("GetSystemUserToken?env=tt02&systemUserId=1&orgNo=1", json!({"systemUserId": INVALID, "orgNo": INVALID})),
        ("GetSelfRegisteredEmailUserToken?env=tt02&email=ola", json!({"email": INVALID})),
    ] {
        let answer = ask(&server, path).await.expect(400);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{path}");
        assert_eq!(answer.json(), wrong, "{path}");
    }
}

#[tokio::test]
async fn an_enterprise_token_is_of_the_organisation_that_was_asked_for() {
    let _rows = covers("platform-authentication", &["T24", "T35"]);
    let server = server();
    make(&server, 501_337).await;
    let one = "GetEnterpriseToken?env=tt02&org=ttd&orgNo=405003309&scopes=altinn:serviceowner&ttl=60";
    let one = claims(&token(&server, one).await);
    assert_eq!((&one["urn:altinn:org"], lifetime(&one)), (&json!("ttd"), 60));
    assert_eq!(one["urn:altinn:orgNumber"], "405003309");
    assert_eq!(one["consumer"], json!({"authority": "iso6523-actorid-upis", "ID": "0192:405003309"}));
    assert_eq!(
        (&one["urn:altinn:authlevel"], &one["urn:altinn:authenticatemethod"]),
        (&json!(3), &json!("maskinporten"))
    );
    assert_eq!(one["jti"].as_str().map(str::len), Some(43));
    assert_eq!(one.get("supplier"), None);

    let scopes = "altinn:serviceowner/instances.read,altinn:serviceowner/instances.write";
    let owner = format!("GetEnterpriseToken?env=at22&scopes={scopes}&org=ttd&orgNo=991825827&orgName=x&userId=1");
    let owner = token(&server, &owner).await;
    let said = claims(&owner);
    assert_eq!(said["scope"], "altinn:serviceowner/instances.read altinn:serviceowner/instances.write");
    assert_eq!((&said["urn:altinn:org"], &said["urn:altinn:orgNumber"]), (&json!("ttd"), &json!("991825827")));
    assert_eq!(said.get("urn:altinn:userid"), None);
    let list = get_as(&server, &owner, "/storage/api/v1/instances?org=ttd").await.expect(200);
    assert_eq!(list.json()["instances"].as_array().map(Vec::len), Some(1));

    let some = claims(&token(&server, "GetEnterpriseToken?env=tt02&scopes=altinn:a&supplierOrgNo=991825827").await);
    assert_eq!(some.get("urn:altinn:org"), None);
    assert_eq!(some["supplier"]["ID"], "0192:991825827");
    assert_eq!(some["consumer"]["ID"], format!("0192:{}", some["urn:altinn:orgNumber"].as_str().expect("a number")));
}

#[tokio::test]
async fn many_tokens_come_by_the_numbers_of_those_they_are_for() {
    let _rows = covers("platform-authentication", &["T26"]);
    let server = server();
    for (path, claim) in [
        ("GetPersonalToken?env=tt02&bulkCount=3", "pid"),
        ("GetEnterpriseToken?env=tt02&scopes=altinn:a&bulkCount=3", "urn:altinn:orgNumber"),
    ] {
        let answer = ask(&server, path).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{path}");
        let tokens = answer.json();
        let tokens = tokens.as_object().expect("an object");
        assert_eq!(tokens.len(), 3, "{path}");
        for (number, token) in tokens {
            assert_eq!(claims(token.as_str().expect("a token"))[claim], number.as_str(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_token_can_be_had_in_readable_form() {
    let _rows = covers("platform-authentication", &["T27"]);
    let server = server();
    for kind in KINDS {
        let answer = ask(&server, &format!("{kind}&dump=1")).await.expect(200);
        let text = answer.text();
        let (header, payload) = text.split_once("\n.\n").expect("a line with a dot");
        let header: Value = serde_json::from_str(header).expect("JSON");
        assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")), "{kind}");
        let payload: Value = serde_json::from_str(payload).expect("JSON");
        assert_eq!((&payload["actual_iss"], lifetime(&payload)), (&json!("altinn-test-tools"), 1800), "{kind}");
        assert!(text.contains("\n  \"actual_iss\""), "indented");
    }
}

#[tokio::test]
async fn a_platform_access_token_opens_what_is_for_components() {
    let _rows = covers("platform-authentication", &["T28"]);
    let server = server();
    let (instance, file) = make(&server, 501_337).await;
    for (org, issuer) in [("", "platform"), ("&org=platform", "platform"), ("&org=ttd", "ttd")] {
        let token = token(&server, &format!("GetPlatformAccessToken?env=tt02&app=k6-e2e-tests{org}")).await;
        let said = claims(&token);
        assert_eq!((&said["iss"], &said["urn:altinn:app"]), (&json!(issuer), &json!("k6-e2e-tests")));
        assert_eq!(said.get("aud"), None);
        for client in [server.anonymous(), server.user(1337)] {
            let client = client.with_component_token(token.clone());
            let result = client.put(format!("{instance}/dataelements/{file}/filescanstatus"));
            let answer = result.json(&json!({"fileScanResult": "Clean"})).send().await;
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{issuer}");
        }
        assert_eq!(get_as(&server, &token, &instance).await.status, 401, "it proves nobody");
    }
    let own = token(&server, "GetPlatformToken?env=tt02&app=storage").await;
    assert_eq!(claims(&own)["iss"], "https://platform.example.no/authentication/api/v1/openid/");
    let client = server.anonymous().with_component_token(own);
    let result = client.put(format!("{instance}/dataelements/{file}/filescanstatus"));
    assert_eq!(result.json(&json!({"fileScanResult": "Clean"})).send().await.status, 401);
}

#[tokio::test]
async fn a_system_user_acts_for_its_customer() {
    let _rows = covers("platform-authentication", &["T29"]);
    let server = server();
    let (instance, _) = make(&server, 500_700).await;
    let query = format!("env=tt02&systemUserId={SYSTEM_USER}&systemUserOrg=950474084&orgNo=913312465");
    let token = token(&server, &format!("GetSystemUserToken?{query}&supplierOrgNo=991825827")).await;
    let said = claims(&token);
    let details = said["authorization_details"].as_array().expect("a list");
    assert_eq!(details.len(), 1);
    assert_eq!(details[0]["type"], "urn:altinn:systemuser");
    assert_eq!(details[0]["systemuser_id"], json!([SYSTEM_USER]));
    assert_eq!(details[0]["systemuser_org"]["ID"], "0192:950474084");
    assert_eq!(
        (&said["consumer"]["ID"], &said["supplier"]["ID"]),
        (&json!("0192:913312465"), &json!("0192:991825827"))
    );
    assert_eq!(said.get("urn:altinn:orgNumber"), None);
    assert_eq!(get_as(&server, &token, &instance).await.status, 200);
    let made = server.anonymous().post("/ttd/kulturstotte/instances?instanceOwnerPartyId=500700");
    let made = made.header("authorization", &format!("Bearer {token}")).send().await.expect(201);
    let path = format!("/storage/api/v1/instances/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(get_as(&server, &token, &path).await.json()["createdBy"], "950474084");
}

#[tokio::test]
async fn users_without_a_person_behind_them_are_of_level_0() {
    let server = server();
    let given = "userId=1004&partyId=510004&partyuuid=fc27897e-3f96-4af8-9a41-d9bc4dee0599";
    let user = format!("GetSelfIdentifiedUserToken?env=tt02&{given}&username=SelvRegistrert");
    let said = claims(&token(&server, &user).await);
    for (claim, value) in [
        ("urn:altinn:userid", json!(1004)),
        ("urn:altinn:partyid", json!(510_004)),
        ("urn:altinn:username", json!("SelvRegistrert")),
        ("urn:altinn:authlevel", json!(0)),
        ("urn:altinn:authenticatemethod", json!("SelfIdentified")),
        ("acr", json!("idporten-loa-low")),
        ("amr", json!(["SelfIdentified"])),
        ("scope", json!("altinn:portal/enduser")),
        ("orignaliss", json!("altinn2")),
    ] {
        assert_eq!(said[claim], value, "{claim}");
    }
    let some = claims(&token(&server, "GetSelfIdentifiedUserToken?env=tt02").await);
    assert!(some["urn:altinn:username"].as_str().is_some_and(|name| name.starts_with("SIUser") && name.len() == 10));

    let said = claims(&token(&server, "GetSelfRegisteredEmailUserToken?env=tt02&email=ola@example.no").await);
    for (claim, value) in [
        ("urn:altinn:username", json!("epost:ola@example.no")),
        ("urn:altinn:party:external-identifier", json!("urn:altinn:person:idporten-email:ola%40example.no")),
        ("urn:altinn:authenticatemethod", json!("IdportenEpost")),
        ("urn:altinn:authlevel", json!(0)),
        ("acr", json!("selfregistered-email")),
        ("amr", json!(["Selfregistered-email"])),
        ("email", json!("ola@example.no")),
    ] {
        assert_eq!(said[claim], value, "{claim}");
    }
}

#[tokio::test]
async fn discontinued_kinds_are_told_to_be_gone_and_keys_are_where_they_are_looked_for() {
    let server = server();
    for kind in ["GetEnterpriseUserToken", "GetConsentToken"] {
        let answer = ask(&server, kind).await.expect(410);
        assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"), "{kind}");
    }
    let metadata = ask(&server, ".well-known/oauth-authorization-server").await.expect(200).json();
    assert_eq!(metadata["issuer"], claims(&token(&server, "GetPersonalToken?env=none").await)["iss"]);
    let keys = metadata["jwks_uri"].as_str().and_then(|uri| uri.strip_prefix("http://localhost")).expect("our address");
    let keys = server.anonymous().get(keys).send().await.expect(307);
    let keys = server.anonymous().get(keys.header("location").expect("an address")).send().await.expect(200);
    assert_eq!(keys.json()["keys"][0]["kty"], "RSA");
}

#[tokio::test]
async fn without_the_developers_side_there_is_no_generator() {
    let server = TestServer::builder().build();
    for kind in KINDS {
        let answer = ask(&server, kind).await;
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{kind}");
    }
    for path in ["GetEnterpriseUserToken", ".well-known/oauth-authorization-server", ".well-known/jwks.json"] {
        assert_eq!(ask(&server, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn other_hosts_get_no_token() {
    let server = server();
    for kind in KINDS {
        let request = server.anonymous().get(format!("/api/{kind}")).header("authorization", &basic("mottak:mottak"));
        let answer = request.header("host", "evil.example").send().await;
        assert_eq!(answer.status, 400, "{kind}");
        assert!(!answer.text().contains("eyJ"));
    }
}
