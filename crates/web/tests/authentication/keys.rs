//! How clients learn our keys, and how keys take turns (platform-authentication §8.6).

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mottak_model::Time;
use mottak_service::authentication::KeyRing;
use mottak_testing::covers;
use serde_json::{Value, json};

use crate::world::{FOREIGN, ISSUER, NOW, OWN, USER, World, changed, user_claims};

const CONFIGURATION: &str = "/authentication/api/v1/openid/.well-known/openid-configuration";
const PLATFORM: &str = "https://platform.example.no";
const HOUR: i64 = 3600;

/// The document at `jwks_uri`.
async fn keys(world: &World) -> Value {
    let configuration = world.server.anonymous().get(CONFIGURATION).send().await.expect(200).json();
    let address = configuration["jwks_uri"].as_str().and_then(|address| address.strip_prefix(PLATFORM));
    world.server.anonymous().get(address.expect("an address of ours")).send().await.expect(200).json()
}

async fn key_ids(world: &World) -> Vec<String> {
    let keys = keys(world).await;
    let ids = keys["keys"].as_array().expect("keys").iter().filter_map(|key| key["kid"].as_str().map(str::to_owned));
    ids.collect()
}

/// The key that signs now.
fn signing(world: &World) -> String {
    let token = world.server.user(USER).token().expect("a token").to_owned();
    jsonwebtoken::decode_header(&token).expect("a header").kid.expect("a key")
}

#[tokio::test]
async fn clients_learn_where_our_keys_are_whatever_host_they_asked() {
    let _rows = covers("platform-authentication", &["D01", "D06"]);
    let world = World::new();
    let nobody = world.server.anonymous();
    let answer = nobody.get(CONFIGURATION).send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let configuration = answer.json();
    assert_eq!(configuration["issuer"], ISSUER);
    let token = world.server.user(USER).token().expect("a token").to_owned();
    assert_eq!(configuration["issuer"], crate::world::claims(&token)["iss"]);
    assert_eq!(configuration["response_types_supported"], json!(["code"]));
    assert!(!keys(&world).await["keys"].as_array().expect("keys").is_empty());
    let elsewhere = nobody.get(CONFIGURATION).header("host", "evil.example").send().await.expect(200);
    assert_eq!(elsewhere.json(), configuration);
    assert_eq!(nobody.get(format!("{CONFIGURATION}/")).send().await.expect(200).json(), configuration);
}

#[tokio::test]
async fn only_public_halves_are_published() {
    let _rows = covers("platform-authentication", &["D02"]);
    let world = World::new();
    let answer = world.server.anonymous().get(format!("{CONFIGURATION}/jwks")).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    let keys = answer.json();
    let key = keys["keys"][0].as_object().expect("a key");
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
    assert!(["kid", "n", "e"].iter().all(|member| key[*member].is_string()));
    assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|member| !key.contains_key(*member)));
}

#[tokio::test]
async fn a_stock_library_verifies_our_tokens_with_what_is_published() {
    let world = World::new();
    let keys: JwkSet = serde_json::from_value(keys(&world).await).expect("a key set");
    let token = world.server.user(USER).token().expect("a token").to_owned();
    let kid = jsonwebtoken::decode_header(&token).expect("a header").kid.expect("a key");
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("the key is published")).expect("an RSA key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    let token = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("a good token");
    assert_eq!(token.claims["urn:altinn:userid"], "1337");
}

#[tokio::test]
async fn a_new_key_is_published_for_two_days_before_it_signs() {
    let _rows = covers("platform-authentication", &["D04"]);
    let world = World::new();
    let path = world.probe().await;
    let (old, new) = (OWN.key.id(), FOREIGN.key.id());
    assert_eq!(key_ids(&world).await, [old]);
    let published = Time::from_unix_seconds(NOW);
    world.server.replace_keys(KeyRing::of(Arc::clone(&OWN.key)).with(Arc::clone(&FOREIGN.key), published));
    assert_eq!(key_ids(&world).await, [old, new]);
    for hours in [0, 1, 47] {
        world.wait_until(hours * HOUR);
        assert_eq!(signing(&world), old, "after {hours} hours");
    }
    world.wait_until(48 * HOUR);
    assert_eq!(signing(&world), new);
    assert_eq!(world.server.user(USER).get(path).send().await.status, 200);
}

#[tokio::test]
async fn a_key_is_published_until_its_last_token_has_expired() {
    let _rows = covers("platform-authentication", &["D05"]);
    let world = World::new();
    let path = world.probe().await;
    let published = Time::from_unix_seconds(NOW);
    let ring = || KeyRing::of(Arc::clone(&OWN.key)).with(Arc::clone(&FOREIGN.key), published);
    world.server.replace_keys(ring());
    // The last moment of the old key.
    let last = 48 * HOUR - 1;
    let token =
        OWN.token(&changed(&user_claims(), json!({"iat": NOW + last, "nbf": NOW + last, "exp": NOW + last + 1800})));
    world.wait_until(48 * HOUR + 1000);
    assert_eq!(signing(&world), FOREIGN.key.id());
    let status = async || world.server.with_token(token.as_str()).get(path.as_str()).send().await.status;
    assert_eq!(status().await, 200);
    assert!(key_ids(&world).await.contains(&OWN.key.id().to_owned()));
    world.wait_until(last + 1800 + 11);
    assert_eq!(status().await, 401);
    world.wait_until(48 * HOUR + 25 * HOUR);
    assert_eq!(key_ids(&world).await, [FOREIGN.key.id()]);
}

#[tokio::test]
async fn tokens_of_a_key_that_is_taken_away_are_forgotten_at_once() {
    let world = World::new();
    let path = world.probe().await;
    let token = OWN.token(&user_claims());
    let status = async || world.server.with_token(token.as_str()).get(path.as_str()).send().await.status;
    assert_eq!(status().await, 200);
    world.server.replace_keys(KeyRing::of(Arc::clone(&FOREIGN.key)));
    assert_eq!(status().await, 401);
    assert_eq!(world.server.user(USER).get(path.as_str()).send().await.status, 200);
}
