//! The README's walk-through, run as it stands.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// The shell block after the marker.
fn walk_through() -> String {
    let readme = mottak_testing::repository_root().join("README.md");
    let readme = std::fs::read_to_string(readme).expect("there is a README");
    let (_, after) = readme.split_once("<!-- walk-through:").expect("the walk-through is marked");
    let (_, block) = after.split_once("```sh\n").expect("the walk-through is a shell block");
    let (block, _) = block.split_once("```").expect("the block ends");
    block.to_owned()
}

#[test]
fn readme_walk_through_works_as_written() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not on this machine");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Command::new(env!("CARGO_BIN_EXE_mottak"))
        .args(["dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .current_dir(mottak_testing::repository_root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut output = BufReader::new(server.stdout.take().expect("its output is ours"));
    let mut first = String::new();
    output.read_line(&mut first).expect("it says a line");
    let base = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("not an address: {first}"));

    let walk = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", &walk_through()])
        .env("BASE", base)
        .current_dir(folder.path())
        .output();
    server.kill().expect("the server can be stopped");
    server.wait().expect("the server stops");

    let walk = walk.expect("bash runs");
    let said = String::from_utf8_lossy(&walk.stdout);
    for line in [
        "issues: []",
        "\"isArchived\":true",
        "\"count\":1",
        "<tittel>Vinterfestivalen 2027</tittel>",
        "the attachment is the same, byte for byte",
        "confirmed: it is gone from the list",
    ] {
        assert!(said.contains(line), "{line} is missing in:\n{said}\n{}", String::from_utf8_lossy(&walk.stderr));
    }
}
