//! The message box: searches, single instances, histories, deletions and their undoing (platform-storage §2.7).

use mottak_model::{Instance, InstanceEvent, PlatformUser, ProcessElement, Substatus};
use mottak_testing::covers;
use mottak_testkit::{Answer, Backing, Client, Seed};
use serde_json::{Value, json};

use crate::fixtures::{self, World};
use crate::{API, BACKINGS, SYNC, expect_empty, own, studio};

const FULL: &str = "1337/6323a337-26e7-4d40-89e8-f5bb3d80be3a";

/// Form T: the text as it is.
#[track_caller]
pub(crate) fn expect_plain(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, text));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

fn path(id: &str) -> String {
    format!("{API}/sbl/instances/{id}")
}

async fn search(client: &Client, question: &Value) -> Value {
    client.post(format!("{API}/sbl/instances/search")).json(question).send().await.expect(200).json()
}

/// The last digits of what a search finds, in its order.
async fn numbers(client: &Client, question: Value) -> Vec<u128> {
    let found = search(client, &question).await;
    let number = |item: &Value| item["id"].as_str()?.rsplit('-').next()?.parse::<u128>().ok();
    found.as_array().expect("a list").iter().map(|item| number(item).expect("an id of our own")).collect()
}

/// A question about Sophie's own instances.
fn asking(more: Value) -> Value {
    let mut question = json!({ "instanceOwnerPartyIdList": [own::SOPHIES_PARTY] });
    question.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    question
}

fn soft_deleted(mut instance: Instance) -> Instance {
    instance.status.is_soft_deleted = true;
    instance.status.soft_deleted = Some(own::time("2025-05-29T12:00:00Z"));
    instance
}

fn hard_deleted(instance: Instance) -> Instance {
    let mut instance = soft_deleted(instance);
    instance.status.is_hard_deleted = true;
    instance.status.hard_deleted = instance.status.soft_deleted;
    instance
}

/// One of each: 1 active, 2 archived, 3 active and deleted, 4 archived and deleted, 5 and 6 deleted for good.
async fn places(backing: Backing) -> own::World {
    let world = own::world(backing);
    let ended = "2025-05-25T12:00:00Z";
    for instance in [
        own::instance(1),
        own::archived(2, ended),
        soft_deleted(own::instance(3)),
        soft_deleted(own::archived(4, ended)),
        hard_deleted(own::instance(5)),
        hard_deleted(own::archived(6, ended)),
    ] {
        world.server.seed(Seed::of(instance)).await;
    }
    world
}

#[tokio::test]
async fn flags_choose_places_and_nothing_deleted_for_good_is_in_any() {
    let _rows = covers("platform-storage", &["M17", "M18", "M19", "M20"]);
    for backing in BACKINGS {
        let world = places(backing).await;
        let sophie = world.sophie();
        let flags = |active: bool, archived: bool, deleted: bool| {
            asking(json!({
                "appId": own::GRANTS,
                "includeActive": active, "includeArchived": archived, "includeDeleted": deleted,
            }))
        };
        for (question, found) in [
            (flags(true, true, true), vec![4, 3, 2, 1]),
            (flags(false, false, false), vec![4, 3, 2, 1]),
            (flags(true, false, false), vec![1]),
            (flags(false, true, false), vec![2]),
            (flags(false, false, true), vec![4, 3]),
            (flags(true, true, false), vec![2, 1]),
            (flags(false, true, true), vec![4, 3, 2]),
            (flags(true, false, true), vec![4, 3, 1]),
        ] {
            assert_eq!(numbers(&sophie, question.clone()).await, found, "{question}");
        }
        assert_eq!(numbers(&sophie, asking(json!({ "appId": own::LICENCES }))).await, []);
        assert_eq!(numbers(&sophie, asking(json!({ "appId": "no app" }))).await, []);
    }
}

