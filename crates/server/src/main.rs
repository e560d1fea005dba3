//! `mottak`: the Altinn 3 application platform in one binary.
//!
//! Reads configuration, builds the parts, runs them. No logic of its own: commands live in modules of their names.

mod authority;
mod backup;
mod command;
mod config;
mod dev;
mod export;
mod files;
mod place;
mod progress;
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
        Command::Backup { store, to } => backup::backup(store, &to),
        Command::Restore { from, check: true, .. } => backup::check(&from),
        Command::Restore { from, store, .. } => backup::restore(&from, store),
        Command::Export { store, app, to, without_deleted, platform_url } => {
            let deleted = if without_deleted { export::Deleted::LeftOut } else { export::Deleted::Included };
            export::run(store, platform_url, &export::Wish { app: &app, deleted, to: &to })
        }
        Command::Policy(PolicyCommand::Decide { policy, request }) => tools::decide(&policy, &request),
        Command::Expression(ExpressionCommand::Test { files }) => tools::test_expressions(&files),
        Command::Fill { data, instances, app, store } => tools::fill(&data, store, instances, &app),
        Command::BenchStore { data, store, seconds } => tools::bench_store(&data, store, seconds),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mottak: {error:#}");
        ExitCode::FAILURE
    })
}
