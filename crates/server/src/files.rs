//! Reading the files that commands name.

use std::path::Path;

use anyhow::Context as _;
use mottak_service::authentication::PublicKeys;
use serde_json::Value;

/// The text of a file; an error names it.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// A JSON document.
pub(crate) fn json(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_str(&text(path)?).with_context(|| format!("read {} as JSON", path.display()))
}

/// The keys of a JWKS document.
pub(crate) fn public_keys(path: &Path) -> anyhow::Result<PublicKeys> {
    PublicKeys::from_jwks(&json(path)?).with_context(|| format!("take keys from {}", path.display()))
}
