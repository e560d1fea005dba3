//! Archives of a database, and databases of archives.

use std::path::Path;
use std::sync::Arc;

use mottak_service::ports::{Clock, StoreFailure};

use super::dump::PostgresDump;
use super::load::PostgresLoad;
use super::{PostgresOptions, PostgresStore};
use crate::archive::{ArchiveFailure, Manifest, Progress, Target, backup, check, restore, verify};
use crate::objects::ObjectLocation;

/// The tables that an archive fills.
const EMPTY: &str = "truncate instance, element, blob, event, removed, record, job, app";

/// Where a store is.
#[derive(Clone, Copy, Debug)]
struct Location<'a> {
    url: &'a str,
    objects: &'a ObjectLocation,
    options: &'a PostgresOptions,
}

impl PostgresStore {
    /// Archives the store in the database at `url` as the new folder `to`: see [`SqliteStore::backup`].
    ///
    /// [`SqliteStore::backup`]: crate::SqliteStore::backup
    pub async fn backup(
        url: &str,
        objects: &ObjectLocation,
        options: &PostgresOptions,
        to: &Path,
        clock: Arc<dyn Clock>,
        mut watcher: impl FnMut(Progress) + Send,
    ) -> Result<Manifest, ArchiveFailure> {
        let made = clock.now();
        let mut source = PostgresDump::open(url, objects, clock, options).await?;
        let done = backup(&mut source, to, made, &mut watcher).await;
        if let Err(failure) = source.close().await {
            tracing::warn!(%failure, "the objects are held for another quarter of an hour");
        }
        done
    }

    /// Fills the database at `url`, which has nothing in it, with the archive in `from`. First the whole archive is
    /// verified; at the end the store is compared with it. After an error the database has nothing in it again.
    pub async fn restore(
        from: &Path,
        url: &str,
        objects: &ObjectLocation,
        options: &PostgresOptions,
        clock: Arc<dyn Clock>,
        mut watcher: impl FnMut(Progress) + Send,
    ) -> Result<Manifest, ArchiveFailure> {
        let manifest = verify(from, &mut watcher)?;
        let place = Location { url, objects, options };
        // Makes the tables where there are none.
        PostgresStore::open(url, objects, Arc::clone(&clock), options.clone()).await?;
        let target: Box<dyn Target> = Box::new(PostgresLoad::begin(url, objects, Arc::clone(&clock), options).await?);
        restore(from, &manifest, target, &mut watcher).await?;
        match compare(place, &manifest, clock, &mut watcher).await {
            Ok(()) => Ok(manifest),
            Err(failure) => {
                empty(place).await?;
                Err(failure)
            }
        }
    }
}

async fn compare(
    place: Location<'_>,
    manifest: &Manifest,
    clock: Arc<dyn Clock>,
    watcher: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), ArchiveFailure> {
    let mut made = PostgresDump::open(place.url, place.objects, clock, place.options).await?;
    let done = check(&mut made, manifest, watcher).await;
    made.close().await?;
    done
}

async fn empty(place: Location<'_>) -> Result<(), StoreFailure> {
    use super::link::{Address, Link, failed};
    let address = Arc::new(Address::parse(place.url, place.options)?);
    let emptied = Link::new(&address).with_session(async |session| session.run(EMPTY).await).await;
    emptied.map_err(|error| failed("empty the database again", &error))
}
