//! The state of a process, set by app backends (platform-storage §2.2, §3.1, §3.6).

use mottak_model::{DataElement, FlowType, Reference, ReferenceRelation, ReferenceType};
use mottak_testing::covers;
use mottak_testkit::{Answer, Client, Seed, TestServer};
use serde_json::{Value, json};

use crate::own::{attachment, guid, instance};
use crate::{
    API, BACKINGS, SYNC, expect_empty, expect_invalid, expect_problem, expect_status, expect_text, fixtures, own,
    rights,
};

const TASK_1: &str = "20a1353e-91cf-44d6-8ff7-f68993638ffe";
const TASK_2: &str = "20b1353e-91cf-44d6-8ff7-f68993638ffe";
const UNKNOWN: &str = "20b1353e-91cf-44d6-8ff7-f68993638ff0";

fn path(guid: &str) -> String {
    format!("{API}/instances/1337/{guid}/process")
}

/// The state as the body of each of the two endpoints.
async fn put_both(client: &Client, path: &str, state: &Value) -> [Answer; 2] {
    let alone = client.put(path).json(state).send().await;
    let update = json!({ "state": state, "events": [] });
    [alone, client.put(format!("{path}/instanceandevents")).json(&update).send().await]
}

fn to_task(id: &str, task_type: &str) -> Value {
    json!({ "currentTask": { "flow": 3, "elementId": id, "altinnTaskType": task_type } })
}

