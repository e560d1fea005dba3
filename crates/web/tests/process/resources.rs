//! What an app says of itself: options, texts, languages, metadata, settings, files.

use mottak_testing::covers;
use mottak_testkit::{Answer, Client};
use serde_json::json;

use crate::saksgang::{Case, STRAIGHT, Saksgang};

const JSON: &str = "application/json; charset=utf-8";

async fn get(client: &Client, path: &str) -> Answer {
    client.get(format!("/ttd/saksgang{path}")).send().await
}

fn plain() -> Case {
    Saksgang::with(STRAIGHT).serve()
}

const OPTIONS: &str = r#"[
    // Every kind of value a list may hold.
    {"value": null, "label": ""}, {"value": "tekst", "label": "Tekst", "description": "om tekst", "helpText": "hjelp"},
    {"Value": 3, "Label": "Tall"}, {"value": true, "label": "Ja"}, {"value": false, "label": "Nei"},
]"#;

#[tokio::test]
async fn list_from_a_file_keeps_the_kinds_of_its_values() {
    let _rows = covers("app-api", &["OPT-04", "OPT-12", "OPT-15"]);
    let case = Saksgang::with(STRAIGHT).file("options/valg.json", OPTIONS).serve();
    let sak = case.create().await;
    let expected = json!([
        {"value": null, "label": ""},
        {"value": "tekst", "label": "Tekst", "description": "om tekst", "helpText": "hjelp"},
        {"value": 3, "label": "Tall"}, {"value": true, "label": "Ja"}, {"value": false, "label": "Nei"},
    ]);
    let of_instance = sak.client.get(sak.path("/options/valg?language=en")).send().await;
    for answer in [get(&case.server.anonymous(), "/api/options/valg").await, of_instance] {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(JSON)));
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header("altinn-downstreamparameters"), Some(""));
    }
}

#[tokio::test]
async fn unknown_list_is_not_found() {
    let _rows = covers("app-api", &["OPT-05", "OPT-09", "OPT-13"]);
    let case = Saksgang::with(STRAIGHT).file("options/valg.json", OPTIONS).serve();
    let anonymous = case.server.anonymous();
    for id in ["ingen", "Valg", "lib****x**1", "lib**ttd-org**x**1", "lib**ttd**x*1", "..%2F..%2Fappsettings"] {
        let refused = get(&anonymous, &format!("/api/options/{id}")).await;
        assert_eq!((refused.status, &refused.json()["title"]), (404, &json!("Not Found")), "{id}");
    }
    let sak = case.create().await;
    assert_eq!(sak.client.get(sak.path("/options/ingen")).send().await.status, 404);
    assert_eq!(case.server.user(1002).get(sak.path("/options/valg")).send().await.status, 403);
}

fn with_texts() -> Saksgang {
    let nb = r#"{"Language": "nb", /* fra filen */ "resources": [
        {"id": "hei", "value": "Hei {0}", "variables": [{"key": "navn", "dataSource": "dataModel.default"}]},
        {"id": "uten", "value": "Uten"},
    ]}"#;
    Saksgang::with(STRAIGHT).file("config/texts/resource.nb.json", nb)
}

#[tokio::test]
async fn texts_are_named_after_the_app_and_fall_back_to_nb() {
    let _rows = [covers("app-api", &["TXT-01", "TXT-02"]), covers("app-forms", &["111"])];
    let case = with_texts().serve();
    for language in ["nb", "en", "NB"] {
        let texts = get(&case.server.anonymous(), &format!("/api/v1/texts/{language}")).await.expect(200).json();
        assert_eq!((&texts["id"], &texts["org"]), (&json!("ttd-saksgang-nb"), &json!("ttd")), "{language}");
        assert_eq!(texts["language"], "nb");
        let first = &texts["resources"][0];
        assert_eq!((&first["id"], &first["value"]), (&json!("hei"), &json!("Hei {0}")));
        let variable = &first["variables"][0];
        assert_eq!((&variable["key"], &variable["dataSource"]), (&json!("navn"), &json!("dataModel.default")));
        assert!(texts["resources"][1].get("variables").is_some_and(serde_json::Value::is_null), "{texts}");
    }
}

#[tokio::test]
async fn language_code_has_two_characters() {
    let _rows = [covers("app-api", &["TXT-04"]), covers("app-forms", &["111"])];
    let refused = get(&with_texts().serve().server.anonymous(), "/api/v1/texts/nob").await.expect(400);
    let text = "Provided language nob is invalid. Language code should consists of two characters.";
    assert_eq!((refused.text().as_str(), refused.header("content-type")), (text, Some("text/plain; charset=utf-8")));
}

