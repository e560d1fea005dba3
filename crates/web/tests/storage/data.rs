//! Elements and their content, as application owners fetch them (platform-storage §2.4.3, §2.4.6).

use std::time::Duration;

use bytes::Bytes;
use mottak_model::{DataElement, DeleteStatus};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut};
use mottak_testing::covers;
use mottak_testkit::{Client, Seed, TestServer};
use serde_json::Value;

use crate::own::{attachment, guid, instance, time};
use crate::{API, BACKINGS, expect_empty, expect_problem, expect_status, expect_text, fixtures, own};

/// Instances of the shared fixtures, all of party 1337.
pub(crate) const AUTODELETE: &str = "4914257c-9920-47a5-a37a-eae80f950767";
pub(crate) const SENSITIVE: &str = "99194777-a691-433a-ace1-225e9a691653";
pub(crate) const PLAIN: &str = "d91fd644-1028-4efd-924f-4ca187354514";
pub(crate) const PLAIN_ELEMENT: &str = "f4feb26c-8eed-4d1d-9d75-9239c40724e9";

/// Elements of [`SENSITIVE`], and whether its users may write them.
pub(crate) const SENSITIVE_ELEMENTS: [(&str, bool); 4] = [
    ("70d122f8-0cae-44f4-8cd5-2887c251a959", true),
    ("15c0fa5d-a243-4fa2-882b-002bb60b6227", true),
    ("6448a556-2db0-4279-b535-13e7f9c05809", false),
    ("bb64df50-fdb1-456b-943e-9c32f524943e", false),
];

pub(crate) fn here(instance: &str) -> String {
    format!("{API}/instances/1337/{instance}")
}

pub(crate) fn path(instance: &str, rest: &str) -> String {
    format!("{API}/instances/1337/{instance}/{rest}")
}

/// An element as the list of its instance has it; null when it is not there.
pub(crate) async fn element_in(client: &Client, instance: &str, element: &str) -> Value {
    let list = client.get(format!("{instance}/dataelements")).send().await.expect(200).json();
    let elements = list["dataElements"].as_array().expect("elements");
    elements.iter().find(|candidate| candidate["id"] == element).cloned().unwrap_or(Value::Null)
}

/// The history of an instance.
pub(crate) async fn events_of(client: &Client, instance: &str) -> Vec<Value> {
    let list = client.get(format!("{instance}/events")).send().await.expect(200).json();
    list["instanceEvents"].as_array().expect("events").clone()
}

/// The bodies of the jobs of this kind that wait to be done.
pub(crate) async fn jobs_of(server: &TestServer, kind: &str) -> Vec<Value> {
    let jobs = server.service.store.claim_jobs(100, Duration::from_mins(1)).await.expect("the store answers");
    let wanted = jobs.into_iter().filter(|job| job.kind == kind);
    wanted.map(|job| serde_json::from_str(&job.body).expect("bodies of jobs are JSON")).collect()
}

fn ids_of(list: &Value) -> Vec<&str> {
    list["dataElements"].as_array().expect("elements").iter().map(|it| it["id"].as_str().unwrap_or("")).collect()
}

#[tokio::test]
async fn content_is_answered_as_it_was_stored() {
    let _rows = covers("platform-storage", &["D51"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(1337, 1337, 3);
    let answer = client.get(path(PLAIN, &format!("data/{PLAIN_ELEMENT}"))).send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), None);
    assert!(!answer.body.is_empty());
}

