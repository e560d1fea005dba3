//! GET active: what a party has in progress, and who changed it last (app-api §3.8, §21.3).

use mottak_model::{Guid, InstanceId};
use mottak_testing::covers;
use mottak_testkit::{Seed, TestServer};
use serde_json::{Value, json};

use crate::world::*;

async fn active(server: &TestServer, party: i32) -> Vec<Value> {
    let answer = server.user(1337).get(format!("{APP}/instances/{party}/active")).send().await.expect(200);
    answer.json().as_array().cloned().expect("a list")
}

#[tokio::test]
async fn nothing_in_progress_is_an_empty_list() {
    let _rows = covers("app-api", &["ACT-A01"]);
    let server = server();
    let answer = server.user(1337).get(format!("{APP}/instances/501337/active")).send().await.expect(200);
    assert_eq!(answer.text(), "[]");
    instantiate(&server.user(1337), 500_000).send().await.expect(201);
    assert!(active(&server, 501_337).await.is_empty());
}

#[tokio::test]
async fn only_what_is_in_progress_is_listed() {
    let server = TestServer::builder().apps([app(), example("kulturstotte")]).build();
    let user = server.user(1337);
    let (archived, deleted, kept) =
        (new_instance(&server).await, new_instance(&server).await, new_instance(&server).await);
    user.post("/ttd/kulturstotte/instances?instanceOwnerPartyId=501337").send().await.expect(201);
    for _ in 0..2 {
        user.put(format!("{APP}/instances/{archived}/process/next")).send().await.expect(200);
    }
    user.delete(format!("{APP}/instances/{deleted}")).send().await.expect(200);
    let listed = active(&server, 501_337).await;
    assert_eq!(listed.len(), 1);
    let names: Vec<_> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "presentationTexts", "dueBefore", "lastChanged", "lastChangedBy"]);
    assert_eq!((&listed[0]["id"], &listed[0]["presentationTexts"]["navn"]), (&json!(kept), &json!("Sophie Salt")));
}

#[tokio::test]
async fn whoever_changed_it_last_has_a_name() {
    let _rows = covers("app-api", &["ACT-A02", "ACT-A03", "ACT-A04"]);
    for (last_changed_by, name) in [
        (Some("1337"), "Sophie Salt"),
        (Some("99999"), ""),
        (Some("noen"), ""),
        (None, ""),
        (Some("405003309"), "Testdepartementet"),
        (Some("123456789"), ""),
    ] {
        let server = server();
        let id: InstanceId = new_instance(&server).await.parse().expect("an id");
        let mut instance = server.service.load(id).await.expect("the store answers").expect("it was made").instance;
        server.user(1337).delete(format!("{APP}/instances/{id}")).send().await.expect(200);
        let guid = Guid::try_parse("9edd53de-f46f-40a1-bb4d-3efb93dc113d").expect("a guid");
        instance.id = InstanceId::new(id.party, guid);
        instance.last_changed_by = last_changed_by.map(str::to_owned);
        server.seed(Seed::of(instance)).await;
        let listed = active(&server, 501_337).await;
        assert_eq!((listed.len(), &listed[0]["lastChangedBy"]), (1, &json!(name)), "{last_changed_by:?}");
    }
}

#[tokio::test]
async fn only_what_one_may_read_is_listed() {
    let server = TestServer::with_example_apps();
    let path = "/ttd/kulturstotte/instances";
    server.user(1337).post(format!("{path}?instanceOwnerPartyId=501337")).send().await.expect(201);
    let listed = server.user(1001).get(format!("{path}/501337/active")).send().await.expect(200);
    assert_eq!(listed.json(), json!([]));
    server.anonymous().get(format!("{path}/501337/active")).send().await.expect(401);
    let answer = server.user(1337).get(format!("{path}/meg/active")).send().await.expect(404);
    assert!(answer.body.is_empty());
}