#[tokio::test]
async fn archive_references_find_what_was_sent_in() {
    let _rows = covers("platform-storage", &["M24", "M25", "M26"]);
    for backing in BACKINGS {
        let world = places(backing).await;
        let sophie = world.sophie();
        let of = |number: u128, flags: Value| {
            let mut question = asking(flags);
            let guid = own::guid(number).to_string().to_uppercase();
            question["archiveReference"] = json!(guid[guid.len() - 12..]);
            question
        };
        let none = json!({});
        for (question, found) in [
            (of(1, none.clone()), vec![]),
            (of(2, none.clone()), vec![2]),
            (of(3, none.clone()), vec![3]),
            (of(4, none.clone()), vec![4]),
            (of(6, none), vec![]),
            (of(2, json!({ "includeActive": true, "includeDeleted": true })), vec![]),
            (of(4, json!({ "includeActive": true, "includeDeleted": true })), vec![4]),
            (of(2, json!({ "includeActive": true })), vec![]),
        ] {
            assert_eq!(numbers(&sophie, question.clone()).await, found, "{question}");
        }
        // Any end of the guid, with its hyphens, and nothing else.
        let end = own::guid(2).to_string()[20..].to_owned();
        assert_eq!(numbers(&sophie, asking(json!({ "archiveReference": end }))).await, [2]);
        assert_eq!(numbers(&sophie, asking(json!({ "archiveReference": "not a guid" }))).await, []);
    }
}

#[tokio::test]
async fn searches_need_a_token_and_parties() {
    let _rows = covers("platform-storage", &["M15", "M16"]);
    let world = places(Backing::default()).await;
    let path = format!("{API}/sbl/instances/search");
    expect_empty(&world.server.anonymous().post(&path).json(&asking(json!({}))).send().await, 401);
    let refused = world.sophie().post(&path).json(&json!({ "appId": own::GRANTS })).send().await.expect(400);
    assert_eq!(refused.header("content-type"), Some("application/problem+json; charset=utf-8"));
    assert_eq!(refused.json()["errors"].as_object().expect("errors").len(), 1);
    assert!(refused.json()["errors"]["InstanceOwnerPartyIdList"][0].is_string());
    assert_eq!(search(&world.sophie(), &json!({ "instanceOwnerPartyIdList": [] })).await, json!([]));
    world.sophie().post(&path).body("text/plain", "{}").send().await.expect(415);
    let many = json!({ "instanceOwnerPartyIdList": vec![own::SOPHIES_PARTY; 10_001] });
    let refused = world.sophie().post(&path).json(&many).send().await.expect(400);
    assert!(refused.json()["errors"]["InstanceOwnerPartyIdList"][0].is_string());
}

