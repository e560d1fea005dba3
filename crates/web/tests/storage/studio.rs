//! Instances as the designer of their app sees them (platform-storage §2.9).

use mottak_model::DeleteStatus;
use mottak_testing::covers;
use mottak_testkit::{Backing, Seed};
use serde_json::{Value, json};

use crate::message_box::expect_plain;
use crate::{API, BACKINGS, expect_empty, expect_invalid, expect_problem, own, studio};

fn path(rest: &str) -> String {
    format!("{API}/studio/instances/{}{rest}", own::GRANTS)
}

#[tokio::test]
async fn only_the_designer_is_let_in() {
    let _rows = covers("platform-storage", &["O01"]);
    let world = own::world(Backing::default());
    world.server.seed(Seed::of(own::instance(1))).await;
    let mut wrong = crate::user(own::SOPHIE, own::SOPHIES_PARTY, 3);
    wrong["urn:altinn:app"] = json!("studio");
    let wrong = world.server.with_claims(wrong);
    let one = path(&format!("/{}", own::guid(1)));
    for path in [path(""), one.clone()] {
        expect_empty(&world.server.anonymous().get(&path).send().await, 401);
        for client in [world.sophie(), world.ttd(), wrong.clone()] {
            expect_empty(&client.get(&path).send().await, 403);
        }
    }
    expect_empty(&world.ttd().delete(one).send().await, 403);
}

