//! The same random commands, given to the store in memory and to SQLite, get the same answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{
    Body, Change, ClaimedJob, CommitFailure, Cursor, ElementChange, ElementPut, Expect, FixedClock, InstanceQuery,
    Order, Store,
};
use mottak_store::{MemoryStore, Options, SqliteStore};

use crate::samples::{self, Dice, LEASE, collect};

fn options() -> Options {
    Options { inline_limit: 512, scan_budget: 100_000, point_readers: 2, list_readers: 1, ..Options::default() }
}

struct Pair {
    dice: Dice,
    clock: Arc<FixedClock>,
    now: Time,
    folder: tempfile::TempDir,
    memory: MemoryStore,
    sqlite: Option<Arc<SqliteStore>>,
    /// Every instance ever asked for, with the version it had.
    instances: Vec<(InstanceId, u64)>,
    elements: Vec<(InstanceId, Guid)>,
    claims: Vec<(ClaimedJob, ClaimedJob)>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(FixedClock::at(samples::start()));
        let folder = tempfile::tempdir().unwrap();
        Self {
            dice: Dice::new(seed),
            memory: MemoryStore::new(clock.clone()),
            sqlite: Some(open(folder.path(), &clock)),
            now: samples::start(),
            clock,
            folder,
            instances: Vec::new(),
            elements: Vec::new(),
            claims: Vec::new(),
        }
    }

    fn sqlite(&self) -> Arc<SqliteStore> {
        Arc::clone(self.sqlite.as_ref().unwrap())
    }

    async fn step(&mut self) {
        match self.dice.below(16) {
            0..=2 => self.create().await,
            3..=7 => self.change().await,
            8 => self.load().await,
            9 => self.read_body().await,
            10 => self.events().await,
            11 | 12 => self.page_through().await,
            13 => self.work().await,
            14 => self.move_clock(),
            _ if self.dice.one_in(4) => self.reopen().await,
            _ => self.find().await,
        }
    }

    async fn create(&mut self) {
        let is_known = self.dice.one_in(8) && !self.instances.is_empty();
        let id = if is_known {
            self.dice.pick(&self.instances).0
        } else {
            InstanceId::new(samples::party(&mut self.dice), self.dice.guid())
        };
        let instance = samples::instance(&mut self.dice, id);
        let mut change = Change { expect: Expect::Absent, instance: Some(instance), ..Change::expecting(id, 0) };
        self.fill(&mut change, 2).await;
        self.commit(change).await;
    }

    async fn change(&mut self) {
        let Some((id, version)) = self.some_instance() else { return };
        let version = if self.dice.one_in(8) { version + 7 } else { version };
        let mut change = Change::expecting(id, version);
        change.touch = self.dice.one_in(2);
        change.instance = self.dice.maybe(2, |dice| samples::instance(dice, id));
        self.fill(&mut change, 4).await;
        self.commit(change).await;
    }

    async fn fill(&mut self, change: &mut Change, most: usize) {
        for _ in 0..self.dice.below(most) {
            let own: Vec<_> = self.elements.iter().filter(|(id, _)| *id == change.id).map(|(_, guid)| *guid).collect();
            let is_new = own.is_empty() || self.dice.one_in(2);
            let mut id = if is_new { self.dice.guid() } else { self.dice.pick(&own) };
            if self.dice.one_in(5) {
                change.elements.push(ElementChange::Drop(id));
                continue;
            }
            if self.dice.one_in(30) && !self.elements.is_empty() {
                // Perhaps the id of an element of another instance: ids count within the instance only.
                id = self.dice.pick(&self.elements).1;
            }
            let element = samples::element(&mut self.dice, id, change.id.guid);
            let body = match self.dice.below(3) {
                0 => Body::Keep,
                _ => Body::Bytes(samples::body(&mut self.dice)),
            };
            let touch = self.dice.one_in(2);
            change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch, body })));
        }
        for _ in 0..self.dice.below(3) {
            change.events.push(samples::event(&mut self.dice, change.id));
        }
        change.jobs.extend(self.dice.maybe(6, samples::job));
    }

    async fn commit(&mut self, mut change: Change) {
        let mut other = change.clone();
        // Some bodies go the long way round; the two stores give them different keys.
        for (here, there) in change.elements.iter_mut().zip(&mut other.elements) {
            if let (ElementChange::Put(here), ElementChange::Put(there)) = (here, there)
                && let Body::Bytes(bytes) = here.body.clone()
                && self.dice.one_in(3)
            {
                here.body = stage(&self.memory, &bytes).await;
                there.body = stage(&*self.sqlite(), &bytes).await;
            }
        }
        let (id, elements) = (change.id, change.elements.clone());
        let left = self.memory.commit(change).await;
        let right = self.sqlite().commit(other).await;
        match (left, right) {
            (Ok(left), Ok(right)) => {
                assert_eq!(left, right);
                self.instances.retain(|(known, _)| *known != id);
                self.instances.push((id, left.version));
                for element in elements {
                    if let ElementChange::Put(put) = element {
                        self.elements.push((id, put.element.id));
                    }
                }
                self.compare_instance(id).await;
            }
            (Err(CommitFailure::Conflict), Err(CommitFailure::Conflict))
            | (Err(CommitFailure::Failed(_)), Err(CommitFailure::Failed(_))) => {}
            (left, right) => panic!("memory: {left:?}, SQLite: {right:?}"),
        }
    }

    fn some_instance(&mut self) -> Option<(InstanceId, u64)> {
        (!self.instances.is_empty()).then(|| self.dice.pick(&self.instances))
    }

    async fn load(&mut self) {
        let unknown = InstanceId::new(PartyId::new(50_001), self.dice.guid());
        let id = self.some_instance().map_or(unknown, |(id, _)| id);
        self.compare_instance(id).await;
        self.compare_instance(unknown).await;
    }

    async fn compare_instance(&self, id: InstanceId) {
        assert_eq!(self.memory.load(id).await.unwrap(), self.sqlite().load(id).await.unwrap());
    }

    async fn find(&mut self) {
        let guid = self.some_instance().map_or(Guid::nil(), |(id, _)| id.guid);
        assert_eq!(self.memory.find(guid).await.unwrap(), self.sqlite().find(guid).await.unwrap());
    }

    async fn read_body(&mut self) {
        if self.elements.is_empty() {
            return;
        }
        let (id, element) = self.dice.pick(&self.elements);
        let left = self.memory.read_body(id, element, None).await.unwrap();
        let right = self.sqlite().read_body(id, element, None).await.unwrap();
        match (left, right) {
            (Some(left), Some(right)) => assert_eq!(collect(left.blob).await, collect(right.blob).await),
            (left, right) => assert_eq!(left.is_some(), right.is_some(), "{element}"),
        }
    }

    async fn events(&mut self) {
        let Some((id, _)) = self.some_instance() else { return };
        assert_eq!(self.memory.events(id).await.unwrap(), self.sqlite().events(id).await.unwrap());
    }

    async fn page_through(&mut self) {
        let guids: Vec<_> = self.instances.iter().map(|(id, _)| id.guid).collect();
        for _ in 0..4 {
            let mut query = samples::query(&mut self.dice, &guids);
            loop {
                let left = self.memory.search(query.clone()).await.unwrap();
                let right = self.sqlite().search(query.clone()).await.unwrap();
                assert_eq!(left, right, "{query:?}");
                let Some(next) = left.next else { break };
                query.after = Some(next);
            }
        }
    }

    async fn work(&mut self) {
        let left = self.memory.claim_jobs(3, LEASE).await.unwrap();
        let right = self.sqlite().claim_jobs(3, LEASE).await.unwrap();
        let facts = |jobs: &[ClaimedJob]| -> Vec<_> {
            jobs.iter().map(|job| (job.kind.clone(), job.body.clone(), job.attempts)).collect()
        };
        assert_eq!(facts(&left), facts(&right));
        self.claims.extend(left.into_iter().zip(right));
        for _ in 0..self.dice.below(self.claims.len() + 1) {
            // Stale claims stay in the list, so that they are tried too.
            let (left, right) = self.dice.pick(&self.claims);
            if self.dice.one_in(2) {
                assert_eq!(
                    self.memory.complete_job(&left).await.unwrap(),
                    self.sqlite().complete_job(&right).await.unwrap()
                );
            } else {
                let delay = Duration::from_secs(self.dice.below(20) as u64);
                let kept = self.memory.retry_job(&left, delay).await.unwrap();
                assert_eq!(kept, self.sqlite().retry_job(&right, delay).await.unwrap());
            }
        }
    }

    fn move_clock(&mut self) {
        // Mostly forward, sometimes back: the machine's clock is corrected.
        let seconds = self.dice.below(8) as i64 - 2;
        self.now = Time::from_ticks(self.now.ticks() + seconds * 10_000_000 + self.dice.below(20) as i64);
        self.clock.set(self.now);
    }

    async fn reopen(&mut self) {
        let store = self.sqlite.take().unwrap();
        if self.dice.one_in(2) {
            store.close().await;
        }
        drop(store);
        self.sqlite = Some(open(self.folder.path(), &self.clock));
    }
}

