//! A server that is killed keeps what it has acknowledged.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mottak_testing::postgres::Schema;
use serde_json::{Value, json};

use crate::running::{Running, example, mottak};

const APP: &str = "/ttd/kulturstotte";
const CLIENTS: usize = 4;
const ROUNDS: usize = 2;
const ATTACHMENT: usize = 150_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let log = kill_and_look(|folder| Running::dev_in(folder, &[example()])).await;
    assert!(log.contains("was not closed in order"), "the server says what happened: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_kill_is_in_postgresql_after_it() {
    let Some(schema) = Schema::fresh() else { return };
    let start = |folder: tempfile::TempDir| {
        let mut command = mottak();
        command.args(["dev", "--listen", "127.0.0.1:0", "--database-url", &schema.url(), "--data"]);
        command.arg(folder.path().join("data")).arg(example());
        Running::start(command, folder)
    };
    kill_and_look(start).await;
}

/// Kills a server under load, twice, and looks at what a third one finds. Answers all that the servers logged.
async fn kill_and_look(start: impl Fn(tempfile::TempDir) -> Running) -> String {
    let acknowledged = Arc::new(Mutex::new(BTreeSet::<(String, String)>::new()));
    let mut folder = tempfile::tempdir().expect("a temporary folder");
    for round in 0..ROUNDS {
        let server = start(folder);
        let token = server.text("/Home/GetTestUserToken/1337").await;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (client, address, token) = (server.client.clone(), server.address.clone(), token.clone());
                let acknowledged = Arc::clone(&acknowledged);
                tokio::spawn(async move {
                    // Until the server is gone.
                    for count in 0.. {
                        let title = format!("{round}-{number}-{count}");
                        let Some(id) = make(&client, &address, &token, &title).await else { return };
                        acknowledged.lock().expect("no client panics").insert((id, title));
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        folder = server.kill();
        for client in clients {
            client.await.expect("a client ends when the server is gone");
        }
    }

    let server = start(folder);
    let token = server.text("/Home/GetTestUserToken/1337").await;
    let acknowledged = acknowledged.lock().expect("no client panics").clone();
    println!("{} instances", acknowledged.len());
    assert!(acknowledged.len() > 2 * CLIENTS);
    for (id, title) in &acknowledged {
        let read = server.get(&format!("{APP}/instances/{id}")).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(read.status(), 200, "{id}");
        let instance: Value = read.json().await.expect("an instance");
        let element = instance["data"][0]["id"].as_str().expect("a form");
        let form = server.get(&format!("{APP}/instances/{id}/data/{element}")).bearer_auth(&token).send().await;
        let form: Value = form.expect("an answer").json().await.expect("a form");
        assert_eq!(form["prosjekt"]["tittel"], json!(title), "{id}");
        let file = instance["data"][1]["id"].as_str().expect("an attachment");
        let file = server.get(&format!("{APP}/instances/{id}/data/{file}")).bearer_auth(&token).send().await;
        assert_eq!(file.expect("an answer").bytes().await.expect("all of it").len(), ATTACHMENT, "{id}");
    }
    let active = server.get(&format!("{APP}/instances/500700/active")).bearer_auth(&token).send().await;
    let active: Value = active.expect("an answer").json().await.expect("a list");
    let listed: BTreeSet<&str> =
        active.as_array().expect("a list").iter().filter_map(|instance| instance["id"].as_str()).collect();
    assert!(acknowledged.iter().all(|(id, _)| listed.contains(id.as_str())), "every one is listed");
    // What was under way is there as a whole or not at all.
    for id in listed {
        let read = server.get(&format!("{APP}/instances/{id}")).bearer_auth(&token).send().await.expect("an answer");
        let instance: Value = read.json().await.expect("an instance");
        for element in instance["data"].as_array().expect("a list") {
            let path = format!("{APP}/instances/{id}/data/{}", element["id"].as_str().expect("an id"));
            let content = server.get(&path).bearer_auth(&token).send().await.expect("an answer");
            assert_eq!(content.status(), 200, "{path}");
        }
    }
    server.log()
}

/// Too large for a row of the database.
fn attachment() -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    bytes.extend((0..).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).take(ATTACHMENT - bytes.len()));
    bytes
}

/// Makes an instance, writes its form and attaches a file; `None` when the server is gone before it has said so.
async fn make(client: &reqwest::Client, address: &str, token: &str, title: &str) -> Option<String> {
    let new = format!("{address}{APP}/instances?instanceOwnerPartyId=500700");
    let created = client.post(new).bearer_auth(token).send().await.ok()?;
    assert_eq!(created.status(), 201);
    let instance: Value = created.json().await.ok()?;
    let (id, element) = (instance["id"].as_str()?.to_owned(), instance["data"][0]["id"].as_str()?.to_owned());
    let form = json!({"soker": {}, "prosjekt": {"tittel": title}, "okonomi": {}});
    let written = client.put(format!("{address}{APP}/instances/{id}/data/{element}")).bearer_auth(token).json(&form);
    let written = written.send().await.ok()?;
    assert!(written.status().is_success(), "{}", written.status());
    let attached = client
        .post(format!("{address}{APP}/instances/{id}/data/type/vedlegg"))
        .bearer_auth(token)
        .header("content-type", "application/pdf")
        .header("content-disposition", "attachment; filename=vedlegg.pdf")
        .body(attachment());
    let attached = attached.send().await.ok()?;
    assert!(attached.status().is_success(), "{}", attached.status());
    attached.bytes().await.ok()?;
    Some(id)
}
