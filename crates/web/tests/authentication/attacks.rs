//! Every way to be believed without right, tried on an instance: each is 401 without a body, and the good token beside it
//! stays good (platform-authentication §8.1, §8.2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use mottak_testing::covers;
use serde_json::{Value, json};

use crate::world::{
    FOREIGN, ISSUER, MASKINPORTEN, NOW, OWN, UPSTREAM, World, changed, system_user_claims, unsigned, user_claims,
};

/// Tries every token: all are refused, and the good one is not.
async fn refused(world: &World, attempts: impl IntoIterator<Item = (&str, String)>) {
    let path = world.probe().await;
    let good = world.server.with_token(OWN.token(&user_claims()));
    assert_eq!(good.get(path.as_str()).send().await.status, 200, "the token they imitate");
    for (attempt, token) in attempts {
        let answer = world.server.with_token(token).get(path.as_str()).send().await;
        assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{attempt}");
    }
    assert_eq!(good.get(path.as_str()).send().await.status, 200, "the token they imitate, afterwards");
}

async fn status_of(world: &World, path: &str, token: String) -> u16 {
    world.server.with_token(token).get(path).send().await.status
}

fn own_text() -> String {
    user_claims().to_string()
}

fn own_changed(changes: Value) -> String {
    OWN.token(&changed(&user_claims(), changes))
}

