//! Saved files are served without a restart, and no request notices.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::running::{Running, copy_of_example, eventually};

const METADATA: &str = "/ttd/kulturstotte/api/v1/applicationmetadata";
const NEW: &str = "/ttd/kulturstotte/instances?instanceOwnerPartyId=500700";

#[tokio::test]
async fn a_saved_file_is_served_and_no_request_is_dropped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = copy_of_example(folder.path());
    let file = app.join("App/config/applicationmetadata.json");
    let original = fs::read_to_string(&file).expect("metadata");
    let server = Arc::new(Running::dev(&[app]));
    let token = server.text("/Home/GetTestUserToken/1337").await;

    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let asking = tokio::spawn({
        let (server, stop, answered) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&answered));
        async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(server.status(METADATA).await, 200);
                let created = server.post(NEW).bearer_auth(&token).send().await.expect("an answer");
                assert_eq!(created.status(), 201);
                answered.fetch_add(2, Ordering::Relaxed);
            }
        }
    });

    let title = async || server.json(METADATA).await["title"]["nb"].as_str().unwrap_or_default().to_owned();
    for round in ["first", "second", "third"] {
        fs::write(&file, original.replace("Søknad om kulturstøtte", round)).expect("a writable file");
        eventually(round, async || title().await == round).await;
    }
    // What cannot be served is told of, and the version before stays.
    fs::write(&file, "{ \"id\": ").expect("a writable file");
    eventually("the problem is told", async || server.log().contains("not reloaded")).await;
    assert_eq!(title().await, "third");
    fs::write(&file, &original).expect("a writable file");
    eventually("the original is back", async || title().await == "Søknad om kulturstøtte").await;

    stop.store(true, Ordering::Relaxed);
    asking.await.expect("no request failed");
    println!("{} requests", answered.load(Ordering::Relaxed));
    assert!(answered.load(Ordering::Relaxed) > 10);
}
