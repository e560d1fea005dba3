//! Small documents beside the instances. Every write is one statement that says itself what it expects.

use mottak_service::ports::{Record, RecordExpect, RecordKind, RecordWrite, StoreFailure};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::link::{Call, Link, plain};
use super::read::get;

const READ: &str = "select key, document, version from record where kind = $1 and key = $2";
const LIST: &str = "select key, document, version from record \
     where kind = $1 and key >= $2 and left(key, length($2)) = $2 order by kind, key";
const PUT: &str = "insert into record (kind, key, document, version) values ($1, $2, $3, 1) \
     on conflict (kind, key) do update set document = excluded.document, version = record.version + 1";
const CREATE: &str = "insert into record (kind, key, document, version) values ($1, $2, $3, 1) on conflict do nothing";
const REPLACE: &str =
    "update record set document = $3, version = version + 1 where kind = $1 and key = $2 and version = $4";
const REMOVE: &str = "delete from record where kind = $1 and key = $2";
const REMOVE_VERSION: &str = "delete from record where kind = $1 and key = $2 and version = $3";

pub(super) async fn read(link: &Link, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreFailure> {
    const ATTEMPT: &str = "read a record";
    let rows = link.query(ATTEMPT, &keyed(READ, kind, key)).await?;
    rows.first().map(|row| record(row, ATTEMPT)).transpose()
}

/// Those whose keys begin with the prefix, by key.
pub(super) async fn list(link: &Link, kind: RecordKind, prefix: &str) -> Result<Vec<Record>, StoreFailure> {
    const ATTEMPT: &str = "list records";
    let rows = link.query(ATTEMPT, &keyed(LIST, kind, prefix)).await?;
    rows.iter().map(|row| record(row, ATTEMPT)).collect()
}

/// Writes or removes the record if it is as expected; answers whether it was.
pub(super) async fn write(link: &Link, write: RecordWrite) -> Result<bool, StoreFailure> {
    const ATTEMPT: &str = "write a record";
    let RecordWrite { kind, key, expect, document } = write;
    let keyed = |sql| keyed(sql, kind, &key);
    let call = match (document, expect) {
        (Some(document), RecordExpect::Anything) => keyed(PUT).with(document, Type::TEXT),
        (Some(document), RecordExpect::Absent) => keyed(CREATE).with(document, Type::TEXT),
        (Some(document), RecordExpect::Version(version)) => {
            keyed(REPLACE).with(document, Type::TEXT).with(version as i64, Type::INT8)
        }
        (None, RecordExpect::Anything) => return link.execute(ATTEMPT, &keyed(REMOVE)).await.map(|_| true),
        (None, RecordExpect::Absent) => return Ok(link.query(ATTEMPT, &keyed(READ)).await?.is_empty()),
        (None, RecordExpect::Version(version)) => keyed(REMOVE_VERSION).with(version as i64, Type::INT8),
    };
    link.execute(ATTEMPT, &call).await.map(|rows| rows > 0)
}

fn keyed<'k>(sql: &'static str, kind: RecordKind, key: &'k str) -> Call<'k> {
    Call::new(sql).with(kind.name(), Type::TEXT).with(plain(key), Type::TEXT)
}

fn record(row: &Row, attempt: &str) -> Result<Record, StoreFailure> {
    Ok(Record {
        key: get(row, 0, attempt)?,
        document: get(row, 1, attempt)?,
        version: get::<i64>(row, 2, attempt)? as u64,
    })
}
