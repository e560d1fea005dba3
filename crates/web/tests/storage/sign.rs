//! Signatures (platform-storage §2.6).

use mottak_testing::covers;
use mottak_testkit::{Answer, Client};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::data::{element_in, events_of};
use crate::fixtures::{self, SIGNING_SYSTEM_USER, World};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_text};

const INSTANCE: &str = "1916cd18-3b8e-46f8-aeaf-4bc3397ddd55";

fn here() -> String {
    format!("{API}/instances/1600/{INSTANCE}")
}

fn signer(world: &World) -> Client {
    world.user(10016, 1600, 2)
}

/// Puts an element there that can be signed.
async fn upload(world: &World, content: &[u8]) -> String {
    let sending = signer(world).post(format!("{}/data?dataType=vedlegg", here()));
    let element = sending.body("application/pdf", content.to_vec()).send().await.expect(201).json();
    element["id"].as_str().expect("an id").to_owned()
}

fn by_user(element: &str) -> Value {
    json!({
        "signatureDocumentDataType": "signatur",
        "generatedFromTask": "Task_1",
        "dataElementSignatures": [{ "dataElementId": element, "signed": true }],
        "signee": { "userId": "10016", "personNumber": "01039012345" },
    })
}

async fn sign(client: &Client, request: &Value) -> Answer {
    client.post(format!("{}/sign", here())).json(request).send().await
}

/// The documents that are kept, with their elements.
async fn documents(world: &World) -> Vec<(Value, Value)> {
    let client = signer(world);
    let list = client.get(format!("{}/dataelements", here())).send().await.expect(200).json();
    let mut documents = Vec::new();
    for element in list["dataElements"].as_array().expect("elements") {
        if element["dataType"] == "signatur" {
            let path = format!("{}/data/{}", here(), element["id"].as_str().expect("an id"));
            documents.push((element.clone(), client.get(path).send().await.expect(200).json()));
        }
    }
    documents
}

