//! `mottak export`: every instance of an app and its files, once and exactly, however often it is stopped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::running::{Running, example, mottak, run, said};
use crate::store::Filled;

fn export(data: &Path, app: &str, to: &Path) -> Command {
    let mut command = mottak();
    command.args(["export", "--app", app, "--data"]).arg(data).arg("--to").arg(to);
    command
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout)
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("instances.ndjson")).expect("lines");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// All files below a folder, with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// Splitmix64.
fn roll(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn noise(state: &mut u64, size: usize) -> Vec<u8> {
    (0..size).map(|_| roll(state) as u8).collect()
}

#[tokio::test]
async fn an_export_beside_a_running_server_gives_instances_and_files_as_get_gives_them() {
    let server = Running::dev(&[example()]);
    let token = server.text("/Home/GetTestOrgToken/ttd").await;
    let user = server.text("/Home/GetTestUserToken/1337").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let new = "/ttd/kulturstotte/instances?instanceOwnerPartyId=500700";
        let created = server.post(new).bearer_auth(&user).send().await.expect("an answer");
        let created: Value = created.json().await.expect("an instance");
        let (id, element) =
            (created["id"].as_str().expect("an id"), created["data"][0]["id"].as_str().expect("a form"));
        let form = json!({"soker": {}, "prosjekt": {"tittel": format!("nr. {number}")}, "okonomi": {}});
        let address = format!("{}/ttd/kulturstotte/instances/{id}/data/{element}", server.address);
        server.client.put(address).bearer_auth(&user).json(&form).send().await.expect("an answer");
        ids.push((id.to_owned(), element.to_owned()));
    }
    let to = tempfile::tempdir().expect("a temporary folder");
    let said =
        done(&run(export(&server.data(), "ttd/kulturstotte", to.path()).args(["--platform-url", &server.address])));
    assert!(said.starts_with("exported 5 instances and 5 files"), "{said}");
    let lines = lines(to.path());
    assert_eq!(lines.len(), ids.len());
    for (line, (id, element)) in lines.iter().zip(&ids) {
        let path = format!("/storage/api/v1/instances/{id}");
        let answer = server.get(&path).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(*line, answer.json::<Value>().await.expect("an instance"));
        let body = server.get(&format!("{path}/data/{element}")).bearer_auth(&token).send().await.expect("an answer");
        let guid = id.split_once('/').expect("an id").1;
        let folder = to.path().join("files").join(guid);
        let [file] = &fs::read_dir(&folder).expect("files").flatten().collect::<Vec<_>>()[..] else {
            panic!("one file")
        };
        assert!(file.file_name().to_str().expect("text").starts_with(&format!("{element}-")));
        assert_eq!(fs::read(file.path()).expect("a file"), body.bytes().await.expect("the content"));
    }
}

#[tokio::test]
async fn an_export_killed_at_any_moment_and_resumed_is_what_one_run_gives() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let data = root.path().join("data");
    let store = Filled::open(&data);
    let mut state = 5;
    for number in 0..600 {
        let size = if number % 40 == 0 { 3_000_000 } else { 100 };
        let name = format!("../vedlegg {number}.bin");
        let mut files = vec![(Some(name.as_str()), noise(&mut state, size)), (None, b"<a/>".to_vec())];
        files.truncate(number % 3);
        store.add(if number % 10 == 0 { "other" } else { "app" }, &files).await;
    }
    store.close().await;
    let (whole, pieces) = (root.path().join("whole"), root.path().join("pieces"));
    done(&run(&mut export(&data, "ttd/app", &whole)));
    assert_eq!(lines(&whole).len(), 540);

    let mut kills = 0;
    loop {
        let mut child = export(&data, "ttd/app", &pieces).stdout(Stdio::null()).spawn().expect("it starts");
        tokio::time::sleep(Duration::from_millis(5 + roll(&mut state) % 120 + 30 * kills)).await;
        if child.try_wait().expect("it runs").is_some_and(|status| status.success()) {
            break;
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        kills += 1;
        assert!(kills < 200, "it comes to an end");
    }
    println!("killed {kills} times");
    assert!(kills > 3);
    assert_eq!(files(&pieces), files(&whole));
    done(&run(&mut export(&data, "ttd/app", &pieces)));
    assert_eq!(files(&pieces), files(&whole), "nothing has changed since");
}

