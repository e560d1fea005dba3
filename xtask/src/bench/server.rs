//! The server under measurement: building it, starting it on a free port, and reading its memory.

use super::Place;
use super::client::Client;
use anyhow::{Context as _, bail};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; it is killed when this goes out of scope.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(super) first_answer: Duration,
}

/// Builds the release binary and returns where it is.
pub(super) fn build() -> anyhow::Result<PathBuf> {
    let built =
        crate::cargo().args(["build", "--release", "--package", "mottak"]).status().context("starting cargo")?;
    if !built.success() {
        bail!("the server does not build");
    }
    Ok(crate::target_dir().join("release/mottak"))
}

impl Server {
    /// Starts the server on a free port with the given app folders, and waits for its first answer.
    pub(super) async fn start(binary: &Path, apps: &[PathBuf], place: &Place) -> anyhow::Result<Self> {
        let log = place.folder.with_extension("log");
        let log_file = std::fs::File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let begin = Instant::now();
        let mut command = Command::new(binary);
        command.arg("dev").args(apps).args(["--listen", "127.0.0.1:0"]);
        place.tell(&mut command);
        let mut child = command
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().expect("standard output was piped")).lines();
        // From here on the process ends with this value, also when the next steps fail.
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), first_answer: Duration::ZERO };
        let Some(line) = lines.next().transpose().context("reading the server's first line")? else {
            bail!("the server ended at once; see {}", log.display());
        };
        server.address = listening_address(&line)?;
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));

        while !server.is_healthy().await {
            if begin.elapsed() > Duration::from_mins(1) {
                bail!("the server is not healthy after a minute; see {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.first_answer = begin.elapsed();
        Ok(server)
    }

    async fn is_healthy(&self) -> bool {
        let Ok(mut client) = Client::connect(self.address).await else { return false };
        client.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.is_ok()
            && client.discard_answer(&[200]).await.is_ok()
    }

    /// Forgets the highest memory use so far; where the kernel does not allow it, the peak is that since the start.
    pub(super) fn reset_peak_memory(&self) {
        let path = format!("/proc/{}/clear_refs", self.child.id());
        if let Err(error) = std::fs::write(&path, "5") {
            eprintln!("peak memory is counted from the start: {path}: {error}");
        }
    }

    /// The highest resident memory since the last reset, in bytes.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    /// The resident memory now, in bytes.
    pub(super) fn resident_memory(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    fn memory(&self, line: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        memory_line(&status, line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill and nothing to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `listening on http://127.0.0.1:4711`.
fn listening_address(line: &str) -> anyhow::Result<SocketAddr> {
    line.strip_prefix("listening on http://")
        .and_then(|address| address.trim_end().trim_end_matches('/').parse().ok())
        .with_context(|| format!("the server's first line is not an address: {line}"))
}

/// The bytes of a line such as `VmRSS:   1234 kB`.
fn memory_line(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_address() {
        let address = listening_address("listening on http://127.0.0.1:4711").expect("an address");
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 4711)));
        assert!(listening_address("ready").is_err());
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tmottak\nVmHWM:\t   12 kB\nVmRSS:\t    8 kB\n";
        assert_eq!(memory_line(status, "VmHWM:"), Some(12 * 1024));
        assert_eq!(memory_line(status, "VmRSS:"), Some(8 * 1024));
        assert_eq!(memory_line(status, "VmSwap:"), None);
    }
}
