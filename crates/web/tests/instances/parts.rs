//! POST instances with data: multipart bodies, what is taken of them and what is refused (app-api §3.1 steps 2–18).

use axum::body::Body;
use bytes::Bytes;
use mottak_testing::covers;
use mottak_testkit::{Answer, Backing, Client, TestServer};
use serde_json::json;

use crate::world::*;

const FORM: &[u8] = "<Skjema><navn>Kjøleskap</navn><antall>3</antall></Skjema>".as_bytes();
const MULTIPART: &str = "multipart/form-data; boundary=b";

/// A part: name, file name, content type, bytes.
type Part<'a> = (&'a str, Option<&'a str>, &'a str, &'a [u8]);

/// POST instances for party 501337 with these parts.
async fn post(client: &Client, parts: &[Part<'_>]) -> Answer {
    instantiate(client, 501_337).multipart(parts).send().await
}

/// POST instances for party 501337 with a body as it is, between boundaries `b`.
async fn post_raw(client: &Client, body: impl Into<Bytes>) -> Answer {
    instantiate(client, 501_337).body(MULTIPART, body).send().await
}

/// A server that keeps what it is told in SQLite.
fn durable_server() -> TestServer {
    TestServer::builder().apps([app()]).backing(Backing::Sqlite).build()
}

#[tokio::test]
async fn every_part_becomes_an_element() {
    let _rows = covers("app-api", &["INS-08", "INS-21"]);
    for server in [server(), durable_server()] {
        let user = server.user(1337);
        let parts: [Part<'_>; 3] = [
            (GUID_TYPE, Some("vedlegg.pdf"), "application/pdf", PDF),
            ("skjema", None, "application/xml", FORM),
            ("bilde", Some("bilde.png"), "image/png", PNG),
        ];
        let created = post(&user, &parts).await.expect(201).json();
        let data = created["data"].as_array().unwrap();
        let seen: Vec<_> = data.iter().map(|e| (&e["dataType"], &e["filename"], &e["contentType"])).collect();
        assert_eq!(
            seen,
            [
                (&json!(GUID_TYPE), &json!("vedlegg.pdf"), &json!("application/pdf")),
                (&json!("skjema"), &json!(null), &json!("application/xml")),
                (&json!("bilde"), &json!("bilde.png"), &json!("image/png")),
            ]
        );
        for (element, (_, _, content_type, bytes)) in data.iter().zip(parts).filter(|(e, _)| e["dataType"] != "skjema")
        {
            let id = (created["id"].as_str().unwrap(), element["id"].as_str().unwrap());
            let read = user.get(format!("{APP}/instances/{}/data/{}", id.0, id.1)).send().await.expect(200);
            assert_eq!(read.body, bytes);
            assert_eq!(read.header("content-type"), Some(content_type));
            assert_eq!(element["size"], bytes.len());
        }
        let form = form(&user, &created).await;
        assert_eq!((&form["navn"], &form["antall"]), (&json!("Kjøleskap"), &json!(3)));
        assert_eq!(
            (&created["presentationTexts"]["navn"], &created["dataValues"]["antall"]),
            (&json!("Kjøleskap"), &json!("3"))
        );
    }
}

#[tokio::test]
async fn the_template_may_be_anywhere_among_the_parts() {
    let _rows = covers("app-api", &["INS-05"]);
    let server = server();
    let template = json!({ "instanceOwner": { "PartyId": "501337" } }).to_string();
    let instance: Part<'_> = ("instance", None, "application/json; charset=utf-8", template.as_bytes());
    let form: Part<'_> = ("skjema", None, "application/xml", FORM);
    for parts in [vec![instance, form], vec![form, instance], vec![instance]] {
        let sending = server.user(1337).post(format!("{APP}/instances")).multipart(&parts);
        assert_eq!(sending.send().await.expect(201).json()["instanceOwner"]["partyId"], "501337");
    }
    let mixed =
        format!("--b\r\nContent-Disposition: attachment\r\nContent-Type: application/json\r\n\r\n{template}\r\n--b--");
    let sending = server.user(1337).post(format!("{APP}/instances")).body("multipart/mixed; boundary=\"b\"", mixed);
    sending.send().await.expect(201);
}

#[tokio::test]
async fn a_template_that_is_not_json_is_passed_over() {
    let _rows = covers("app-api", &["INS-40"]);
    let server = server();
    let text: Part<'_> = ("instance", None, "text/plain", b"hverken fugl eller fisk");
    let empty: Part<'_> = ("instance", None, "application/json", b"");
    let notification: Part<'_> = ("notification", None, "application/json", b"{\"language\":\"nb\"}");
    for parts in [vec![text], vec![empty], vec![notification], vec![text, notification]] {
        post(&server.user(1337), &parts).await.expect(201);
    }
}

#[tokio::test]
async fn parts_are_held_against_the_data_types() {
    let _rows = covers("app-api", &["INS-09", "INS-10", "INS-11", "INS-12", "INS-13"]);
    let large = vec![b'x'; 1024 * 1024 + 1];
    let json = "application/json; charset=utf-8";
    let cases: [(&[Part<'_>], &str); 9] = [
        (
            &[("wrongName", None, "application/pdf", PDF)],
            "Multipart section named, 'wrongName' does not correspond to an element type in application metadata",
        ),
        (
            &[("skjema", None, json, b"{}")],
            "The multipart section named skjema has a Content-Type 'application/json; charset=utf-8' which is invalid \
             for element type 'skjema'",
        ),
        (
            &[("bilde", Some("a.png"), "Image/PNG", PNG)],
            "The multipart section named bilde has a Content-Type 'Image/PNG' which is invalid for element type 'bilde'",
        ),
        (
            &[("vedlegg", Some("tom.pdf"), "application/pdf", b"")],
            "The multipart section named vedlegg has no data. Cannot process empty part.",
        ),
        (
            &[("bilde", Some("stor.png"), "image/png", &large)],
            "The multipart section named bilde exceeds the size limit of element type 'bilde'",
        ),
        (
            &[("bilde", Some("a.png"), "image/png", PNG), ("bilde", Some("b.png"), "image/png", PNG)],
            "The list of parts contains more elements of type 'bilde' than the element type allows.",
        ),
        // The first part that is wrong is the one that is named.
        (
            &[("vedlegg", None, "application/pdf", PDF), ("bilde", None, "text/plain", PNG), ("feil", None, json, PDF)],
            "The multipart section named bilde has a Content-Type 'text/plain' which is invalid for element type 'bilde'",
        ),
        (
            &[("instance", None, json, b"null"), ("instance", None, "text/plain", b"{}")],
            "Unexpected Content-Type 'text/plain' of embedded instance template. Expecting 'application/json'",
        ),
        (
            &[("instance", None, json, b"null"), ("instance", None, json, b"{}")],
            "Multipart section named, 'instance' does not correspond to an element type in application metadata",
        ),
    ];
    let server = durable_server();
    for (parts, message) in cases {
        let answer = post(&server.user(1337), parts).await.expect(400);
        assert_eq!(sentence(&answer), format!("Error when comparing content to application metadata: {message}"));
        assert_nothing(&stored(&server).await);
    }
}

#[tokio::test]
async fn every_part_says_what_it_is() {
    let _rows = covers("app-api", &["INS-14", "INS-15"]);
    let server = server();
    let disposition = "Content-Disposition: form-data; name=\"vedlegg\"";
    let content_type = "Content-Type: application/pdf";
    for (body, detail) in [
        (format!("--b\r\n{disposition}\r\n\r\nx\r\n--b--"), "Part number 1 doesn't have a content type"),
        (format!("--b\r\n{content_type}\r\n\r\nx\r\n--b--"), "Part number 1 doesn't have a content disposition"),
        (
            format!(
                "--b\r\n{disposition}\r\n{content_type}\r\n\r\nx\r\n--b\r\n{disposition}\r\n\r\nx\r\n--b\r\n\r\nx\r\n--b--"
            ),
            "Part number 2 doesn't have a content type, Part number 3 doesn't have a content disposition",
        ),
    ] {
        let problem = post_raw(&server.user(1337), body).await.expect(400).json();
        assert_eq!(problem, json!({ "title": "Error reading request", "status": 400, "detail": detail }));
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_leaves_no_instance() {
    let _rows = covers("app-api", &["INS-16", "INS-17", "INS-18", "INS-19"]);
    let large = vec![7; 100_000];
    let server = durable_server();
    for (form, detail) in [
        ("INVALID XML", "There is an error in XML document (1, 1)."),
        ("<Skjema><navn>Kari</navn>", "Skjema"),
        ("<WrongRoot/>", "<WrongRoot xmlns=''> was not expected."),
        ("<Skjema><godkjent>kanskje</godkjent></Skjema>", "is not a valid Boolean value."),
    ] {
        // What comes before the form is staged already when the form is read.
        let parts: [Part<'_>; 2] = [
            ("vedlegg", Some("a.bin"), "application/octet-stream", &large),
            ("skjema", None, "application/xml", form.as_bytes()),
        ];
        let problem = post(&server.user(1337), &parts).await.expect(400).json();
        assert_eq!(problem["title"], "Failed to deserialize XML", "{form}");
        assert_eq!(problem["status"], 400);
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{form}: {problem}");
        assert_nothing(&stored(&server).await);
    }
    let json: [Part<'_>; 1] = [("tillegg", None, "application/json", b"{\"merknad\":")];
    let problem = post(&server.user(1337), &json).await.expect(400).json();
    assert_eq!(problem["title"], "Failed to deserialize JSON");
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn a_form_may_come_as_json_where_the_app_takes_it() {
    let server = server();
    let user = server.user(1337);
    let parts: [Part<'_>; 2] = [
        ("tillegg", None, "application/json; charset=utf-8", "{\"merknad\":\"på JSON\"}".as_bytes()),
        ("tillegg", None, "application/xml", "<Tillegg><merknad>på XML</merknad></Tillegg>".as_bytes()),
    ];
    let created = post(&user, &parts).await.expect(201).json();
    let data = created["data"].as_array().unwrap();
    assert_eq!(
        data.iter().map(|e| e["dataType"].as_str().unwrap()).collect::<Vec<_>>(),
        ["tillegg", "tillegg", "skjema"]
    );
    for (element, text) in data.iter().zip(["på JSON", "på XML"]) {
        let path =
            format!("{APP}/instances/{}/data/{}", created["id"].as_str().unwrap(), element["id"].as_str().unwrap());
        assert_eq!(user.get(path).accept("application/json").send().await.expect(200).json()["merknad"], text);
    }
}

#[tokio::test]
async fn forms_that_are_sent_along_are_calculated() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/regneark");
    let server = TestServer::builder().apps([folder]).build();
    let user = server.user(1337);
    let sheet = "<ark><navn>Kari</navn><linjer><antall>2</antall><pris>1.5</pris></linjer></ark>";
    let parts: [Part<'_>; 2] =
        [("ark", None, "application/xml", sheet.as_bytes()), ("side", None, "application/xml", b"<side/>")];
    let path = "/ttd/regneark/instances";
    let sending = user.post(format!("{path}?instanceOwnerPartyId=501337")).multipart(&parts);
    let created = sending.send().await.expect(201).json();
    let id = created["id"].as_str().unwrap();
    let element = format!("{path}/{id}/data/{}", created["data"][0]["id"].as_str().unwrap());
    let form = user.get(element).accept("application/json").send().await.expect(200).json();
    assert_eq!((&form["linjer"][0]["sum"], &form["hilsen"]), (&json!(3), &json!("Hei, Kari")), "{form}");
    assert_eq!(form["sider"], 1);
    let events = server.ttd().get(format!("/storage/api/v1/instances/{id}/events")).send().await.expect(200).json();
    let kinds: Vec<_> = events["instanceEvents"].as_array().unwrap().iter().map(|event| &event["eventType"]).collect();
    assert!(!kinds.contains(&&json!("Saved")), "{kinds:?}");
}

#[tokio::test]
async fn data_of_a_later_task_is_refused_where_the_app_is_strict() {
    let _rows = covers("app-api", &["INS-22"]);
    let parts: [Part<'_>; 1] = [("senere", Some("a.png"), "image/png", PNG)];
    let lenient = server();
    post(&lenient.user(1337), &parts).await.expect(201);
    let server = Variant::of(&app(), |_| {})
        .with("appsettings.json", r#"{ "AppSettings": { "EnforceDataTypeTaskId": true } }"#)
        .server();
    let problem = post(&server.user(1337), &parts).await.expect(409).json();
    assert_eq!(
        problem,
        json!({
            "title": "Conflict with Current Task",
            "status": 409,
            "detail": "Data element of type senere can only be modified in Task_2 (current task Task_1)"
        })
    );
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn data_that_others_contribute_is_refused() {
    let server = durable_server();
    let parts: [Part<'_>; 1] = [("eierens", Some("a.pdf"), "application/pdf", PDF)];
    let problem = post(&server.user(1337), &parts).await.expect(403).json();
    assert_eq!(problem["title"], "Forbidden");
    assert_eq!(problem["detail"], "User is not a valid contributor to the data type");
    assert_nothing(&stored(&server).await);
    post(&server.ttd(), &parts).await.expect(201);
}

#[tokio::test]
async fn parameters_of_a_content_type_do_not_matter() {
    let _rows = covers("app-api", &["INS-42"]);
    let server = server();
    let parts: [Part<'_>; 1] = [("bilde", Some("a.pdf"), "application/pdf; charset=utf-8", PDF)];
    let created = post(&server.user(1337), &parts).await.expect(201).json();
    assert_eq!(created["data"][0]["contentType"], "application/pdf; charset=utf-8");
}

#[tokio::test]
async fn what_a_file_is_decides_where_the_app_looks_at_it() {
    let server = Variant::of(&app(), |metadata| {
        metadata["dataTypes"][3]["enabledFileAnalysers"] = json!(["mimeTypeAnalyser"]);
        metadata["dataTypes"][3]["enabledFileValidators"] = json!(["mimeTypeValidator"]);
    })
    .server();
    for file in [b"just text".as_slice(), &[b"GIF89a".as_slice(), &vec![0; 100_000]].concat()] {
        let parts: [Part<'_>; 1] = [("bilde", Some("a.png"), "image/png", file)];
        let problem = post(&server.user(1337), &parts).await.expect(400).json();
        assert_eq!(problem["title"], "File validation failed");
        assert_eq!(problem["uploadValidationIssues"][0]["code"], "ContentTypeNotAllowed");
        assert_nothing(&stored(&server).await);
    }
    post(&server.user(1337), &[("bilde", Some("a.png"), "image/png", PNG)]).await.expect(201);
}

#[tokio::test]
async fn twenty_megabytes_arrive_as_they_were_sent() {
    const SIZE: usize = 20 * 1024 * 1024;
    let file: Bytes = (0..SIZE).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
    for server in [server(), durable_server()] {
        let head = "--b\r\nContent-Disposition: form-data; name=skjema\r\nContent-Type: application/xml\r\n\r\n";
        let between = "\r\n--b\r\nContent-Disposition: form-data; name=vedlegg; filename=stor.bin\r\n\
                       Content-Type: application/octet-stream\r\n\r\n";
        let after = "\r\n--b\r\nContent-Disposition: form-data; name=bilde; filename=\"a.pdf\"\r\n\
                     Content-Type: application/pdf\r\n\r\n";
        let mut pieces = vec![Bytes::from(head), Bytes::from_static(FORM), Bytes::from(between)];
        pieces.extend((0..SIZE).step_by(60_001).map(|at| file.slice(at..SIZE.min(at + 60_001))));
        pieces.extend([Bytes::from(after), Bytes::from_static(PDF), Bytes::from("\r\n--b--\r\n")]);
        let body = Body::from_stream(futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)));
        let user = server.user(1337);
        let created = instantiate(&user, 501_337).chunked(MULTIPART, body).send().await.expect(201).json();
        let element = &created["data"][1];
        assert_eq!((&element["filename"], &element["size"]), (&json!("stor.bin"), &json!(SIZE)));
        let path =
            format!("{APP}/instances/{}/data/{}", created["id"].as_str().unwrap(), element["id"].as_str().unwrap());
        assert!(user.get(path).send().await.expect(200).body == file, "the file came back changed");
    }
}

#[tokio::test]
async fn file_names_are_decoded_and_harmless() {
    let server = server();
    for (disposition, filename) in [
        ("filename=\"../../etc/passwd\"", json!(".._.._etc_passwd")),
        ("filename=\"kjøleskap.pdf\"", json!("kjøleskap.pdf")),
        ("filename=\"=?utf-8?B?a2rDuGxlc2thcC5wZGY=?=\"", json!("kjøleskap.pdf")),
        ("filename=\"x.pdf\"; filename*=UTF-8''..%2F%2E%2E%2Fkj%C3%B8l.pdf", json!(".._.._kjøl.pdf")),
        ("filename=\"\"", json!(null)),
    ] {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"vedlegg\"; {disposition}\r\n\
             Content-Type: application/pdf\r\n\r\n%PDF\r\n--b--\r\n"
        );
        let created = post_raw(&server.user(1337), body).await.expect(201).json();
        assert_eq!(created["data"][0]["filename"], filename, "{disposition}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_leaves_nothing() {
    let server = durable_server();
    let whole = format!(
        "--b\r\nContent-Disposition: form-data; name=\"vedlegg\"; filename=\"a.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n{}\r\n--b--",
        "x".repeat(200_000)
    );
    for cut in [0, 3, 40, 110, 150, 5_000, 150_000, whole.len() - 3, whole.len() - 1] {
        let answer = post_raw(&server.user(1337), whole[..cut].to_owned()).await.expect(400);
        assert_eq!(answer.json()["title"], "Error reading request", "cut at {cut}");
    }
    let broken = futures_util::stream::iter([
        Ok(Bytes::from(whole[..100_000].to_owned())),
        Err(std::io::Error::other("the client went away")),
    ]);
    let sending = instantiate(&server.user(1337), 501_337).chunked(MULTIPART, Body::from_stream(broken));
    sending.send().await.expect(400);
    assert_nothing(&stored(&server).await);
    post_raw(&server.user(1337), whole).await.expect(201);
}

#[tokio::test]
async fn more_parts_and_larger_documents_than_anybody_needs_are_refused() {
    let server = server();
    let part = "--b\r\nContent-Disposition: form-data; name=\"vedlegg\"\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    let problem = post_raw(&server.user(1337), format!("{}--b--", part.repeat(1001))).await.expect(400).json();
    assert_eq!(problem["detail"], "The request has more than 1000 parts");
    let template = format!("{{\"x\":\"{}\"}}", "y".repeat(2 * 1024 * 1024));
    let parts: [Part<'_>; 2] =
        [("instance", None, "application/json", template.as_bytes()), ("skjema", None, "application/xml", FORM)];
    let problem = post(&server.user(1337), &parts).await.expect(400).json();
    assert_eq!(problem["detail"], "Part number 1 is too large");
    let form = format!("<Skjema><navn>{}</navn></Skjema>", "x".repeat(40 * 1024 * 1024));
    let parts: [Part<'_>; 2] =
        [("skjema", None, "application/xml", form.as_bytes()), ("tillegg", None, "application/xml", form.as_bytes())];
    post(&server.user(1337), &parts).await.expect(413);
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn parts_that_belong_to_nothing_are_named() {
    let server = server();
    let unnamed = "--b\r\nContent-Disposition: form-data\r\nContent-Type: application/json\r\n\r\n{}\r\n";
    let answer = post_raw(&server.user(1337), format!("{unnamed}{unnamed}--b--")).await.expect(400);
    assert_eq!(
        sentence(&answer),
        "Error when comparing content to application metadata: Multipart section named, '' does not correspond to an \
         element type in application metadata"
    );
    let notification: Part<'_> = ("notification", None, "application/json", b"{");
    post(&server.user(1337), &[notification]).await.expect(400);
    assert_nothing(&stored(&server).await);
    // A body without any part asks for nothing beside the query.
    post_raw(&server.user(1337), "--b--").await.expect(201);
}
