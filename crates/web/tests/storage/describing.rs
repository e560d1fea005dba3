//! What is said about an instance: read status, substatus, presentation texts, data values
//! (platform-storage §2.1.6–2.1.8).

use mottak_testing::covers;
use mottak_testkit::{Answer, Client, Seed};
use serde_json::{Value, json};

use crate::own::{attachment, instance};
use crate::{
    API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_status, expect_text, fixtures, number_of, own, rights,
};

const UNKNOWN: &str = "824e8304-ad9e-4d79-ac75-bcfa72132230";

fn path(guid: &str, what: &str) -> String {
    format!("{API}/instances/1337/{guid}/{what}")
}

#[tokio::test]
async fn read_status_is_set_and_nothing_else_changes() {
    let _rows = covers("platform-storage", &["S05", "S06", "S08"]);
    for backing in BACKINGS {
        let wanted = ["824e8304-ad9e-4d79-ac75-bcfa7213223b", "d9a586ca-17ab-453d-9fc5-35eaadb3369b"];
        let Some(world) = fixtures::world_of(backing, |guid| wanted.contains(&guid)).await else { return };
        let client = world.user(3, 1337, 2);
        for (guid, status, kept) in [
            (wanted[0], "Read", "Read"),
            (wanted[1], "Unread", "Unread"),
            (wanted[1], "UpdatedSinceLastReview", "UpdatedSinceLastReview"),
            (wanted[1], "read", "Read"),
            (wanted[1], "2", "UpdatedSinceLastReview"),
        ] {
            let here = format!("{API}/instances/1337/{guid}");
            let mut before = client.get(&here).send().await.expect(200).json();
            let changed = client.put(format!("{here}/readstatus?status={status}")).send().await.expect(200).json();
            before["status"]["readStatus"] = json!(kept);
            assert_eq!(changed, before, "{status}");
            assert_eq!(client.get(&here).send().await.expect(200).json(), before);
            let events = client.get(format!("{here}/events")).send().await.expect(200).json();
            assert_eq!(events["instanceEvents"], json!([]));
        }
    }
}

#[tokio::test]
async fn read_status_that_is_none_is_refused() {
    let _rows = covers("platform-storage", &["S07"]);
    let guid = "824e8304-ad9e-4d79-ac75-bcfa7213223b";
    let Some(world) = fixtures::world_of(Default::default(), |it| it == guid).await else { return };
    let put = |client: Client, guid: &str, status: &str| {
        client.put(path(guid, &format!("readstatus?status={status}"))).send()
    };
    for status in ["Invalid", "3", "-1", ""] {
        let text =
            format!("Invalid read status: {status}. Accepted types include: Unread, Read, UpdatedSinceLastReview");
        expect_text(&put(world.user(3, 1337, 2), guid, status).await, 400, &text);
        // The policy is asked first, and the instance looked for last.
        expect_empty(&put(world.user(1, 1, 3), guid, status).await, 403);
        expect_text(&put(world.owner_with_scope("digdir", SYNC), UNKNOWN, status).await, 400, &text);
    }
    expect_empty(&put(world.user(3, 1337, 2), UNKNOWN, "Read").await, 403);
    expect_status(&put(world.owner_with_scope("digdir", SYNC), UNKNOWN, "Read").await, 404);
    expect_status(&put(world.owner_with_scope("digdir", SYNC), guid, "Read").await, 200);
}

#[tokio::test]
async fn read_status_it_already_has_is_not_written() {
    let _rows = covers("platform-storage", &["S31"]);
    let world = own::world(Default::default());
    let id = world.server.seed(Seed::of(instance(1))).await.id;
    let version = async || world.server.service.store.load(id).await.expect("a load").expect("it is there").version;
    let before = version().await;
    world.sophie().put(format!("{API}/instances/{id}/readstatus?status=Unread")).send().await.expect(200);
    assert_eq!(version().await, before);
    world.sophie().put(format!("{API}/instances/{id}/readstatus?status=Read")).send().await.expect(200);
    assert_ne!(version().await, before);
}

