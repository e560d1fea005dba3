//! The forms of refusals that hold for every route (platform-storage §0.1, §0.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mottak_model::{Guid, InstanceEvent, InstanceId};
use mottak_service::ports::{
    Blob, Blobs, Change, CommitFailure, Committed, InstanceQuery, Page, PortFuture, Snapshot, Store, StoreFailure,
    SystemClock,
};
use mottak_store::MemoryStore;
use mottak_testing::covers;
use mottak_testkit::{Seed, TestServer};

use crate::own::{guid, instance};
use crate::{API, expect_empty, expect_problem, expect_status, expect_text, own};

#[tokio::test]
async fn wrong_verb_is_405_and_says_what_is_allowed() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    for (sending, allowed) in [
        (world.sophie().patch(format!("{here}/process/history")), "GET"),
        (world.sophie().get(format!("{here}/complete")), "POST"),
        (world.sophie().patch(format!("{API}/instances")), "GET"),
    ] {
        let answer = sending.send().await;
        expect_empty(&answer, 405);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains(allowed)), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn unknown_paths_are_404_without_a_body() {
    let world = own::world(Default::default());
    for path in ["", "/", "/instances/1/2/3/4/5", "/finnes-ikke", "/instances/501337/abc/events"] {
        expect_empty(&world.sophie().get(format!("{API}{path}")).send().await, 404);
    }
}

#[tokio::test]
async fn nobody_gets_anything_without_a_token() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    for path in [
        format!("{API}/instances"),
        here.clone(),
        format!("{API}/instances/{}", guid(1)),
        format!("{here}/events"),
        format!("{here}/events/{}", guid(2)),
        format!("{here}/process/history"),
        format!("{here}/dataelements"),
        format!("{here}/data/{}", guid(2)),
    ] {
        for client in [world.server.anonymous(), world.server.expired_user(own::SOPHIE)] {
            expect_empty(&client.get(&path).send().await, 401);
        }
    }
}

/// The text is JSON, also for who asked for anything else, and letters beyond ASCII stay as they are.
#[tokio::test]
async fn texts_are_json_strings() {
    let world = own::world(Default::default());
    for accept in ["*/*", "text/plain", "application/json", "text/html,application/xhtml+xml;q=0.9"] {
        let asked =
            world.ttd().get(format!("{API}/instances?org=ttd&process.ended=%C3%A6%22")).accept(accept).send().await;
        assert_eq!(asked.status, 400);
        assert_eq!(asked.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(asked.text(), r#""Invalid date expression: æ\" for query key: process.ended""#);
    }
}

#[tokio::test]
async fn health_needs_nobody() {
    let world = own::world(Default::default());
    let answer = world.server.anonymous().get("/health").send().await.expect(200);
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("Healthy", Some("text/plain; charset=utf-8")));
}

/// What cannot be the value of anything finds nothing, is refused, or is no path; it never is the server's fault.
#[tokio::test]
async fn strange_values_break_nothing() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let ttd = world.ttd();
    for query in [
        "lastChanged=gt:9999-12-31T23:59:59.9999999Z",
        "lastChanged=lte:9999-12-31T23:59:59.9999999Z",
        "created=gte:0001-01-01&created=lt:0001-01-02",
        "searchString=%00",
        "searchString=%27%22%25_%5C",
        "process.currentTask=%27+or+1=1--",
        "appId=ttd/a/b",
        "appId=/",
        "order=d%C3%A6sc:lastChanged",
        "size=2147483647",
        "&&==&=a&a=",
    ] {
        expect_status(&ttd.get(format!("{API}/instances?org=ttd&{query}")).send().await, 200);
    }
    for query in ["lastChanged=gt:10000-01-01", "lastChanged=gt:%FF", "created=gt:0000-00-00", "size=2147483648"] {
        expect_status(&ttd.get(format!("{API}/instances?org=ttd&{query}")).send().await, 400);
    }
    for path in ["instances/%FF", "instances/501337/%FF", "applications/%FF/%FF", "applications/%FF"] {
        expect_empty(&ttd.get(format!("{API}/{path}")).send().await, 404);
    }
    let asked = ttd.get(format!("{API}/instances?org={}", "x".repeat(20_000))).send().await;
    expect_text(&asked, 400, "AppId must be defined.");
}

#[tokio::test]
async fn failure_of_the_store_is_500_and_says_nothing_of_it() {
    let _rows = covers("platform-storage", &["S04"]);
    let store =
        Arc::new(FailingStore { inner: MemoryStore::new(Arc::new(SystemClock)), fails: AtomicBool::new(false) });
    let server = TestServer::builder().store(Arc::clone(&store) as Arc<dyn Store>).build();
    server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    store.fails.store(true, Ordering::SeqCst);
    for sending in [server.ttd().post(format!("{here}/complete")), server.ttd().get(format!("{API}/instances?org=ttd"))]
    {
        let title = "An error occurred while processing your request.";
        expect_problem(&sending.send().await, 500, title, "15.6.1");
    }
    store.fails.store(false, Ordering::SeqCst);
    let after = server.ttd().get(&here).send().await.expect(200).json();
    assert_eq!(after.get("completeConfirmations"), None);
}

/// Loads and keeps, but at times neither commits nor searches.
#[derive(Debug)]
struct FailingStore {
    inner: MemoryStore,
    fails: AtomicBool,
}

impl FailingStore {
    fn failure(&self, attempt: &str) -> Result<(), StoreFailure> {
        if !self.fails.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(StoreFailure { attempt: attempt.to_owned(), cause: "the disk is full".to_owned(), is_overload: false })
    }
}

impl Store for FailingStore {
    fn commit(&self, change: Change) -> PortFuture<'_, Result<Committed, CommitFailure>> {
        Box::pin(async {
            self.failure("commit")?;
            self.inner.commit(change).await
        })
    }

    fn load(&self, id: InstanceId) -> PortFuture<'_, Result<Option<Snapshot>, StoreFailure>> {
        self.inner.load(id)
    }

    fn find(&self, guid: Guid) -> PortFuture<'_, Result<Option<InstanceId>, StoreFailure>> {
        self.inner.find(guid)
    }

    fn read_body(&self, instance: InstanceId, element: Guid) -> PortFuture<'_, Result<Option<Blob>, StoreFailure>> {
        self.inner.read_body(instance, element)
    }

    fn events(&self, id: InstanceId) -> PortFuture<'_, Result<Vec<InstanceEvent>, StoreFailure>> {
        self.inner.events(id)
    }

    fn search(&self, query: InstanceQuery) -> PortFuture<'_, Result<Page, StoreFailure>> {
        Box::pin(async {
            self.failure("search")?;
            self.inner.search(query).await
        })
    }

    fn blobs(&self) -> &dyn Blobs {
        self.inner.blobs()
    }

    fn is_ready(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.inner.is_ready()
    }
}
