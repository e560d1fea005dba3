//! Reading the files that commands name.

use std::path::Path;

use anyhow::Context as _;

/// The text of a file; an error names it.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
