//! The contract's own cases, on the app they name: tdd/contributer-restriction (app-api §25.4–25.5).

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::world::{World, expect_details, expect_status, expect_upload_issue, noise, text};

/// A file that lies beside the app.
fn sample(name: &str) -> Vec<u8> {
    let path = mottak_testing::shared(&format!("data/apps/applib-contributer-restriction/App/_testdata_/{name}"));
    std::fs::read(path.expect("it lies beside the app")).expect("a readable file")
}

#[tokio::test]
async fn a_form_nobody_said_anything_about_is_for_users_to_make_and_remove() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-02", "DAT-44"]);
    let created = world.post_legacy("userInteractionUnspecified").send().await.expect(201);
    let element = created.json();
    assert_eq!(element["dataType"], "userInteractionUnspecified");
    assert_eq!(created.header("location").map(str::to_owned), Some(text(&element["selfLinks"]["apps"])));
    let path = world.url(&format!("data/{}", text(&element["id"])));
    expect_status(&world.user.delete(path).send().await, 200);
    assert!(world.elements("userInteractionUnspecified").await.is_empty());
}

#[tokio::test]
async fn files_are_held_to_size_and_content() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-08", "DAT-09", "DAT-10", "DAT-11"]);
    let mut large = b"%PDF-1.7\n".to_vec();
    large.extend(noise(1, 1_048_577 - large.len()));
    let refused = world.post("specificFileType").file("a.pdf", "application/pdf", large).send().await;
    let description = "Invalid data provided. Error: Binary attachment exceeds limit of 1048576";
    expect_upload_issue(&refused, "DataElementTooLarge", description);

    let upload = async |name: &str| {
        world.post_legacy("specificFileType").file("example.pdf", "application/pdf", sample(name)).send().await
    };
    assert_eq!(upload("zero.pdf").await.expect(400).text(), "Invalid data provided. Error: The file is zero bytes.");
    expect_status(&upload("example.jpg.pdf").await, 400);
    assert!(world.elements("specificFileType").await.is_empty());
    let id = text(&upload("example.pdf").await.expect(201).json()["id"]);
    assert!(world.stored(&id).await == sample("example.pdf"));
}

#[tokio::test]
async fn what_users_may_not_make_the_owner_may() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-26"]);
    let detail = "Cannot create data element of type disallowUserCreate as it is disallowed by app logic";
    let legacy = world.post_legacy("disallowUserCreate").send().await.expect(400);
    assert_eq!(legacy.text(), detail);
    expect_details(&world.post("disallowUserCreate").send().await, 400, "User Create Disallowed", detail);
    let owner = world.owner();
    expect_status(&owner.post(world.url("data?dataType=disallowUserCreate")).send().await, 201);
    expect_status(&owner.post(world.url("data/disallowUserCreate")).send().await, 200);
}

#[tokio::test]
async fn what_users_may_not_remove_the_owner_may() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-45"]);
    let id = world.add_form("disallowUserDelete", &json!({})).await;
    let path = world.url(&format!("data/{id}"));
    let detail = "Cannot delete data element of type disallowUserDelete as it is disallowed by app logic";
    expect_details(&world.user.delete(&path).send().await, 400, "User Delete Disallowed", detail);
    expect_status(&world.owner().delete(&path).send().await, 200);
}

#[tokio::test]
async fn writing_may_need_an_action_of_its_own() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-27", "DAT-43", "DAT-46", "PAT-23"]);
    let (title, detail) = ("Unauthorized", "Access denied for data element of type requiresActionToWrite");
    let owner = world.owner();
    for legacy in [true, false] {
        let path = world.url(if legacy { "data?dataType=requiresActionToWrite" } else { "data/requiresActionToWrite" });
        expect_details(&world.user.post(&path).json(&json!({})).send().await, 403, title, detail);
        let allowed = owner.post(&path).json(&json!({})).send().await;
        expect_status(&allowed, if legacy { 201 } else { 200 });
    }
    let id = text(&world.elements("requiresActionToWrite").await[0]["id"]);
    let path = world.url(&format!("data/{id}"));
    let patch = json!({"patch": [{"op": "test", "path": "/melding", "value": null}]});
    let patches = json!({"patches": [{"dataElementId": id, "patch": patch["patch"]}]});
    for (client, is_allowed) in [(&world.user, false), (&owner, true)] {
        for (request, status) in [
            (client.put(&path).json(&json!({})), 201),
            (client.patch(&path).json(&patch), 200),
            (client.patch(world.url("data")).json(&patches), 200),
            (client.delete(&path), 200),
        ] {
            let answer = request.send().await;
            if is_allowed {
                expect_status(&answer, status);
            } else {
                expect_details(&answer, 403, title, detail);
            }
        }
    }
}

