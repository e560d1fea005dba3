//! The history of an instance (platform-storage §2.3).

use mottak_model::{InstanceEvent, event_type};
use mottak_testing::covers;
use mottak_testkit::{Backing, Seed};

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