#[tokio::test]
async fn owner_sets_the_substatus_as_a_whole() {
    let _rows = covers("platform-storage", &["S09", "S10"]);
    for backing in BACKINGS {
        let (open, described) = ("20475edd-dc38-4ae0-bd64-1b20643f506c", "67f568ce-f114-48e7-ba12-dd422f73667a");
        let Some(world) = fixtures::world_of(backing, |guid| guid == open || guid == described).await else { return };
        let tdd = world.owner("tdd");
        for (guid, sent, kept) in [
            (open, json!({ "label": "a", "description": "b" }), json!({ "label": "a", "description": "b" })),
            (described, json!({ "Label": "c" }), json!({ "label": "c", "description": null })),
        ] {
            let changed = tdd.put(path(guid, "substatus")).json(&sent).send().await.expect(200).json();
            assert_eq!(changed["status"]["substatus"], kept);
            assert_eq!(changed["lastChangedBy"], number_of("tdd"));
            assert_eq!(changed["lastChanged"].as_str().map(|text| &text[..10]), Some("2025-09-01"));
            assert!(changed["selfLinks"]["platform"].is_string());
            assert_eq!(tdd.get(path(guid, "")).send().await.expect(200).json(), changed);
            let events = tdd.get(path(guid, "events")).send().await.expect(200).json();
            assert_eq!(events["instanceEvents"][0]["eventType"], "SubstatusUpdated");
        }
    }
}

#[tokio::test]
async fn substatus_is_the_owners_and_has_a_label() {
    let _rows = covers("platform-storage", &["S11", "S12", "S29"]);
    let guid = "20475edd-dc38-4ae0-bd64-1b20643f506c";
    let Some(world) = fixtures::world_of(Default::default(), |it| it == guid).await else { return };
    let put = |client: &Client, body: &Value| client.put(path(guid, "substatus")).json(body).send();
    let good = json!({ "label": "a" });
    let sync = world.owner_with_scope("digdir", SYNC);
    for client in [&world.user(3, 1337, 3), &world.owner("ttd"), &sync] {
        expect_empty(&put(client, &good).await, 403);
    }
    for client in [world.owner("tdd"), world.owner("ttd"), world.user(3, 1337, 3)] {
        for (body, sent) in [
            (json!({ "description": "b" }), r#"{"label":null,"description":"b"}"#),
            (json!({ "label": "" }), r#"{"label":"","description":null}"#),
            (json!(null), "null"),
        ] {
            let text = format!("Invalid sub status: {sent}. Substatus must be defined and include a label.");
            expect_text(&put(&client, &body).await, 400, &text);
        }
    }
    expect_invalid(&put(&world.owner("tdd"), &json!({ "label": {} })).await, &["label"]);
    let other_kind = world.owner("tdd").put(path(guid, "substatus")).body("text/plain", "{}").send().await;
    expect_status(&other_kind, 415);
}

/// The two kinds of texts: path, member of the request, member of the instance, name in the refusal.
const KINDS: [(&str, &str, &str); 2] =
    [("presentationtexts", "texts", "presentationTexts"), ("datavalues", "values", "dataValues")];

#[tokio::test]
async fn texts_and_values_are_merged() {
    let _rows = covers("platform-storage", &["S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22"]);
    let wanted = ["20a1353e-91cf-44d6-8ff7-f68993638ffe", "377efa97-80ee-4cc6-8d48-09de12cc273d"];
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |guid| wanted.contains(&guid)).await else { return };
        let client = world.user(3, 1337, 3);
        for (what, member, kept) in KINDS {
            let (with_some, with_none) = (wanted[0], wanted[1]);
            for (guid, sent, expected) in [
                (with_none, json!({ "key1": "a", "key2": "b" }), json!({ "key1": "a", "key2": "b" })),
                (with_some, json!({ "key1": "new" }), json!({ "key1": "new", "key2": "value2" })),
                (with_some, json!({ "key1": null }), json!({ "key2": "value2" })),
                (with_some, json!({ "key3": "c", "Key2": "d" }), json!({ "Key2": "d", "key2": "value2", "key3": "c" })),
                (with_some, json!({ "Key2": "", "key3": "", "unknown": "" }), json!({ "key2": "value2" })),
                (with_some, json!({}), json!({ "key2": "value2" })),
            ] {
                let before = client.get(path(guid, "")).send().await.expect(200).json();
                let changed =
                    client.put(path(guid, what)).json(&json!({ member: sent })).send().await.expect(200).json();
                assert_eq!(changed[kept], expected, "{what} {sent}");
                assert_eq!(changed.get("selfLinks"), None);
                let after = client.get(path(guid, "")).send().await.expect(200).json();
                assert_eq!(after[kept], expected, "{what} {sent}, read again");
                for same in ["lastChanged", "lastChangedBy", "status", "process"] {
                    assert_eq!(after[same], before[same], "{same}");
                }
            }
            let events = client.get(path(with_some, "events")).send().await.expect(200).json();
            assert_eq!(events["instanceEvents"], json!([]));
            for body in [json!(null), json!({ member: null }), json!({ "noe": {} })] {
                let refused = client.put(path(with_some, what)).json(&body).send().await;
                expect_text(&refused, 400, &format!("Missing parameter value: {kept} is misformed or empty"));
            }
            let empty = client.put(path(with_some, what)).body("application/json", "").send().await;
            expect_invalid(&empty, &[""]);
        }
    }
}

