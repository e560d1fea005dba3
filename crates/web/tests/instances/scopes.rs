//! Scopes that an app demands beyond the platform's own (app-api §20.5).

use mottak_testing::covers;
use mottak_testkit::{Answer, Client, TestServer};
use serde_json::{Value, json};

use crate::world::*;

fn server_demanding(scopes: Value) -> TestServer {
    Variant::of(&app(), |metadata| metadata["apiScopes"] = scopes).server()
}

fn demanding_server() -> TestServer {
    server_demanding(json!({
        "users": { "read": "custom:instances.read", "write": "custom:instances.write" },
        "serviceOwners": { "read": "custom:serviceowner/instances.read", "write": "custom:serviceowner/instances.write" }
    }))
}

fn user(server: &TestServer, scope: &str) -> Client {
    server.with_claims(json!({
        "urn:altinn:userid": "1337",
        "urn:altinn:partyid": 501_337,
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "BankID",
        "scope": scope,
    }))
}

async fn create(client: &Client) -> Answer {
    let body = json!({ "instanceOwner": { "partyId": "501337" } });
    client.post(format!("{APP}/instances/create")).json(&body).send().await
}

#[track_caller]
fn assert_refused(answer: &Answer, path: &str, text: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.json(), json!({ "title": "Forbidden", "status": 403, "detail": text, "instance": path }));
    assert_eq!(answer.header("x-frame-options"), Some("deny"));
}

#[tokio::test]
async fn the_platforms_scopes_are_not_enough() {
    let _rows = covers("app-api", &["SIM-14", "SIM-17"]);
    let server = demanding_server();
    for client in [
        user(&server, "altinn:instances.write"),
        user(&server, "CUSTOM:instances.write custom:instances.writer"),
        user(&server, "custom:instances.read"),
        user(&server, ""),
        server.organisation("897069650"),
        server.owner_with_scope(
            "ttd",
            "405003309",
            "altinn:serviceowner/instances.read altinn:serviceowner/instances.write",
        ),
        // What is enough for a person is not for an owner of apps.
        server.owner_with_scope("ttd", "405003309", "altinn:portal/enduser custom:instances.write"),
    ] {
        assert_refused(&create(&client).await, "/ttd/opprettelse/instances/create", "Insufficient scope");
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn the_scopes_asked_for_are_enough_and_so_is_a_login() {
    let _rows = covers("app-api", &["SIM-15", "SIM-16"]);
    let server = demanding_server();
    create(&user(&server, "altinn:portal/enduser")).await.expect(201);
    create(&user(&server, "custom:instances.read custom:instances.write")).await.expect(201);
    create(&server.owner_with_scope("ttd", "405003309", "custom:serviceowner/instances.write")).await.expect(201);
    let system_user = server.with_claims(json!({
        "authorization_details": {
            "type": "urn:altinn:systemuser",
            "systemuser_id": ["d111dbab-d619-4f15-bf29-58fe570a9ae6"],
            "systemuser_org": { "authority": "iso6523-actorid-upis", "ID": "0192:950474084" },
            "system_id": "913312465_sbs",
        },
        "consumer": { "authority": "iso6523-actorid-upis", "ID": "0192:913312465" },
        "scope": "custom:instances.read custom:instances.write",
    }));
    let body = json!({ "instanceOwner": { "partyId": "500700" } });
    system_user.post(format!("{APP}/instances/create")).json(&body).send().await.expect(201);
}

#[tokio::test]
async fn a_scope_can_name_the_app() {
    let _rows = covers("app-api", &["SIM-18"]);
    let server = server_demanding(json!({ "users": { "write": "custom:[app]/instances.write" } }));
    create(&user(&server, "custom:opprettelse/instances.write")).await.expect(201);
    create(&user(&server, "custom:[app]/instances.write")).await.expect(403);
    // Reading asks for nothing, and owners of apps are another group.
    let id = id(&create(&server.ttd()).await.expect(201));
    user(&server, "x").get(format!("{APP}/instances/{id}")).send().await.expect(200);
}

#[tokio::test]
async fn every_route_to_instances_asks_for_scopes() {
    let server = demanding_server();
    let id = id(&create(&user(&server, "altinn:portal/enduser")).await.expect(201));
    let (reader, writer) = (user(&server, "custom:instances.read"), user(&server, "custom:instances.write"));
    let element = "9edd53de-f46f-40a1-bb4d-3efb93dc113d";
    let mut asked = 0;
    for route in server.routes().iter().filter(|route| route.path.starts_with("/{org}/{app}/")) {
        let path = route
            .path
            .replace("/{org}/{app}", APP)
            .replace("{party}/{guid}", &id)
            .replace("{party}", "501337")
            .replace("{data}", element)
            .replace("{dataType}", "skjema")
            .replace("{id}", "x")
            .replace("{language}", "nb");
        let is_read = route.method == "GET" || route.path.ends_with("/v1/data");
        let lacking = if is_read { &writer } else { &reader };
        let answer = lacking.request(route.method.clone(), path.clone()).send().await;
        if route.path.ends_with("/complete") {
            // The policy permits this to nobody here, and is asked first.
            assert_eq!((answer.status, answer.body.len()), (403, 0), "{path}");
        } else if route.path.contains("/instances") && route.callers != mottak_web::routes::Callers::Anyone {
            assert_refused(&answer, &path, "Insufficient scope");
            asked += 1;
        } else if !route.path.ends_with("/v1/data") {
            assert!(!answer.text().contains("Insufficient scope"), "{} {path}", route.method);
        }
    }
    assert!(asked >= 20, "only {asked} routes");
    println!("{asked} routes ask for scopes");
    // Nobody is not asked for scopes but for a login.
    server.anonymous().get(format!("{APP}/instances/{id}")).send().await.expect(401);
}

#[tokio::test]
async fn the_app_words_the_refusal() {
    let scopes = |users: Value, common: Value| {
        server_demanding(json!({
            "users": { "write": "custom:write", "errorMessageTextResourceKey": users },
            "serviceOwners": { "write": "custom:write" },
            "errorMessageTextResourceKey": common
        }))
    };
    let path = "/ttd/opprettelse/instances/create";
    let server = scopes(json!("tilgang.bruker"), json!("tilgang.mangler"));
    let answer = create(&user(&server, "x")).await;
    assert_refused(&answer, path, "Brukere må be om «tilgang»");
    // compat: this body alone is written in ASCII.
    assert!(answer.text().contains("Brukere m\\u00E5 be om \\u00ABtilgang\\u00BB"), "{}", answer.text());
    assert_refused(&create(&server.ttd()).await, path, "Du mangler en tilgang");
    let server = scopes(Value::Null, json!("tilgang.mangler"));
    assert_refused(&create(&user(&server, "x")).await, path, "Du mangler en tilgang");
    let server = scopes(json!("finnes.ikke"), json!("tilgang.mangler"));
    assert_refused(&create(&user(&server, "x")).await, path, "Insufficient scope");
}
