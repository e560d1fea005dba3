//! Tokens in, callers out: the tables of platform-authentication §8.1 and §8.2 as far as they need no HTTP.

mod claims;
mod keys;
mod ring;
mod subject;
mod tokens;

use std::sync::{Arc, LazyLock};

use mottak_model::Time;
use serde_json::{Map, Value, json};

use super::{PublicKeys, SigningKey, Takes, TestTokens, TokenIssuer, TokenVerifier, TrustedIssuer};

const ISSUER: &str = "https://platform.example.no/authentication/api/v1/openid/";
const NOW: i64 = 1_764_000_000;

/// The server's key; making one takes a while.
static OWN: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().expect("a key")));
/// Somebody else's key.
static FOREIGN: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().expect("a key")));

fn at(seconds: i64) -> Time {
    Time::from_unix_seconds(seconds)
}

fn issuer() -> TokenIssuer {
    TokenIssuer::new(ISSUER, Arc::clone(&OWN))
}

fn trusting(issuer: &str, key: &SigningKey, takes: Takes) -> TrustedIssuer {
    TrustedIssuer { issuer: issuer.to_owned(), keys: PublicKeys::of(key), takes }
}

fn verifier() -> TokenVerifier {
    TokenVerifier::new(vec![trusting(ISSUER, &OWN, Takes::Everything)], TestTokens::Refused)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

/// The base with members replaced; `null` takes one away.
fn changed(base: &Map<String, Value>, changes: Value) -> Map<String, Value> {
    let mut claims = base.clone();
    for (name, value) in object(changes) {
        if value.is_null() {
            claims.shift_remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    claims
}

fn user_claims() -> Map<String, Value> {
    object(json!({
        "urn:altinn:userid": "1337",
        "urn:altinn:partyid": 501_337,
        "urn:altinn:party:uuid": "e9dd7d91-32d8-4933-a108-07562762d572",
        "urn:altinn:authlevel": 4,
        "urn:altinn:authenticatemethod": "BankID",
        "scope": "openid altinn:portal/enduser",
        "sid": "a-session",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    }))
}

fn owner_claims() -> Map<String, Value> {
    object(json!({
        "urn:altinn:org": "ttd",
        "urn:altinn:orgNumber": "405003309",
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:405003309"},
        "scope": "altinn:serviceowner/instances.read altinn:serviceowner/instances.write",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    }))
}

fn system_user_claims() -> Map<String, Value> {
    object(json!({
        "authorization_details": {
            "type": "urn:altinn:systemuser",
            "systemuser_id": ["d111dbab-d619-4f15-bf29-58fe570a9ae6"],
            "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": "0192:950474084"},
            "system_id": "913312465_sbs",
        },
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:913312465"},
        "scope": "altinn:instances.read",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    }))
}
