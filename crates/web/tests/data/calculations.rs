//! What the app calculates on every write: app-forms §9.3, app-api §4.5, §4.6, §21.6.

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::world::{World, expect_status, text};

fn line(count: f64, price: f64) -> Value {
    json!({"antall": count, "pris": price})
}

#[tokio::test]
async fn a_put_that_is_calculated_with_answers_what_changed() {
    let _rows = covers("app-api", &["DAT-40"]);
    let _form_rows = covers("app-forms", &["58", "146"]);
    let world = World::regneark().await;
    let ark = world.only("ark").await;
    let sent = json!({"navn": "Kari", "linjer": [line(2.0, 1.5), line(1.0, 2.0)]});
    let answer = world.put(&ark).json(&sent).send().await.expect(200);
    assert_eq!(answer.header("location"), None);
    let body = answer.json();
    assert_eq!(
        body["changedFields"],
        json!({
            "linjer[0].sum": 3, "linjer[1].sum": 2, "total": 5, "halvparten": 2, "hilsen": "Hei, Kari", "sider": 0,
        })
    );
    // Beside that the answer is the element as it is now.
    assert_eq!(body["id"], ark.as_str());
    assert_eq!(body["size"], world.stored(&ark).await.len());
    assert_eq!(body["dataType"], "ark");
    assert_eq!(body["fileScanResult"], "NotApplicable");

    let stored = world.form(&ark).await;
    assert_eq!((&stored["total"], &stored["hilsen"]), (&json!(5), &json!("Hei, Kari")));
    let instance = world.user.get(format!("/{}/instances/{}", world.app, world.id)).send().await.expect(200).json();
    assert_eq!(instance["dataValues"], json!({"total": "5"}), "values are those after the calculation");
}

#[tokio::test]
async fn a_put_of_what_would_be_calculated_anyway_changes_nothing() {
    let _rows = covers("app-forms", &["58"]);
    let world = World::regneark().await;
    let ark = world.only("ark").await;
    expect_status(&world.put(&ark).json(&json!({"navn": "Kari", "linjer": [line(2.0, 1.5)]})).send().await, 200);
    let calculated = world.form(&ark).await;
    let answer = world.put_json(&ark, &calculated).await;
    assert_eq!(answer.json().get("changedFields"), None);
    assert_eq!(world.form(&ark).await, calculated);
}

