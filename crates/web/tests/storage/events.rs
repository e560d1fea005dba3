//! The history of an instance (platform-storage §2.3).

use mottak_model::{InstanceEvent, event_type};
use mottak_testing::covers;
use mottak_testkit::{Backing, Seed};
use serde_json::json;

use crate::own::{guid, instance, time};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_problem, expect_status, expect_text, fixtures, own};

fn event(number: u128, kind: &str, created: &str) -> InstanceEvent {
    InstanceEvent {
        id: guid(6000 + number),
        instance_id: instance(1).id,
        data_id: None,
        created: time(created),
        event_type: kind.to_owned(),
        instance_owner_party_id: None,
        user: None,
        related_user: None,
        process_info: None,
        additional_info: None,
    }
}

/// Six events, those of one moment in the order they were written, which is not that of their ids.
async fn eventful(backing: Backing) -> own::World {
    let world = own::world(backing);
    let mut seed = Seed::of(instance(1));
    seed.events = vec![
        event(6, event_type::CREATED, "2025-05-20T09:00:00Z"),
        event(5, event_type::SAVED, "2025-05-20T09:00:01Z"),
        event(4, event_type::PROCESS_END_TASK, "2025-05-20T09:00:02Z"),
        event(3, event_type::PROCESS_END_EVENT, "2025-05-20T09:00:02Z"),
        event(2, event_type::SUBMITTED, "2025-05-20T09:00:02Z"),
        event(1, event_type::DELETED, "2025-05-20T09:00:03Z"),
    ];
    world.server.seed(seed).await;
    world
}

fn path() -> String {
    format!("{API}/instances/{}/events", instance(1).id)
}

/// The last digits of the ids of the events that a query finds.
async fn found(world: &own::World, query: &str) -> Vec<u128> {
    let list = world.sophie().get(format!("{}?{query}", path())).send().await.expect(200).json();
    let events = list["instanceEvents"].as_array().expect("events").clone();
    let number = |event: &serde_json::Value| {
        let id: mottak_model::Guid = event["id"].as_str().unwrap_or("").parse().expect("an id");
        id.as_u128() - guid(6000).as_u128()
    };
    events.iter().map(number).collect()
}

