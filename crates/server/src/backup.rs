//! `mottak backup` and `mottak restore`: everything a store holds, as an archive, and back.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "postgres")]
use anyhow::Context as _;
use mottak_service::ports::SystemClock;
#[cfg(feature = "postgres")]
use mottak_store::PostgresStore;
use mottak_store::archive::{self, Manifest, Progress, Stage};
use mottak_store::{Options, SqliteStore};

use crate::command::StoreArguments;
use crate::place::{Database, StorePlace};
use crate::progress::Bar;
use crate::run;

/// `mottak backup`
pub(crate) fn backup(store: StoreArguments, to: &Path) -> anyhow::Result<ExitCode> {
    let StorePlace { database, objects } = store.configuration()?.store;
    let (begun, mut bar) = (Instant::now(), Bar::new());
    let watch = |progress| show(&mut bar, progress);
    let clock = Arc::new(SystemClock);
    let runtime = run::runtime()?;
    let manifest = match database {
        Database::Sqlite(folder) => {
            runtime.block_on(SqliteStore::backup(&folder, objects.as_ref(), to, clock, watch))?
        }
        #[cfg(feature = "postgres")]
        Database::Postgres { url, options } => {
            let objects = objects.context("a PostgreSQL database needs a place for objects")?;
            runtime.block_on(PostgresStore::backup(&url, &objects, &options, to, clock, watch))?
        }
    };
    drop(bar);
    println!("archived and verified {} in {} in {:.1} s", told(&manifest), to.display(), begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// `mottak restore`
pub(crate) fn restore(from: &Path, store: StoreArguments) -> anyhow::Result<ExitCode> {
    let StorePlace { database, objects } = store.configuration()?.store;
    let (begun, mut bar) = (Instant::now(), Bar::new());
    let watch = |progress| show(&mut bar, progress);
    let clock = Arc::new(SystemClock);
    let runtime = run::runtime()?;
    let (manifest, to) = match database {
        Database::Sqlite(folder) => {
            let options = Options { objects, ..Options::default() };
            let manifest = runtime.block_on(SqliteStore::restore(from, &folder, &options, clock, watch))?;
            (manifest, folder.display().to_string())
        }
        #[cfg(feature = "postgres")]
        Database::Postgres { url, options } => {
            let objects = objects.context("a PostgreSQL database needs a place for objects")?;
            let restored = PostgresStore::restore(from, &url, &objects, &options, clock, watch);
            (runtime.block_on(restored)?, "the database".to_owned())
        }
    };
    drop(bar);
    println!("restored and compared {} in {to} in {:.1} s", told(&manifest), begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// `mottak restore --check`
pub(crate) fn check(from: &Path) -> anyhow::Result<ExitCode> {
    let (begun, mut bar) = (Instant::now(), Bar::new());
    let manifest = archive::verify(from, |progress| show(&mut bar, progress))?;
    drop(bar);
    println!("{} is sound: {}; read in {:.1} s", from.display(), told(&manifest), begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

fn show(bar: &mut Bar, progress: Progress) {
    let what = match progress.stage {
        Stage::Writing => "writing",
        Stage::Verifying => "verifying",
        Stage::Restoring => "restoring",
        Stage::Comparing => "comparing",
    };
    bar.show(what, progress.done, progress.of);
}

fn told(manifest: &Manifest) -> String {
    let (counts, megabytes) = (&manifest.counts, manifest.bytes() as f64 / 1e6);
    format!(
        "{} instances with {} data elements and {} large files ({megabytes:.1} MB, last changed {})",
        counts.instances, counts.elements, manifest.objects.count, manifest.last_changed
    )
}
