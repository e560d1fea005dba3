//! A started server, and what the tests ask of it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mottak_testing::repository_root;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// How long a test waits for something that is to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary, with nothing of this process's configuration.
pub(crate) fn mottak() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mottak"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MOTTAK_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the binary runs")
}

/// What a command said on a channel.
pub(crate) fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    /// `http://127.0.0.1:…`
    pub(crate) address: String,
    pub(crate) client: Client,
    log: PathBuf,
    /// Holds data and log.
    folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// `mottak dev` with these apps, in a folder of its own.
    pub(crate) fn dev(apps: &[PathBuf]) -> Self {
        Self::dev_in(tempfile::tempdir().expect("a temporary folder"), apps)
    }

    /// `mottak dev` that goes on with the data in a folder.
    pub(crate) fn dev_in(folder: tempfile::TempDir, apps: &[PathBuf]) -> Self {
        let mut command = mottak();
        command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data")).args(apps);
        Self::start(command, folder)
    }

    /// Starts a command and waits for the line that says where it listens.
    pub(crate) fn start(mut command: Command, folder: tempfile::TempDir) -> Self {
        let log = folder.path().join("log");
        let stderr = fs::File::options().create(true).append(true).open(&log).expect("a writable folder");
        let mut child = command
            .current_dir(repository_root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the binary starts");
        let mut first = String::new();
        // The pipe is closed after the line: scripts that wait for it do so too.
        BufReader::new(child.stdout.take().expect("its output is ours")).read_line(&mut first).expect("a line");
        let Some(address) = first.trim().strip_prefix("listening on ").map(str::to_owned) else {
            panic!("{first:?} says no address: {}", fs::read_to_string(&log).unwrap_or_default());
        };
        Self { child, address, client: Client::builder().build().expect("a client"), log, folder }
    }

    /// The folder with its data, unless it was told another.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it at once and keeps its folder.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"))
    }

    /// Sends it the signal that asks a service to stop.
    pub(crate) fn terminate(&self) {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(done.success());
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    /// The status of a GET.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path).send().await.unwrap_or_else(|error| panic!("{path}: {error}")).status().as_u16()
    }

    /// The text of a GET that succeeds.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.get(path).send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.text().await.expect("the answer arrives in full")
    }

    /// The JSON of a GET that succeeds.
    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// Asks again until the answer is yes.
pub(crate) async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !ask().await {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An example app.
pub(crate) fn example() -> PathBuf {
    repository_root().join("apps/kulturstotte")
}

/// A copy of the example app that may be changed.
pub(crate) fn copy_of_example(to: &Path) -> PathBuf {
    copy(&example().join("App"), &to.join("App"));
    to.to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}
