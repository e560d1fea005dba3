//! The keys this server signs with, one after the other (platform-authentication §1.1, §7.1).
//!
//! Clients keep the published keys for a while. A new key is therefore published first and signs later, and an old one
//! stays published until the last token it signed has expired. Where a key stands follows from the time alone.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_model::Time;
use serde_json::{Value, json};

use super::keys::{ALGORITHM, KeyProblem, PublicKeys, SigningKey};

/// How long a key is published before it signs.
const ROLLOVER_DELAY: Duration = Duration::from_hours(48);
/// How long a key stays published after the next one has begun to sign: longer than any token is good.
const RETIREMENT: Duration = Duration::from_hours(25);
/// The file of the first key.
const FIRST_FILE: &str = "signing-key.pem";

/// Keys by the time they were published, oldest first; at least one.
#[derive(Clone)]
pub struct KeyRing(Vec<RingKey>);

#[derive(Clone)]
struct RingKey {
    key: Arc<SigningKey>,
    published: Time,
    /// The encoded header: the same in all tokens of a key.
    header: Arc<str>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|entry| &entry.key)).finish()
    }
}

impl RingKey {
    fn new(key: Arc<SigningKey>, published: Time) -> Self {
        let header = json!({ "alg": ALGORITHM, "kid": key.id(), "typ": "JWT" }).to_string();
        Self { key, published, header: URL_SAFE_NO_PAD.encode(header).into() }
    }

    /// When it signs, if it is not the first.
    fn signs_from(&self) -> Time {
        self.published.plus(ROLLOVER_DELAY)
    }
}

impl KeyRing {
    /// A single key, which signs at once.
    pub fn of(key: Arc<SigningKey>) -> Self {
        Self(vec![RingKey::new(key, Time::from_unix_seconds(0))])
    }

    /// The same keys and one more, which signs when it has been published for 48 hours.
    #[must_use]
    pub fn with(mut self, key: Arc<SigningKey>, published: Time) -> Self {
        let at = self.0.partition_point(|known| known.published <= published);
        self.0.insert(at, RingKey::new(key, published));
        self
    }

    /// The keys in the folder, one in each `*.pem` file, published when the file was last changed. Where there is none, a
    /// first key is made.
    pub fn load_or_generate(folder: &Path) -> Result<Self, KeyProblem> {
        let list = |cause| KeyProblem::File { attempt: "list", path: folder.to_owned(), cause };
        let mut files = Vec::new();
        match fs::read_dir(folder) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry.map_err(list)?.path();
                    if path.extension().is_some_and(|extension| extension == "pem") {
                        files.push(path);
                    }
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(list(cause)),
        }
        if files.is_empty() {
            files.push(folder.join(FIRST_FILE));
        }
        let mut keys = Vec::with_capacity(files.len());
        for path in files {
            let key = Arc::new(SigningKey::load_or_generate(&path)?);
            let changed = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let changed = changed.map_err(|cause| KeyProblem::File { attempt: "date", path, cause })?;
            let seconds = changed.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            keys.push(RingKey::new(key, Time::from_unix_seconds(i64::try_from(seconds).unwrap_or(0))));
        }
        keys.sort_by_key(|entry| entry.published);
        Ok(Self(keys))
    }

    /// Whether both hold the same keys.
    pub fn has_keys_of(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(own, theirs)| own.key.id() == theirs.key.id())
    }

    /// The JWKS document: every key whose tokens may be good, or that will sign.
    pub fn jwks(&self, now: Time) -> Value {
        let keys: Vec<Value> = self.published(now).map(|entry| entry.key.jwk()).collect();
        json!({ "keys": keys })
    }

    /// The same, to verify with.
    pub fn public_keys(&self, now: Time) -> PublicKeys {
        PublicKeys::from_jwks(&self.jwks(now)).expect("signing keys are RSA keys of 2048 bits or more")
    }

    /// The key whose turn it is, with the encoded header of its tokens: the newest that has been published for long
    /// enough, else the oldest.
    pub(super) fn signing(&self, now: Time) -> (&SigningKey, &str) {
        let entry = self.0.iter().rev().find(|entry| entry.signs_from() <= now).or(self.0.first());
        let entry = entry.expect("a ring has a key");
        (&entry.key, &entry.header)
    }

    fn published(&self, now: Time) -> impl Iterator<Item = &RingKey> {
        self.0.iter().enumerate().filter_map(move |(at, entry)| {
            let successor = self.0.get(at + 1);
            let is_over = successor.is_some_and(|next| next.signs_from().plus(RETIREMENT) <= now);
            (!is_over).then_some(entry)
        })
    }
}
