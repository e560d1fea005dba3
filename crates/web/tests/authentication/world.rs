//! The server, its time, and everybody's keys.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use mottak_model::Time;
use mottak_service::authentication::{KeyRing, PublicKeys, SigningKey, Takes, TokenProvider, TrustedIssuer};
use mottak_service::ports::FixedClock;
use mottak_testkit::{Answer, TestServer};
use serde_json::{Map, Value, json};

pub(crate) const ISSUER: &str = "https://platform.example.no/authentication/api/v1/openid/";
pub(crate) const MASKINPORTEN: &str = "https://maskinporten.example/";
pub(crate) const ID_PORTEN: &str = "https://idporten.example";
pub(crate) const STUDIO: &str = "studio";
/// When the tests begin, in seconds since 1970.
pub(crate) const NOW: i64 = 1_764_000_000;
/// The user whose tokens are tried, and the party of the instance they are tried on.
pub(crate) const USER: i32 = 1337;
const PARTY: i32 = 500_700;

/// A key that signs whatever it is given.
pub(crate) struct Signer {
    pub(crate) key: Arc<SigningKey>,
    pem: EncodingKey,
}

/// The server's own key.
pub(crate) static OWN: LazyLock<Signer> = LazyLock::new(Signer::generate);
/// The providers' key.
pub(crate) static UPSTREAM: LazyLock<Signer> = LazyLock::new(Signer::generate);
/// A key nobody trusts.
pub(crate) static FOREIGN: LazyLock<Signer> = LazyLock::new(Signer::generate);

impl Signer {
    fn generate() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key.pem");
        let key = SigningKey::load_or_generate(&path).expect("a new key");
        let pem = std::fs::read(&path).expect("the key's file");
        Self { key: Arc::new(key), pem: EncodingKey::from_rsa_pem(&pem).expect("an RSA key") }
    }

    /// A token of these texts, signed with RS256 whatever the header says.
    pub(crate) fn sign(&self, header: &Value, claims: &str) -> String {
        self.sign_with(Algorithm::RS256, header, claims)
    }

    pub(crate) fn sign_with(&self, algorithm: Algorithm, header: &Value, claims: &str) -> String {
        let signed = unsigned(header, claims);
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.pem, algorithm).expect("a signature");
        format!("{signed}.{signature}")
    }

    /// A proper token.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(json!({})), &claims.to_string())
    }

    /// The header of its tokens with members changed; `null` takes one away.
    pub(crate) fn header(&self, changes: Value) -> Value {
        changed(&json!({"alg": "RS256", "kid": self.key.id(), "typ": "JWT"}), changes)
    }
}

/// Header and claims as they are signed.
pub(crate) fn unsigned(header: &Value, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims))
}

/// The base with members replaced; `null` takes one away.
pub(crate) fn changed(base: &Value, changes: Value) -> Value {
    let (Value::Object(mut whole), Value::Object(changes)) = (base.clone(), changes) else { panic!("no objects") };
    for (name, value) in changes {
        if value.is_null() {
            whole.shift_remove(&name);
        } else {
            whole.insert(name, value);
        }
    }
    Value::Object(whole)
}

/// The claims of the user's own token.
pub(crate) fn user_claims() -> Value {
    json!({
        "iss": ISSUER,
        "urn:altinn:userid": "1337",
        "urn:altinn:partyid": 501_337,
        "urn:altinn:authlevel": 2,
        "urn:altinn:authenticatemethod": "BankID",
        "scope": "altinn:portal/enduser",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    })
}

/// The claims of a vendor's system that acts for a customer.
pub(crate) fn system_user_claims() -> Value {
    json!({
        "iss": ISSUER,
        "authorization_details": {
            "type": "urn:altinn:systemuser",
            "systemuser_id": ["d111dbab-d619-4f15-bf29-58fe570a9ae6"],
            "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": "0192:950474084"},
            "system_id": "913312465_sbs",
        },
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:913312465"},
        "scope": "altinn:instances.read altinn:instances.write",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    })
}

/// The server and its clock.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) clock: Arc<FixedClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FixedClock::at(Time::from_unix_seconds(NOW)));
        let provider = |issuer: &str, takes| TrustedIssuer {
            issuer: issuer.to_owned(),
            keys: PublicKeys::of(&UPSTREAM.key),
            takes,
        };
        let server = TestServer::builder()
            .in_production()
            .clock(Arc::clone(&clock) as _)
            .signing_keys(KeyRing::of(Arc::clone(&OWN.key)))
            .trusting([
                provider(MASKINPORTEN, Takes::Exchange(TokenProvider::Maskinporten)),
                provider(MASKINPORTEN, Takes::SystemUsersOnly),
                provider(ID_PORTEN, Takes::Exchange(TokenProvider::IdPorten)),
                provider(STUDIO, Takes::Exchange(TokenProvider::AltinnStudio)),
                provider("mystudio", Takes::Exchange(TokenProvider::AltinnStudio)),
            ])
            .build();
        Self { server, clock }
    }

    /// Moves the clock to so many seconds after the beginning.
    pub(crate) fn wait_until(&self, seconds: i64) {
        self.clock.set(Time::from_unix_seconds(NOW + seconds));
    }

    /// The address of an instance that the user may read.
    pub(crate) async fn probe(&self) -> String {
        let path = format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={PARTY}");
        let made = self.server.user(USER).post(path).send().await.expect(201).json();
        format!("/storage/api/v1/instances/{}", made["id"].as_str().expect("an id"))
    }
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let part = token.split('.').nth(1).unwrap_or_else(|| panic!("no token: {token}"));
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("an object")
}

/// The claims of the token that came back.
pub(crate) fn given(answer: &Answer) -> Map<String, Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    claims(&answer.text())
}