#[tokio::test]
async fn answer_holds_the_elements() {
    let world = own::world(Default::default());
    let element = attachment(1, 1, 4);
    world.server.seed(Seed::of(instance(1)).with(element.clone(), "a")).await;
    for (what, member, _) in KINDS {
        let sent = world.sophie().put(format!("{API}/instances/{}/{what}", instance(1).id));
        let changed = sent.json(&json!({ member: { "a": "b" } })).send().await.expect(200).json();
        assert_eq!(changed["data"][0]["id"], element.id.to_string());
        assert_eq!(changed["data"][0].get("selfLinks"), None);
    }
}

#[tokio::test]
async fn sync_adapter_sets_values_but_no_texts() {
    let _rows = covers("platform-storage", &["S23", "S24"]);
    let guid = "377efa97-80ee-4cc6-8d48-09de12cc273d";
    let Some(world) = fixtures::world_of(Default::default(), |it| it == guid).await else { return };
    let sync = world.owner_with_scope("digdir", SYNC);
    let values = sync.put(path(guid, "datavalues")).json(&json!({ "values": { "dialog.id": "7" } })).send().await;
    assert_eq!(values.expect(200).json()["dataValues"], json!({ "dialog.id": "7" }));
    expect_empty(&sync.put(path(guid, "presentationtexts")).json(&json!({ "texts": {} })).send().await, 403);
}

async fn put_both(client: &Client, id: &str) -> [Answer; 2] {
    let put = async |what: &str, member: &str| {
        let body = json!({ member: { "a": "b" } });
        client.put(format!("{API}/instances/{id}/{what}")).json(&body).send().await
    };
    [put(KINDS[0].0, KINDS[0].1).await, put(KINDS[1].0, KINDS[1].1).await]
}

#[tokio::test]
async fn actions_of_the_current_task_or_reject_are_needed() {
    let _rows = covers("platform-storage", &["S25", "S26"]);
    let server = rights::server();
    let client = server.user(own::SOPHIE);
    let mut number = 0;
    for (action, task_type, is_permitted) in [
        ("write", "data", true),
        ("reject", "data", true),
        ("confirm", "data", false),
        ("sign", "signing", true),
        ("write", "signing", true),
        ("confirm", "signing", false),
        ("confirm", "confirmation", true),
        ("write", "confirmation", false),
        ("pay", "payment", true),
        ("reject", "payment", true),
        ("vurdering", "vurdering", true),
        ("write", "vurdering", false),
    ] {
        number += 1;
        let standing = rights::seed(&server, number, Some(rights::only(action, Some(task_type)))).await;
        for answer in put_both(&client, &standing.id.to_string()).await {
            expect_status(&answer, if is_permitted { 200 } else { 403 });
            if !is_permitted {
                expect_empty(&answer, 403);
            }
        }
    }
}

#[tokio::test]
async fn without_a_task_write_is_needed() {
    let _rows = covers("platform-storage", &["S27"]);
    let server = rights::server();
    let mut ended = rights::only("write", Some("data"));
    ended.current_task = None;
    ended.ended = Some(own::time("2025-05-21T00:00:00Z"));
    for (number, process) in [(1, None), (2, Some(ended))] {
        let id = rights::seed(&server, number, process).await.id.to_string();
        for answer in put_both(&server.ttd(), &id).await {
            expect_status(&answer, 200);
        }
        for answer in put_both(&server.user(own::SOPHIE), &id).await {
            expect_empty(&answer, 403);
        }
    }
}

#[tokio::test]
async fn unknown_instance_is_404_to_everybody() {
    let _rows = covers("platform-storage", &["S28"]);
    let Some(world) = fixtures::world_of(Default::default(), |it| it.starts_with("377efa97")).await else { return };
    let of_another_party = "1338/377efa97-80ee-4cc6-8d48-09de12cc273d";
    for client in
        [world.user(3, 1337, 3), world.owner("tdd"), world.owner("ttd"), world.owner_with_scope("digdir", SYNC)]
    {
        for id in [of_another_party.to_owned(), format!("1337/{UNKNOWN}")] {
            for (what, body) in [
                ("substatus", json!({ "label": "a" })),
                ("presentationtexts", json!({ "texts": {} })),
                ("datavalues", json!({ "values": {} })),
            ] {
                let sent = client.put(format!("{API}/instances/{id}/{what}")).json(&body).send().await;
                let guid = id.split('/').next_back().unwrap_or_default();
                expect_text(&sent, 404, &format!("Unable to find instance {guid}"));
            }
        }
    }
}
