//! Load on a release build: `cargo xtask bench` builds the server, starts it on an empty store with the app in
//! `xtask/bench-app`, and prints a table.
//!
//! [`rows`] says what is sent, [`load`] and [`client`] send it, [`server`] runs what is measured, [`report`] writes the
//! table. How to read the figures stands in `docs/benchmarks.md`.

mod client;
mod histogram;
mod lists;
mod load;
mod machine;
mod report;
mod rows;
mod server;
mod world;

use crate::postgres;
use anyhow::{Context as _, bail};
use report::{Results, StartFigures};
use rows::Row;
use server::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What `cargo xtask bench` can be told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// How long each row of requests is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only these rows (may be repeated)
    #[arg(long, value_name = "ROW")]
    only: Vec<Row>,
    /// Fill the store with this many instances first
    #[arg(long, value_name = "INSTANCES", default_value_t = 0)]
    fill: u64,
    /// Which engine; both, one after the other, when none is named
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// Replace the figures at the end of this page (docs/benchmarks.md)
    #[arg(long, value_name = "PAGE")]
    write: Option<PathBuf>,
}

/// What keeps the instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Options {
    fn engines(&self) -> Vec<Engine> {
        self.engine.map_or_else(|| vec![Engine::Sqlite, Engine::Postgres], |engine| vec![engine])
    }

    fn wants(&self, row: Row) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }
}

/// Instances that it takes for a thousand pages of every list.
const LISTS_FROM: u64 = 1_000_000;

/// Measures and prints the table; fails when a row could not be measured.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        return run_optimised();
    }
    // One thread: what it cannot do alone would be taken from the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut table = String::new();
    let mut failures = Vec::new();
    for engine in options.engines() {
        eprintln!("{}:", engine.title());
        let results = runtime.block_on(measure(options, engine))?;
        table +=
            &format!("{}### {}\n\n{}", if table.is_empty() { "" } else { "\n" }, engine.title(), results.to_markdown());
        failures.extend(results.failures());
    }
    println!("\n{table}");
    if let Some(page) = &options.write {
        replace_figures(page, &table)?;
    }
    if !failures.is_empty() {
        bail!("rows that could not be measured:\n  {}", failures.join("\n  "));
    }
    Ok(())
}

/// Runs this same command from a release build: a slow load generator takes its time from the server.
fn run_optimised() -> anyhow::Result<()> {
    let status = crate::cargo()
        .args(["run", "--release", "--quiet", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1))
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("the benchmark failed");
    }
    Ok(())
}

async fn measure(options: &Options, engine: Engine) -> anyhow::Result<Results> {
    let binary = server::build()?;
    let folder = empty_folder()?;
    let database = match engine {
        Engine::Sqlite => None,
        // As durable as it is where submissions count.
        Engine::Postgres => Some(postgres::Server::start(postgres::Durability::Full)?),
    };
    let place = Place {
        folder: folder.join("data"),
        database: database.as_ref().map(|database| database.url().to_string_lossy().into_owned()),
    };
    std::fs::create_dir(&place.folder).context("creating the data folder")?;
    let app = crate::repository_root().join("xtask/bench-app");
    let mut results = Results {
        machine: machine::Machine::look(&folder)?,
        seconds: options.seconds,
        filled: options.fill,
        requests: Vec::new(),
        streams: Vec::new(),
        lists: Vec::new(),
        starts: Vec::new(),
        store: store_rates(&binary, &Place { folder: folder.join("store"), ..place.clone() }),
    };
    if options.fill > 0 {
        fill(&binary, &place, options.fill)?;
    }

    let server = Server::start(&binary, &[app], &place).await?;
    let measures_starts = engine == Engine::Sqlite && options.wants(Row::Start);
    if measures_starts {
        results.starts.push(settle(&server, 1).await);
    }
    let world = world::World::log_in(server.address).await?;
    // First, as long as the store holds nothing but what it was filled with.
    if options.fill >= LISTS_FROM && options.wants(Row::Lists) {
        for list in lists::LISTS {
            eprintln!("list: {} …", list.title);
            results.lists.push((list, lists::measure(list, &world, options.seconds).await));
        }
    }
    for row in Row::REQUESTS.into_iter().filter(|row| options.wants(*row)) {
        eprintln!("{} …", row.title());
        results.requests.push((row, rows::measure(row, &server, &world, options.seconds).await));
    }
    for row in Row::STREAMS.into_iter().filter(|row| options.wants(*row)) {
        eprintln!("{} …", row.title());
        let figures = match row {
            Row::Upload => rows::measure_upload(&server, &world).await,
            _ => rows::measure_download(&server, &world).await,
        };
        results.streams.push((row, figures));
    }
    drop(server);

    if measures_starts {
        let apps = copy_apps(&folder.join("apps"), 50)?;
        let place = Place { folder: folder.join("data-of-many"), database: None };
        std::fs::create_dir(&place.folder).context("creating the second data folder")?;
        let server = Server::start(&binary, &apps, &place).await?;
        results.starts.push(settle(&server, apps.len()).await);
    }
    Ok(results)
}

