//! An object store that is out of order: what was acknowledged stays, the rest is refused clearly and soon, and nobody
//! has to help afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mottak_service::ports::{Body, CommitFailure, Store};
use mottak_store::{ObjectLocation, Patience, SqliteStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::places::{Found, Place};
use super::s3::{self, S3Server};
use super::{Kept, PART, commit, keep, open, read, read_until_failure, stage, sweep_now};
use crate::samples::{self, Dice};

/// What becomes of connections to the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Every request is answered with this status.
    Answers(u16),
    /// Connections are taken and nothing is ever said.
    Silent,
    /// A connection breaks when so many bytes have gone one way.
    Cuts(usize),
    /// The same, once; then it is fair.
    CutsOnce(usize),
}

/// Stands before the object store.
struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, _) = watch::channel(Weather::Fair);
        let seen = weather.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut changes, weather) = (seen.subscribe(), seen.clone());
                tokio::spawn(async move {
                    let now = *changes.borrow_and_update();
                    // A change of the weather breaks what goes on.
                    tokio::select! {
                        _ = changes.changed() => {}
                        _ = serve(client, server, now, &weather) => {}
                    }
                });
            }
        });
        Self { address, weather }
    }

    fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    now: Weather,
    weather: &watch::Sender<Weather>,
) -> std::io::Result<()> {
    match now {
        Weather::Fair => {
            let mut server = TcpStream::connect(server).await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        }
        Weather::Answers(status) => {
            let mut head = Vec::new();
            while !head.windows(4).any(|window| window == b"\r\n\r\n") && client.read_buf(&mut head).await? > 0 {}
            let answer = format!("HTTP/1.1 {status} Out of order\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await?;
            // The rest of a body is taken, so that the answer is not lost.
            tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
        }
        Weather::Silent => std::future::pending().await,
        Weather::Cuts(limit) | Weather::CutsOnce(limit) => {
            let mut server = TcpStream::connect(server).await?;
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            let mut up = (&mut from_client).take(limit as u64);
            let mut down = (&mut from_server).take(limit as u64);
            tokio::select! {
                _ = tokio::io::copy(&mut up, &mut to_server) => {}
                _ = tokio::io::copy(&mut down, &mut to_client) => {}
            }
            if matches!(now, Weather::CutsOnce(_)) {
                weather.send_replace(Weather::Fair);
            }
        }
    }
    Ok(())
}

/// A store that reaches its objects through the proxy and is not patient.
fn open_through(proxy: &Proxy, place: &Place) -> Arc<SqliteStore> {
    let ObjectLocation::Bucket(location) = ObjectLocation::parse(s3::URL, s3::settings(proxy.address)).unwrap() else {
        panic!("it is a bucket")
    };
    let patience = Patience { answer: Duration::from_secs(4), retries: Duration::from_secs(1) };
    place.open_with(ObjectLocation::Bucket(location.with_patience(patience)))
}

#[tokio::test]
async fn a_store_that_answers_500_is_refused_and_comes_back() {
    live_through(Weather::Answers(500)).await;
}

#[tokio::test]
async fn a_store_that_is_busy_is_refused_and_comes_back() {
    live_through(Weather::Answers(503)).await;
}

#[tokio::test]
async fn a_store_that_says_nothing_is_refused_and_comes_back() {
    live_through(Weather::Silent).await;
}

#[tokio::test]
async fn a_store_whose_connections_break_is_refused_and_comes_back() {
    live_through(Weather::Cuts(20_000)).await;
}

/// What was acknowledged before the outage stays, what comes during it is refused soon, and what comes after it is done.
async fn live_through(weather: Weather) {
    let server = S3Server::start().await;
    let (place, proxy) = (server.place(), Proxy::before(server.address).await);
    let store = open_through(&proxy, &place);
    let mut dice = Dice::new(1);
    let before = keep(&store, &mut dice, 3_000_000).await;
    place.expect_found(Found { objects: 1, ..Found::default() }).await;

    proxy.turn(weather);
    let began = Instant::now();
    for size in [100_000, 2 * PART + 5] {
        let failure = stage(&store, &vec![1; size]).await.unwrap_err().to_string();
        assert!(failure.starts_with("the object store could not "), "{weather:?}: {failure}");
        assert!(!failure.contains(s3::SECRET), "{failure}");
    }
    let large = Body::Bytes(samples::noise(&mut dice, 50_000));
    assert!(matches!(commit(&store, &mut dice, large).await, Err(CommitFailure::Failed(_))), "{weather:?}");
    match store.read_body(before.id, before.id.guid, None).await {
        Err(failure) => assert!(failure.to_string().contains("the object store could not"), "{failure}"),
        Ok(body) => {
            assert_eq!(weather, Weather::Cuts(20_000));
            assert!(read_until_failure(body.unwrap().blob).await.0 < 3_000_000);
        }
    }
    // What needs no object goes on.
    let small = Body::Bytes(Bytes::from_static(b"small"));
    let (id, _) = commit(&store, &mut dice, small).await.unwrap();
    assert_eq!(read(&store, &Kept { id, content: Bytes::new() }, None).await, Bytes::from_static(b"small"));
    println!("{weather:?}: refused and told within {:.1?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(30), "{weather:?}");

    proxy.turn(Weather::Fair);
    let after = keep(&store, &mut dice, PART + 1).await;
    for kept in [&before, &after] {
        assert_eq!(read(&store, kept, None).await, kept.content, "{weather:?}");
    }
    sweep_now(&place, &store).await;
    place.expect_found(Found { objects: 2, ..Found::default() }).await;
}

#[tokio::test]
async fn a_connection_that_breaks_once_is_not_noticed() {
    let server = S3Server::start().await;
    let (place, proxy) = (server.place(), Proxy::before(server.address).await);
    let store = open_through(&proxy, &place);
    proxy.turn(Weather::CutsOnce(50_000));
    let kept = keep(&store, &mut Dice::new(2), PART + 70_000).await;
    proxy.turn(Weather::CutsOnce(50_000));
    assert_eq!(read(&store, &kept, None).await, kept.content);
    proxy.turn(Weather::CutsOnce(50_000));
    assert_eq!(read(&store, &kept, Some(10..800_000)).await, kept.content.slice(10..800_000));
    assert_eq!(*proxy.weather.borrow(), Weather::Fair);
}

#[tokio::test]
async fn an_outage_at_the_moment_of_the_commit_loses_nothing() {
    let server = S3Server::start().await;
    let (place, proxy) = (server.place(), Proxy::before(server.address).await);
    let store = open_through(&proxy, &place);
    let content = samples::noise(&mut Dice::new(3), 100_000);
    let staged = stage(&store, &content).await.unwrap();
    proxy.turn(Weather::Answers(500));
    let (id, _) = commit(&store, &mut Dice::new(3), Body::Staged(staged)).await.unwrap();
    // The mark cannot be removed now. The sweeper sees that an element names the object.
    let outage = store.maintain(Duration::ZERO).await.unwrap_err().to_string();
    assert!(outage.contains("it answered with status 500"), "{outage}");
    proxy.turn(Weather::Fair);
    assert_eq!(sweep_now(&place, &store).await, 0);
    place.expect_found(Found { objects: 1, ..Found::default() }).await;
    let kept = Kept { id, content };
    assert_eq!(samples::collect(open(&store, &kept, None).await.blob).await, kept.content);
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_or_entered_is_told_without_credentials() {
    let server = S3Server::start().await;
    let place = server.place();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let unreachable = ObjectLocation::parse(s3::URL, s3::settings(nobody)).unwrap();
    let mut settings = s3::settings(server.address);
    settings.retain(|(name, _)| name != "AWS_SECRET_ACCESS_KEY");
    settings.push(("AWS_SECRET_ACCESS_KEY".to_owned(), "a-wrong-secret".to_owned()));
    let closed = ObjectLocation::parse(s3::URL, settings).unwrap();
    for (location, cause) in
        [(unreachable, "it cannot be reached"), (closed, "it refuses these credentials the right to do that")]
    {
        let store = place.open_with(location);
        let failure = stage(&store, &vec![1; 100_000]).await.unwrap_err().to_string();
        assert_eq!(failure, format!("the object store could not mark an upload: {cause}"));
        store.close().await;
    }
}
