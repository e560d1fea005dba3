//! Databases of earlier versions, and who may migrate them.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use mottak_model::{DataElement, Guid, Instance, InstanceEvent, InstanceId, PartyId, Time};
use mottak_service::ports::{
    Body, Change, ElementChange, ElementPut, FixedClock, InstanceQuery, RecordExpect, RecordKind, RecordWrite, Store,
    SystemClock,
};
use mottak_store::{Options, SqliteReader, SqliteStore};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use crate::samples::{self, Dice, collect};

const FIRST: &str = include_str!("../../src/sqlite/migrations/0001_base.sql");

fn open(folder: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(folder, Arc::new(FixedClock::at(samples::start())), Options::default()).unwrap()
}

/// What the first version wrote.
struct Old {
    instance: Instance,
    version: u64,
    bodies: Vec<(Guid, Bytes)>,
    events: Vec<InstanceEvent>,
}

/// A store as the first version left it: three instances with a small body, a compressed body and an object each.
fn old_store(folder: &Path) -> Vec<Old> {
    fs::create_dir_all(folder.join("objects/incoming")).unwrap();
    let database = Connection::open(folder.join("mottak.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database
        .execute_batch(
            "create table migration (number integer primary key, name text not null, checksum text not null)",
        )
        .unwrap();
    database.execute_batch(FIRST).unwrap();
    let checksum: String = Sha256::digest(FIRST).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    database.execute("insert into migration values (1, 'base', ?)", [checksum]).unwrap();
    database.execute("insert into app (id, name, org) values (1, 'ttd/tilskudd', 'ttd')", []).unwrap();
    database.execute("insert into meta values ('last-changed', ?)", [samples::start().ticks()]).unwrap();
    let mut dice = Dice::new(1);
    (1..=3).map(|number| old_instance(&database, folder, number, &mut dice)).collect()
}

fn old_instance(database: &Connection, folder: &Path, number: i64, dice: &mut Dice) -> Old {
    let id = InstanceId::new(PartyId::new(50_001), dice.guid());
    let changed = Time::from_ticks(samples::start().ticks() - number * 10);
    let mut instance = samples::instance(dice, id);
    (instance.app_id, instance.org) = (mottak_model::AppId::new("ttd", "tilskudd"), "ttd".to_owned());
    instance.presentation_texts = Some([("tittel".to_owned(), format!("Søknad nr. {number} fra Ås"))].into());
    let events: Vec<_> = (0..3).map(|_| samples::event(dice, id)).collect();
    for (row, (docs, previous)) in [(&events[..2], None), (&events[2..], Some(number * 10))].into_iter().enumerate() {
        let docs = serde_json::to_string(docs).unwrap();
        database
            .execute("insert into event values (?, ?, ?)", params![number * 10 + row as i64, previous, docs])
            .unwrap();
    }
    database
        .execute(
            "insert into instance (id, guid, party, app, version, changed, created, status, last_event, doc) \
             values (?, ?, 50001, 1, ?, ?, ?, 0, ?, ?)",
            params![
                number,
                id.guid.as_bytes(),
                number + 4,
                changed.ticks(),
                instance.created.map(Time::ticks),
                number * 10 + 1,
                serde_json::to_string(&instance).unwrap()
            ],
        )
        .unwrap();
    let bodies = [Bytes::from_static(b"short"), Bytes::from("<a>b</a>".repeat(400)), samples::noise(dice, 30_000)];
    let mut old = Old { version: number as u64 + 4, bodies: Vec::new(), events, instance };
    for (place, body) in bodies.into_iter().enumerate() {
        let (row, guid) = (number * 1_048_576 + place as i64, dice.guid());
        let element = DataElement { size: body.len() as u64, ..DataElement::new(guid, id.guid, "skjema") };
        let key = (place == 2).then(|| dice.guid().simple().to_string());
        let doc = serde_json::to_string(&element).unwrap();
        let content = if place == 2 { 2 } else { 1 };
        database
            .execute(
                "insert into element (id, guid, changed, content, object_key, doc) values (?, ?, ?, ?, ?, ?)",
                params![row, guid.as_bytes(), changed.ticks(), content, key, doc],
            )
            .unwrap();
        match key {
            Some(key) => {
                let shelf = folder.join("objects").join(&key[..2]);
                fs::create_dir_all(&shelf).unwrap();
                fs::write(shelf.join(key), &body).unwrap();
            }
            None => {
                let stored = if place == 1 { lz4_flex::block::compress(&body) } else { body.to_vec() };
                database
                    .execute(
                        "insert into blob values (?, ?, ?, ?)",
                        params![row, body.len() as i64, place == 1, stored],
                    )
                    .unwrap();
            }
        }
        old.instance.data.push(DataElement { last_changed: Some(changed), ..element });
        old.bodies.push((guid, body));
    }
    database
        .execute("insert into job (lane, due, kind, body) values (1, 0, 'ping', ?)", [format!("{{\"n\":{number}}}")])
        .unwrap();
    old.instance.last_changed = Some(changed);
    old
}

async fn check(store: &SqliteStore, old: &[Old]) {
    for Old { instance, version, bodies, events } in old {
        let loaded = store.load(instance.id).await.unwrap().unwrap();
        assert_eq!((&loaded.instance, loaded.version), (instance, *version));
        assert_eq!(store.events(instance.id).await.unwrap(), *events);
        for (element, body) in bodies {
            let read = store.read_body(instance.id, *element, None).await.unwrap().unwrap();
            assert_eq!(read.size, body.len() as u64);
            assert_eq!(collect(read.blob).await, *body);
        }
    }
    for (text, count) in [("nr. 2", 1), ("SØKNAD", 3), ("fra ås", 3), ("nr. 9", 0)] {
        let query = InstanceQuery { search_text: Some(text.to_owned()), ..InstanceQuery::default() };
        assert_eq!(store.search(query).await.unwrap().instances.len(), count, "{text}");
    }
}

#[tokio::test]
async fn a_store_of_the_first_version_opens_reads_lists_changes_and_is_archived() {
    let root = tempfile::tempdir().unwrap();
    let (data, to, again) = (root.path().join("data"), root.path().join("archive"), root.path().join("again"));
    let old = old_store(&data);
    let clock = || Arc::new(SystemClock);
    let too_old = SqliteReader::open(&data, None, clock()).unwrap_err();
    assert!(too_old.to_string().contains("older version"), "{too_old}");

    let store = open(&data);
    check(&store, &old).await;
    let reader = SqliteReader::open(&data, None, clock());
    reader.unwrap();

    let manifest = SqliteStore::backup(&data, None, &to, clock(), |_| {}).await.unwrap();
    assert_eq!((manifest.counts.instances, manifest.objects.count, manifest.counts.jobs), (3, 3, 3));
    SqliteStore::restore(&to, &again, &Options::default(), clock(), |_| {}).await.unwrap();
    check(&open(&again), &old).await;

    // What the first version could not do works on its rows.
    let id = old[0].instance.id;
    let (element, body) = (old[0].instance.data[0].clone(), Body::Bytes(Bytes::from_static(b"new")));
    let mut change = Change::expecting(id, old[0].version);
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch: true, body })));
    store.commit(change).await.unwrap();
    let read = store.read_body(id, old[0].bodies[0].0, None).await.unwrap().unwrap();
    assert_eq!(read.sha256, Some(Sha256::digest(b"new").into()));
    let (kind, key, document) = (RecordKind::Text, "ttd/tilskudd/nb".to_owned(), Some("{}".to_owned()));
    assert!(store.write_record(RecordWrite { kind, key, expect: RecordExpect::Absent, document }).await.unwrap());
    assert_eq!(store.claim_jobs(10, samples::LEASE).await.unwrap().len(), 3);
}

#[test]
fn of_many_who_open_a_store_at_once_one_migrates_it_and_the_others_are_refused() {
    const OPENERS: usize = 8;
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        old_store(folder.path());
        let (together, done) = (Barrier::new(OPENERS), Barrier::new(OPENERS));
        let opened = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        let opened = SqliteStore::open(folder.path(), Arc::new(SystemClock), Options::default());
                        // Nobody lets go before everybody has tried.
                        done.wait();
                        match opened {
                            Ok(_) => 1,
                            Err(refused) => {
                                assert!(refused.to_string().contains("has it open"), "{refused}");
                                0
                            }
                        }
                    })
                })
                .collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).sum::<usize>()
        });
        assert_eq!(opened, 1);
        let applied: i64 = Connection::open(folder.path().join("mottak.db"))
            .unwrap()
            .query_row("select count(*) from migration", [], |row| row.get(0))
            .unwrap();
        assert!(applied > 1, "it was migrated once");
    }
}
