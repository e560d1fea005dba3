//! Tokens → verdicts.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use mottak_testing::covers;
use serde_json::{Map, Value, json};

use super::{
    FOREIGN, ISSUER, NOW, OWN, at, changed, issuer, object, owner_claims, system_user_claims, trusting, user_claims,
    verifier,
};
use crate::authentication::{
    CallerProblem, MAX_TOKEN_LENGTH, PublicKeys, SigningKey, Takes, TestTokens, TokenIssuer, TokenProblem,
    TokenVerifier, TrustedIssuer,
};

/// A token of any shape: these texts as header and claims, signed with the key.
fn forge(header: &str, claims: &str, key: &SigningKey) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header(members: Value) -> String {
    let base = object(json!({"alg": "RS256", "kid": OWN.id(), "typ": "JWT"}));
    Value::Object(changed(&base, members)).to_string()
}

fn own_claims() -> Map<String, Value> {
    changed(&user_claims(), json!({ "iss": ISSUER }))
}

fn own_text() -> String {
    Value::Object(own_claims()).to_string()
}

fn verdict(token: &str) -> Result<Option<i32>, TokenProblem> {
    let verdict = verifier().verify(token, at(NOW));
    if let Err(problem) = &verdict {
        assert!(!problem.to_string().contains("1337"), "{problem}");
    }
    verdict.map(|caller| caller.user().map(|user| user.user_id))
}

#[test]
fn an_own_token_proves_its_user_every_time() {
    let token = issuer().issue(user_claims());
    let verifier = verifier();
    for _ in 0..3 {
        let caller = verifier.verify(&token, at(NOW)).expect("a good token");
        assert_eq!(caller.user().map(|user| user.user_id), Some(1337));
    }
    assert!(
        verifier.verify(&issuer().issue(owner_claims()), at(NOW)).expect("a good token").is_service_owner_of("ttd")
    );
}

#[test]
fn an_own_token_satisfies_a_stock_library() {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(OWN.jwk()).expect("a JWK");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    let token = issuer().issue(user_claims());
    let key = DecodingKey::from_jwk(&jwk).expect("an RSA key");
    let data = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("a good token");
    assert_eq!(data.claims["iss"], ISSUER);
    assert_eq!(data.header.kid.as_deref(), Some(OWN.id()));
}

#[test]
fn clocks_may_differ_by_ten_seconds() {
    let _rows = covers("platform-authentication", &["V09", "V10", "V11"]);
    let token = issuer().issue(user_claims());
    for verifier in [verifier(), verifier()] {
        assert!(verifier.verify(&token, at(NOW + 1800 + 9)).is_ok());
        assert_eq!(verifier.verify(&token, at(NOW + 1800 + 11)), Err(TokenProblem::Expired));
        assert_eq!(verifier.verify(&token, at(NOW + 1800 + 11)), Err(TokenProblem::Expired));
    }
    let verdict = |changes| verifier().verify(&issuer().issue(changed(&user_claims(), changes)), at(NOW)).map(|_| ());
    assert_eq!(verdict(json!({"nbf": NOW + 9, "iat": null})), Ok(()));
    assert_eq!(verdict(json!({"nbf": NOW + 11, "iat": null})), Err(TokenProblem::NotYet));
    assert_eq!(verdict(json!({"iat": NOW + 59, "nbf": null})), Ok(()));
    assert_eq!(verdict(json!({"iat": NOW + 61, "nbf": null})), Err(TokenProblem::NotYet));
}

#[test]
fn a_clock_that_jumps_back_refuses_tokens_of_the_future() {
    let _rows = covers("platform-authentication", &["Z08"]);
    let verifier = verifier();
    let token = issuer().issue(changed(&user_claims(), json!({"nbf": null})));
    assert!(verifier.verify(&token, at(NOW)).is_ok());
    assert_eq!(verifier.verify(&token, at(NOW - 3600)), Err(TokenProblem::NotYet));
    assert!(verifier.verify(&token, at(NOW)).is_ok());
}

#[test]
fn a_token_needs_a_usable_expiry() {
    let _rows = covers("platform-authentication", &["V12"]);
    for exp in [json!(null), json!("1764001800"), json!(1e300), json!(-1), json!({})] {
        let claims = changed(&user_claims(), json!({ "exp": exp }));
        assert_eq!(verdict(&issuer().issue(claims)), Err(TokenProblem::Time));
    }
    assert_eq!(verdict(&issuer().issue(changed(&user_claims(), json!({"exp": NOW as f64 + 0.5})))), Ok(Some(1337)));
}

