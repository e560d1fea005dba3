//! `mottak`: the Altinn 3 application platform in one binary.
//!
//! Reads configuration, builds the parts, runs them. No logic of its own: commands live in modules of their names.

mod command;
mod config;
mod dev;
mod files;
mod place;
mod run;
mod secret;
mod serve;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

use crate::command::{Command, ExpressionCommand, Mottak, PolicyCommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Mottak::parse();
    let done = match arguments.command {
        Command::Dev(options) => dev::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Check { apps } => tools::check(&apps),
        Command::Policy(PolicyCommand::Decide { policy, request }) => tools::decide(&policy, &request),
        Command::Expression(ExpressionCommand::Test { files }) => tools::test_expressions(&files),
        Command::Fill { data, instances, app } => tools::fill(&data, instances, &app),
        Command::BenchStore { data, seconds } => tools::bench_store(&data, seconds),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mottak: {error:#}");
        ExitCode::FAILURE
    })
}
