//! Patches of forms: app-api §4.6–4.7 and §25.5, app-forms §2.4.

use mottak_testing::covers;
use mottak_testkit::Answer;
use serde_json::{Value, json};

use crate::world::{World, expect_details, expect_member, expect_status, text};

const RFC: &str = "https://datatracker.ietf.org/doc/html/rfc6902/";

/// A patch whose operation at `index` could not be done; the answer has the model as it is stored.
#[track_caller]
fn expect_failed(answer: &Answer, status: u16, detail: &str, element: &str, index: usize, model: &Value) {
    let title = if status == 409 { "Precondition in patch failed" } else { "Patch Operation Failed" };
    expect_details(answer, status, title, detail);
    let body = answer.json();
    assert_eq!(body["type"], RFC);
    assert_eq!(body["dataElementId"], element);
    assert_eq!(body["patchOperationIndex"], index);
    assert_eq!(body["previousModel"], *model);
}

#[tokio::test]
async fn a_patch_of_one_form_answers_its_model_and_issues() {
    let _rows = covers("app-api", &["PAT-01"]);
    let _form_rows = covers("app-forms", &["55"]);
    let world = World::regneark().await;
    let teller = world.add_form("teller", &json!({})).await;
    let body = json!({"patch": [{"op": "replace", "path": "/tekst", "value": "ny"}], "ignoredValidators": null});
    let answer = world.user.patch(world.url(&format!("data/{teller}"))).json(&body).send().await.expect(200).json();
    assert_eq!(
        answer["newDataModel"],
        json!({"tekst": "ny", "skrevet": 2, "spraak": "nb"}),
        "its rules ran once on the new model"
    );
    assert_eq!(answer["validationIssues"]["DataAnnotations"], json!([]));
    assert!(answer["validationIssues"]["Required"].is_array());
    assert_eq!(answer["instance"]["id"], world.id.to_string());
    assert_eq!(world.form(&teller).await, answer["newDataModel"]);
}

