//! Tokens of ours for tokens of others (platform-authentication §8.5).

use mottak_testing::covers;
use mottak_testkit::Sending;
use serde_json::{Value, json};

use crate::world::{FOREIGN, ID_PORTEN, ISSUER, MASKINPORTEN, NOW, STUDIO, UPSTREAM, World, changed, given};

const EXCHANGE: &str = "/authentication/api/v1/exchange";
const ENTERPRISE_USER: &str = "X-Altinn-EnterpriseUser-Authentication";

fn maskinporten(changes: Value) -> String {
    let claims = json!({
        "iss": MASKINPORTEN,
        "aud": "https://elsewhere.example/",
        "scope": "altinn:instances.read altinn:instances.write",
        "token_type": "Bearer",
        "client_id": "a-client",
        "client_amr": "virksomhetssertifikat",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:974760223"},
        "jti": "an-id",
        "sid": "a-session",
        "iat": NOW, "exp": NOW + 120,
    });
    UPSTREAM.token(&changed(&claims, changes))
}

/// A token of Digitaliseringsdirektoratet, which owns applications.
fn owner(changes: Value) -> String {
    let own = json!({
        "scope": "altinn:serviceowner/instances.read",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:991825827"},
    });
    maskinporten(changed(&own, changes))
}

fn id_porten(changes: Value) -> String {
    let claims = json!({
        "iss": ID_PORTEN,
        "sub": "pairwise",
        "pid": "01039012345",
        "acr": "idporten-loa-high",
        "amr": ["BankID", "more"],
        "scope": "openid altinn:instances.read",
        "client_id": "a-client",
        "at_hash": "x",
        "aud": "x",
        "jti": "an-id",
        "sid": "a-session",
        "iat": NOW - 5, "exp": NOW + 595,
    });
    UPSTREAM.token(&changed(&claims, changes))
}

fn ask(world: &World, provider: &str, token: &str) -> Sending {
    world.server.with_token(token).get(format!("{EXCHANGE}/{provider}"))
}

async fn status(world: &World, provider: &str, token: &str) -> u16 {
    ask(world, provider, token).send().await.status
}

#[tokio::test]
async fn who_shows_no_token_is_told_so_before_anything_else() {
    let _rows = covers("platform-authentication", &["E01", "E02", "E04", "E28"]);
    let world = World::new();
    let nobody = world.server.anonymous();
    for provider in ["maskinporten", "id-porten", "altinnstudio", "foo"] {
        let path = format!("{EXCHANGE}/{provider}");
        let cookie = format!("AltinnStudioRuntime={}", maskinporten(json!({})));
        for request in [
            nobody.get(path.as_str()),
            nobody.get(path.as_str()).header("authorization", "Bearer abc"),
            nobody.get(path.as_str()).header("authorization", "Basic eDp5"),
            nobody.get(path.as_str()).header("cookie", &cookie),
        ] {
            let answer = request.send().await.expect(401);
            assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
            let problem = answer.json();
            assert_eq!((&problem["title"], &problem["status"]), (&json!("Unauthorized"), &json!(401)));
            assert!(problem["traceId"].is_string() && problem["type"].is_string(), "{problem}");
        }
    }
}

#[tokio::test]
async fn an_unknown_provider_is_named_beside_those_that_are_known() {
    let _rows = covers("platform-authentication", &["E03"]);
    let world = World::new();
    let answer = ask(&world, "foo", &maskinporten(json!({}))).send().await.expect(400);
    let text = answer.text();
    assert!(text.starts_with("Invalid token provider: foo."), "{text}");
    assert!(text.contains("'Maskinporten', 'Id-porten' and 'AltinnStudio'"), "{text}");
}

