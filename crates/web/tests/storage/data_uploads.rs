//! New elements (platform-storage §2.4.1, §2.4.2).

use axum::body::Body;
use bytes::Bytes;
use mottak_model::ReadStatus;
use mottak_testing::covers;
use mottak_testkit::{Seed, Sending};
use serde_json::{Value, json};

use crate::data::{SENSITIVE, element_in, events_of, here, jobs_of, path};
use crate::own::{attachment, guid, instance};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_text, fixtures, number_of, own};

const UPLOADS: &str = "bc19107c-508f-48d9-bcd7-54ffec905306";
const XML: &str = "<skjema/>";

fn xml(sending: Sending) -> Sending {
    sending.body("application/xml; charset=utf-8", XML)
}

#[tokio::test]
async fn uploaded_element_is_answered_and_kept() {
    let _rows = covers("platform-storage", &["D01", "D80"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let mut claims = crate::user(1337, 1337, 3);
        claims["scope"] = json!("");
        for client in [world.server.with_claims(claims), world.user(1337, 1337, 3)] {
            let answer = xml(client.post(path(UPLOADS, "data?dataType=default"))).send().await.expect(201);
            let element = answer.json();
            let id = element["id"].as_str().expect("an id").to_owned();
            let link = format!("https://platform.example.no{}", path(UPLOADS, &format!("data/{id}")));
            assert_eq!(answer.header("location"), Some(link.as_str()));
            let changed = element["lastChanged"].clone();
            let expected = json!({
                "id": id,
                "instanceGuid": UPLOADS,
                "dataType": "default",
                "contentType": "application/xml; charset=utf-8",
                "blobStoragePath": format!("tdd/endring-av-navn/{UPLOADS}/data/{id}"),
                "selfLinks": { "platform": link },
                "size": XML.len(),
                "locked": false,
                "refs": [],
                "isRead": true,
                "tags": [],
                "fileScanResult": "NotApplicable",
                "created": "2025-09-01T08:00:00Z",
                "createdBy": "1337",
                "lastChanged": changed,
                "lastChangedBy": "1337",
            });
            assert_eq!(element, expected);
            let instance = client.get(here(UPLOADS)).send().await.expect(200).json();
            assert_eq!(instance["lastChanged"], changed);
            assert_eq!(instance["lastChangedBy"], "1337");
            let content = client.get(path(UPLOADS, &format!("data/{id}"))).send().await.expect(200);
            assert_eq!(content.text(), XML);
            assert_eq!(content.header("content-type"), Some("application/xml; charset=utf-8"));
            let last = events_of(&client, &here(UPLOADS)).await.pop().expect("an event");
            assert_eq!(last["eventType"], "Created");
            assert_eq!(last["dataId"], id);
            assert_eq!(last["user"], json!({ "userId": 1337, "authenticationLevel": 3 }));
        }
    }
}

#[tokio::test]
async fn upload_of_a_scanned_type_is_handed_to_the_scanner_once() {
    let _rows = covers("platform-storage", &["D02"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = world.user(1337, 1337, 3);
        let upload = client.post(path(UPLOADS, "data?dataType=default_with_fileScan"));
        let element = upload.file("a.txt", "text/plain", "tekst").send().await.expect(201).json();
        assert_eq!(element["fileScanResult"], "Pending");
        let expected = json!({
            "dataElementId": element["id"],
            "instanceId": format!("1337/{UPLOADS}"),
            "filename": "a.txt",
            "timestamp": "2025-09-01T08:00:00Z",
            "blobStoragePath": element["blobStoragePath"],
            "org": "tdd",
            "storageAccountNumber": null,
        });
        assert_eq!(jobs_of(&world.server, "file-scan").await, [expected]);
        xml(client.post(path(UPLOADS, "data?dataType=default"))).send().await.expect(201);
        assert_eq!(jobs_of(&world.server, "file-scan").await, [] as [Value; 0]);
    }
}

#[tokio::test]
async fn who_may_not_write_uploads_nothing() {
    let _rows = covers("platform-storage", &["D03", "D04"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let here = here("69c259d1-9c1f-4ab6-9d8b-5c210042dc4f");
    let data = format!("{here}/data?dataType=default");
    for client in [world.user(1, 1337, 3), world.user(3, 1337, 0), world.owner("digdir")] {
        expect_empty(&xml(client.post(&data)).send().await, 403);
    }
    expect_empty(&xml(world.server.anonymous().post(&data)).send().await, 401);
    let list = world.owner("tdd").get(format!("{here}/dataelements")).send().await.expect(200).json();
    assert_eq!(list, json!({ "dataElements": [] }));
}

#[tokio::test]
async fn sensitive_types_are_uploaded_with_their_own_action() {
    let rows = ["D05", "D06", "D07", "D08", "D09", "D10", "D11", "D12"];
    let _rows = covers("platform-storage", &rows);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
    for (data_type, users) in
        [("model", 201), ("sensitive-data-read", 201), ("sensitive-data-write", 403), ("sensitive-data-both", 403)]
    {
        let data = path(SENSITIVE, &format!("data/?dataType={data_type}"));
        assert_eq!(xml(ttd.post(&data)).send().await.expect(201).json()["isRead"], false);
        let answer = xml(user.post(&data)).send().await;
        match users {
            201 => assert_eq!(answer.expect(201).json()["isRead"], true),
            status => expect_empty(&answer, status),
        }
    }
}

#[tokio::test]
async fn empty_upload_leaves_nothing() {
    let _rows = covers("platform-storage", &["D13"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let client = world.user(1337, 1337, 3);
        let before = client.get(here(UPLOADS)).send().await.expect(200).text();
        let events = events_of(&client, &here(UPLOADS)).await;
        let data = path(UPLOADS, "data?dataType=default");
        let message = "Empty stream provided. Cannot persist data.";
        for sending in [
            client.post(&data),
            client.post(&data).body("application/xml", ""),
            client
                .post(&data)
                .multipart(&[("a", Some("a.xml"), "application/xml", b""), ("b", None, "text/plain", b"b")]),
        ] {
            expect_text(&sending.send().await, 400, message);
        }
        assert_eq!(client.get(here(UPLOADS)).send().await.expect(200).text(), before);
        assert_eq!(events_of(&client, &here(UPLOADS)).await, events);
    }
}

#[tokio::test]
async fn what_the_query_says_is_refused_in_order() {
    let _rows = covers("platform-storage", &["D14", "D15"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let undeclared = "Requested element type is not declared in application metadata";
    expect_text(&xml(client.post(path(UPLOADS, "data?dataType=ukjent"))).send().await, 400, undeclared);
    let missing = "Missing parameter values: instanceId, elementType or attached file content cannot be null";
    for query in ["", "?dataType=", "?datatyp=default"] {
        expect_text(&xml(client.post(path(UPLOADS, &format!("data{query}")))).send().await, 400, missing);
    }
    // References that are none come first of all, a caller who may not before a data type.
    let refs = path(UPLOADS, &format!("data?dataType=ukjent&refs={}&refs=abc", guid(1)));
    for client in [&client, &world.user(1, 1337, 3)] {
        expect_invalid(&xml(client.post(&refs)).send().await, &["refs"]);
    }
    expect_empty(&xml(world.user(1, 1337, 3).post(path(UPLOADS, "data"))).send().await, 403);
    // An unknown instance is one nobody may use; the sync adapter, whom the policy is not asked about, learns of it.
    let unknown = format!("1337/{}", guid(1));
    let data = format!("{API}/instances/{unknown}/data?dataType=default");
    expect_empty(&xml(client.post(&data)).send().await, 403);
    let sync = world.owner_with_scope("digdir", SYNC);
    let message = format!("Unable to find any instance with id: {unknown}.");
    expect_text(&xml(sync.post(&data)).send().await, 404, &message);
    // So is the instance of another party.
    expect_empty(&xml(client.post(format!("{API}/instances/1600/{UPLOADS}/data?dataType=default"))).send().await, 403);
}

#[tokio::test]
async fn sync_adapter_writes_without_being_asked_about_but_not_what_needs_an_action() {
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let sync = world.owner_with_scope("digdir", SYNC);
    let element = xml(sync.post(path(SENSITIVE, "data?dataType=model"))).send().await.expect(201).json();
    assert_eq!(element["createdBy"], number_of("digdir"));
    assert_eq!(element["isRead"], true);
    expect_empty(&xml(sync.post(path(SENSITIVE, "data?dataType=sensitive-data-write"))).send().await, 403);
}

#[tokio::test]
async fn first_part_of_a_multipart_body_is_the_content() {
    let _rows = covers("platform-storage", &["D16"]);
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let body = "preamble\r\n--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x.pdf\"; \
        filename*=UTF-8''bl%C3%A5b%C3%A6r%20%2B.pdf\r\nContent-Type: application/pdf; a=b\r\n\r\n%PDF\r\n\
        --x\r\nContent-Type: text/plain\r\n\r\nnot this\r\n--x--\r\nepilogue";
    for content_type in ["multipart/form-data; boundary=x", "Multipart/Mixed; boundary=\"x\""] {
        let sending = world.sophie().post(format!("{here}/data?dataType=vedlegg")).body(content_type, body);
        let element =
            sending.header("content-disposition", "attachment; filename=outer.pdf").send().await.expect(201).json();
        assert_eq!(element["filename"], "blåbær +.pdf");
        assert_eq!(element["contentType"], "application/pdf; a=b");
        assert_eq!(element["size"], 4);
        let content = world.sophie().get(format!("{here}/data/{}", element["id"].as_str().unwrap_or_default()));
        assert_eq!(content.send().await.expect(200).text(), "%PDF");
    }
}

#[tokio::test]
async fn multipart_bodies_that_hold_nothing_or_break_off_are_refused() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let post = |content_type: &str, body: &'static str| {
        world.sophie().post(format!("{here}/data?dataType=vedlegg")).body(content_type, body)
    };
    let nothing = "No data attachments found";
    expect_text(&post("multipart/form-data", "--x\r\n\r\na\r\n--x--").send().await, 400, nothing);
    expect_text(&post("multipart/form-data; boundary=x", "--x--\r\n").send().await, 400, nothing);
    for body in ["", "--x\r\n", "--x\r\n\r\na", "--x\r\n\r\na\r\n--x\r\n\r\nb"] {
        assert_eq!(post("multipart/form-data; boundary=x", body).send().await.status, 400, "{body}");
    }
    let list = world.ttd().get(format!("{here}/dataelements")).send().await.expect(200).json();
    assert_eq!(list, json!({ "dataElements": [] }));
}

#[tokio::test]
async fn file_names_are_decoded_once_and_made_safe() {
    let _rows = covers("platform-storage", &["D17", "D83"]);
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    for (disposition, filename) in [
        ("attachment; filename=\"kj%C3%B8leskap.pdf\"", json!("kjøleskap.pdf")),
        ("attachment; filename=\"a%2Fb.pdf\"", json!("a_b.pdf")),
        ("inline; filename=\"../b.pdf\"", json!(".._b.pdf")),
        ("attachment; filename=\"a%252Fb.pdf\"", json!("a%2Fb.pdf")),
        ("attachment; filename=\"c++.txt\"", json!("c++.txt")),
        ("attachment; filename=\"bl%C3%A5+b%C3%A6r.pdf\"", json!("blå bær.pdf")),
        ("attachment; filename=\"blåbær.pdf\"", json!("blåbær.pdf")),
        ("attachment", Value::Null),
        ("attachment; filename=two words.pdf", Value::Null),
    ] {
        let sending = world.sophie().post(format!("{here}/data?dataType=vedlegg")).body("application/pdf", "%PDF");
        let element = sending.header("content-disposition", disposition).send().await.expect(201).json();
        assert_eq!(element["filename"], filename, "{disposition}");
    }
}

#[tokio::test]
async fn references_are_kept_as_given() {
    let _rows = covers("platform-storage", &["D18", "D19"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1))).await;
        let here = format!("{API}/instances/{}", instance(1).id);
        let post = async |query: &str| {
            let sending = world.sophie().post(format!("{here}/data?dataType=vedlegg{query}"));
            let element = sending.body("application/pdf", "%PDF").send().await.expect(201).json();
            let id = element["id"].as_str().unwrap_or_default().to_owned();
            let mut stored = element_in(&world.ttd(), &here, &id).await;
            stored["selfLinks"] = element["selfLinks"].clone();
            assert_eq!(stored, element);
            element
        };
        let element = post(&format!("&generatedFromTask=Task_1&refs={}&refs={}", guid(7), guid(8).simple())).await;
        assert_eq!(element["refs"], json!([guid(7), guid(8)]));
        let generated = json!([{ "value": "Task_1", "relation": "GeneratedFrom", "valueType": "Task" }]);
        assert_eq!(element["references"], generated);
        let element = post("").await;
        assert_eq!(element["refs"], json!([]));
        assert_eq!(element.get("references"), None);
    }
}

#[tokio::test]
async fn owners_upload_makes_what_was_read_updated() {
    let _rows = covers("platform-storage", &["D76"]);
    let world = own::world(Default::default());
    for (number, before, after) in [
        (1, ReadStatus::Read, "UpdatedSinceLastReview"),
        (2, ReadStatus::Unread, "Unread"),
        (3, ReadStatus::UpdatedSinceLastReview, "UpdatedSinceLastReview"),
    ] {
        let mut seeded = instance(number);
        seeded.status.read_status = before;
        world.server.seed(Seed::of(seeded)).await;
        let here = format!("{API}/instances/{}", instance(number).id);
        let data = format!("{here}/data?dataType=vedlegg");
        world.sophie().post(&data).body("application/pdf", "%PDF").send().await.expect(201);
        let status = async || world.ttd().get(&here).send().await.expect(200).json()["status"]["readStatus"].clone();
        assert_eq!(status().await, json!(before), "the user's own upload leaves it");
        let element = world.ttd().post(&data).body("application/pdf", "%PDF").send().await.expect(201).json();
        assert_eq!(element["isRead"], false);
        assert_eq!(element["createdBy"], number_of("ttd"));
        assert_eq!(status().await, after);
    }
}

#[tokio::test]
async fn upload_without_a_content_type_is_downloaded_as_bytes() {
    let _rows = covers("platform-storage", &["D82"]);
    let world = own::world(Default::default());
    let unparsable = mottak_model::DataElement { content_type: Some("\u{7}".to_owned()), ..attachment(1, 1, 1) };
    world.server.seed(Seed::of(instance(1)).with(unparsable.clone(), "x")).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let upload = world.sophie().post(format!("{here}/data?dataType=vedlegg")).bytes("bytes");
    let element = upload.send().await.expect(201).json();
    assert_eq!(element.get("contentType"), None);
    for (id, content) in [(element["id"].as_str().unwrap_or_default(), "bytes"), (&unparsable.id.to_string(), "x")] {
        let answer = world.sophie().get(format!("{here}/data/{id}")).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.text(), content);
    }
}

#[tokio::test]
async fn more_bytes_than_the_server_takes_are_refused_before_they_are_sent() {
    let world = own::world(Default::default());
    let seeded = Seed::of(instance(1)).with(attachment(1, 1, 1), "x");
    world.server.seed(seeded).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let id = attachment(1, 1, 1).id;
    for sending in
        [world.sophie().post(format!("{here}/data?dataType=vedlegg")), world.sophie().put(format!("{here}/data/{id}"))]
    {
        let sending = sending.body("application/pdf", "%PDF").header("content-length", "2097152001");
        assert_eq!(sending.send().await.status, 413);
    }
}

#[tokio::test]
async fn large_upload_in_pieces_is_stored_as_it_came() {
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1))).await;
        let here = format!("{API}/instances/{}", instance(1).id);
        let pieces: Vec<Bytes> = (0..40_u8).map(|piece| Bytes::from(vec![piece; 10_007])).collect();
        let whole = pieces.concat();
        let body = || {
            let pieces = pieces.clone().into_iter().map(Ok::<_, std::io::Error>);
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        let sending = world.sophie().post(format!("{here}/data?dataType=vedlegg"));
        let element = sending.chunked("application/pdf", body()).send().await.expect(201).json();
        assert_eq!(element["size"], whole.len());
        let path = format!("{here}/data/{}", element["id"].as_str().unwrap_or_default());
        assert!(world.ttd().get(&path).send().await.expect(200).body == whole);
        // One that breaks off leaves what was there.
        let broken = pieces.clone().into_iter().map(Ok).chain([Err(std::io::Error::other("gone"))]);
        let broken = Body::from_stream(futures_util::stream::iter(broken));
        assert_eq!(world.sophie().put(&path).chunked("application/pdf", broken).send().await.status, 400);
        assert!(world.ttd().get(&path).send().await.expect(200).body == whole);
    }
}