#[tokio::test]
async fn several_forms_are_patched_together() {
    let _rows = covers("app-api", &["PAT-02"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let notat = world.add_form("notat", &json!({"tittel": "før"})).await;
    let body = json!({"patches": [
        {"dataElementId": sak, "patch": [{"op": "add", "path": "/navn", "value": "a"}]},
        {"dataElementId": notat, "patch": [{"op": "replace", "path": "/tittel", "value": "etter"}]},
    ]});
    let answer = world.user.patch(world.url("data")).json(&body).send().await.expect(200).json();
    let models = answer["newDataModels"].as_array().expect("a list");
    assert_eq!(models.len(), 2);
    assert_eq!((&models[0]["dataElementId"], &models[0]["data"]["navn"]), (&json!(sak), &json!("a")));
    assert_eq!((&models[1]["dataElementId"], &models[1]["data"]["tittel"]), (&json!(notat), &json!("etter")));
    assert!(world.stored_text(&sak).await.contains("<navn>a</navn>"));
    assert_eq!(world.stored_text(&notat).await, r#"{"tittel":"etter","tekst":null,"tall":null}"#);
    assert_eq!(answer["instance"]["presentationTexts"], json!({"navn": "a"}));
    let elements = answer["instance"]["data"].as_array().expect("a list");
    let size = elements.iter().find(|element| element["id"] == sak.as_str()).expect("the form")["size"].clone();
    assert_eq!(size, world.stored(&sak).await.len(), "elements are as they are after the save");
    let link = format!("https://localhost/{}/instances/{}", world.app, world.id);
    assert_eq!(answer["instance"]["selfLinks"]["apps"], link);
}

#[tokio::test]
async fn all_forms_change_or_none() {
    let _rows = covers("app-forms", &["50"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let notat = world.add_form("notat", &json!({"tittel": "a"})).await;
    let version = world.version().await;
    let body = json!({"patches": [
        {"dataElementId": sak, "patch": [{"op": "add", "path": "/navn", "value": "a"}]},
        {"dataElementId": notat, "patch": [
            {"op": "add", "path": "/tekst", "value": "b"}, {"op": "test", "path": "/tittel", "value": "b"}]},
    ]});
    let answer = world.user.patch(world.url("data")).json(&body).send().await;
    let model = json!({"tittel": "a", "tekst": null, "tall": null});
    expect_failed(&answer, 409, "Path `/tittel` is not equal to the indicated value.", &notat, 1, &model);
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn an_operation_that_cannot_be_done_refuses_the_patch() {
    let _rows = covers("app-api", &["PAT-04", "PAT-05", "PAT-06", "PAT-08"]);
    let _form_rows = covers("app-forms", &["40", "41", "46"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"navn": "a", "belop": 1})).await;
    let model = world.user.get(world.url(&format!("data/{sak}?includeRowId=true"))).send().await.expect(200).json();
    let version = world.version().await;
    let unreachable = |path: &str| format!("Path `{path}` could not be reached.");
    let unequal = |path: &str| format!("Path `{path}` is not equal to the indicated value.");
    let cases = [
        (409, json!({"op": "test", "path": "/navn", "value": "b"}), unequal("/navn")),
        (409, json!({"op": "test", "path": "/navn", "value": null}), unequal("/navn")),
        (409, json!({"op": "test", "path": "/belop", "value": "1"}), unequal("/belop")),
        (409, json!({"op": "test", "path": "/rader", "value": null}), unequal("/rader")),
        (422, json!({"op": "test", "path": "/navn-error", "value": null}), unreachable("/navn-error")),
        (422, json!({"op": "test", "path": "/navn-error", "value": "a"}), unreachable("/navn-error")),
        (422, json!({"op": "add", "path": "/a/b/c", "value": "a"}), unreachable("/a/b/c")),
        (422, json!({"op": "replace", "path": "/a/b/c", "value": "a"}), unreachable("/a/b/c")),
        (422, json!({"op": "remove", "path": "/ukjent"}), unreachable("/ukjent")),
        (422, json!({"op": "add", "path": "/rader/0/id", "value": "a"}), unreachable("/rader/0/id")),
        (422, json!({"op": "add", "path": "/rader/5", "value": {}}), unreachable("/rader/5")),
        (422, json!({"op": "add", "path": "/felt/value", "value": "a"}), unreachable("/felt/value")),
        (422, json!({"op": "replace", "path": "/rader/-", "value": {}}), unreachable("/rader/-")),
        (422, json!({"op": "move", "from": "/ukjent", "path": "/navn"}), unreachable("/ukjent")),
    ];
    for (status, operation, detail) in cases {
        let patch = json!([{"op": "add", "path": "/alder", "value": 1}, operation]);
        let answer = world.patch(&sak, patch.clone()).await;
        expect_failed(&answer, status, &detail, &sak, 1, &model);
        let path = world.url(&format!("data/{sak}"));
        let single = world.user.patch(path).json(&json!({"patch": patch})).send().await;
        expect_failed(&single, status, &detail, &sak, 1, &model);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_result_that_is_no_model_refuses_the_patch() {
    let _rows = covers("app-api", &["PAT-09", "PAT-26"]);
    let _form_rows = covers("app-forms", &["42", "43"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let cases = [
        (
            json!([{"op": "add", "path": "/ukjent", "value": 1}]),
            "The JSON property 'ukjent' could not be mapped to any .NET member contained in type",
        ),
        (
            json!([{"op": "add", "path": "/rader/-", "value": {"ukjent": 1}}]),
            "The JSON property 'ukjent' could not be mapped",
        ),
        (json!([{"op": "replace", "path": "/belop", "value": "abc"}]), ""),
        (json!([{"op": "replace", "path": "/belop", "value": "12"}]), ""),
        (json!([{"op": "replace", "path": "/navn", "value": {"x": 1}}]), ""),
        (json!([{"op": "replace", "path": "/rader", "value": {}}]), ""),
        (json!([{"op": "add", "path": "/rader/-", "value": {"altinnRowId": "no guid"}}]), ""),
        (json!([{"op": "remove", "path": ""}]), "Deserialize patched model returned null"),
        (json!([{"op": "replace", "path": "", "value": null}]), "Deserialize patched model returned null"),
        (json!([{"op": "replace", "path": "", "value": []}]), ""),
    ];
    for (patch, detail) in cases {
        let answer = world.patch(&sak, patch.clone()).await;
        expect_details(&answer, 422, "Patch operation did not deserialize", detail);
        let body = answer.json();
        assert_eq!(body["type"], RFC, "{patch}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(4), "no more than the four members: {body}");
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn unset_fields_can_be_tested_set_and_removed() {
    let _rows = covers("app-api", &["PAT-07", "PAT-10", "PAT-11", "PAT-12", "PAT-13"]);
    let _form_rows = covers("app-forms", &["39", "44", "45", "47", "48", "60"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let model = async |patch: Value| {
        let answer = world.patch(&sak, patch).await.expect(200).json();
        answer["newDataModels"][0]["data"].clone()
    };
    let test = |path: &str, value: Value| json!({"op": "test", "path": path, "value": value});
    let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    let remove = |path: &str| json!({"op": "remove", "path": path});

    assert_eq!(model(json!([test("/navn", Value::Null), add("/navn", json!("x"))])).await["navn"], "x");
    assert_eq!(model(json!([remove("/navn")])).await["navn"], Value::Null);
    assert_eq!(
        model(json!([test("/navn", Value::Null), add("/navn", json!("y")), remove("/navn")])).await["navn"],
        Value::Null
    );
    assert_eq!(model(json!([test("/navn", Value::Null), add("/navn", json!(""))])).await["navn"], "");
    assert_eq!(model(json!([add("/felt", json!({"value": ""}))])).await["felt"], Value::Null, "no text, no element");
    assert_eq!(model(json!([add("/felt", json!({"value": "a"}))])).await["felt"], json!({"value": "a", "orid": 30320}));
    assert_eq!(model(json!([add("/belop", json!(1.0)), test("/belop", json!(1))])).await["belop"], json!(1.0));

    // A list from nothing to one row, and back.
    let rows = model(json!([test("/rader", json!([])), add("/rader", json!([{"id": "a"}]))])).await["rader"].clone();
    assert_eq!((&rows[0]["id"], &rows[0]["under"]), (&json!("a"), &json!([])));
    let more = model(json!([add("/rader/-", json!({"id": "b"})), add("/rader/0", json!({"id": "først"}))])).await;
    let names: Vec<_> = more["rader"].as_array().expect("rows").iter().map(|row| text(&row["id"])).collect();
    assert_eq!(names, ["først", "a", "b"]);
    let first = more["rader"][0].clone();
    let fewer =
        model(json!([test("/rader/0", first), remove("/rader/2"), remove("/rader/1"), remove("/rader/0")])).await;
    assert_eq!(fewer["rader"], json!([]));
    assert_eq!(model(json!([add("/tagger", json!(["a", "b"])), remove("/tagger")])).await["tagger"], json!([]));

    let moved = model(json!([
        add("/navn", json!("z")),
        {"op": "copy", "from": "/navn", "path": "/merknad"},
        {"op": "move", "from": "/navn", "path": "/tagger/-"},
    ]))
    .await;
    assert_eq!((&moved["navn"], &moved["merknad"], &moved["tagger"]), (&Value::Null, &json!("z"), &json!(["z"])));
    assert_eq!(world.form(&sak).await["tagger"], json!(["z"]));
}

#[tokio::test]
async fn rows_get_ids_and_keep_those_they_have() {
    let _rows = covers("app-api", &["PAT-14"]);
    let _form_rows = covers("app-forms", &["36", "37"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let own = "5f0c7a1e-9d52-4a3b-8f65-1c9e2b7d4a10";
    let rows = json!([{"id": "a", "altinnRowId": own}, {"id": "b"}, {"id": "c", "under": [{"x": "dypt"}]}]);
    let answer = world.patch(&sak, json!([{"op": "add", "path": "/rader", "value": rows}])).await.expect(200).json();
    let rows = answer["newDataModels"][0]["data"]["rader"].clone();
    assert_eq!(rows[0]["altinnRowId"], own);
    let ids = [&rows[1]["altinnRowId"], &rows[2]["altinnRowId"], &rows[2]["under"][0]["altinnRowId"]];
    for id in ids {
        assert!(text(id).parse::<mottak_model::Guid>().is_ok_and(|id| !id.is_nil()), "{rows}");
    }
    assert!(world.stored_text(&sak).await.contains(&format!(r#"<rader altinnRowId="{own}"><id>a</id></rader>"#)));
}

#[tokio::test]
async fn a_patch_without_operations_validates_and_writes_nothing() {
    let _rows = covers("app-api", &["PAT-17", "PAT-21"]);
    let _form_rows = covers("app-forms", &["49", "54"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let answer = world.patch(&sak, json!([])).await.expect(200);
    assert!(answer.text().contains(r#""severity":1"#), "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["newDataModels"][0]["dataElementId"], sak.as_str());
    let sources: Vec<_> = body["validationIssues"].as_array().expect("a list").iter().map(|v| &v["source"]).collect();
    assert_eq!(sources, ["Required", "Expression"], "the fields' own rules run when a form has changed");
    assert_eq!(body["validationIssues"][1]["issues"], json!([]));
    assert_eq!(world.version().await, version);
    let without_any = world.user.patch(world.url("data")).json(&json!({"patches": []})).send().await.expect(200).json();
    assert_eq!(without_any["newDataModels"], json!([]));
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn ignored_validators_do_not_run() {
    let _rows = covers("app-api", &["PAT-18", "PAT-27"]);
    let _form_rows = covers("app-forms", &["53"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let sources = async |ignored: Value| {
        let patch =
            json!({"dataElementId": sak, "patch": [{"op": "add", "path": "/navn", "value": ignored.to_string()}]});
        let body = json!({"patches": [patch], "ignoredValidators": ignored});
        let answer = world.user.patch(world.url("data")).json(&body).send().await.expect(200).json();
        let findings = answer["validationIssues"].as_array().cloned().unwrap_or_default();
        findings.iter().map(|findings| text(&findings["source"])).collect::<Vec<_>>()
    };
    assert_eq!(sources(Value::Null).await, ["Required", "Expression", "DataAnnotations"]);
    assert_eq!(sources(json!(["required"])).await, ["Expression", "DataAnnotations"]);
    assert_eq!(sources(json!(["ignored"])).await, ["Required", "Expression", "DataAnnotations"]);
    assert_eq!(sources(json!(["DataAnnotations", "Required", "Expression"])).await, [""; 0]);
}

#[tokio::test]
async fn what_names_no_form_is_refused() {
    let _rows = covers("app-api", &["PAT-20", "PAT-25"]);
    let _form_rows = covers("app-forms", &["52"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let file = world.add_file("vedlegg", "a.b", "text/plain", "x").await;
    let version = world.version().await;
    let unknown = "0e8a5d0c-7a0b-4a3f-9a53-0e6f3f3b3c11";
    let answer = world.patch(unknown, json!([])).await;
    expect_details(&answer, 404, "Data Element Not Found", &format!("Did not find data element {unknown}"));
    let answer = world.patch(&file, json!([])).await;
    expect_status(&answer, 400);
    assert!(answer.json()["title"].is_string() && answer.json().get("traceId").is_none());
    // The first one that is not there decides, also after one that could be patched.
    let both = json!({"patches": [
        {"dataElementId": sak, "patch": [{"op": "add", "path": "/navn", "value": "a"}]},
        {"dataElementId": unknown, "patch": []},
    ]});
    expect_status(&world.user.patch(world.url("data")).json(&both).send().await, 404);
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_body_that_is_no_patch_is_refused() {
    let _rows = covers("app-api", &["PAT-22"]);
    let _form_rows = covers("app-forms", &["51"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    let of = |patch: Value| json!({"patches": [{"dataElementId": sak, "patch": patch}]});
    let cases = [
        (json!({}), "patches"),
        (json!({"patches": null}), "patches"),
        (json!({"patches": {}}), "patches"),
        (json!({"patches": [{"dataElementId": "x", "patch": []}]}), "patches[0].dataElementId"),
        (json!({"patches": [{"patch": []}]}), "patches[0].dataElementId"),
        (
            json!({"patches": [{"dataElementId": sak, "patch": []}, {"dataElementId": sak, "patch": []}]}),
            "patches[1].dataElementId",
        ),
        (json!({"patches": [{"dataElementId": sak}]}), "patches[0].patch"),
        (of(json!({})), "patches[0].patch"),
        (of(json!([{"op": "increment", "path": "/navn"}])), "patches[0].patch[0]"),
        (of(json!([{"op": "add", "path": "/navn"}])), "patches[0].patch[0]"),
        (of(json!([{"op": "add", "value": 1}])), "patches[0].patch[0]"),
        (of(json!([{"op": "move", "path": "/navn"}])), "patches[0].patch[0]"),
        (of(json!([{"op": "remove", "path": "navn"}])), "patches[0].patch[0]"),
        (of(json!([{"op": "remove", "path": "/na~2vn"}])), "patches[0].patch[0]"),
        (of(json!(["x"])), "patches[0].patch[0]"),
        (json!({"patches": [], "ignoredValidators": "Required"}), "ignoredValidators"),
    ];
    for (body, member) in cases {
        expect_member(&world.user.patch(world.url("data")).json(&body).send().await, member);
    }
    for body in ["", "  ", "[]", "x", "{\"patches\":[", "{\"patches\":[]} x", "\u{0}"] {
        for path in ["data".to_owned(), format!("data/{sak}")] {
            let answer = world.user.patch(world.url(&path)).body("application/json", body).send().await;
            expect_status(&answer, 400);
            assert!(answer.json()["errors"].is_object(), "{body}");
        }
    }
    let single = world.user.patch(world.url(&format!("data/{sak}"))).json(&json!({})).send().await;
    expect_member(&single, "patch");
    for request in [
        world.user.patch(world.url("data")).body("text/plain", "{}"),
        world.user.patch(world.url("data")).bytes("{\"patches\":[]}"),
        world.user.patch(world.url("data")),
    ] {
        expect_status(&request.send().await, 415);
    }
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn the_names_of_the_request_may_be_spelled_in_any_case() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let body = json!({"Patches": [{"DataElementId": sak.to_uppercase(), "Patch": [
        {"op": "add", "path": "/navn", "value": "a"}]}], "IgnoredValidators": ["Required"]});
    let answer = world.user.patch(world.url("data")).json(&body).send().await.expect(200).json();
    assert_eq!(answer["newDataModels"][0]["data"]["navn"], "a");
}

#[tokio::test]
async fn an_ended_instance_is_not_patched() {
    let _rows = covers("app-api", &["PAT-24"]);
    let world = World::journal_with("AppSettings:EnforceDataTypeTaskId", "false").await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"navn": "a", "belop": 1})).await;
    for _ in 0..2 {
        expect_status(&world.next().await, 200);
    }
    let version = world.version().await;
    let answer = world.patch(&sak, json!([{"op": "add", "path": "/navn", "value": "b"}])).await;
    expect_details(&answer, 409, "Instance Not Active", "Cannot update data element of archived or deleted instance");
    assert_eq!(world.version().await, version);
}
