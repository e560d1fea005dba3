//! The facts of the machine that figures depend on.

use anyhow::Context as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the table says about where it was measured.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_gib: f64,
    pub(super) kernel: String,
    /// The median time of a 4 KB write that is synced to the disk of the data folder.
    pub(super) disk_sync: Duration,
    pub(super) commit: String,
}

impl Machine {
    pub(super) fn look(data: &Path) -> anyhow::Result<Self> {
        let memory_kb: f64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field("/proc/cpuinfo", "model name"),
            memory_gib: memory_kb / 1024.0 / 1024.0,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            disk_sync: disk_sync(data)?,
            commit: commit(),
        })
    }
}

/// The value of the first `name : value` line of a file of the kernel; empty when there is none.
fn field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}

fn disk_sync(folder: &Path) -> anyhow::Result<Duration> {
    let path = folder.join("sync-probe");
    let mut file = std::fs::File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        file.write_all(&[7; 4096]).context("writing the probe")?;
        file.sync_data().context("syncing the probe")?;
        times.push(begin.elapsed());
    }
    std::fs::remove_file(&path).context("removing the probe")?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn commit() -> String {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(crate::repository_root())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
