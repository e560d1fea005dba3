//! Connections that break at the worst moment: what is acknowledged is there, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mottak_model::{InstanceId, PartyId};
use mottak_service::ports::{Store, StoreFailure};
use mottak_store::{PostgresOptions, PostgresStore};
use mottak_testing::postgres::Schema;

use super::proxy::{Cut, Proxy};
use super::{creation, fresh, open};
use crate::crash::{check_every_instance, version_change};
use crate::samples::Dice;

const WRITERS: u64 = 6;
const VERSIONS: u64 = 25;

/// Makes one instance and changes it again and again; every change has to succeed at its first attempt by the caller.
async fn write(store: Arc<PostgresStore>, writer: u64, done: Arc<AtomicU64>) -> InstanceId {
    let mut dice = Dice::new(700 + writer);
    let id = InstanceId::new(PartyId::new(50_001 + writer as i32), dice.guid());
    for version in 1..=VERSIONS {
        let committed = store.commit(version_change(id, version)).await.unwrap();
        assert_eq!(committed.version, version);
        done.fetch_add(1, Ordering::SeqCst);
    }
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_survive_a_connection_that_breaks_before_or_after_the_commit() {
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        let Some(schema) = Schema::fresh() else { return };
        let objects = tempfile::tempdir().unwrap();
        let proxy = Proxy::start(schema.address()).await;
        let options = PostgresOptions { group_limit: 4, ..PostgresOptions::default() };
        let store = open(&schema.url_through("127.0.0.1", proxy.port), &objects, options).await;

        let done = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), writer, Arc::clone(&done)))).collect();
        let mut next = 0;
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            if done.load(Ordering::SeqCst) >= next {
                proxy.cut_next(cut);
                next = done.load(Ordering::SeqCst) + 8;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut made = Vec::new();
        for writer in writers {
            made.push(writer.await.unwrap());
        }
        println!("{cut:?}: {} connections were cut", proxy.cuts());
        assert!(proxy.cuts() > 2);

        // Each version was made once: no more and no fewer events, and everything fits together.
        let direct = open(&schema.url(), &objects, PostgresOptions::default()).await;
        let found = check_every_instance(&*direct).await;
        assert_eq!(found.len(), made.len());
        assert!(made.iter().all(|id| found[&id.guid] == VERSIONS));
        let jobs = direct.claim_jobs(10_000, Duration::from_mins(1)).await.unwrap();
        assert_eq!(jobs.len() as u64, WRITERS * VERSIONS, "every job is there once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_go_on_after_the_database_has_ended_all_connections() {
    let Some(schema) = Schema::fresh() else { return };
    let objects = tempfile::tempdir().unwrap();
    let name = format!("cut_{}", std::process::id());
    let url = format!("{}&application_name={name}", schema.url());
    let store = open(&url, &objects, PostgresOptions::default()).await;
    let mut dice = Dice::new(1);
    for _ in 0..5 {
        let change = creation(&mut dice);
        let id = change.id;
        store.commit(change).await.unwrap();
        assert!(store.load(id).await.unwrap().is_some());
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name =";
        schema.run(&format!("{end} '{name}'")).unwrap();
        assert!(store.load(id).await.unwrap().is_some());
        store.is_ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_without_its_password() {
    let objects = mottak_store::ObjectLocation::Folder(tempfile::tempdir().unwrap().path().to_owned());
    let clock = Arc::new(mottak_service::ports::SystemClock);
    for url in ["postgres://kari:hemmelig@127.0.0.1:1/mottak", "postgres//kari:hemmelig@nowhere", "hemmelig"] {
        let refused: StoreFailure =
            PostgresStore::open(url, &objects, clock.clone(), PostgresOptions::default()).await.unwrap_err();
        assert!(!refused.to_string().contains("hemmelig"), "{refused}");
    }
}

/// The words of PostgreSQL may quote what it was given.
#[tokio::test]
async fn a_refused_change_fails_alone_and_says_nothing_of_its_data() {
    let Some((schema, _objects, store)) = fresh(PostgresOptions::default()).await else { return };
    schema.run("alter table instance add constraint no_nord check (search_text not like '%nord%')").unwrap();
    let mut dice = Dice::new(2);
    let changes: Vec<_> = (0..60).map(|_| creation(&mut dice)).collect();
    let expected: Vec<bool> = changes
        .iter()
        .map(|change| {
            let texts = change.instance.as_ref().and_then(|instance| instance.presentation_texts.as_ref());
            texts.is_none_or(|texts| !texts.values().any(|text| text.to_lowercase().contains("nord")))
        })
        .collect();
    assert!(expected.iter().any(|is_good| *is_good) && !expected.iter().all(|is_good| *is_good));
    let ids: Vec<_> = changes.iter().map(|change| change.id).collect();
    let outcomes = futures_util::future::join_all(changes.into_iter().map(|change| store.commit(change))).await;
    for ((outcome, is_good), id) in outcomes.into_iter().zip(expected).zip(ids) {
        assert_eq!(store.load(id).await.unwrap().is_some(), is_good);
        match outcome {
            Ok(_) => assert!(is_good),
            Err(refusal) => {
                let words = refusal.to_string();
                assert!(!is_good && words.contains("no_nord") && !words.contains("Nordmann"), "{words}");
            }
        }
    }
}
