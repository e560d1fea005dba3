//! Input that is wrong on purpose: a 4xx, fast, and nothing written.

use std::time::{Duration, Instant};

use mottak_testkit::Sending;
use serde_json::json;

use crate::world::{World, expect_details, expect_status, pieces};

/// How long a refusal may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);

/// `open` as often as it takes to have ten megabytes.
fn ten_megabytes_of(open: &str) -> String {
    open.repeat(10 * 1_048_576 / open.len())
}

/// A body for every route that takes a form.
fn form_requests(world: &World, sak: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<Sending> {
    let body = bytes::Bytes::copy_from_slice(body.as_ref());
    let routes = [world.put(sak), world.post("kopi"), world.post_legacy("kopi")];
    routes.into_iter().map(|request| request.body(content_type, body.clone())).collect()
}

#[tokio::test]
async fn deeply_nested_json_is_refused_at_once() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let mut closed = "[".repeat(100_000);
    closed.push_str(&"]".repeat(100_000));
    for body in
        [ten_megabytes_of("["), ten_megabytes_of("{\"rader\":"), ten_megabytes_of("{\"rader\":[{\"under\":["), closed]
    {
        let mut requests = form_requests(&world, &sak, "application/json", &body);
        requests.push(world.user.patch(world.url("data")).body("application/json", body.clone()));
        let patch = format!(
            "{{\"patches\":[{{\"dataElementId\":\"{sak}\",\"patch\":[{{\"op\":\"add\",\"path\":\"/rader\",\"value\":{body}"
        );
        requests.push(world.user.patch(world.url("data")).body("application/json", patch));
        for request in requests {
            let begin = Instant::now();
            let answer = request.send().await;
            expect_status(&answer, 400);
            assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn deeply_nested_xml_is_refused_at_once() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    for body in
        [ten_megabytes_of("<sak>"), format!("<sak>{}", ten_megabytes_of("<rader><under>")), ten_megabytes_of("<")]
    {
        for request in form_requests(&world, &sak, "application/xml", &body) {
            let begin = Instant::now();
            expect_status(&request.send().await, 400);
            assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn entities_are_not_expanded() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let mut laughs = String::from("<!DOCTYPE sak [<!ENTITY l0 \"lol\">");
    for level in 1..10 {
        let below = format!("&l{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY l{level} \"{below}\">"));
    }
    laughs.push_str("]><sak><navn>&l9;</navn></sak>");
    for body in [
        laughs.as_str(),
        "<!DOCTYPE sak SYSTEM \"http://localhost/x.dtd\"><sak><navn>a</navn></sak>",
        "<!DOCTYPE sak [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><sak><navn>&x;</navn></sak>",
        "<!DOCTYPE sak [<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]><sak/>",
        "<sak><navn>&ukjent;</navn></sak>",
    ] {
        for request in [world.put(&sak), world.post("kopi")] {
            let answer = request.body("application/xml", body.to_owned()).send().await;
            expect_details(&answer, 400, "Failed to deserialize XML", "");
            assert!(!answer.text().contains("root:"), "nothing of a file is told");
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_form() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let utf16: Vec<u8> = "\u{feff}{\"navn\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_xml: Vec<u8> = "\u{feff}<sak><navn>a</navn></sak>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: &[(&str, &[u8])] = &[
        ("application/json", b"{\"navn\":\"\xe6\"}"),
        ("application/json", b"\x00"),
        ("application/json", b"{\"navn\":\"a\x00b\"}"),
        ("application/json", b"{\"navn\":\"\\ud800\"}\x00"),
        ("application/json", &utf16),
        ("application/xml", b"<sak><navn>\xe6</navn></sak>"),
        ("application/xml", b"<sak><navn>a\x00b</navn></sak>"),
        ("application/xml", b"\x00\x01\x02"),
        ("application/xml", &utf16_xml),
        ("application/xml", b"<sak><navn>&#0;</navn></sak>"),
        ("application/xml", b"<sak navn=\"a\" navn=\"b\"/>"),
    ];
    for (content_type, body) in bodies {
        for request in form_requests(&world, &sak, content_type, body) {
            let answer = request.send().await;
            assert_eq!(answer.status, 400, "{:?}: {}", String::from_utf8_lossy(body), answer.text());
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn numbers_out_of_range_are_refused() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    for number in ["1e400", "-1e400", "8e28", "NaN", "01", "1.", ".5", "+1", "0x10", "\"1e999999999\"", "\"\""] {
        let body = format!("{{\"belop\":{number}}}");
        expect_details(
            &world.put(&sak).body("application/json", body).send().await,
            400,
            "Failed to deserialize JSON",
            "",
        );
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn multipart_is_no_form_and_a_file_like_any_other() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let parts: [(&str, Option<&str>, &str, &[u8]); 1] = [("sak", None, "application/json", b"{}")];
    let answer = world.put(&sak).multipart(&parts).send().await;
    expect_details(&answer, 415, "Unsupported content type", "multipart/form-data");
    let refused = world.post("skann").header("content-disposition", "attachment; filename=a.pdf").multipart(&parts);
    expect_status(&refused.send().await, 400);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_written() {
    let world = World::journal_on_disk().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let broken = |length: usize| {
        let begin = Ok(vec![b' '; length]);
        let end = Err(std::io::Error::other("the client went away"));
        axum::body::Body::from_stream(futures_util::stream::iter([begin, end]))
    };
    for length in [10, 100_000] {
        let file = world.post("vedlegg").header("content-disposition", "attachment; filename=a.b");
        for request in [
            world.put(&sak).chunked("application/json", broken(length)),
            file.chunked("text/plain", broken(length)),
            world.user.patch(world.url("data")).chunked("application/json", broken(length)),
        ] {
            expect_status(&request.send().await, 400);
        }
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_form_larger_than_its_type_allows_is_refused() {
    let world = World::journal().await;
    let notat = world.add_form("notat", &json!({})).await;
    let version = world.version().await;
    let body = json!({"tekst": "x".repeat(1_048_576)}).to_string();
    for request in [world.put(&notat), world.post("notat"), world.post_legacy("notat")] {
        let answer = request.body("application/json", body.clone()).send().await;
        expect_details(&answer, 413, "Request too large", "");
    }
    for request in [world.put(&notat), world.post("notat"), world.post_legacy("notat")] {
        let answer = request.chunked("application/json", pieces(body.clone().into_bytes(), 64 * 1024)).send().await;
        expect_details(&answer, 413, "Request too large", "");
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn copies_in_a_patch_do_not_grow_without_end() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"belop": 1, "tagger": ["x".repeat(1000)]})).await;
    let version = world.version().await;
    // Each row holds the whole list so far.
    let mut operations = vec![json!({"op": "add", "path": "/navn", "value": "y".repeat(100_000)})];
    operations.extend((0..20_000).map(|_| json!({"op": "copy", "from": "/navn", "path": "/tagger/-"})));
    let begin = Instant::now();
    expect_details(&world.patch(&sak, operations.into()).await, 422, "Patch Operation Failed", "");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn odd_queries_are_no_matter() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let wrong = world.user.get(world.url(&format!("data/{sak}?includeRowId=kanskje"))).send().await;
    crate::world::expect_member(&wrong, "includeRowId");
    for query in ["?includeRowId=TRUE", "?INCLUDEROWID=false", "?language=%00", "?language=../../etc", "?x=%FF", "?&&="]
    {
        expect_status(&world.user.get(world.url(&format!("data/{sak}{query}"))).send().await, 200);
    }
}