#[tokio::test]
async fn parallel_uploads_are_all_kept() {
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1))).await;
        let here = format!("{API}/instances/{}", instance(1).id);
        let uploads = (0..20).map(|number| {
            let sending = world.sophie().post(format!("{here}/data?dataType=vedlegg"));
            sending.file(&format!("{number}.pdf"), "application/pdf", format!("innhold {number}")).send()
        });
        for answer in futures_util::future::join_all(uploads).await {
            answer.expect(201);
        }
        let list = world.ttd().get(format!("{here}/dataelements")).send().await.expect(200).json();
        let mut names: Vec<_> =
            list["dataElements"].as_array().expect("elements").iter().map(|it| it["filename"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        names.dedup();
        assert_eq!(names.len(), 20);
        let created = events_of(&world.ttd(), &here).await;
        assert_eq!(created.iter().filter(|event| event["eventType"] == "Created").count(), 20);
    }
}

/// Within Storage, what was registered of an application counts over the folder it was loaded from.
#[tokio::test]
async fn data_types_are_those_of_the_registered_application() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let here = format!("{API}/instances/{}", instance(1).id);
    let upload = async |data_type: &str| {
        let sending = world.sophie().post(format!("{here}/data?dataType={data_type}"));
        sending.body("application/pdf", "%PDF").send().await
    };
    assert_eq!(upload("ny-type").await.status, 400);
    let application = json!({
        "id": "ttd/kulturstotte", "org": "ttd", "title": { "nb": "Kulturstøtte" },
        "dataTypes": [{ "id": "ny-type", "enableFileScan": true, "appLogic": { "autoDeleteOnProcessEnd": true } }],
    });
    let register = crate::studio(&world.server).post(format!("{API}/applications?appId=ttd/kulturstotte"));
    register.json(&application).send().await.expect(201);
    let element = upload("ny-type").await.expect(201).json();
    assert_eq!(element["fileScanResult"], "Pending");
    assert_eq!(upload("vedlegg").await.status, 400);
    let path = format!("{here}/data/{}", element["id"].as_str().unwrap_or_default());
    assert_eq!(world.sophie().get(&path).send().await.expect(200).text(), "%PDF");
    let replaced = world.sophie().put(&path).body("text/plain", "ny").send().await.expect(200).json();
    assert_eq!(replaced["fileScanResult"], "Pending");
    assert_eq!(jobs_of(&world.server, "file-scan").await.len(), 2);
    let marked = world.sophie().delete(format!("{path}?delay=true")).send().await.expect(200).json();
    assert_eq!(marked["deleteStatus"]["isHardDeleted"], true);
}
