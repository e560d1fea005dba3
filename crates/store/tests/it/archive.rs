//! Archives: what goes in comes out, one moment of it, or nothing at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{DataElement, Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{
    Body, Change, ElementChange, ElementPut, Expect, FixedClock, InstanceQuery, Order, RecordExpect, RecordKind,
    RecordWrite, Removal, Store, SystemClock,
};
use mottak_store::archive::{self, ArchiveFailure, Manifest};
use mottak_store::{ObjectLocation, Options, PostgresOptions, PostgresReader, PostgresStore, Reader as _, SqliteStore};
use mottak_testing::postgres::Schema;

use crate::samples::{self, Dice, LEASE, collect};

const KINDS: [RecordKind; 3] = [RecordKind::InstanceLock, RecordKind::Application, RecordKind::Text];

fn options() -> Options {
    Options { inline_limit: 512, point_readers: 2, list_readers: 1, ..Options::default() }
}

fn open(folder: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(folder, Arc::new(FixedClock::at(samples::start())), options()).unwrap()
}

async fn backup(from: &Path, to: &Path) -> Result<Manifest, ArchiveFailure> {
    SqliteStore::backup(from, None, to, Arc::new(SystemClock), |_| {}).await
}

async fn restore(from: &Path, to: &Path) -> Result<Manifest, ArchiveFailure> {
    SqliteStore::restore(from, to, &options(), Arc::new(SystemClock), |_| {}).await
}

/// A store with something of everything, and every id that it ever knew.
struct Filled {
    store: Arc<SqliteStore>,
    ids: Vec<InstanceId>,
    elements: Vec<(InstanceId, Guid)>,
}

async fn fill(folder: &Path, seed: u64, steps: usize) -> Filled {
    let (store, mut dice) = (open(folder), Dice::new(seed));
    let mut filled = Filled { store, ids: Vec::new(), elements: Vec::new() };
    for _ in 0..steps {
        let is_new = filled.ids.is_empty() || dice.one_in(2);
        let id = if is_new { InstanceId::new(samples::party(&mut dice), dice.guid()) } else { dice.pick(&filled.ids) };
        let mut change = match filled.store.load(id).await.unwrap() {
            Some(known) => Change::expecting(id, known.version),
            None if is_new => Change { expect: Expect::Absent, ..Change::expecting(id, 0) },
            None => continue,
        };
        if !is_new && dice.one_in(8) {
            change.removal = Some(dice.pick(&[Removal::KeepHistory, Removal::WithHistory]));
        } else {
            change.touch = dice.one_in(2);
            change.instance = (is_new || dice.one_in(2)).then(|| samples::instance(&mut dice, id));
            for _ in 0..dice.below(4) {
                let guid = dice.guid();
                let element = samples::element(&mut dice, guid, id.guid);
                let body = if dice.one_in(4) { Body::Keep } else { Body::Bytes(samples::body(&mut dice)) };
                let put = ElementPut { element, touch: dice.one_in(2), body };
                change.elements.push(ElementChange::Put(Box::new(put)));
                filled.elements.push((id, guid));
            }
            if let Some((_, guid)) = filled.elements.iter().find(|(of, _)| *of == id && dice.one_in(6)) {
                change.elements.push(ElementChange::Drop(*guid));
            }
            change.events = (0..dice.below(3)).map(|_| samples::event(&mut dice, id)).collect();
        }
        change.jobs.extend(dice.maybe(3, samples::job));
        filled.store.commit(change).await.unwrap();
        filled.ids.push(id);
    }
    fill_records(&filled.store, &mut dice).await;
    for (number, job) in filled.store.claim_jobs(30, LEASE).await.unwrap().iter().enumerate() {
        let done = match number % 4 {
            0 => filled.store.bury_job(job, format!("reason {number}")).await,
            1 => filled.store.retry_job(job, Duration::from_secs(number as u64)).await,
            2 => filled.store.complete_job(job).await,
            _ => Ok(true),
        };
        assert!(done.unwrap());
    }
    filled
}

async fn fill_records(store: &SqliteStore, dice: &mut Dice) {
    for number in 0..40 {
        let (kind, key) = (dice.pick(&KINDS), format!("ttd/app-{}", dice.below(12)));
        let document = (!dice.one_in(5)).then(|| format!("{{\"n\": {number}, \"å\": \"\\n\"}}"));
        store.write_record(RecordWrite { kind, key, expect: RecordExpect::Anything, document }).await.unwrap();
    }
}