#[tokio::test]
async fn texts_are_looked_for_in_titles_and_presentation_texts() {
    let _rows = covers("platform-storage", &["M21", "M22"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let with_text = |number: u128, app: &str, text: &str| {
            let mut instance = own::of_app(own::instance(number), app);
            instance.presentation_texts = Some([("tittel".to_owned(), text.to_owned())].into());
            instance
        };
        for instance in [
            with_text(1, own::GRANTS, "Korps"),
            with_text(2, own::LICENCES, "Kafé BLÅBÆR, med KULTURSTØTTE"),
            with_text(3, own::LICENCES, "100% blå_bær"),
        ] {
            world.server.seed(Seed::of(instance)).await;
        }
        let sophie = world.sophie();
        for (text, found) in [
            // Part of the first app's title, and of the second instance's text.
            ("kulturstøtte", vec![2, 1]),
            ("blåbær", vec![2]),
            ("%", vec![3]),
            ("å_b", vec![3]),
            ("finnes ikke", vec![]),
        ] {
            let question = asking(json!({ "searchString": text }));
            assert_eq!(numbers(&sophie, question).await, found, "{text}");
        }
    }
}

#[tokio::test]
async fn instances_of_several_parties_come_in_one_order() {
    let _rows = covers("platform-storage", &["M23"]);
    for backing in BACKINGS {
        let Some(world) =
            fixtures::world_of(backing, |guid| guid.starts_with("20475edd") || guid.starts_with("045ea5db")).await
        else {
            return;
        };
        let question = json!({ "instanceOwnerPartyIdList": ["1600", 1337, 1600] });
        let found = search(&world.user(3, 1337, 3), &question).await;
        let owners: Vec<_> = found.as_array().expect("a list").iter().map(|item| &item["instanceOwnerId"]).collect();
        assert!(owners.contains(&&json!("1600")) && owners.contains(&&json!("1337")), "{found}");
        assert_eq!(owners.last(), Some(&&json!("1337")), "the oldest is the last");
    }
}

#[tokio::test]
async fn what_the_caller_may_not_read_is_left_out() {
    let world = places(Backing::default()).await;
    assert_eq!(search(&world.server.user(1001), &asking(json!({}))).await, json!([]));
    let low = world.server.user_at_level(own::SOPHIE, 0);
    assert_eq!(search(&low, &asking(json!({}))).await, json!([]));
}

#[tokio::test]
async fn what_is_not_yet_visible_is_left_out() {
    let _rows = covers("platform-storage", &["M27"]);
    let world = own::world(Backing::default());
    let mut waiting = own::instance(1);
    waiting.visible_after = Some(own::time("2025-06-02T00:00:00Z"));
    world.server.seed(Seed::of(waiting)).await;
    assert_eq!(numbers(&world.sophie(), asking(json!({}))).await, []);
    world.clock.set(own::time("2025-06-02T00:00:00Z"));
    assert_eq!(numbers(&world.sophie(), asking(json!({}))).await, [1]);
}

#[tokio::test]
async fn days_are_asked_of_creation_and_of_sending_in() {
    let _rows = covers("platform-storage", &["M29"]);
    let world = own::world(Backing::default());
    let mut created_today = own::instance(1);
    created_today.created = Some(own::time("2025-06-01T07:00:00Z"));
    world.seed_at("2025-06-01T08:00:00Z", Seed::of(created_today)).await;
    world.seed_at("2025-06-01T08:00:01Z", Seed::of(own::instance(2))).await;
    // What was sent in counts by its last change.
    world.seed_at("2025-06-01T08:00:02Z", Seed::of(own::archived(3, "2025-06-01T08:00:02Z"))).await;
    let sophie = world.sophie();
    let today = asking(json!({ "fromCreated": "2025-06-01T00:00:00Z" }));
    assert_eq!(numbers(&sophie, today.clone()).await, [3, 1]);
    for item in search(&sophie, &asking(json!({ "fromCreated": "2025-06-01", "includeActive": true })))
        .await
        .as_array()
        .expect("a list")
    {
        assert!(item["createdDateTime"].as_str().is_some_and(|time| time.starts_with("2025-06-01")), "{item}");
    }
    let earlier = asking(json!({ "toCreated": "2025-05-31T23:59:59Z" }));
    assert_eq!(numbers(&sophie, earlier).await, [2]);
    let changed = asking(json!({
        "fromLastChanged": "2025-06-01T08:00:01Z", "toLastChanged": "2025-06-01T10:00:01+02:00",
    }));
    assert_eq!(numbers(&sophie, changed).await, [2]);
}

#[tokio::test]
async fn who_may_sign_is_told_while_the_instance_is_to_be_signed() {
    let _rows = covers("platform-storage", &["M28"]);
    let wanted = "1916cd18-3b8e-46f8-aeaf-4bc3397ddd55";
    let Some(world) = fixtures::world_of(Backing::default(), |guid| guid == wanted).await else { return };
    let found = search(&world.user(10016, 1600, 2), &json!({ "instanceOwnerPartyIdList": [1600] })).await;
    assert_eq!(found[0]["id"], wanted);
    assert_eq!(found[0]["authorizedForSign"], true);
    assert_eq!(found[0]["processCurrentTask"], "Signing");
    assert_eq!(found[0]["allowDelete"], false);
}

#[tokio::test]
async fn apps_hide_instances_from_searches() {
    let _rows = covers("platform-storage", &["M32"]);
    for (settings, found) in [
        (json!({ "hideAlways": true }), vec![]),
        (json!({ "hideOnTask": ["Task_1"] }), vec![2]),
        (json!({ "hideOnTask": ["Task_2"] }), vec![2, 1]),
        (json!({}), vec![2, 1]),
    ] {
        let world = own::world(Backing::default());
        world.server.seed(Seed::of(own::instance(1))).await;
        world.server.seed(Seed::of(own::archived(2, "2025-05-25T12:00:00Z"))).await;
        let document = json!({
            "id": own::GRANTS, "org": "ttd", "messageBoxConfig": { "hideSettings": settings.clone() },
        });
        let registered = studio(&world.server).put(format!("{API}/applications/{}", own::GRANTS)).json(&document);
        registered.send().await.expect(200);
        assert_eq!(numbers(&world.sophie(), asking(json!({}))).await, found, "{settings}");
        // Nothing else is hidden.
        let id = own::instance(1).id;
        world.sophie().get(path(&id.to_string())).send().await.expect(200);
        let listed = world.page(&world.sophie(), &format!("instanceOwner.partyId={}", own::SOPHIES_PARTY)).await;
        assert_eq!(listed["count"], 2);
    }
}

/// The world with the shared texts registered.
async fn with_texts(wanted: &[&str]) -> Option<World> {
    let world =
        fixtures::world_of(Backing::default(), |guid| wanted.iter().any(|start| guid.starts_with(start))).await?;
    let texts = mottak_testing::shared("data/storage/unittest-data/postgresdata/texts")?;
    for language in ["en", "nb"] {
        let file = std::fs::read_to_string(texts.join(format!("tdd-endring-av-navn-{language}.json"))).expect("texts");
        let texts: Value = serde_json::from_str(file.trim_start_matches('\u{feff}')).expect("JSON");
        let path = format!("{API}/applications/tdd/endring-av-navn/texts");
        studio(&world.server).post(path).json(&texts).send().await.expect(200);
    }
    Some(world)
}

#[tokio::test]
async fn an_instance_is_shown_in_the_language_that_was_asked_for() {
    let _rows = covers("platform-storage", &["M01"]);
    let Some(world) = with_texts(&["6323a337"]).await else { return };
    let client = world.user(3, 1337, 3);
    for language in ["en", "EN"] {
        let answer = client.get(format!("{}?language={language}", path(FULL))).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        let shown = answer.json();
        assert_eq!(shown["title"], "Name change, Sophie Salt");
        assert_eq!((&shown["allowDelete"], &shown["authorizedForWrite"]), (&json!(true), &json!(true)));
        assert_eq!(shown["substatus"]["description"], "Application approved by all instances.");
        assert_eq!(shown["processCurrentTask"], "Feedback");
        assert_eq!(shown["lastChangedBy"], "1337");
    }
    for language in ["nb", "fr", ""] {
        let shown = client.get(format!("{}?language={language}", path(FULL))).send().await.expect(200).json();
        assert_eq!(shown["title"], "Endring av navn (RF-1453), Sophie Salt", "{language}");
        assert_eq!(shown["substatus"]["label"], "substatus.accepted.label", "there is no such text");
    }
    // There is no way from one language to another.
    let shown = client.get(format!("{}?language=nn", path(FULL))).send().await.expect(200).json();
    assert_eq!(shown["title"], "endring-av-navn, Sophie Salt");
}

#[tokio::test]
async fn members_are_all_there_and_null_where_nothing_is_known() {
    let world = own::world(Backing::default());
    let mut instance = own::instance(1);
    instance.status.substatus = Some(Substatus { label: Some("Mottatt".to_owned()), description: None });
    instance.data_values = Some([("a".to_owned(), "b".to_owned())].into());
    world.server.seed(Seed::of(instance)).await;
    let id = own::guid(1);
    let shown = world.sophie().get(path(&own::instance(1).id.to_string())).send().await.expect(200);
    let expected = format!(
        concat!(
            r#"{{"id":"{}","instanceOwnerId":"501337","org":"ttd","appName":"kulturstotte","#,
            r#""title":"Søknad om kulturstøtte","processCurrentTask":"FormFilling","#,
            r#""createdDateTime":"2025-05-20T08:30:00.1234567Z","lastChangedBy":"1337","dueDateTime":null,"#,
            r#""deleteStatus":0,"readStatus":"Unread","substatus":{{"label":"Mottatt","description":null}},"#,
            r#""allowDelete":true,"allowNewCopy":false,"authorizedForWrite":true,"authorizedForSign":false,"#,
            r#""archivedDateTime":null,"deletedDateTime":null,"presentationText":null,"dataValues":{{"a":"b"}}}}"#
        ),
        id
    );
    assert_eq!(shown.text(), expected);
}

#[tokio::test]
async fn rights_are_those_of_the_policy() {
    let _rows = covers("platform-storage", &["M02", "M03"]);
    let Some(world) = with_texts(&["6323a337"]).await else { return };
    let id = "1606/6323a337-26e7-4d40-89e8-f5bb3d80be3b";
    let shown = world.user(3, 1337, 3).get(path(id)).send().await.expect(200).json();
    assert_eq!((&shown["allowDelete"], &shown["authorizedForWrite"]), (&json!(false), &json!(true)));
    expect_empty(&world.user(1, 1606, 3).get(path(id)).send().await, 403);
    expect_empty(&world.server.anonymous().get(path(id)).send().await, 401);
    // The policy of this app asks for a level.
    expect_empty(&world.user(3, 1337, 0).get(path(FULL)).send().await, 403);
    let unknown = "1337/00000000-0000-4000-8000-000000000001";
    let asked = world.user(3, 1337, 3).get(path(unknown)).send().await;
    expect_plain(&asked, 404, &format!("Could not find instance {unknown}"));
    // Another party's than the path says is not there.
    let moved = "1600/6323a337-26e7-4d40-89e8-f5bb3d80be3b";
    expect_plain(
        &world.user(3, 1337, 3).get(path(moved)).send().await,
        404,
        &format!("Could not find instance {moved}"),
    );
    let only_json = world.user(3, 1337, 3).get(path(unknown)).accept("application/json").send().await;
    assert_eq!(only_json.text(), format!("\"Could not find instance {unknown}\""));
}

#[tokio::test]
async fn what_was_sent_in_can_be_copied_where_the_app_allows_it() {
    let _rows = covers("platform-storage", &["M04"]);
    let Some(world) = with_texts(&["17ad1851", "6323a337"]).await else { return };
    let client = world.user(3, 1337, 3);
    let id = "1337/17ad1851-f6cb-4573-bfcb-a17d145307b3";
    let shown = client.get(path(id)).send().await.expect(200).json();
    assert_eq!(shown["allowNewCopy"], true);
    assert_eq!(shown["processCurrentTask"], "Archived");
    assert_eq!(client.get(path(FULL)).send().await.json()["allowNewCopy"], false);
    // Not where the app's metadata say nothing of copies.
    let document = json!({ "id": "tdd/endring-av-navn", "org": "tdd" });
    let updated = studio(&world.server).put(format!("{API}/applications/tdd/endring-av-navn")).json(&document);
    updated.send().await.expect(200);
    assert_eq!(client.get(path(id)).send().await.json()["allowNewCopy"], false);
}

#[tokio::test]
async fn deletions_are_taken_back() {
    let _rows = covers("platform-storage", &["M05", "M36"]);
    let id = "1337/da1f620f-1764-4f98-9f03-74e5e20f10fe";
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |guid| guid.starts_with("da1f620f")).await else { return };
        let client = world.user(1337, 1337, 3);
        let undone = client.put(format!("{}/undelete", path(id))).send().await.expect(200);
        assert_eq!((undone.text().as_str(), undone.header("content-type")), ("true", Some(crate::JSON)));
        let instance = client.get(format!("{API}/instances/{id}")).send().await.expect(200).json();
        assert_eq!(instance["status"]["isSoftDeleted"], false);
        assert_eq!(instance["status"].get("softDeleted"), None);
        assert_eq!(
            (&instance["lastChanged"], &instance["lastChangedBy"]),
            (&json!("2025-09-01T08:00:00Z"), &json!("1337"))
        );
        // What is not deleted stays as it is.
        client.put(format!("{}/undelete", path(id))).send().await.expect(200);
        client.delete(format!("{}?hard=false", path(id))).send().await.expect(200);
        client.put(format!("{}/undelete", path(id))).send().await.expect(200);
        let events = client.get(format!("{}/events", path(id))).send().await.expect(200).json();
        let types: Vec<_> = events.as_array().expect("events").iter().map(|event| event["eventType"].clone()).collect();
        assert_eq!(types, ["Undeleted", "Deleted", "Undeleted"]);
        let stored = client.get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
        for event in stored["instanceEvents"].as_array().expect("events") {
            assert_eq!(event.get("processInfo"), None, "{event}");
            assert_eq!(event["user"]["userId"], 1337);
        }
    }
}

