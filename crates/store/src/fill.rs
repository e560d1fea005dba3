//! Fills a store with made-up instances, to see how it behaves when it is large.

use std::path::Path;

use mottak_model::{AppId, Time};
use mottak_service::ports::{Clock, StoreFailure, SystemClock};

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
    let now = SystemClock.now();
    let mut loader = BulkLoader::open(folder)?;
    let [mut most, mut some, mut few] = [("", 0), ("-b", 1), ("-c", 2)].map(|(suffix, number)| {
        let app = AppId::new(app.org(), &format!("{}{suffix}", app.app()));
        Specimens::new(app, count / PER_PARTY, now.ticks() as u64 + number)
    });
    let form = most.form_body(FORM);
    for made in 0..count {
        if made % STEP == 0 {
            progress(made);
        }
        let age = i64::try_from(i128::from(YEAR) * i128::from(count - made) / i128::from(count)).unwrap_or(YEAR);
        let time = Time::from_ticks(now.ticks() - age).floor_to_microsecond();
        let specimens = match made % 20 {
            5 | 15 => &mut some,
            10 => &mut few,
            _ => &mut most,
        };
        if loader.add(specimens.creation(time, form.clone()), time).is_err() {
            // The loader has ended; why, is told below.
            break;
        }
    }
    loader.finish()?;
    progress(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mottak_service::ports::{InstanceQuery, Store};

    use super::*;
    use crate::{Options, SqliteStore};

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