#[tokio::test]
async fn an_organisation_gets_a_token_of_its_own() {
    let _rows = covers("platform-authentication", &["E05"]);
    let world = World::new();
    let answer = ask(&world, "Maskinporten", &maskinporten(json!({}))).send().await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let claims = given(&answer);
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("urn:altinn:orgNumber", json!("974760223")),
        ("urn:altinn:authlevel", json!(3)),
        ("urn:altinn:authenticatemethod", json!("maskinporten")),
        ("scope", json!("altinn:instances.read altinn:instances.write")),
        ("client_id", json!("a-client")),
        ("jti", json!("an-id")),
        ("consumer", json!({"authority": "iso6523-actorid-upis", "ID": "0192:974760223"})),
        ("iat", json!(NOW)),
        ("nbf", json!(NOW)),
        ("exp", json!(NOW + 1800)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    for gone in ["urn:altinn:org", "aud", "client_amr"] {
        assert!(!claims.contains_key(gone), "{gone}");
    }
    let session = claims["sid"].as_str().expect("a session");
    assert!(session != "a-session" && session.parse::<mottak_model::Guid>().is_ok(), "{session}");
}

#[tokio::test]
async fn an_application_owner_is_one_by_number_and_scope() {
    let _rows = covers("platform-authentication", &["E06", "E07", "E08", "E09"]);
    let world = World::new();
    let given_for =
        async |token: String, query: &str| given(&ask(&world, &format!("maskinporten{query}"), &token).send().await);
    let claims = given_for(owner(json!({})), "").await;
    assert_eq!((&claims["urn:altinn:org"], &claims["urn:altinn:orgNumber"]), (&json!("digdir"), &json!("991825827")));
    let claims = given_for(owner(json!({})), "?test=true").await;
    assert_eq!((&claims["urn:altinn:org"], &claims["urn:altinn:orgNumber"]), (&json!("ttd"), &json!("991825827")));
    let no_owner = json!({"consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:974760223"}});
    assert!(!given_for(owner(no_owner), "").await.contains_key("urn:altinn:org"));
    for scope in ["foo:xaltinn:serviceownerx", "altinn:serviceownerx", "altinn:instances.read"] {
        assert!(!given_for(owner(json!({"scope": scope})), "").await.contains_key("urn:altinn:org"), "{scope}");
    }
    let bare = given_for(owner(json!({"scope": "a altinn:serviceowner"})), "").await;
    assert_eq!(bare["urn:altinn:org"], "digdir");
}

#[tokio::test]
async fn a_token_that_is_not_good_is_not_exchanged() {
    let _rows = covers("platform-authentication", &["E10", "E11", "E12", "E26"]);
    let world = World::new();
    let authority = json!({"consumer": {"authority": "x", "ID": "0192:974760223"}});
    let no_number = json!({"consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:"}});
    for (fault, token) in [
        ("another issuer", maskinporten(json!({"iss": "https://evil.example/"}))),
        ("the other provider", maskinporten(json!({"iss": ID_PORTEN}))),
        ("a part of the issuer", maskinporten(json!({"iss": "https://"}))),
        ("our own name", maskinporten(json!({"iss": ISSUER}))),
        ("expired", maskinporten(json!({"iat": NOW - 100, "exp": NOW - 11}))),
        ("no end", maskinporten(json!({"exp": null}))),
        ("longer than a day", maskinporten(json!({"exp": NOW + 24 * 3600 + 1}))),
        ("no consumer", maskinporten(json!({"consumer": null}))),
        ("another authority", maskinporten(authority)),
        ("no number", maskinporten(no_number)),
    ] {
        assert_eq!(status(&world, "maskinporten", &token).await, 401, "{fault}");
    }
    let forged = FOREIGN.token(&json!({"iss": MASKINPORTEN, "exp": NOW + 100}));
    assert_eq!(status(&world, "maskinporten", &forged).await, 401);
    assert_eq!(status(&world, "maskinporten", &maskinporten(json!({"iat": NOW - 100, "exp": NOW - 9}))).await, 200);
    assert_eq!(status(&world, "id-porten", &maskinporten(json!({}))).await, 401);
    assert_eq!(status(&world, "maskinporten", &id_porten(json!({}))).await, 401);
}

