//! Files: what their headers must say, what they must be, and what is kept of them (app-api §4.2, §20.3).

use mottak_testing::covers;
use mottak_testkit::Answer;
use serde_json::json;

use crate::world::{World, expect_details, expect_status, expect_upload_issue, noise, pieces, text};

const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const MIB: usize = 1_048_576;

/// Names and values.
type Headers<'h> = &'h [(&'h str, &'h str)];

/// An upload to both endpoints and to an existing element.
async fn everywhere(world: &World, existing: &str, data_type: &str, headers: Headers<'_>, body: &[u8]) -> [Answer; 3] {
    let mut answers = Vec::new();
    for request in [world.post(data_type), world.post_legacy(data_type), world.put(existing)] {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        answers.push(request.bytes(body.to_vec()).send().await);
    }
    answers.try_into().expect("three requests, three answers")
}

#[tokio::test]
async fn headers_that_do_not_fit_the_data_type_are_refused_and_nothing_is_written() {
    let _rows = covers("app-api", &["DAT-12", "DAT-13", "DAT-14", "DAT-15", "DAT-16", "DAT-21"]);
    let world = World::journal().await;
    let existing = world.add_file("skann", "a.pdf", "application/pdf", PDF).await;
    let no_name = ("MissingFileName", "The Content-Disposition header must contain a valid filename");
    let cases: &[(Headers<'_>, &str, &str)] = &[
        (
            &[("content-type", "application/pdf")],
            "ContentTypeNotAllowed",
            "The request must include a Content-Disposition header",
        ),
        (&[("content-type", "application/pdf"), ("content-disposition", "attachment")], no_name.0, no_name.1),
        (
            &[("content-type", "application/pdf"), ("content-disposition", "attachment; filename=Test Doc 2025.pdf")],
            no_name.0,
            no_name.1,
        ),
        (
            &[("content-type", "application/pdf"), ("content-disposition", "attachment; filename=\"\"")],
            no_name.0,
            no_name.1,
        ),
        (
            &[("content-type", "application/pdf"), ("content-disposition", "attachment; filename=\"a.pdf")],
            no_name.0,
            no_name.1,
        ),
        (&[("content-type", "application/pdf"), ("content-disposition", ";;;")], no_name.0, no_name.1),
        (
            &[("content-type", "application/pdf"), ("content-disposition", "attachment; filename=test")],
            "InvalidFileNameFormat",
            "Invalid format for filename: test. Filename is expected to end with '.{filetype}'.",
        ),
        (
            &[("content-disposition", "attachment; filename=test.pdf")],
            "InvalidFileNameFormat",
            "Content-Type header must be included in request.",
        ),
        (
            &[("content-type", "application/pdf"), ("content-disposition", "attachment; filename=test.json")],
            "InvalidFileNameFormat",
            "Content type header application/pdf does not match mime type application/json for uploaded file. \
             Please fix header or upload another file.",
        ),
        (
            &[("content-type", "application/pdf; x=y"), ("content-disposition", "attachment; filename=a.json")],
            "InvalidFileNameFormat",
            "Content type header application/pdf; x=y does not match mime type application/json for uploaded file. \
             Please fix header or upload another file.",
        ),
        (
            &[("content-type", "text/plain"), ("content-disposition", "attachment; filename=test.txt")],
            "ContentTypeNotAllowed",
            "Invalid content type: text/plain. Please try another file. \
             Permitted content types include: application/pdf, image/png",
        ),
        (
            &[("content-type", "application/octet-stream"), ("content-disposition", "attachment; filename=test.pdf")],
            "ContentTypeNotAllowed",
            "Invalid content type: application/pdf. Please try another file. \
             Permitted content types include: application/pdf, image/png",
        ),
    ];
    let version = world.version().await;
    for (headers, code, reason) in cases {
        let description = format!("Invalid data provided. Error: {reason}");
        let [new, legacy, put] = everywhere(&world, &existing, "skann", headers, PDF).await;
        expect_upload_issue(&new, code, &description);
        for answer in [legacy, put] {
            expect_status(&answer, 400);
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            assert_eq!(answer.text(), description);
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn headers_that_fit_are_accepted() {
    let _rows = covers("app-api", &["DAT-17", "DAT-18", "DAT-19", "DAT-51"]);
    let world = World::journal().await;
    for (data_type, filename, content_type) in [
        ("alt", "a.pdf", "application/pdf"),
        ("alt", "a.xyz", "application/octet-stream"),
        ("alt", "a.docx", "application/octet-stream"),
        ("vedlegg", "a.exe", "application/x-whatever"),
        ("vedlegg", "a.b", "text/plain; charset=utf-8"),
        ("arkiv", "a.zip", "application/x-zip-compressed"),
        ("arkiv", "a.XML", "text/xml"),
        ("arkiv", "a.m4a", "audio/x-m4a"),
        ("arkiv", "a.png", "IMAGE/png"),
        ("skann", "a.png", "image/png"),
    ] {
        let created = world.post(data_type).file(filename, content_type, "innhold").send().await.expect(200).json();
        let id = text(&created["newDataElementId"]);
        let legacy = world.post_legacy(data_type).file(filename, content_type, "innhold").send().await.expect(201);
        assert_eq!(legacy.json()["filename"], filename);
        assert_eq!(legacy.json()["contentType"], content_type);
        let got = world.user.get(world.url(&format!("data/{id}"))).send().await.expect(200);
        assert_eq!(got.header("content-type"), Some(content_type));
        assert_eq!(got.text(), "innhold");
    }
}

#[tokio::test]
async fn a_file_keeps_its_name_however_the_header_says_it() {
    let _rows = covers("app-api", &["DAT-20", "DAT-21"]);
    let world = World::journal().await;
    for (disposition, name) in [
        ("attachment; filename=\"Test Doc 2025.pdf\"", "Test Doc 2025.pdf"),
        ("attachment; filename=test.pdf", "test.pdf"),
        ("attachment; filename=bl%C3%A5.pdf", "bl%C3%A5.pdf"),
        ("attachment; filename=x.pdf; filename*=UTF-8''bl%C3%A5.pdf", "blå.pdf"),
        ("attachment; filename=\"=?utf-8?B?a2rDuGxlc2thcC5wZGY=?=\"", "kjøleskap.pdf"),
        ("attachment; filename=\"../../etc/passwd.txt\"", ".._.._etc_passwd.txt"),
        ("attachment; filename*=UTF-8''%2Fetc%2Fpasswd%00.txt", "_etc_passwd_.txt"),
        ("attachment; filename=\"..\\\\..\\\\windows.ini\"", "..\\..\\windows.ini"),
        ("attachment; filename=\"blå bær.txt\"", "blå bær.txt"),
    ] {
        let headers = [("content-disposition", disposition), ("content-type", "text/plain")];
        let existing = world.add_file("vedlegg", "gammel.txt", "text/plain", "x").await;
        let [new, legacy, put] = everywhere(&world, &existing, "vedlegg", &headers, b"x").await;
        let new = new.expect(200).json();
        let id = text(&new["newDataElementId"]);
        let all = new["instance"]["data"].as_array().cloned().unwrap_or_default();
        let element = all.iter().find(|element| element["id"] == id.as_str()).expect("the new element is listed");
        assert_eq!(element["filename"], name, "{disposition}");
        let legacy = legacy.expect(201);
        assert_eq!(legacy.json()["filename"], name, "{disposition}");
        assert_eq!(legacy.header("location").map(str::to_owned), Some(text(&legacy.json()["selfLinks"]["apps"])));
        assert_eq!(put.expect(201).json()["filename"], name, "{disposition}");
    }
}

#[tokio::test]
async fn a_download_says_type_and_name() {
    let _rows = covers("app-api", &["DAT-36"]);
    let world = World::journal().await;
    let id = world.add_file("skann", "basic.pdf", "application/pdf", PDF).await;
    let got = world.user.get(world.url(&format!("data/{id}"))).send().await.expect(200);
    assert_eq!(got.header("content-type"), Some("application/pdf"));
    assert_eq!(got.header("content-disposition"), Some("attachment; filename=basic.pdf; filename*=UTF-8''basic.pdf"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(&got.body[..], PDF);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let world = World::journal().await;
    let existing = world.add_file("lite", "a.bin", "text/plain", "x").await;
    let version = world.version().await;
    let headers = [("content-disposition", "attachment; filename=a.bin"), ("content-type", "text/plain")];
    let description = "Invalid data provided. Error: Binary attachment exceeds limit of 1048576";
    let [new, legacy, put] = everywhere(&world, &existing, "lite", &headers, &noise(1, MIB + 1)).await;
    expect_upload_issue(&new, "DataElementTooLarge", description);
    for answer in [legacy, put] {
        expect_status(&answer, 400);
        assert_eq!(answer.text(), description);
    }
    assert_eq!(world.version().await, version);
    let [new, legacy, put] = everywhere(&world, &existing, "lite", &headers, &noise(1, MIB)).await;
    assert_eq!((new.status, legacy.status, put.status), (200, 201, 201), "exactly the limit is allowed");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused_and_gone() {
    let world = World::journal_on_disk().await;
    let existing = world.add_file("lite", "a.bin", "text/plain", "x").await;
    let version = world.version().await;
    for request in [world.post("lite"), world.post_legacy("lite"), world.put(&existing)] {
        let request = request.header("content-disposition", "attachment; filename=a.bin");
        let answer = request.chunked("text/plain", pieces(noise(2, MIB + 1), 64 * 1024)).send().await;
        expect_details(&answer, 413, "Request too large", "exceeds the limit of 1 MB");
    }
    assert_eq!(world.version().await, version);
    assert_eq!(world.stored(&existing).await, b"x");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_taken() {
    let _rows = covers("app-api", &["DAT-55"]);
    let world = World::journal().await;
    let request = world.post("skann").header("content-disposition", "attachment; filename=a.pdf");
    let created = request.chunked("application/pdf", pieces(PDF.to_vec(), 3)).send().await.expect(200).json();
    let id = text(&created["newDataElementId"]);
    assert_eq!(created["validationIssues"], json!([]));
    assert_eq!(created["newDataModels"], json!([]));
    assert_eq!(world.stored(&id).await, PDF);
}

#[tokio::test]
async fn a_file_without_a_byte_is_refused_when_new_and_allowed_later() {
    let _rows = covers("app-api", &["DAT-10"]);
    let world = World::journal().await;
    let existing = world.add_file("ekte", "a.pdf", "application/pdf", PDF).await;
    let headers = [("content-disposition", "attachment; filename=a.pdf"), ("content-type", "application/pdf")];
    let [new, legacy, put] = everywhere(&world, &existing, "ekte", &headers, b"").await;
    expect_details(&new, 400, "Invalid data", "Invalid data provided. Error: The file is zero bytes.");
    assert_eq!(legacy.expect(400).text(), "Invalid data provided. Error: The file is zero bytes.");
    assert_eq!(put.expect(201).json()["size"], 0);
    assert_eq!(world.stored(&existing).await, b"");
    // Without a list of types, a content type is asked for in other words.
    let refused =
        world.post("vedlegg").header("content-disposition", "attachment; filename=a.b").bytes("x").send().await;
    expect_details(&refused, 400, "Missing content type", "The request is missing a content type header.");
}

#[tokio::test]
async fn a_file_must_be_what_its_name_says_where_the_app_wants_that() {
    let world = World::journal().await;
    let existing = world.add_file("ekte", "a.pdf", "application/pdf", PDF).await;
    world.add_file("ekte", "b.png", "image/png", PNG).await;
    let version = world.version().await;
    let headers = [("content-disposition", "attachment; filename=a.pdf"), ("content-type", "application/pdf")];
    let jpeg: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    let mut large = b"GIF89a".to_vec();
    large.extend(noise(3, 200_000));
    for body in [jpeg, b"bare tekst", b"\x01\x02\x03", &large] {
        let [new, legacy, put] = everywhere(&world, &existing, "ekte", &headers, body).await;
        expect_details(&new, 400, "File validation failed", "File validation failed");
        assert_eq!(new.json()["uploadValidationIssues"][0]["source"], "MimeTypeValidator");
        for answer in [legacy, put] {
            expect_status(&answer, 400);
            assert!(!answer.text().is_empty());
        }
    }
    assert_eq!(world.version().await, version);
    // Large files of the right kind pass.
    let mut scan = PDF.to_vec();
    scan.extend(noise(4, 200_000));
    let [new, legacy, put] = everywhere(&world, &existing, "ekte", &headers, &scan).await;
    assert_eq!((new.status, legacy.status, put.status), (200, 201, 201));
    assert_eq!(world.stored(&existing).await, scan);
}

#[tokio::test]
async fn a_replaced_file_has_another_name_and_size() {
    let world = World::journal().await;
    let id = world.add_file("vedlegg", "a.txt", "text/plain", "før").await;
    let answer = world.put(&id).file("b.csv", "text/csv", "etter;").send().await.expect(201);
    let link = format!("https://localhost/{}/instances/{}/data/{id}", world.app, world.id);
    assert_eq!(answer.header("location"), Some(link.as_str()));
    let element = answer.json();
    assert_eq!((&element["filename"], &element["contentType"]), (&json!("b.csv"), &json!("text/csv")));
    assert_eq!(element["size"], 6);
    assert_eq!(world.stored(&id).await, b"etter;");
}
