//! The same random commands, given to the store in memory and to the engines, get the same answers.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{
    BlobRange, Body, Change, Choice, ClaimedJob, CommitFailure, Committed, Cursor, ElementChange, ElementPut, Expect,
    FixedClock, InstanceQuery, Order, Record, RecordExpect, RecordKind, RecordWrite, Removal, Sha256, Store,
    StoreFailure,
};
use mottak_store::{MemoryStore, ObjectLocation, Options, PostgresOptions, PostgresStore, SqliteStore};
use mottak_testing::postgres::Schema;

use crate::samples::{self, Dice, LEASE, collect};

/// An engine and where it keeps what it is told.
struct Engine {
    name: &'static str,
    place: Place,
    /// Away only while it is opened again.
    store: Option<Arc<dyn Store>>,
}

enum Place {
    Memory,
    Sqlite(tempfile::TempDir),
    Postgres { schema: Schema, objects: tempfile::TempDir, options: PostgresOptions },
}

impl Engine {
    async fn start(name: &'static str, place: Place, clock: &Arc<FixedClock>) -> Self {
        let store = place.open(clock).await;
        Self { name, place, store: Some(store) }
    }

    fn store(&self) -> &dyn Store {
        self.store.as_deref().expect("a store is open between commands")
    }
}

impl Place {
    async fn open(&self, clock: &Arc<FixedClock>) -> Arc<dyn Store> {
        match self {
            Self::Memory => Arc::new(MemoryStore::new(clock.clone())),
            Self::Sqlite(folder) => {
                let options = Options {
                    inline_limit: 512,
                    scan_budget: 100_000,
                    point_readers: 2,
                    list_readers: 1,
                    ..Options::default()
                };
                SqliteStore::open(folder.path(), clock.clone(), options).unwrap()
            }
            Self::Postgres { schema, objects, options } => {
                let objects = ObjectLocation::Folder(objects.path().to_owned());
                PostgresStore::open(&schema.url(), &objects, clock.clone(), options.clone()).await.unwrap()
            }
        }
    }
}

fn postgres_options() -> PostgresOptions {
    PostgresOptions { inline_limit: 512, scan_budget: 100_000, list_links: 1, ..PostgresOptions::default() }
}

fn postgres(options: PostgresOptions) -> Option<Place> {
    Some(Place::Postgres { schema: Schema::fresh()?, objects: tempfile::tempdir().unwrap(), options })
}

/// All engines that are here, the one in memory first: the others have to agree with it.
async fn engines(clock: &Arc<FixedClock>) -> Vec<Engine> {
    let options = postgres_options();
    let partitioned = PostgresOptions { partitions: Some(32), ..options.clone() };
    let unprepared = PostgresOptions { prepared_statements: false, ..options.clone() };
    let places = [
        ("memory", Some(Place::Memory)),
        ("SQLite", Some(Place::Sqlite(tempfile::tempdir().unwrap()))),
        ("PostgreSQL", postgres(options)),
        ("PostgreSQL in 32 partitions", postgres(partitioned)),
        ("PostgreSQL without prepared statements", postgres(unprepared)),
    ];
    let mut engines = Vec::new();
    for (name, place) in places {
        if let Some(place) = place {
            engines.push(Engine::start(name, place, clock).await);
        }
    }
    engines
}

