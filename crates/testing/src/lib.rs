//! Test support shared by the crates: where the shared fixtures are, and which conformance rows a test covers.
//!
//! A development dependency only; nothing that ships depends on it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file or folder `relative` of the shared fixtures (`data/apps`, `contract/app-api.md`, …), when they are there.
///
/// They live beside the repository in `../shared`; `MOTTAK_SHARED` names another place. A test that needs them
/// returns early with a printed line when they are absent.
pub fn shared(relative: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("MOTTAK_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => repository_root().join("../shared"),
    };
    let path = root.join(relative);
    path.exists().then_some(path)
}

/// The root of this repository.
pub fn repository_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is two folders below the root")
}

/// Says that the rest of this scope tests rows of a conformance table, for example
/// `let _rows = covers("platform-storage", &["Q17", "Q18"]);`.
///
/// The rows count as covered when the scope ends without a panic. `cargo xtask conformance` sets
/// `MOTTAK_CONFORMANCE_DIR` and collects what the guards write there; without it a guard does nothing.
#[must_use = "the rows are covered by the scope this guard lives in"]
pub fn covers(file: &'static str, rows: &[&str]) -> Coverage {
    Coverage { file, rows: rows.iter().map(|row| (*row).to_owned()).collect() }
}

/// The guard that [`covers`] returns.
#[derive(Debug)]
pub struct Coverage {
    file: &'static str,
    rows: Vec<String>,
}

impl Drop for Coverage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let Some(dir) = std::env::var_os("MOTTAK_CONFORMANCE_DIR") else { return };
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        let path = Path::new(&dir).join(format!("{}.tsv", std::process::id()));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        if let Ok(mut file) = file {
            for row in &self.rows {
                // One write per line, so that threads of one process do not mix.
                let _ = file.write_all(format!("{}\t{row}\t{test}\n", self.file).as_bytes());
            }
        }
    }
}
