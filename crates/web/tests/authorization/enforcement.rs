//! What policies ask for beside the right itself, and on which instance they are asked (platform-authorization §10.2).

use mottak_testing::covers;
use serde_json::json;

use crate::callers::{
    METADATA, OTHER_USER, PARTY, POLICY, PROCESS, USER, make, make_for, owner_at_level, server, server_with, text,
    upload,
};

#[tokio::test]
async fn a_level_that_is_too_low_is_said_where_the_app_itself_asks() {
    let _rows = covers("platform-authorization", &["F01", "F02"]);
    let server = server();
    let made = make(&server.user_at_level(USER, 3), "adgang").await;
    let low = server.user_at_level(USER, 2);
    let answer = low.get(made.path.as_str()).send().await.expect(403);
    assert_eq!(answer.json(), json!({"RequiredAuthenticationLevel": "3"}));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let answer = low.get(format!("{}/data/{}", made.path, made.form)).send().await.expect(403);
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn owners_are_held_to_their_own_level_where_it_is_lower() {
    let _rows = covers("platform-authorization", &["F03"]);
    let server = server();
    let made = make(&server.user_at_level(USER, 3), "adgang").await;
    assert_eq!(owner_at_level(&server, 2).get(made.path.as_str()).send().await.status, 200);
    assert_eq!(owner_at_level(&server, 1).get(made.path.as_str()).send().await.status, 403);
}

#[tokio::test]
async fn owners_below_both_levels_are_told_theirs() {
    let _rows = covers("platform-authorization", &["F04"]);
    let (server, _folder) = server_with(&[(POLICY, "#integer\">2<", "#integer\">3<")]);
    let made = make(&server.user_at_level(USER, 3), "adgang").await;
    let answer = owner_at_level(&server, 2).get(made.path.as_str()).send().await.expect(403);
    assert_eq!(answer.json(), json!({"RequiredAuthenticationLevelOrg": "3"}));
}

#[tokio::test]
async fn compat_storage_asks_the_policy_about_the_stored_owner_not_the_party_of_the_path() {
    let _rows = covers("platform-authorization", &["F07"]);
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    let path = format!("/storage/api/v1/instances/512345/{}", made.guid);
    assert_eq!(server.user(OTHER_USER).get(path.as_str()).send().await.status, 403);
    let read = server.user(USER).get(path).send().await.expect(200);
    assert_eq!(read.json()["id"], format!("{PARTY}/{}", made.guid));
}

#[tokio::test]
async fn what_storage_does_not_have_is_404() {
    let _rows = covers("platform-authorization", &["F06"]);
    let server = server();
    let unknown = format!("/storage/api/v1/instances/{PARTY}/5a2f3c1e-8f3d-4b42-9a39-0f6a4cbb7a10");
    assert_eq!(server.user(USER).get(unknown.as_str()).send().await.status, 404);
    assert_eq!(server.user(USER).get(format!("{unknown}/process/history")).send().await.status, 403);
}

#[tokio::test]
async fn owners_list_with_the_scope_alone() {
    let _rows = covers("platform-authorization", &["F09"]);
    let server = server();
    let list = "/storage/api/v1/instances?org=ttd";
    assert_eq!(server.owner_with_scope("ttd", "405003309", "altinn:other").get(list).send().await.status, 403);
    assert_eq!(server.ttd().get(list).send().await.status, 200);
}

#[tokio::test]
async fn an_app_of_another_owner_is_listed_where_its_policy_permits_reading() {
    let _rows = covers("platform-authorization", &["F10"]);
    let list = "/storage/api/v1/instances?appId=ttd/adgang&org=ttd";
    let server = server();
    assert_eq!(server.owner("digdir", "991825827").get(list).send().await.status, 403);
    let rule = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject";
    let subject = |org: &str| {
        format!(
            "{org}</xacml:AttributeValue>\n            <xacml:AttributeDesignator AttributeId=\"urn:altinn:org\" Category=\"{rule}\""
        )
    };
    let (server, _folder) = server_with(&[(POLICY, &subject("ttd"), &subject("digdir"))]);
    assert_eq!(server.owner("digdir", "991825827").get(list).send().await.status, 200);
}

#[tokio::test]
async fn nothing_is_made_for_a_party_the_policy_does_not_permit() {
    let _rows = covers("platform-authorization", &["F11"]);
    let server = server();
    let new = format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={PARTY}");
    assert_eq!(server.user(OTHER_USER).post(new).send().await.status, 403);
    let listed = server.user(USER).get(format!("/ttd/kulturstotte/instances/{PARTY}/active")).send().await.expect(200);
    assert_eq!(listed.json(), json!([]));
}

#[tokio::test]
async fn a_data_task_ends_for_those_who_may_write() {
    let _rows = covers("platform-authorization", &["F12", "F13"]);
    let server = server();
    let user = server.user_at_level(USER, 3);
    let made = make(&user, "adgang").await;
    let next = format!("{}/process/next", made.path);
    assert_eq!(server.user_at_level(OTHER_USER, 4).put(next.as_str()).send().await.status, 403);
    // May read, not write.
    assert_eq!(owner_at_level(&server, 2).put(next.as_str()).send().await.status, 403);
    let rejected = user.put(next.as_str()).json(&json!({"action": "reject"})).send().await;
    assert_eq!(rejected.status, 403);
    assert_eq!(user.put(next.as_str()).send().await.status, 200);
}

#[tokio::test]
async fn a_confirmation_task_does_not_end_for_those_who_may_only_write() {
    let _rows = covers("platform-authorization", &["F15"]);
    let (server, _folder) = server_with(&[(PROCESS, "taskType>data<", "taskType>confirmation<")]);
    let user = server.user_at_level(USER, 3);
    let made = make(&user, "adgang").await;
    assert_eq!(user.put(format!("{}/process/next", made.path)).send().await.status, 403);
}

#[tokio::test]
async fn an_element_is_read_with_the_action_its_type_asks_for() {
    let _rows = (covers("platform-authorization", &["F17"]), covers("app-api", &["DAT-35"]));
    // Here accountants may write notes and not read them; general managers may do both.
    let (server, _folder) = server_with(&[(METADATA, "\"actionRequiredToWrite\": \"skriv-notat\"", "\"minCount\": 0")]);
    let user = server.user_at_level(USER, 3);
    let note = |made: &crate::callers::Made| format!("{}/data/type/notat", made.path);
    let accounted = make(&user, "adgang").await;
    let written = text(&upload(&user, &note(&accounted)).await.expect(200).json()["newDataElementId"]);
    let answer = user.get(format!("{}/data/{written}", accounted.path)).send().await.expect(403);
    assert_eq!(answer.json()["detail"], "Access denied for data element of type notat");
    let instance = user.get(accounted.path.as_str()).send().await.expect(200).json();
    let shown = instance["data"].as_array().expect("elements").iter();
    assert!(shown.clone().count() == 2 && shown.clone().all(|element| element["dataType"] != "notat"));

    let managed = make_for(&user, "adgang", 500_000).await;
    let written = text(&upload(&user, &note(&managed)).await.expect(200).json()["newDataElementId"]);
    assert_eq!(user.get(format!("{}/data/{written}", managed.path)).send().await.status, 200);
}

#[tokio::test]
async fn a_type_with_contributors_is_written_by_them_alone() {
    let _rows = covers("platform-authorization", &["F18"]);
    let (server, _folder) = server_with(&[(
        METADATA,
        "{ \"id\": \"vedlegg\",",
        "{ \"id\": \"vedlegg\" },\n    { \"id\": \"av-eier\", \"allowedContributors\": [\"org:ttd\"],",
    )]);
    let user = server.user_at_level(USER, 3);
    let made = make(&user, "adgang").await;
    let answer = upload(&user, &format!("{}/data/type/av-eier", made.path)).await.expect(403);
    assert_eq!(answer.json()["detail"], "User is not a valid contributor to the data type");
}

#[tokio::test]
async fn the_substatus_is_the_owners_of_the_instance() {
    let _rows = covers("platform-authorization", &["F21"]);
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    let path = format!("{}/substatus", made.path);
    let body = json!({"label": "a", "description": "b"});
    assert_eq!(server.owner("digdir", "991825827").put(path.as_str()).json(&body).send().await.status, 403);
    assert_eq!(server.ttd().put(path.as_str()).json(&body).send().await.status, 200);
}

#[tokio::test]
async fn the_policy_of_a_route_counts_over_scopes_and_scopes_over_forgery() {
    let _rows = covers("platform-authorization", &["F22"]);
    let scopes =
        "\"apiScopes\": { \"users\": { \"read\": \"ttd:les\", \"write\": \"ttd:skriv\" } },\n  \"partyTypesAllowed\"";
    let (server, _folder) = server_with(&[(METADATA, "\"partyTypesAllowed\"", scopes)]);
    // The portal's scope is always enough.
    let made = make(&server.user_at_level(USER, 3), "adgang").await;
    let user = |id: i32, scope: &str| {
        server.with_claims(json!({
            "urn:altinn:userid": id, "urn:altinn:partyid": 501_337, "urn:altinn:authlevel": 3,
            "urn:altinn:authenticatemethod": "BankID", "scope": scope,
        }))
    };
    let form = format!("{}/data/{}", made.path, made.form);
    let without = user(USER, "altinn:instances.read").get(form.as_str()).send().await.expect(403);
    assert_eq!(without.json()["detail"], "Insufficient scope");
    assert_eq!(user(USER, "ttd:les").get(form.as_str()).send().await.status, 200);
    let neither = user(OTHER_USER, "altinn:instances.read").get(form.as_str()).send().await.expect(403);
    assert!(neither.body.is_empty(), "{}", neither.text());
    assert_eq!(neither.header("altinn-missing-action"), Some("read"));
    // The instance itself is asked about by its use case, after the scopes.
    let instance = user(OTHER_USER, "altinn:instances.read").get(made.path.as_str()).send().await.expect(403);
    assert_eq!(instance.json()["detail"], "Insufficient scope");

    let change = |scope: &str, id: i32| {
        let put = user(id, scope).put(form.as_str()).json(&json!({}));
        put.header("cookie", "AltinnStudioRuntime=x")
    };
    let unscoped = change("ttd:les", USER).send().await.expect(403);
    assert_eq!(unscoped.json()["detail"], "Insufficient scope");
    assert_eq!(change("ttd:skriv", USER).send().await.status, 400);
    let denied = change("ttd:skriv", OTHER_USER).send().await.expect(403);
    assert!(denied.body.is_empty(), "{}", denied.text());
}