#[tokio::test]
async fn signature_is_kept_as_a_locked_document() {
    let _rows = covers("platform-storage", &["G01", "G07", "G10"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let long = vec![7_u8; 100_000];
        let (short, long_one) = (upload(&world, b"%PDF").await, upload(&world, &long).await);
        let mut request = by_user(&short);
        let listed = request["dataElementSignatures"].as_array_mut().expect("a list");
        listed.push(json!({ "dataElementId": long_one, "signed": false }));
        let answer = sign(&signer(&world), &request).await;
        expect_text(&answer, 201, "SignDocument is created");
        assert_eq!(answer.header("location"), None);

        let (element, document) = documents(&world).await.remove(0);
        let hash = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
        let expected = json!({
            "id": element["id"],
            "instanceGuid": INSTANCE,
            "signedTime": "2025-09-01T08:00:00Z",
            "signeeInfo":
                { "userId": "10016", "systemUserId": null, "personNumber": "01039012345", "organisationNumber": null },
            "dataElementSignatures": [
                { "dataElementId": short, "sha256Hash": hash(b"%PDF"), "signed": true },
                { "dataElementId": long_one, "sha256Hash": hash(&long), "signed": false },
            ],
        });
        assert_eq!(document, expected);
        let path = format!("{}/data/{}", here(), element["id"].as_str().expect("an id"));
        let text = signer(&world).get(path).send().await.expect(200);
        assert!(text.text().starts_with("{\n  \"id\": "), "{}", text.text());
        assert_eq!(element["size"], text.body.len());
        assert_eq!(element["filename"], "signatur.json");
        assert_eq!(element["contentType"], "application/json");
        assert_eq!(element["locked"], true);
        assert_eq!(element.get("refs"), None);
        assert_eq!(element["createdBy"], "10016");
        let generated = json!([{ "value": "Task_1", "relation": "GeneratedFrom", "valueType": "Task" }]);
        assert_eq!(element["references"], generated);

        let events = events_of(&signer(&world), &here()).await;
        let last = events.last().expect("an event");
        assert_eq!(last["eventType"], "Signed");
        assert_eq!(last["user"], json!({ "userId": 10016, "authenticationLevel": 2 }));
        assert_eq!(last.get("dataId"), None);
        assert!(!events.iter().any(|event| event["dataId"] == element["id"]), "none for the document itself");
        let instance = signer(&world).get(here()).send().await.expect(200).json();
        assert_eq!(instance["lastChanged"], element["lastChanged"]);
        assert_eq!(instance["lastChangedBy"], "10016");
    }
}

#[tokio::test]
async fn system_users_sign_too() {
    let _rows = covers("platform-storage", &["G02"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let element = upload(&world, b"%PDF").await;
    let mut request = by_user(&element);
    request["signee"] = json!({ "systemUserId": SIGNING_SYSTEM_USER, "organisationNumber": "310000124" });
    request["generatedFromTask"] = Value::Null;
    expect_text(&sign(&world.signing_system_user(), &request).await, 201, "SignDocument is created");
    let (element, document) = documents(&world).await.remove(0);
    assert_eq!(document["signeeInfo"]["systemUserId"], SIGNING_SYSTEM_USER);
    assert_eq!(document["signeeInfo"]["userId"], Value::Null);
    assert_eq!(element["createdBy"], "310000124");
    assert_eq!(element.get("references"), None);
}

#[tokio::test]
async fn who_may_not_sign_learns_nothing() {
    let _rows = covers("platform-storage", &["G03"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let element = upload(&world, b"%PDF").await;
    for client in [world.user(43, 12800, 2), world.user(10016, 1600, 1), world.owner_with_scope("ttd", SYNC)] {
        expect_empty(&sign(&client, &by_user(&element)).await, 403);
        expect_empty(&sign(&client, &json!({})).await, 403);
    }
    expect_empty(&sign(&world.server.anonymous(), &by_user(&element)).await, 401);
    let unknown = format!("{API}/instances/1600/{element}/sign");
    expect_empty(&signer(&world).post(unknown).json(&by_user(&element)).send().await, 403);
    assert_eq!(documents(&world).await, []);
}

/// Form P with a sentence.
#[track_caller]
fn expect_detail(answer: &Answer, status: u16, detail: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let body = answer.json();
    assert_eq!(body["status"], status);
    assert_eq!(body["detail"], detail);
    assert!(body["type"].is_string() && body["title"].is_string() && body["traceId"].is_string(), "{body}");
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused_in_order() {
    let _rows = covers("platform-storage", &["G04", "G05", "G06", "G11"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = signer(&world);
    let element = upload(&world, b"%PDF").await;
    let unknown = "11111111-1111-4111-8111-111111111111";
    let before = client.get(here()).send().await.expect(200).text();
    let events = events_of(&client, &here()).await;
    let with = |member: &str, value: Value| {
        let mut request = by_user(&element);
        request[member] = value;
        request
    };
    // Who signs comes before what is signed.
    let nobody = "The 'UserId' or 'SystemUserId' parameter must be defined for signee.";
    for signee in [Value::Null, json!({}), json!({ "userId": " ", "personNumber": "01039012345" })] {
        let mut request = with("signee", signee);
        request["signatureDocumentDataType"] = json!("ukjent");
        expect_detail(&sign(&client, &request).await, 400, nobody);
    }
    for list in [Value::Null, json!([{ "dataElementId": "x", "signed": true }]), json!([{ "signed": true }])] {
        assert_eq!(sign(&client, &with("dataElementSignatures", list)).await.status, 400);
    }
    for data_type in ["ukjent", "senere-signatur", ""] {
        let mut request = with("signatureDocumentDataType", json!(data_type));
        request["dataElementSignatures"][0]["dataElementId"] = json!(unknown);
        let detail = format!("DataType {data_type} is not declared in application metadata for app ttd/signing-app");
        expect_detail(&sign(&client, &request).await, 405, &detail);
    }
    let list = json!([{ "dataElementId": element, "signed": true }, { "dataElementId": unknown, "signed": true }]);
    let detail = format!("DataElement not found, dataElementId: {unknown}");
    expect_detail(&sign(&client, &with("dataElementSignatures", list)).await, 404, &detail);
    assert_eq!(client.get(here()).send().await.expect(200).text(), before);
    assert_eq!(events_of(&client, &here()).await, events);
}

#[tokio::test]
async fn signing_again_replaces_the_own_document_alone() {
    let _rows = covers("platform-storage", &["G08", "G09"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = signer(&world);
        let element = upload(&world, b"%PDF").await;
        // What is no document at all is nobody's and stays.
        let noise = client.post(format!("{}/data?dataType=signatur", here())).body("application/json", "{");
        let noise = noise.send().await.expect(201).json();
        expect_text(&sign(&client, &by_user(&element)).await, 201, "SignDocument is created");
        let first = newest(&client).await;
        let mut other = by_user(&element);
        other["signee"]["organisationNumber"] = json!("333123213");
        expect_text(&sign(&client, &other).await, 201, "SignDocument is created");
        let second = newest(&client).await;
        expect_text(&sign(&client, &by_user(&element)).await, 201, "SignDocument is created");
        let third = newest(&client).await;
        for (id, is_there) in [(&noise["id"], true), (&first, false), (&second, true), (&third, true)] {
            let found = element_in(&client, &here(), id.as_str().expect("an id")).await;
            assert_eq!(found != Value::Null, is_there);
        }
        let events = events_of(&client, &here()).await;
        let types: Vec<_> = events.iter().map(|event| event["eventType"].as_str().unwrap_or_default()).collect();
        assert_eq!(types[types.len() - 5..], ["Created", "Signed", "Signed", "Deleted", "Signed"]);
        assert_eq!(events[events.len() - 2]["dataId"], first);
    }
}

/// The id of the element that was added last.
async fn newest(client: &Client) -> Value {
    let list = client.get(format!("{}/dataelements", here())).send().await.expect(200).json();
    list["dataElements"].as_array().and_then(|elements| elements.last()).expect("an element")["id"].clone()
}
