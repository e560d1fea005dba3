//! What is PostgreSQL's own: broken connections, several nodes, partitions, plans.

mod faults;
mod nodes;
mod proxy;

use std::sync::Arc;

use mottak_model::InstanceId;
use mottak_service::ports::{Change, Expect, SystemClock};
use mottak_store::{ObjectLocation, PostgresOptions, PostgresStore};
use mottak_testing::postgres::Schema;

use crate::samples::{self, Dice};

/// A store in the schema, with its objects in the folder.
async fn open(url: &str, objects: &tempfile::TempDir, options: PostgresOptions) -> Arc<PostgresStore> {
    let objects = ObjectLocation::Folder(objects.path().to_owned());
    PostgresStore::open(url, &objects, Arc::new(SystemClock), options).await.unwrap()
}

/// A schema, its folder and a store in it; `None` where there is no server.
async fn fresh(options: PostgresOptions) -> Option<(Schema, tempfile::TempDir, Arc<PostgresStore>)> {
    let schema = Schema::fresh()?;
    let objects = tempfile::tempdir().unwrap();
    let store = open(&schema.url(), &objects, options).await;
    Some((schema, objects, store))
}

fn creation(dice: &mut Dice) -> Change {
    let id = InstanceId::new(samples::party(dice), dice.guid());
    let instance = Some(samples::instance(dice, id));
    Change { expect: Expect::Absent, instance, touch: true, ..Change::expecting(id, 0) }
}