/// Every answer of both stores is the same, from now on too.
async fn assert_same(left: &dyn Store, right: &dyn Store, filled: &Filled) {
    for id in &filled.ids {
        assert_eq!(left.load(*id).await.unwrap(), right.load(*id).await.unwrap());
        assert_eq!(left.events(*id).await.unwrap(), right.events(*id).await.unwrap());
        assert_eq!(left.find(id.guid).await.unwrap(), right.find(id.guid).await.unwrap());
    }
    for (id, element) in &filled.elements {
        let bodies =
            (left.read_body(*id, *element, None).await.unwrap(), right.read_body(*id, *element, None).await.unwrap());
        match bodies {
            (Some(left), Some(right)) => {
                assert_eq!((left.size, left.sha256), (right.size, right.sha256));
                assert_eq!(collect(left.blob).await, collect(right.blob).await);
            }
            (left, right) => assert_eq!(left.is_some(), right.is_some()),
        }
    }
    let guids: Vec<Guid> = filled.ids.iter().map(|id| id.guid).collect();
    let mut dice = Dice::new(99);
    for _ in 0..200 {
        let mut query = samples::query(&mut dice, &guids);
        loop {
            let page = left.search(query.clone()).await.unwrap();
            assert_eq!(page, right.search(query.clone()).await.unwrap());
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    for kind in KINDS {
        assert_eq!(left.records(kind, String::new()).await.unwrap(), right.records(kind, String::new()).await.unwrap());
    }
    assert_eq!(left.buried_jobs().await.unwrap(), right.buried_jobs().await.unwrap());
    let claims = left.claim_jobs(10_000, LEASE).await.unwrap();
    assert_eq!(claims, right.claim_jobs(10_000, LEASE).await.unwrap());
    for job in &claims {
        assert!(left.complete_job(job).await.unwrap() && right.complete_job(job).await.unwrap());
    }
    // Both go on from the same moment: the same time next, the same number of the next job, the same conflicts.
    for id in filled.ids.iter().copied().chain([InstanceId::new(PartyId::new(1), Guid::nil())]) {
        let instance = Some(samples::instance(&mut dice, id));
        let jobs = vec![samples::job(&mut dice)];
        let change = Change { expect: Expect::Absent, instance, jobs, ..Change::expecting(id, 0) };
        let outcome = left.commit(change.clone()).await.ok();
        assert_eq!(outcome, right.commit(change).await.ok());
    }
    let after = Duration::from_hours(1);
    assert_eq!(left.claim_jobs(10_000, after).await.unwrap(), right.claim_jobs(10_000, after).await.unwrap());
}

#[tokio::test]
async fn a_restored_store_gives_every_answer_of_the_archived_one() {
    for seed in 0..6 {
        let root = tempfile::tempdir().unwrap();
        let (data, to, again) = (root.path().join("data"), root.path().join("archive"), root.path().join("again"));
        let filled = fill(&data, seed, 150).await;
        let manifest = backup(&data, &to).await.unwrap();
        assert!(manifest.counts.bodies > 0 && manifest.objects.count > 0 && manifest.counts.jobs > 0);
        assert!(manifest.counts.removed_instances > 0 && manifest.counts.records > 0, "{manifest:?}");
        assert_eq!(archive::verify(&to, |_| {}).unwrap(), manifest);
        assert_eq!(restore(&to, &again).await.unwrap(), manifest);
        let restored = open(&again);
        assert_same(&*filled.store, &*restored, &filled).await;
        assert_eq!(restored.maintain(Duration::ZERO).await.unwrap().abandoned_uploads, 0);
    }
}

#[tokio::test]
async fn an_archive_of_a_restored_store_holds_the_same() {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    fill(&place("data"), 7, 80).await.store.close().await;
    let first = backup(&place("data"), &place("first")).await.unwrap();
    restore(&place("first"), &place("again")).await.unwrap();
    let second = backup(&place("again"), &place("second")).await.unwrap();
    assert_eq!(facts(&first), facts(&second));
}

/// A manifest without what differs from one archive of the same store to the next.
fn facts(manifest: &Manifest) -> serde_json::Value {
    let mut facts = serde_json::to_value(manifest).unwrap();
    // Objects have new keys in a new store, and engines have their own order.
    for varying in ["made", "files", "engine"] {
        facts.as_object_mut().unwrap().remove(varying);
    }
    facts
}

#[tokio::test]
async fn a_store_moves_from_one_engine_to_the_other_and_back() {
    let Some(schema) = Schema::fresh() else {
        println!("skipped: no PostgreSQL");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    let (url, objects) = (schema.url(), ObjectLocation::Folder(place("objects")));
    let options = PostgresOptions { inline_limit: 512, list_links: 1, ..PostgresOptions::default() };
    let clock = || Arc::new(SystemClock);

    let filled = fill(&place("data"), 21, 300).await;
    let first = backup(&place("data"), &place("first")).await.unwrap();
    PostgresStore::restore(&place("first"), &url, &objects, &options, clock(), |_| {}).await.unwrap();
    let refused = PostgresStore::restore(&place("first"), &url, &objects, &options, clock(), |_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("not empty"));

    let second = PostgresStore::backup(&url, &objects, &options, &place("second"), clock(), |_| {}).await.unwrap();
    assert_eq!(facts(&first), facts(&second));
    restore(&place("second"), &place("again")).await.unwrap();
    assert_eq!(facts(&backup(&place("again"), &place("third")).await.unwrap()), facts(&first));

    let reader = PostgresReader::open(&url, &objects, options.clone(), clock()).await.unwrap();
    for app in reader.apps().await.unwrap() {
        let query = InstanceQuery { app: Some(app.clone()), size: 10_000, ..InstanceQuery::default() };
        let found = reader.search(query.clone()).await.unwrap();
        assert_eq!(reader.count_after(&app, None).await.unwrap(), found.instances.len() as u64);
        assert_eq!(found, filled.store.search(query).await.unwrap());
    }
    let fixed = Arc::new(FixedClock::at(samples::start()));
    let postgres = PostgresStore::open(&url, &objects, fixed, options.clone()).await.unwrap();
    assert_same(&*filled.store, &*postgres, &filled).await;
    postgres.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_archive_of_a_database_that_is_written_to_and_swept_is_one_moment() {
    let Some(schema) = Schema::fresh() else {
        println!("skipped: no PostgreSQL");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let (url, objects) = (schema.url(), ObjectLocation::Folder(root.path().join("objects")));
    let options = PostgresOptions::default();
    let clock = || Arc::new(SystemClock);
    let store = PostgresStore::open(&url, &objects, clock(), options.clone()).await.unwrap();
    let (is_over, tasks) = busy(store);
    for round in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (to, again) = (root.path().join(format!("archive-{round}")), root.path().join(format!("again-{round}")));
        let manifest = PostgresStore::backup(&url, &objects, &options, &to, clock(), |_| {}).await.unwrap();
        restore(&to, &again).await.unwrap();
        let restored = SqliteStore::open(&again, clock(), Options::default()).unwrap();
        let found = check_every_instance(&*restored).await;
        assert_eq!(found as u64, manifest.counts.instances);
        println!("round {round}: {found} instances, {} objects", manifest.objects.count);
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_store_can_be_archived_and_restored() {
    let root = tempfile::tempdir().unwrap();
    open(&root.path().join("data")).close().await;
    let manifest = backup(&root.path().join("data"), &root.path().join("archive")).await.unwrap();
    assert_eq!(manifest.counts.instances, 0);
    restore(&root.path().join("archive"), &root.path().join("again")).await.unwrap();
    open(&root.path().join("again")).close().await;
}

/// The content of the instance's only element in this version: told by the guid and the version alone.
fn content(guid: Guid, version: u64) -> Bytes {
    let mut dice = Dice::new(guid.as_u64_pair().1 ^ version);
    let size = if dice.one_in(3) { 40_000 } else { 300 };
    samples::noise(&mut dice, size)
}

/// The whole effect of making this version of the instance: document, element, body and event agree.
fn version_change(id: InstanceId, version: u64) -> Change {
    let mut dice = Dice::new(id.guid.as_u64_pair().0);
    let mut instance = samples::instance(&mut dice, id);
    instance.created_by = Some(version.to_string());
    let element = DataElement::new(id.guid, id.guid, "skjema");
    let mut event = samples::event(&mut dice, id);
    event.additional_info = Some(version.to_string());
    let body = Body::Bytes(content(id.guid, version));
    Change {
        expect: if version == 1 { Expect::Absent } else { Expect::Version(version - 1) },
        instance: Some(instance),
        touch: true,
        elements: vec![ElementChange::Put(Box::new(ElementPut { element, touch: true, body }))],
        events: vec![event],
        ..Change::expecting(id, 0)
    }
}

/// Every instance is exactly what the change of its version made. Answers how many there are.
async fn check_every_instance(store: &dyn Store) -> usize {
    let mut query = InstanceQuery { order: Order::Ascending, ..InstanceQuery::default() };
    let mut found = 0;
    loop {
        let page = store.search(query.clone()).await.unwrap();
        for instance in &page.instances {
            let id = instance.id;
            let version = store.load(id).await.unwrap().unwrap().version;
            assert_eq!(instance.created_by, Some(version.to_string()));
            let [element] = &instance.data[..] else { panic!("{id} has not one element") };
            assert_eq!(element.last_changed, instance.last_changed);
            let body = store.read_body(id, element.id, None).await.unwrap().unwrap().blob;
            assert_eq!(collect(body).await, content(id.guid, version), "the body of {id}");
            let history: Vec<_> =
                store.events(id).await.unwrap().into_iter().filter_map(|event| event.additional_info).collect();
            assert_eq!(history, (1..=version).map(|n| n.to_string()).collect::<Vec<_>>());
            found += 1;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return found,
        }
    }
}

/// Eight writers and a sweeper, until it is over. They answer how many objects were swept.
fn busy(store: Arc<dyn Store>) -> (Arc<AtomicBool>, Vec<tokio::task::JoinHandle<usize>>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks: Vec<_> = (0..8)
        .map(|writer| {
            let (store, is_over, mut dice) = (Arc::clone(&store), Arc::clone(&is_over), Dice::new(1000 + writer));
            tokio::spawn(async move {
                let mut mine: Vec<(InstanceId, u64)> = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let (id, version) = if mine.len() < 10 {
                        (InstanceId::new(PartyId::new(50_001), dice.guid()), 1)
                    } else {
                        let place = dice.below(mine.len());
                        let (id, version) = mine.swap_remove(place);
                        (id, version + 1)
                    };
                    store.commit(version_change(id, version)).await.unwrap();
                    mine.push((id, version));
                }
                0
            })
        })
        .collect();
    let over = Arc::clone(&is_over);
    tasks.push(tokio::spawn(async move {
        let mut swept = 0;
        while !over.load(Ordering::Relaxed) {
            // The grace time is what the hold is for: without it, a backup would find objects gone.
            swept += store.maintain(Duration::from_millis(50)).await.unwrap().removed_objects;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        swept
    }));
    (is_over, tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_archive_made_while_eight_writers_and_the_sweeper_run_is_one_moment() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let store = SqliteStore::open(&data, Arc::new(SystemClock), Options::default()).unwrap();
    let (is_over, tasks) = busy(store.clone());
    let mut last = Time::from_ticks(0);
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let to = root.path().join(format!("archive-{round}"));
        let manifest = backup(&data, &to).await.unwrap();
        assert!(manifest.last_changed > last, "writing goes on");
        last = manifest.last_changed;
        let again = root.path().join(format!("again-{round}"));
        restore(&to, &again).await.unwrap();
        let restored = SqliteStore::open(&again, Arc::new(SystemClock), Options::default()).unwrap();
        let found = check_every_instance(&*restored).await;
        assert_eq!(found as u64, manifest.counts.instances);
        println!("round {round}: {found} instances, {} objects", manifest.objects.count);
    }
    is_over.store(true, Ordering::Relaxed);
    let mut swept = 0;
    for task in tasks {
        swept += task.await.unwrap();
    }
    assert!(swept > 0, "between backups, objects are swept");
    check_every_instance(&*store).await;
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[tokio::test]
async fn whatever_byte_is_damaged_the_file_is_named_and_no_store_is_made() {
    let root = tempfile::tempdir().unwrap();
    let (data, to, again) = (root.path().join("data"), root.path().join("archive"), root.path().join("again"));
    fill(&data, 3, 60).await;
    backup(&data, &to).await.unwrap();
    let mut dice = Dice::new(5);
    let all = files(&to);
    let kinds =
        ["manifest.json", "manifest.json.sha256", "instances-00001.ndjson.lz4", "records.ndjson", "jobs.ndjson"];
    assert!(kinds.iter().all(|name| all.contains(&to.join(name))) && all.len() > kinds.len(), "{all:?}");
    for file in &all {
        let sound = fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let shown = if name == "manifest.json.sha256" { "manifest.json" } else { name };
        let mut damages: Vec<Option<Vec<u8>>> = vec![None];
        damages.push(Some([&sound[..], b"x"].concat()));
        if !sound.is_empty() {
            damages.push(Some(sound[..sound.len() - 1].to_vec()));
        }
        for _ in 0..if sound.is_empty() { 0 } else { 4 } {
            let mut damaged = sound.clone();
            let place = dice.below(damaged.len());
            damaged[place] ^= 1 << dice.below(8);
            damages.push(Some(damaged));
        }
        for damage in damages {
            match &damage {
                Some(bytes) => fs::write(file, bytes).unwrap(),
                None => fs::remove_file(file).unwrap(),
            }
            let refused = restore(&to, &again).await.unwrap_err().to_string();
            assert!(refused.contains(shown), "{shown} is not in: {refused}");
            assert!(!again.exists() && !again.with_file_name("again.partial").exists());
        }
        fs::write(file, &sound).unwrap();
    }
    restore(&to, &again).await.unwrap();
    println!("{} files", all.len());
}

#[tokio::test]
async fn an_object_that_is_gone_or_damaged_is_named_and_no_archive_is_made() {
    let root = tempfile::tempdir().unwrap();
    let (data, to) = (root.path().join("data"), root.path().join("archive"));
    let store = open(&data);
    let id = InstanceId::new(PartyId::new(1), Guid::from_u128(7));
    let mut change = version_change(id, 1);
    change.elements = vec![ElementChange::Put(Box::new(ElementPut {
        element: DataElement::new(Guid::from_u128(8), id.guid, "vedlegg"),
        touch: true,
        body: Body::Bytes(samples::noise(&mut Dice::new(1), 5000)),
    }))];
    store.commit(change).await.unwrap();
    let [object] = &files(&data.join("objects"))[..] else { panic!("one object") };
    let sound = fs::read(object).unwrap();
    let mut damaged = sound.clone();
    damaged[17] ^= 1;
    fs::write(object, damaged).unwrap();
    let key = object.file_name().unwrap().to_str().unwrap();
    let refused = backup(&data, &to).await.unwrap_err().to_string();
    assert!(refused.contains(key), "{refused}");
    fs::remove_file(object).unwrap();
    let refused = backup(&data, &to).await.unwrap_err().to_string();
    assert!(refused.contains(key) && refused.contains(&Guid::from_u128(8).to_string()), "{refused}");
    assert!(!to.exists() && !to.with_file_name("archive.partial").exists());
    fs::write(object, sound).unwrap();
    backup(&data, &to).await.unwrap();
}

#[tokio::test]
async fn what_is_there_already_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    fill(&place("data"), 2, 10).await.store.close().await;
    assert!(backup(&place("nowhere"), &place("archive")).await.unwrap_err().to_string().contains("nowhere"));
    backup(&place("data"), &place("archive")).await.unwrap();
    let again = backup(&place("data"), &place("archive")).await.unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
    let onto = restore(&place("archive"), &place("data")).await.unwrap_err();
    assert!(onto.to_string().contains("not empty"), "{onto}");
    let no_archive = restore(&place("data"), &place("new")).await.unwrap_err();
    assert!(matches!(no_archive, ArchiveFailure::NoArchive { .. }), "{no_archive}");
}

const DATA: &str = "MOTTAK_STORE_ARCHIVE_DATA";
const TO: &str = "MOTTAK_STORE_ARCHIVE_TO";

/// Not a test of its own: the process that is killed. Without its folders it has nothing to do.
#[tokio::test]
async fn child_archives_until_it_is_killed() {
    if let (Some(data), Some(to)) = (std::env::var_os(DATA), std::env::var_os(TO)) {
        backup(Path::new(&data), Path::new(&to)).await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_nothing_that_could_be_restored() {
    let root = tempfile::tempdir().unwrap();
    let (data, to) = (root.path().join("data"), root.path().join("archive"));
    let filled = fill(&data, 11, 400).await;
    let mut killed = 0;
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["archive::child_archives_until_it_is_killed", "--exact"])
            .envs([(DATA, &data), (TO, &to)])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(15 * (round + 1)));
        child.kill().unwrap();
        child.wait().unwrap();
        if to.exists() {
            // It was faster. Then it is whole.
            archive::verify(&to, |_| {}).unwrap();
            fs::remove_dir_all(&to).unwrap();
            continue;
        }
        let partial = to.with_file_name("archive.partial");
        if partial.exists() {
            killed += 1;
            let refused = restore(&partial, &root.path().join("again")).await.unwrap_err();
            assert!(matches!(refused, ArchiveFailure::NoArchive { .. }), "{refused}");
        }
    }
    println!("{killed} were killed on the way");
    assert!(killed > 0);
    // The holds that were left are still respected, and the next attempt replaces what was left.
    filled.store.maintain(Duration::ZERO).await.unwrap();
    backup(&data, &to).await.unwrap();
    restore(&to, &root.path().join("again")).await.unwrap();
    assert_same(&*filled.store, &*open(&root.path().join("again")), &filled).await;
}
