//! Files are scanned once they are stored, where there is a scanner (platform-storage §1.16, §3.3).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mottak_model::{DataElement, FileScanResult, Guid};
use mottak_service::jobs::TestScanner;
use mottak_service::ports::{
    Blob, Body, Change, Clock, ElementChange, ElementPut, FileScanner, FixedClock, Job, PortFuture, ScanFailure,
    Verdict,
};
use mottak_testkit::{Backing, Seed, TestServer};
use serde_json::json;
use tokio::sync::Notify;

use crate::{API, BACKINGS, own};

/// What every scanner takes for malware, put together here so that none finds it in this file.
fn test_file() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EI", "CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

fn server(backing: Backing, scanner: Option<TestScanner>) -> TestServer {
    let clock = Arc::new(FixedClock::at(own::time("2025-06-01T10:00:00Z")));
    let builder = TestServer::builder().backing(backing).clock(clock as Arc<dyn Clock>);
    match scanner {
        Some(scanner) => builder.scanner(scanner).build(),
        None => builder.build(),
    }
}

/// An element that waits for its scan.
fn pending(number: u128) -> DataElement {
    DataElement { file_scan_result: FileScanResult::Pending, ..own::attachment(1, number, 5) }
}

/// Asks for the scan of an element of the first instance, in a change of its own.
async fn ask(server: &TestServer, element: Guid) {
    let id = own::instance(1).id;
    let version = server.service.load(id).await.expect("the store answers").expect("it is there").version;
    let mut change = Change::expecting(id, version);
    let body = json!({
        "dataElementId": element, "instanceId": id.to_string(), "filename": null,
        "timestamp": "2025-06-01T10:00:00Z", "blobStoragePath": null, "org": "ttd", "storageAccountNumber": null,
    });
    change.jobs.push(Job { kind: "file-scan".to_owned(), body: body.to_string(), due: server.now() });
    server.service.store.commit(change).await.expect("it is committed");
}

async fn result(server: &TestServer, element: Guid) -> String {
    let id = own::instance(1).id;
    let instance = server.ttd().get(format!("{API}/instances/{id}")).send().await.expect(200).json();
    let elements = instance["data"].as_array().expect("elements").clone();
    let found = elements.iter().find(|found| found["id"] == element.to_string()).expect("it is there");
    assert_eq!(found["lastChanged"], "2025-05-20T08:31:05Z", "a scan is no change");
    found["fileScanResult"].as_str().expect("a result").to_owned()
}

#[tokio::test]
async fn scanner_tells_infected_files_from_clean_ones() {
    for backing in BACKINGS {
        let server = server(backing, Some(TestScanner));
        let padding = "x".repeat(3_000_001);
        let contents = [
            (1, "fint vær".to_owned(), "Clean"),
            (2, test_file(), "Infected"),
            (3, format!("{padding}{}{padding}", test_file()), "Infected"),
            (4, padding, "Clean"),
        ];
        let mut seed = Seed::of(own::instance(1));
        for (number, content, _) in &contents {
            seed = seed.with(pending(*number), content.clone());
        }
        let before = server.seed(seed).await;
        for (number, _, expected) in contents {
            let element = pending(number).id;
            ask(&server, element).await;
            assert_eq!(server.run_jobs().await, 1);
            assert_eq!(result(&server, element).await, expected);
        }
        let after = server.service.load(before.id).await.expect("the store answers").expect("it is there").instance;
        assert_eq!((after.last_changed, after.last_changed_by), (before.last_changed, before.last_changed_by));
        assert_eq!(server.service.store.events(before.id).await.expect("the store answers").len(), 0);
    }
}

/// A scanner that says when it was asked.
#[derive(Debug)]
struct Telling(Arc<Notify>);

impl FileScanner for Telling {
    fn scan(&self, _: Blob) -> PortFuture<'_, Result<Verdict, ScanFailure>> {
        self.0.notify_one();
        Box::pin(async { Ok(Verdict::Clean) })
    }
}

#[tokio::test]
async fn jobs_are_done_while_the_server_runs() {
    for backing in BACKINGS {
        let asked = Arc::new(Notify::new());
        let clock = Arc::new(FixedClock::at(own::time("2025-06-01T10:00:00Z")));
        let builder = TestServer::builder().backing(backing).clock(clock as Arc<dyn Clock>);
        let server = builder.scanner(Telling(Arc::clone(&asked))).build();
        server.seed(Seed::of(own::instance(1)).with(pending(1), "x")).await;
        let running = tokio::spawn(mottak_service::jobs::run(Arc::clone(&server.service)));
        ask(&server, pending(1).id).await;
        tokio::time::timeout(Duration::from_mins(1), asked.notified()).await.expect("the scanner is asked");
        running.abort();
    }
}

/// A scanner that is out of order until it is mended.
#[derive(Clone, Debug, Default)]
struct OutOfOrder(Arc<AtomicBool>);

impl FileScanner for OutOfOrder {
    fn scan(&self, _: Blob) -> PortFuture<'_, Result<Verdict, ScanFailure>> {
        let is_mended = self.0.load(Ordering::SeqCst);
        Box::pin(async move {
            if is_mended { Ok(Verdict::Clean) } else { Err(ScanFailure("it is out of order".to_owned())) }
        })
    }
}

#[tokio::test]
async fn a_scan_that_fails_is_tried_again_later() {
    for backing in BACKINGS {
        let scanner = OutOfOrder::default();
        let clock = Arc::new(FixedClock::at(own::time("2025-06-01T10:00:00Z")));
        let builder = TestServer::builder().backing(backing).clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let server = builder.scanner(scanner.clone()).build();
        server.seed(Seed::of(own::instance(1)).with(pending(1), "x")).await;
        ask(&server, pending(1).id).await;
        assert_eq!(server.run_jobs().await, 1);
        assert_eq!(result(&server, pending(1).id).await, "Pending");
        // Not at once.
        scanner.0.store(true, Ordering::SeqCst);
        assert_eq!(server.run_jobs().await, 0);
        clock.set(own::time("2025-06-01T10:00:10Z"));
        assert_eq!(server.run_jobs().await, 1);
        assert_eq!(result(&server, pending(1).id).await, "Clean");
    }
}

#[tokio::test]
async fn without_a_scanner_files_stay_unscanned() {
    let server = server(Backing::default(), None);
    server.seed(Seed::of(own::instance(1)).with(pending(1), test_file())).await;
    ask(&server, pending(1).id).await;
    assert_eq!(server.run_jobs().await, 1);
    assert_eq!(result(&server, pending(1).id).await, "Pending");
    assert_eq!(server.run_jobs().await, 0);
}

#[tokio::test]
async fn what_waits_for_no_scan_any_more_is_left_alone() {
    let server = server(Backing::default(), Some(TestScanner));
    let done = DataElement { file_scan_result: FileScanResult::Clean, ..pending(1) };
    server.seed(Seed::of(own::instance(1)).with(done.clone(), test_file())).await;
    for element in [done.id, own::guid(4711)] {
        ask(&server, element).await;
        assert_eq!(server.run_jobs().await, 1);
    }
    assert_eq!(result(&server, done.id).await, "Clean");
    // Replaced and asked for once more: the later content counts.
    let id = own::instance(1).id;
    let version = server.service.load(id).await.expect("the store answers").expect("it is there").version;
    let mut change = Change::expecting(id, version);
    let body = Body::Bytes(test_file().into());
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element: pending(1), touch: false, body })));
    server.service.store.commit(change).await.expect("it is committed");
    ask(&server, done.id).await;
    server.run_jobs().await;
    assert_eq!(result(&server, done.id).await, "Infected");
}
