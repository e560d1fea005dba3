//! `mottak backup` and `mottak restore`, beside a running server and for its next start.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::running::{Running, example, mottak, run, said};
use crate::store::Filled;

const APP: &str = "/ttd/kulturstotte";

/// Runs a command that has to succeed; answers what it said.
fn done(command: &str, arguments: &[(&str, &Path)]) -> String {
    let mut line = mottak();
    line.arg(command);
    for (name, value) in arguments {
        line.arg(name).arg(value);
    }
    let output = run(&mut line);
    assert!(output.status.success(), "{command}: {}", said(&output.stderr));
    assert!(output.stderr.is_empty(), "no progress where nobody looks: {}", said(&output.stderr));
    said(&output.stdout)
}

async fn make(server: &Running, token: &str, title: &str) -> (String, String) {
    let new = format!("{APP}/instances?instanceOwnerPartyId=500700");
    let created = server.post(&new).bearer_auth(token).send().await.expect("an answer");
    let created: Value = created.json().await.expect("an instance");
    let (id, element) = (created["id"].as_str().expect("an id"), created["data"][0]["id"].as_str().expect("a form"));
    let form = json!({"soker": {}, "prosjekt": {"tittel": title}, "okonomi": {}});
    let address = format!("{}{APP}/instances/{id}/data/{element}", server.address);
    let written = server.client.put(address).bearer_auth(token).json(&form).send().await.expect("an answer");
    assert!(written.status().is_success());
    (id.to_owned(), element.to_owned())
}

async fn read(server: &Running, token: &str, path: &str) -> Value {
    let answer = server.get(path).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.expect("JSON")
}

/// The same instance, whichever server tells of it.
fn told(instance: &Value, server: &Running) -> Value {
    serde_json::from_str(&instance.to_string().replace(&server.address["http://".len()..], "host")).expect("JSON")
}

#[tokio::test]
async fn what_a_running_server_has_acknowledged_is_in_the_archive_and_a_server_goes_on_from_there() {
    let server = Running::dev(&[example()]);
    let token = server.text("/Home/GetTestUserToken/1337").await;
    let mut known = Vec::new();
    for number in 0..10 {
        known.push(make(&server, &token, &format!("prosjekt {number}")).await);
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let archive = root.path().join("archive");
    let said = done("backup", &[("--data", &server.data()), ("--to", &archive)]);
    assert!(said.starts_with("archived and verified 10 instances with 10 data elements"), "{said}");
    let later = make(&server, &token, "later").await;
    done("restore", &[("--from", &archive), ("--data", &root.path().join("data"))]);

    let restored = Running::dev_in(root, &[example()]);
    let other = restored.text("/Home/GetTestUserToken/1337").await;
    let mut last = String::new();
    for (id, element) in &known {
        let (path, form) = (format!("{APP}/instances/{id}"), format!("{APP}/instances/{id}/data/{element}"));
        let (before, after) = (read(&server, &token, &path).await, read(&restored, &other, &path).await);
        assert_eq!(told(&before, &server), told(&after, &restored));
        assert_eq!(read(&server, &token, &form).await, read(&restored, &other, &form).await);
        last = last.max(after["lastChanged"].as_str().expect("a time").to_owned());
    }
    let missing = restored.get(&format!("{APP}/instances/{}", later.0)).bearer_auth(&other).send().await;
    assert_eq!(missing.expect("an answer").status(), 403, "it came after the archive");
    let (new, _) = make(&restored, &other, "new").await;
    let new = read(&restored, &other, &format!("{APP}/instances/{new}")).await;
    assert!(new["lastChanged"].as_str() > Some(&last), "time goes on");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_nothing_is_left() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| root.path().join(name);
    let store = Filled::open(&place("data"));
    store.add("app", &[(Some("a.bin"), noise(40_000))]).await;
    done("backup", &[("--data", &place("data")), ("--to", &place("archive"))]);

    let damaged = place("damaged");
    done("backup", &[("--data", &place("data")), ("--to", &damaged)]);
    let lines = damaged.join("instances-00001.ndjson.lz4");
    let mut bytes = fs::read(&lines).expect("a file of instances");
    bytes[100] ^= 1;
    fs::write(&lines, bytes).expect("a writable file");

    let text = |name: &str| place(name).to_string_lossy().into_owned();
    let (data, archive, damaged, new) = (text("data"), text("archive"), text("damaged"), text("new"));
    for (arguments, code, named) in [
        (vec!["backup", "--data", &new, "--to", &text("x")], 1, "there is no mottak.db"),
        (vec!["backup", "--data", &data, "--to", &archive], 1, "not empty"),
        (vec!["backup", "--data", &data], 2, "--to"),
        (vec!["restore", "--from", &archive, "--data", &data], 1, "not empty"),
        (vec!["restore", "--from", &data, "--data", &new], 1, "no archive"),
        (vec!["restore", "--from", &damaged, "--data", &new], 1, "instances-00001.ndjson.lz4 is damaged"),
        (vec!["restore", "--from", &damaged, "--check"], 1, "instances-00001.ndjson.lz4 is damaged"),
        (vec!["restore", "--data", &new], 2, "--from"),
    ] {
        let output = run(mottak().args(&arguments));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output.stderr));
        assert!(said(&output.stderr).contains(named), "{arguments:?}: {}", said(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for left in ["x", "x.partial", "new", "new.partial"] {
        assert!(!place(left).exists(), "{left}");
    }
    let sound = run(mottak().args(["restore", "--from", &archive, "--check"]));
    assert!(said(&sound.stdout).contains("is sound: 1 instances"), "{}", said(&sound.stdout));
    store.close().await;
}

fn noise(size: u32) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