fn open(folder: &Path, clock: &Arc<FixedClock>) -> Arc<SqliteStore> {
    SqliteStore::open(folder, clock.clone(), options()).unwrap()
}

async fn stage(store: &dyn Store, bytes: &Bytes) -> Body {
    let mut writer = store.blobs().stage().await.unwrap();
    for piece in bytes.chunks(1000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    Body::Staged(writer.finish().await.unwrap())
}

#[tokio::test]
async fn both_engines_give_the_same_answers() {
    for seed in 1..=8 {
        let mut pair = Pair::new(seed);
        for _ in 0..300 {
            pair.step().await;
        }
        for (id, _) in pair.instances.clone() {
            pair.compare_instance(id).await;
        }
        println!(
            "seed {seed}: {} instances, {} elements, {} claims",
            pair.instances.len(),
            pair.elements.len(),
            pair.claims.len()
        );
    }
}

#[tokio::test]
async fn pages_that_ran_out_of_budget_lead_to_every_instance_once() {
    let clock = Arc::new(FixedClock::at(samples::start()));
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryStore::new(clock.clone());
    let sqlite = SqliteStore::open(folder.path(), clock, Options { scan_budget: 3, ..options() }).unwrap();
    let mut dice = Dice::new(77);
    for _ in 0..60 {
        let id = InstanceId::new(samples::party(&mut dice), dice.guid());
        let instance = Some(samples::instance(&mut dice, id));
        let change = Change { expect: Expect::Absent, instance, ..Change::expecting(id, 0) };
        memory.commit(change.clone()).await.unwrap();
        sqlite.commit(change).await.unwrap();
    }
    for order in [Order::Ascending, Order::Descending] {
        let query = InstanceQuery {
            search_text: Some("nord".to_owned()),
            is_hard_deleted: Some(false),
            order,
            size: 2,
            ..InstanceQuery::default()
        };
        let (all, _) = whole_list(&memory, query.clone()).await;
        let (found, pages) = whole_list(&*sqlite, query).await;
        assert!(!all.is_empty());
        assert_eq!(all, found);
        assert!(pages > all.len().div_ceil(2), "{pages} pages: some ran out of budget");
    }
}

async fn whole_list(store: &dyn Store, mut query: InstanceQuery) -> (Vec<InstanceId>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let page = store.search(query.clone()).await.unwrap();
        pages += 1;
        let last: Option<Cursor> = page.next;
        ids.extend(page.instances.iter().map(|instance| instance.id));
        if last.is_none() {
            return (ids, pages);
        }
        query.after = last;
    }
}
