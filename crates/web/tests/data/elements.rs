//! Elements of any kind: their answers, their limits, and what is not there (app-api §4.2–4.4, §4.8).

use mottak_testing::covers;
use serde_json::json;

use crate::world::{World, expect_bare, expect_details, expect_member, expect_status, text};

#[tokio::test]
async fn the_older_endpoint_asks_for_a_data_type() {
    let _rows = covers("app-api", &["DAT-01"]);
    let world = World::journal().await;
    for query in ["data", "data?dataType=", "data?language=nb"] {
        expect_member(&world.user.post(world.url(query)).send().await, "dataType");
    }
}

#[tokio::test]
async fn the_older_endpoint_answers_the_element() {
    let world = World::journal().await;
    let answer = world.post_legacy("kopi").send().await.expect(201);
    let element = answer.json();
    assert_eq!(element["dataType"], "kopi");
    assert_eq!(element["contentType"], "application/xml");
    assert_eq!(answer.header("location").map(str::to_owned), Some(text(&element["selfLinks"]["apps"])));
    assert_eq!(element.get("instance"), None);
}

#[tokio::test]
async fn a_new_form_is_answered_with_its_model() {
    let _rows = covers("app-api", &["DAT-03"]);
    let world = World::regneark().await;
    // What a form calculates about itself tells how often its rules ran.
    let answer = world.user.post(world.url("data/teller")).json(&json!({"tekst": "fromClient"})).send().await;
    let body = answer.expect(200).json();
    let id = text(&body["newDataElementId"]);
    assert_eq!(
        body["newDataModels"][0],
        json!({"dataElementId": id, "data": {"tekst": "fromClient", "skrevet": 1, "spraak": "nb"}})
    );
    assert_eq!(body["validationIssues"], json!([]));
    let all = body["instance"]["data"].as_array().cloned().unwrap_or_default();
    assert!(all.iter().any(|element| element["id"] == id.as_str() && element["isRead"] == true));
    let link = format!("https://localhost/{}/instances/{}", world.app, world.id);
    assert_eq!(body["instance"]["selfLinks"]["apps"], link);
}