#[tokio::test]
async fn enterprise_users_are_over_for_whoever_shows_a_good_token() {
    let _rows = covers("platform-authentication", &["E13", "E14"]);
    let world = World::new();
    let good = ask(&world, "maskinporten", &maskinporten(json!({}))).header(ENTERPRISE_USER, "x").send().await;
    let problem = good.expect(410);
    assert_eq!(problem.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let problem = problem.json();
    assert_eq!(problem["type"], "https://docs.altinn.studio");
    assert_eq!((&problem["status"], problem["detail"].is_string()), (&json!(410), true));
    assert_eq!(problem["title"], "Virksomhetsbruker is no longer available");
    let expired = maskinporten(json!({"iat": NOW - 100, "exp": NOW - 11}));
    ask(&world, "maskinporten", &expired).header(ENTERPRISE_USER, "x").send().await.expect(401);
    ask(&world, "maskinporten", &maskinporten(json!({}))).header(ENTERPRISE_USER, "").send().await.expect(200);
}

#[tokio::test]
async fn a_system_user_stays_one_and_its_vendor_is_the_organisation() {
    let _rows = covers("platform-authentication", &["E15"]);
    let world = World::new();
    let path = world.probe().await;
    let details = json!([{
        "type": "urn:altinn:systemuser",
        "systemuser_id": ["d111dbab-d619-4f15-bf29-58fe570a9ae6"],
        "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": "0192:950474084"},
        "system_id": "913312465_sbs",
    }]);
    let vendor = json!({"authority": "iso6523-actorid-upis", "ID": "0192:913312465"});
    let token = maskinporten(json!({"authorization_details": details, "consumer": vendor}));
    let answer = ask(&world, "maskinporten", &token).send().await;
    let claims = given(&answer);
    assert_eq!((&claims["authorization_details"], &claims["urn:altinn:orgNumber"]), (&details, &json!("913312465")));
    assert_eq!(world.server.with_token(answer.text()).get(path).send().await.status, 200);
}

#[tokio::test]
async fn the_older_scheme_of_numbers_is_understood() {
    let _rows = covers("platform-authentication", &["C16"]);
    let world = World::new();
    let consumer = json!({"consumer": {"authority": "iso6523-actorid-upis", "ID": "9908:974760223"}});
    let claims = given(&ask(&world, "maskinporten", &maskinporten(consumer)).send().await);
    assert_eq!(claims["urn:altinn:orgNumber"], "974760223");
}

