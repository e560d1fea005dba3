//! Instances that app backends make (platform-storage §2.1.3).

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::{API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_text, fixtures, number_of, own, owner, user};

const APP: &str = "tdd/endring-av-navn";

fn path(app: &str) -> String {
    format!("{API}/instances?appId={app}")
}

fn owned_by(party: Value) -> Value {
    json!({ "instanceOwner": { "partyId": party } })
}

#[tokio::test]
async fn users_and_owners_make_instances() {
    let _rows = covers("platform-storage", &["I10", "I11"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |_| false).await else { return };
        for (client, creator) in [(world.user(3, 1337, 3), "3"), (world.owner("tdd"), number_of("tdd"))] {
            let made = client.post(path(APP)).json(&owned_by(json!("1337"))).send().await.expect(201);
            let instance = made.json();
            let link =
                format!("https://platform.example.no{API}/instances/{}", instance["id"].as_str().expect("an id"));
            assert_eq!(instance["selfLinks"], json!({ "platform": link }));
            assert_eq!(made.header("location"), Some(link.as_str()));
            assert_eq!(instance["createdBy"], creator);
            assert_eq!(instance["lastChangedBy"], creator);
            assert_eq!(instance["appId"], APP);
            assert_eq!(instance["org"], "tdd");
            assert_eq!(instance["data"], json!([]));
            let status =
                json!({ "isArchived": false, "isSoftDeleted": false, "isHardDeleted": false, "readStatus": "Unread" });
            assert_eq!(instance["status"], status);
            assert_eq!(instance.get("process"), None);
            let here = link.strip_prefix("https://platform.example.no").expect("a link");
            assert_eq!(client.get(here).send().await.expect(200).json(), instance);
        }
    }
}

#[tokio::test]
async fn nobody_makes_instances_without_the_right_to() {
    let _rows = covers("platform-storage", &["I12", "I13", "I14"]);
    let Some(world) = fixtures::world_of(Default::default(), |_| false).await else { return };
    let sync = world.owner_with_scope("digdir", SYNC);
    for client in [world.user(-1, 1, 3), sync, world.user(3, 1337, 0), world.owner("ttd")] {
        expect_empty(&client.post(path(APP)).json(&owned_by(json!("1337"))).send().await, 403);
    }
    expect_empty(&world.server.anonymous().post(path(APP)).json(&owned_by(json!("1337"))).send().await, 401);
}

#[tokio::test]
async fn owner_and_app_are_named_and_known() {
    let _rows = covers("platform-storage", &["I15", "I16"]);
    const NO_PARTY: &str = "Cannot create an instance without an instanceOwner.PartyId.";
    let Some(world) = fixtures::world_of(Default::default(), |_| false).await else { return };
    let client = world.user(3, 1337, 3);
    let post = |app: &str, body: &Value| client.post(path(app)).json(body);
    for body in [json!({ "instanceOwner": {} }), owned_by(json!(" ")), owned_by(json!(null)), json!({})] {
        // The owner is looked at before the app.
        expect_text(&post("tdd/finnes-ikke", &body).send().await, 400, NO_PARTY);
    }
    expect_invalid(&post(APP, &owned_by(json!("abc"))).send().await, &["instanceOwner.partyId"]);
    expect_invalid(&post(APP, &owned_by(json!("99999999999"))).send().await, &["instanceOwner.partyId"]);
    let unknown = post("tdd/finnes-ikke", &owned_by(json!("1337"))).send().await;
    expect_text(&unknown, 404, "Did not find application with appId=tdd/finnes-ikke");
    for app in ["", "endring-av-navn"] {
        expect_invalid(&post(app, &owned_by(json!("1337"))).send().await, &["appId"]);
    }
    let without = client.post(format!("{API}/instances")).json(&owned_by(json!("1337"))).send().await;
    expect_invalid(&without, &["appId"]);
}

