//! Keys in a folder, and whose turn it is.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{FOREIGN, NOW, OWN, at};
use crate::authentication::{KeyProblem, KeyRing};

const HOUR: i64 = 3600;

fn published(ring: &KeyRing, hours: i64) -> usize {
    ring.jwks(at(NOW + hours * HOUR))["keys"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_empty_folder_gets_a_first_key_that_signs_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let ring = KeyRing::load_or_generate(&keys).expect("a first key");
    assert_eq!(published(&ring, 0), 1);
    ring.signing(at(0));
    assert!(ring.has_keys_of(&KeyRing::load_or_generate(&keys).expect("the same key")));
}

#[test]
fn keys_take_turns_in_the_order_they_were_put_into_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str, published: i64| {
        let path = folder.path().join(name);
        crate::authentication::SigningKey::load_or_generate(&path).expect("a key");
        let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(published).expect("after 1970"));
        File::options().append(true).open(&path).and_then(|file| file.set_modified(time)).expect("our own file");
    };
    make("b.pem", NOW - 100 * HOUR);
    make("a.pem", NOW);
    fs::write(folder.path().join("readme.txt"), "no key").expect("a writable folder");
    let ring = KeyRing::load_or_generate(folder.path()).expect("two keys");
    let signing = |hours: i64| ring.signing(at(NOW + hours * HOUR)).0.id().to_owned();
    assert_eq!(signing(0), signing(47));
    assert_ne!(signing(47), signing(48));
    assert_eq!((published(&ring, 0), published(&ring, 72), published(&ring, 73)), (2, 2, 1));

    fs::set_permissions(folder.path().join("a.pem"), fs::Permissions::from_mode(0o644)).expect("our own file");
    assert!(matches!(KeyRing::load_or_generate(folder.path()), Err(KeyProblem::Exposed { .. })));
}

#[test]
fn while_no_key_is_old_enough_the_oldest_signs() {
    let ring = KeyRing::of(Arc::clone(&OWN)).with(Arc::clone(&FOREIGN), at(NOW));
    for (seconds, key) in [(0, &OWN), (NOW, &OWN), (NOW + 48 * HOUR - 1, &OWN), (NOW + 48 * HOUR, &FOREIGN)] {
        assert_eq!(ring.signing(at(seconds)).0.id(), key.id(), "{seconds}");
    }
    assert!(!ring.has_keys_of(&KeyRing::of(Arc::clone(&OWN))));
    assert!(format!("{ring:?}").contains(OWN.id()));
}
