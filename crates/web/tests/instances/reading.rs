//! GET instance: who may, what they see, and that it has then been read (app-api §3.4, §20.1, §21.1).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mottak_model::ReadStatus;
use mottak_service::Service;
use mottak_service::authentication::Caller;
use mottak_service::instances::read;
use mottak_testing::{covers, shared};
use mottak_testkit::{FaultyStore, Operation, TestServer};
use serde_json::{Value, json};

use crate::registers::Fragile;
use crate::world::*;

#[tokio::test]
async fn an_instance_is_read_as_it_was_made() {
    let _rows = covers("app-api", &["GET-01"]);
    let server = server();
    let user = server.user(1337);
    let created = instantiate(&user, 501_337).send().await.expect(201).json();
    let read = user.get(format!("{APP}/instances/{}", created["id"].as_str().unwrap())).send().await.expect(200);
    assert_eq!(read.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(read.header("cache-control"), Some("no-store, no-cache"));
    let read = read.json();
    assert_eq!(read, created);
    let party = &read["instanceOwner"]["party"];
    assert_eq!(
        (&party["partyTypeName"], &party["ssn"], &party["partyId"]),
        (&json!(1), &json!("01039012345"), &json!(501_337))
    );
    assert_eq!(read["data"][0]["fileScanResult"], "NotApplicable");
    assert_eq!(read["data"][0]["tags"], json!([]));
}

/// Every path of names in a document; the elements of lists count as one.
fn names(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}.{name}");
                names(member, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

#[tokio::test]
async fn answers_have_the_members_of_the_recorded_ones() {
    let Some(path) = shared("data/app-api/snapshots/instance-create-and-get.json") else {
        println!("skipped: the recorded answers are not here");
        return;
    };
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let server = server();
    let user = server.user(1337);
    let created = instantiate(&user, 501_337).send().await.expect(201).json();
    let read = user.get(format!("{APP}/instances/{}", created["id"].as_str().unwrap())).send().await.expect(200).json();
    for (recorded, answered) in [(&recorded["createdResponse"], created), (&recorded["readResponse"], read)] {
        let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
        names(recorded, "", &mut expected);
        names(&answered, "", &mut found);
        // Recorded of an app without presentation fields; empty lists were left out of the record.
        for absent in [".data[].tags", ".presentationTexts", ".presentationTexts.navn", ".dataValues"] {
            assert!(found.remove(absent), "{absent} is not in the answer");
        }
        assert_eq!(found, expected);
    }
    println!("2 recorded answers compared");
}

#[tokio::test]
async fn whoever_reads_has_read_but_for_the_owner_of_the_app() {
    let _rows = covers("app-api", &["GET-02", "GET-03"]);
    let server = server();
    let id = id(&instantiate(&server.ttd(), 501_337).send().await.expect(201));
    let path = format!("{APP}/instances/{id}");
    let status = async |client: &mottak_testkit::Client| {
        client.get(&path).send().await.expect(200).json()["status"]["readStatus"].clone()
    };
    assert_eq!(status(&server.ttd()).await, 0);
    assert_eq!(status(&server.ttd()).await, 0);
    // The first reader still sees it unread.
    assert_eq!(status(&server.user(1337)).await, 0);
    let read = server.ttd().get(&path).send().await.expect(200).json();
    assert_eq!(read["status"]["readStatus"], 1);
    assert_eq!(read["lastChangedBy"], "405003309");
    // Another owner of apps is a reader as anybody.
    let id = crate::world::id(&instantiate(&server.ttd(), 501_337).send().await.expect(201));
    server.owner("digdir", "991825827").get(format!("{APP}/instances/{id}")).send().await.expect(200);
    let read = server.ttd().get(format!("{APP}/instances/{id}")).send().await.expect(200).json();
    assert_eq!(read["status"]["readStatus"], 1);
}

#[tokio::test]
async fn what_is_not_there_and_what_one_may_not_read_look_alike() {
    let _rows = covers("app-api", &["GET-04", "GET-05"]);
    let server = TestServer::with_example_apps();
    let path = "/ttd/kulturstotte/instances";
    let created = server.user(1337).post(format!("{path}?instanceOwnerPartyId=501337")).send().await.expect(201);
    let id = id(&created);
    for path in [
        format!("{path}/{id}"),
        format!("{path}/501337/9edd53de-f46f-40a1-bb4d-3efb93dc113d"),
        format!("{path}/999999/9edd53de-f46f-40a1-bb4d-3efb93dc113d"),
    ] {
        assert_standard_problem(&server.user(1001).get(path).send().await, 403, "Forbidden");
    }
    server.anonymous().get(format!("{path}/{id}")).send().await.expect(401);
}

#[tokio::test]
async fn an_instance_is_found_under_its_own_app_and_party_alone() {
    let server = TestServer::builder().apps([app(), example("kulturstotte")]).build();
    let id = new_instance(&server).await;
    let guid = id.split('/').nth(1).unwrap();
    for client in [server.user(1337), server.ttd()] {
        client.get(format!("/ttd/kulturstotte/instances/{id}")).send().await.expect(403);
        client.get(format!("{APP}/instances/500000/{guid}")).send().await.expect(403);
        client.delete(format!("/ttd/kulturstotte/instances/{id}")).send().await.expect(403);
        client.post(format!("/ttd/kulturstotte/instances/{id}/complete")).send().await.expect(403);
    }
    let substatus = json!({ "label": "x" });
    let sending = server.ttd().put(format!("/ttd/kulturstotte/instances/{id}/substatus")).json(&substatus);
    sending.send().await.expect(404);
    let read = server.user(1337).get(format!("{APP}/instances/{id}")).send().await.expect(200).json();
    assert_eq!((&read["status"]["substatus"], &read["status"]["isSoftDeleted"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn elements_that_one_may_not_read_are_not_shown() {
    let _rows = covers("app-api", &["GET-06"]);
    let server = server();
    let user = server.user(1337);
    let parts: [(&str, Option<&str>, &str, &[u8]); 1] = [("notat", Some("a.pdf"), "application/pdf", PDF)];
    // Managing director of 500000, but not of themselves.
    for (party, expected) in [(501_337, vec!["skjema"]), (500_000, vec!["notat", "skjema"])] {
        let created = instantiate(&user, party).multipart(&parts).send().await.expect(201).json();
        let path = format!("{APP}/instances/{}", created["id"].as_str().unwrap());
        for body in [created, user.get(path).send().await.expect(200).json()] {
            let shown: Vec<_> =
                body["data"].as_array().unwrap().iter().map(|e| e["dataType"].as_str().unwrap()).collect();
            assert_eq!(shown, expected);
        }
    }
}

#[tokio::test]
async fn an_instance_that_has_ended_is_archived_and_locked() {
    let server = server();
    let user = server.user(1337);
    let id = new_instance(&server).await;
    let path = format!("{APP}/instances/{id}");
    for _ in 0..2 {
        user.put(format!("{path}/process/next")).send().await.expect(200);
    }
    let read = user.get(path).send().await.expect(200).json();
    assert!(read["process"]["ended"].is_string());
    assert_eq!((&read["process"]["endEvent"], &read["process"]["currentTask"]), (&json!("EndEvent_1"), &Value::Null));
    assert_eq!((&read["status"]["isArchived"], &read["data"][0]["locked"]), (&json!(true), &json!(true)));
    assert_eq!(read["status"]["archived"], read["process"]["ended"]);
}

#[tokio::test]
async fn a_path_that_names_no_instance_is_no_route() {
    let _rows = covers("app-api", &["GET-08"]);
    let server = server();
    for path in ["abc/not-a-guid", "501337/not-a-guid", "abc/9edd53de-f46f-40a1-bb4d-3efb93dc113d", "99999999999/x"] {
        let answer = server.user(1337).get(format!("{APP}/instances/{path}")).send().await.expect(404);
        assert!(answer.body.is_empty(), "{path}: {}", answer.text());
    }
    let other = server.user(1337).request("PUT".parse().unwrap(), format!("{APP}/instances")).send().await.expect(405);
    assert!(other.body.is_empty() && other.header("allow").is_some_and(|allow| allow.contains("POST")));
}

#[tokio::test]
async fn a_register_that_does_not_answer_is_named() {
    let _rows = covers("app-api", &["GET-10"]);
    let (register, is_silent) = Fragile::new();
    let server = TestServer::builder().apps([app()]).register(register).build();
    let id = new_instance(&server).await;
    is_silent.store(true, Ordering::Relaxed);
    let problem = server.user(1337).get(format!("{APP}/instances/{id}")).send().await.expect(503).json();
    assert_eq!(
        problem,
        json!({
            "title": "Register unavailable",
            "status": 503,
            "detail": "The register of parties did not answer."
        })
    );
}

#[tokio::test]
async fn ids_are_read_in_any_spelling() {
    let server = server();
    let id = new_instance(&server).await;
    let (party, guid) = id.split_once('/').unwrap();
    for guid in [guid.to_uppercase(), guid.replace('-', ""), format!("%7B{guid}%7D"), format!("({guid})")] {
        let path = format!("/TTD/OPPRETTELSE/Instances/{party}/{guid}/");
        let read = server.user(1337).get(path).send().await.expect(200).json();
        assert_eq!(read["id"], id);
        assert_eq!(read["selfLinks"]["apps"], format!("https://localhost/TTD/OPPRETTELSE/instances/{id}"));
    }
}

#[tokio::test]
async fn reading_works_when_it_cannot_be_noted() {
    let _rows = covers("app-api", &["GET-09"]);
    let server = server();
    let id = id(&instantiate(&server.ttd(), 501_337).send().await.expect(201));
    let writable = &server.service;
    let store = FaultyStore::new(Arc::clone(&writable.store));
    store.fail([Operation::Commit]);
    let read_only = Service::new(
        Arc::clone(&writable.apps),
        store,
        Arc::clone(&writable.register),
        Arc::clone(&writable.clock),
        Arc::clone(&writable.ids),
        writable.settings.clone(),
    );
    let claims = json!({
        "urn:altinn:userid": "1337",
        "urn:altinn:partyid": 501_337,
        "urn:altinn:authlevel": 2,
        "urn:altinn:authenticatemethod": "BankID",
    });
    let user = Caller::from_claims(claims.as_object().expect("claims")).expect("a user");
    let app = read_only.app("ttd", "opprettelse").expect("the app");
    let shown = read::read(&read_only, &user, &app, id.parse().expect("an id")).await.expect("it is read all the same");
    assert_eq!(shown.instance.id.to_string(), id);
    assert_eq!(shown.instance.status.read_status, ReadStatus::Unread);
}