#[tokio::test]
async fn no_more_elements_than_the_type_allows() {
    let _rows = covers("app-api", &["DAT-05"]);
    let world = World::journal().await;
    for _ in 0..2 {
        world.add_form("kopi", &json!({})).await;
        world.add_file("faa", "a.b", "text/plain", "x").await;
    }
    let version = world.version().await;
    let detail = "Cannot create more than 2 data elements of type kopi";
    expect_details(&world.post("kopi").json(&json!({})).send().await, 409, "Max Count Exceeded", detail);
    expect_details(&world.post_legacy("kopi").send().await, 409, "Max Count Exceeded", detail);
    let file = world.post("faa").file("a.b", "text/plain", "x").send().await;
    expect_details(&file, 409, "Max Count Exceeded", "Cannot create more than 2 data elements of type faa");
    let second_main_form = world.post("sak").json(&json!({})).send().await;
    expect_details(&second_main_form, 409, "Max Count Exceeded", "Cannot create more than 1 data elements of type sak");
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_data_type_must_be_known() {
    let _rows = covers("app-api", &["DAT-06"]);
    let world = World::journal().await;
    let version = world.version().await;
    for (unknown, name) in [
        ("finnes-ikke", "finnes-ikke"),
        ("SAK", "SAK"),
        ("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        ("%2E%2E", ".."),
        ("a%00b", "a\0b"),
        ("%22%3E%3Cscript%3E", "\"><script>"),
        ("7b6a5c9e-3f6e-4f0e-9a3c-1de1f7a0b1c2", "7b6a5c9e-3f6e-4f0e-9a3c-1de1f7a0b1c2"),
    ] {
        let detail = format!("Could not find the specified data type: \"{name}\" in applicationmetadata.json");
        for path in [format!("data/{unknown}"), format!("data/type/{unknown}")] {
            let answer = world.user.post(world.url(&path)).json(&json!({})).send().await;
            expect_details(&answer, 400, "Data Type Not Found", &detail);
        }
        let legacy = world.user.post(world.url(&format!("data?dataType={unknown}"))).json(&json!({})).send().await;
        assert_eq!(legacy.expect(400).text(), detail);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn validators_run_on_a_new_element_only_when_asked_for() {
    let _rows = covers("app-api", &["DAT-24", "DAT-25"]);
    let world = World::journal().await;
    let sources = async |query: &str| {
        let answer = world.user.post(world.url(&format!("data/type/notat{query}"))).json(&json!({})).send().await;
        let issues = answer.expect(200).json()["validationIssues"].clone();
        let issues = issues.as_array().cloned().unwrap_or_default();
        issues.iter().map(|findings| text(&findings["source"])).collect::<Vec<_>>()
    };
    assert_eq!(sources("").await, [""; 0]);
    assert_eq!(sources("?ignoredValidators=").await, ["Required", "Expression", "DataAnnotations"]);
    assert_eq!(sources("?ignoredValidators=required,,Expression").await, ["DataAnnotations"]);
}

#[tokio::test]
async fn an_unknown_element_is_named() {
    let _rows = covers("app-api", &["DAT-37"]);
    let world = World::journal().await;
    let unknown = "0e8a5d0c-7a0b-4a3f-9a53-0e6f3f3b3c11";
    let path = world.url(&format!("data/{unknown}"));
    let detail = format!("Did not find data element {unknown} on instance {}", world.id);
    let user = &world.user;
    for request in [
        user.get(&path),
        user.put(&path).json(&json!({})),
        user.patch(&path).json(&json!({"patch": []})),
        user.delete(&path),
    ] {
        expect_details(&request.send().await, 404, "Data Element Not Found", &detail);
    }
}

#[tokio::test]
async fn what_is_no_guid_is_no_element() {
    let world = World::journal().await;
    for segment in ["1", "..", "%2E%2E%2F", "abc", "0e8a5d0c-7a0b-4a3f-9a53-0e6f3f3b3c1g", "%00"] {
        let answer = world.user.get(world.url(&format!("data/{segment}"))).send().await;
        expect_status(&answer, 404);
        assert_eq!(answer.text(), "", "{segment}");
    }
}

#[tokio::test]
async fn a_guid_is_read_in_any_form() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    for spelled in [sak.to_uppercase(), sak.replace('-', ""), format!("%7B{sak}%7D")] {
        expect_status(&world.user.get(world.url(&format!("data/{spelled}"))).send().await, 200);
    }
}

#[tokio::test]
async fn a_data_type_in_the_path_must_be_the_elements() {
    let _rows = covers("app-api", &["DAT-38"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    expect_status(&world.user.get(world.url(&format!("data/{sak}/type/sak"))).send().await, 200);
    let version = world.version().await;
    let path = world.url(&format!("data/{sak}/type/notat"));
    let text = format!("Data type notat does not match data element {sak}, which is of type sak");
    let got = world.user.get(&path).send().await.expect(400);
    assert_eq!(got.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(got.text(), text);
    let put = world.user.put(&path).json(&json!({})).send().await.expect(400);
    assert_eq!(put.text(), text);
    let only_json = world.user.get(&path).accept("application/json").send().await.expect(400);
    assert_eq!(only_json.json(), json!(text));
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_removed_element_is_gone_at_once() {
    let _rows = covers("app-api", &["DAT-48"]);
    let world = World::journal().await;
    let kopi = world.add_form("kopi", &json!({})).await;
    let file = world.add_file("vedlegg", "a.b", "text/plain", "x").await;
    for id in [kopi, file] {
        let path = world.url(&format!("data/{id}"));
        let body = world.user.delete(&path).send().await.expect(200).json();
        let all = body["instance"]["data"].as_array().cloned().unwrap_or_default();
        assert!(!all.is_empty() && all.iter().all(|element| element["id"] != id.as_str()), "{body}");
        assert_eq!((&body["validationIssues"], &body["newDataModels"]), (&json!([]), &json!([])));
        expect_details(&world.user.get(&path).send().await, 404, "Data Element Not Found", &id);
        expect_details(&world.user.delete(&path).send().await, 404, "Data Element Not Found", &id);
    }
    let other = world.add_form("kopi", &json!({})).await;
    let path = world.url(&format!("data/{other}?ignoredValidators="));
    let validated = world.user.delete(path).send().await.expect(200).json();
    assert_eq!(validated["validationIssues"][0]["source"], "Required", "validators run when asked for");
}

#[tokio::test]
async fn the_main_form_stays() {
    let _rows = covers("app-api", &["DAT-47"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let answer = world.user.delete(world.url(&format!("data/{sak}"))).send().await;
    let detail = "Cannot delete the only data element of a class with app logic";
    expect_details(&answer, 400, "Cannot Delete main data element", detail);
    expect_status(&world.user.get(world.url(&format!("data/{sak}"))).send().await, 200);
}

#[tokio::test]
async fn content_that_is_missing_in_the_store_is_not_found() {
    use mottak_model::{DataElement, Guid};
    use mottak_service::ports::{Body, Change, ElementChange, ElementPut};
    let _rows = covers("app-api", &["DAT-53"]);
    let world = World::journal().await;
    let store = &world.server.service.store;
    let snapshot = store.load(world.id).await.expect("the store answers").expect("the instance");
    let mut change = Change::expecting(world.id, snapshot.version);
    let ids = [("kopi", Guid::from_u128(1)), ("vedlegg", Guid::from_u128(2))];
    for (data_type, id) in ids {
        let element = DataElement::new(id, world.id.guid, data_type);
        let put = ElementPut { element, touch: true, body: Body::Keep };
        change.elements.push(ElementChange::Put(Box::new(put)));
    }
    store.commit(change).await.expect("committed");
    for (_, id) in ids {
        expect_bare(&world.user.get(world.url(&format!("data/{id}"))).send().await, 404, "Not Found");
    }
}

#[tokio::test]
async fn reading_marks_the_instance_as_read_unless_its_owner_does() {
    let world = World::journal().await;
    let kopi = world.owner().post(world.url("data/type/kopi")).json(&json!({})).send().await.expect(200).json();
    let kopi = text(&kopi["newDataElementId"]);
    let is_read = async || world.elements("kopi").await[0]["isRead"].clone();
    expect_status(&world.owner().get(world.url(&format!("data/{kopi}"))).send().await, 200);
    assert_eq!(is_read().await, false);
    expect_status(&world.user.get(world.url(&format!("data/{kopi}"))).send().await, 200);
    assert_eq!(is_read().await, true);
}
