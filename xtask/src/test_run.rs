//! The whole test suite: build, documentation tests, then every other test, recorded for the conformance report.
//!
//! The tests of Platform Storage are run once more on each engine that is not the tests' default. A test that fails on
//! one of them has failed.
//!
//! The closing lines are the runner's own summary, so that whoever reads only the end of a log reads the result.

use crate::conformance::{self, Recording};
use crate::postgres::{self, Durability, Server};
use anyhow::{Context as _, bail};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};

/// What `cargo xtask test` can be told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only tests whose name contains this text; no documentation tests and no conformance report then
    #[arg(long)]
    filter: Option<String>,
}

/// Runs the suite, or the part of it that the filter names.
///
/// Failure is told by the exit code alone, so that nothing is printed after the summary: of a test, of a
/// documentation test, or of a conformance claim that is wrong.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    build()?;
    let server = Server::start(Durability::None)?;
    if let Some(filter) = &options.filter {
        let tests = run_tests(&server, &Recording::new()?, Selection::Named(filter))?;
        tests.print_closing_lines();
        return Ok(exit_code(tests.succeeded));
    }

    let documentation_succeeded = run_doc_tests()?;
    let recording = Recording::new()?;
    let tests = run_everything(&server, &recording)?;
    recording.write_outcomes(&tests.outcomes)?;
    let conformance = conformance::print_totals(&recording);
    if let Err(error) = &conformance {
        println!("\nerror: {error:#}");
    }
    if !documentation_succeeded {
        println!("\nerror: a documentation test failed (above)");
    }
    tests.print_closing_lines();
    Ok(exit_code(tests.succeeded && documentation_succeeded && conformance.is_ok()))
}

fn exit_code(succeeded: bool) -> ExitCode {
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every test with claims recorded, for the conformance report alone.
pub(crate) fn record() -> anyhow::Result<Recording> {
    build()?;
    let server = Server::start(Durability::None)?;
    let recording = Recording::new()?;
    let tests = run_everything(&server, &recording)?;
    recording.write_outcomes(&tests.outcomes)?;
    tests.print_closing_lines();
    Ok(recording)
}

/// Which tests passed and failed, by name as the runner and the test's thread spell it (`module::test`).
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) passed: BTreeSet<String>,
    pub(crate) failed: BTreeSet<String>,
}

/// What a run of the tests gave.
struct TestRun {
    succeeded: bool,
    outcomes: Outcomes,
    /// What the closing lines do not tell.
    errors: Vec<String>,
    closing_lines: Vec<String>,
}

impl TestRun {
    fn print_closing_lines(&self) {
        for error in &self.errors {
            println!("\nerror: {error}");
        }
        println!();
        for line in &self.closing_lines {
            println!("{line}");
        }
    }
}

impl Outcomes {
    /// A test that failed in another run has failed.
    fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.passed.retain(|test| !self.failed.contains(test));
    }
}

/// What is left out of the server by default and tested all the same.
const FEATURES: &str = "mottak-store/object-storage-suite";