#[tokio::test]
async fn taking_back_is_refused_to_whom_may_not_and_where_it_is_too_late() {
    let _rows = covers("platform-storage", &["M06", "M07", "M08"]);
    let wanted = ["cd41b024", "f888c42b"];
    let Some(world) =
        fixtures::world_of(Backing::default(), |guid| wanted.iter().any(|start| guid.starts_with(start))).await
    else {
        return;
    };
    let undelete = |client: &Client, id: &str| client.put(format!("{}/undelete", path(id)));
    let deleted = "1337/cd41b024-f6b8-4ca7-9080-adc9eca5f0d1";
    for client in [world.user(1337, 1337, 0), world.user(1, 1337, 3)] {
        expect_empty(&undelete(&client, deleted).send().await, 403);
    }
    let gone = "1337/f888c42b-8749-41d6-8048-8fc28c70beaa";
    let refused = undelete(&world.user(1337, 1337, 3), gone).send().await;
    expect_plain(&refused, 404, "Instance was permanently deleted and cannot be restored.");
    let unknown = "1337/4be22ede-0000-4000-8000-000000000001";
    let refused = undelete(&world.owner_with_scope("digdir", SYNC), unknown).send().await;
    let text = format!("Didn't find the object that should be restored with instanceId={unknown}");
    expect_plain(&refused, 404, &text);
    expect_empty(&undelete(&world.user(1337, 1337, 3), unknown).send().await, 403);
}

