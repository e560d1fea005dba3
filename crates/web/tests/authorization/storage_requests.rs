//! The requests that stand for the routes of Platform Storage: each would do something for whoever may make it.

use mottak_testkit::{Client, Sending};
use serde_json::{Value, json};

use crate::callers::{Made, PARTY};

const ROOT: &str = "/storage/api/v1";

/// The app that the designer registers: none that is served.
const REGISTERED: &str = "matrise";

/// The request for a route of Storage, by its method and the path behind the root; `None` for those that need no more than
/// the path with its parameters filled in.
pub(crate) fn request(
    client: &Client,
    method: &str,
    path: &str,
    app: &str,
    made: &Made,
    event: &str,
) -> Option<Sending> {
    let path = path.strip_prefix(ROOT)?;
    let id = format!("{PARTY}/{}", made.guid);
    let here = format!("{ROOT}/instances/{id}");
    let (form, file) = (&made.form, &made.file);
    let registered = format!("{ROOT}/applications/ttd/{REGISTERED}");
    let metadata =
        json!({"id": format!("ttd/{REGISTERED}"), "org": "ttd", "title": {"nb": "Matrise"}, "dataTypes": []});
    let texts = json!({"language": "nb", "resources": [{"id": "appName", "value": "Matrise"}]});
    let designer = format!("{ROOT}/studio/instances/ttd/{app}");
    Some(match (method, path) {
        ("GET", "/instances") => client.get(format!("{ROOT}/instances?instanceOwner.partyId={PARTY}&appId=ttd/{app}")),
        ("POST", "/instances") => client
            .post(format!("{ROOT}/instances?appId=ttd/{app}"))
            .json(&json!({"instanceOwner": {"partyId": PARTY.to_string()}})),
        ("PUT", "/instances/{party}/{guid}/readstatus") => client.put(format!("{here}/readstatus?status=Read")),
        ("PUT", "/instances/{party}/{guid}/substatus") => {
            client.put(format!("{here}/substatus")).json(&json!({"label": "a"}))
        }
        ("PUT", "/instances/{party}/{guid}/presentationtexts") => {
            client.put(format!("{here}/presentationtexts")).json(&json!({"texts": {"a": "b"}}))
        }
        ("PUT", "/instances/{party}/{guid}/datavalues") => {
            client.put(format!("{here}/datavalues")).json(&json!({"values": {"a": "b"}}))
        }
        ("PUT", "/instances/{party}/{guid}/process") => client.put(format!("{here}/process")).json(&next_state()),
        ("PUT", "/instances/{party}/{guid}/process/instanceandevents") => {
            client.put(format!("{here}/process/instanceandevents")).json(&json!({"state": next_state(), "events": []}))
        }
        ("POST", "/instances/{party}/{guid}/events") => {
            client.post(format!("{here}/events")).json(&json!({"instanceId": id, "eventType": "Saved"}))
        }
        ("GET", "/instances/{party}/{guid}/events/{event}") => client.get(format!("{here}/events/{event}")),
        ("POST", "/instances/{party}/{guid}/data") => {
            client.post(format!("{here}/data?dataType=vedlegg")).body("application/pdf", &b"%PDF-1.4"[..])
        }
        ("PUT", "/instances/{party}/{guid}/data/{data}") => {
            client.put(format!("{here}/data/{file}")).body("application/pdf", &b"%PDF-1.5"[..])
        }
        ("DELETE", "/instances/{party}/{guid}/data/{data}") => client.delete(format!("{here}/data/{file}")),
        ("PUT", "/instances/{party}/{guid}/dataelements/{data}") => client
            .put(format!("{here}/dataelements/{file}"))
            .json(&json!({"id": file, "instanceGuid": made.guid, "dataType": "vedlegg", "tags": ["a"]})),
        ("PUT", "/instances/{party}/{guid}/dataelements/{data}/filescanstatus") => {
            client.put(format!("{here}/dataelements/{file}/filescanstatus")).json(&json!({"fileScanResult": "Clean"}))
        }
        ("POST", "/instances/{party}/{guid}/lock") => {
            client.post(format!("{here}/lock")).json(&json!({"ttlSeconds": 30}))
        }
        // Nobody has such a token: whoever is known is told so.
        ("PATCH", "/instances/{party}/{guid}/lock") => client
            .patch(format!("{here}/lock"))
            .header("altinn-storage-lock-token", "x")
            .json(&json!({"ttlSeconds": 30})),
        ("POST", "/instances/{party}/{guid}/sign") => client.post(format!("{here}/sign")).json(&json!({
            "signatureDocumentDataType": "vedlegg",
            "dataElementSignatures": [{"dataElementId": form, "signed": true}],
            "signee": {"userId": "1337"},
        })),
        ("POST", "/sbl/instances/search") => client.post(format!("{ROOT}/sbl/instances/search")).json(&json!({
            "instanceOwnerPartyIdList": [PARTY], "appId": format!("ttd/{app}"),
        })),
        ("POST", "/applications") => client.post(format!("{ROOT}/applications?appId=ttd/{REGISTERED}")).json(&metadata),
        ("PUT", "/applications/{org}/{app}") => client.put(registered).json(&metadata),
        ("DELETE", "/applications/{org}/{app}") => client.delete(registered),
        ("POST", "/applications/{org}/{app}/texts") => client.post(format!("{registered}/texts")).json(&texts),
        ("PUT", "/applications/{org}/{app}/texts/{language}") => {
            client.put(format!("{registered}/texts/nb")).json(&texts)
        }
        ("DELETE", "/applications/{org}/{app}/texts/{language}") => client.delete(format!("{registered}/texts/nb")),
        ("DELETE", "/studio/instances/{org}/{app}/{guid}") => client.delete(format!("{designer}/{}", made.guid)),
        _ => return None,
    })
}

/// The process as an app's backend would have it after the first task.
fn next_state() -> Value {
    json!({
        "started": "2025-03-01T12:00:00Z",
        "startEvent": "StartEvent_1",
        "currentTask": {"flow": 3, "started": "2025-03-01T12:01:00Z", "elementId": "Task_2", "name": "Bekreft",
            "altinnTaskType": "confirmation", "flowType": "CompleteCurrentMoveToNext"},
    })
}
