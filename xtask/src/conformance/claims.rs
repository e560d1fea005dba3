//! What the tests claimed to cover during one run, and how each test ended.
//!
//! A recording is a folder: `claims/*.tsv` holds lines `file<tab>row<tab>test` written by the guards of
//! `mottak_testing::covers`, `outcomes.tsv` holds `passed<tab>test` and `failed<tab>test` as the runner said.

use crate::test_run::Outcomes;
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The claims and outcomes of one run of the tests.
#[derive(Debug)]
pub(crate) struct Recording {
    dir: PathBuf,
}

/// A test's statement that it covers a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) file: String,
    pub(super) row: String,
    pub(super) test: String,
}

impl Recording {
    /// An empty recording in the usual place; what an earlier run left there is removed.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let recording = Self::at(&Self::default_dir());
        match std::fs::remove_dir_all(&recording.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("emptying {}", recording.dir.display()));
            }
            _ => {}
        }
        std::fs::create_dir_all(recording.claims_dir())
            .with_context(|| format!("creating {}", recording.claims_dir().display()))?;
        Ok(recording)
    }

    /// The recording that an earlier run left in `dir`.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub(crate) fn default_dir() -> PathBuf {
        crate::target_dir().join("conformance")
    }

    /// Where the guards write; the value of `MOTTAK_CONFORMANCE_DIR`.
    pub(crate) fn claims_dir(&self) -> PathBuf {
        self.dir.join("claims")
    }

    fn outcomes_path(&self) -> PathBuf {
        self.dir.join("outcomes.tsv")
    }

    pub(crate) fn write_outcomes(&self, outcomes: &Outcomes) -> anyhow::Result<()> {
        let passed = outcomes.passed.iter().map(|test| format!("passed\t{test}\n"));
        let failed = outcomes.failed.iter().map(|test| format!("failed\t{test}\n"));
        let lines: Vec<_> = passed.chain(failed).collect();
        std::fs::write(self.outcomes_path(), lines.concat())
            .with_context(|| format!("writing {}", self.outcomes_path().display()))
    }

    /// The claims of tests that passed.
    ///
    /// Tests are told apart by name alone; when two share a name and one failed, the claims of both are dropped.
    pub(super) fn claims(&self) -> anyhow::Result<BTreeSet<Claim>> {
        if !self.outcomes_path().exists() {
            return Ok(BTreeSet::new());
        }
        let passed = parse_passed(&read(&self.outcomes_path())?);
        let dir = self.claims_dir();
        let mut claims = BTreeSet::new();
        for entry in std::fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
            let text = read(&entry.context("reading the claims")?.path())?;
            claims.extend(parse_claims(&text).filter(|claim| passed.contains(&claim.test)));
        }
        Ok(claims)
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn parse_passed(outcomes: &str) -> BTreeSet<String> {
    let named = |outcome: &'static str| {
        outcomes.lines().filter_map(move |line| line.split_once('\t')).filter(move |(how, _)| *how == outcome)
    };
    let failed: BTreeSet<_> = named("failed").map(|(_, test)| test).collect();
    named("passed").map(|(_, test)| test).filter(|test| !failed.contains(test)).map(str::to_owned).collect()
}

fn parse_claims(text: &str) -> impl Iterator<Item = Claim> {
    text.lines().filter_map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Claim { file: fields.next()?, row: fields.next()?, test: fields.next()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_failed_anywhere_has_not_passed() {
        let passed = parse_passed("passed\ta::b\npassed\tc\nfailed\tc\n");
        assert_eq!(passed, BTreeSet::from(["a::b".to_owned()]));
    }

    #[test]
    fn claims_are_three_fields() {
        let claims: Vec<_> = parse_claims("app-forms\t12\ta::b\nbroken line\n").collect();
        assert_eq!(claims, [Claim { file: "app-forms".into(), row: "12".into(), test: "a::b".into() }]);
    }
}