#[tokio::test]
async fn instances_are_deleted_softly_and_for_good() {
    let _rows = covers("platform-storage", &["M09", "M11"]);
    let wanted = ["08274f48", "7a951b5b"];
    let Some(world) =
        fixtures::world_of(Backing::default(), |guid| wanted.iter().any(|start| guid.starts_with(start))).await
    else {
        return;
    };
    let client = world.user(1337, 1337, 3);
    for (id, query, is_hard) in [
        ("1337/08274f48-8313-4e2d-9788-bbdacef5a54e", "?hard=false", false),
        ("1337/7a951b5b-ef96-4032-9273-f8d7651266f4", "?hard=true", true),
    ] {
        let deleted = client.delete(format!("{}{query}", path(id))).send().await.expect(200);
        assert_eq!(deleted.text(), "true");
        let instance = client.get(format!("{API}/instances/{id}")).send().await.expect(200).json();
        assert_eq!(
            (&instance["status"]["isSoftDeleted"], &instance["status"]["isHardDeleted"]),
            (&json!(true), &json!(is_hard))
        );
        let events = client.get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
        let event = &events["instanceEvents"][0];
        assert_eq!((&event["eventType"], event.get("processInfo")), (&json!("Deleted"), None));
    }
    let refused = client.delete(format!("{}?hard=maybe", path(FULL))).send().await.expect(400);
    assert_eq!(refused.header("content-type"), Some("application/problem+json; charset=utf-8"));
    assert!(refused.json()["errors"]["hard"][0].is_string());
}

