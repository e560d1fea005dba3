//! A PostgreSQL server for the tests and the benchmarks: made for the run, thrown away after it.
//!
//! `MOTTAK_TEST_POSTGRES` names another one to be used in its place.

use anyhow::{Context as _, bail};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the tests where the server is.
pub(crate) const VARIABLE: &str = "MOTTAK_TEST_POSTGRES";

/// How long a new server may take until it answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// What survives when the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every commit that was answered, as in production.
    Full,
    /// Nothing has to: a test that stops begins anew.
    None,
}

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Full => &["shared_buffers=1GB", "max_wal_size=4GB", "wal_compression=on"],
            Self::None => &["fsync=off", "full_page_writes=off"],
        }
    }
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    url: OsString,
    /// None of ours, when another one was named.
    _own: Option<OwnServer>,
}

#[derive(Debug)]
struct OwnServer {
    programs: PathBuf,
    user: Option<&'static str>,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// Starts a server, installing PostgreSQL first where that is missing and possible.
    pub(crate) fn start(durability: Durability) -> anyhow::Result<Self> {
        if let Some(url) = std::env::var_os(VARIABLE) {
            return Ok(Self { url, _own: None });
        }
        let programs = programs()?;
        // PostgreSQL refuses to run as root.
        let user = is_root().then(|| if has_user("postgres") { "postgres" } else { "nobody" });
        let folder = std::env::temp_dir().join(format!("mottak-test-postgres-{}", std::process::id()));
        let started = OwnServer::start(programs, user, &folder, durability);
        if started.is_err() {
            // What is there tells nothing that the error does not.
            let _ = fs::remove_dir_all(&folder);
        }
        let (own, port) = started.context("starting a PostgreSQL server for the tests")?;
        Ok(Self { url: format!("postgres://mottak@127.0.0.1:{port}/postgres").into(), _own: Some(own) })
    }

    /// `postgres://…`, for [`VARIABLE`].
    pub(crate) fn url(&self) -> &OsStr {
        &self.url
    }
}

impl OwnServer {
    fn start(
        programs: PathBuf,
        user: Option<&'static str>,
        folder: &Path,
        durability: Durability,
    ) -> anyhow::Result<(Self, u16)> {
        fs::create_dir_all(folder)?;
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(folder))?;
        }
        let data = folder.join("data");
        run(as_user(user, &programs.join("initdb")).arg("--pgdata").arg(&data).args([
            "--username=mottak",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(folder.join("log"))?;
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.display()),
            "max_connections=300".to_owned(),
        ];
        let settings = settings.iter().map(String::as_str).chain(durability.settings().iter().copied());
        let process = as_user(user, &programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(settings.flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { programs, user, folder: folder.to_owned(), process };
        server.wait_until_ready(port)?;
        Ok((server, port))
    }

    fn wait_until_ready(&mut self, port: u16) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let asked = Command::new(self.programs.join("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--dbname=postgres"])
                .arg(format!("--port={port}"))
                .status()?;
            if asked.success() {
                return Ok(());
            }
            if self.process.try_wait()?.is_some() || begin.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("it does not answer; its log says:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let mut stop = as_user(self.user, &self.programs.join("pg_ctl"));
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"]).arg(self.folder.join("data"));
        if let Err(error) = run(&mut stop) {
            eprintln!("warning: {error:#}");
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: {} stays behind: {error}", self.folder.display());
        }
    }
}

/// The folder of `initdb` and its siblings: one on the path, else the newest that a package has put somewhere else.
fn programs() -> anyhow::Result<PathBuf> {
    if let Some(found) = find_programs() {
        return Ok(found);
    }
    if is_root() && on_path("apt-get") {
        eprintln!("installing PostgreSQL for the tests");
        let apt = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
            command
        };
        run(apt().arg("update"))?;
        run(apt().args(["install", "--yes", "--no-install-recommends", "postgresql"]))?;
    }
    find_programs().with_context(|| {
        format!(
            "the tests need PostgreSQL: put the folder of initdb on the path, install the package postgresql, or name \
             a running server with {VARIABLE}=postgres://user@host/database"
        )
    })
}

fn find_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_complete = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_ctl", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    std::env::split_paths(&path).find(is_complete).or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
        versions.map(|entry| entry.path().join("bin")).filter(is_complete).max_by_key(version)
    })
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn has_user(name: &str) -> bool {
    Command::new("id").args(["-u", name]).output().is_ok_and(|output| output.status.success())
}

/// The program, run by this user, and ended with us where the system can do that.
fn as_user(user: Option<&str>, program: &Path) -> Command {
    if !on_path("setpriv") {
        let Some(user) = user else { return Command::new(program) };
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--"]).arg(program);
        return command;
    }
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.args([format!("--reuid={user}"), "--clear-groups".to_owned(), "--inh-caps=-all".to_owned()]);
    }
    command.args(["--pdeathsig", "INT"]).arg(program);
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_server_answers_and_is_gone_when_dropped() {
        if find_programs().is_none() {
            println!("skipped: PostgreSQL is not installed");
            return;
        }
        let folder = std::env::temp_dir().join(format!("mottak-test-postgres-own-{}", std::process::id()));
        let user = is_root().then(|| if has_user("postgres") { "postgres" } else { "nobody" });
        let (server, port) = OwnServer::start(programs().expect("there are programs"), user, &folder, Durability::None)
            .expect("it starts");
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!folder.exists());
    }
}
