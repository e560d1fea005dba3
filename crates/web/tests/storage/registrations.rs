//! Applications and texts that the designer registers (platform-storage §2.8).

use mottak_testing::covers;
use mottak_testkit::Backing;
use serde_json::json;

use crate::{API, BACKINGS, expect_empty, expect_invalid, expect_problem, expect_text, own, studio};

fn application(rest: &str) -> String {
    format!("{API}/applications{rest}")
}

#[tokio::test]
async fn applications_are_registered() {
    let _rows = covers("platform-storage", &["A05"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let sent = json!({
            "Id": "digdir/noe-annet", "org": "digdir", "title": { "nb": "Ny" }, "MaxSize": 7, "storageAccountNumber": 3,
            "dataTypes": [{ "id": "skjema", "maxSize": "25", "appLogic": { "ClassRef": "A.B" } }],
            "messageBoxConfig": { "syncAdapterSettings": { "disableSync": true } },
            "eFormidling": { "serviceId": "DPO", "type": "arkivmelding", "securityLevel": 3 },
        });
        let made = studio(&world.server).post(application("?appId=ttd/ny-app")).json(&sent).send().await.expect(201);
        assert_eq!(made.header("location"), Some("ttd/ny-app"));
        assert_eq!(made.header("content-type"), Some(crate::JSON));
        let start = concat!(
            r#"{"id":"ttd/ny-app","org":"ttd","title":{"nb":"Ny"},"validFrom":"2025-06-01T10:00:00Z","#,
            r#""dataTypes":[{"id":"skjema","appLogic":{"classRef":"A.B","allowAnonymousOnStateless":false,"#
        );
        assert!(made.text().starts_with(start), "{}", made.text());
        let made = made.json();
        assert_eq!(made["dataTypes"][0]["maxSize"], 25);
        assert_eq!(
            (&made["created"], &made["lastChanged"]),
            (&json!("2025-06-01T10:00:00Z"), &json!("2025-06-01T10:00:00Z"))
        );
        assert_eq!(made["createdBy"], "studio.designer");
        assert_eq!(made["messageBoxConfig"]["syncAdapterSettings"]["disableSync"], true);
        assert_eq!(made["eFormidling"], json!({ "serviceId": "DPO", "type": "arkivmelding", "securityLevel": 3 }));
        assert_eq!((made.get("storageAccountNumber"), made.get("maxSize")), (None, None));

        let anonymous = world.server.anonymous();
        let read = anonymous.get(application("/ttd/ny-app")).send().await.expect(200);
        assert_eq!(read.json(), made);
        let listed = anonymous.get(application("/ttd")).send().await.expect(200).json();
        let ids: Vec<_> =
            listed["applications"].as_array().expect("a list").iter().map(|app| app["id"].clone()).collect();
        assert_eq!(ids, ["ttd/kulturstotte", "ttd/ny-app", "ttd/skjenkebevilling"]);
    }
}

#[tokio::test]
async fn an_application_without_anything_has_no_data_types() {
    let world = own::world(Backing::default());
    let made = studio(&world.server).post(application("?appId=ttd/tom")).json(&json!({})).send().await.expect(201);
    assert_eq!(made.json()["dataTypes"], json!([]));
}

#[tokio::test]
async fn only_the_designer_registers() {
    let _rows = covers("platform-storage", &["A06", "T04", "T07"]);
    let world = own::world(Backing::default());
    let one = application("/ttd/kulturstotte");
    let body = json!({ "id": "ttd/kulturstotte", "org": "ttd" });
    for (method, path) in [
        ("POST", application("?appId=ttd/ny-app")),
        ("PUT", one.clone()),
        ("DELETE", one.clone()),
        ("POST", format!("{one}/texts")),
        ("PUT", format!("{one}/texts/nb")),
        ("DELETE", format!("{one}/texts/nb")),
    ] {
        let request = |client: &mottak_testkit::Client| {
            client.request(method.parse().expect("a method"), path.clone()).json(&body)
        };
        expect_empty(&request(&world.server.anonymous()).send().await, 401);
        for client in [world.sophie(), world.ttd(), world.server.system_user()] {
            expect_empty(&request(&client).send().await, 403);
        }
    }
    expect_empty(&world.server.anonymous().get(format!("{one}/texts/nb")).send().await, 401);
}

#[tokio::test]
async fn ids_that_no_application_can_have_are_refused() {
    let _rows = covers("platform-storage", &["A07", "A10"]);
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    for id in [
        "TEST-app",
        "2org/b234",
        "Org/x234",
        "org-with-dash/x",
        "org/a2/34",
        "test/UpperApp",
        "test/42",
        "test/-app",
        "test",
        "",
    ] {
        let refused = client.post(application(&format!("?appId={id}"))).json(&json!({})).send().await;
        expect_text(&refused, 400, "AppId is not valid.");
    }
    expect_text(&client.post(application("")).json(&json!({})).send().await, 400, "AppId is not valid.");
    for id in ["test/a234", "sp1/ab23", "multipledash/a-b-234"] {
        let made = client.post(application(&format!("?appId={id}"))).json(&json!({})).send().await.expect(201);
        assert_eq!(made.json()["id"], id);
    }
    client.post(application("?appId=ttd/a")).body("text/plain", "{}").send().await.expect(415);
    expect_invalid(
        &client.post(application("?appId=ttd/a")).json(&json!({ "dataTypes": 3 })).send().await,
        &["dataTypes"],
    );
}

#[tokio::test]
async fn what_is_registered_again_keeps_its_beginning() {
    let _rows = covers("platform-storage", &["A08"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let client = studio(&world.server);
        let first = client.post(application("?appId=ttd/ny-app")).json(&json!({})).send().await.expect(201).json();
        world.clock.set(own::time("2025-06-02T10:00:00Z"));
        let mut claims = crate::user(own::SOPHIE, own::SOPHIES_PARTY, 3);
        claims["urn:altinn:app"] = json!("studio.designer");
        let client = world.server.with_claims(claims);
        let sent = json!({ "id": "ttd/ny-app", "org": "ttd", "created": "2020-01-01", "createdBy": "x" });
        let again = client.post(application("?appId=ttd/ny-app")).json(&sent);
        let update = client.put(application("/ttd/ny-app")).json(&sent);
        for (request, status) in [(again, 201), (update, 200)] {
            let again = request.send().await.expect(status).json();
            assert_eq!((&again["created"], &again["createdBy"]), (&first["created"], &first["createdBy"]));
            assert_eq!(again["lastChanged"], "2025-06-02T10:00:00Z");
            assert_eq!(again["lastChangedBy"], "1337");
            let read = client.get(application("/ttd/ny-app")).send().await.expect(200);
            assert_eq!(read.json(), again, "what is read is what was written last");
        }
    }
}

#[tokio::test]
async fn updates_are_of_the_application_that_the_path_names() {
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    let put = |path: &str, id: &str, org: &str| client.put(application(path)).json(&json!({ "id": id, "org": org }));
    expect_text(&put("/ttd/Ny", "ttd/Ny", "ttd").send().await, 400, "Illegal appId ttd/Ny");
    let refused = put("/ttd/ny", "ttd/gammel", "ttd").send().await;
    expect_text(&refused, 400, "appId in path does not match id in attached object");
    let refused = put("/ttd/ny", "ttd/ny", "digdir").send().await;
    expect_text(&refused, 400, "Org (application owner id) from path is not matching attached object");
    expect_text(&put("/ttd/ny", "ttd/ny", "ttd").send().await, 404, "Cannot find application ttd/ny");
    let updated = put("/ttd/kulturstotte", "ttd/kulturstotte", "ttd").send().await.expect(200).json();
    let none = json!({ "bankruptcyEstate": false, "organisation": false, "person": false, "subUnit": false });
    assert_eq!(updated["partyTypesAllowed"], none);
    // The application API goes by the folder: its data types are there still.
    let metadata = world.sophie().get("/ttd/kulturstotte/api/v1/applicationmetadata").send().await.expect(200).json();
    assert!(metadata["dataTypes"].as_array().is_some_and(|types| !types.is_empty()));
}

#[tokio::test]
async fn applications_end_or_are_forgotten() {
    let _rows = covers("platform-storage", &["A09"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let client = studio(&world.server);
        client.post(application("?appId=ttd/ny-app")).json(&json!({})).send().await.expect(201);
        let texts = json!({ "language": "nb", "resources": [] });
        client.post(application("/ttd/ny-app/texts")).json(&texts).send().await.expect(200);
        world.clock.set(own::time("2025-06-02T10:00:00Z"));
        let client = studio(&world.server);
        let ended = client.delete(application("/ttd/ny-app")).send().await.expect(200).json();
        assert_eq!(ended["validTo"], "2025-06-02T10:00:00Z");
        assert_eq!(client.get(application("/ttd/ny-app")).send().await.expect(200).json(), ended);
        let forgotten = client.delete(application("/ttd/ny-app?hard=true")).send().await.expect(200).json();
        assert_eq!(forgotten, ended);
        client.get(application("/ttd/ny-app")).send().await.expect(404);
        client.get(application("/ttd/ny-app/texts/nb")).send().await.expect(404);
        for query in ["", "?hard=true"] {
            let refused = client.delete(application(&format!("/ttd/ny-app{query}"))).send().await;
            expect_text(&refused, 404, "Didn't find the object that should be deleted with appId=ttd/ny-app");
        }
    }
}

#[tokio::test]
async fn what_is_served_from_a_folder_cannot_be_removed() {
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    for path in ["/ttd/kulturstotte?hard=true", "/ttd/kulturstotte/texts/nb"] {
        let refused = client.delete(application(path)).send().await;
        expect_text(&refused, 409, "ttd/kulturstotte is served from its folder and cannot be removed here.");
    }
    // What was registered over it can: the folder shows again.
    let document = json!({ "id": "ttd/kulturstotte", "org": "ttd", "title": { "nb": "Over" } });
    client.put(application("/ttd/kulturstotte")).json(&document).send().await.expect(200);
    let title = async || client.get(application("/ttd/kulturstotte")).send().await.json()["title"]["nb"].clone();
    assert_eq!(title().await, "Over");
    client.delete(application("/ttd/kulturstotte?hard=true")).send().await.expect(200);
    assert_ne!(title().await, "Over");
}

#[tokio::test]
async fn texts_are_registered_and_the_last_count() {
    let _rows = covers("platform-storage", &["T03"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let client = studio(&world.server);
        let texts = application("/ttd/kulturstotte/texts");
        for value in ["Første", "Andre"] {
            let sent = json!({ "id": "x", "org": "y", "language": "en", "resources": [
                { "id": "appName", "value": value },
                { "id": null, "value": "a", "variables": [{ "key": "k", "dataSource": "dataModel.default" }] },
            ] });
            let stored = client.post(&texts).json(&sent).send().await.expect(200);
            let expected = format!(
                concat!(
                    r#"{{"id":"ttd-kulturstotte-en","org":"ttd","language":"en","resources":["#,
                    r#"{{"id":"appName","value":"{}","variables":null}},{{"id":null,"value":"a","variables":["#,
                    r#"{{"key":"k","dataSource":"dataModel.default","defaultValue":null}}]}}]}}"#
                ),
                value
            );
            assert_eq!(stored.text(), expected);
            let read = world.sophie().get(format!("{texts}/en")).send().await.expect(200);
            assert_eq!(read.text(), expected);
        }
        let unknown = application("/ttd/finnes-ikke/texts");
        let sent = json!({ "language": "nb", "resources": [] });
        expect_problem(&client.post(unknown).json(&sent).send().await, 404, "Not Found", "15.5.5");
    }
}

#[tokio::test]
async fn texts_are_replaced_and_forgotten() {
    let _rows = covers("platform-storage", &["T05", "T06"]);
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    let of = |language: &str| application(&format!("/ttd/kulturstotte/texts/{language}"));
    let texts = |language: &str| json!({ "language": language, "resources": [] });
    expect_empty(&client.put(of("fr")).json(&texts("fr")).send().await, 204);
    client.post(application("/ttd/kulturstotte/texts")).json(&texts("fr")).send().await.expect(200);
    let replaced = client.put(of("fr")).json(&texts("fr")).send().await.expect(200).json();
    assert_eq!(replaced["id"], "ttd-kulturstotte-fr");
    expect_empty(&client.delete(of("fr")).send().await, 200);
    expect_problem(&client.get(of("fr")).send().await, 404, "Not Found", "15.5.5");
    expect_problem(&client.delete(of("fr")).send().await, 404, "Not Found", "15.5.5");

    let language = "The language must be a two letter ISO language name.";
    expect_text(&client.put(of("fr")).json(&texts("fransk")).send().await, 400, language);
    expect_text(&client.post(application("/ttd/kulturstotte/texts")).json(&texts("12")).send().await, 400, language);
    expect_text(&client.delete(of("norsk")).send().await, 400, language);
    let refused = client.put(of("fr")).json(&texts("en")).send().await;
    expect_text(&refused, 400, "The language specified in the textResource en does not match the api path: fr");
}

#[tokio::test]
async fn texts_of_the_folder_are_covered_by_registered_ones() {
    let world = own::world(Backing::default());
    let client = studio(&world.server);
    let nb = application("/ttd/kulturstotte/texts/nb");
    let sent = json!({ "language": "nb", "resources": [{ "id": "appName", "value": "Over" }] });
    client.put(&nb).json(&sent).send().await.expect(200);
    assert_eq!(world.sophie().get(&nb).send().await.json()["resources"][0]["value"], "Over");
    client.delete(&nb).send().await.expect(200);
    assert_ne!(world.sophie().get(&nb).send().await.expect(200).json()["resources"][0]["value"], "Over");
}
