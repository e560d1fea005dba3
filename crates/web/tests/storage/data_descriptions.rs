//! What is said about elements, and by whom (platform-storage §2.4.7, §2.4.8).

use mottak_model::DataElement;
use mottak_testing::covers;
use mottak_testkit::Seed;
use serde_json::{Value, json};

use crate::data::{AUTODELETE, SENSITIVE, SENSITIVE_ELEMENTS, element_in, events_of, here, path};
use crate::own::{attachment, guid, instance};
use crate::{API, BACKINGS, expect_empty, expect_invalid, expect_status, expect_text, fixtures, own};

const KEPT: &str = "887c5e56-6f73-494a-9730-6ebd11bffe30";
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

/// Sophie's attachment and where it is.
async fn one_element(world: &own::World) -> (String, DataElement) {
    let element = attachment(1, 1, 1);
    world.server.seed(Seed::of(instance(1)).with(element.clone(), "x")).await;
    (format!("{API}/instances/{}", instance(1).id), element)
}

fn described(element: &DataElement, rest: Value) -> Value {
    let mut description =
        json!({ "id": element.id, "instanceGuid": element.instance_guid, "dataType": element.data_type });
    description.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
    description
}

#[tokio::test]
async fn description_is_kept_as_given() {
    let _rows = covers("platform-storage", &["D71"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let (here, element) = one_element(&world).await;
        let path = format!("{here}/dataelements/{}", element.id);
        let events = events_of(&world.sophie(), &here).await;
        for said in [
            json!({
                "tags": ["a", "b"],
                "metadata": [{ "key": "m", "value": "1" }, { "key": "m", "value": "2" }],
                "userDefinedMetadata": [{ "key": "TheKey", "value": "TheValue" }],
                "lastChanged": "2025-05-30T12:00:00.1234567Z",
                "lastChangedBy": "20000042",
            }),
            json!({
                "tags": ["c"],
                "metadata": [{ "key": "n", "value": null }],
                "userDefinedMetadata": [],
                "locked": true,
                "refs": [guid(3)],
                "references": [{ "value": "Task_1", "relation": "GeneratedFrom", "valueType": "Task" }],
                "deleteStatus": { "isHardDeleted": false, "hardDeleted": null },
                "lastChanged": "2025-05-31T12:00:00Z",
                "lastChangedBy": "20000042",
            }),
            // Also on an element that is locked; what is absent goes.
            json!({ "lastChanged": "2025-05-31T13:00:00+01:00", "lastChangedBy": "20000043" }),
        ] {
            let answer =
                world.sophie().put(&path).json(&described(&element, said.clone())).send().await.expect(200).json();
            for member in ["metadata", "userDefinedMetadata", "refs", "references", "deleteStatus", "lastChangedBy"] {
                assert_eq!(answer.get(member), said.get(member), "{member}");
            }
            assert_eq!(answer["tags"], said.get("tags").cloned().unwrap_or_else(|| json!([])));
            assert_eq!(answer["locked"], said.get("locked").cloned().unwrap_or(json!(false)));
            assert_eq!(answer["filename"], json!(element.filename));
            assert_eq!(answer.get("selfLinks"), None);
            assert_eq!(element_in(&world.ttd(), &here, &element.id.to_string()).await, answer);
            let instance = world.ttd().get(&here).send().await.expect(200).json();
            assert_eq!(instance["lastChangedBy"], said["lastChangedBy"]);
        }
        let stored = element_in(&world.ttd(), &here, &element.id.to_string()).await;
        assert_eq!(stored["lastChanged"], "2025-05-31T12:00:00Z");
        assert_eq!(events_of(&world.sophie(), &here).await, events);
    }
}

#[tokio::test]
async fn description_of_something_else_is_refused_in_order() {
    let _rows = covers("platform-storage", &["D72"]);
    let world = own::world(Default::default());
    let (here, element) = one_element(&world).await;
    let path = format!("{here}/dataelements/{}", element.id);
    let sophie = world.sophie();
    for wrong in [
        json!({ "id": guid(9) }),
        json!({ "instanceGuid": guid(9) }),
        json!({ "id": null, "dataType": "ukjent" }),
        json!({ "id": element.id.to_string().to_uppercase() }),
    ] {
        let answer = sophie.put(&path).json(&described(&element, wrong)).send().await;
        expect_text(&answer, 400, "Mismatch between path and dataElement content");
    }
    let undeclared = "Requested element type is not declared in application metadata";
    for data_type in [json!("ukjent"), Value::Null] {
        let answer = sophie.put(&path).json(&described(&element, json!({ "dataType": data_type }))).send().await;
        expect_text(&answer, 400, undeclared);
    }
    let unknown = format!("{here}/dataelements/{}", guid(9));
    let answer = sophie.put(&unknown).json(&described(&element, json!({ "id": guid(9) }))).send().await;
    expect_text(&answer, 404, &format!("Unable to find any data element with id: {}.", guid(9)));
    expect_invalid(&sophie.put(&path).json(&described(&element, json!({ "refs": ["x"] }))).send().await, &["refs[0]"]);
    assert_eq!(sophie.put(&path).body("text/plain", "{}").send().await.status, 415);
    expect_empty(&world.server.user(1).put(&path).json(&json!({})).send().await, 403);
    let untouched = element_in(&world.ttd(), &here, &element.id.to_string()).await;
    assert_eq!(untouched["lastChanged"], json!(element.last_changed));
}

#[tokio::test]
async fn sensitive_types_are_described_with_their_own_action() {
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let user = world.user(1337, 1337, 3);
    for (id, users) in SENSITIVE_ELEMENTS {
        let element = element_in(&world.owner("ttd"), &here(SENSITIVE), id).await;
        let url = path(SENSITIVE, &format!("dataelements/{id}"));
        let own = user.put(&url).json(&element).send().await;
        let mut disguised = element.clone();
        disguised["dataType"] = json!("model");
        let disguised = user.put(&url).json(&disguised).send().await;
        for answer in [own, disguised] {
            if users {
                assert_eq!(answer.expect(200).json(), element);
            } else {
                expect_empty(&answer, 403);
            }
        }
    }
}

#[tokio::test]
async fn without_a_time_the_instance_stays_and_the_element_loses_its_own() {
    let _rows = covers("platform-storage", &["D86"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let (here, element) = one_element(&world).await;
        let before = world.ttd().get(&here).send().await.expect(200).json();
        let path = format!("{here}/dataelements/{}", element.id);
        let description = described(&element, json!({ "tags": null, "locked": true }));
        let answer = world.sophie().put(&path).json(&description).send().await.expect(200).json();
        for absent in ["lastChanged", "lastChangedBy", "tags", "refs"] {
            assert_eq!(answer.get(absent), None, "{absent}");
        }
        assert_eq!(answer["locked"], true);
        let after = world.ttd().get(&here).send().await.expect(200).json();
        assert_eq!(after["lastChanged"], before["lastChanged"]);
        assert_eq!(after["lastChangedBy"], before["lastChangedBy"]);
        assert_eq!(element_in(&world.ttd(), &here, &element.id.to_string()).await, answer);
    }
}

#[tokio::test]
async fn scanner_says_what_it_found_and_nothing_else_changes() {
    let _rows = covers("platform-storage", &["D73"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        let ttd = world.owner("ttd");
        let scanner = world.server.platform_component("platform");
        let here = here(AUTODELETE);
        let mut expected = ttd.get(&here).send().await.expect(200).json();
        let url = path(AUTODELETE, &format!("dataelements/{KEPT}/filescanstatus"));
        for result in ["Infected", "Clean"] {
            let status = json!({ "fileScanResult": result, "contentHash": "abc" });
            expect_empty(&scanner.put(&url).json(&status).send().await, 200);
            let element = expected["data"].as_array_mut().expect("elements").iter_mut().find(|it| it["id"] == KEPT);
            element.expect("the element")["fileScanResult"] = json!(result);
            assert_eq!(ttd.get(&here).send().await.expect(200).json(), expected);
        }
        let unknown = path(AUTODELETE, &format!("dataelements/{UNKNOWN}/filescanstatus"));
        expect_status(&scanner.put(unknown).json(&json!({ "fileScanResult": "Clean" })).send().await, 404);
        let invalid = scanner.put(&url).json(&json!({ "fileScanResult": "Spotless" })).send().await;
        expect_invalid(&invalid, &["fileScanResult"]);
    }
}

#[tokio::test]
async fn only_the_platform_scans() {
    let _rows = covers("platform-storage", &["D74", "D75"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let status = path(AUTODELETE, &format!("dataelements/{KEPT}/filescanstatus"));
    let exists = path(AUTODELETE, &format!("dataelementexists/{KEPT}"));
    let clean = json!({ "fileScanResult": "Clean" });
    for client in [world.user(1337, 1337, 3), world.owner("ttd"), world.owner_with_scope("digdir", crate::SYNC)] {
        expect_empty(&client.put(&status).json(&clean).send().await, 403);
        expect_empty(&client.get(&exists).send().await, 403);
    }
    let nobody = world.server.anonymous();
    expect_empty(&nobody.put(&status).json(&clean).send().await, 401);
    expect_empty(&nobody.get(&exists).send().await, 401);
    let element = element_in(&world.owner("ttd"), &here(AUTODELETE), KEPT).await;
    assert_eq!(element["fileScanResult"], "NotApplicable");
    let scanner = world.server.platform_component("platform");
    for (url, answer) in [
        (exists, "true"),
        (path(AUTODELETE, &format!("dataelementexists/{UNKNOWN}")), "false"),
        (path(UNKNOWN, &format!("dataelementexists/{KEPT}")), "false"),
    ] {
        let found = scanner.get(url).send().await.expect(200);
        assert_eq!(found.text(), answer);
        assert_eq!(found.header("content-type"), Some("application/json; charset=utf-8"));
    }
}