#[tokio::test]
async fn events_need_the_right_to_read() {
    let _rows = covers("platform-storage", &["E05"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let list = format!("{API}/instances/1337/bc19107c-508f-48d9-bcd7-54ffec905306/events");
    let one = format!("{list}/24db4c62-4472-4f8b-a692-e7ddafdca7d1");
    for path in [&list, &one] {
        for client in [world.user(3, 1337, 0), world.user(-1, 1, 3)] {
            expect_empty(&client.get(path).send().await, 403);
        }
        expect_empty(&world.server.anonymous().get(path).send().await, 401);
        for client in [world.user(3, 1337, 3), world.owner_with_scope("digdir", SYNC)] {
            expect_status(&client.get(path).send().await, 200);
        }
    }
}

#[tokio::test]
async fn types_and_an_interval_select() {
    let _rows = covers("platform-storage", &["E06", "E07"]);
    let interval = |from: &str, to: &str| format!("from=2025-05-20T{from}&to=2025-05-20T{to}");
    for backing in BACKINGS {
        let world = eventful(backing).await;
        for (query, expected) in [
            (String::new(), &[6, 5, 4, 3, 2, 1][..]),
            ("eventTypes=Created&eventTypes=Deleted".to_owned(), &[6, 1]),
            ("eventTypes=created".to_owned(), &[]),
            // Both ends belong to it.
            (interval("09:00:01Z", "09:00:02Z"), &[5, 4, 3, 2]),
            (interval("11:00:01%2B02:00", "09:00:02"), &[5, 4, 3, 2]),
            (format!("eventTypes=Created&eventTypes=Deleted&{}", interval("09:00:00Z", "09:00:02Z")), &[6]),
            // One end alone is none.
            ("from=2025-05-20T09:00:02Z".to_owned(), &[6, 5, 4, 3, 2, 1]),
            ("to=2025-05-20T09:00:00Z".to_owned(), &[6, 5, 4, 3, 2, 1]),
            ("from=i-dag".to_owned(), &[6, 5, 4, 3, 2, 1]),
        ] {
            assert_eq!(found(&world, &query).await, expected, "{query} in {backing:?}");
        }
    }
}

#[tokio::test]
async fn interval_that_is_none_is_refused() {
    let _rows = covers("platform-storage", &["E08"]);
    const MESSAGE: &str = "Unable to perform query. Invalid format for time span. Use string format of UTC.";
    let world = eventful(Backing::Memory).await;
    for query in ["from=x&to=y", "from=2025-05-20&to=y", "from=x&to=2025-05-20"] {
        expect_text(&world.sophie().get(format!("{}?{query}", path())).send().await, 400, MESSAGE);
    }
}

#[tokio::test]
async fn event_is_found_only_in_its_own_instance() {
    let _rows = covers("platform-storage", &["E09", "E11", "E13"]);
    let world = eventful(Backing::Memory).await;
    world.server.seed(Seed::of(instance(2))).await;
    let sophie = world.sophie();
    let own = sophie.get(format!("{}/{}", path(), guid(6004))).send().await.expect(200).json();
    assert_eq!(own["eventType"], "process_EndTask");
    let of_another = format!("{API}/instances/{}/events/{}", instance(2).id, guid(6004));
    for path in [format!("{}/{}", path(), guid(6999)), of_another] {
        expect_problem(&sophie.get(path).send().await, 404, "Not Found", "15.5.5");
    }
    expect_empty(&sophie.get(format!("{}/abc", path())).send().await, 404);
}

const WRITTEN_TO: &str = "3c42ee2a-9464-42a8-a976-16eb926bd20a";

fn written_to(guid: &str) -> String {
    format!("{API}/instances/1337/{guid}/events")
}

#[tokio::test]
async fn readers_add_events() {
    let _rows = covers("platform-storage", &["E02", "E10"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |it| it == WRITTEN_TO).await else { return };
        let client = world.user(3, 1337, 3);
        let before = client.get(format!("{API}/instances/1337/{WRITTEN_TO}")).send().await.expect(200).json();
        for (number, instance_id) in [WRITTEN_TO.to_owned(), format!("1337/{WRITTEN_TO}")].into_iter().enumerate() {
            let sent = json!({
                "instanceId": instance_id,
                "EventType": "Submited",
                "created": format!("2025-08-31T10:00:0{number}+02:00"),
                "user": { "userId": "3", "authenticationLevel": 3 },
                "dataId": null,
            });
            let added = client.post(written_to(WRITTEN_TO)).json(&sent).send().await.expect(201);
            let event = added.json();
            assert_eq!(added.header("location"), event["id"].as_str());
            let expected = json!({
                "id": event["id"],
                "instanceId": format!("1337/{WRITTEN_TO}"),
                "created": format!("2025-08-31T08:00:0{number}Z"),
                "eventType": "Submited",
                "user": { "userId": 3, "authenticationLevel": 3 },
            });
            assert_eq!(event, expected);
            let one = format!("{}/{}", written_to(WRITTEN_TO), event["id"].as_str().expect("an id"));
            assert_eq!(client.get(one).send().await.expect(200).json(), event);
        }
        // Neither id nor time has to be said; what is said is kept.
        let id = guid(42).to_string();
        let sent = json!({ "id": id, "instanceId": WRITTEN_TO, "eventType": "Saved" });
        let event = client.post(written_to(WRITTEN_TO)).json(&sent).send().await.expect(201).json();
        assert_eq!((&event["id"], &event["created"]), (&json!(id), &json!("2025-09-01T08:00:00Z")));
        let after = client.get(format!("{API}/instances/1337/{WRITTEN_TO}")).send().await.expect(200).json();
        assert_eq!(after, before, "the instance itself stays as it is");
    }
}

#[tokio::test]
async fn event_that_is_of_no_instance_or_no_type_is_refused() {
    let _rows = covers("platform-storage", &["E01", "E12"]);
    const MISSING: &str = "Missing parameter values: instance event must exist and instanceId must be set";
    const OTHER: &str = "Instance ID in InstanceEvent does not match the Instance ID";
    let Some(world) = fixtures::world_of(Default::default(), |it| it == WRITTEN_TO).await else { return };
    let client = world.user(3, 1337, 3);
    for (body, text) in [
        (json!({ "eventType": "Saved" }), MISSING),
        (json!({ "instanceId": " ", "eventType": "Saved" }), MISSING),
        (json!({ "instanceId": "x", "eventType": "Saved" }), OTHER),
        (json!({ "instanceId": "1337/x", "eventType": "Saved" }), OTHER),
        (json!({ "instanceId": guid(1), "eventType": "Saved" }), OTHER),
        (json!({ "instanceId": format!("1338/{WRITTEN_TO}"), "eventType": "Saved" }), OTHER),
        (json!({ "instanceId": WRITTEN_TO, "eventType": "Lagret" }), "Unknown event type: Lagret"),
        (json!({ "instanceId": WRITTEN_TO }), "Unknown event type: "),
    ] {
        expect_text(&client.post(written_to(WRITTEN_TO)).json(&body).send().await, 400, text);
    }
    for (body, member) in [("{", ""), ("", ""), (r#"{"instanceId":"x","created":"i dag"}"#, "created")] {
        let sent = client.post(written_to(WRITTEN_TO)).body("application/json", body).send().await;
        crate::expect_invalid(&sent, &[member]);
    }
    let list = client.get(written_to(WRITTEN_TO)).send().await.expect(200).json();
    assert_eq!(list, json!({ "instanceEvents": [] }));
}

#[tokio::test]
async fn events_are_added_only_by_readers() {
    let _rows = covers("platform-storage", &["E03", "E04"]);
    let Some(world) = fixtures::world_of(Default::default(), |it| it == WRITTEN_TO).await else { return };
    let event = json!({ "instanceId": WRITTEN_TO, "eventType": "Saved" });
    for client in [world.user(3, 1337, 0), world.user(-1, 1, 3), world.owner("ttd")] {
        // The policy is asked before anything is said about the body.
        for body in [event.to_string(), "{".to_owned()] {
            let sent = client.post(written_to(WRITTEN_TO)).body("application/json", body).send().await;
            expect_empty(&sent, 403);
        }
    }
    expect_empty(&world.server.anonymous().post(written_to(WRITTEN_TO)).json(&event).send().await, 401);
    let wrong_party = format!("{API}/instances/1338/{WRITTEN_TO}/events");
    expect_empty(&world.user(3, 1337, 3).post(wrong_party).json(&event).send().await, 403);
    let sync = world.owner_with_scope("digdir", SYNC);
    expect_status(&sync.post(written_to(WRITTEN_TO)).json(&event).send().await, 201);
    let unknown = guid(9).to_string();
    let event = json!({ "instanceId": unknown, "eventType": "Saved" });
    expect_problem(&sync.post(written_to(&unknown)).json(&event).send().await, 404, "Not Found", "15.5.5");
}
