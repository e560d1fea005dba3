//! A large body takes a constant amount of memory on its way in and out.
//!
//! This executable starts itself as the process whose memory is looked at.

use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use mottak_service::ports::{Blob, Body, Store, SystemClock};
use mottak_store::{ObjectLocation, Options, SqliteStore};

use super::commit;
use super::places::Place;
use crate::samples::Dice;

const URL: &str = "MOTTAK_STORE_MEMORY_URL";
/// How large the body is, when it is to have another size.
const MEBIBYTES: &str = "MOTTAK_STORE_MEMORY_MEBIBYTES";
/// One part that is gathered, two on their way, and what connections hold.
const LIMIT_KIB: u64 = 44 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_goes_in_and_out_in_constant_memory() {
    for place in Place::all().await {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "objects::memory_use::child_moves_a_large_body", "--nocapture"]);
        child.env(URL, &place.url).envs(place.settings.iter().cloned());
        let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {said}{}", place.name, String::from_utf8_lossy(&output.stderr));
        let grown = said.split("grown by ").nth(1).and_then(|rest| rest.split(' ').next());
        let grown: u64 = grown.expect("the child tells").parse().unwrap();
        println!("{}: {} MiB in and out, memory grown by {grown} KiB", place.name, mebibytes());
        assert!(grown < LIMIT_KIB, "{}: {grown} KiB", place.name);
    }
}

/// Not a test of its own: without a place it has nothing to do.
#[tokio::test]
async fn child_moves_a_large_body() {
    let Some(url) = std::env::var_os(URL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let objects = Some(ObjectLocation::parse(url.to_str().unwrap(), std::env::vars()).unwrap());
    let options = Options { objects, ..Options::default() };
    let store = SqliteStore::open(folder.path(), Arc::new(SystemClock), options).unwrap();
    let piece = Bytes::from(vec![0x5a; 64 * 1024]);
    let before = peak_kib();
    let mut writer = store.blobs().stage().await.unwrap();
    let size = mebibytes() * 1024 * 1024;
    for _ in 0..size / piece.len() {
        // A copy each, as if it came from a socket.
        writer.write(Bytes::copy_from_slice(&piece)).await.unwrap();
    }
    let staged = writer.finish().await.unwrap();
    assert_eq!(staged.size, size as u64);
    let (id, _) = commit(&store, &mut Dice::new(1), Body::Staged(staged)).await.unwrap();
    let body = store.read_body(id, id.guid, None).await.unwrap().unwrap();
    let Blob::Stream(mut stream) = body.blob else { panic!("a large body is a stream") };
    let mut received = 0;
    while let Some(piece) = stream.next().await.unwrap() {
        received += piece.len();
    }
    assert_eq!(received, size);
    println!("grown by {} KiB", peak_kib() - before);
}

fn mebibytes() -> usize {
    std::env::var_os(MEBIBYTES).map_or(64, |size| size.to_str().unwrap().parse().unwrap())
}

/// The most memory that this process has had resident.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