/// The figures of a start, with the memory that remains when the work of starting is over.
async fn settle(server: &Server, apps: usize) -> StartFigures {
    tokio::time::sleep(Duration::from_secs(2)).await;
    StartFigures { apps, first_answer: server.first_answer, idle_memory: server.resident_memory() }
}

/// `target/bench`, without what an earlier run left there.
fn empty_folder() -> anyhow::Result<PathBuf> {
    let folder = crate::target_dir().join("bench");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("emptying {}", folder.display()));
        }
        _ => {}
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// Where a server keeps things.
#[derive(Clone, Debug)]
struct Place {
    folder: PathBuf,
    /// `postgres://…`, with the objects in the folder; `None`: SQLite in the folder.
    database: Option<String>,
}

impl Place {
    /// What a command of the server has to be told.
    fn tell(&self, command: &mut Command) {
        command.arg("--data").arg(&self.folder);
        if let Some(url) = &self.database {
            command.arg("--database-url").arg(url).arg("--objects").arg(self.folder.join("objects"));
        }
    }
}

fn fill(binary: &Path, place: &Place, instances: u64) -> anyhow::Result<()> {
    eprintln!("filling the store with {instances} instances …");
    let mut command = Command::new(binary);
    command.arg("fill").args(["--instances", &instances.to_string(), "--app", world::APP]);
    place.tell(&mut command);
    let status = command.status().context("starting the server's fill command")?;
    if !status.success() {
        bail!("the store could not be filled");
    }
    Ok(())
}

/// Operations per second of the store alone; none where the server cannot tell.
fn store_rates(binary: &Path, place: &Place) -> BTreeMap<String, f64> {
    let mut command = Command::new(binary);
    command.arg("bench-store");
    place.tell(&mut command);
    let output = command.output();
    let rates = output.ok().filter(|output| output.status.success());
    let rates = rates.and_then(|output| serde_json::from_slice::<BTreeMap<String, StoreRate>>(&output.stdout).ok());
    let Some(rates) = rates else {
        eprintln!("the store alone could not be measured");
        return BTreeMap::new();
    };
    rates.into_iter().map(|(operation, rate)| (operation, rate.per_second)).collect()
}

/// What `mottak bench-store` says of one operation.
#[derive(Debug, serde::Deserialize)]
struct StoreRate {
    #[serde(rename = "perSecond")]
    per_second: f64,
}

/// Copies of the benchmark's app under new ids.
fn copy_apps(folder: &Path, count: usize) -> anyhow::Result<Vec<PathBuf>> {
    let original = crate::repository_root().join("xtask/bench-app");
    let mut apps = Vec::new();
    for number in 1..=count {
        let app = folder.join(format!("bench-{number:02}"));
        copy_folder(&original, &app)?;
        let metadata = app.join("App/config/applicationmetadata.json");
        let text = std::fs::read_to_string(&metadata).context("reading the copied metadata")?;
        let text = text.replace(&format!("\"{}\"", world::APP), &format!("\"{}-{number:02}\"", world::APP));
        std::fs::write(&metadata, text).context("writing the copied metadata")?;
        apps.push(app);
    }
    Ok(apps)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry.with_context(|| format!("reading {}", from.display()))?;
        let target = to.join(entry.file_name());
        if entry.file_type().context("looking at a file")?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).with_context(|| format!("copying to {}", target.display()))?;
        }
    }
    Ok(())
}

/// Everything below this line of the page is replaced.
const FIGURES_MARK: &str = "<!-- Below: written by `cargo xtask bench --write`. -->\n";

fn replace_figures(page: &Path, table: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
    let (words, _) = text.split_once(FIGURES_MARK).with_context(|| format!("{} has no mark", page.display()))?;
    std::fs::write(page, format!("{words}{FIGURES_MARK}\n{table}"))
        .with_context(|| format!("writing {}", page.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_figures_has_its_mark() {
        let page = crate::repository_root().join("docs/benchmarks.md");
        let text = std::fs::read_to_string(page).expect("the page");
        assert_eq!(text.matches(FIGURES_MARK).count(), 1);
    }

    #[test]
    fn copied_apps_have_ids_of_their_own() {
        let folder = crate::target_dir().join(format!("copied-apps-{}", std::process::id()));
        let apps = copy_apps(&folder, 2).expect("a writable target folder");
        let metadata = std::fs::read_to_string(apps[1].join("App/config/applicationmetadata.json")).expect("a copy");
        std::fs::remove_dir_all(&folder).expect("the folder just made");
        let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
        assert_eq!(metadata["id"], "ttd/bench-02");
    }
}
