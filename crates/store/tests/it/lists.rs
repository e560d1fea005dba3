//! Lists whose pages may look at a few entries only: short pages, and yet every instance once, in order.

use std::sync::Arc;

use mottak_model::InstanceId;
use mottak_service::ports::{Change, Expect, FixedClock, InstanceQuery, Store};
use mottak_store::{MemoryStore, Options, SqliteStore};

use crate::samples::{self, Dice};

async fn whole_list(store: &dyn Store, mut query: InstanceQuery) -> (Vec<InstanceId>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let page = store.search(query.clone()).await.unwrap();
        pages += 1;
        ids.extend(page.instances.iter().map(|instance| instance.id));
        if page.next.is_none() {
            return (ids, pages);
        }
        query.after = page.next;
    }
}

#[tokio::test]
async fn a_page_that_may_look_at_few_entries_leads_on() {
    let clock = Arc::new(FixedClock::at(samples::start()));
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryStore::new(clock.clone());
    let sqlite = SqliteStore::open(folder.path(), clock, Options { key_budget: 5, ..Options::default() }).unwrap();
    let mut dice = Dice::new(78);
    let mut guids = Vec::new();
    for _ in 0..80 {
        let id = InstanceId::new(samples::party(&mut dice), dice.guid());
        guids.push(id.guid);
        let instance = Some(samples::instance(&mut dice, id));
        let change = Change { expect: Expect::Absent, instance, ..Change::expecting(id, 0) };
        memory.commit(change.clone()).await.unwrap();
        sqlite.commit(change).await.unwrap();
    }
    let (mut found, mut short) = (0, 0);
    for _ in 0..300 {
        let query = samples::query(&mut dice, &guids);
        let (all, full_pages) = whole_list(&memory, query.clone()).await;
        let (same, pages) = whole_list(&*sqlite, query.clone()).await;
        assert_eq!(all, same, "{query:?}");
        found += all.len();
        short += usize::from(pages > full_pages);
    }
    println!("{found} instances found, {short} lists with short pages");
    assert!(found > 300 && short > 50);
}