#[tokio::test]
async fn deleting_is_a_right() {
    let _rows = covers("platform-storage", &["M10", "M12"]);
    let wanted = ["6323a337", "3af7ad95", "07274f48"];
    let Some(world) =
        fixtures::world_of(Backing::default(), |guid| wanted.iter().any(|start| guid.starts_with(start))).await
    else {
        return;
    };
    for client in [world.user(1337, 1337, 0), world.user(1, 1337, 3)] {
        expect_empty(&client.delete(path(FULL)).send().await, 403);
    }
    // Archived, with the role that may delete, and of an app that lets nobody.
    let archived = "1337/07274f48-8313-4e2d-9788-bbdacef5a54e";
    world.user(1337, 1337, 3).delete(path(archived)).send().await.expect(200);
    let kept = "1600/3af7ad95-0dd4-45d5-bb97-c1ee66c600d7";
    expect_empty(&world.user(10016, 1600, 3).delete(path(kept)).send().await, 403);
}

#[tokio::test]
async fn instances_of_unknown_apps_are_not_deleted() {
    let _rows = covers("platform-storage", &["M13"]);
    let world = own::world(Backing::default());
    let orphan = own::of_app(own::instance(1), "ttd/finnes-ikke");
    world.server.seed(Seed::of(orphan.clone())).await;
    let sync = world.server.owner_with_scope("digdir", "991825827", SYNC);
    let refused = sync.delete(path(&orphan.id.to_string())).send().await;
    expect_plain(&refused, 404, "Cannot find application ttd/finnes-ikke in storage");
}

