//! Fills a store with made-up instances, to see how it behaves when it is large.

use std::path::Path;

use mottak_model::{AppId, Time};
use std::sync::Arc;

use mottak_service::ports::{Change, Clock, CommitFailure, FixedClock, Store, StoreFailure, SystemClock};
use tokio::task::JoinSet;

use crate::rules::failure;
use crate::specimen::Specimens;
use crate::sqlite::BulkLoader;

/// Bytes of the one form of each instance.
const FORM: usize = 2000;
const YEAR: i64 = 365 * 24 * 60 * 60 * 10_000_000;
/// Instances per party, on average.
const PER_PARTY: u64 = 8;
/// Instances between two calls of `progress`.
const STEP: u64 = 10_000;

/// Adds `count` instances to the store in `folder`, which no process may have open: of `app`, but every tenth of an app
/// `{app}-b` and every twentieth of `{app}-c`, so that the lists of their owner hold several. They were last changed during
/// the year before now, one after the other; half are at a task, half archived, most of these confirmed by the
/// application owner. `progress` is told now and then how many have been made.
pub fn fill(folder: &Path, app: AppId, count: u64, mut progress: impl FnMut(u64)) -> Result<(), StoreFailure> {
    let mut loader = BulkLoader::open(folder)?;
    for (made, (time, change)) in changes(app, count).enumerate() {
        if (made as u64).is_multiple_of(STEP) {
            progress(made as u64);
        }
        if loader.add(change, time).is_err() {
            // The loader has ended; why, is told below.
            break;
        }
    }
    loader.finish()?;
    progress(count);
    Ok(())
}

/// The same through a store's own commits, which takes longer. `clock` has to be the store's.
pub async fn fill_store(
    store: Arc<dyn Store>,
    clock: &FixedClock,
    app: AppId,
    count: u64,
    mut progress: impl FnMut(u64),
) -> Result<(), StoreFailure> {
    let mut commits: JoinSet<Result<(), StoreFailure>> = JoinSet::new();
    for (made, (time, change)) in changes(app, count).enumerate() {
        if (made as u64).is_multiple_of(STEP) {
            progress(made as u64);
        }
        if commits.len() == IN_FLIGHT {
            commits.join_next().await.transpose().map_err(|error| failure("fill a store", error))?.transpose()?;
        }
        clock.set(time);
        let store = Arc::clone(&store);
        commits.spawn(async move {
            match store.commit(change).await {
                Ok(_) => Ok(()),
                Err(CommitFailure::Conflict) => Err(failure("fill a store", "an instance is there already")),
                Err(CommitFailure::Failed(failure)) => Err(failure),
            }
        });
    }
    while let Some(done) = commits.join_next().await {
        done.map_err(|error| failure("fill a store", error))??;
    }
    progress(count);
    Ok(())
}

/// Commits that wait at the same time.
const IN_FLIGHT: usize = 512;

/// New instances and when they were last changed.
fn changes(app: AppId, count: u64) -> impl Iterator<Item = (Time, Change)> {
    let now = SystemClock.now();
    let [mut most, mut some, mut few] = [("", 0), ("-b", 1), ("-c", 2)].map(|(suffix, number)| {
        let app = AppId::new(app.org(), &format!("{}{suffix}", app.app()));
        Specimens::new(app, count / PER_PARTY, now.ticks() as u64 + number)
    });
    let form = most.form_body(FORM);
    (0..count).map(move |made| {
        let age = i64::try_from(i128::from(YEAR) * i128::from(count - made) / i128::from(count)).unwrap_or(YEAR);
        let time = Time::from_ticks(now.ticks() - age).floor_to_microsecond();
        let specimens = match made % 20 {
            5 | 15 => &mut some,
            10 => &mut few,
            _ => &mut most,
        };
        (time, specimens.creation(time, form.clone()))
    })
}

#[cfg(test)]
mod tests {
    use mottak_service::ports::InstanceQuery;

    use super::*;
    use crate::{MemoryStore, Options, SqliteStore};

    #[tokio::test]
    async fn any_store_is_filled_in_the_order_of_time() {
        let clock = Arc::new(FixedClock::at(Time::from_ticks(0)));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        fill_store(store.clone(), &clock, AppId::new("ttd", "tilskudd"), 700, |_| {}).await.unwrap();
        let query = InstanceQuery { org: Some("ttd".to_owned()), size: 1000, ..InstanceQuery::default() };
        assert_eq!(store.search(query).await.unwrap().instances.len(), 700);
    }

    #[tokio::test]
    async fn a_filled_store_lists_and_loads_what_it_was_filled_with() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppId::new("ttd", "tilskudd");
        let mut told = Vec::new();
        fill(folder.path(), app.clone(), 300, |made| told.push(made)).unwrap();
        fill(folder.path(), app.clone(), 50, |_| {}).unwrap();
        assert_eq!(told, [0, 300]);

        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock), Options::default()).unwrap();
        let of_app = InstanceQuery { app: Some(app), size: 1000, ..InstanceQuery::default() };
        let of_org = InstanceQuery { app: None, org: Some("ttd".to_owned()), ..of_app.clone() };
        assert_eq!(store.search(of_app).await.unwrap().instances.len(), 298);
        let page = store.search(of_org).await.unwrap();
        assert_eq!(page.instances.len(), 350);
        let instance = &page.instances[0];
        assert_eq!(store.load(instance.id).await.unwrap().unwrap().instance, *instance);
        assert_eq!(store.events(instance.id).await.unwrap().len(), 3);
        assert!(store.read_body(instance.id, instance.data[0].id, None).await.unwrap().is_some());
    }
}
