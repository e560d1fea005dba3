//! Other content for an element (platform-storage §2.4.4).

use mottak_model::{DataElement, FileScanResult, Instance, InstanceId, KeyValueEntry, ReadStatus, Reference};
use mottak_testing::covers;
use mottak_testkit::{Seed, Sending};
use serde_json::json;

use crate::data::{SENSITIVE, element_in, events_of, here, jobs_of, path};
use crate::own::{attachment, guid, instance};
use crate::{API, BACKINGS, expect_empty, expect_invalid, expect_text, fixtures, number_of, own};

const FORMS: &str = "649388f0-a2c0-4774-bd11-c870223ed819";
const FORM: &str = "11f7c994-6681-47a1-9626-fcf6c27308a5";
const XML: &str = "<skjema>ny</skjema>";

fn xml(sending: Sending) -> Sending {
    sending.body("application/xml", XML)
}

#[tokio::test]
async fn replaced_content_is_answered_and_kept() {
    let _rows = covers("platform-storage", &["D20"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = world.user(1337, 1337, 3);
        let here = here(FORMS);
        let element = xml(client.put(path(FORMS, &format!("data/{FORM}")))).send().await.expect(200).json();
        assert_eq!(element["size"], XML.len());
        assert_eq!(element["contentType"], "application/xml");
        assert_eq!(element["lastChangedBy"], "1337");
        let link = format!("https://platform.example.no{}", path(FORMS, &format!("data/{FORM}")));
        assert_eq!(element["selfLinks"], json!({ "platform": link }));
        let instance = client.get(&here).send().await.expect(200).json();
        assert_eq!(instance["lastChanged"], element["lastChanged"]);
        assert_eq!(instance["lastChangedBy"], "1337");
        assert_eq!(client.get(path(FORMS, &format!("data/{FORM}"))).send().await.expect(200).text(), XML);
        let last = events_of(&client, &here).await.pop().expect("an event");
        assert_eq!((&last["eventType"], &last["dataId"]), (&json!("Saved"), &json!(FORM)));
    }
}

#[tokio::test]
async fn replacement_of_a_scanned_type_is_handed_to_the_scanner_once() {
    let _rows = covers("platform-storage", &["D21"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let scanned = "50c60b30-cb9a-435b-a31e-bbce47c2b936";
    let element = xml(client.put(path(FORMS, &format!("data/{scanned}")))).send().await.expect(200).json();
    assert_eq!(element["fileScanResult"], "Pending");
    let jobs = jobs_of(&world.server, "file-scan").await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0]["dataElementId"], scanned);
    assert_eq!(jobs[0]["timestamp"], "2025-09-01T08:00:00Z");
}

#[tokio::test]
async fn what_is_not_there_is_not_replaced() {
    let _rows = covers("platform-storage", &["D22"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let unknown = "11111111-1111-4111-8111-111111111111";
    let message = format!("Unable to find any data element with id: {unknown}.");
    expect_text(&xml(client.put(path(FORMS, &format!("data/{unknown}")))).send().await, 404, &message);
    expect_empty(&xml(client.put(path(FORMS, "data/abc"))).send().await, 404);
    expect_empty(&xml(client.put(path(unknown, &format!("data/{FORM}")))).send().await, 403);
    let refs = path(FORMS, &format!("data/{FORM}?refs=abc"));
    expect_invalid(&xml(client.put(refs)).send().await, &["refs"]);
}

#[tokio::test]
async fn locked_element_keeps_its_content() {
    let _rows = covers("platform-storage", &["D23"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let (instance, element) = ("6aa47207-f089-4c11-9cb2-f00af6f66a47", "24bfec2e-c4ce-4e82-8fa9-aa39da329fd5");
    let client = world.user(1337, 1337, 3);
    let here = path(instance, &format!("data/{element}"));
    let before = client.get(&here).send().await.expect(200).text();
    let message = format!("Data element {element} is locked and cannot be updated");
    expect_text(&xml(client.put(&here)).send().await, 409, &message);
    assert_eq!(client.get(&here).send().await.expect(200).text(), before);
}

#[tokio::test]
async fn sensitive_types_are_replaced_with_their_own_action() {
    let rows = ["D24", "D25", "D26", "D27", "D28", "D29", "D30", "D31"];
    let _rows = covers("platform-storage", &rows);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
    for (element, users) in crate::data::SENSITIVE_ELEMENTS {
        let element = path(SENSITIVE, &format!("data/{element}"));
        xml(ttd.put(&element)).send().await.expect(200);
        let answer = user.put(&element).body("application/xml", "<brukers/>").send().await;
        if users {
            assert_eq!(answer.expect(200).json()["lastChangedBy"], "1337");
        } else {
            expect_empty(&answer, 403);
        }
        let content = ttd.get(&element).send().await.expect(200).text();
        assert_eq!(content, if users { "<brukers/>" } else { XML });
    }
}

/// What was said about the content before does not hold for the new one; what was said about the element does.
#[tokio::test]
async fn what_belongs_to_the_old_content_goes_and_the_rest_stays() {
    let _rows = covers("platform-storage", &["D32"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let described = DataElement {
            refs: Some(vec![guid(5)]),
            references: Some(vec![Reference { value: Some("Task_1".to_owned()), ..Reference::default() }]),
            tags: Some(vec!["viktig".to_owned()]),
            metadata: Some(vec![KeyValueEntry { key: Some("k".to_owned()), value: Some("v".to_owned()) }]),
            user_defined_metadata: Some(vec![KeyValueEntry::default()]),
            file_scan_result: FileScanResult::Clean,
            is_read: false,
            ..attachment(1, 1, 1)
        };
        let seeded = world.server.seed(Seed::of(instance(1)).with(described.clone(), "x")).await;
        let here = format!("{API}/instances/{}", seeded.id);
        let element = format!("{here}/data/{}", described.id);
        let replaced = world.sophie().put(&element).body("text/plain", "y").send().await.expect(200).json();
        let mut expected = element_in(&world.ttd(), &here, &described.id.to_string()).await;
        expected["selfLinks"] = replaced["selfLinks"].clone();
        assert_eq!(replaced, expected);
        assert_eq!(replaced.get("references"), None);
        assert_eq!(replaced.get("filename"), None);
        assert_eq!(replaced["refs"], json!([]));
        assert_eq!(replaced["contentType"], "text/plain");
        assert_eq!(replaced["fileScanResult"], "NotApplicable");
        assert_eq!(replaced["tags"], json!(["viktig"]));
        assert_eq!(replaced["metadata"], json!([{ "key": "k", "value": "v" }]));
        assert_eq!(replaced["userDefinedMetadata"], json!([{ "key": null, "value": null }]));
        assert_eq!(replaced["isRead"], false);
        assert_eq!(replaced["created"], json!(described.created));
        let sending = world.sophie().put(format!("{element}?generatedFromTask=Task_1&refs={}", guid(6)));
        let replaced = sending.file("ny.pdf", "application/pdf", "z").send().await.expect(200).json();
        assert_eq!(replaced["references"][0]["value"], "Task_1");
        assert_eq!(replaced["refs"], json!([guid(6)]));
        assert_eq!(replaced["filename"], "ny.pdf");
    }
}

/// The original had overwritten the old content by then.
#[tokio::test]
async fn empty_replacement_changes_nothing() {
    let _rows = covers("platform-storage", &["D33"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = world.user(1337, 1337, 3);
        let element = path(FORMS, &format!("data/{FORM}"));
        let content = client.get(&element).send().await.expect(200).text();
        let before = client.get(here(FORMS)).send().await.expect(200).text();
        for sending in [
            client.put(&element),
            client.put(&element).body("application/xml", ""),
            client.put(&element).multipart(&[("a", None, "application/xml", b"")]),
        ] {
            expect_text(&sending.send().await, 422, "Could not process attached file");
        }
        let no_part = client.put(&element).body("multipart/form-data; boundary=x", "--x--");
        expect_text(&no_part.send().await, 400, "No data found in request body");
        assert_eq!(client.get(&element).send().await.expect(200).text(), content);
        assert_eq!(client.get(here(FORMS)).send().await.expect(200).text(), before);
    }
}

#[tokio::test]
async fn owners_replacement_is_unread() {
    let _rows = covers("platform-storage", &["D34", "D77"]);
    let world = own::world(Default::default());
    for (number, before, is_other_read, after) in [
        (1, ReadStatus::Read, None, "Unread"),
        (2, ReadStatus::Read, Some(false), "Unread"),
        (3, ReadStatus::Read, Some(true), "Read"),
        (4, ReadStatus::UpdatedSinceLastReview, None, "UpdatedSinceLastReview"),
    ] {
        let mut seeded = instance(number);
        seeded.status.read_status = before;
        let (own, other) = (attachment(number, 1, 1), attachment(number, 2, 2));
        let mut seed = Seed::of(seeded).with(own.clone(), "x");
        if let Some(is_read) = is_other_read {
            seed = seed.with(DataElement { is_read, ..other }, "y");
        }
        world.server.seed(seed).await;
        let here = format!("{API}/instances/{}", instance(number).id);
        let element = format!("{here}/data/{}", own.id);
        let status = async || world.ttd().get(&here).send().await.expect(200).json()["status"]["readStatus"].clone();
        assert_eq!(xml(world.sophie().put(&element)).send().await.expect(200).json()["isRead"], true);
        assert_eq!(status().await, json!(before), "the user's own replacement leaves it");
        let replaced = xml(world.ttd().put(&element)).send().await.expect(200).json();
        assert_eq!(replaced["isRead"], false);
        assert_eq!(replaced["lastChangedBy"], number_of("ttd"));
        assert_eq!(status().await, after, "{number}");
    }
}

#[tokio::test]
async fn refusals_of_a_replacement_come_in_order() {
    let _rows = covers("platform-storage", &["D87"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let template = format!("1337/{SENSITIVE}").parse().expect("an id");
    let template = world.server.service.load(template).await.expect("the store answers").expect("a fixture").instance;
    let locked = |number, data_type: &str| DataElement {
        data_type: data_type.to_owned(),
        locked: true,
        ..attachment(1, number, 1)
    };
    let seed = Seed::of(Instance { id: InstanceId::new(template.id.party, guid(1)), ..template })
        .with(locked(1, "ukjent"), "x")
        .with(locked(2, "sensitive-data-write"), "x")
        .with(locked(3, "model"), "x");
    world.server.seed(seed).await;
    let element = |number: u128| format!("{API}/instances/1337/{}/data/{}", guid(1), guid(1000 + number));
    let undeclared = "Requested element type is not declared in application metadata";
    expect_text(&xml(client.put(element(1))).send().await, 400, undeclared);
    expect_empty(&xml(client.put(element(2))).send().await, 403);
    // A lock counts before the bytes are looked at.
    assert_eq!(client.put(element(3)).send().await.status, 409);
}

#[tokio::test]
async fn archived_instance_takes_what_its_policy_permits() {
    let world = own::world(Default::default());
    let seeded = Seed::of(own::archived(1, "2025-05-25T10:00:00Z")).with(attachment(1, 1, 1), "x");
    world.server.seed(seeded).await;
    let element = format!("{API}/instances/{}/data/{}", instance(1).id, attachment(1, 1, 1).id);
    expect_empty(&xml(world.sophie().put(&element)).send().await, 403);
    assert_eq!(xml(world.ttd().put(&element)).send().await.expect(200).json()["size"], XML.len());
    assert_eq!(world.ttd().get(&element).send().await.expect(200).text(), XML);
}