#[test]
fn an_unsigned_token_is_refused() {
    let _rows = covers("platform-authentication", &["V13"]);
    let claims = URL_SAFE_NO_PAD.encode(own_text());
    for algorithm in ["none", "None", ""] {
        let header = URL_SAFE_NO_PAD.encode(header(json!({"alg": algorithm})));
        assert_eq!(verdict(&format!("{header}.{claims}.")), Err(TokenProblem::Algorithm));
    }
    let header = URL_SAFE_NO_PAD.encode(header(json!({})));
    assert_eq!(verdict(&format!("{header}.{claims}.")), Err(TokenProblem::Signature));
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let _rows = covers("platform-authentication", &["V14"]);
    let jwk = OWN.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("text")).expect("base64url");
    let der = OWN.public_der();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(OWN.id().to_owned());
    for secret in [pem.into_bytes(), der, modulus] {
        let key = EncodingKey::from_secret(&secret);
        let token = jsonwebtoken::encode(&header, &own_claims(), &key).expect("a token");
        assert_eq!(verdict(&token), Err(TokenProblem::Algorithm));
    }
}

#[test]
fn only_rs256_is_accepted() {
    let _rows = covers("platform-authentication", &["V15"]);
    for members in [json!({"alg": "RS512"}), json!({"alg": null}), json!({"crit": ["b64"]}), json!({"zip": "DEF"})] {
        assert_eq!(verdict(&forge(&header(members), &own_text(), &OWN)), Err(TokenProblem::Algorithm));
    }
}

#[test]
fn keys_in_the_header_are_ignored() {
    let _rows = covers("platform-authentication", &["V16", "V17"]);
    for member in ["jwk", "jku", "x5u", "x5c"] {
        let value = if member == "jwk" { FOREIGN.jwk() } else { json!("https://evil.example/keys") };
        let members = json!({member: value});
        assert_eq!(verdict(&forge(&header(members.clone()), &own_text(), &FOREIGN)), Err(TokenProblem::Signature));
        assert_eq!(verdict(&forge(&header(members), &own_text(), &OWN)), Ok(Some(1337)));
    }
}

#[test]
fn a_key_must_be_known_by_its_name() {
    let _rows = covers("platform-authentication", &["V18"]);
    for key in [&*OWN, &*FOREIGN] {
        let token = forge(&header(json!({"kid": FOREIGN.id()})), &own_text(), key);
        assert_eq!(verdict(&token), Err(TokenProblem::UnknownKey));
    }
    assert_eq!(verdict(&forge(&header(json!({"kid": 1})), &own_text(), &OWN)), Err(TokenProblem::UnknownKey));
    let long = "k".repeat(257);
    assert_eq!(verdict(&forge(&header(json!({"kid": long})), &own_text(), &OWN)), Err(TokenProblem::UnknownKey));
    assert_eq!(verdict(&forge(&header(json!({"kid": null})), &own_text(), &OWN)), Ok(Some(1337)));
}

#[test]
fn a_key_speaks_for_its_own_issuer_alone() {
    let _rows = covers("platform-authentication", &["V20", "V21"]);
    const OTHER: &str = "https://test.maskinporten.no/";
    let verifier = TokenVerifier::new(
        vec![trusting(ISSUER, &OWN, Takes::Everything), trusting(OTHER, &FOREIGN, Takes::Everything)],
        TestTokens::Refused,
    );
    let own_name_foreign_key = TokenIssuer::new(ISSUER, FOREIGN.clone()).issue(user_claims());
    assert_eq!(verifier.verify(&own_name_foreign_key, at(NOW)), Err(TokenProblem::UnknownKey));
    let same_kid = forge(&header(json!({})), &own_text(), &FOREIGN);
    assert_eq!(verifier.verify(&same_kid, at(NOW)), Err(TokenProblem::Signature));
    for issuer in ["https://evil.example/", &ISSUER[..ISSUER.len() - 1], ""] {
        let token = TokenIssuer::new(issuer, OWN.clone()).issue(user_claims());
        assert_eq!(verifier.verify(&token, at(NOW)), Err(TokenProblem::Issuer), "{issuer}");
    }
    let no_issuer = forge(&header(json!({})), &Value::Object(user_claims()).to_string(), &OWN);
    assert_eq!(verifier.verify(&no_issuer, at(NOW)), Err(TokenProblem::Issuer));
}

#[test]
fn of_a_foreign_issuer_only_system_users_are_taken_without_exchange() {
    let _rows = covers("platform-authentication", &["C06"]);
    const OTHER: &str = "https://test.maskinporten.no/";
    let issuers = vec![trusting(OTHER, &FOREIGN, Takes::SystemUsersOnly)];
    let verifier = TokenVerifier::new(issuers, TestTokens::Refused);
    let issuer = TokenIssuer::new(OTHER, FOREIGN.clone());
    let caller = verifier.verify(&issuer.issue(system_user_claims()), at(NOW)).expect("a system user");
    assert_eq!((caller.level(), caller.method()), (3, Some("maskinporten")));
    for claims in [user_claims(), owner_claims()] {
        let verdict = verifier.verify(&issuer.issue(claims), at(NOW));
        assert_eq!(verdict, Err(TokenProblem::Caller(CallerProblem::MustBeExchanged)));
    }
}

#[test]
fn an_altered_bit_is_noticed() {
    let _rows = covers("platform-authentication", &["V22"]);
    let token = issuer().issue(user_claims());
    let parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    for position in 0..payload.len() {
        let mut altered = payload.clone();
        altered[position] ^= 1;
        let token = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(&altered), parts[2]);
        assert!(verdict(&token).is_err(), "byte {position}");
    }
}