#[tokio::test]
async fn instances_are_listed_without_what_is_personal() {
    let _rows = covers("platform-storage", &["O02"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.clock.set(own::time("2025-06-01T10:00:00.5Z"));
        for number in 1..=11 {
            world.server.seed(Seed::of(own::instance(number))).await;
        }
        let archived = own::confirmed_by(own::archived(12, "2025-05-25T12:00:00Z"), &["digdir", "ttd"]);
        world.server.seed(Seed::of(archived)).await;
        let of_other = own::of_app(own::instance(13), own::LICENCES);
        world.server.seed(Seed::of(of_other)).await;
        let client = studio(&world.server);
        let page = client.get(path("")).send().await.expect(200);
        let expected = format!(
            concat!(
                r#"{{"count":10,"self":null,"next":"{}","instances":[{{"id":"{}","org":"ttd","app":"kulturstotte","#,
                r#""isRead":false,"currentTaskId":null,"currentTaskName":null,"completedAt":"2025-05-25T12:00:00+00:00","#,
                r#""archivedAt":"2025-05-25T12:00:00+00:00","softDeletedAt":null,"hardDeletedAt":null,"#,
                r#""confirmedAt":"2025-05-28T12:00:00+00:00","createdAt":"2025-05-20T08:30:00.1234567+00:00","#,
                r#""lastChangedAt":"2025-06-01T10:00:00.500011+00:00"}},"#
            ),
            page.json()["next"].as_str().expect("there is more"),
            own::guid(12)
        );
        assert!(page.text().starts_with(&expected), "{}\n{expected}", page.text());
        let token = page.json()["next"].as_str().expect("there is more").to_owned();
        assert!(!token.contains(['/', '?', '%']), "{token}");
        let rest = client.get(path(&format!("?continuationToken={token}"))).send().await.expect(200).json();
        let ids: Vec<_> = rest["instances"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, [own::guid(2), own::guid(1)].map(|guid| json!(guid)));
        assert_eq!((&rest["next"], &rest["self"]), (&Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn lists_are_narrowed() {
    let world = own::world(Backing::default());
    world.server.seed(Seed::of(own::instance(1))).await;
    world.server.seed(Seed::of(own::archived(2, "2025-05-25T12:00:00Z"))).await;
    let mut gone = own::instance(3);
    gone.status.is_soft_deleted = true;
    gone.status.is_hard_deleted = true;
    world.server.seed(Seed::of(gone)).await;
    let client = studio(&world.server);
    let end = own::guid(2).to_string()[30..].to_uppercase();
    for (query, numbers) in [
        ("", vec![3, 2, 1]),
        ("?status.isHardDeleted=false", vec![2, 1]),
        ("?status.isArchived=true", vec![2]),
        ("?process.isComplete=true", vec![2]),
        ("?process.currentTask=Task_1", vec![3, 1]),
        ("?confirmed=true", vec![]),
        ("?lastChanged=gt:2026-01-01", vec![]),
        ("?size=1", vec![3]),
        (&format!("?archiveReference={end}"), vec![2]),
        ("?archiveReference=xyz", vec![]),
        // Not among the parameters.
        ("?org=digdir&appId=digdir/x&instanceOwner.partyId=1&order=asc:lastChanged", vec![3, 2, 1]),
    ] {
        let page = client.get(path(query)).send().await.expect(200).json();
        let ids: Vec<_> = page["instances"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        let expected: Vec<_> = numbers.into_iter().map(|number| json!(own::guid(number))).collect();
        assert_eq!(ids, expected, "{query}");
    }
    expect_invalid(&client.get(path("?confirmed=maybe")).send().await, &["confirmed"]);
}

#[tokio::test]
async fn one_instance_is_shown_with_its_elements() {
    let _rows = covers("platform-storage", &["O03"]);
    let world = own::world(Backing::default());
    let mut marked = own::attachment(1, 1, 5);
    marked.delete_status =
        Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(own::time("2025-05-21T00:00:00Z")) });
    world.server.seed(Seed::of(own::instance(1)).with(marked.clone(), "abc")).await;
    let client = studio(&world.server);
    let shown = client.get(path(&format!("/{}", own::guid(1)))).send().await.expect(200);
    let element = format!(
        concat!(
            r#"{{"data":[{{"id":"{}","dataType":"vedlegg","contentType":"application/pdf","size":0,"locked":false,"#,
            r#""isRead":true,"fileScanResult":"NotApplicable","hardDeletedAt":"2025-05-21T00:00:00+00:00","#,
            r#""createdAt":"2025-05-20T08:31:05+00:00","lastChangedAt":"2025-05-20T08:31:05+00:00"}}],"id":"{}","#
        ),
        marked.id,
        own::guid(1)
    );
    assert!(shown.text().starts_with(&element), "{}", shown.text());
    assert!(!shown.text().contains("kvittering"), "file names are the owner's");
    let of_other = format!("{API}/studio/instances/{}/{}", own::LICENCES, own::guid(1));
    for path in [of_other, path(&format!("/{}", own::guid(2)))] {
        expect_problem(&client.get(path).send().await, 404, "Not Found", "15.5.5");
    }
    expect_empty(&client.get(path("/not-a-guid")).send().await, 404);
}

#[tokio::test]
async fn instances_are_deleted_in_the_owners_name() {
    let _rows = covers("platform-storage", &["O04"]);
    let world = own::world(Backing::default());
    let id = world.server.seed(Seed::of(own::instance(1))).await.id;
    let one = path(&format!("/{}", id.guid));
    for _ in 0..2 {
        expect_empty(&studio(&world.server).delete(&one).send().await, 204);
    }
    let instance = world.sophie().get(format!("{API}/instances/{id}")).send().await.expect(200).json();
    assert_eq!(instance["status"]["isSoftDeleted"], true);
    assert_eq!(instance["status"]["isHardDeleted"], false);
    assert_eq!(instance["lastChangedBy"], "405003309");
    let events = world.sophie().get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
    let events = events["instanceEvents"].as_array().expect("events");
    assert_eq!(events.len(), 1, "the second deletion changes nothing");
    assert_eq!(events[0]["eventType"], "Deleted");
    assert_eq!(events[0]["user"], json!({ "orgId": "ttd", "authenticationLevel": 0 }));
    assert_eq!(events[0]["additionalInfo"], "Instance soft deleted by app owner via Altinn Studio");
}

#[tokio::test]
async fn deletions_by_the_designer_are_refused_like_others() {
    let _rows = covers("platform-storage", &["O05"]);
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    world.server.seed(Seed::of(own::archived(1, "2025-05-30T10:00:00Z"))).await;
    let document = json!({ "id": own::GRANTS, "org": "ttd", "preventInstanceDeletionForDays": 3 });
    client.put(format!("{API}/applications/{}", own::GRANTS)).json(&document).send().await.expect(200);
    let refused = client.delete(path(&format!("/{}", own::guid(1)))).send().await;
    expect_plain(&refused, 403, "Instance cannot be deleted yet due to application restrictions.");

    world.server.seed(Seed::of(own::of_app(own::instance(2), "ttd/finnes-ikke"))).await;
    let refused = client.delete(format!("{API}/studio/instances/ttd/finnes-ikke/{}", own::guid(2))).send().await;
    expect_plain(&refused, 404, "Cannot find application ttd/finnes-ikke in storage");

    let unknown = own::guid(3);
    let refused = client.delete(path(&format!("/{unknown}"))).send().await;
    let text = format!("Didn't find the object that should be deleted with instanceId={unknown}");
    expect_plain(&refused, 404, &text);
}

#[tokio::test]
async fn an_owner_without_a_number_cannot_be_named() {
    let _rows = covers("platform-storage", &["O05"]);
    let server =
        mottak_testkit::TestServer::builder().register(mottak_store::register::TestRegister::default()).build();
    server.seed(Seed::of(own::instance(1))).await;
    let refused = studio(&server).delete(path(&format!("/{}", own::guid(1)))).send().await.expect(500);
    assert_eq!(refused.header("content-type"), Some("application/problem+json; charset=utf-8"));
    assert!(!refused.text().contains("organisation number"), "{}", refused.text());
}
