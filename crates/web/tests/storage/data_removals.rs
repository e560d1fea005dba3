//! Elements that go, at once or later (platform-storage §2.4.5).

use mottak_model::{DataElement, ReadStatus};
use mottak_testing::covers;
use mottak_testkit::Seed;
use serde_json::{Value, json};

use crate::data::{AUTODELETE, PLAIN, PLAIN_ELEMENT, SENSITIVE, SENSITIVE_ELEMENTS, element_in, events_of, here, path};
use crate::own::{attachment, guid, instance};
use crate::{
    API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_problem, expect_status, expect_text, fixtures, own,
};

const FORMS: &str = "649388f0-a2c0-4774-bd11-c870223ed819";
const FORM: &str = "11f7c994-6681-47a1-9626-fcf6c27308a5";
const KEPT: &str = "887c5e56-6f73-494a-9730-6ebd11bffe30";
const MARKED: &str = "887c5e56-6f73-494a-9730-6ebd11bffe88";

fn data(instance: &str, element: &str) -> String {
    path(instance, &format!("data/{element}"))
}

#[tokio::test]
async fn removed_element_is_gone_and_answered_as_it_was() {
    let _rows = covers("platform-storage", &["D35"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = world.user(1337, 1337, 3);
        let here = here(FORMS);
        let before = element_in(&client, &here, FORM).await;
        let removed = client.delete(data(FORMS, FORM)).send().await.expect(200).json();
        let mut expected = before;
        expected["lastChangedBy"] = json!("1337");
        assert_eq!(removed, expected);
        assert_eq!(element_in(&client, &here, FORM).await, Value::Null);
        expect_status(&client.get(data(FORMS, FORM)).send().await, 404);
        let instance = client.get(&here).send().await.expect(200).json();
        assert_eq!(instance["lastChanged"], "2025-09-01T08:00:00Z");
        assert_eq!(instance["lastChangedBy"], "1337");
        let last = events_of(&client, &here).await.pop().expect("an event");
        assert_eq!((&last["eventType"], &last["dataId"]), (&json!("Deleted"), &json!(FORM)));
        // Again there is nothing.
        let message = format!("Unable to find any data element with id: {FORM}.");
        expect_text(&client.delete(data(FORMS, FORM)).send().await, 404, &message);
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_permitted_is_not_removed() {
    let _rows = covers("platform-storage", &["D36", "D37"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let unknown = "11111111-1111-4111-8111-111111111111";
    let message = format!("Unable to find any data element with id: {unknown}.");
    expect_text(&client.delete(data(FORMS, unknown)).send().await, 404, &message);
    expect_empty(&client.delete(data(FORMS, "abc")).send().await, 404);
    expect_empty(&client.delete(data(unknown, FORM)).send().await, 403);
    let sync = world.owner_with_scope("digdir", SYNC);
    expect_text(
        &sync.delete(data(unknown, FORM)).send().await,
        404,
        &format!("Unable to find any instance with id: 1337/{unknown}."),
    );
    for client in [world.user(1, 1, 3), world.user(1337, 1337, 0)] {
        expect_empty(&client.delete(data(FORMS, FORM)).send().await, 403);
    }
    expect_empty(&world.server.anonymous().delete(data(FORMS, FORM)).send().await, 401);
    expect_invalid(&client.delete(format!("{}?delay=kanskje", data(FORMS, FORM))).send().await, &["delay"]);
    assert_ne!(element_in(&client, &here(FORMS), FORM).await, Value::Null);
}

#[tokio::test]
async fn sensitive_types_are_removed_with_their_own_action() {
    let rows = ["D38", "D39", "D40", "D41", "D42", "D43", "D44", "D45"];
    let _rows = covers("platform-storage", &rows);
    for is_owner in [true, false] {
        let Some(world) = fixtures::world(Default::default()).await else { return };
        let client = if is_owner { world.owner("ttd") } else { world.user(1337, 1337, 3) };
        for (element, users) in SENSITIVE_ELEMENTS {
            let answer = client.delete(data(SENSITIVE, element)).send().await;
            if is_owner || users {
                expect_status(&answer, 200);
            } else {
                expect_empty(&answer, 403);
            }
            let is_there = element_in(&world.owner("ttd"), &here(SENSITIVE), element).await != Value::Null;
            assert_eq!(is_there, answer.status != 200);
        }
    }
}

#[tokio::test]
async fn only_types_that_go_at_the_end_go_later() {
    let _rows = covers("platform-storage", &["D46"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let later = format!("{}?delay=true", data(PLAIN, PLAIN_ELEMENT));
    expect_text(&client.delete(later).send().await, 400, "DataType default does not support delayed deletion");
    assert_eq!(element_in(&client, &here(PLAIN), PLAIN_ELEMENT).await.get("deleteStatus"), None);
}

#[tokio::test]
async fn marked_element_stays_for_the_owner() {
    let _rows = covers("platform-storage", &["D47"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
        let here = here(AUTODELETE);
        let content = ttd.get(data(AUTODELETE, KEPT)).send().await.expect(200).text();
        let mut expected = element_in(&ttd, &here, KEPT).await;
        let marked = user.delete(format!("{}?delay=TRUE", data(AUTODELETE, KEPT))).send().await.expect(200).json();
        expected["deleteStatus"] = json!({ "isHardDeleted": true, "hardDeleted": "2025-09-01T08:00:00Z" });
        expected["lastChanged"] = json!("2025-09-01T08:00:00Z");
        expected["lastChangedBy"] = json!("1337");
        assert_eq!(marked, expected);
        assert_eq!(element_in(&ttd, &here, KEPT).await, expected);
        assert_eq!(element_in(&user, &here, KEPT).await, Value::Null);
        assert_eq!(ttd.get(data(AUTODELETE, KEPT)).send().await.expect(200).text(), content);
        let instance = ttd.get(&here).send().await.expect(200).json();
        assert_eq!(instance["lastChanged"], "2025-09-01T08:00:00Z");
        assert_eq!(instance["lastChangedBy"], "1337");
        let last = events_of(&ttd, &here).await.pop().expect("an event");
        assert_eq!((&last["eventType"], &last["dataId"]), (&json!("Deleted"), &json!(KEPT)));
    }
}

#[tokio::test]
async fn without_delay_they_go_at_once_locked_or_not() {
    let _rows = covers("platform-storage", &["D48"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let removed = client.delete(data(AUTODELETE, KEPT)).send().await.expect(200).json();
    assert_eq!(removed["locked"], true);
    assert_eq!(element_in(&world.owner("ttd"), &here(AUTODELETE), KEPT).await, Value::Null);
}

#[tokio::test]
async fn marked_element_is_there_for_the_owner_alone() {
    let _rows = covers("platform-storage", &["D49", "D50", "D85"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
        let here = here(AUTODELETE);
        for query in ["", "?delay=true"] {
            let answer = user.delete(format!("{}{query}", data(AUTODELETE, MARKED))).send().await;
            expect_problem(&answer, 404, "Not Found", "15.5.5");
        }
        let before = ttd.get(&here).send().await.expect(200).text();
        let events = events_of(&ttd, &here).await;
        let marked = element_in(&ttd, &here, MARKED).await;
        let again = ttd.delete(format!("{}?delay=true", data(AUTODELETE, MARKED))).send().await.expect(200).json();
        assert_eq!(again, marked);
        assert_eq!(ttd.get(&here).send().await.expect(200).text(), before);
        assert_eq!(events_of(&ttd, &here).await, events);
        expect_status(&ttd.delete(data(AUTODELETE, MARKED)).send().await, 200);
        assert_eq!(element_in(&ttd, &here, MARKED).await, Value::Null);
    }
}

#[tokio::test]
async fn removal_of_what_was_unread_leaves_nothing_read() {
    let _rows = covers("platform-storage", &["D78", "D81"]);
    let world = own::world(Default::default());
    for (number, before, reads, after) in [
        // Of the elements the first one goes.
        (1, ReadStatus::Read, vec![false], "Unread"),
        (2, ReadStatus::Read, vec![false, false], "Unread"),
        (3, ReadStatus::Unread, vec![false], "Unread"),
        (4, ReadStatus::UpdatedSinceLastReview, vec![false], "UpdatedSinceLastReview"),
        (5, ReadStatus::Read, vec![false, true], "Read"),
        // compat: the one that goes counts, so the last one that was read leaves the instance read.
        (6, ReadStatus::Read, vec![true], "Read"),
        (7, ReadStatus::Read, vec![true, false], "Read"),
    ] {
        let mut seeded = instance(number);
        seeded.status.read_status = before;
        let seed = reads.into_iter().zip(1..).fold(Seed::of(seeded), |seed, (is_read, element)| {
            seed.with(DataElement { is_read, ..attachment(number, element, 1) }, "x")
        });
        world.server.seed(seed).await;
        let here = format!("{API}/instances/{}", instance(number).id);
        let element = attachment(number, 1, 1).id;
        let removed = world.sophie().delete(format!("{here}/data/{element}")).send().await;
        expect_status(&removed, 200);
        let instance = world.ttd().get(&here).send().await.expect(200).json();
        assert_eq!(instance["status"]["readStatus"], after, "{number}");
    }
}

/// The original found elements by their guid alone.
#[tokio::test]
async fn element_of_another_instance_is_neither_read_nor_changed() {
    let _rows = covers("platform-storage", &["D84"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let unread = DataElement { is_read: false, ..attachment(1, 1, 1) };
        world.server.seed(Seed::of(instance(1)).with(unread.clone(), "x")).await;
        world.server.seed(Seed::of(instance(2))).await;
        let [here, there] = [1, 2].map(|number| format!("{API}/instances/{}", instance(number).id));
        let before = world.ttd().get(&here).send().await.expect(200).text();
        let wrong = format!("{there}/data/{}", unread.id);
        let described = format!("{there}/dataelements/{}", unread.id);
        let description = json!({ "id": unread.id, "instanceGuid": guid(2), "dataType": "vedlegg" });
        let sophie = world.sophie();
        let message = format!("Unable to find any data element with id: {}.", unread.id);
        for sending in [
            sophie.get(&wrong),
            sophie.put(&wrong).body("text/plain", "y"),
            sophie.delete(&wrong),
            sophie.put(format!("{wrong}/lock")),
            sophie.delete(format!("{wrong}/lock")),
            sophie.put(&described).json(&description),
        ] {
            expect_text(&sending.send().await, 404, &message);
        }
        // So does the same element under another party's path.
        let elsewhere = format!("{API}/instances/512345/{}/data/{}", guid(1), unread.id);
        expect_empty(&sophie.delete(&elsewhere).send().await, 403);
        expect_empty(&sophie.put(&elsewhere).body("text/plain", "y").send().await, 403);
        assert_eq!(world.ttd().get(&here).send().await.expect(200).text(), before);
        assert_eq!(world.ttd().get(format!("{here}/data/{}", unread.id)).send().await.expect(200).text(), "x");
    }
}

#[tokio::test]
async fn parallel_removals_of_one_element_remove_it_once() {
    let world = own::world(Default::default());
    let element = attachment(1, 1, 1);
    world.server.seed(Seed::of(instance(1)).with(element.clone(), "x")).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let removals = (0..8).map(|_| world.sophie().delete(format!("{here}/data/{}", element.id)).send());
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(removals).await.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    let events = events_of(&world.ttd(), &here).await;
    assert_eq!(events.iter().filter(|event| event["eventType"] == "Deleted").count(), 1);
}