/// Which tests are run.
#[derive(Clone, Copy, Debug)]
enum Selection<'a> {
    Everything,
    /// Those whose name contains this text.
    Named(&'a str),
    /// Those of Platform Storage, on this engine (`MOTTAK_TEST_STORE`).
    StorageOn(&'static str),
}

impl Selection<'_> {
    /// What the test runner is told.
    fn arguments(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Everything => &["--workspace", "--features", FEATURES],
            Self::Named(text) => &["--workspace", "--features", FEATURES, text],
            // With everything that is selected otherwise, so that nothing is built another time.
            Self::StorageOn(_) => &["--workspace", "--features", FEATURES, "--test", "storage"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// The tests of Platform Storage on the other engines, then every test.
fn run_everything(server: &Server, recording: &Recording) -> anyhow::Result<TestRun> {
    let mut others = Vec::new();
    for engine in ["sqlite", "postgres"] {
        println!("\nThe tests of Platform Storage on {engine}:");
        let tests = run_tests(server, recording, Selection::StorageOn(engine))?;
        tests.print_closing_lines();
        others.push((engine, tests));
    }
    let mut all = run_tests(server, recording, Selection::Everything)?;
    for (engine, tests) in others {
        if !tests.succeeded {
            all.errors.push(format!("the tests of Platform Storage fail on {engine} (above)"));
        }
        all.succeeded &= tests.succeeded;
        all.outcomes.add(tests.outcomes);
    }
    Ok(all)
}

/// Builds every test first, so that compiling is never part of a test's time.
fn build() -> anyhow::Result<()> {
    crate::azurite::install();
    let mut command = crate::cargo();
    let built = command.args(["test", "--workspace", "--features", FEATURES, "--no-run"]).status();
    let built = built.context("starting cargo")?;
    if !built.success() {
        bail!("the tests do not build");
    }
    Ok(())
}

fn run_doc_tests() -> anyhow::Result<bool> {
    let status = crate::cargo().args(["test", "--workspace", "--doc", "--quiet"]).status().context("starting cargo")?;
    Ok(status.success())
}

fn run_tests(server: &Server, recording: &Recording, selection: Selection<'_>) -> anyhow::Result<TestRun> {
    let has_nextest = crate::cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = crate::cargo();
    command.env(postgres::VARIABLE, server.url());
    match selection {
        Selection::StorageOn(engine) => command.env("MOTTAK_TEST_STORE", engine),
        // What is claimed is claimed once.
        _ => command.env("MOTTAK_CONFORMANCE_DIR", recording.claims_dir()),
    };
    if has_nextest { run_nextest(command, selection) } else { run_libtest(command, selection) }
}

/// `cargo nextest`: results as one JSON object per line on standard output, words for people on standard error.
fn run_nextest(mut command: Command, selection: Selection<'_>) -> anyhow::Result<TestRun> {
    command
        .args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"])
        .args(["--message-format", "libtest-json"])
        .env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1")
        .args(selection.arguments())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("starting cargo nextest")?;
    let results = child.stdout.take().expect("standard output was piped");
    let words = child.stderr.take().expect("standard error was piped");

    let reader = std::thread::spawn(move || read_nextest_results(results));
    // The closing lines are held back: what comes after the tests is printed before them.
    let mut closing_lines = Vec::new();
    for line in BufReader::new(words).lines() {
        let line = line.context("reading what cargo nextest says")?;
        if closing_lines.is_empty() && !line.trim_start().starts_with("Summary [") {
            eprintln!("{line}");
        } else {
            closing_lines.push(line);
        }
    }
    let outcomes = reader.join().expect("the reading thread does not panic")?;
    let succeeded = child.wait().context("waiting for cargo nextest")?.success();
    Ok(TestRun { succeeded, outcomes, errors: Vec::new(), closing_lines })
}

#[derive(serde::Deserialize)]
struct NextestResult {
    r#type: String,
    event: String,
    name: Option<String>,
}

fn read_nextest_results(results: impl Read) -> anyhow::Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    for line in BufReader::new(results).lines() {
        let line = line.context("reading the results of cargo nextest")?;
        let Ok(result) = serde_json::from_str::<NextestResult>(&line) else { continue };
        let ("test", Some(name)) = (result.r#type.as_str(), result.name) else { continue };
        // `package::binary$module::test`, and `#2` after it for a second attempt.
        let name = name.split_once('$').map_or(name.as_str(), |(_, test)| test);
        let name = name.split_once('#').map_or(name, |(test, _)| test).to_owned();
        match result.event.as_str() {
            "ok" => outcomes.passed.insert(name),
            "failed" => outcomes.failed.insert(name),
            _ => continue,
        };
    }
    Ok(outcomes)
}

/// `cargo test`: one line per test, `test module::name ... ok`, and one summary per binary.
fn run_libtest(mut command: Command, selection: Selection<'_>) -> anyhow::Result<TestRun> {
    command.args(["test", "--no-fail-fast"]).args(selection.arguments()).stdout(Stdio::piped());
    if !matches!(selection, Selection::StorageOn(_)) {
        command.args(["--lib", "--bins", "--tests"]);
    }
    let mut child = command.spawn().context("starting cargo test")?;
    let results = child.stdout.take().expect("standard output was piped");
    let outcomes = read_libtest_results(results, |line| println!("{line}"))?;
    let succeeded = child.wait().context("waiting for cargo test")?.success();
    let closing_lines = vec![outcomes.count.to_string()];
    Ok(TestRun { succeeded, outcomes: outcomes.by_name, errors: Vec::new(), closing_lines })
}

#[derive(Debug, Default, PartialEq)]
struct Count {
    passed: usize,
    failed: usize,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[derive(Debug, Default)]
struct LibtestResults {
    by_name: Outcomes,
    count: Count,
}

fn read_libtest_results(results: impl Read, mut echo: impl FnMut(&str)) -> anyhow::Result<LibtestResults> {
    let mut read = LibtestResults::default();
    for line in BufReader::new(results).lines() {
        let line = line.context("reading the results of cargo test")?;
        echo(&line);
        let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
            continue;
        };
        let name = name.split_once(" - ").map_or(name, |(test, _)| test).to_owned();
        // A test that prints with `--nocapture` or to the descriptor itself may put words before the outcome.
        if outcome.ends_with("ok") {
            read.count.passed += 1;
            read.by_name.passed.insert(name);
        } else if outcome.ends_with("FAILED") {
            read.count.failed += 1;
            read.by_name.failed.insert(name);
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_results_are_read_by_test_name() {
        let lines = concat!(
            r#"{"type":"suite","event":"started","test_count":3}"#,
            "\n",
            r#"{"type":"test","event":"started","name":"mottak-model::mottak_model$ids::reads"}"#,
            "\n",
            r#"{"type":"test","event":"ok","name":"mottak-model::mottak_model$ids::reads","exec_time":0.1}"#,
            "\n",
            r#"{"type":"test","event":"failed","name":"mottak-web::it$data::put#2","exec_time":0.1}"#,
            "\n",
        );
        let outcomes = read_nextest_results(lines.as_bytes()).expect("readable lines");
        assert_eq!(outcomes.passed, BTreeSet::from(["ids::reads".to_owned()]));
        assert_eq!(outcomes.failed, BTreeSet::from(["data::put".to_owned()]));
    }

    #[test]
    fn libtest_lines_are_counted_and_echoed() {
        let lines = "running 3 tests\ntest ids::reads ... ok\ntest ids::panics - should panic ... ok\n\
                     test data::put ... FAILED\ntest slow ... ignored\n";
        let mut echoed = 0;
        let results = read_libtest_results(lines.as_bytes(), |_| echoed += 1).expect("readable lines");
        assert_eq!(results.count.to_string(), "2 passed, 1 failed");
        assert!(results.by_name.passed.contains("ids::panics"));
        assert!(results.by_name.failed.contains("data::put"));
        assert_eq!(echoed, 5);
    }
}
