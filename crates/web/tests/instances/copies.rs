//! New instances of earlier ones' data: `sourceInstanceId`, and the link of the message box (app-api §3.2, §3.3).

use std::path::Path;

use mottak_testing::covers;
use mottak_testkit::{Answer, Backing, Client, TestServer};
use serde_json::{Value, json};

use crate::world::*;

const FORM: &[u8] = "<Skjema><navn>Kjøleskap</navn><epost>kari@example.no</epost><antall>3</antall>\
    <adresse><gate>Storgata 1</gate><poststed>Bø</poststed></adresse><rader><tekst>én</tekst></rader></Skjema>"
    .as_bytes();

/// The app with these `copyInstanceSettings`.
fn copying(app: &Path, settings: Value) -> Variant {
    Variant::of(app, |metadata| metadata["copyInstanceSettings"] = settings)
}

/// An instance of user 1337 with a form and two files, handed in unless it is to stay in its first task.
async fn source(server: &TestServer, is_handed_in: bool) -> String {
    let large = vec![7; 100_000];
    let user = server.user(1337);
    let parts: [(&str, Option<&str>, &str, &[u8]); 4] = [
        ("skjema", None, "application/xml", FORM),
        ("vedlegg", Some("stor.bin"), "application/octet-stream", &large),
        ("bilde", Some("bilde.png"), "image/png", PNG),
        ("senere", Some("senere.png"), "image/png", PNG),
    ];
    let id = id(&instantiate(&user, 501_337).multipart(&parts).send().await.expect(201));
    if is_handed_in {
        for _ in 0..2 {
            user.put(format!("{APP}/instances/{id}/process/next")).send().await.expect(200);
        }
    }
    id
}

async fn create_from(client: &Client, party: &str, source: &str) -> Answer {
    let body = json!({ "instanceOwner": { "partyId": party }, "sourceInstanceId": source });
    client.post(format!("{APP}/instances/create")).json(&body).send().await
}

async fn follow_link(client: &Client, source: &str) -> Answer {
    client.get(format!("{APP}/legacy/instances/{source}/copy")).send().await
}

/// The instance that a link led to.
async fn led_to(client: &Client, answer: &Answer) -> Value {
    let location = answer.header("location").expect("a location");
    let id = location.strip_prefix("https://localhost/ttd/opprettelse/#/instance/").expect("the app's page");
    client.get(format!("{APP}/instances/{id}")).send().await.expect(200).json()
}

fn types(instance: &Value) -> Vec<&str> {
    instance["data"].as_array().expect("data").iter().filter_map(|element| element["dataType"].as_str()).collect()
}

#[tokio::test]
async fn a_copy_may_be_made_where_users_may_not_begin() {
    let _rows = covers("app-api", &["SIM-09"]);
    let closed = copying(&app(), json!({ "enabled": true }));
    let closed = closed.replacing(
        "config/applicationmetadata.json",
        "\"id\":\"ttd/",
        "\"disallowUserInstantiation\":true,\"id\":\"ttd/",
    );
    let server = closed.server_of(TestServer::builder().in_production());
    let parts: [(&str, Option<&str>, &str, &[u8]); 1] = [("skjema", None, "application/xml", FORM)];
    let source = id(&instantiate(&server.ttd(), 501_337).multipart(&parts).send().await.expect(201));
    let user = server.user(1337);
    for _ in 0..2 {
        user.put(format!("{APP}/instances/{source}/process/next")).send().await.expect(200);
    }
    instantiate(&user, 501_337).send().await.expect(403);
    let copy = create_from(&user, "501337", &source).await.expect(201);
    let copied = copy.json();
    assert_eq!(copy.header("location"), copied["selfLinks"]["apps"].as_str());
    assert_ne!(copied["id"], source);
    let form = form(&user, &copied).await;
    assert_eq!(
        (&form["navn"], &form["antall"], &form["rader"][0]["tekst"]),
        (&json!("Kjøleskap"), &json!(3), &json!("én"))
    );
    assert_eq!(copied["presentationTexts"]["navn"], "Kjøleskap");
    assert_eq!((&copied["status"]["isArchived"], &copied["data"][0]["locked"]), (&json!(false), &json!(false)));
    assert_eq!(copied["process"]["currentTask"]["elementId"], "Task_1");
}