#[tokio::test]
async fn apps_keep_what_was_sent_in_for_a_time() {
    let _rows = covers("platform-storage", &["M14"]);
    let world = own::world(Backing::default());
    let id = world.server.seed(Seed::of(own::archived(1, "2025-05-30T10:00:00Z"))).await.id.to_string();
    let document = json!({ "id": own::GRANTS, "org": "ttd", "preventInstanceDeletionForDays": 3 });
    let registered = studio(&world.server).put(format!("{API}/applications/{}", own::GRANTS)).json(&document);
    registered.send().await.expect(200);
    for query in ["?hard=true", "?hard=false", ""] {
        let refused = world.sophie().delete(format!("{}{query}", path(&id))).send().await;
        expect_plain(&refused, 403, "Instance cannot be deleted yet due to application restrictions.");
    }
    world.clock.set(own::time("2025-06-02T10:00:00Z"));
    world.sophie().delete(path(&id)).send().await.expect(200);
}

/// An event of the first instance, so many seconds after it was made.
fn event(second: u32, event_type: &str, user: i32, data: Option<&str>) -> InstanceEvent {
    InstanceEvent {
        id: own::guid(5000 + u128::from(second)),
        instance_id: own::instance(1).id,
        data_id: data.map(str::to_owned),
        created: own::time(&format!("2025-05-20T08:31:{second:02}Z")),
        event_type: event_type.to_owned(),
        instance_owner_party_id: None,
        user: Some(PlatformUser { user_id: Some(user), authentication_level: 2, ..PlatformUser::default() }),
        related_user: None,
        process_info: own::instance(1).process,
        additional_info: None,
    }
}

