//! Who may write which data when: app-api §20.1–20.2, and what happens first.

use mottak_testing::covers;
use mottak_testkit::{Answer, Client, Sending};
use serde_json::json;

use crate::world::{PARTY, World, expect_bare, expect_details, expect_status};

/// Every kind of write, for a form and a file that are there.
fn writes(world: &World, client: &Client, form: &str, file: &str) -> Vec<Sending> {
    let at = |rest: &str| world.url(rest);
    let patch = json!([{"op": "add", "path": "/navn", "value": "x"}]);
    vec![
        client.post(at("data/kopi")).json(&json!({})),
        client.post(at("data/type/kopi")).json(&json!({})),
        client.post(at("data?dataType=kopi")).json(&json!({})),
        client.post(at("data/type/vedlegg")).file("a.b", "text/plain", "y"),
        client.post(at("data?dataType=vedlegg")).file("a.b", "text/plain", "y"),
        client.put(at(&format!("data/{form}"))).json(&json!({"navn": "y"})),
        client.put(at(&format!("data/{file}"))).file("a.b", "text/plain", "y"),
        client.patch(at("data")).json(&json!({"patches": [{"dataElementId": form, "patch": patch}]})),
        client.patch(at(&format!("data/{form}"))).json(&json!({"patch": patch})),
        client.delete(at(&format!("data/{file}"))),
    ]
}

/// The answers to every kind of write.
async fn answers(world: &World, client: &Client, form: &str, file: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for write in writes(world, client, form, file) {
        answers.push(write.send().await);
    }
    answers
}

async fn with_form_and_file(world: &World) -> (String, String) {
    (world.only("sak").await, world.add_file("vedlegg", "a.b", "text/plain", "x").await)
}

