//! A closed loop: each client sends its next request when the answer to the last one is read.

use super::client::Client;
use super::histogram::Histogram;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The requests of one load, as the bytes that go out.
#[derive(Debug)]
pub(super) struct Requests {
    bytes: Vec<Vec<u8>>,
    reuse: Reuse,
    next: AtomicUsize,
}

/// Whether a request can be sent again after its first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Cycle,
    Once,
}

impl Requests {
    pub(super) fn new(bytes: Vec<Vec<u8>>, reuse: Reuse) -> Self {
        Self { bytes, reuse, next: AtomicUsize::new(0) }
    }

    fn next(&self) -> Option<&[u8]> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        match self.reuse {
            Reuse::Cycle => self.bytes.get(index % self.bytes.len().max(1)),
            Reuse::Once => self.bytes.get(index),
        }
        .map(Vec::as_slice)
    }
}

/// What a load gave.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) elapsed: Duration,
    pub(super) latencies: Histogram,
}

impl Measured {
    /// Requests answered per second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.total() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends requests from `clients` connections for `duration`, or until they are used up.
///
/// Fails when any answer has a status that is not `expected`, or comes more than a minute after the end.
pub(super) async fn run(
    address: SocketAddr,
    clients: usize,
    duration: Duration,
    requests: &Arc<Requests>,
    expected: &'static [u16],
) -> anyhow::Result<Measured> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Client::connect(address).await?);
    }
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for connection in connections {
        running.spawn(drive(connection, requests.clone(), begin + duration, expected));
    }
    let latencies =
        tokio::time::timeout(duration + PATIENCE, collect(running)).await.context("answers are missing")??;
    Ok(Measured { elapsed: begin.elapsed(), latencies })
}

async fn collect(mut running: JoinSet<anyhow::Result<Histogram>>) -> anyhow::Result<Histogram> {
    let mut latencies = Histogram::new();
    while let Some(finished) = running.join_next().await {
        latencies.add(&finished.context("a client of the load panicked")??);
    }
    Ok(latencies)
}

async fn drive(
    mut client: Client,
    requests: Arc<Requests>,
    end: Instant,
    expected: &[u16],
) -> anyhow::Result<Histogram> {
    let mut latencies = Histogram::new();
    let mut sent = Instant::now();
    while sent < end
        && let Some(request) = requests.next()
    {
        client.send(request).await?;
        client.discard_answer(expected).await?;
        let answered = Instant::now();
        latencies.record(answered - sent);
        sent = answered;
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers every four bytes with an empty 200.
    async fn serve() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4];
                    while stream.read_exact(&mut request).await.is_ok() {
                        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn requests_that_cannot_be_repeated_are_sent_once() {
        let requests = Arc::new(Requests::new(vec![b"GET ".to_vec(); 10], Reuse::Once));
        let measured = run(serve().await, 3, Duration::from_mins(1), &requests, &[200]).await.expect("answers");
        assert_eq!(measured.latencies.total(), 10);
    }

    #[tokio::test]
    async fn repeatable_requests_go_on_until_the_time_is_up() {
        let requests = Arc::new(Requests::new(vec![b"GET ".to_vec()], Reuse::Cycle));
        let measured = run(serve().await, 2, Duration::from_millis(50), &requests, &[200]).await.expect("answers");
        assert!(measured.latencies.total() > 1);
        assert!(measured.rate() > 0.0);
    }

    #[tokio::test]
    async fn an_unexpected_status_ends_the_load() {
        let requests = Arc::new(Requests::new(vec![b"GET ".to_vec()], Reuse::Cycle));
        assert!(run(serve().await, 2, Duration::from_mins(1), &requests, &[201]).await.is_err());
    }
}
