//! Brings a database to this version: numbered SQL files, each applied once, in order, in a transaction of its own.

use std::fmt::Write;

use mottak_service::ports::StoreFailure;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::rules::failure;

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

/// Once released, a file is never edited: its checksum is in the databases.
const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "base", sql: include_str!("migrations/0001_base.sql") },
    Migration { number: 2, name: "storage", sql: include_str!("migrations/0002_storage.sql") },
];

const ATTEMPT: &str = "migrate the database";

/// Applies what is missing. Refuses a database that a newer version made, or whose history differs from ours.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreFailure> {
    apply(connection, MIGRATIONS)
}

/// Refuses a database that is not just as this version makes it, without changing it.
pub(super) fn require_current(connection: &Connection) -> Result<(), StoreFailure> {
    const ATTEMPT: &str = "read the database";
    let applied = applied(connection)?;
    let known = applied.iter().map(|(number, _, checksum)| (*number, checksum.clone()));
    if known.eq(MIGRATIONS.iter().map(|migration| (migration.number, checksum(migration.sql)))) {
        Ok(())
    } else if applied.len() < MIGRATIONS.len() {
        Err(failure(ATTEMPT, "an older version made it; start the server of this version once, which migrates it"))
    } else {
        Err(failure(ATTEMPT, "another version made it"))
    }
}

fn apply(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreFailure> {
    connection
        .execute_batch(
            "create table if not exists migration (number integer primary key, name text not null, checksum text not null)",
        )
        .map_err(|error| failure(ATTEMPT, error))?;
    let applied = applied(connection)?;
    if let Some((number, name, _)) = applied.get(migrations.len()) {
        let known = migrations.last().map_or(0, |migration| migration.number);
        let cause = format!(
            "it was made by a newer version: it has migration {number} ({name}), this version knows up to {known}"
        );
        return Err(failure(ATTEMPT, cause));
    }
    for (index, migration) in migrations.iter().enumerate() {
        let checksum = checksum(migration.sql);
        match applied.get(index) {
            Some((number, _, known)) if *number == migration.number && *known == checksum => {}
            Some((number, name, _)) => {
                return Err(failure(
                    ATTEMPT,
                    format!("its migration {number} ({name}) is not the one this version has"),
                ));
            }
            None => run(connection, migration, &checksum)
                .map_err(|error| failure(ATTEMPT, format!("migration {}: {error}", migration.number)))?,
        }
    }
    Ok(())
}

fn applied(connection: &Connection) -> Result<Vec<(i64, String, String)>, StoreFailure> {
    let read = || -> rusqlite::Result<Vec<_>> {
        let mut statement = connection.prepare("select number, name, checksum from migration order by number")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    read().map_err(|error| failure(ATTEMPT, error))
}

fn run(connection: &mut Connection, migration: &Migration, checksum: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "insert into migration (number, name, checksum) values (?, ?, ?)",
        params![migration.number, migration.name, checksum],
    )?;
    transaction.commit()
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { number: 1, name: "first", sql: "create table one (id integer)" };
    const SECOND: Migration = Migration { number: 2, name: "second", sql: "create table two (id integer)" };

    #[test]
    fn applies_each_migration_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST]).unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        connection.execute_batch("select * from one, two").unwrap();
    }

    #[test]
    fn refuses_a_database_of_a_newer_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        let refused = apply(&mut connection, &[FIRST]).unwrap_err();
        assert!(refused.to_string().contains("newer version"), "{refused}");
    }

    #[test]
    fn refuses_a_history_that_was_edited() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST]).unwrap();
        let edited = Migration { sql: "create table other (id integer)", ..FIRST };
        assert!(apply(&mut connection, &[edited]).is_err());
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration { number: 1, name: "broken", sql: "create table one (id integer); nonsense" };
        assert!(apply(&mut connection, &[broken]).is_err());
        apply(&mut connection, &[FIRST]).unwrap();
    }
}