#[tokio::test]
async fn languages_are_those_of_the_text_files() {
    let _rows = covers("app-api", &["LNG-01"]);
    let one = get(&plain().server.anonymous(), "/api/v1/applicationlanguages").await.expect(200);
    assert_eq!(one.json(), json!([{"language": "nb"}]));
    let en = json!({"language": "en", "resources": []}).to_string();
    let case = Saksgang::with(STRAIGHT).file("config/texts/resource.en.json", en).serve();
    let two = get(&case.server.anonymous(), "/api/v1/applicationlanguages").await.expect(200);
    assert_eq!(two.json(), json!([{"language": "en"}, {"language": "nb"}]));
}

#[tokio::test]
async fn app_without_texts_has_none() {
    let _rows = covers("app-api", &["TXT-03"]);
    let en = json!({"language": "en", "resources": []}).to_string();
    let case = Saksgang::with(STRAIGHT)
        .without_file("config/texts/resource.nb.json")
        .file("config/texts/resource.en.json", en)
        .serve();
    let missing = get(&case.server.anonymous(), "/api/v1/texts/nn").await;
    assert_eq!((missing.status, missing.text()), (404, String::new()));
}

#[tokio::test]
async fn metadata_keeps_what_it_does_not_know_and_says_its_features() {
    let _rows = covers("app-api", &["MET-01"]);
    let case = Saksgang::with(STRAIGHT)
        .metadata(|metadata| {
            metadata["promptForParty"] = json!("always");
            metadata["features"] = json!({"footer": false, "egen": true});
        })
        .file("ui/footer.json", r#"{"footer": []}"#)
        .serve();
    let answer = get(&case.server.anonymous(), "/api/v1/applicationmetadata").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public,max-age=60"));
    assert_eq!(answer.header("content-type"), Some(JSON));
    let metadata = answer.json();
    assert_eq!((&metadata["id"], &metadata["promptForParty"]), (&json!("ttd/saksgang"), &json!("always")));
    let features = &metadata["features"];
    assert_eq!((&features["footer"], &features["processActions"]), (&json!(true), &json!(true)));
    assert_eq!(features["jsonObjectInDataResponse"], false);
    assert!(features.get("egen").is_none(), "{features}");
    let version = metadata["altinnNugetVersion"].as_str().unwrap_or_default();
    assert!(version.split('.').count() == 4 && version.split('.').all(|part| part.parse::<u32>().is_ok()), "{version}");
}

#[tokio::test]
async fn metadata_is_told_under_its_own_spelling_only() {
    let _rows = covers("app-api", &["MET-02", "MET-03"]);
    let case = plain();
    let anonymous = case.server.anonymous();
    let text = "This is ttd/saksgang, and not the app you are looking for: ttd/Saksgang!";
    for path in ["applicationmetadata", "meta/process", "meta/authorizationpolicy"] {
        let refused = anonymous.get(format!("/ttd/Saksgang/api/v1/{path}")).send().await.expect(409);
        assert_eq!(refused.text(), text, "{path}");
        let is_cached = refused.header("cache-control") == Some("public,max-age=60");
        assert_eq!(is_cached, path == "applicationmetadata", "{path}");
    }
    let unchecked = anonymous.get("/ttd/Saksgang/api/v1/applicationmetadata?checkOrgApp=false").send().await;
    assert_eq!(unchecked.status, 200);
    for (path, begins) in [("meta/process", "<?xml"), ("meta/authorizationpolicy", "<Policy")] {
        let answer = get(&anonymous, &format!("/api/v1/{path}")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
        assert!(answer.text().starts_with(begins), "{path}");
    }
}

#[tokio::test]
async fn settings_for_the_frontend_have_its_names() {
    let _rows = covers("app-api", &["SET-01"]);
    let settings =
        r#"{"AppSettings": {"AppOidcProvider": "idporten"}, "FrontEndSettings": {"MySetting": "ø<", "URLPrefix": 3}}"#;
    let case = Saksgang::with(STRAIGHT).file("appsettings.json", settings).serve();
    let answer = get(&case.server.anonymous(), "/api/v1/applicationsettings").await.expect(200);
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.json(), json!({"appOidcProvider": "idporten", "mySetting": "ø<", "urlPrefix": "3"}));
    assert_eq!(get(&plain().server.anonymous(), "/api/v1/applicationsettings").await.text(), "{}");
}

#[tokio::test]
async fn schemas_are_the_files() {
    let _rows = covers("app-api", &["RES-01", "RES-02", "RES-03"]);
    let schema = r#"{"$comment": "skrevet for hånd", "@xsdRootElement": "skjema", "properties": {"navn": {"type": "string"}, "vei": {"type": "string"}}}"#;
    let xsd = "<?xml version=\"1.0\"?><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:element name=\"skjema\">\
               <xs:complexType><xs:sequence><xs:element name=\"navn\" type=\"xs:string\" minOccurs=\"0\"/><xs:element name=\"vei\" type=\"xs:string\" minOccurs=\"0\"/>\
               </xs:sequence></xs:complexType></xs:element></xs:schema>";
    let case = Saksgang::with(STRAIGHT)
        .file("models/skjema.schema.json", format!("\u{feff}{schema}"))
        .file("models/skjema.xsd", xsd)
        .serve();
    let anonymous = case.server.anonymous();
    let answer = get(&anonymous, "/api/jsonschema/skjema").await.expect(200);
    assert_eq!((answer.text().as_str(), answer.header("content-type")), (schema, Some(JSON)));
    let answer = get(&anonymous, "/api/xsdschema/skjema").await.expect(200);
    assert_eq!((answer.text().as_str(), answer.header("content-type")), (xsd, Some("application/xml; charset=utf-8")));
    for path in ["/api/jsonschema/ukjent", "/api/xsdschema/ukjent", "/api/jsonschema/..%2F..%2Fappsettings"] {
        assert_eq!(get(&anonymous, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn layouts_are_one_document_per_set() {
    let _rows = covers("app-api", &["RES-04", "RES-05", "RES-08", "RES-09"]);
    let page = json!([{"id": "navn", "type": "Input", "dataModelBindings": {"simpleBinding": "navn"}}]);
    let case = Saksgang::with(STRAIGHT).page(page.clone()).serve();
    let anonymous = case.server.anonymous();
    for accept in ["*/*", "application/json", "text/html"] {
        let answer = anonymous.get("/ttd/saksgang/api/layouts/skjema").accept(accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some(JSON), "{accept}");
        assert_eq!(answer.json(), json!({"side": {"data": {"layout": page}}}));
    }
    assert_eq!(get(&anonymous, "/api/layouts/ukjent").await.expect(200).text(), "{}");
    let gone = get(&anonymous, "/api/layouts").await.expect(404);
    assert!(gone.text().starts_with("This endpoint is no longer available. Use /ttd/saksgang/api/layoutsets"));
    assert_eq!(
        get(&anonymous, "/api/layoutsettings/skjema").await.expect(200).json()["pages"]["order"],
        json!(["side"])
    );
    assert_eq!(get(&anonymous, "/api/layoutsets").await.expect(200).json()["sets"][0]["id"], "skjema");
}

#[tokio::test]
async fn file_that_is_not_there_is_no_content() {
    let _rows = covers("app-api", &["RES-06", "RES-07"]);
    let case = plain();
    for path in [
        "/api/v1/footer",
        "/api/rulehandler/skjema",
        "/api/ruleconfiguration/skjema",
        "/api/validationconfig/skjema",
        "/api/layoutsettings",
        "/api/layoutsettings/skjema",
        "/api/layoutsets",
        "/api/layoutsettings/..%2F..",
    ] {
        let answer = get(&case.server.anonymous(), path).await;
        assert_eq!((answer.status, answer.text()), (204, String::new()), "{path}");
    }
}

#[tokio::test]
async fn files_are_sent_as_what_they_are() {
    let _rows = covers("app-api", &["RES-06"]);
    let script = "\u{feff}var ruleHandlerObject = {};";
    let configuration = "\u{feff}{ \"data\": {} }";
    let page = json!([{"id": "navn", "type": "Input", "dataModelBindings": {"simpleBinding": "navn"}}]);
    let case = Saksgang::with(STRAIGHT)
        .page(page)
        .file("ui/skjema/RuleHandler.js", script)
        .file("ui/skjema/RuleConfiguration.json", configuration)
        .file("ui/footer.json", "{\"footer\": []}")
        .file("models/skjema.validation.json", "{\"validations\": {}}")
        .serve();
    for (path, content_type, body) in [
        ("/api/rulehandler/skjema", "text/javascript", script),
        ("/api/ruleconfiguration/skjema", "application/json", configuration),
        ("/api/v1/footer", JSON, "{\"footer\": []}"),
        ("/api/validationconfig/skjema", JSON, "{\"validations\": {}}"),
    ] {
        let answer = get(&case.server.anonymous(), path).await.expect(200);
        assert_eq!((answer.header("content-type"), answer.text().as_str()), (Some(content_type), body), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_an_app() {
    let case = plain();
    for path in ["/api/layoutsets", "/api/options/ingen", "/api/v1/texts/nb"] {
        let answer = get(&case.server.anonymous(), path).await;
        for (name, value) in [
            ("x-frame-options", "deny"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "0"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let cache = answer.header("cache-control").unwrap_or_default().replace(' ', "");
        assert_eq!(cache, "no-store,no-cache", "{path}");
    }
}
