//! Which rows of the contract's conformance tables are covered by a passing test, excused, or missing.
//!
//! Three sources meet here: the tables ([`tables`]), what the tests claimed while they ran ([`claims`]), and the
//! excuses in `docs/conformance.md` ([`excuses`]). [`report`] compares them, and holds them against what was reached before
//! ([`floors`]).

mod claims;
mod excuses;
mod floors;
mod report;
mod tables;

pub(crate) use claims::Recording;

use anyhow::Context as _;
use report::Report;
use std::path::PathBuf;
use tables::Table;

/// What `cargo xtask conformance` can be told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Report from the run recorded in this folder (`cargo xtask test` leaves one in target/conformance) instead of
    /// running the tests
    #[arg(long, value_name = "DIR")]
    fast: Option<PathBuf>,
    /// Print the text of the missing rows of one contract file (such as app-forms), from the last recorded run
    #[arg(long, value_name = "FILE", conflicts_with = "fast")]
    rows: Option<String>,
}

/// Prints the report; fails when a claim or an excuse names a row that does not exist, an excuse is out of date, or
/// fewer rows are covered than were before.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let Some(tables) = contract_tables()? else {
        println!("{ABSENT}");
        return Ok(());
    };
    if let Some(file) = &options.rows {
        let recording = Recording::at(&Recording::default_dir());
        return compare(tables, &recording)?.print_missing_rows(file);
    }
    let recording = match &options.fast {
        Some(dir) => Recording::at(dir),
        None => crate::test_run::record()?,
    };
    let report = compare(tables, &recording)?;
    report.print_totals();
    report.print_missing_ids();
    report.require_sound()
}

/// Prints one line per contract file for a recorded run; fails as [`run`] does.
pub(crate) fn print_totals(recording: &Recording) -> anyhow::Result<()> {
    let Some(tables) = contract_tables()? else {
        println!("\n{ABSENT}");
        return Ok(());
    };
    let report = compare(tables, recording)?;
    report.print_totals();
    report.require_sound()
}

const ABSENT: &str = "conformance: the contract is not beside this repository (../shared/contract), nothing to report";

fn compare(tables: Vec<Table>, recording: &Recording) -> anyhow::Result<Report> {
    let path = crate::repository_root().join("docs/conformance.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let excuses = excuses::parse(&text).context("docs/conformance.md")?;
    let floors = floors::parse(&text).context("docs/conformance.md")?;
    Ok(Report::new(tables, &recording.claims()?, &excuses, &floors))
}

/// The tables of the contract files, or `None` when the contract is not there.
fn contract_tables() -> anyhow::Result<Option<Vec<Table>>> {
    let shared =
        std::env::var_os("MOTTAK_SHARED").map_or_else(|| crate::repository_root().join("../shared"), PathBuf::from);
    let dir = shared.join("contract");
    if !dir.is_dir() {
        return Ok(None);
    }
    let mut tables = Vec::new();
    for (file, section) in tables::FILES {
        let path = dir.join(format!("{file}.md"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        tables.push(Table::parse(file, section, &text).with_context(|| path.display().to_string())?);
    }
    Ok(Some(tables))
}