#[tokio::test]
async fn a_later_export_adds_what_has_changed_and_keeps_the_files_of_the_latest() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (data, to) = (root.path().join("data"), root.path().join("to"));
    let store = Filled::open(&data);
    let first = store.add("app", &[(Some("a.txt"), b"one".to_vec()), (Some("b.txt"), b"two".to_vec())]).await;
    let second = store.add("app", &[(Some("c.txt"), b"three".to_vec())]).await;
    done(&run(&mut export(&data, "ttd/app", &to)));
    let before = fs::read(to.join("instances.ndjson")).expect("lines");

    store.change(first, "../../new.txt", b"four").await;
    let third = store.add("app", &[]).await;
    store.remove(second).await;
    let said = done(&run(&mut export(&data, "ttd/app", &to)));
    assert!(said.starts_with("exported 2 instances and 1 files"), "{said}");
    assert!(fs::read(to.join("instances.ndjson")).expect("lines").starts_with(&before));
    let ids: Vec<_> = lines(&to).iter().map(|line| line["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids, [first, second, first, third].map(|id| id.to_string()));
    let contents: Vec<(String, Vec<u8>)> = files(&to.join("files"))
        .into_iter()
        .filter(|(path, _)| path.starts_with(first.guid.to_string()))
        .map(|(path, content)| (path.file_name().expect("a name").to_string_lossy()[37..].to_owned(), content))
        .collect();
    assert_eq!(contents, [("new.txt".to_owned(), b"four".to_vec())]);
    store.close().await;
}

#[tokio::test]
async fn instances_deleted_for_good_can_be_left_out() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let data = root.path().join("data");
    let store = Filled::open(&data);
    let kept = store.add("app", &[]).await;
    let deleted = store.add("app", &[]).await;
    store.delete_for_good(deleted, "app").await;
    let (all, some) = (root.path().join("all"), root.path().join("some"));
    done(&run(&mut export(&data, "ttd/app", &all)));
    assert_eq!(lines(&all).len(), 2);
    done(&run(export(&data, "ttd/app", &some).arg("--without-deleted")));
    assert_eq!(lines(&some).iter().map(|line| &line["id"]).collect::<Vec<_>>(), [&json!(kept.to_string())]);
    let mixed = run(&mut export(&data, "ttd/app", &some));
    assert_eq!(mixed.status.code(), Some(1));
    assert!(said(&mixed.stderr).contains("left out"), "{}", said(&mixed.stderr));
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_exported_is_said() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (data, to) = (root.path().join("data"), root.path().join("to"));
    let store = Filled::open(&data);
    store.add("app", &[]).await;
    store.add("other", &[]).await;
    let refused = |output: Output, named: &str| {
        assert_eq!(output.status.code(), Some(1), "{named}");
        assert!(said(&output.stderr).contains(named), "{named} is not in: {}", said(&output.stderr));
    };
    refused(run(&mut export(&data, "ttd/none", &to)), "it has those of: ttd/app, ttd/other");
    assert!(!to.exists());
    refused(run(&mut export(&root.path().join("nowhere"), "ttd/app", &to)), "there is no mottak.db");
    assert_eq!(run(&mut export(&data, "no app", &to)).status.code(), Some(2));

    let theirs = root.path().join("theirs");
    fs::create_dir(&theirs).expect("a folder");
    fs::write(theirs.join("thesis.txt"), "x").expect("a file");
    refused(run(&mut export(&data, "ttd/app", &theirs)), "not empty");
    assert_eq!(files(&theirs).len(), 1);

    done(&run(&mut export(&data, "ttd/app", &to)));
    refused(run(&mut export(&data, "ttd/other", &to)), "holds an export of ttd/app");
    fs::write(to.join("instances.ndjson"), "{}").expect("a file");
    refused(run(&mut export(&data, "ttd/app", &to)), "somebody has changed it");
    store.close().await;
}

#[tokio::test]
async fn a_file_that_the_store_has_lost_is_named_and_the_rest_is_exported() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (data, to) = (root.path().join("data"), root.path().join("to"));
    let store = Filled::open(&data);
    let mut state = 1;
    for damage in [None, Some("gone"), Some("damaged"), None] {
        let before = files(&data.join("objects"));
        store.add("app", &[(Some("large.bin"), noise(&mut state, 100_000)), (Some("small.txt"), b"x".to_vec())]).await;
        let object =
            files(&data.join("objects")).into_keys().find(|path| !before.contains_key(path)).expect("an object");
        let object = data.join("objects").join(object);
        match damage {
            Some("gone") => fs::remove_file(object).expect("it is there"),
            Some(_) => fs::write(object, noise(&mut state, 100_000)).expect("it is there"),
            None => {}
        }
    }
    let output = run(&mut export(&data, "ttd/app", &to));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stdout).starts_with("exported 4 instances and 6 files"), "{}", said(&output.stdout));
    let errors = said(&output.stderr);
    assert!(errors.contains("is gone") && errors.contains("is damaged"), "{errors}");
    assert!(errors.contains("the content of 2 data elements is missing or damaged"), "{errors}");
    assert_eq!(files(&to.join("files")).len(), 6);
    store.close().await;
}
