//! A way to the server that can break at the moment of a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The words of a commit as a client sends them, and as the server answers.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";
const COMMITTED: &[u8] = b"COMMIT\0";

/// When the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The server never sees the commit.
    BeforeCommit = 1,
    /// The server has committed; nobody hears of it.
    AfterCommit = 2,
}

#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The next cut; 0 when there shall be none.
    armed: AtomicU8,
    cuts: AtomicUsize,
}

impl Proxy {
    /// Leads to the server at this address.
    pub(super) async fn start(to: (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((to.0.as_str(), to.1)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// The next commit breaks its connection.
    pub(super) fn cut_next(&self, cut: Cut) {
        self.state.armed.store(cut as u8, Ordering::SeqCst);
    }

    /// Connections that were broken so far.
    pub(super) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl State {
    fn is_armed(&self, cut: Cut) -> bool {
        self.armed.load(Ordering::SeqCst) == cut as u8
    }

    fn fire(&self, cut: Cut) -> bool {
        let fires = self.armed.compare_exchange(cut as u8, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        self.cuts.fetch_add(usize::from(fires), Ordering::SeqCst);
        fires
    }
}

/// Carries both ways until one side ends or the connection is cut. Both sides are closed then.
async fn carry(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = carry_requests(from_client, to_server, &state) => {}
        () = carry_answers(from_server, to_client, &state) => {}
    }
}

async fn carry_requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let piece = &buffer[..size];
        if state.is_armed(Cut::BeforeCommit)
            && let Some(place) = find(piece, COMMIT)
            && state.fire(Cut::BeforeCommit)
        {
            // What came before it is sent: the transaction is as good as done.
            let _ = to.write_all(&piece[..place]).await;
            return;
        }
        if to.write_all(piece).await.is_err() {
            return;
        }
    }
}

async fn carry_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let piece = &buffer[..size];
        let has_committed = state.is_armed(Cut::AfterCommit) && find(piece, COMMITTED).is_some();
        if (has_committed && state.fire(Cut::AfterCommit)) || to.write_all(piece).await.is_err() {
            return;
        }
    }
}

fn find(piece: &[u8], words: &[u8]) -> Option<usize> {
    piece.windows(words.len()).position(|window| window == words)
}
