//! What is deleted goes for good by itself, when its time has come (platform-storage §3.5).

use mottak_model::{DeleteStatus, Instance, InstanceId, ReadStatus};
use mottak_service::ports::{Clock as _, Job, RecordKind};
use mottak_testing::covers;
use mottak_testkit::{Client, Seed};
use serde_json::json;

use crate::{API, BACKINGS, own, studio};

async fn delete_for_good(client: &Client, id: InstanceId) {
    client.delete(format!("{API}/instances/{id}?hard=true")).send().await.expect(200);
}

async fn confirm(world: &own::World, id: InstanceId) {
    world.ttd().post(format!("{API}/instances/{id}/complete")).send().await.expect(200);
}

impl own::World {
    /// Lets so many days and another minute go by, and does what is due then.
    async fn wait_days(&self, days: u64) -> usize {
        let pause = std::time::Duration::from_secs(days * 24 * 60 * 60 + 60);
        self.clock.set(self.clock.now().plus(pause));
        self.server.run_jobs().await
    }

    async fn stored(&self, id: InstanceId) -> Option<Instance> {
        self.server.service.load(id).await.expect("the store answers").map(|snapshot| snapshot.instance)
    }
}

#[tokio::test]
async fn what_was_never_sent_in_goes_the_next_day() {
    let _rows = covers("platform-storage", &["C01"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let element = own::attachment(1, 1, 5);
        let id = world.server.seed(Seed::of(own::instance(1)).with(element.clone(), "abc")).await.id;
        let lock = world.sophie().post(format!("{API}/instances/{id}/lock")).json(&json!({"ttlSeconds": 30}));
        lock.send().await.expect(200);
        let locks = || world.server.service.store.records(RecordKind::InstanceLock, id.to_string());
        assert_eq!(locks().await.expect("the store answers").len(), 1);
        delete_for_good(&world.sophie(), id).await;
        // Until then it can be read, as before.
        world.wait_days(0).await;
        world.sophie().get(format!("{API}/instances/{id}")).send().await.expect(200);
        assert_eq!(world.wait_days(1).await, 1);
        assert_eq!(world.stored(id).await, None);
        world.sophie().get(format!("{API}/instances/{id}")).send().await.expect(404);
        let body = world.server.service.store.read_body(id, element.id, None).await.expect("the store answers");
        assert!(body.is_none());
        assert!(locks().await.expect("the store answers").is_empty());
        assert_eq!(world.wait_days(30).await, 0);
    }
}

#[tokio::test]
async fn what_was_sent_in_waits_for_its_own_organisation_and_a_week() {
    let _rows = covers("platform-storage", &["C02"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let seed = |number| Seed::of(own::archived(number, "2025-05-25T12:00:00Z"));
        let confirmed_first = world.server.seed(seed(1)).await.id;
        let deleted_first = world.server.seed(seed(2)).await.id;
        let never_confirmed = world.server.seed(seed(3)).await.id;
        confirm(&world, confirmed_first).await;
        for id in [deleted_first, never_confirmed] {
            delete_for_good(&world.sophie(), id).await;
        }
        world.wait_days(3).await;
        delete_for_good(&world.sophie(), confirmed_first).await;
        confirm(&world, deleted_first).await;
        // Six days later, and nine for the other half of what is asked.
        world.wait_days(6).await;
        for id in [confirmed_first, deleted_first, never_confirmed] {
            assert!(world.stored(id).await.is_some(), "{id}");
        }
        world.wait_days(2).await;
        assert_eq!(world.stored(confirmed_first).await, None);
        assert_eq!(world.stored(deleted_first).await, None);
        world.wait_days(400).await;
        assert!(world.stored(never_confirmed).await.is_some(), "kept for ever");
    }
}

#[tokio::test]
async fn confirmations_of_others_do_not_count() {
    let world = own::world(Default::default());
    let seed = Seed::of(own::confirmed_by(own::archived(1, "2025-05-25T12:00:00Z"), &["digdir"]));
    let id = world.server.seed(seed).await.id;
    delete_for_good(&world.sophie(), id).await;
    world.wait_days(30).await;
    assert!(world.stored(id).await.is_some());
}

#[tokio::test]
async fn history_goes_where_the_app_deletes_by_itself() {
    let _rows = covers("platform-storage", &["C03"]);
    for backing in BACKINGS {
        for is_automatic in [false, true] {
            let world = own::world(backing);
            let document = json!({ "id": own::GRANTS, "org": "ttd", "autoDeleteOnProcessEnd": is_automatic });
            let registered = studio(&world.server).put(format!("{API}/applications/{}", own::GRANTS)).json(&document);
            registered.send().await.expect(200);
            let id = world.server.seed(Seed::of(own::archived(1, "2025-05-25T12:00:00Z"))).await.id;
            confirm(&world, id).await;
            delete_for_good(&world.sophie(), id).await;
            world.wait_days(8).await;
            assert_eq!(world.stored(id).await, None);
            let events = world.server.service.store.events(id).await.expect("the store answers");
            let types: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
            let expected = if is_automatic { vec![] } else { vec!["ConfirmedComplete", "Deleted"] };
            assert_eq!(types, expected);
        }
    }
}

#[tokio::test]
async fn marked_elements_go_a_week_after_mark_and_confirmation() {
    let _rows = covers("platform-storage", &["C04"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let mut instance = own::archived(1, "2025-05-25T12:00:00Z");
        instance.status.read_status = ReadStatus::Read;
        let mut marked = own::attachment(1, 1, 5);
        marked.is_read = false;
        marked.last_changed_by = Some("42".to_owned());
        marked.delete_status =
            Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(own::time("2025-05-30T00:00:00Z")) });
        let mut kept = own::attachment(1, 2, 6);
        kept.is_read = false;
        let id = world.server.seed(Seed::of(instance).with(marked.clone(), "abc").with(kept.clone(), "def")).await.id;
        confirm(&world, id).await;
        let before = world.stored(id).await.expect("it is there");
        world.wait_days(6).await;
        assert_eq!(world.stored(id).await.as_ref(), Some(&before), "not a week yet");
        world.wait_days(2).await;
        let after = world.stored(id).await.expect("the instance stays");
        assert_eq!(after.data.iter().map(|element| element.id).collect::<Vec<_>>(), [kept.id]);
        assert!(after.last_changed > before.last_changed);
        assert_eq!(after.last_changed_by.as_deref(), Some("42"));
        assert_eq!(after.status.read_status, ReadStatus::Unread, "nothing that is there has been read");
        let events = world.server.service.store.events(id).await.expect("the store answers");
        assert_eq!(events.len(), 1, "only the confirmation");
    }
}

#[tokio::test]
async fn a_mark_after_the_confirmation_counts_from_the_mark() {
    let world = own::world(Default::default());
    let element = own::attachment(1, 1, 5);
    let seed = Seed::of(own::archived(1, "2025-05-25T12:00:00Z")).with(element.clone(), "abc");
    let id = world.server.seed(seed).await.id;
    confirm(&world, id).await;
    world.wait_days(20).await;
    let mut change = mottak_service::ports::Change::expecting(id, {
        let loaded = world.server.service.load(id).await.expect("the store answers");
        loaded.expect("it is there").version
    });
    // As an app backend marks it, together with the job that follows from it.
    let mut marked = element;
    marked.delete_status = Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(world.clock.now()) });
    let put =
        mottak_service::ports::ElementPut { element: marked, touch: true, body: mottak_service::ports::Body::Keep };
    change.elements.push(mottak_service::ports::ElementChange::Put(Box::new(put)));
    let body = json!({ "instance": id.to_string() }).to_string();
    change.jobs.push(Job { kind: "clean-up-instance".to_owned(), body, due: world.clock.now() });
    world.server.service.store.commit(change).await.expect("it is committed");
    world.wait_days(6).await;
    assert_eq!(world.stored(id).await.expect("it is there").data.len(), 1);
    world.wait_days(2).await;
    assert_eq!(world.stored(id).await.expect("it is there").data.len(), 0);
}

#[tokio::test]
async fn a_job_that_nobody_knows_is_tried_often_and_then_buried() {
    for backing in BACKINGS {
        let world = own::world(backing);
        let instance = world.server.seed(Seed::of(own::instance(1))).await;
        let mut change = mottak_service::ports::Change::expecting(instance.id, 1);
        change.jobs.push(Job { kind: "of-the-future".to_owned(), body: "{}".to_owned(), due: world.clock.now() });
        world.server.service.store.commit(change).await.expect("it is committed");
        let mut attempts = 0;
        for _ in 0..40 {
            attempts += world.wait_days(1).await;
        }
        assert_eq!(attempts, 12);
        let buried = world.server.service.store.buried_jobs().await.expect("the store answers");
        assert_eq!(buried.len(), 1);
        assert_eq!((buried[0].kind.as_str(), buried[0].attempts), ("of-the-future", 12));
        assert_eq!(buried[0].reason, "nobody here knows what it asks for");
    }
}