#[tokio::test]
async fn nobody_writes_without_a_token() {
    let _rows = covers("app-api", &["DAT-49"]);
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let version = world.version().await;
    for client in [world.server.anonymous(), world.server.expired_user(1337)] {
        for answer in answers(&world, &client, &form, &file).await {
            expect_status(&answer, 401);
            assert_eq!(answer.text(), "");
            assert_eq!(answer.header("www-authenticate"), None);
        }
        expect_status(&client.get(world.url(&format!("data/{form}"))).send().await, 401);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_browsers_session_alone_writes_nothing() {
    let _rows = covers("app-api", &["DAT-50"]);
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let version = world.version().await;
    let cookie = format!("AltinnStudioRuntime={}", world.user.token().unwrap_or_default());
    let browser = world.user.clone().without_token();
    for write in writes(&world, &browser, &form, &file) {
        expect_bare(&write.header("cookie", &cookie).send().await, 400, "Bad Request");
    }
    assert_eq!(world.version().await, version);
    let read = browser.get(world.url(&format!("data/{form}"))).header("cookie", &cookie);
    expect_status(&read.send().await, 200);
}

#[tokio::test]
async fn nobody_writes_for_a_party_they_have_no_role_for() {
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let version = world.version().await;
    for client in
        [world.server.user(1001), world.server.organisation("910514458"), world.server.owner("annen", "991825827")]
    {
        for answer in answers(&world, &client, &form, &file).await {
            expect_status(&answer, 403);
            assert_eq!(answer.text(), "");
        }
        expect_status(&client.get(world.url(&format!("data/{form}"))).send().await, 403);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_one_nobody_may_use() {
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let guid = world.id.guid;
    // Another party, another instance, an app that is not here, an app of somebody else.
    let mut seen = Vec::new();
    for (app, party, guid) in [
        (world.app, 500_600, guid.to_string()),
        (world.app, PARTY, "0e8a5d0c-7a0b-4a3f-9a53-0e6f3f3b3c11".to_owned()),
        ("ttd/finnes-ikke", PARTY, guid.to_string()),
        ("annen/journal", PARTY, guid.to_string()),
    ] {
        let base = format!("/{app}/instances/{party}/{guid}");
        for request in [
            world.user.get(format!("{base}/data/{form}")),
            world.user.put(format!("{base}/data/{form}")).json(&json!({})),
            world.user.post(format!("{base}/data/type/kopi")).json(&json!({})),
            world.user.delete(format!("{base}/data/{file}")),
        ] {
            seen.push((app, request.send().await.status));
        }
    }
    for (app, status) in seen {
        assert_eq!(status, if app == world.app { 403 } else { 404 }, "{app}");
    }
    for party in ["x", "99999999999", "-"] {
        let answer = world.user.get(format!("/{}/instances/{party}/{guid}/data/{form}", world.app)).send().await;
        expect_status(&answer, 404);
        assert_eq!(answer.text(), "");
    }
}

#[tokio::test]
async fn a_deleted_instance_takes_no_more_data() {
    let _rows = covers("app-api", &["DAT-30"]);
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    expect_status(&world.user.delete(format!("/{}/instances/{}", world.app, world.id)).send().await, 200);
    let version = world.version().await;
    let detail = format!("Cannot update data element of archived or deleted instance {}", world.id);
    for answer in answers(&world, &world.user, &form, &file).await {
        expect_details(&answer, 409, "Instance Not Active", &detail);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn an_archived_instance_takes_no_more_data() {
    let _rows = covers("app-api", &["DAT-30"]);
    let world = World::journal_with("AppSettings:EnforceDataTypeTaskId", "false").await;
    let (form, file) = with_form_and_file(&world).await;
    world.put_json(&form, &json!({"navn": "a", "belop": 1})).await;
    for _ in 0..2 {
        expect_status(&world.next().await, 200);
    }
    let version = world.version().await;
    for answer in answers(&world, &world.user, &form, &file).await {
        expect_details(&answer, 409, "Instance Not Active", "archived or deleted instance");
    }
    assert_eq!(world.version().await, version);
    expect_status(&world.user.get(world.url(&format!("data/{form}"))).send().await, 200);
}

#[tokio::test]
async fn data_of_another_task_waits_for_it_where_the_app_says_so() {
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let early = world.post("senere").file("a.b", "text/plain", "x").send().await;
    let detail = "Data element of type senere can only be modified in Task_2 (current task Task_1)";
    expect_details(&early, 409, "Conflict with Current Task", detail);
    world.put_json(&form, &json!({"navn": "a", "belop": 1})).await;
    expect_status(&world.next().await, 200);
    world.add_file("senere", "a.b", "text/plain", "x").await;
    let version = world.version().await;
    for answer in answers(&world, &world.user, &form, &file).await {
        expect_details(
            &answer,
            409,
            "Conflict with Current Task",
            "can only be modified in Task_1 (current task Task_2)",
        );
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn locked_data_is_not_changed() {
    let world = World::journal_with("AppSettings:EnforceDataTypeTaskId", "false").await;
    let (form, file) = with_form_and_file(&world).await;
    world.put_json(&form, &json!({"navn": "a", "belop": 1})).await;
    expect_status(&world.next().await, 200);
    let version = world.version().await;
    let patch = json!({"patch": [{"op": "add", "path": "/navn", "value": "x"}]});
    for request in [
        world.put(&form).json(&json!({})),
        world.put(&file).file("a.b", "text/plain", "y"),
        world.user.patch(world.url(&format!("data/{form}"))).json(&patch),
    ] {
        expect_bare(&request.send().await, 409, "Conflict");
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn the_platforms_pdf_is_not_for_clients() {
    let _rows = covers("app-api", &["DAT-29"]);
    let world = World::journal().await;
    for client in [&world.user, &world.owner()] {
        let request = client.post(world.url("data/type/ref-data-as-pdf"));
        let answer = request.file("a.pdf", "application/pdf", "%PDF-1.7").send().await;
        let detail = "Data element of type ref-data-as-pdf cannot be modified";
        expect_details(&answer, 403, "Forbidden", detail);
    }
}

#[tokio::test]
async fn what_may_not_be_sent_is_refused_before_it_is_read() {
    let world = World::journal().await;
    let (form, file) = with_form_and_file(&world).await;
    let never = || axum::body::Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let stranger = world.server.user(1001);
    let named = |request: Sending| request.header("content-disposition", "attachment; filename=a.b");
    let cases = [
        (stranger.post(world.url("data/type/vedlegg")), 403),
        (stranger.put(world.url(&format!("data/{file}"))), 403),
        (stranger.put(world.url(&format!("data/{form}"))), 403),
        (world.user.post(world.url("data/type/finnes-ikke")), 400),
        (world.user.post(world.url("data/type/senere")), 409),
        (world.user.put(world.url(&format!("data/{form}/type/annet"))), 400),
        (world.user.post(world.url("data/type/skann")), 400),
    ];
    for (request, status) in cases {
        let sent = named(request).chunked("text/plain", never()).send();
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(5), sent).await.expect("nobody waits for a body");
        expect_status(&answer, status);
    }
}