#[test]
fn a_claim_named_twice_is_refused() {
    let _rows = covers("platform-authentication", &["V23"]);
    let claims = own_text().replacen('{', r#"{"urn:altinn:userid":"1001","#, 1);
    assert_eq!(verdict(&forge(&header(json!({})), &claims, &OWN)), Err(TokenProblem::Malformed));
}

#[test]
fn an_oversized_token_is_refused() {
    let _rows = covers("platform-authentication", &["V24"]);
    let padded = changed(&user_claims(), json!({"padding": "x".repeat(15 * 1024)}));
    let token = issuer().issue(padded);
    assert!(token.len() > MAX_TOKEN_LENGTH && token.len() > 20 * 1024);
    assert_eq!(verdict(&token), Err(TokenProblem::TooLong));
}

#[test]
fn base64url_is_strict() {
    let _rows = covers("platform-authentication", &["V25"]);
    let token = issuer().issue(user_claims());
    let (first, rest) = token.split_once('.').expect("three parts");
    for spoiled in [
        format!("{first}=.{rest}"),
        format!("{first}==.{rest}"),
        format!("{first} .{rest}"),
        format!("{first}\n.{rest}"),
        format!(" {token}"),
        format!("{token}="),
        format!("{token}."),
        format!("{first}.{first}.{rest}"),
        first.to_owned(),
    ] {
        assert!(verdict(&spoiled).is_err(), "{spoiled:?}");
    }
}

#[test]
fn an_identity_token_is_no_key_to_the_api() {
    let _rows = covers("platform-authentication", &["V29"]);
    let claims = changed(&user_claims(), json!({"nonce": "n", "aud": "a-client"}));
    assert_eq!(verdict(&issuer().issue(claims)), Err(TokenProblem::IdentityToken));
}

#[test]
fn test_tokens_are_refused_in_production() {
    let _rows = covers("platform-authentication", &["V31"]);
    let token = issuer().issue(changed(&user_claims(), json!({"actual_iss": "localtest"})));
    assert_eq!(verdict(&token), Err(TokenProblem::TestToken));
    let without_method = issuer().issue(changed(&user_claims(), json!({"urn:altinn:authenticatemethod": null})));
    let missing = CallerProblem::Missing("urn:altinn:authenticatemethod");
    assert_eq!(verdict(&without_method), Err(TokenProblem::Caller(missing)));

    let developer = TokenVerifier::new(vec![trusting(ISSUER, &OWN, Takes::Everything)], TestTokens::Accepted);
    assert!(developer.verify(&token, at(NOW)).is_ok());
    let caller = developer.verify(&without_method, at(NOW)).expect("a completed token");
    assert_eq!(caller.method(), Some("localtest"));
    let system_user = developer.verify(&issuer().issue(system_user_claims()), at(NOW)).expect("a system user");
    assert_eq!(system_user.method(), Some("maskinporten"));
}

#[test]
fn other_keys_forget_what_was_verified() {
    let verifier = verifier();
    let token = issuer().issue(user_claims());
    assert!(verifier.verify(&token, at(NOW)).is_ok());
    verifier.replace_issuers(vec![trusting(ISSUER, &FOREIGN, Takes::Everything)]);
    assert_eq!(verifier.verify(&token, at(NOW)), Err(TokenProblem::UnknownKey));
}

#[test]
fn two_keys_of_one_issuer_both_verify() {
    let both = json!({"keys": [OWN.jwk(), FOREIGN.jwk(), {"kty": "EC", "kid": "x"}]});
    let keys = PublicKeys::from_jwks(&both).expect("keys");
    let issuers = vec![TrustedIssuer { issuer: ISSUER.to_owned(), keys, takes: Takes::Everything }];
    let verifier = TokenVerifier::new(issuers, TestTokens::Refused);
    for key in [&*OWN, &*FOREIGN] {
        assert!(verifier.verify(&TokenIssuer::new(ISSUER, key.clone()).issue(user_claims()), at(NOW)).is_ok());
    }
    let unnamed = forge(&header(json!({"kid": null})), &own_text(), &OWN);
    assert_eq!(verifier.verify(&unnamed, at(NOW)), Err(TokenProblem::UnknownKey));
}

#[test]
fn noise_is_refused_without_harm() {
    let _rows = covers("platform-authentication", &["Z02"]);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for length in 0..1000 {
        let noise: String = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b".AZaz09-_=\0 {}\"\\"[(state >> 60) as usize])
            })
            .collect();
        assert!(verdict(&noise).is_err());
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let verifier = verifier();
    for claims in [deep, large] {
        let token = forge(&header(json!({})), &claims, &OWN);
        // The best of some, as other work may interrupt one.
        let quickest = (0..5).map(|_| {
            let started = Instant::now();
            assert!(verifier.verify(&token, at(NOW)).is_err());
            started.elapsed()
        });
        assert!(quickest.min() < Some(Duration::from_millis(10)));
    }
}
