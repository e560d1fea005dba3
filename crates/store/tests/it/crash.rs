//! Killed at any moment, the store has every acknowledged change in full and no other change in part.
//!
//! This executable starts itself as the process that is killed.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{DataElement, Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{
    Body, Change, ElementChange, ElementPut, Expect, InstanceQuery, Job, Order, Store, SystemClock,
};
use mottak_store::{ObjectLocation, Options, PostgresOptions, PostgresStore, SqliteStore};
use mottak_testing::postgres::Schema;

use crate::samples::{self, Dice, collect};

const FOLDER: &str = "MOTTAK_STORE_CRASH_FOLDER";
const URL: &str = "MOTTAK_STORE_CRASH_URL";
const SEED: &str = "MOTTAK_STORE_CRASH_SEED";
const WRITERS: u64 = 12;
const ROUNDS: u64 = 6;

/// In PostgreSQL when there is a URL, with objects in the folder.
async fn open(folder: &Path, url: Option<&str>) -> Arc<dyn Store> {
    match url {
        None => SqliteStore::open(folder, Arc::new(SystemClock), Options::default()).unwrap(),
        Some(url) => {
            let objects = ObjectLocation::Folder(folder.join("objects"));
            PostgresStore::open(url, &objects, Arc::new(SystemClock), PostgresOptions::default()).await.unwrap()
        }
    }
}

/// The content of the instance's only element in this version: told by the guid and the version alone.
fn content(guid: Guid, version: u64) -> Bytes {
    let mut dice = Dice::new(guid.as_u64_pair().1 ^ version);
    let size = if dice.one_in(3) { 40_000 } else { 300 };
    samples::noise(&mut dice, size)
}

/// The whole effect of making this version of the instance: document, element, body, event and job agree.
pub(crate) fn version_change(id: InstanceId, version: u64) -> Change {
    let mut dice = Dice::new(id.guid.as_u64_pair().0);
    let mut instance = samples::instance(&mut dice, id);
    instance.created = None;
    instance.created_by = Some(version.to_string());
    let body = content(id.guid, version);
    let element = DataElement { size: body.len() as u64, ..DataElement::new(id.guid, id.guid, "skjema") };
    let mut event = samples::event(&mut dice, id);
    event.additional_info = Some(version.to_string());
    Change {
        expect: if version == 1 { Expect::Absent } else { Expect::Version(version - 1) },
        instance: Some(instance),
        touch: true,
        elements: vec![ElementChange::Put(Box::new(ElementPut { element, touch: true, body: Body::Bytes(body) }))],
        events: vec![event],
        jobs: vec![Job { kind: "ping".to_owned(), body: "{}".to_owned(), due: Time::from_ticks(0) }],
        ..Change::expecting(id, 0)
    }
}

/// Not a test of its own: the process that is killed. Without its folder it has nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let (Some(folder), Some(seed)) = (std::env::var_os(FOLDER), std::env::var_os(SEED)) else { return };
    let seed: u64 = seed.to_str().unwrap().parse().unwrap();
    let url = std::env::var_os(URL).and_then(|url| url.into_string().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&folder), url.as_deref()).await;
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write_for_ever(store.clone(), Dice::new(seed * 1000 + writer))))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn write_for_ever(store: Arc<dyn Store>, mut dice: Dice) {
    let mut mine: Vec<(InstanceId, u64)> = Vec::new();
    loop {
        let (id, version) = if mine.is_empty() || dice.one_in(2) {
            (InstanceId::new(PartyId::new(50_001), dice.guid()), 1)
        } else {
            let place = dice.below(mine.len());
            let (id, version) = mine.swap_remove(place);
            (id, version + 1)
        };
        store.commit(version_change(id, version)).await.unwrap();
        mine.push((id, version));
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {} {version};", id.guid).unwrap();
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    kill_again_and_again(None).await;
}

#[tokio::test]
async fn a_kill_of_a_node_loses_nothing_in_postgresql_and_leaves_nothing_half_done() {
    if let Some(schema) = Schema::fresh() {
        kill_again_and_again(Some(&schema.url())).await;
    }
}

async fn kill_again_and_again(url: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<Guid, u64> = HashMap::new();
    let mut dice = Dice::new(4);
    for round in 0..ROUNDS {
        let span = Duration::from_millis(150 + dice.below(500) as u64);
        for (guid, version) in run_and_kill(folder.path(), url, round, span) {
            acknowledged.entry(guid).and_modify(|known| *known = version.max(*known)).or_insert(version);
        }
        let store = open(folder.path(), url).await;
        let found = check_every_instance(&*store).await;
        for (guid, version) in &acknowledged {
            assert!(found.get(guid).is_some_and(|found| found >= version), "{guid} lost version {version}");
        }
        store.maintain(Duration::ZERO).await.unwrap();
        check_objects(folder.path(), &found);
        check_every_instance(&*store).await;
        println!("round {round}: {} instances acknowledged, {} found", acknowledged.len(), found.len());
        store.close().await;
    }
    assert!(!acknowledged.is_empty());
}

fn run_and_kill(folder: &Path, url: Option<&str>, seed: u64, span: Duration) -> Vec<(Guid, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .envs(url.map(|url| (URL, url)))
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let acknowledged = |line: String| {
            // A line that was cut short by the kill acknowledges nothing.
            let (_, facts) = line.strip_suffix(';')?.split_once("acknowledged ")?;
            let (guid, version) = facts.split_once(' ')?;
            Some((guid.parse().ok()?, version.parse().ok()?))
        };
        output.lines().map_while(Result::ok).filter_map(acknowledged).collect()
    });
    std::thread::sleep(span);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Every instance is exactly what the change of its version made. Answers the versions.
pub(crate) async fn check_every_instance(store: &dyn Store) -> HashMap<Guid, u64> {
    let mut query = InstanceQuery { order: Order::Ascending, ..InstanceQuery::default() };
    let mut found = HashMap::new();
    loop {
        let page = store.search(query.clone()).await.unwrap();
        for instance in &page.instances {
            let id = instance.id;
            let version = store.load(id).await.unwrap().unwrap().version;
            assert_eq!(instance.created_by, Some(version.to_string()));
            let [element] = &instance.data[..] else { panic!("{id} has not one element") };
            assert_eq!(element.last_changed, instance.last_changed);
            let body = store.read_body(id, element.id, None).await.unwrap().unwrap().blob;
            let body = collect(body).await;
            assert_eq!(element.size, body.len() as u64);
            assert_eq!(body, content(id.guid, version), "the body of {id}");
            let history: Vec<_> =
                store.events(id).await.unwrap().into_iter().filter_map(|event| event.additional_info).collect();
            assert_eq!(history, (1..=version).map(|n| n.to_string()).collect::<Vec<_>>());
            found.insert(id.guid, version);
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return found,
        }
    }
}

/// There are exactly the objects that elements name.
fn check_objects(folder: &Path, found: &HashMap<Guid, u64>) {
    let named = found.iter().filter(|(guid, version)| content(**guid, **version).len() > 16 * 1024).count();
    let count = |folder: &Path| fs::read_dir(folder).unwrap().count();
    let objects = folder.join("objects");
    assert_eq!(count(&objects.join("incoming")), 0, "no upload is left");
    let kept: usize = fs::read_dir(&objects).unwrap().map(|shelf| count(&shelf.unwrap().path())).sum();
    assert_eq!(kept, named);
}
