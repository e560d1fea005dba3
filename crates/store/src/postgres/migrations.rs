//! Brings a database to this version: numbered SQL files, each applied once, in order, in a transaction of its own, by
//! one node at a time.

use std::time::Duration;

use mottak_service::ports::{Ids as _, RandomIds, StoreFailure};
use sha2::{Digest as _, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::link::{Call, Session, failed};
use crate::rules::failure;

struct Migration {
    number: i32,
    name: &'static str,
    sql: &'static str,
}

/// Once released, a file is never edited: its checksum is in the databases.
const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "base", sql: include_str!("migrations/0001_base.sql") }];

/// The tables that a partitioned database divides by party.
const PER_PARTY: [&str; 5] = ["instance", "element", "blob", "event", "removed"];

/// Documents of a few kilobytes stay in their row.
const STORAGE: &str = "with (toast_tuple_target = 8160)";

const ATTEMPT: &str = "migrate the database";
const LEASE: &str = "migration";
/// Asked for again this often while another node migrates.
const PAUSE: Duration = Duration::from_millis(200);

/// Applies what is missing. Waits for a node that does so already. Refuses a database that a newer version made, or
/// whose history differs from ours. `partitions`: into how many parts a new database's tables are divided by party.
pub(super) async fn migrate(session: &Session, partitions: Option<u32>) -> Result<(), StoreFailure> {
    apply(session, MIGRATIONS, partitions).await
}

/// Refuses a database that is not just as this version makes it, without changing it.
pub(super) async fn require_current(session: &Session) -> Result<(), StoreFailure> {
    if missing(session, MIGRATIONS).await?.is_empty() {
        return Ok(());
    }
    Err(failure(
        "read the database",
        "an older version made it; start the server of this version once, which migrates it",
    ))
}

async fn apply(session: &Session, migrations: &[Migration], partitions: Option<u32>) -> Result<(), StoreFailure> {
    let fail = |error: Error| failed(ATTEMPT, &error);
    begin_history(session).await.map_err(fail)?;
    if missing(session, migrations).await?.is_empty() {
        return Ok(());
    }
    let holder = RandomIds.guid();
    let epoch = loop {
        if let Some(epoch) = take_lease(session, holder).await.map_err(fail)? {
            break epoch;
        }
        tokio::time::sleep(PAUSE).await;
        if missing(session, migrations).await?.is_empty() {
            return Ok(());
        }
    };
    for migration in missing(session, migrations).await? {
        let done = run(session, migration, partitions, holder, epoch).await;
        if let Err(error) = done {
            // The answer to this is of no interest: the transaction may be over already.
            let _ = session.run("rollback").await;
            return Err(error);
        }
    }
    let give_back = Call::new("update lease set until = now() where name = $1 and holder = $2 and epoch = $3")
        .with(LEASE, Type::TEXT)
        .with(holder, Type::UUID)
        .with(epoch, Type::INT8);
    session.query(&give_back).await.map_err(fail).map(drop)
}

/// The tables that migrations need themselves.
async fn begin_history(session: &Session) -> Result<(), Error> {
    let create = "create table if not exists migration (number int4 primary key, name text not null, checksum bytea not null);
         create table if not exists lease (name text primary key, holder uuid not null, epoch int8 not null, until timestamptz not null)";
    match session.run(create).await {
        // Two nodes began at once: the other one has made them.
        Err(error)
            if [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT]
                .iter()
                .any(|state| error.code() == Some(state)) =>
        {
            session.run(create).await
        }
        done => done,
    }
}

/// What this version has and the database has not.
async fn missing<'m>(session: &Session, migrations: &'m [Migration]) -> Result<Vec<&'m Migration>, StoreFailure> {
    let call = Call::new("select number, name, checksum from migration order by number");
    let applied = session.query(&call).await.map_err(|error| failed(ATTEMPT, &error))?;
    let applied: Vec<(i32, String, Vec<u8>)> =
        applied.iter().map(|row: &Row| (row.get(0), row.get(1), row.get(2))).collect();
    if let Some((number, name, _)) = applied.get(migrations.len()) {
        let known = migrations.last().map_or(0, |migration| migration.number);
        let cause = format!(
            "it was made by a newer version: it has migration {number} ({name}), this version knows up to {known}"
        );
        return Err(failure(ATTEMPT, cause));
    }
    for (migration, (number, name, known)) in migrations.iter().zip(&applied) {
        if *number != migration.number || known[..] != checksum(migration)[..] {
            let cause = format!("its migration {number} ({name}) is not the one this version has");
            return Err(failure(ATTEMPT, cause));
        }
    }
    Ok(migrations.iter().skip(applied.len()).collect())
}

/// Which time the lease was given, if it is ours now. The database's clock decides when it has run out.
async fn take_lease(session: &Session, holder: Uuid) -> Result<Option<i64>, Error> {
    let call = Call::new(
        "insert into lease (name, holder, epoch, until) values ($1, $2, 1, now() + interval '10 minutes') \
         on conflict (name) do update set holder = excluded.holder, epoch = lease.epoch + 1, until = excluded.until \
         where lease.until <= now() returning epoch",
    )
    .with(LEASE, Type::TEXT)
    .with(holder, Type::UUID);
    Ok(session.query(&call).await?.first().map(|row| row.get(0)))
}

async fn run(
    session: &Session,
    migration: &Migration,
    partitions: Option<u32>,
    holder: Uuid,
    epoch: i64,
) -> Result<(), StoreFailure> {
    let attempt = format!("{ATTEMPT} (migration {})", migration.number);
    let fail = |error: Error| failed(&attempt, &error);
    session.run("begin").await.map_err(fail)?;
    // Who has lost the lease changes nothing. Who has just taken it waits at the number, which is the key.
    let fence = Call::new(
        "insert into migration (number, name, checksum) select $1, $2, $3 from lease \
         where name = $4 and holder = $5 and epoch = $6 and until > now() returning number",
    )
    .with(migration.number, Type::INT4)
    .with(migration.name, Type::TEXT)
    .with(checksum(migration), Type::BYTEA)
    .with(LEASE, Type::TEXT)
    .with(holder, Type::UUID)
    .with(epoch, Type::INT8);
    if session.query(&fence).await.map_err(fail)?.is_empty() {
        return Err(failure(&attempt, "another node has taken over"));
    }
    session.run(&text(migration, partitions)).await.map_err(fail)?;
    session.run("commit").await.map_err(fail)
}

/// The SQL for a database of this shape.
fn text(migration: &Migration, partitions: Option<u32>) -> String {
    let per_party = if partitions.is_some() { "partition by hash (party)" } else { STORAGE };
    let mut sql = migration.sql.replace("{per party}", per_party).replace("{rewritten}", "with (fillfactor = 10)");
    if let Some(count) = partitions.filter(|_| migration.number == 1) {
        for table in PER_PARTY {
            for number in 0..count {
                sql.push_str(&format!(
                    "create table {table}_{number} partition of {table} \
                     for values with (modulus {count}, remainder {number}) {STORAGE};\n"
                ));
            }
        }
    }
    sql
}

fn checksum(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql).to_vec()
}
