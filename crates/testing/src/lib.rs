//! Test support shared by the crates: where the shared fixtures are, and which conformance rows a test covers.
//!
//! A development dependency only; nothing that ships depends on it.

#[cfg(feature = "postgres")]
pub mod postgres;

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
/// `file` is the contract file without `.md`, `rows` are ids as its table spells them; of an id such as `D05–D12`
/// the single members may be named too. The claim is written down when the scope ends without a panic, and counts
/// when the whole test passed as well: `cargo xtask test` sets `MOTTAK_CONFORMANCE_DIR`, collects what the guards
/// write there and drops the claims of tests that the runner saw fail. Without that variable a guard does nothing.
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

impl Coverage {
    /// Appends one line `file<tab>row<tab>test` per row to this process's file in `dir`.
    fn record(&self, dir: &Path, test: &str) -> std::io::Result<()> {
        let lines: Vec<_> = self.rows.iter().map(|row| format!("{}\t{row}\t{test}\n", self.file)).collect();
        let path = dir.join(format!("{}.tsv", std::process::id()));
        // One write, so that the threads of one process do not mix their lines.
        std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.concat().as_bytes())
    }
}

impl Drop for Coverage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let Some(dir) = std::env::var_os("MOTTAK_CONFORMANCE_DIR") else { return };
        if let Err(error) = self.record(Path::new(&dir), &running_test()) {
            eprintln!("conformance claim not recorded: {error}");
        }
    }
}

/// The name of the running test as its runner reports it.
///
/// A runner with a process per test says it in a variable; the standard one names the test's thread.
fn running_test() -> String {
    match std::env::var_os("NEXTEST_TEST_NAME") {
        Some(name) => name.to_string_lossy().into_owned(),
        None => std::thread::current().name().unwrap_or("?").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_line_per_row() {
        let dir = std::env::temp_dir().join(format!("mottak-testing-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        let guard = covers("platform-storage", &["Q17", "Q18"]);
        guard.record(&dir, "a_test").expect("a writable folder");
        let path = dir.join(format!("{}.tsv", std::process::id()));
        let text = std::fs::read_to_string(path).expect("the claims");
        std::fs::remove_dir_all(&dir).expect("the folder just made");
        assert_eq!(text, "platform-storage\tQ17\ta_test\nplatform-storage\tQ18\ta_test\n");
        // These rows are not tested here: the claim must not reach the report.
        std::mem::forget(guard);
    }

    #[test]
    fn what_is_not_among_the_shared_fixtures_is_absent() {
        assert_eq!(shared("data/no-such-folder"), None);
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(repository_root().join("Cargo.lock").exists());
    }
}
