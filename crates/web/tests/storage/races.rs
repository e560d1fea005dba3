//! Many at once: nothing is lost, nothing happens twice, and who polls misses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mottak_testkit::{Backing, Client, Seed, TestServer};
use serde_json::{Value, json};

use crate::own::{self, instance};
use crate::{API, BACKINGS};

/// A server whose clock runs.
fn server(backing: Backing) -> TestServer {
    TestServer::builder().backing(backing).build()
}

/// What one of the writers does to the instance.
#[derive(Clone, Copy, Debug)]
enum Writing {
    Text(usize),
    Value(usize),
    Upload(usize),
    Event(usize),
    Next,
}

impl Writing {
    async fn send(self, client: &Client, id: &str) -> u16 {
        let there = |what: &str| format!("{API}/instances/{id}/{what}");
        let sending = match self {
            Self::Text(n) => client.put(there("presentationtexts")).json(&json!({ "texts": { format!("t{n}"): "x" } })),
            Self::Value(n) => client.put(there("datavalues")).json(&json!({ "values": { format!("v{n}"): "x" } })),
            Self::Upload(n) => client.post(there("data?dataType=ref-data-as-pdf")).file(
                &format!("{n}.pdf"),
                "application/pdf",
                "%PDF-1.7",
            ),
            Self::Event(n) => {
                let event = json!({ "instanceId": id, "eventType": "Saved", "additionalInfo": n.to_string() });
                client.post(there("events")).json(&event)
            }
            Self::Next => client.put(format!("/{}/instances/{id}/process/next", own::LICENCES)),
        };
        sending.send().await.status
    }
}

/// Fifty writers: forty of them each say something of their own, ten want the process to move.
fn writers() -> Vec<Writing> {
    (0..10)
        .flat_map(|n| [Writing::Text(n), Writing::Next, Writing::Value(n), Writing::Upload(n), Writing::Event(n)])
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_lose_nothing_and_the_process_moves_once() {
    const ROUNDS: u128 = 6;
    for backing in BACKINGS {
        let server = server(backing);
        for round in 1..=ROUNDS {
            let mut standing = own::of_app(instance(round), own::LICENCES);
            // A task that is left by anybody who may, once: then it is the next one's turn.
            let task = standing.process.get_or_insert_default().current_task.get_or_insert_default();
            task.element_id = Some("Task_2".to_owned());
            task.altinn_task_type = Some("confirmation".to_owned());
            let id = server.seed(Seed::of(standing)).await.id.to_string();
            let sending: Vec<_> = writers()
                .into_iter()
                .map(|writing| {
                    // The owner's token may write wherever the process stands.
                    let (client, id) = (server.ttd(), id.clone());
                    tokio::spawn(async move { (writing, writing.send(&client, &id).await) })
                })
                .collect();
            let mut moved = 0;
            for sent in sending {
                match sent.await.expect("no panic") {
                    (Writing::Next, 200) => moved += 1,
                    (Writing::Next, status) => assert!([403, 409].contains(&status), "next: {status}"),
                    (writing, status) => assert!(status == 200 || status == 201, "{writing:?}: {status}"),
                }
            }
            assert_eq!(moved, 1, "round {round} on {backing:?}");
            let ttd = server.ttd();
            let instance = ttd.get(format!("{API}/instances/{id}")).send().await.expect(200).json();
            for member in ["presentationTexts", "dataValues"] {
                let kept = instance[member]
                    .as_object()
                    .map_or(0, |texts| texts.keys().filter(|key| key[1..].parse::<usize>().is_ok()).count());
                assert_eq!(kept, 10, "{member} in round {round} on {backing:?}: {}", instance[member]);
            }
            let names: BTreeSet<_> = instance["data"]
                .as_array()
                .expect("elements")
                .iter()
                .filter_map(|element| element["filename"].as_str().map(str::to_owned))
                .collect();
            assert_eq!(names.len(), 10);
            let events = ttd.get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
            let count = |kind: &str, is_wanted: &dyn Fn(&Value) -> bool| {
                let events = events["instanceEvents"].as_array().expect("events");
                events.iter().filter(|event| event["eventType"] == kind && is_wanted(event)).count()
            };
            assert_eq!(count("Saved", &|event| event["additionalInfo"].is_string()), 10);
            assert_eq!(count("Created", &|event| event["dataId"].is_string()), 10);
            assert_eq!(count("process_EndTask", &|_| true), 1);
        }
    }
}

/// Writers that delete meet writers that describe: every deletion is recorded, every text kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_and_descriptions_do_not_undo_one_another() {
    for backing in BACKINGS {
        let server = server(backing);
        for round in 1..=6_u128 {
            let id = server.seed(Seed::of(instance(round))).await.id.to_string();
            let sending: Vec<_> = (0..50)
                .map(|n| {
                    let (client, id) = (server.ttd(), id.clone());
                    tokio::spawn(async move {
                        if n % 5 == 0 {
                            client.delete(format!("{API}/instances/{id}?hard={}", n == 25)).send().await.status
                        } else {
                            Writing::Text(n).send(&client, &id).await
                        }
                    })
                })
                .collect();
            for sent in sending {
                assert_eq!(sent.await.expect("no panic"), 200);
            }
            let instance = server.ttd().get(format!("{API}/instances/{id}")).send().await.expect(200).json();
            assert_eq!(instance["status"]["isHardDeleted"], true);
            assert_eq!(instance["presentationTexts"].as_object().map(serde_json::Map::len), Some(40));
            let events = server.ttd().get(format!("{API}/instances/{id}/events")).send().await.expect(200).json();
            assert_eq!(events["instanceEvents"].as_array().map(Vec::len), Some(10));
        }
    }
}

