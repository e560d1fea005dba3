//! A PostgreSQL schema for one test.
//!
//! The server is named by `MOTTAK_TEST_POSTGRES` (`postgres://user@host/database`); `cargo xtask test` starts one. A
//! test without a server returns early with a printed line.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use tokio_postgres::{Config, Error, NoTls};

/// A schema that is made for a test and dropped with this.
#[derive(Debug)]
pub struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// A new, empty schema; `None` where there is no server.
    pub fn fresh() -> Option<Self> {
        let Some(server) = std::env::var_os("MOTTAK_TEST_POSTGRES").and_then(|url| url.into_string().ok()) else {
            println!("skipped: MOTTAK_TEST_POSTGRES names no server");
            return None;
        };
        let random = RandomState::new().build_hasher().finish();
        let schema = Self { server, name: format!("test_{}_{random:016x}", std::process::id()) };
        schema.run(&format!("create schema {}", schema.name)).expect("a schema can be made on the test server");
        Some(schema)
    }

    /// The URL under which a store finds its tables in this schema.
    pub fn url(&self) -> String {
        let joint = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{joint}options=-csearch_path%3D{}", self.server, self.name)
    }

    /// The same, on another host and port that leads to the same server.
    pub fn url_through(&self, host: &str, port: u16) -> String {
        let (_, port_and_rest) = self.host_and_rest();
        let user =
            self.server.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map_or("", |(user, _)| user);
        let database = port_and_rest.split_once('/').map_or("", |(_, database)| database);
        format!("postgres://{user}@{host}:{port}/{database}?options=-csearch_path%3D{}", self.name)
    }

    /// The server's host and port.
    pub fn address(&self) -> (String, u16) {
        let config: Config = self.server.parse().expect("MOTTAK_TEST_POSTGRES is a URL of PostgreSQL");
        let host = self.host_and_rest().0.to_owned();
        (host, config.get_ports().first().copied().unwrap_or(5432))
    }

    fn host_and_rest(&self) -> (&str, &str) {
        let rest = self.server.split_once("://").map_or(self.server.as_str(), |(_, rest)| rest);
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        rest.split_once(':').unwrap_or((rest, ""))
    }

    /// Runs statements on the server, within the schema. Blocks.
    pub fn run(&self, sql: &str) -> Result<(), Error> {
        let (url, sql) = (self.url(), sql.to_owned());
        // A thread and a runtime of its own, so that a test's own runtime may be busy, or ending.
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
                let driver = tokio::spawn(connection);
                client.batch_execute(&sql).await?;
                drop(client);
                let _ = driver.await;
                Ok(())
            })
        };
        std::thread::spawn(work).join().expect("the thread that talks to the server does not panic")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Err(error) = self.run(&format!("drop schema {} cascade", self.name)) {
            println!("schema {} stays behind: {error}", self.name);
        }
    }
}