async fn kinds_of_events(client: &Client, id: &str) -> Vec<String> {
    let events = client.get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
    let kinds = events["instanceEvents"].as_array().expect("events").clone();
    kinds.iter().map(|it| it["eventType"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn app_backend_moves_the_process() {
    let _rows = covers("platform-storage", &["P01", "P04", "P14", "P35"]);
    let Some(sent) = mottak_testing::shared("data/storage/k6/process-task2.json") else {
        println!("skipped: the shared bodies of the end-to-end tests are not here");
        return;
    };
    let text = std::fs::read_to_string(sent).expect("a shared file");
    let state: Value = serde_json::from_str(&text).expect("JSON");
    for backing in BACKINGS {
        for endpoint in ["", "/instanceandevents"] {
            let Some(world) = fixtures::world_of(backing, |it| it == TASK_1).await else { return };
            let client = world.user(3, 1337, 3);
            let body = if endpoint.is_empty() { state.clone() } else { json!({ "state": state }) };
            let moved = client.put(format!("{}{endpoint}", path(TASK_1))).json(&body).send().await.expect(200).json();
            assert_eq!(moved["process"]["currentTask"]["name"], "Automatisert-Test-Signering");
            assert_eq!(moved["process"], state);
            assert_eq!(moved["lastChangedBy"], "3");
            assert_eq!(moved["lastChanged"], "2025-09-01T08:00:00Z");
            let here = format!("{API}/instances/1337/{TASK_1}");
            assert_eq!(moved["selfLinks"]["platform"], format!("https://platform.example.no{here}"));
            assert_eq!(client.get(&here).send().await.expect(200).json(), moved);
            let events = client.get(format!("{here}/events")).send().await.expect(200).json();
            let last = events["instanceEvents"].as_array().expect("events").last().expect("an event").clone();
            assert_eq!(last["eventType"], "SentToSign");
            assert_eq!(last["processInfo"], state, "the state that was entered");
            assert_eq!(last["user"], json!({ "userId": 3, "authenticationLevel": 3 }));
        }
    }
}

#[tokio::test]
async fn nobody_moves_it_without_the_right_to() {
    let _rows = covers("platform-storage", &["P02", "P03", "P05"]);
    let without_task = "67f568ce-f114-48e7-ba12-dd422f73667a";
    let standing = "ae3fe2fa-1fcb-42b4-8e63-69a42d4e3502";
    let Some(world) = fixtures::world_of(Default::default(), |it| it == standing || it == without_task).await else {
        return;
    };
    let state = to_task("Task_2", "confirmation");
    for client in [world.user(3, 1337, 1), world.user(-1, 1, 3), world.owner_with_scope("digdir", SYNC)] {
        for answer in put_both(&client, &path(standing), &state).await {
            expect_empty(&answer, 403);
        }
    }
    for client in [world.user(3, 1337, 3), world.owner("tdd")] {
        for answer in put_both(&client, &path(without_task), &state).await {
            expect_empty(&answer, 403);
        }
    }
    for answer in put_both(&world.server.anonymous(), &path(standing), &state).await {
        expect_empty(&answer, 401);
    }
}

#[tokio::test]
async fn action_of_the_stored_task_is_needed() {
    let _rows = covers("platform-storage", &["P06", "P07", "P08", "P09", "P12"]);
    let server = rights::server();
    let client = server.user(own::SOPHIE);
    let mut number = 0;
    for (action, task_type, is_permitted) in [
        ("sign", "signing", true),
        ("write", "signing", true),
        ("confirm", "signing", false),
        ("write", "payment", true),
        ("pay", "payment", true),
        ("write", "confirmation", false),
        ("confirm", "confirmation", true),
        ("vurdering", "vurdering", true),
        ("write", "vurdering", false),
        ("write", "data", true),
        ("reject", "data", false),
    ] {
        for flow_type in [None, Some(FlowType::CompleteCurrentMoveToNext)] {
            // The task that is entered permits what is never asked of it here.
            let state = rights::next("confirm", "confirmation", flow_type);
            for endpoint in 0..2 {
                number += 1;
                let id = rights::seed(&server, number, Some(rights::only(action, Some(task_type)))).await.id;
                let path = format!("{API}/instances/{id}/process");
                let answer = if endpoint == 0 {
                    client.put(path).json(&state).send().await
                } else {
                    client.put(format!("{path}/instanceandevents")).json(&json!({ "state": state })).send().await
                };
                expect_status(&answer, if is_permitted { 200 } else { 403 });
            }
        }
    }
    // A task of no type, and a confirmation among the contract's own cases.
    let id = rights::seed(&server, 1000, Some(rights::only("write", None))).await.id;
    for answer in put_both(&client, &format!("{API}/instances/{id}/process"), &to_task("x", "data")).await {
        expect_empty(&answer, 403);
    }
    let Some(world) = fixtures::world_of(Default::default(), |it| it == TASK_2).await else { return };
    for answer in put_both(&world.user(3, 1337, 3), &path(TASK_2), &to_task("Task_3", "data")).await {
        expect_empty(&answer, 403);
    }
}

#[tokio::test]
async fn abandoning_needs_reject_alone() {
    let _rows = covers("platform-storage", &["P10"]);
    let server = rights::server();
    let client = server.user(own::SOPHIE);
    let state = rights::next("write", "data", Some(FlowType::AbandonCurrentMoveToNext));
    for (number, action, status) in [(1, "reject", 200), (2, "write", 403)] {
        let id = rights::seed(&server, number, Some(rights::only(action, Some("data")))).await.id;
        let moved = client.put(format!("{API}/instances/{id}/process")).json(&state).send().await;
        expect_status(&moved, status);
    }
}

#[tokio::test]
async fn going_back_needs_the_action_of_the_task_that_is_returned_to() {
    let _rows = covers("platform-storage", &["P11"]);
    let mut state = to_task("Task_1", "data");
    state["currentTask"]["flowType"] = json!("AbandonCurrentReturnToNext");
    for endpoint in 0..2 {
        let Some(world) = fixtures::world_of(Default::default(), |it| it == TASK_2).await else { return };
        let client = world.user(3, 1337, 3);
        let answer = if endpoint == 0 {
            client.put(path(TASK_2)).json(&state).send().await
        } else {
            let update = json!({ "state": state });
            client.put(format!("{}/instanceandevents", path(TASK_2))).json(&update).send().await
        };
        expect_status(&answer, 200);
    }
    let server = rights::server();
    let back = rights::next("write", "confirmation", Some(FlowType::AbandonCurrentReturnToNext));
    let id = rights::seed(&server, 1, Some(rights::only("confirm", Some("confirmation")))).await.id;
    let refused = server.user(own::SOPHIE).put(format!("{API}/instances/{id}/process")).json(&back).send().await;
    expect_empty(&refused, 403);
}

#[tokio::test]
async fn end_of_the_process_archives_the_instance() {
    let _rows = covers("platform-storage", &["P13", "P19"]);
    for backing in BACKINGS {
        for endpoint in ["", "/instanceandevents"] {
            let world = own::world(backing);
            world.server.seed(Seed::of(instance(1)).with(generated(1, "Task_1"), "a")).await;
            let here = format!("{API}/instances/{}", instance(1).id);
            let mut state = json!(instance(1).process);
            state.as_object_mut().expect("an object").remove("currentTask");
            state["ended"] = json!("2025-06-01T09:59:59.1234567Z");
            state["endEvent"] = json!("EndEvent_1");
            let body = if endpoint.is_empty() { state.clone() } else { json!({ "state": state }) };
            let sent = world.sophie().put(format!("{here}/process{endpoint}")).json(&body);
            let ended = sent.send().await.expect(200).json();
            assert_eq!(ended["status"]["isArchived"], true);
            assert_eq!(ended["status"]["archived"], state["ended"]);
            assert_eq!(ended["process"], state);
            assert_eq!(ended["data"].as_array().map(Vec::len), Some(1), "nothing is removed");
            assert_eq!(kinds_of_events(&world.sophie(), &instance(1).id.to_string()).await, Vec::<String>::new());
            // What has ended stands nowhere, so nobody moves it any more.
            for answer in put_both(&world.ttd(), &format!("{here}/process"), &to_task("Task_1", "data")).await {
                expect_empty(&answer, 403);
            }
        }
    }
}

/// An attachment that says what it was made from.
fn generated(number: u128, task: &str) -> DataElement {
    let reference = Reference {
        value: Some(task.to_owned()),
        relation: Some(ReferenceRelation::GeneratedFrom),
        value_type: Some(ReferenceType::Task),
    };
    DataElement { references: Some(vec![reference]), ..attachment(1, number, 5) }
}

/// An instance in Task_1 with elements that came from it, from elsewhere, and from nothing that is fully said.
async fn with_generated(world: &own::World) {
    let of_data = Reference {
        value: Some("Task_1".to_owned()),
        relation: Some(ReferenceRelation::GeneratedFrom),
        value_type: Some(ReferenceType::DataElement),
    };
    let without_relation = Reference { relation: None, value_type: Some(ReferenceType::Task), ..of_data.clone() };
    let without_type = Reference { value_type: None, ..of_data.clone() };
    let mut seed = Seed::of(instance(1)).with(attachment(1, 1, 1), "1").with(generated(2, "Task_1"), "2");
    seed = seed.with(generated(3, "Task_2"), "3").with(generated(4, "Task_1"), "4");
    for (number, reference) in [(5, of_data), (6, without_relation), (7, without_type)] {
        let element = DataElement { references: Some(vec![reference]), ..attachment(1, number, 9) };
        seed = seed.with(element, "x");
    }
    world.server.seed(seed).await;
}

/// Moves the instance to where it stands, and answers which elements are left.
async fn left_after(world: &own::World, query: &str) -> Vec<u128> {
    let here = format!("{API}/instances/{}", instance(1).id);
    let update = json!({ "state": instance(1).process });
    let sent = world.sophie().put(format!("{here}/process/instanceandevents{query}")).json(&update);
    let answered = sent.send().await.expect(200).json();
    let numbers = |instance: &Value| -> Vec<u128> {
        let elements = instance["data"].as_array().expect("elements");
        let number = |it: &Value| it["id"].as_str().unwrap_or("").parse::<mottak_model::Guid>().expect("an id");
        elements.iter().map(|it| number(it).as_u128() - guid(1000).as_u128()).collect()
    };
    let stored = world.sophie().get(&here).send().await.expect(200).json();
    assert_eq!(numbers(&answered), numbers(&stored));
    numbers(&answered)
}

#[tokio::test]
async fn what_an_earlier_visit_generated_goes() {
    let _rows = covers("platform-storage", &["P15", "P16", "P17", "P21"]);
    for backing in BACKINGS {
        for query in ["", "?deleteGeneratedElements=true", "?DeleteGeneratedElements=True"] {
            let world = own::world(backing);
            with_generated(&world).await;
            assert_eq!(left_after(&world, query).await, [1, 3, 5, 6, 7], "{query}");
            let id = instance(1).id.to_string();
            assert_eq!(kinds_of_events(&world.sophie(), &id).await, ["Deleted", "Deleted"]);
            let gone = world.sophie().get(format!("{API}/instances/{id}/data/{}", guid(1002))).send().await;
            expect_status(&gone, 404);
        }
        let world = own::world(backing);
        with_generated(&world).await;
        assert_eq!(left_after(&world, "?deleteGeneratedElements=false").await, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(kinds_of_events(&world.sophie(), &instance(1).id.to_string()).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn refused_move_deletes_nothing() {
    let _rows = covers("platform-storage", &["P18", "P20"]);
    let world = own::world(Default::default());
    with_generated(&world).await;
    let there = format!("{API}/instances/{}/process/instanceandevents", instance(1).id);
    let update = json!({ "state": instance(1).process });
    for value in ["not-a-bool", "maybe"] {
        let refused = world.sophie().put(format!("{there}?deleteGeneratedElements={value}")).json(&update).send().await;
        expect_invalid(&refused, &["deleteGeneratedElements"]);
    }
    expect_empty(&world.server.user(1001).put(&there).json(&update).send().await, 403);
    let here = format!("{API}/instances/{}", instance(1).id);
    let shown = world.sophie().get(here).send().await.expect(200).json();
    assert_eq!(shown["data"].as_array().map(Vec::len), Some(7));
}

#[tokio::test]
async fn app_that_is_gone_is_the_servers_fault() {
    let _rows = covers("platform-storage", &["P22"]);
    let world = own::world(Default::default());
    world.server.seed(Seed::of(own::of_app(instance(1), "ttd/finnes-ikke")).with(generated(2, "Task_1"), "2")).await;
    let there = format!("{API}/instances/{}/process/instanceandevents", instance(1).id);
    let moved = world.ttd().put(&there).json(&json!({ "state": instance(1).process })).send().await;
    expect_problem(&moved, 500, "An error occurred while processing your request.", "15.6.1");
    // Of an element whose content cannot be removed the row goes all the same: content that nobody names is swept away
    // later, so that one failure keeps none of the others.
    let world = own::world(Default::default());
    with_generated(&world).await;
    assert_eq!(left_after(&world, "").await, [1, 3, 5, 6, 7]);
}

#[tokio::test]
async fn events_come_with_the_move() {
    let _rows = covers("platform-storage", &["P23", "P27"]);
    let users = [
        json!({ "userId": 1337 }),
        json!({ "orgId": "ttd" }),
        json!({ "systemUserId": guid(9), "systemUserOwnerOrgNo": "897069650" }),
        json!({ "endUserSystemId": 7 }),
    ];
    for backing in BACKINGS {
        for count in [0, 1, 4] {
            let world = own::world(backing);
            let id = world.server.seed(Seed::of(instance(1))).await.id.to_string();
            let events: Vec<Value> = users
                .iter()
                .take(count)
                .map(|user| json!({ "instanceId": id, "eventType": "process_EndTask", "user": user }))
                .collect();
            let there = format!("{API}/instances/{id}/process/instanceandevents");
            let update = json!({ "state": instance(1).process, "events": events });
            let before = world.server.service.store.load(instance(1).id).await.expect("a load").expect("there").version;
            world.sophie().put(&there).json(&update).send().await.expect(200);
            let after = world.server.service.store.load(instance(1).id).await.expect("a load").expect("there").version;
            assert_eq!(after, before + 1, "one write");
            let kept = world.sophie().get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
            let kept = kept["instanceEvents"].as_array().expect("events").clone();
            assert_eq!(kept.len(), count);
            for (event, user) in kept.iter().zip(&users) {
                assert_eq!(event["created"], "2025-06-01T10:00:00Z");
                assert!(event["id"].is_string());
                assert_eq!(event["user"]["authenticationLevel"], 0);
                for (name, value) in user.as_object().expect("an object") {
                    assert_eq!(&event["user"][name], value);
                }
            }
        }
    }
}

#[tokio::test]
async fn events_say_who_and_of_which_instance() {
    let _rows = covers("platform-storage", &["P24", "P25", "P26", "P34"]);
    const USER: &str = "Invalid user object in User";
    let world = own::world(Default::default());
    let id = world.server.seed(Seed::of(instance(1))).await.id.to_string();
    let put = async |id: &str, update: &Value| {
        world.sophie().put(format!("{API}/instances/{id}/process/instanceandevents")).json(update).send().await
    };
    let event = |changes: Value| {
        let mut event = json!({ "instanceId": id, "eventType": "process_EndTask", "user": { "userId": 1337 } });
        for (name, value) in changes.as_object().expect("an object") {
            event[name] = value.clone();
        }
        event
    };
    for (changes, text) in [
        (json!({ "user": null }), USER),
        (json!({ "user": {} }), USER),
        (json!({ "user": { "orgId": " " } }), USER),
        (json!({ "user": { "systemUserId": guid(9) } }), USER),
        (json!({ "user": { "systemUserOwnerOrgNo": "897069650" } }), USER),
        // The user is looked at before the instance.
        (json!({ "user": {}, "instanceId": "" }), USER),
        (json!({ "instanceId": "" }), "Missing instance ID in InstanceEvent"),
        (json!({ "instanceId": null }), "Missing instance ID in InstanceEvent"),
        (json!({ "instanceId": instance(2).id }), "Instance ID in InstanceEvent does not match the Instance ID"),
        (json!({ "instanceId": guid(1) }), "Instance ID in InstanceEvent does not match the Instance ID"),
    ] {
        // Events are looked at before the state.
        let update = json!({ "state": null, "events": [event(json!({})), event(changes.clone())] });
        expect_text(&put(&id, &update).await, 400, text);
        let unknown = format!("{}/{}", own::SOPHIES_PARTY, guid(77));
        expect_problem(&put(&unknown, &update).await, 404, "Not Found", "15.5.5");
    }
    expect_text(&put(&id, &json!({ "events": [event(json!({}))] })).await, 400, "Invalid instance state");
    let strange = json!({ "state": instance(1).process, "events": [event(json!({ "eventType": "Noe annet" }))] });
    expect_text(&put(&id, &strange).await, 400, "Unknown event type: Noe annet");
    assert_eq!(kinds_of_events(&world.sophie(), &id).await, Vec::<String>::new(), "nothing was kept");
}

#[tokio::test]
async fn unknown_instance_does_not_move() {
    let _rows = covers("platform-storage", &["P33"]);
    let Some(world) = fixtures::world_of(Default::default(), |it| it == TASK_1).await else { return };
    let wrong_party = format!("{API}/instances/1338/{TASK_1}/process");
    for client in [world.user(3, 1337, 3), world.owner("tdd"), world.owner_with_scope("digdir", SYNC)] {
        for path in [path(UNKNOWN), wrong_party.clone()] {
            for answer in put_both(&client, &path, &to_task("Task_1", "data")).await {
                expect_problem(&answer, 404, "Not Found", "15.5.5");
            }
        }
    }
    for endpoint in ["", "/instanceandevents"] {
        let there = format!("{}{endpoint}", path(TASK_1));
        let nothing = world.user(3, 1337, 3).put(&there).body("application/json", "null").send().await;
        expect_invalid(&nothing, &[""]);
        expect_status(&world.user(3, 1337, 3).put(&there).body("text/xml", "<a/>").send().await, 415);
    }
}

#[tokio::test]
async fn components_of_the_platform_learn_where_an_instance_stands() {
    let _rows = covers("platform-storage", &["P32"]);
    let world = own::world(Default::default());
    let stored = world.server.seed(Seed::of(instance(1))).await;
    let there = format!("{API}/instances/{}/process/authinfo", stored.id);
    let server: &TestServer = &world.server;
    for issuer in ["platform", "ttd"] {
        let known = server.platform_component(issuer).get(&there).send().await.expect(200).json();
        assert_eq!(known, json!({ "process": stored.process, "appId": own::GRANTS }));
    }
    for id in [format!("1/{}", guid(1)), format!("{}/{}", own::SOPHIES_PARTY, guid(2))] {
        let unknown = server.platform_component("platform").get(format!("{API}/instances/{id}/process/authinfo"));
        let text = format!("Unable to find instance {id}: there is no such instance.");
        expect_text(&unknown.send().await, 404, &text);
    }
}

/// The token of a component is one of the kinds that can be wrong in every way.
#[tokio::test]
async fn platform_access_token_alone_proves_a_component() {
    let world = own::world(Default::default());
    let id = world.server.seed(Seed::of(instance(1))).await.id;
    let there = format!("{API}/instances/{id}/process/authinfo");
    let server: &TestServer = &world.server;
    let good = server.component_token("platform", 300);
    let both = world.sophie().with_component_token(good.clone());
    expect_status(&both.get(&there).send().await, 200);
    for bad in [
        server.component_token("platform", -11),
        server.component_token("unknown", 300),
        // A caller's token proves no component, not even one that names an app.
        world.sophie().token().expect("a token").to_owned(),
        server.token(json!({ "urn:altinn:app": "studio.designer" })),
        "x.y.z".to_owned(),
    ] {
        let alone = server.anonymous().with_component_token(bad.clone());
        expect_empty(&alone.get(&there).send().await, 401);
        expect_empty(&world.sophie().with_component_token(bad).get(&there).send().await, 403);
    }
    for client in [world.sophie(), world.ttd()] {
        expect_empty(&client.get(&there).send().await, 403);
    }
    let twice = server.anonymous().with_component_token(good.clone()).get(&there);
    expect_empty(&twice.header_again("PlatformAccessToken", &good).send().await, 401);
    // A component's token proves no caller, wherever it is shown.
    let bearer = server.anonymous().get(format!("{API}/instances/{id}"));
    expect_empty(&bearer.header("Authorization", &format!("Bearer {good}")).send().await, 401);
    expect_empty(&server.platform_component("ttd").get(format!("{API}/instances/{id}")).send().await, 401);
}