/// Two states sent at once that both leave the same task: one of them is entered, the other judged by where the first
/// has brought the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_that_ends_for_one_is_not_ended_again_by_another() {
    for backing in BACKINGS {
        let server = server(backing);
        for round in 1..=20_u128 {
            let id = server.seed(Seed::of(instance(round))).await.id.to_string();
            let ending: Vec<_> = (0..8)
                .map(|second| {
                    let (client, id) = (server.ttd(), id.clone());
                    let ended = json!({ "started": "2025-05-20T08:30:00Z", "ended": format!("2025-06-01T10:00:0{second}Z"),
                        "endEvent": "EndEvent_1" });
                    tokio::spawn(async move {
                        client.put(format!("{API}/instances/{id}/process")).json(&ended).send().await
                    })
                })
                .collect();
            let mut entered = Vec::new();
            for answer in ending {
                let answer = answer.await.expect("no panic");
                match answer.status {
                    200 => entered.push(answer.json()["status"]["archived"].clone()),
                    status => assert_eq!(status, 403, "{}", answer.text()),
                }
            }
            assert_eq!(entered.len(), 1, "round {round} on {backing:?}");
            let instance = server.ttd().get(format!("{API}/instances/{id}")).send().await.expect(200).json();
            assert_eq!(instance["status"]["archived"], entered[0]);
        }
    }
}

/// Sixteen writers make and change instances while an owner follows `lastChanged`, page by page, each question from
/// where the last answer ended. Every change is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poller_misses_no_change() {
    const WRITERS: usize = 16;
    const EACH: usize = 12;
    for backing in BACKINGS {
        let server = server(backing);
        let done = Arc::new(AtomicBool::new(false));
        let poller = tokio::spawn(poll(server.ttd(), Arc::clone(&done)));
        let writing: Vec<_> = (0..WRITERS)
            .map(|_| {
                let client = server.ttd();
                tokio::spawn(async move {
                    let mut written = Vec::new();
                    for _ in 0..EACH {
                        let owner = json!({ "instanceOwner": { "partyId": own::SOPHIES_PARTY } });
                        let made = client.post(format!("{API}/instances?appId={}", own::GRANTS)).json(&owner).send();
                        let id = made.await.expect(201).json()["id"].as_str().expect("an id").to_owned();
                        let label = json!({ "label": "behandles" });
                        let changed = client.put(format!("{API}/instances/{id}/substatus")).json(&label).send().await;
                        written.push((id, changed.expect(200).json()["lastChanged"].as_str().unwrap_or("").to_owned()));
                    }
                    written
                })
            })
            .collect();
        let mut written = BTreeSet::new();
        for writer in writing {
            written.extend(writer.await.expect("no panic"));
        }
        done.store(true, Ordering::SeqCst);
        let seen = poller.await.expect("no panic");
        assert_eq!(written.len(), WRITERS * EACH);
        let missed: Vec<_> = written.difference(&seen).collect();
        assert!(missed.is_empty(), "{backing:?}: {missed:?}");
    }
}

/// What an owner sees that asks for what has changed since, again and again: id and `lastChanged`.
async fn poll(client: Client, done: Arc<AtomicBool>) -> BTreeSet<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut since = "2000-01-01".to_owned();
    loop {
        let is_last = done.load(Ordering::SeqCst);
        let query = format!("org=ttd&order=asc:lastChanged&size=7&lastChanged=gt:{since}");
        let page = client.get(format!("{API}/instances?{query}")).send().await.expect(200).json();
        let instances = page["instances"].as_array().expect("instances").clone();
        for instance in &instances {
            let text = |member: &str| instance[member].as_str().expect("a text").to_owned();
            since = text("lastChanged");
            seen.insert((text("id"), text("lastChanged")));
        }
        if instances.is_empty() {
            if is_last {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_never_carries_a_content_under_the_type_of_another() {
    const ROUNDS: usize = 60;
    let contents = [("text/plain", "plain text"), ("application/json", "{}")];
    for backing in BACKINGS {
        let server = server(backing);
        let element = own::attachment(1, 1, 2);
        let id = server.seed(Seed::of(instance(1)).with(element.clone(), "{}")).await.id;
        let path = format!("{API}/instances/{id}/data/{}", element.id);
        let writer = server.user(own::SOPHIE);
        writer.put(&path).body(contents[0].0, contents[0].1).send().await.expect(200);
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (client, path) = (server.user(own::SOPHIE), path.clone());
                tokio::spawn(async move {
                    let mut seen = BTreeSet::new();
                    for _ in 0..ROUNDS {
                        let read = client.get(&path).send().await.expect(200);
                        let content_type = read.header("content-type").expect("a type").to_owned();
                        seen.insert((content_type, read.text()));
                    }
                    seen
                })
            })
            .collect();
        for round in 1..ROUNDS {
            let (content_type, content) = contents[round % 2];
            writer.put(&path).body(content_type, content).send().await.expect(200);
        }
        for reader in readers {
            for (content_type, content) in reader.await.expect("no panic") {
                assert!(contents.contains(&(content_type.as_str(), content.as_str())), "{content_type}: {content}");
            }
        }
    }
}
