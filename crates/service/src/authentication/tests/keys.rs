//! The server's key on disk and in public.

use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{FOREIGN, OWN};
use crate::authentication::{KeyProblem, PublicKeys, SigningKey};

#[test]
fn a_key_is_made_once_and_readable_by_its_owner_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("keys/signing-key.pem");
    let made = SigningKey::load_or_generate(&path).expect("a key");
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let loaded = SigningKey::load_or_generate(&path).expect("the key");
    assert_eq!((made.id(), made.jwks()), (loaded.id(), loaded.jwks()));
    assert_eq!(std::fs::read_dir(path.parent().expect("a folder")).expect("the folder").count(), 1);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("signing-key.pem");
    SigningKey::load_or_generate(&path).expect("a key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("the file is ours");
    assert!(matches!(SigningKey::load_or_generate(&path), Err(KeyProblem::Exposed { mode: 0o640, .. })));
}

#[test]
fn a_file_that_holds_no_key_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("signing-key.pem");
    for text in ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&path, text).expect("a writable file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let problem = SigningKey::load_or_generate(&path).expect_err("no key");
        assert!(problem.to_string().contains("signing-key.pem"), "{problem}");
    }
}

#[test]
fn only_public_members_are_published() {
    let jwks = OWN.jwks();
    let members: Vec<_> = jwks["keys"][0].as_object().expect("a key").keys().cloned().collect();
    assert_eq!(members, ["kty", "use", "alg", "kid", "n", "e"]);
    assert_ne!(OWN.id(), FOREIGN.id());
    assert_eq!(format!("{:?}", *OWN), format!("SigningKey({})", OWN.id()));
}

#[test]
fn weak_keys_are_refused() {
    for (member, value) in [("n", json!("AQAB")), ("e", json!("AQ")), ("e", json!("Ag")), ("kid", json!(null))] {
        let mut jwk = OWN.jwk();
        jwk[member] = value;
        assert!(PublicKeys::from_jwks(&json!({"keys": [jwk]})).is_err(), "{member}");
    }
    let mut for_encryption = OWN.jwk();
    for_encryption["use"] = "enc".into();
    let keys = PublicKeys::from_jwks(&json!({"keys": [for_encryption]})).expect("a set");
    assert!(keys.find(None).is_none());
}

#[test]
fn compat_numbers_in_standard_base64_are_read() {
    let mut jwk = OWN.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("text")).expect("base64url");
    jwk["n"] = STANDARD.encode(modulus).into();
    let keys = PublicKeys::from_jwks(&json!({"keys": [jwk]})).expect("a set");
    assert!(keys.find(Some(OWN.id())).is_some_and(|key| key.verifies(b"message", &OWN.sign(b"message"))));
}
