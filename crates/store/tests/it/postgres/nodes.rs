//! Several nodes on one database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mottak_model::{Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{Change, CommitFailure, Expect, InstanceQuery, Job, Order, Store, SystemClock, TimeRange};
use mottak_store::{CommitOrder, ObjectLocation, PostgresOptions, PostgresStore};
use mottak_testing::postgres::Schema;

use super::{creation, fresh, open};
use crate::samples::{self, Dice};

const WRITERS: u64 = 16;

/// What a client sees that asks, again and again, for what has changed since the last it saw.
async fn poll(store: Arc<PostgresStore>, is_over: Arc<AtomicBool>) -> HashMap<Guid, HashSet<Time>> {
    let mut seen: HashMap<Guid, HashSet<Time>> = HashMap::new();
    let mut from = None;
    loop {
        let is_last = is_over.load(Ordering::SeqCst);
        let changed = TimeRange { at_least: from, below: None };
        let query = InstanceQuery { changed, order: Order::Ascending, size: 50, ..InstanceQuery::default() };
        let page = store.search(query).await.unwrap();
        for instance in &page.instances {
            let changed = instance.last_changed.unwrap();
            seen.entry(instance.id.guid).or_default().insert(changed);
            from = Some(Time::from_ticks(changed.ticks() + 1));
        }
        if page.next.is_none() && is_last {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_misses_nothing_while_sixteen_writers_on_two_nodes_run() {
    let Some((schema, objects, first)) = fresh(PostgresOptions::default()).await else { return };
    let second = open(&schema.url(), &objects, PostgresOptions::default()).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let poller = tokio::spawn(poll(Arc::clone(&first), Arc::clone(&is_over)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(if writer.is_multiple_of(2) { &first } else { &second });
            tokio::spawn(async move {
                let mut dice = Dice::new(900 + writer);
                let mut last: Vec<(InstanceId, Time)> = Vec::new();
                for _ in 0..60 {
                    let change = creation(&mut dice);
                    let id = change.id;
                    last.push((id, store.commit(change).await.unwrap().changed));
                }
                last
            })
        })
        .collect();
    let mut committed = Vec::new();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    is_over.store(true, Ordering::SeqCst);
    let seen = poller.await.unwrap();
    let times: HashSet<Time> = committed.iter().map(|(_, changed)| *changed).collect();
    assert_eq!(times.len(), committed.len(), "no time is given twice");
    for (id, changed) in &committed {
        assert!(seen.get(&id.guid).is_some_and(|times| times.contains(changed)), "{id} was missed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_on_two_nodes_one_wins_each_version() {
    for commit_order in [CommitOrder::Strict, CommitOrder::PerInstance] {
        let options = PostgresOptions { commit_order, ..PostgresOptions::default() };
        let Some((schema, objects, first)) = fresh(options.clone()).await else { return };
        let second = open(&schema.url(), &objects, options).await;
        let id = InstanceId::new(PartyId::new(50_001), Dice::new(5).guid());
        let mut previous = None;
        for version in 0..15 {
            let tasks: Vec<_> = (0..20)
                .map(|writer: u64| {
                    let store = Arc::clone(if writer.is_multiple_of(2) { &first } else { &second });
                    tokio::spawn(async move { store.commit(change(id, version, writer)).await })
                })
                .collect();
            let mut won = Vec::new();
            for task in tasks {
                match task.await.unwrap() {
                    Ok(committed) => won.push(committed),
                    Err(CommitFailure::Conflict) => {}
                    Err(CommitFailure::Failed(failure)) => panic!("{failure}"),
                }
            }
            assert_eq!(won.len(), 1, "version {version}, {commit_order:?}");
            assert_eq!(won[0].version, version + 1);
            assert!(previous.is_none_or(|previous| won[0].changed > previous));
            previous = Some(won[0].changed);
        }
        assert_eq!(second.events(id).await.unwrap().len(), 15);
    }
}

fn change(id: InstanceId, version: u64, writer: u64) -> Change {
    let mut dice = Dice::new(version * 100 + writer);
    let expect = if version == 0 { Expect::Absent } else { Expect::Version(version) };
    let mut instance = samples::instance(&mut dice, id);
    instance.created = None;
    let events = vec![samples::event(&mut dice, id)];
    Change { expect, instance: Some(instance), touch: true, events, ..Change::expecting(id, version) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_never_hold_the_same_job() {
    let Some((schema, objects, first)) = fresh(PostgresOptions::default()).await else { return };
    let second = open(&schema.url(), &objects, PostgresOptions::default()).await;
    let mut dice = Dice::new(6);
    for _ in 0..20 {
        let mut change = creation(&mut dice);
        change.jobs =
            (0..10).map(|_| Job { kind: "ping".to_owned(), body: "{}".to_owned(), due: Time::from_ticks(0) }).collect();
        first.commit(change).await.unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let store = Arc::clone(if worker % 2 == 0 { &first } else { &second });
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let jobs = store.claim_jobs(7, Duration::from_mins(1)).await.unwrap();
                    if jobs.is_empty() {
                        return mine;
                    }
                    for job in jobs {
                        assert!(store.complete_job(&job).await.unwrap());
                        mine.push(job.id);
                    }
                }
            })
        })
        .collect();
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await.unwrap());
    }
    let distinct: HashSet<_> = done.iter().copied().collect();
    assert_eq!((done.len(), distinct.len()), (200, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_begin_together_on_an_empty_database_make_its_tables_once() {
    let Some(schema) = Schema::fresh() else { return };
    let folder = tempfile::tempdir().unwrap();
    let objects = ObjectLocation::Folder(folder.path().to_owned());
    let opening = (0..6).map(|_| {
        let (url, objects) = (schema.url(), objects.clone());
        tokio::spawn(async move {
            PostgresStore::open(&url, &objects, Arc::new(SystemClock), PostgresOptions::default()).await
        })
    });
    for node in opening.collect::<Vec<_>>() {
        let store = node.await.unwrap().unwrap();
        store.commit(creation(&mut Dice::new(std::ptr::from_ref(&*store) as u64))).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_another_history_is_refused() {
    let Some((schema, objects, _)) = fresh(PostgresOptions::default()).await else { return };
    let objects = ObjectLocation::Folder(objects.path().to_owned());
    let url = schema.url();
    let again = || PostgresStore::open(&url, &objects, Arc::new(SystemClock), PostgresOptions::default());
    schema.run("insert into migration values (9, 'future', '')").unwrap();
    assert!(again().await.unwrap_err().to_string().contains("newer version"));
    schema.run("delete from migration where number = 9; update migration set checksum = 'x' where number = 1").unwrap();
    assert!(again().await.unwrap_err().to_string().contains("is not the one this version has"));
}