#[tokio::test]
async fn reading_may_need_an_action_of_its_own() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-35"]);
    let created = world.post("requiresActionToRead").json(&json!({})).send().await.expect(200).json();
    let id = text(&created["newDataElementId"]);
    let listed = created["instance"]["data"].as_array().cloned().unwrap_or_default();
    assert!(listed.iter().all(|element| element["dataType"] != "requiresActionToRead"), "hidden from lists too");
    assert!(world.elements("requiresActionToRead").await.is_empty());
    let path = world.url(&format!("data/{id}"));
    let detail = "Access denied for data element of type requiresActionToRead";
    expect_details(&world.user.get(&path).send().await, 403, "Unauthorized", detail);
    expect_status(&world.owner().get(&path).send().await, 200);
}

#[tokio::test]
async fn only_contributors_may_add_what_is_theirs() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-28"]);
    let path = world.url("data/customElement");
    let refused = world.user.post(&path).file("a.txt", "text/plain", "x").send().await;
    expect_details(&refused, 403, "Forbidden", "User is not a valid contributor to the data type");
    let allowed = world.owner().post(&path).file("a.txt", "text/plain", "x").send().await.expect(200).json();
    let id = text(&allowed["newDataElementId"]);
    let path = world.url(&format!("data/{id}"));
    for request in [world.user.put(&path).file("a.txt", "text/plain", "y"), world.user.delete(&path)] {
        expect_details(&request.send().await, 403, "Forbidden", "User is not a valid contributor to the data type");
    }
    assert_eq!(world.user.get(&path).send().await.expect(200).text(), "x");
}

#[tokio::test]
async fn a_data_type_may_be_called_like_a_guid() {
    let Some(world) = World::contributors().await else { return };
    let path = world.url("data/9edd53de-f46f-40a1-bb4d-3efb93dc113d");
    let created = world.user.post(path).file("a.b", "text/plain", "x").send().await.expect(200).json();
    assert_eq!(world.stored(&text(&created["newDataElementId"])).await, b"x");
}

#[tokio::test]
async fn a_number_for_a_text_is_told_by_its_path() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["DAT-41", "DAT-42"]);
    let form = world.only("default").await;
    let put = async |body: &'static str| world.put(&form).body("application/json", body).send().await;
    let answer = put(r#"{"melding":{"name":123}}"#).await;
    expect_details(&answer, 400, "Failed to deserialize JSON", "Path: $.melding.name");
    let answer = put(r#" d{"melding":{}}"#).await;
    expect_details(&answer, 400, "Failed to deserialize JSON", "'d' is an invalid start of a value");
}

#[tokio::test]
async fn a_patch_tells_of_a_missing_required_field_as_validation_does() {
    let Some(world) = World::contributors().await else { return };
    let _rows = covers("app-api", &["PAT-01", "PAT-03"]);
    let form = world.only("default").await;
    world.put_json(&form, &json!({"melding": {}})).await;
    let patch = async |operations: Value| {
        let body = json!({"patch": operations, "ignoredValidators": null});
        world.user.patch(world.url(&format!("data/{form}"))).json(&body).send().await.expect(200).json()
    };
    let named = patch(json!([{"op": "replace", "path": "/melding/name", "value": "Ola"}])).await;
    assert_eq!(named["newDataModel"]["melding"]["name"], "Ola");
    assert_eq!(named["validationIssues"]["Required"], json!([]));
    let cleared = patch(json!([
        {"op": "test", "path": "/melding/name", "value": "Ola"},
        {"op": "replace", "path": "/melding/name", "value": null},
    ]))
    .await;
    let issue = &cleared["validationIssues"]["Required"][0];
    assert_eq!(issue["field"], "melding.name");
    assert_eq!(
        issue["description"],
        "melding.name is required in component with id default.page.name for binding simpleBinding"
    );
    let validated = world.user.get(world.url("validate")).send().await.expect(200).json();
    let same = validated.as_array().and_then(|issues| issues.iter().find(|issue| issue["source"] == "Required"));
    assert_eq!(same, Some(issue));
}