#[tokio::test]
async fn a_patch_answers_the_calculated_model() {
    let _rows = covers("app-forms", &["56"]);
    let world = World::regneark().await;
    let (ark, sammendrag) = (world.only("ark").await, world.only("sammendrag").await);
    let operations = json!([
        {"op": "add", "path": "/linjer/-", "value": line(3.0, 0.5)},
        {"op": "add", "path": "/navn", "value": "Ola"},
    ]);
    let answer = world.patch(&ark, operations).await.expect(200).json();
    let models = answer["newDataModels"].as_array().expect("a list");
    assert_eq!(models.len(), 2, "the other form follows: {answer}");
    assert_eq!(models[0]["dataElementId"], ark.as_str());
    assert_eq!(models[0]["data"]["linjer"][0]["sum"], json!(1.5));
    assert_eq!(models[0]["data"]["halvparten"], json!(1), "0.75 is rounded for an integer");
    assert_eq!(models[0]["data"]["hilsen"], "Hei, Ola");
    assert_eq!(models[1]["dataElementId"], sammendrag.as_str());
    assert_eq!(models[1]["data"]["total"], json!(1.5));
    // Both are stored; the validators saw the calculated value.
    assert_eq!(world.form(&sammendrag).await["total"], json!(1.5));
    assert_eq!(world.form(&ark).await["total"], json!(1.5));
    let required = answer["validationIssues"].as_array().and_then(|all| all.iter().find(|v| v["source"] == "Required"));
    assert_eq!(required.expect("Required ran")["issues"], json!([]));
    // Once everything is calculated, nothing more changes.
    let version = world.version().await;
    let again = world.patch(&ark, json!([])).await.expect(200).json();
    assert_eq!(again["newDataModels"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.version().await, version);
}

#[tokio::test]
async fn a_new_element_is_calculated_and_seen_by_the_others() {
    let _rows = covers("app-api", &["DAT-04"]);
    let world = World::regneark().await;
    let ark = world.only("ark").await;
    let answer = world.post("side").json(&json!({"tekst": "fire"})).send().await.expect(200).json();
    let new = text(&answer["newDataElementId"]);
    let models = answer["newDataModels"].as_array().expect("a list");
    assert_eq!(models[0]["dataElementId"], new.as_str());
    assert_eq!(models[0]["data"], json!({"tekst": "fire", "lengde": 4}));
    assert_eq!(models[1]["dataElementId"], ark.as_str(), "the count of pages is in the other form: {answer}");
    assert_eq!(models[1]["data"]["sider"], 1);
    assert_eq!(world.form(&new).await["lengde"], 4);
    assert_eq!(world.form(&ark).await["sider"], 1);
}

#[tokio::test]
async fn a_file_and_a_removal_are_writes_too() {
    let world = World::regneark().await;
    let ark = world.only("ark").await;
    let uploaded = world.post("bilag").file("a.txt", "text/plain", "x").send().await.expect(200).json();
    assert_eq!(uploaded["newDataModels"][0]["dataElementId"], ark.as_str());
    assert_eq!(uploaded["newDataModels"][0]["data"]["sider"], 0, "counted for the first time");
    let side = world.add_form("side", &json!({})).await;
    assert_eq!(world.form(&ark).await["sider"], 1);
    let removed = world.user.delete(world.url(&format!("data/{side}"))).send().await.expect(200).json();
    assert_eq!(removed["newDataModels"][0]["data"]["sider"], 0);
    assert_eq!(world.form(&ark).await["sider"], 0);
}

#[tokio::test]
async fn calculations_speak_the_language_of_the_request() {
    let _rows = covers("app-api", &["PAT-16"]);
    let world = World::regneark().await;
    let teller = world.add_form("teller", &json!({})).await;
    for (query, language) in [("?language=es", "es"), ("", "nb"), ("?language=nn", "nn")] {
        let body = json!({"patches": [{"dataElementId": teller, "patch": []}]});
        let answer = world.user.patch(world.url(&format!("data{query}"))).json(&body).send().await.expect(200).json();
        assert_eq!(answer["newDataModels"][0]["data"]["spraak"], language);
    }
    let put = world.user.put(world.url(&format!("data/{teller}?language=en"))).json(&json!({})).send().await;
    assert_eq!(put.expect(200).json()["changedFields"]["spraak"], "en");
}

#[tokio::test]
async fn a_calculation_that_fails_refuses_the_write() {
    let world = World::regneark().await;
    let ark = world.only("ark").await;
    let feil = world.add_form("feil", &json!({})).await;
    let version = world.version().await;
    for request in [
        world.put(&feil).json(&json!({"tekst": "hemmelig"})),
        world
            .user
            .patch(world.url(&format!("data/{feil}")))
            .json(&json!({"patch": [{"op": "add", "path": "/tekst", "value": "hemmelig"}]})),
        world.post("feil").json(&json!({"tekst": "hemmelig"})),
    ] {
        let answer = request.send().await;
        expect_status(&answer, 500);
        assert!(!answer.text().contains("hemmelig"), "what the form says is not told: {}", answer.text());
    }
    assert_eq!(world.version().await, version);
    // Whoever is not in the way is not kept from writing, nor is a form that can be calculated.
    expect_status(&world.put(&ark).json(&json!({"navn": "a"})).send().await, 200);
}

#[tokio::test]
async fn a_result_that_does_not_fit_leaves_its_field_alone() {
    let world = World::regneark().await;
    let answer = world.post("feil").json(&json!({"tall": 7})).send().await.expect(200).json();
    assert_eq!(answer["newDataModels"][0]["data"], json!({"tekst": null, "tall": 7, "sum": 0}));
}

#[tokio::test]
async fn an_app_that_calculates_nothing_has_nothing_changed() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let answer = world.patch(&sak, json!([{"op": "add", "path": "/navn", "value": "x"}])).await.expect(200).json();
    assert_eq!(answer["newDataModels"].as_array().map(Vec::len), Some(1));
}