#[tokio::test]
async fn copies_are_made_where_the_app_allows_them() {
    let _rows = covers("app-api", &["SIM-10", "CPY-01"]);
    for settings in [Value::Null, json!({ "enabled": false })] {
        let server = copying(&app(), settings).server();
        let source = source(&server, true).await;
        let expected =
            "Creating instance based on a copy from an archived instance is not enabled for this app.".to_owned();
        let answer = create_from(&server.user(1337), "501337", &source).await.expect(400);
        assert_eq!(sentence(&answer), expected);
        assert_eq!(follow_link(&server.user(1337), &source).await.expect(400).text(), expected);
        assert_eq!(stored(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_copy_is_of_the_same_owners_instance_that_was_handed_in() {
    let _rows = covers("app-api", &["SIM-11", "SIM-12", "CPY-04"]);
    let server = copying(&app(), json!({ "enabled": true })).server();
    let user = server.user(1337);
    let (done, open) = (source(&server, true).await, source(&server, false).await);
    let unknown = "501337/9edd53de-f46f-40a1-bb4d-3efb93dc113d";
    for (party, from, status, expected) in [
        ("500000", done.as_str(), 400, "It is not possible to copy instances between instance owners."),
        ("501337", "x", 400, "It is not possible to copy instances between instance owners."),
        ("501337", open.as_str(), 400, "It is not possible to copy an instance that isn't archived."),
        ("501337", "501337/x", 400, "Instantiation of appId ttd/opprettelse failed for party 501337"),
        ("501337", unknown, 500, "Retrieving source instance failed with status code NotFound"),
    ] {
        assert_eq!(sentence(&create_from(&user, party, from).await.expect(status)), expected);
    }
    let answer = follow_link(&user, &open).await.expect(400);
    assert_eq!(answer.text(), "The instance being copied must be archived.");
    assert_standard_problem(&follow_link(&user, unknown).await, 403, "Forbidden");
    assert_eq!(stored(&server).await.len(), 2);
}

#[tokio::test]
async fn only_users_follow_the_link() {
    let _rows = covers("app-api", &["CPY-02"]);
    let server = copying(&app(), json!({ "enabled": true })).server();
    let source = source(&server, true).await;
    for client in [server.ttd(), server.organisation("897069650"), server.system_user()] {
        assert!(follow_link(&client, &source).await.expect(403).body.is_empty());
    }
    follow_link(&server.anonymous(), &source).await.expect(401);
    assert_eq!(stored(&server).await.len(), 1);
}

#[tokio::test]
async fn whom_the_policy_does_not_let_read_may_not_copy() {
    let _rows = covers("app-api", &["CPY-03"]);
    let server = copying(&example("kulturstotte"), json!({ "enabled": true })).server();
    let path = "/ttd/kulturstotte";
    let created = server.user(1337).post(format!("{path}/instances?instanceOwnerPartyId=501337")).send().await;
    let link = format!("{path}/legacy/instances/{}/copy", id(&created.expect(201)));
    assert_standard_problem(&server.user(1001).get(link).send().await, 403, "Forbidden");
}

#[tokio::test]
async fn a_link_leads_to_a_copy_without_files() {
    let _rows = covers("app-api", &["CPY-07", "CPY-09"]);
    let server = copying(&app(), json!({ "enabled": true })).server();
    let user = server.user(1337);
    let source = source(&server, true).await;
    let answer = follow_link(&user, &source).await.expect(302);
    assert!(answer.body.is_empty());
    let copied = led_to(&user, &answer).await;
    assert_ne!(copied["id"], source);
    assert_eq!(types(&copied), ["skjema"]);
    assert_eq!((&copied["status"]["readStatus"], &copied["createdBy"]), (&json!(1), &json!("1337")));
    assert_eq!(form(&user, &copied).await["navn"], "Kjøleskap");
}

#[tokio::test]
async fn files_of_the_first_task_come_along_where_the_app_says_so() {
    let _rows = covers("app-api", &["CPY-08", "CPY-10"]);
    for (excluded, expected) in
        [(json!(null), vec!["skjema", "vedlegg", "bilde"]), (json!(["bilde"]), vec!["skjema", "vedlegg"])]
    {
        for backing in [Backing::Memory, Backing::Sqlite] {
            let settings = json!({ "enabled": true, "includeAttachments": true, "excludedDataTypes": excluded });
            let server = copying(&app(), settings).server_of(TestServer::builder().backing(backing));
            let user = server.user(1337);
            let source = source(&server, true).await;
            let copied = led_to(&user, &follow_link(&user, &source).await.expect(302)).await;
            assert_eq!(types(&copied), expected);
            let file = &copied["data"][1];
            assert_eq!(
                (&file["filename"], &file["contentType"]),
                (&json!("stor.bin"), &json!("application/octet-stream"))
            );
            let path = file["selfLinks"]["apps"].as_str().unwrap().trim_start_matches("https://localhost").to_owned();
            assert_eq!(user.get(path).send().await.expect(200).body, vec![7; 100_000]);
        }
    }
}

#[tokio::test]
async fn fields_that_are_not_to_come_along_are_empty_or_prefilled() {
    let _rows = covers("app-api", &["CPY-11"]);
    let fields = json!(["ANTALL", "adresse.gate", "epost", "rader", "finnes.ikke", "adresse.finnesikke"]);
    let server = copying(&app(), json!({ "enabled": true, "excludedDataFields": fields })).server();
    let user = server.user(1337);
    let source = source(&server, true).await;
    let copied = led_to(&user, &follow_link(&user, &source).await.expect(302)).await;
    let form = form(&user, &copied).await;
    assert_eq!((&form["navn"], &form["antall"], &form["rader"]), (&json!("Kjøleskap"), &Value::Null, &json!([])));
    assert_eq!(form["adresse"], json!({ "gate": null, "poststed": "Bø" }));
    // The prefill fills what was taken out.
    assert_eq!(form["epost"], "1337@altinnstudiotestusers.com");
    assert!(copied["dataValues"]["antall"].is_null());
}
