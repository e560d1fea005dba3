//! Small documents beside the instances, written with compare-and-set.

use mottak_service::ports::{Record, RecordExpect, RecordKind, RecordWrite, StoreFailure};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::ledger::{Ledger, attempted};

const COLUMNS: &str = "key, document, version";

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { key: row.get(0)?, document: row.get(1)?, version: row.get::<_, i64>(2)? as u64 })
}

pub(super) fn read(connection: &Connection, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreFailure> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from record where kind = ? and key = ?"))
        .and_then(|mut statement| statement.query_row(params![kind.name(), key], record).optional())
        .map_err(attempted("read a record"))
}

/// Those whose keys begin with the prefix, by key.
pub(super) fn list(connection: &Connection, kind: RecordKind, prefix: &str) -> Result<Vec<Record>, StoreFailure> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from record where kind = ?1 and key >= ?2 and substr(key, 1, length(?2)) = ?2 order by key"
        ))
        .and_then(|mut statement| statement.query_map(params![kind.name(), prefix], record)?.collect())
        .map_err(attempted("list records"))
}

impl Ledger {
    /// Writes the record if it is as expected; answers whether it was.
    pub(super) fn write_record(&self, write: &RecordWrite) -> Result<bool, StoreFailure> {
        self.replace_record(write).map_err(attempted("write a record"))
    }

    fn replace_record(&self, write: &RecordWrite) -> rusqlite::Result<bool> {
        let place = params![write.kind.name(), write.key];
        let known: Option<i64> = self
            .connection
            .prepare_cached("select version from record where kind = ? and key = ?")?
            .query_row(place, |row| row.get(0))
            .optional()?;
        let is_as_expected = match write.expect {
            RecordExpect::Anything => true,
            RecordExpect::Absent => known.is_none(),
            RecordExpect::Version(version) => known == Some(version as i64),
        };
        if !is_as_expected {
            return Ok(false);
        }
        match &write.document {
            Some(document) => self
                .connection
                .prepare_cached("insert or replace into record (kind, key, version, document) values (?, ?, ?, ?)")?
                .execute(params![write.kind.name(), write.key, known.unwrap_or(0) + 1, document])?,
            None => self.connection.prepare_cached("delete from record where kind = ? and key = ?")?.execute(place)?,
        };
        Ok(true)
    }
}