#[tokio::test]
async fn a_person_gets_a_token_as_long_as_the_old_one() {
    let _rows = covers("platform-authentication", &["E16"]);
    let world = World::new();
    let path = world.probe().await;
    let answer = ask(&world, "id-porten", &id_porten(json!({}))).send().await;
    let claims = given(&answer);
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("urn:altinn:userid", json!("1337")),
        ("nameid", json!("1337")),
        ("urn:altinn:partyid", json!(501_337)),
        ("urn:altinn:party:uuid", json!("e9dd7d91-32d8-4933-a108-07562762d572")),
        ("urn:altinn:authlevel", json!(4)),
        ("urn:altinn:authenticatemethod", json!("BankID")),
        ("pid", json!("01039012345")),
        ("acr", json!("idporten-loa-high")),
        ("amr", json!(["BankID", "more"])),
        ("jti", json!("an-id")),
        ("iat", json!(NOW)),
        ("exp", json!(NOW + 595)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    for gone in ["sub", "at_hash", "aud"] {
        assert!(!claims.contains_key(gone), "{gone}");
    }
    assert_ne!(claims["sid"], "a-session");
    assert_eq!(world.server.with_token(answer.text()).get(path).send().await.status, 200);
}

#[tokio::test]
async fn the_level_is_that_of_the_login() {
    let _rows = covers("platform-authentication", &["E17", "E18", "E23"]);
    let world = World::new();
    for (acr, level) in [("idporten-loa-substantial", 3), ("idporten-loa-low", 0), ("Level3", 3), ("Level4", 4)] {
        let claims = given(&ask(&world, "id-porten", &id_porten(json!({"acr": acr}))).send().await);
        assert_eq!(claims["urn:altinn:authlevel"], level, "{acr}");
    }
    for acr in ["selfregistered-email", "unknown", "x4", ""] {
        assert_eq!(status(&world, "id-porten", &id_porten(json!({"acr": acr}))).await, 401, "{acr}");
    }
    let claims = given(&ask(&world, "id-porten", &id_porten(json!({"amr": null}))).send().await);
    assert_eq!(claims["urn:altinn:authenticatemethod"], "NotDefined");
}

#[tokio::test]
async fn a_persons_token_needs_a_scope_of_ours_or_a_partners() {
    let _rows = covers("platform-authentication", &["E19", "E20", "E24"]);
    let world = World::new();
    let identity = json!({"scope": null, "nonce": "n"});
    for changes in [json!({"scope": "openid profile"}), json!({"scope": "xaltinn:a"}), identity] {
        let answer = ask(&world, "id-porten", &id_porten(changes)).send().await.expect(403);
        assert_eq!(answer.text(), "");
    }
    assert_eq!(status(&world, "id-porten", &id_porten(json!({"nonce": "n"}))).await, 401);
    let partner = id_porten(json!({"scope": "openid skatteetaten:mvameldinginnsending"}));
    assert_eq!(status(&world, "id-porten", &partner).await, 200);
}

#[tokio::test]
async fn a_person_has_to_be_somebody_here() {
    let _rows = covers("platform-authentication", &["E21", "E22"]);
    let world = World::new();
    for pid in [json!(null), json!(""), json!("11111111111"), json!(1_039_012_345)] {
        let answer = ask(&world, "id-porten", &id_porten(json!({"pid": pid}))).send().await.expect(401);
        assert!(!answer.text().contains("1111"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_client_that_wants_json_gets_the_token_in_quotes() {
    let _rows = covers("platform-authentication", &["E27"]);
    let world = World::new();
    for accept in ["application/json", "text/json"] {
        let answer = ask(&world, "maskinporten", &maskinporten(json!({}))).accept(accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(answer.json().as_str().is_some_and(|token| token.split('.').count() == 3));
    }
    let answer = ask(&world, "maskinporten", &maskinporten(json!({}))).accept("application/json, */*").send().await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn the_designer_is_told_by_its_issuer() {
    let _rows = covers("platform-authentication", &["E29"]);
    let world = World::new();
    let designer = |issuer: &str| {
        UPSTREAM.token(&json!({"iss": issuer, "urn:altinn:app": "studio.designer", "iat": NOW, "exp": NOW + 300}))
    };
    let claims = given(&ask(&world, "altinnstudio", &designer(STUDIO)).send().await);
    assert_eq!((&claims["urn:altinn:app"], &claims["iss"]), (&json!("studio.designer"), &json!(ISSUER)));
    assert_eq!(status(&world, "altinnstudio", &designer("mystudio")).await, 401);
}

#[tokio::test]
async fn a_provider_says_nothing_in_our_name() {
    let world = World::new();
    let claimed = json!({
        "urn:altinn:org": "ttd", "URN:altinn:userid": "1", "urn:altinn:app": "studio.designer", "oiat": 1,
        "urn:altinn:scope": "altinn:serviceowner", "actual_iss": "localtest", "nonce": "n",
    });
    let claims = given(&ask(&world, "maskinporten", &maskinporten(claimed.clone())).send().await);
    for name in claimed.as_object().expect("an object").keys() {
        assert!(!claims.contains_key(name), "{name}");
    }
}