#[tokio::test]
async fn body_is_json_of_the_right_shape() {
    let Some(world) = fixtures::world_of(Default::default(), |_| false).await else { return };
    let client = world.user(3, 1337, 3);
    let other_kind = client.post(path(APP)).body("text/plain", "{}").send().await;
    assert_eq!(other_kind.status, 415);
    for (body, member) in [
        ("", ""),
        ("{", ""),
        ("null", ""),
        (r#"{"instanceOwner":{"partyId":"1337"},"dueBefore":"i morgen"}"#, "dueBefore"),
        (r#"{"instanceOwner":{"partyId":"1337"},"process":{"currentTask":{"flow":"to"}}}"#, "process.currentTask.flow"),
        (r#"{"instanceOwner":{"partyId":"1337"},"status":{"readStatus":"Kanskje"}}"#, "status.readStatus"),
    ] {
        let sent = client.post(path(APP)).body("application/json", body).send().await;
        expect_invalid(&sent, &[member]);
    }
    // As clients write it: any letter case, numbers for texts, comments.
    let lax = "{ // eier\n \"INSTANCEOWNER\": { \"PartyId\": 1337 }, \"Status\": { \"readstatus\": 1 } }";
    let made = client.post(path(APP)).body("application/json; charset=utf-8", lax).send().await.expect(201).json();
    assert_eq!(made["instanceOwner"], json!({ "partyId": "1337" }));
    assert_eq!(made["status"]["readStatus"], "Read");
}

#[tokio::test]
async fn what_is_sent_is_kept_and_nulls_are_dropped() {
    let _rows = covers("platform-storage", &["I17", "I18"]);
    let Some(sent) = mottak_testing::shared("data/storage/k6/instance.json") else {
        println!("skipped: the shared bodies of the end-to-end tests are not here");
        return;
    };
    let Some(world) = fixtures::world_of(Default::default(), |_| false).await else { return };
    let text = std::fs::read_to_string(sent).expect("a shared file");
    let mut body: Value = serde_json::from_str(&text).expect("JSON");
    body["instanceOwner"] = json!({
        "partyId": "1337", "username": "epost:a@b.no", "externalIdentifier": "urn:noe:1", "personNumber": null,
    });
    let made = world.user(3, 1337, 3).post(path(APP)).json(&body).send().await.expect(201).json();
    assert_eq!(made["process"]["currentTask"]["elementId"], "Task_1");
    assert_eq!(made["visibleAfter"], "2019-05-20T00:00:00Z");
    for absent in ["ended", "validated"] {
        assert_eq!(made["process"]["currentTask"].get(absent), None);
    }
    assert_eq!(made["process"].get("endEvent"), None);
    let owner = json!({ "partyId": "1337", "username": "epost:a@b.no", "externalIdentifier": "urn:noe:1" });
    assert_eq!(made["instanceOwner"], owner);
    let here = format!("{API}/instances/{}", made["id"].as_str().expect("an id"));
    assert_eq!(world.user(3, 1337, 3).get(here).send().await.expect(200).json(), made);
}

#[tokio::test]
async fn only_what_is_the_creators_to_say_counts() {
    let _rows = covers("platform-storage", &["I19", "I20"]);
    let Some(world) = fixtures::world_of(Default::default(), |_| false).await else { return };
    let body = json!({
        "id": "1337/46133fb5-a9f2-45d4-90b1-f6d93ad40713",
        "appId": "ttd/noe-annet",
        "org": "ttd",
        "instanceOwner": { "partyId": "1337" },
        "data": [{ "id": "46133fb5-a9f2-45d4-90b1-f6d93ad40713", "dataType": "default" }],
        "presentationTexts": { "a": "b" },
        "completeConfirmations": [{ "stakeholderId": "tdd", "confirmedOn": "2020-01-01T00:00:00Z" }],
        "created": "2020-01-01T00:00:00Z", "createdBy": "7",
        "lastChanged": "2020-01-01T00:00:00Z", "lastChangedBy": "7",
        "dataValues": { "nummer": 7, "tom": "", "ingen": null },
        "dueBefore": "2026-01-01T12:00:00+01:00",
        "status": { "isArchived": true, "archived": "2024-12-24T00:00:00Z", "isSoftDeleted": true },
        "process": { "ended": "2024-12-24T00:00:00Z" },
    });
    let made = world.user(3, 1337, 3).post(path(APP)).json(&body).send().await.expect(201).json();
    assert_ne!(made["id"], body["id"]);
    assert_eq!((made["appId"].as_str(), made["org"].as_str()), (Some(APP), Some("tdd")));
    assert_eq!(made["data"], json!([]));
    for absent in ["presentationTexts", "completeConfirmations"] {
        assert_eq!(made.get(absent), None, "{absent}");
    }
    let now = "2025-09-01T08:00:00Z";
    for (member, value) in [("created", now), ("lastChanged", now), ("visibleAfter", now), ("createdBy", "3")] {
        assert_eq!(made[member], value, "{member}");
    }
    assert_eq!(made["dataValues"], json!({ "nummer": "7", "tom": "" }));
    assert_eq!(made["dueBefore"], "2026-01-01T11:00:00Z");
    // The status is kept as sent.
    assert_eq!(made["status"]["archived"], "2024-12-24T00:00:00Z");
    assert_eq!(made["status"]["isSoftDeleted"], true);
    let open = json!({ "instanceOwner": { "partyId": "1337" }, "process": { "ended": "2024-12-24T00:00:00Z" } });
    let made = world.user(3, 1337, 3).post(path(APP)).json(&open).send().await.expect(201).json();
    assert_eq!(made["status"]["isArchived"], false, "an ended process alone archives nothing");
}

#[tokio::test]
async fn creation_is_the_first_event() {
    let _rows = covers("platform-storage", &["I21"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |_| false).await else { return };
        let client = world.user(3, 1337, 3);
        let made = client.post(path(APP)).json(&owned_by(json!("1337"))).send().await.expect(201).json();
        let here = format!("{API}/instances/{}/events", made["id"].as_str().expect("an id"));
        let events = client.get(here).send().await.expect(200).json()["instanceEvents"].clone();
        assert_eq!(events.as_array().map(Vec::len), Some(1));
        assert_eq!(events[0]["eventType"], "Created");
        assert_eq!(events[0]["user"], json!({ "userId": 3, "authenticationLevel": 3 }));
        assert_eq!(events[0]["instanceId"], made["id"]);
        assert_eq!(events[0]["instanceOwnerPartyId"], "1337");
    }
}

/// A person's number in a token, or who may do what in an app, decides nothing here: the policy of the app does.
#[tokio::test]
async fn policy_of_the_app_is_asked_about_the_owner_that_is_sent() {
    let world = own::world(Default::default());
    let of_another = owned_by(json!("510001"));
    let sent = world.sophie().post(path(own::GRANTS)).json(&of_another).send().await;
    expect_empty(&sent, 403);
    let made = world.sophie().post(path(own::GRANTS)).json(&owned_by(json!(own::SOPHIES_PARTY))).send().await;
    made.expect(201);
    let mut nobody = user(7, 8, 3);
    nobody["scope"] = json!("altinn:instances.write");
    let nobody = world.server.with_claims(nobody).post(path(own::GRANTS)).json(&of_another).send().await;
    expect_empty(&nobody, 403);
    let ttd = world.server.with_claims(owner("ttd", "")).post(path(own::GRANTS)).json(&of_another).send().await;
    ttd.expect(201);
}
