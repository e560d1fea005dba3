//! Signing tokens.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_model::Time;
use serde_json::{Map, Value};

use super::keys::SigningKey;
use super::ring::KeyRing;

/// Signs the tokens of this server (platform-authentication §1.1). Clones share their keys.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    issuer: Arc<str>,
    ring: Arc<RwLock<Arc<KeyRing>>>,
}

impl TokenIssuer {
    /// With one key. `issuer` is the configured public address, `{platform}/authentication/api/v1/openid/`.
    pub fn new(issuer: &str, key: Arc<SigningKey>) -> Self {
        Self::with_ring(issuer, KeyRing::of(key))
    }

    /// With keys that take turns.
    pub fn with_ring(issuer: &str, ring: KeyRing) -> Self {
        Self { issuer: issuer.into(), ring: Arc::new(RwLock::new(Arc::new(ring))) }
    }

    /// What the tokens say in `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys as they are now.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other keys from now on. Whoever verifies has to learn of them
    /// ([`TokenVerifier::replace_keys`](super::TokenVerifier::replace_keys)).
    pub fn replace_ring(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// A token with these claims and this server's `iss`, in place of one they may hold. Times (`iat`, `nbf`, `exp`)
    /// are the caller's to set; the key is the one whose turn it is at `iat`. About 0.3 ms.
    pub fn issue(&self, mut claims: Map<String, Value>) -> String {
        let ring = self.ring();
        let issued = claims.get("iat").and_then(Value::as_i64).unwrap_or(0);
        let (key, header) = ring.signing(Time::from_unix_seconds(issued));
        claims.insert("iss".to_owned(), Value::from(&*self.issuer));
        let mut token = String::with_capacity(1536);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(Value::Object(claims).to_string(), &mut token);
        let signature = key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}
