//! The emulator of Azure's storage, for the tests of large bodies: a package for Node, kept under `target/tools`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

const PACKAGE: &str = "azurite@3.35.0";

/// Installs the emulator where it is missing. Without Node, or without the package, its part of the suite is left out;
/// the tests say so as well.
pub(crate) fn install() {
    // Where the tests look.
    let tools: PathBuf = crate::repository_root().join("target/tools");
    if tools.join("node_modules/azurite/package.json").exists() {
        return;
    }
    println!("Installing {PACKAGE} for the tests");
    let installed = std::fs::create_dir_all(&tools).and_then(|()| {
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"])
            .arg(&tools)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .status()
    });
    match installed {
        Ok(status) if status.success() => {}
        Ok(status) => println!("without Azure's storage: npm ended with {status}"),
        Err(error) => println!("without Azure's storage: npm does not start ({error})"),
    }
}