struct World {
    dice: Dice,
    clock: Arc<FixedClock>,
    now: Time,
    engines: Vec<Engine>,
    /// Every instance ever asked for, with the version it had.
    instances: Vec<(InstanceId, u64)>,
    elements: Vec<(InstanceId, Guid)>,
    /// Each as every engine knows it.
    claims: Vec<Vec<ClaimedJob>>,
    keys: Vec<String>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let clock = Arc::new(FixedClock::at(samples::start()));
        Self {
            dice: Dice::new(seed),
            engines: engines(&clock).await,
            now: samples::start(),
            clock,
            instances: Vec::new(),
            elements: Vec::new(),
            claims: Vec::new(),
            keys: (1..=4).flat_map(|n| [format!("50001/{n}"), format!("ttd/app_{n}/nb")]).collect(),
        }
    }

    /// What every engine answers.
    async fn same<T: PartialEq + Debug>(&self, question: &str, ask: impl AsyncFn(&dyn Store) -> T) -> T {
        let mut answer = None;
        for engine in &self.engines {
            let given = ask(engine.store()).await;
            match &answer {
                None => answer = Some(given),
                Some(expected) => assert_eq!(*expected, given, "{}: {question}", engine.name),
            }
        }
        answer.unwrap()
    }

    async fn step(&mut self) {
        match self.dice.below(20) {
            0..=2 => self.create().await,
            3..=7 => self.change().await,
            8 => self.load().await,
            9 => self.read_body().await,
            10 => self.events().await,
            11 | 12 => self.page_through().await,
            13 => self.work().await,
            14 => self.move_clock(),
            15 => self.remove().await,
            16 | 17 => self.write_record().await,
            18 => self.read_records().await,
            _ if self.dice.one_in(6) => self.reopen().await,
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

    async fn remove(&mut self) {
        if !self.dice.one_in(3) {
            return;
        }
        let Some((id, version)) = self.some_instance() else { return };
        let mut change = Change::expecting(id, if self.dice.one_in(8) { version + 7 } else { version });
        change.removal = Some(self.dice.pick(&[Removal::KeepHistory, Removal::WithHistory]));
        change.jobs.extend(self.dice.maybe(2, samples::job));
        self.commit(change).await;
        self.same("the history of a removed instance", async |store| store.events(id).await.unwrap()).await;
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

    async fn commit(&mut self, change: Change) {
        // Some bodies go the long way round; every store gives them its own keys.
        let is_staged: Vec<_> = change.elements.iter().map(|_| self.dice.one_in(3)).collect();
        let committed = self
            .same("a commit", async |store| {
                let mut change = change.clone();
                for (element, is_staged) in change.elements.iter_mut().zip(&is_staged) {
                    if let ElementChange::Put(put) = element
                        && let Body::Bytes(bytes) = put.body.clone()
                        && *is_staged
                    {
                        put.body = stage(store, &bytes).await;
                    }
                }
                Outcome::of(store.commit(change).await)
            })
            .await;
        if let Outcome::Done(committed) = committed {
            self.instances.retain(|(known, _)| *known != change.id);
            self.instances.push((change.id, committed.version));
            for element in change.elements {
                if let ElementChange::Put(put) = element {
                    self.elements.push((change.id, put.element.id));
                }
            }
            self.compare_instance(change.id).await;
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
        self.same("an instance", async |store| store.load(id).await.unwrap()).await;
    }

    async fn find(&mut self) {
        let guid = self.some_instance().map_or(Guid::nil(), |(id, _)| id.guid);
        self.same("where an instance is", async |store| store.find(guid).await.unwrap()).await;
    }

    async fn read_body(&mut self) {
        if self.elements.is_empty() {
            return;
        }
        let (id, element) = self.dice.pick(&self.elements);
        let part = self.dice.maybe(2, |dice| {
            let from = dice.below(6000) as u64;
            BlobRange { start: from, end: from + dice.below(3000) as u64 }
        });
        let choose = |_, _: Option<&Sha256>| part.clone();
        let choice: Option<Choice<'_>> = part.as_ref().map(|_| &choose as Choice<'_>);
        self.same("a body", async |store| match store.read_body(id, element, choice).await.unwrap() {
            Some(body) => Some((body.element, body.size, body.sha256, collect(body.blob).await)),
            None => None,
        })
        .await;
    }

    async fn events(&mut self) {
        let Some((id, _)) = self.some_instance() else { return };
        self.same("a history", async |store| store.events(id).await.unwrap()).await;
    }

    async fn page_through(&mut self) {
        let guids: Vec<_> = self.instances.iter().map(|(id, _)| id.guid).collect();
        for _ in 0..4 {
            let mut query = samples::query(&mut self.dice, &guids);
            loop {
                let question = format!("{query:?}");
                let page = self.same(&question, async |store| store.search(query.clone()).await.unwrap()).await;
                let Some(next) = page.next else { break };
                query.after = Some(next);
            }
        }
    }

    async fn work(&mut self) {
        let mut claimed: Vec<Vec<ClaimedJob>> = Vec::new();
        for engine in &self.engines {
            claimed.push(engine.store().claim_jobs(3, LEASE).await.unwrap());
        }
        let facts = |jobs: &[ClaimedJob]| -> Vec<_> {
            jobs.iter().map(|job| (job.kind.clone(), job.body.clone(), job.attempts)).collect()
        };
        for (engine, jobs) in self.engines.iter().zip(&claimed) {
            assert_eq!(facts(&claimed[0]), facts(jobs), "{}: the jobs that are due", engine.name);
        }
        let count = claimed[0].len();
        self.claims.extend((0..count).map(|n| claimed.iter().map(|jobs| jobs[n].clone()).collect()));
        for _ in 0..self.dice.below(self.claims.len() + 1) {
            // Stale claims stay in the list, so that they are tried too.
            let claim = self.dice.pick(&self.claims);
            let (what, delay) = (self.dice.below(5), Duration::from_secs(self.dice.below(20) as u64));
            let mut answers = Vec::new();
            for (engine, job) in self.engines.iter().zip(&claim) {
                let store = engine.store();
                answers.push(match what {
                    0 | 1 => store.complete_job(job).await.unwrap(),
                    2 | 3 => store.retry_job(job, delay).await.unwrap(),
                    _ => store.bury_job(job, "no use".to_owned()).await.unwrap(),
                });
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{what} of a claim: {answers:?}");
        }
        self.same("buried jobs", async |store| {
            let buried = store.buried_jobs().await.unwrap();
            buried.into_iter().map(|job| (job.kind, job.body, job.attempts, job.reason)).collect::<Vec<_>>()
        })
        .await;
    }

    async fn write_record(&mut self) {
        let kind = self.dice.pick(&[RecordKind::InstanceLock, RecordKind::Text]);
        let key = self.dice.pick(&self.keys);
        let version = self.dice.below(4) as u64;
        let expect = self.dice.pick(&[RecordExpect::Anything, RecordExpect::Absent, RecordExpect::Version(version)]);
        let document = self.dice.maybe(2, |dice| format!("{{\"n\":{}}}", dice.roll()));
        let write = RecordWrite { kind, key: key.clone(), expect, document };
        self.same("a write of a record", async |store| store.write_record(write.clone()).await.unwrap()).await;
        self.same("a record", async |store| store.record(kind, key.clone()).await.unwrap()).await;
    }

    async fn read_records(&mut self) {
        let kind = self.dice.pick(&[RecordKind::InstanceLock, RecordKind::Text, RecordKind::Application]);
        let key = self.dice.pick(&self.keys);
        let prefix = self.dice.pick(&["", "5", "ttd/", "ttd/app%", &key]).to_owned();
        let ask = async |store: &dyn Store| -> Result<Vec<Record>, StoreFailure> {
            store.records(kind, prefix.clone()).await
        };
        self.same("records", async |store| ask(store).await.unwrap()).await;
    }

    fn move_clock(&mut self) {
        // Mostly forward, sometimes back: the machine's clock is corrected.
        let seconds = self.dice.below(8) as i64 - 2;
        self.now = Time::from_ticks(self.now.ticks() + seconds * 10_000_000 + self.dice.below(20) as i64);
        self.clock.set(self.now);
    }

    /// All but the one that would forget everything.
    async fn reopen(&mut self) {
        let is_closed = self.dice.one_in(2);
        for engine in &mut self.engines[1..] {
            if let Some(store) = engine.store.take()
                && is_closed
            {
                store.close().await;
            }
            engine.store = Some(engine.place.open(&self.clock).await);
        }
    }
}

/// How a commit went, as far as engines have to agree.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done(Committed),
    Conflict,
    Failed,
}

impl Outcome {
    fn of(outcome: Result<Committed, CommitFailure>) -> Self {
        match outcome {
            Ok(committed) => Self::Done(committed),
            Err(CommitFailure::Conflict) => Self::Conflict,
            Err(CommitFailure::Failed(_)) => Self::Failed,
        }
    }
}

async fn stage(store: &dyn Store, bytes: &Bytes) -> Body {
    let mut writer = store.blobs().stage().await.unwrap();
    for piece in bytes.chunks(1000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    Body::Staged(writer.finish().await.unwrap())
}

#[tokio::test]
async fn all_engines_give_the_same_answers() {
    for seed in 1..=6 {
        let mut world = World::new(seed).await;
        for _ in 0..300 {
            world.step().await;
        }
        for (id, _) in world.instances.clone() {
            world.compare_instance(id).await;
        }
        println!(
            "seed {seed}: {} engines, {} instances, {} elements, {} claims",
            world.engines.len(),
            world.instances.len(),
            world.elements.len(),
            world.claims.len()
        );
    }
}

#[tokio::test]
async fn pages_that_ran_out_of_budget_lead_to_every_instance_once() {
    let clock = Arc::new(FixedClock::at(samples::start()));
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryStore::new(clock.clone());
    let options = Options { scan_budget: 3, ..Options::default() };
    let sqlite = SqliteStore::open(folder.path(), clock.clone(), options).unwrap();
    let place = postgres(PostgresOptions { scan_budget: 3, ..postgres_options() });
    let mut engines: Vec<Arc<dyn Store>> = vec![sqlite];
    if let Some(place) = &place {
        engines.push(place.open(&clock).await);
    }
    let mut dice = Dice::new(77);
    for _ in 0..60 {
        let id = InstanceId::new(samples::party(&mut dice), dice.guid());
        let instance = Some(samples::instance(&mut dice, id));
        let change = Change { expect: Expect::Absent, instance, ..Change::expecting(id, 0) };
        memory.commit(change.clone()).await.unwrap();
        for engine in &engines {
            engine.commit(change.clone()).await.unwrap();
        }
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
        assert!(!all.is_empty());
        for engine in &engines {
            let (found, pages) = whole_list(&**engine, query.clone()).await;
            assert_eq!(all, found);
            assert!(pages > all.len().div_ceil(2), "{pages} pages: some ran out of budget");
        }
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