#[tokio::test]
async fn what_is_not_there_or_not_permitted_is_refused() {
    let _rows = covers("platform-storage", &["D52", "D53", "D54", "D70"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let element = path(PLAIN, &format!("data/{PLAIN_ELEMENT}"));
    let list = path(PLAIN, "dataelements");
    for client in [world.user(1, 1, 3), world.user(1337, 1337, 1), world.user(3, 1337, 1)] {
        expect_empty(&client.get(&element).send().await, 403);
        expect_empty(&client.get(&list).send().await, 403);
    }
    let client = world.user(1337, 1337, 3);
    let unknown = "11111111-1111-4111-8111-111111111111";
    let message = format!("Unable to find any data element with id: {unknown}.");
    expect_text(&client.get(path(PLAIN, &format!("data/{unknown}"))).send().await, 404, &message);
    expect_empty(&client.get(path(PLAIN, "data/abc")).send().await, 404);
    for rest in [format!("data/{PLAIN_ELEMENT}"), "dataelements".to_owned()] {
        let answer = client.get(path(unknown, &rest)).send().await;
        assert_eq!(answer.status, 404);
        assert!(answer.json().is_string(), "{}", answer.text());
        let nobodys = client.get(format!("{API}/instances/0/{PLAIN}/{rest}")).send().await;
        assert_eq!(nobodys.status, 400);
        assert!(nobodys.json().is_string(), "{}", nobodys.text());
    }
    expect_empty(&world.server.anonymous().get(&element).send().await, 401);
}

#[tokio::test]
async fn owners_reading_leaves_no_trace() {
    let _rows = covers("platform-storage", &["D55"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let (instance, element) = ("ca9da17c-904a-44d2-9771-a5420acfbcf3", "28023597-516b-4a71-a77c-d3736912abd5");
        let list = path(instance, "dataelements");
        let before = world.owner("tdd").get(&list).send().await.expect(200).text();
        expect_status(&world.owner("tdd").get(path(instance, &format!("data/{element}"))).send().await, 200);
        assert_eq!(world.owner("tdd").get(&list).send().await.expect(200).text(), before);
    }
}

#[tokio::test]
async fn withdrawn_element_is_there_for_the_owner_alone() {
    let _rows = covers("platform-storage", &["D56", "D68"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let (kept, withdrawn) = ("887c5e56-6f73-494a-9730-6ebd11bffe30", "887c5e56-6f73-494a-9730-6ebd11bffe88");
    let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
    let element = path(AUTODELETE, &format!("data/{withdrawn}"));
    expect_problem(&user.get(&element).send().await, 404, "Not Found", "15.5.5");
    expect_status(&ttd.get(&element).send().await, 200);
    let list = path(AUTODELETE, "dataelements/");
    let shown = user.get(&list).send().await.expect(200).json();
    assert!(ids_of(&shown).contains(&kept) && !ids_of(&shown).contains(&withdrawn), "{shown}");
    let all = ttd.get(&list).send().await.expect(200).json();
    assert!(ids_of(&all).contains(&kept) && ids_of(&all).contains(&withdrawn), "{all}");
    assert_eq!(ids_of(&all).len(), ids_of(&shown).len() + 1);
}

#[tokio::test]
async fn sensitive_types_are_read_with_their_own_action() {
    let rows = ["D57", "D58", "D59", "D60", "D61", "D62", "D63", "D64", "D69"];
    let _rows = covers("platform-storage", &rows);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let (user, ttd) = (world.user(1337, 1337, 3), world.owner("ttd"));
    for (element, content, users) in [
        ("70d122f8-0cae-44f4-8cd5-2887c251a959", "model-content", 200),
        ("15c0fa5d-a243-4fa2-882b-002bb60b6227", "sensitive-data-read-content", 403),
        ("6448a556-2db0-4279-b535-13e7f9c05809", "sensitive-data-write-content", 200),
        ("bb64df50-fdb1-456b-943e-9c32f524943e", "sensitive-data-both-content", 403),
    ] {
        let element = path(SENSITIVE, &format!("data/{element}"));
        assert_eq!(ttd.get(&element).send().await.expect(200).text(), content);
        let answer = user.get(&element).send().await;
        match users {
            200 => assert_eq!(answer.expect(200).text(), content),
            status => expect_empty(&answer, status),
        }
    }
    // The list of elements says that they are there, to whoever may read the instance.
    for client in [user, ttd] {
        let list = client.get(path(SENSITIVE, "dataelements")).send().await.expect(200).json();
        assert_eq!(ids_of(&list).len(), 4);
    }
}

#[tokio::test]
async fn users_reading_is_noted_on_the_element_alone() {
    let _rows = covers("platform-storage", &["D65", "D67"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let unread = DataElement { is_read: false, ..attachment(1, 1, 1) };
        let before = world.server.seed(Seed::of(instance(1)).with(unread.clone(), "%PDF")).await;
        world.clock.set(time("2025-06-02T10:00:00Z"));
        let here = format!("{API}/instances/{}", before.id);
        expect_status(&world.sophie().get(format!("{here}/data/{}", unread.id)).send().await, 200);
        let list = world.sophie().get(format!("{here}/dataelements/")).send().await.expect(200).json();
        assert_eq!(list["dataElements"][0]["isRead"], true);
        assert_eq!(list["dataElements"][0]["lastChanged"], "2025-05-20T08:31:01Z");
        let after = world.sophie().get(&here).send().await.expect(200).json();
        assert_eq!(after["lastChanged"], "2025-06-01T10:00:00Z");
        assert_eq!(after["status"]["readStatus"], "Unread");
        let events = world.sophie().get(format!("{here}/events")).send().await.expect(200).json();
        assert_eq!(events["instanceEvents"].as_array().map(Vec::len), Some(0));
    }
}

#[tokio::test]
async fn name_of_the_file_is_told_in_both_spellings() {
    let _rows = covers("platform-storage", &["D66"]);
    let world = own::world(Default::default());
    let named = DataElement { filename: Some("kjøleskap på loft.pdf".to_owned()), ..attachment(1, 1, 1) };
    world.server.seed(Seed::of(instance(1)).with(named.clone(), "%PDF")).await;
    let path = format!("{API}/instances/{}/data/{}", instance(1).id, named.id);
    let answer = world.sophie().get(path).send().await.expect(200);
    let disposition = answer.header("content-disposition").expect("a disposition");
    assert!(disposition.starts_with("attachment; filename="), "{disposition}");
    assert!(disposition.ends_with("; filename*=UTF-8''kj%C3%B8leskap%20p%C3%A5%20loft.pdf"), "{disposition}");
}

#[tokio::test]
async fn element_without_a_type_of_content_is_bytes() {
    let world = own::world(Default::default());
    let untyped = DataElement { content_type: None, filename: None, ..attachment(1, 1, 1) };
    world.server.seed(Seed::of(instance(1)).with(untyped.clone(), "hva som helst")).await;
    let path = format!("{API}/instances/{}/data/{}", instance(1).id, untyped.id);
    let answer = world.sophie().get(path).send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-disposition"), None);
}

#[tokio::test]
async fn owner_fetches_every_byte_of_small_and_large_content() {
    // No two neighbouring pieces are alike, so that a lost or doubled one is seen.
    let large: Vec<u8> = (0..3 * 1024 * 1024_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for backing in BACKINGS {
        let world = own::world(backing);
        let contents = [Bytes::from_static(b"%PDF\r\n\0\xff"), Bytes::from(large.clone()), Bytes::new()];
        let seed = contents.iter().enumerate().fold(Seed::of(instance(1)), |seed, (number, content)| {
            let element = attachment(1, number as u128, number as u32);
            seed.with(DataElement { size: content.len() as u64, ..element }, content.clone())
        });
        world.server.seed(seed).await;
        for (number, content) in contents.iter().enumerate() {
            let path = format!("{API}/instances/{}/data/{}", instance(1).id, attachment(1, number as u128, 0).id);
            let answer = world.ttd().get(path).send().await.expect(200);
            assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()));
            assert!(answer.body == *content, "{} of {} bytes in {backing:?}", answer.body.len(), content.len());
        }
    }
}

/// The original found elements by their guid alone, and noted that they were read before it failed.
#[tokio::test]
async fn element_of_another_instance_is_not_found_and_stays_unread() {
    let world = own::world(Default::default());
    let unread = DataElement { is_read: false, ..attachment(1, 1, 1) };
    world.server.seed(Seed::of(instance(1)).with(unread.clone(), "%PDF")).await;
    world.server.seed(Seed::of(instance(2))).await;
    let wrong = format!("{API}/instances/{}/data/{}", instance(2).id, unread.id);
    let message = format!("Unable to find any data element with id: {}.", unread.id);
    expect_text(&world.sophie().get(wrong).send().await, 404, &message);
    let list = world.sophie().get(format!("{API}/instances/{}/dataelements", instance(1).id)).send().await.expect(200);
    assert_eq!(list.json()["dataElements"][0]["isRead"], false);
}

#[tokio::test]
async fn elements_are_listed_in_order_of_creation() {
    let world = own::world(Default::default());
    let seed = [(9, 1), (3, 2), (7, 3)]
        .into_iter()
        .fold(Seed::of(instance(1)), |seed, (number, second)| seed.with(attachment(1, number, second), "x"));
    world.server.seed(seed).await;
    let list = world.ttd().get(format!("{API}/instances/{}/dataelements", instance(1).id)).send().await.expect(200);
    let expected: Vec<String> = [9, 3, 7].into_iter().map(|number| guid(1000 + number).to_string()).collect();
    assert_eq!(ids_of(&list.json()), expected);
}

#[tokio::test]
async fn element_whose_content_is_gone_is_not_found() {
    let world = own::world(Default::default());
    let seeded = world.server.seed(Seed::of(instance(1))).await;
    let store = &world.server.service.store;
    let version = store.load(seeded.id).await.expect("the store answers").expect("it was seeded").version;
    let element = attachment(1, 1, 1);
    let mut change = Change::expecting(seeded.id, version);
    let put = ElementPut { element: element.clone(), touch: false, body: Body::Keep };
    change.elements.push(ElementChange::Put(Box::new(put)));
    store.commit(change).await.expect("the change is good");
    let path = format!("{API}/instances/{}/data/{}", seeded.id, element.id);
    let message = format!("Unable to read data element from blob storage for {}", element.id);
    expect_text(&world.ttd().get(path).send().await, 404, &message);
}

/// Types of which the application knows nothing are not handed out; neither are those on the way out.
#[tokio::test]
async fn element_of_an_unknown_type_is_refused() {
    let world = own::world(Default::default());
    let unknown = DataElement { data_type: "ukjent".to_owned(), ..attachment(1, 1, 1) };
    let marked = DataElement {
        delete_status: Some(DeleteStatus { is_hard_deleted: true, hard_deleted: None }),
        ..attachment(1, 2, 2)
    };
    let seed = Seed::of(instance(1)).with(unknown.clone(), "x").with(marked.clone(), "y");
    world.server.seed(seed).await;
    let path = |id| format!("{API}/instances/{}/data/{id}", instance(1).id);
    let message = "Requested element type is not declared in application metadata";
    expect_text(&world.ttd().get(path(unknown.id)).send().await, 400, message);
    assert_eq!(world.sophie().get(path(marked.id)).send().await.status, 404);
    assert_eq!(world.ttd().get(path(marked.id)).send().await.expect(200).text(), "y");
}
