//! What new forms hold: what the caller sends, then what the app's prefill takes from the registers
//! (app-api §3.1 step 16, §3.2 step 13; app-forms §8).

use mottak_testing::covers;
use mottak_testkit::Client;
use serde_json::{Value, json};

use crate::world::*;

async fn create(client: &Client, prefill: Value) -> Value {
    let body = json!({ "instanceOwner": { "partyId": "501337" }, "prefill": prefill });
    client.post(format!("{APP}/instances/create")).json(&body).send().await.expect(201).json()
}

#[tokio::test]
async fn a_form_the_app_makes_knows_its_owner_and_its_user() {
    let server = server();
    let user = server.user(1337);
    let person = instantiate(&user, 501_337).send().await.expect(201).json();
    let read = form(&user, &person).await;
    assert_eq!(read["navn"], "Sophie Salt");
    assert_eq!(read["adresse"]["poststed"], "Oslo");
    assert_eq!(read["epost"], "1337@altinnstudiotestusers.com");
    assert_eq!(person["presentationTexts"], json!({ "navn": "Sophie Salt" }));

    let organisation = instantiate(&user, 500_000).send().await.expect(201).json();
    let read = form(&user, &organisation).await;
    assert_eq!((&read["navn"], &read["adresse"]), (&json!("DDG Fitness"), &Value::Null));

    // An owner of apps has no profile.
    let by_owner = instantiate(&server.ttd(), 501_337).send().await.expect(201).json();
    let read = form(&server.ttd(), &by_owner).await;
    assert_eq!((&read["navn"], &read["epost"]), (&json!("Sophie Salt"), &Value::Null));
}

#[tokio::test]
async fn what_is_sent_comes_before_what_the_registers_say() {
    let server = server();
    let user = server.user(1337);
    let sent: &[u8] = "<Skjema><navn>Kari</navn></Skjema>".as_bytes();
    let parts = [("skjema", None, "application/xml", sent)];
    let created = instantiate(&user, 501_337).multipart(&parts).send().await.expect(201).json();
    assert_eq!(created["data"].as_array().map(Vec::len), Some(1));
    let read = form(&user, &created).await;
    assert_eq!((&read["navn"], &read["epost"]), (&json!("Kari"), &json!("1337@altinnstudiotestusers.com")));
    assert_eq!(created["presentationTexts"]["navn"], "Kari");

    let overwriting = Variant::of(&app(), |_| {})
        .replacing("models/skjema.prefill.json", "\"allowOverwrite\": false", "\"allowOverwrite\": true")
        .server();
    let user = overwriting.user(1337);
    let created = instantiate(&user, 501_337).multipart(&parts).send().await.expect(201).json();
    assert_eq!(form(&user, &created).await["navn"], "Sophie Salt");
}

#[tokio::test]
async fn given_values_are_converted_and_come_first() {
    let _rows = covers("app-api", &["SIM-02", "SIM-03"]);
    let server = server();
    let user = server.user(1337);
    let created = create(
        &user,
        json!({
            "navn": "TestName",
            "ANTALL": "7",
            "godkjent": "true",
            "adresse.gate": "Storgata 1",
            "finnes.ikke": "x",
            "adresse.finnesikke": "x",
            "epost": null
        }),
    )
    .await;
    let read = form(&user, &created).await;
    assert_eq!(read["navn"], "TestName");
    assert_eq!(read["antall"], 7);
    assert_eq!(read["godkjent"], true);
    assert_eq!(read["adresse"]["gate"], "Storgata 1");
    assert_eq!(read["adresse"]["poststed"], "Oslo");
    assert_eq!(read["epost"], "1337@altinnstudiotestusers.com");
    assert_eq!(created["presentationTexts"], json!({ "navn": "TestName" }));
    assert_eq!(created["dataValues"], json!({ "antall": "7" }));
}

#[tokio::test]
async fn a_given_value_of_the_wrong_kind_is_a_bad_request() {
    let server = server();
    for prefill in [json!({ "antall": "mange" }), json!({ "godkjent": "kanskje" })] {
        let body = json!({ "instanceOwner": { "partyId": "501337" }, "prefill": prefill });
        let problem =
            server.user(1337).post(format!("{APP}/instances/create")).json(&body).send().await.expect(400).json();
        assert_eq!((&problem["title"], &problem["status"]), (&json!("Prefill failed"), &json!(400)));
    }
    assert_nothing(&stored(&server).await);
}
