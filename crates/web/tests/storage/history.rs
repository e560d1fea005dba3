//! What the process has been through (platform-storage §2.2).

use mottak_model::{InstanceEvent, PlatformUser, ProcessElement, ProcessState, event_type};
use mottak_testing::covers;
use mottak_testkit::Seed;
use serde_json::json;

use crate::own::{guid, instance, time};
use crate::{API, SYNC, expect_empty, expect_status, fixtures, own};

/// An event of the process, some seconds into a minute.
fn event(kind: &str, second: u32, process: Option<ProcessState>, user: PlatformUser) -> InstanceEvent {
    InstanceEvent {
        id: guid(5000 + u128::from(second)),
        instance_id: instance(1).id,
        data_id: None,
        created: time(&format!("2025-05-20T09:00:{second:02}Z")),
        event_type: kind.to_owned(),
        instance_owner_party_id: Some(own::SOPHIES_PARTY.to_string()),
        user: Some(user),
        related_user: None,
        process_info: process,
        additional_info: None,
    }
}

fn at(task: &str) -> Option<ProcessState> {
    let current_task = Some(ProcessElement { element_id: Some(task.to_owned()), ..ProcessElement::default() });
    Some(ProcessState { started: Some(time("2025-05-20T09:00:00Z")), current_task, ..ProcessState::default() })
}

fn person() -> PlatformUser {
    PlatformUser {
        user_id: Some(own::SOPHIE),
        national_identity_number: Some("01039012345".to_owned()),
        ..PlatformUser::default()
    }
}

fn org() -> PlatformUser {
    PlatformUser { org_id: Some("ttd".to_owned()), ..PlatformUser::default() }
}

fn system() -> PlatformUser {
    PlatformUser { system_user_owner_org_no: Some("950474084".to_owned()), ..PlatformUser::default() }
}

async fn history_of(events: Vec<InstanceEvent>) -> serde_json::Value {
    let world = own::world(Default::default());
    let mut seed = Seed::of(instance(1));
    seed.events = events;
    world.server.seed(seed).await;
    let path = format!("{API}/instances/{}/process/history", instance(1).id);
    world.sophie().get(path).send().await.expect(200).json()
}

#[tokio::test]
async fn history_needs_the_right_to_read() {
    let _rows = covers("platform-storage", &["P28", "P29"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let path = |guid: &str| format!("{API}/instances/1337/{guid}/process/history");
    let known = "ba577e7f-3dfd-4ff6-b659-350308a47348";
    for client in [world.user(3, 1337, 1), world.user(-1, 1, 3)] {
        expect_empty(&client.get(path(known)).send().await, 403);
    }
    expect_status(&world.user(3, 1337, 2).get(path(known)).send().await, 200);
    // Of what is not there nobody has a right.
    expect_empty(&world.user(3, 1337, 2).get(path("ba577e7f-3dfd-4ff6-b659-350308a47349")).send().await, 403);
}

#[tokio::test]
async fn instance_without_events_has_an_empty_history() {
    let _rows = covers("platform-storage", &["P30"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let path = format!("{API}/instances/1337/17ad1851-f6cb-4573-bfcb-a17d145307b3/process/history");
    for client in [world.user(3, 1337, 2), world.owner_with_scope("digdir", SYNC)] {
        assert_eq!(client.get(&path).send().await.expect(200).text(), r#"{"processHistory":[]}"#);
    }
}

#[tokio::test]
async fn start_task_and_end_are_one_row_each() {
    let _rows = covers("platform-storage", &["P31"]);
    let ended = ProcessState {
        started: Some(time("2025-05-20T09:00:00Z")),
        ended: Some(time("2025-05-20T09:00:09Z")),
        end_event: Some("EndEvent_1".to_owned()),
        ..ProcessState::default()
    };
    let started = ProcessState {
        started: Some(time("2025-05-20T09:00:00Z")),
        start_event: Some("StartEvent_1".to_owned()),
        ..ProcessState::default()
    };
    let history = history_of(vec![
        event(event_type::CREATED, 0, None, person()),
        event(event_type::PROCESS_START_EVENT, 1, Some(started), person()),
        event(event_type::PROCESS_START_TASK, 2, at("Task_1"), org()),
        event(event_type::PROCESS_END_TASK, 8, at("Task_1"), person()),
        event(event_type::PROCESS_END_EVENT, 9, Some(ended), system()),
    ])
    .await;
    let expected = json!({ "processHistory": [
        { "eventType": "process_StartEvent", "elementId": "StartEvent_1", "occured": "2025-05-20T09:00:00Z",
          "performedBy": "01039012345" },
        // The first visit's times are those of the process.
        { "eventType": "process_StartTask", "elementId": "Task_1", "occured": "2025-05-20T09:00:00Z",
          "started": "2025-05-20T09:00:00Z", "ended": "2025-05-20T09:00:08Z", "performedBy": "ttd" },
        { "eventType": "process_EndEvent", "elementId": "EndEvent_1", "occured": "2025-05-20T09:00:09Z",
          "performedBy": "950474084" },
    ]});
    assert_eq!(history, expected);
}

#[tokio::test]
async fn second_visit_tells_in_the_row_of_the_first_when_it_began() {
    let history = history_of(vec![
        event(event_type::PROCESS_START_TASK, 2, at("Task_1"), person()),
        event(event_type::PROCESS_END_TASK, 3, at("Task_1"), person()),
        event(event_type::PROCESS_START_TASK, 4, at("Task_2"), org()),
        event(event_type::PROCESS_END_TASK, 5, at("Task_2"), person()),
        event(event_type::PROCESS_START_TASK, 6, at("Task_1"), person()),
    ])
    .await;
    let rows = history["processHistory"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0]["elementId"].as_str(), rows[1]["elementId"].as_str()), (Some("Task_1"), Some("Task_2")));
    assert_eq!(rows[0]["occured"], "2025-05-20T09:00:00Z");
    assert_eq!(rows[0]["started"], "2025-05-20T09:00:06Z");
    assert_eq!(rows[1]["ended"], "2025-05-20T09:00:05Z");
}

#[tokio::test]
async fn rows_without_process_or_anybody_are_told_as_they_are() {
    let mut nobody = event(event_type::PROCESS_START_TASK, 2, None, person());
    nobody.user = None;
    let end = event(event_type::PROCESS_END_TASK, 3, at("Task_1"), PlatformUser::default());
    let expected = json!({ "processHistory": [
        { "eventType": "process_StartTask", "occured": "2025-05-20T09:00:02Z", "started": "2025-05-20T09:00:02Z",
          "performedBy": "" },
        { "eventType": "process_EndTask", "elementId": "Task_1", "occured": "2025-05-20T09:00:03Z",
          "ended": "2025-05-20T09:00:03Z", "performedBy": "" },
    ]});
    assert_eq!(history_of(vec![nobody, end]).await, expected);
}
