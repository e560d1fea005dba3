//! Keys: the server's own RSA key pair and the public keys that tokens are checked with.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The one algorithm tokens are signed and verified with.
pub(super) const ALGORITHM: &str = "RS256";

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// Characters of base64 on a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// A key could not be made, kept or understood.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    #[error("cannot {attempt} the signing key {}: {cause}", path.display())]
    File { attempt: &'static str, path: PathBuf, cause: io::Error },
    #[error("{} can be read by others than its owner (mode {mode:o}); set its mode to 600", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} holds no RSA private key of 2048 bits or more in PKCS #8 PEM", path.display())]
    NoKey { path: PathBuf },
    #[error("the machine could not make a key")]
    NotGenerated,
    #[error("key {index} of the set is no RSA key of 2048 to 8192 bits with an identifier")]
    NotUsable { index: usize },
}

/// The server's own key pair (RSA, 2048 bits). `Debug` shows its identifier alone.
pub struct SigningKey {
    pair: KeyPair,
    id: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

impl SigningKey {
    /// A new random key. Takes some tenths of a second.
    pub fn generate() -> Result<Self, KeyProblem> {
        KeyPair::generate(KeySize::Rsa2048).map(Self::of).map_err(|_| KeyProblem::NotGenerated)
    }

    /// The key in the file, made first when there is none. The file is PKCS #8 PEM that its owner alone may read.
    pub fn load_or_generate(path: &Path) -> Result<Self, KeyProblem> {
        match fs::read_to_string(path) {
            Ok(pem) => {
                let mode = fs::metadata(path).map_err(|cause| file("read", path, cause))?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(KeyProblem::Exposed { path: path.to_owned(), mode });
                }
                Self::from_pem(&pem).ok_or_else(|| KeyProblem::NoKey { path: path.to_owned() })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                key.save(path).map_err(|cause| file("write", path, cause))?;
                Ok(key)
            }
            Err(cause) => Err(file("read", path, cause)),
        }
    }

    fn of(pair: KeyPair) -> Self {
        let id = thumbprint(&modulus(&pair), &exponent(&pair));
        Self { pair, id }
    }

    fn from_pem(pem: &str) -> Option<Self> {
        let body: String = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?.split_whitespace().collect();
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(body).ok()?).ok()?;
        (pair.public_modulus_len() >= 256).then(|| Self::of(pair))
    }

    /// Writes the key whole or not at all, and never over another one.
    fn save(&self, path: &Path) -> io::Result<()> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| io::Error::other("the key cannot be encoded"))?;
        let encoded = STANDARD.encode(der.as_ref());
        let mut pem = format!("{PEM_BEGIN}\n");
        for line in encoded.as_bytes().chunks(PEM_LINE) {
            pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
            pem.push('\n');
        }
        pem.push_str(PEM_END);
        pem.push('\n');
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let unfinished = path.with_extension("unfinished");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        // A link, unlike a rename, fails when another process was first.
        let linked = fs::hard_link(&unfinished, path);
        fs::remove_file(&unfinished)?;
        linked?;
        fs::File::open(folder)?.sync_all()
    }

    /// The key's identifier: its thumbprint (RFC 7638).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as a JWK.
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(modulus(&self.pair)),
            "e": URL_SAFE_NO_PAD.encode(exponent(&self.pair)),
        })
    }

    /// The document that `jwks_uri` answers with.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// The public half as DER (SubjectPublicKeyInfo).
    #[cfg(test)]
    pub(super) fn public_der(&self) -> Vec<u8> {
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
            self.pair.public_key().as_der().expect("a public key can be encoded");
        der.as_ref().to_vec()
    }

    /// The signature over `message` (RSASSA-PKCS1-v1_5 with SHA-256).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a valid RSA key of 2048 bits or more signs any message");
        signature
    }
}

fn file(attempt: &'static str, path: &Path, cause: io::Error) -> KeyProblem {
    KeyProblem::File { attempt, path: path.to_owned(), cause }
}

fn modulus(pair: &KeyPair) -> Vec<u8> {
    pair.public_key().modulus().big_endian_without_leading_zero().to_vec()
}

fn exponent(pair: &KeyPair) -> Vec<u8> {
    pair.public_key().exponent().big_endian_without_leading_zero().to_vec()
}

/// RFC 7638: SHA-256 of the members a key needs, in the order of their names.
fn thumbprint(modulus: &[u8], exponent: &[u8]) -> String {
    let mut canonical = String::new();
    write!(
        canonical,
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(exponent),
        URL_SAFE_NO_PAD.encode(modulus)
    )
    .expect("a string takes any text");
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

/// The public keys of one issuer.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(Vec<PublicKey>);

#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    id: String,
    key: ParsedPublicKey,
}

impl PublicKeys {
    /// The public half of a single key.
    pub fn of(key: &SigningKey) -> Self {
        Self::from_jwks(&key.jwks()).expect("a signing key is an RSA key of 2048 bits or more")
    }

    /// The RSA signature keys of a JWKS document. Keys of other types and purposes are left out; an RSA key that is
    /// too weak or has no identifier is a problem.
    pub fn from_jwks(document: &Value) -> Result<Self, KeyProblem> {
        let listed = document.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut keys = Vec::with_capacity(listed.len());
        for (index, jwk) in listed.iter().enumerate() {
            let member = |name: &str| jwk.get(name).and_then(Value::as_str);
            if member("kty") != Some("RSA")
                || member("use").is_some_and(|purpose| purpose != "sig")
                || member("alg").is_some_and(|algorithm| algorithm != ALGORITHM)
            {
                continue;
            }
            keys.push(PublicKey::from_jwk(jwk).ok_or(KeyProblem::NotUsable { index })?);
        }
        Ok(Self(keys))
    }

    /// The key named by a token. A token that names none is checked with the only key there is.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&PublicKey> {
        match (id, self.0.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl PublicKey {
    fn from_jwk(jwk: &Value) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        // compat: the original publishes numbers in standard base64 with padding (§2.6).
        let number = |name: &str| {
            let text = member(name)?;
            URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD.decode(text)).ok()
        };
        let (n, e) = (number("n")?, number("e")?);
        if n.len() < 256 || e.last().is_none_or(|last| last.is_multiple_of(2)) || e == [1] {
            return None;
        }
        let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
        Some(Self { id: member("kid")?.to_owned(), key })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}
