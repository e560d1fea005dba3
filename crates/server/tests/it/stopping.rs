//! A stop is asked for: what is under way is finished, nothing new is taken, and all is kept.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::running::{Running, eventually, example};

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish_and_takes_no_new_ones() {
    let mut server = Running::dev(&[example()]);
    let token = server.text("/Home/GetTestUserToken/1337").await;
    let address = server.address.strip_prefix("http://").expect("an address").to_owned();
    let body = "{\"instanceOwner\": {\"partyId\": \"500700\"}}";
    let mut slow = TcpStream::connect(&address).expect("it listens");
    slow.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let head = format!(
        "POST /ttd/kulturstotte/instances/create HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let (early, late) = body.split_at(10);
    slow.write_all(head.as_bytes()).and_then(|()| slow.write_all(early.as_bytes())).expect("it reads");
    // The head has been taken once a later request is answered.
    assert_eq!(server.status("/health").await, 200);
    tokio::time::sleep(Duration::from_millis(100)).await;

    server.terminate();
    eventually("no new connections", async || TcpStream::connect(&address).is_err()).await;
    assert!(server.child.try_wait().expect("a child").is_none(), "it waits for the request under way");
    slow.write_all(late.as_bytes()).expect("it reads on");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let mut status = None;
    eventually("it ends", async || {
        status = server.child.try_wait().expect("a child");
        status.is_some()
    })
    .await;
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