#[tokio::test]
async fn a_token_is_good_between_its_times_with_ten_seconds_to_spare() {
    let _rows = covers("platform-authentication", &["V09", "V10", "V11", "V12"]);
    let world = World::new();
    let path = world.probe().await;
    let ending = |seconds: i64| own_changed(json!({"iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + seconds}));
    let beginning = |seconds: i64| own_changed(json!({"iat": NOW, "nbf": NOW + seconds}));
    assert_eq!(status_of(&world, &path, ending(-9)).await, 200);
    assert_eq!(status_of(&world, &path, ending(-11)).await, 401);
    assert_eq!(status_of(&world, &path, beginning(9)).await, 200);
    assert_eq!(status_of(&world, &path, beginning(11)).await, 401);
    assert_eq!(status_of(&world, &path, own_changed(json!({"exp": null}))).await, 401);
    assert_eq!(status_of(&world, &path, own_changed(json!({"iat": NOW + 61, "nbf": null}))).await, 401);
}

#[tokio::test]
async fn a_token_that_was_seen_to_be_good_ends_all_the_same() {
    let world = World::new();
    let path = world.probe().await;
    let token = OWN.token(&user_claims());
    assert_eq!(status_of(&world, &path, token.clone()).await, 200);
    world.wait_until(1800 + 11);
    assert_eq!(status_of(&world, &path, token).await, 401);
}

#[tokio::test]
async fn no_algorithm_but_ours_is_believed() {
    let _rows = covers("platform-authentication", &["V13", "V14", "V15"]);
    let world = World::new();
    let jwk = OWN.key.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("text")).expect("base64url");
    let der = der_of(&modulus);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let by_public_key = |secret: &[u8]| {
        let signed = unsigned(&OWN.header(json!({"alg": "HS256"})), &own_text());
        let key = EncodingKey::from_secret(secret);
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).expect("a signature");
        format!("{signed}.{signature}")
    };
    let none = |name: &str| format!("{}.", unsigned(&OWN.header(json!({"alg": name})), &own_text()));
    let rs512 = OWN.header(json!({"alg": "RS512"}));
    refused(
        &world,
        [
            ("none", none("none")),
            ("None", none("None")),
            ("no signature", none("RS256")),
            ("HS256 with the PEM", by_public_key(pem.as_bytes())),
            ("HS256 with the DER", by_public_key(&der)),
            ("HS256 with the modulus", by_public_key(&modulus)),
            ("RS512", OWN.sign_with(Algorithm::RS512, &rs512, &own_text())),
            ("RS512 in name", OWN.sign(&rs512, &own_text())),
            ("no algorithm", OWN.sign(&OWN.header(json!({"alg": null})), &own_text())),
            ("a demand", OWN.sign(&OWN.header(json!({"crit": ["exp"]})), &own_text())),
            ("compressed", OWN.sign(&OWN.header(json!({"zip": "DEF"})), &own_text())),
        ],
    )
    .await;
}

/// A 2048-bit RSA public key with the usual exponent, as SubjectPublicKeyInfo.
fn der_of(modulus: &[u8]) -> Vec<u8> {
    assert_eq!(modulus.len(), 256);
    let before = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
    let bytes = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")).collect()
    };
    [bytes(before), modulus.to_vec(), bytes("0203010001")].concat()
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_opens_nothing() {
    let _rows = covers("platform-authentication", &["V16", "V17", "V18"]);
    let world = World::new();
    let brought = |name: &str, value: Value, kid: Value| {
        let header = FOREIGN.header(json!({name: value, "kid": kid}));
        FOREIGN.sign(&header, &own_text())
    };
    let (own, foreign) = (json!(OWN.key.id()), json!(FOREIGN.key.id()));
    let address = json!("http://127.0.0.1:9/keys");
    let mut attempts = Vec::new();
    for kid in [&own, &foreign, &Value::Null] {
        attempts.push(("jwk", brought("jwk", FOREIGN.key.jwk(), kid.clone())));
        attempts.push(("jku", brought("jku", address.clone(), kid.clone())));
        attempts.push(("x5u", brought("x5u", address.clone(), kid.clone())));
        attempts.push(("x5c", brought("x5c", json!(["AAAA"]), kid.clone())));
    }
    attempts.push(("a foreign name on our signature", OWN.sign(&OWN.header(json!({"kid": foreign})), &own_text())));
    attempts.push(("a name that is none", OWN.sign(&OWN.header(json!({"kid": 1})), &own_text())));
    attempts.push(("a path", OWN.sign(&OWN.header(json!({"kid": "../../signing-key.pem"})), &own_text())));
    refused(&world, attempts).await;

    let path = world.probe().await;
    let thumbprint = OWN.sign(&OWN.header(json!({"x5c": "A1B2C3"})), &own_text());
    assert_eq!(status_of(&world, &path, thumbprint).await, 200);
}

#[tokio::test]
async fn a_key_speaks_for_its_own_issuer_alone() {
    let _rows = covers("platform-authentication", &["V20", "V21"]);
    let world = World::new();
    let named = |issuer: Value| own_changed(json!({"iss": issuer}));
    refused(
        &world,
        [
            ("our name, a provider's key", UPSTREAM.token(&user_claims())),
            ("a provider's name, our key", named(json!(MASKINPORTEN))),
            ("another name", named(json!("https://evil.example/"))),
            ("our name without its end", named(json!(ISSUER.trim_end_matches('/')))),
            ("our name in capitals", named(json!(ISSUER.to_uppercase()))),
            ("two names", named(json!([ISSUER]))),
            ("no name", named(json!(null))),
            ("a component's name", named(json!("platform"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_token_is_one_text_that_says_everything_once() {
    let _rows = covers("platform-authentication", &["V22", "V23", "V24", "V25"]);
    let world = World::new();
    let good = OWN.token(&user_claims());
    let parts: Vec<&str> = good.split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    let tampered = |position: usize| {
        let mut bytes = payload.clone();
        bytes[position] ^= 1;
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(bytes), parts[2])
    };
    let twice = own_text().replacen('{', r#"{"urn:altinn:userid":"1001","#, 1);
    let spelled_otherwise = own_text().replacen('{', r#"{"URN:altinn:userid":"1001","#, 1);
    let mut attempts = vec![
        ("a claim twice", OWN.sign(&OWN.header(json!({})), &twice)),
        ("a claim twice in other letters", OWN.sign(&OWN.header(json!({})), &spelled_otherwise)),
        ("20 KiB", own_changed(json!({"padding": "x".repeat(15 * 1024)}))),
        ("padding", good.replacen('.', "=.", 1)),
        ("padding at the end", format!("{good}=")),
        ("a blank", good.replacen('.', " .", 1)),
        ("a tab", good.replacen('.', ".\t", 1)),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("another's claims", format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode("{}"), parts[2])),
    ];
    attempts.extend((0..payload.len()).step_by(7).map(|position| ("a bit", tampered(position))));
    refused(&world, attempts).await;
}

#[tokio::test]
async fn tokens_for_something_else_open_nothing() {
    let _rows = covers("platform-authentication", &["V29", "V31"]);
    let world = World::new();
    refused(
        &world,
        [
            ("an identity token", own_changed(json!({"nonce": "n", "aud": "a-client"}))),
            ("a developer's token", own_changed(json!({"actual_iss": "localtest"}))),
            ("a test token", own_changed(json!({"actual_iss": "altinn-test-tools"}))),
        ],
    )
    .await;
}

#[tokio::test]
async fn users_must_be_described_in_full() {
    let _rows = covers("platform-authentication", &["V27", "V28", "C10"]);
    let world = World::new();
    let attempts = [
        json!({"urn:altinn:authlevel": 5}),
        json!({"urn:altinn:authlevel": -1}),
        json!({"urn:altinn:authlevel": "l"}),
        json!({"urn:altinn:authlevel": null}),
        json!({"urn:altinn:partyid": null}),
        json!({"urn:altinn:org": "ttd"}),
    ];
    refused(&world, attempts.map(|changes| ("a claim", own_changed(changes)))).await;
}

#[tokio::test]
async fn system_users_must_be_described_in_full() {
    let _rows = covers("platform-authentication", &["C03", "C04", "C05", "C17"]);
    let world = World::new();
    let details = |changes: Value| {
        let claims = system_user_claims();
        let details = changed(&claims["authorization_details"], changes);
        OWN.token(&changed(&claims, json!({"authorization_details": details})))
    };
    let organisation = |authority: &str, id: &str| json!({"systemuser_org": {"authority": authority, "ID": id}});
    let good = system_user_claims()["authorization_details"].clone();
    let two = changed(&system_user_claims(), json!({"authorization_details": [good, good]}));
    refused(
        &world,
        [
            ("two", OWN.token(&two)),
            ("another type", details(json!({"type": "urn:altinn:consent"}))),
            ("no id", details(json!({"systemuser_id": []}))),
            ("no such id", details(json!({"systemuser_id": ["abc"]}))),
            ("a blank system", details(json!({"system_id": " "}))),
            ("another authority", details(organisation("iso", "0192:950474084"))),
            ("a wrong check digit", details(organisation("iso6523-actorid-upis", "0192:950474085"))),
            ("no vendor", OWN.token(&changed(&system_user_claims(), json!({"consumer": null})))),
        ],
    )
    .await;
    let path = world.probe().await;
    assert_eq!(status_of(&world, &path, OWN.token(&system_user_claims())).await, 200);
}

#[tokio::test]
async fn of_a_provider_only_system_users_are_taken_as_they_are() {
    let _rows = covers("platform-authentication", &["C06"]);
    let world = World::new();
    let path = world.probe().await;
    let system_user = changed(&system_user_claims(), json!({"iss": MASKINPORTEN}));
    assert_eq!(status_of(&world, &path, UPSTREAM.token(&system_user)).await, 200);
    let organisation = changed(&system_user, json!({"authorization_details": null}));
    assert_eq!(status_of(&world, &path, UPSTREAM.token(&organisation)).await, 401);
    let user = changed(&user_claims(), json!({"iss": MASKINPORTEN}));
    assert_eq!(status_of(&world, &path, UPSTREAM.token(&user)).await, 401);
}

#[tokio::test]
async fn two_credentials_are_never_weighed_against_each_other() {
    let _rows = covers("platform-authentication", &["V05", "V06", "V07", "V30"]);
    let world = World::new();
    let path = world.probe().await;
    let good = OWN.token(&user_claims());
    let stranger = own_changed(json!({"urn:altinn:userid": "12345", "urn:altinn:partyid": 512_345}));
    let forged = FOREIGN.token(&user_claims());
    let ask = |bearer: &str, cookie: &str| {
        let request = world.server.with_token(bearer).get(path.as_str());
        request.header("cookie", &format!("AltinnStudioRuntime={cookie}"))
    };
    assert_eq!(ask(&good, &stranger).send().await.status, 200);
    assert_eq!(ask(&stranger, &good).send().await.status, 403);
    assert_eq!(ask(&good, &forged).send().await.status, 200);
    assert_eq!(ask(&forged, &good).send().await.status, 401);
    let twice = ask(&good, &good).header_again("authorization", &format!("Bearer {good}"));
    assert_eq!(twice.send().await.status, 401);
}
