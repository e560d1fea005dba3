//! Repository chores: the test suite, the conformance report and the benchmarks. `cargo xtask help` lists them.
//!
//! Nothing here is needed to build or run the server.

mod azurite;
mod bench;
mod conformance;
mod postgres;
mod test_run;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Repository chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build and run the whole test suite, then say which conformance rows it covers
    Test(test_run::Options),
    /// Say which rows of the contract's conformance tables the tests cover, which are excused and which are missing
    Conformance(conformance::Options),
    /// Measure a release build under load and print the table
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(options) => test_run::run(&options),
        Chore::Conformance(options) => conformance::run(&options).map(|()| ExitCode::SUCCESS),
        Chore::Bench(options) => bench::run(&options).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The root of this repository.
fn repository_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder below the root")
}

/// Where Cargo puts what it builds.
fn target_dir() -> PathBuf {
    // A relative CARGO_TARGET_DIR is relative to where cargo runs, and the chores run it at the root.
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository_root().join("target"), |dir| repository_root().join(dir))
}

/// A command of the Cargo that runs this chore, started at the root.
fn cargo() -> std::process::Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(program);
    command.current_dir(repository_root());
    command
}