#[tokio::test]
async fn histories_tell_what_a_reader_needs() {
    let _rows = covers("platform-storage", &["M30", "M31"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let mut seed = Seed::of(own::instance(1));
        seed.events = vec![
            event(0, "Created", 1, None),
            event(1, "process_StartTask", 1, None),
            event(2, "Created", 1, Some("a")),
            event(3, "Saved", 1, Some("a")),
            event(4, "Deleted", 1, Some("b")),
            event(5, "Saved", 2, Some("a")),
            event(6, "Saved", 1, Some("a")),
            event(7, "Submited", 1, None),
            event(8, "ConfirmedComplete", 1, None),
            event(9, "Deleted", 1, None),
        ];
        let id = world.server.seed(seed).await.id.to_string();
        let told = world.sophie().get(format!("{}/events", path(&id))).send().await.expect(200);
        let first = format!(
            r#"[{{"id":"{}","createdDateTime":"2025-05-20T08:31:00Z","eventType":"Created","user":{{"userId":1,"authenticationLevel":2}}}},"#,
            own::guid(5000)
        );
        assert!(told.text().starts_with(&first), "{}", told.text());
        let told = told.json();
        let told: Vec<_> = told
            .as_array()
            .expect("events")
            .iter()
            .map(|event| (event["eventType"].as_str().expect("a type"), event["user"]["userId"].clone()))
            .collect();
        let expected = [("Created", 1), ("Saved", 1), ("Saved", 2), ("Saved", 1), ("Submited", 1), ("Deleted", 1)];
        assert_eq!(told, expected.map(|(name, user)| (name, json!(user))));
        expect_empty(&world.server.user(1001).get(format!("{}/events", path(&id))).send().await, 403);
        world
            .server
            .owner_with_scope("digdir", "991825827", SYNC)
            .get(format!("{}/events", path(&id)))
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn long_histories_are_told_in_full() {
    let _rows = covers("platform-storage", &["M30"]);
    let world = own::world(Backing::default());
    let mut seed = Seed::of(own::instance(1));
    seed.events = (0..600)
        .map(|at| InstanceEvent {
            id: own::guid(9000 + at),
            user: Some(PlatformUser { user_id: Some((at % 2) as i32), ..PlatformUser::default() }),
            ..event(1, "Saved", 1, Some("a"))
        })
        .collect();
    let id = world.server.seed(seed).await.id.to_string();
    let told = world.sophie().get(format!("{}/events", path(&id))).send().await.expect(200).json();
    assert_eq!(told.as_array().map(Vec::len), Some(600));
}

#[tokio::test]
async fn title_is_a_text_of_the_app_or_its_name() {
    let _rows = covers("platform-storage", &["M33", "M34"]);
    let world = own::world(Backing::default());
    let id = world.server.seed(Seed::of(own::instance(1))).await.id.to_string();
    for (resources, title) in [
        (json!([{ "id": null, "value": "x" }, { "id": "ServiceName", "value": "Grants" }]), "Grants"),
        (json!([{ "id": "ServiceName", "value": "Grants" }, { "id": "appName", "value": "Culture" }]), "Culture"),
        (json!([{ "value": "x" }, { "id": "other", "value": "y" }]), "kulturstotte"),
    ] {
        let texts = json!({ "language": "en", "resources": resources });
        let path_of_texts = format!("{API}/applications/{}/texts", own::GRANTS);
        studio(&world.server).post(path_of_texts).json(&texts).send().await.expect(200);
        let shown = world.sophie().get(format!("{}?language=en", path(&id))).send().await.expect(200).json();
        assert_eq!(shown["title"], title);
        let found = search(&world.sophie(), &asking(json!({ "language": "EN" }))).await;
        assert_eq!(found[0]["title"], title);
    }
}

#[tokio::test]
async fn where_the_process_stands_has_a_word() {
    let _rows = covers("platform-storage", &["M35"]);
    let world = own::world(Backing::default());
    let at = |number: u128, task_type: &str| {
        let mut instance = own::instance(number);
        let task = instance.process.get_or_insert_default().current_task.get_or_insert_default();
        *task = ProcessElement { altinn_task_type: Some(task_type.to_owned()), ..task.clone() };
        instance
    };
    let mut ended = own::archived(5, "2025-05-25T12:00:00Z");
    ended.status.is_archived = false;
    let mut without = own::instance(6);
    without.process = None;
    let archived = own::archived(7, "2025-05-25T12:00:00Z");
    for (instance, word) in [
        (at(1, "data"), "FormFilling"),
        (at(2, "confirmation"), "Confirmation"),
        (at(3, "feedback"), "Feedback"),
        (at(4, "signing"), "Signing"),
        (ended, "Submit"),
        (without, "default"),
        (archived, "Archived"),
    ] {
        let id = world.server.seed(Seed::of(instance)).await.id.guid.to_string();
        let found = search(&world.sophie(), &asking(json!({}))).await;
        let shown = found.as_array().expect("a list").iter().find(|item| item["id"] == id.as_str());
        assert_eq!(shown.expect("it is found")["processCurrentTask"], word);
    }
}
