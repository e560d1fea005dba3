//! Where instances and their bodies are kept, as the options say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use mottak_service::ports::{Clock, Store};
#[cfg(feature = "postgres")]
use mottak_store::{CommitOrder, PostgresOptions, PostgresStore};
use mottak_store::{ObjectLocation, Options, SqliteStore};
use serde::Deserialize;

/// The options of everything that opens a store.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct StoreOptions {
    /// PostgreSQL database (postgres://user@host/name). None: SQLite in the data folder.
    #[arg(long, env = "MOTTAK_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Where bodies too large for the database go: a folder, s3://bucket/prefix or azure://container/prefix (credentials
    /// as `AWS_*` or `AZURE_*` in the environment). With SQLite the default is beside the database.
    #[arg(long, env = "MOTTAK_OBJECTS")]
    pub(crate) objects: Option<String>,
    /// With PostgreSQL: whether `lastChanged` is ordered over all commits (`strict`), so that pollers miss nothing, or
    /// only within each instance (`per-instance`).
    #[arg(long, env = "MOTTAK_COMMIT_ORDER", value_enum)]
    pub(crate) commit_order: Option<CommitOrderOption>,
    /// With PostgreSQL: a pooler stands before it that hands out connections by the transaction.
    #[arg(long, env = "MOTTAK_DATABASE_POOLED")]
    pub(crate) database_pooled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CommitOrderOption {
    Strict,
    PerInstance,
}

impl StoreOptions {
    /// These options where they are given, and `other`'s where not.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            database_url: self.database_url.or(other.database_url),
            objects: self.objects.or(other.objects),
            commit_order: self.commit_order.or(other.commit_order),
            database_pooled: self.database_pooled || other.database_pooled,
        }
    }
}

/// What of the environment can be a setting of an object store.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A place that can be opened.
#[derive(Debug)]
pub(crate) struct StorePlace {
    pub(crate) database: Database,
    /// `None`: beside the database.
    pub(crate) objects: Option<ObjectLocation>,
}

/// Which engine, and where.
pub(crate) enum Database {
    /// In this folder.
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres { url: String, options: PostgresOptions },
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(folder) => f.debug_tuple("Sqlite").field(folder).finish(),
            // The URL may hold a password.
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => f.write_str("Postgres"),
        }
    }
}

impl StorePlace {
    /// What the options mean for a server with this data folder.
    pub(crate) fn of(options: StoreOptions, data: &Path) -> anyhow::Result<Self> {
        let objects = options.objects.as_deref().map(|url| ObjectLocation::parse(url, environment())).transpose()?;
        let Some(url) = options.database_url.clone() else {
            if options.commit_order.is_some() || options.database_pooled {
                bail!("--commit-order and --database-pooled are for PostgreSQL, and no --database-url is given");
            }
            return Ok(Self { database: Database::Sqlite(data.to_owned()), objects });
        };
        Self::of_url(url, &options, objects)
    }

    #[cfg(feature = "postgres")]
    fn of_url(url: String, options: &StoreOptions, objects: Option<ObjectLocation>) -> anyhow::Result<Self> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            bail!("--database-url is not the URL of a PostgreSQL database (postgres://user@host/name)");
        }
        if objects.is_none() {
            bail!(
                "--database-url needs --objects as well: where bodies too large for the database go. Several servers \
                 need a bucket; a folder serves one"
            );
        }
        let commit_order = match options.commit_order {
            Some(CommitOrderOption::PerInstance) => CommitOrder::PerInstance,
            Some(CommitOrderOption::Strict) | None => CommitOrder::Strict,
        };
        let prepared_statements = !options.database_pooled;
        let options = PostgresOptions { commit_order, prepared_statements, ..PostgresOptions::default() };
        Ok(Self { database: Database::Postgres { url, options }, objects })
    }

    #[cfg(not(feature = "postgres"))]
    fn of_url(_: String, _: &StoreOptions, _: Option<ObjectLocation>) -> anyhow::Result<Self> {
        bail!("this server was built without PostgreSQL")
    }

    /// Opens the store, which makes or migrates it where that is due.
    pub(crate) async fn open(self, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Store>> {
        match self.database {
            Database::Sqlite(folder) => {
                std::fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
                let options = Options { objects: self.objects, ..Options::default() };
                Ok(SqliteStore::open(&folder, clock, options)?)
            }
            #[cfg(feature = "postgres")]
            Database::Postgres { url, options } => {
                let objects = self.objects.context("a PostgreSQL database needs a place for objects")?;
                Ok(PostgresStore::open(&url, &objects, clock, options).await?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(options: StoreOptions) -> Result<StorePlace, String> {
        StorePlace::of(options, Path::new("data")).map_err(|error| error.to_string())
    }

    fn given(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn without_a_url_the_database_is_in_the_data_folder() {
        let place = place(StoreOptions::default()).unwrap();
        assert!(matches!(place.database, Database::Sqlite(folder) if folder == Path::new("data")));
        assert!(place.objects.is_none());
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_database_for_several_servers_needs_a_place_for_objects() {
        let url = given("postgres://mottak:hemmelig@localhost/mottak");
        let refused = place(StoreOptions { database_url: url.clone(), ..StoreOptions::default() }).unwrap_err();
        assert!(refused.contains("--objects"), "{refused}");
        let objects = given("/var/objects");
        let place = place(StoreOptions { database_url: url, objects, ..StoreOptions::default() }).unwrap();
        assert!(!format!("{place:?}").contains("hemmelig"), "{place:?}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let options = StoreOptions { commit_order: Some(CommitOrderOption::Strict), ..StoreOptions::default() };
        assert!(place(options).unwrap_err().contains("--database-url"));
        let mysql = StoreOptions { database_url: given("mysql://x"), objects: given("/o"), ..StoreOptions::default() };
        assert!(place(mysql).is_err());
        let ftp = StoreOptions { objects: given("ftp://x"), ..StoreOptions::default() };
        assert!(place(ftp).unwrap_err().contains("ftp://x"));
    }
}
