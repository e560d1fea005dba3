//! A life of an instance from end to end, as the published suites of the storage service go through it with their own
//! bodies: what each step leaves is what the next one finds.

use mottak_testing::covers;
use mottak_testkit::Client;
use serde_json::{Value, json};

use crate::data::events_of;
use crate::own::SOPHIES_PARTY;
use crate::{API, BACKINGS, number_of, own};

/// A body of the published suites; none, with a printed line, where they are not at hand.
fn published(name: &str) -> Option<String> {
    let Some(folder) = mottak_testing::shared("data/storage/k6") else {
        println!("skipped: the bodies of the published suites are not here");
        return None;
    };
    Some(std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn json_of(name: &str) -> Option<Value> {
    published(name).map(|text| serde_json::from_str(&text).expect("the published bodies are JSON"))
}

async fn types_of_events(client: &Client, instance: &str) -> Vec<String> {
    let events = events_of(client, instance).await;
    events.iter().map(|event| event["eventType"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn listed(client: &Client, instance: &str) -> Vec<Value> {
    let list = client.get(format!("{instance}/dataelements")).send().await.expect(200).json();
    list["dataElements"].as_array().expect("elements").clone()
}

#[tokio::test]
async fn instance_is_filled_sent_in_confirmed_and_deleted() {
    let _rows = covers("platform-storage", &["D79"]);
    let (Some(mut template), Some(signing), Some(form)) =
        (json_of("instance.json"), json_of("process-task2.json"), published("storage-end-to-end.xml"))
    else {
        return;
    };
    for backing in BACKINGS {
        let world = own::world(backing);
        let (user, owner) = (world.sophie(), world.ttd());

        // Made by the user.
        template["instanceOwner"]["partyId"] = json!(SOPHIES_PARTY.to_string());
        let create = user.post(format!("{API}/instances?appId=ttd/kulturstotte")).json(&template);
        let made = create.send().await.expect(201).json();
        let here = format!("{API}/instances/{}", made["id"].as_str().expect("an id"));
        assert_eq!(user.get(&here).send().await.expect(200).json(), made);

        // Filled out: a form and an attachment, the form once more, the attachment taken back.
        let data = format!("{here}/data?dataType=soknad");
        let form_element = user.post(&data).body("text/xml", form.clone()).send().await.expect(201).json();
        let data = format!("{here}/data?dataType=vedlegg&generatedFromTask=Task_1");
        let pdf_element = user.post(&data).file("a.pdf", "application/pdf", "%PDF-1.4").send().await.expect(201).json();
        let both = listed(&user, &here).await;
        assert_eq!(both.len(), 2);
        assert_eq!([&both[0]["id"], &both[1]["id"]], [&form_element["id"], &pdf_element["id"]]);
        let form_path = format!("{here}/data/{}", form_element["id"].as_str().expect("an id"));
        let pdf_path = format!("{here}/data/{}", pdf_element["id"].as_str().expect("an id"));
        let content = user.get(&form_path).send().await.expect(200);
        assert_eq!((content.text(), content.header("content-type")), (form.clone(), Some("text/xml")));
        let longer = format!("{form}<!-- -->");
        let replaced = user.put(&form_path).body("text/xml", longer.clone()).send().await.expect(200).json();
        assert_eq!(replaced["size"], longer.len());
        assert_eq!(owner.get(&form_path).send().await.expect(200).text(), longer);
        user.delete(&pdf_path).send().await.expect(200);
        assert_eq!(listed(&user, &here).await.len(), 1);

        // What is said about it.
        user.put(format!("{here}/readstatus?status=read")).send().await.expect(200);
        let texts = json!({ "texts": { "prosjekttittel": "Jazz i parken" } });
        user.put(format!("{here}/presentationtexts")).json(&texts).send().await.expect(200);
        let substatus = json!({ "label": "Til behandling" });
        owner.put(format!("{here}/substatus")).json(&substatus).send().await.expect(200);
        let query = format!("{API}/instances?instanceOwner.partyId={SOPHIES_PARTY}&searchString=JAZZ");
        assert_eq!(user.get(query).send().await.expect(200).json()["count"], 1);

        // Moved to a signing task, then to its end.
        let moved = owner.put(format!("{here}/process")).json(&signing).send().await.expect(200).json();
        assert_eq!(moved["process"]["currentTask"]["name"], "Automatisert-Test-Signering");
        let ended = json!({
            "started": signing["started"], "startEvent": "StartEvent_1",
            "ended": "2025-06-01T09:59:00Z", "endEvent": "EndEvent_1",
        });
        let event = json!({
            "instanceId": made["id"], "eventType": "process_EndEvent", "processInfo": ended,
            "user": { "orgId": "ttd", "authenticationLevel": 3 },
        });
        let update = json!({ "state": ended, "events": [event] });
        let archived = owner.put(format!("{here}/process/instanceandevents")).json(&update).send().await;
        let archived = archived.expect(200).json();
        assert_eq!(archived["status"]["isArchived"], true);
        assert_eq!(archived["status"]["archived"], "2025-06-01T09:59:00Z");

        // Fetched and confirmed by the owner of the app.
        let poll = format!("{API}/instances?appId=ttd/kulturstotte&process.isComplete=true&excludeConfirmedBy=ttd");
        let found = owner.get(&poll).send().await.expect(200).json();
        assert_eq!(crate::ids(&found), [made["id"].as_str().expect("an id")]);
        assert_eq!(found["instances"][0]["data"].as_array().map(Vec::len), Some(1));
        owner.post(format!("{here}/complete")).send().await.expect(200);
        assert_eq!(owner.get(&poll).send().await.expect(200).json()["count"], 0);

        // Deleted for good by the user: still there by its id, gone from the lists.
        let deleted = user.delete(format!("{here}?hard=true")).send().await.expect(200).json();
        assert_eq!(deleted["status"]["isHardDeleted"], true);
        assert_eq!(deleted["lastChangedBy"], own::SOPHIE.to_string());
        let last = user.get(&here).send().await.expect(200).json();
        assert_eq!(last["status"]["substatus"], json!({ "label": "Til behandling", "description": null }));
        assert_eq!(last["completeConfirmations"][0]["stakeholderId"], "ttd");
        let query = format!("{API}/instances?instanceOwner.partyId={SOPHIES_PARTY}");
        assert_eq!(user.get(query).send().await.expect(200).json()["count"], 0);

        let expected = [
            "Created",
            "Created",
            "Created",
            "Saved",
            "Deleted",
            "SubstatusUpdated",
            "SentToSign",
            "process_EndEvent",
            "ConfirmedComplete",
            "Deleted",
        ];
        let mut types = types_of_events(&user, &here).await;
        let mut sorted = expected.map(str::to_owned);
        types.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(types, sorted);
        assert_eq!(archived["lastChangedBy"], number_of("ttd"));
    }
}
