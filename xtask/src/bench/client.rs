//! A lean HTTP/1.1 client: one kept connection, requests as prepared bytes, no allocation for an answer that is only
//! counted. The load shares the processor with the server it measures, so every microsecond here is one lost there.

use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BUFFER_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 64;

/// One connection, used for one request after the other.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What is read and not yet consumed is `buffer[start..end]`.
    start: usize,
    end: usize,
}

/// A whole answer, for the few requests whose body matters.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
struct Head {
    status: u16,
    framing: Framing,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(u64),
    Chunked,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context("switching off the delay of small packets")?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 })
    }

    /// Sends a part of a request as it is.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).await.context("sending a request")
    }

    /// Reads one answer, throws its body away and returns the body's length; any status but `expected` is an error
    /// that quotes the body.
    pub(super) async fn discard_answer(&mut self, expected: &[u16]) -> anyhow::Result<u64> {
        let head = self.read_head().await?;
        if expected.contains(&head.status) {
            let mut length = 0;
            self.read_body(head.framing, |bytes| length += bytes.len() as u64).await?;
            return Ok(length);
        }
        let body = self.collect_body(head.framing).await?;
        bail!("answered {}: {}", head.status, quote(&body));
    }

    /// Reads one answer with its body.
    pub(super) async fn read_answer(&mut self) -> anyhow::Result<Answer> {
        let head = self.read_head().await?;
        Ok(Answer { status: head.status, body: self.collect_body(head.framing).await? })
    }

    async fn collect_body(&mut self, framing: Framing) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.read_body(framing, |bytes| body.extend_from_slice(bytes)).await?;
        Ok(body)
    }

    async fn read_head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some((length, head)) = parse_head(&self.buffer[self.start..self.end])? {
                self.start += length;
                return Ok(head);
            }
            self.read_more().await?;
        }
    }

    async fn read_body(&mut self, framing: Framing, mut each: impl FnMut(&[u8])) -> anyhow::Result<()> {
        match framing {
            Framing::Length(length) => self.take(length, &mut each).await,
            Framing::Chunked => loop {
                let size = self.read_chunk_size().await?;
                if size == 0 {
                    // Trailers, then an empty line.
                    while self.read_line().await? > 0 {}
                    return Ok(());
                }
                self.take(size, &mut each).await?;
                self.read_line().await?;
            },
        }
    }

    async fn take(&mut self, mut length: u64, each: &mut impl FnMut(&[u8])) -> anyhow::Result<()> {
        while length > 0 {
            if self.start == self.end {
                self.read_more().await?;
            }
            let part = (self.end - self.start).min(usize::try_from(length).unwrap_or(usize::MAX));
            each(&self.buffer[self.start..self.start + part]);
            self.start += part;
            length -= part as u64;
        }
        Ok(())
    }

    async fn read_chunk_size(&mut self) -> anyhow::Result<u64> {
        loop {
            match httparse::parse_chunk_size(&self.buffer[self.start..self.end]) {
                Ok(httparse::Status::Complete((length, size))) => {
                    self.start += length;
                    return Ok(size);
                }
                Ok(httparse::Status::Partial) => self.read_more().await?,
                Err(_) => bail!("the size of a chunk is malformed"),
            }
        }
    }

    /// Consumes up to and with the next line end; returns how many bytes stood before it.
    async fn read_line(&mut self) -> anyhow::Result<usize> {
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(length) = unread.windows(2).position(|pair| pair == b"\r\n") {
                self.start += length + 2;
                return Ok(length);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            bail!("a head or line is longer than {BUFFER_BYTES} bytes");
        }
        let read = self.stream.read(&mut self.buffer[self.end..]).await.context("reading an answer")?;
        if read == 0 {
            bail!("the connection was closed in the middle of an answer");
        }
        self.end += read;
        Ok(())
    }
}

/// The head at the start of `bytes` and its length, or `None` when more bytes are needed.
fn parse_head(bytes: &[u8]) -> anyhow::Result<Option<(usize, Head)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).context("the head of an answer is malformed")? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.context("an answer without a status")?;
    let mut framing = Framing::Length(0);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).context("a content length that is not text")?;
            framing = Framing::Length(text.trim().parse().context("a content length that is not a number")?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
            break;
        }
    }
    Ok(Some((length, Head { status, framing })))
}

/// The start of a body, for an error message.
pub(super) fn quote(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(400)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that reads one request per answer and sends the answers byte group by byte group.
    async fn serve(answers: Vec<Vec<&'static [u8]>>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for answer in answers {
                let mut request = [0; 4];
                stream.read_exact(&mut request).await.expect("a request");
                for part in answer {
                    stream.write_all(part).await.expect("a reader");
                    stream.flush().await.expect("a reader");
                    tokio::task::yield_now().await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_on_one_connection_are_told_apart() {
        let address = serve(vec![
            vec![b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo"],
            vec![b"HTTP/1.1 204 No Content\r\n\r\n"],
            vec![
                b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r",
                b"\nabc\r\n2\r\nd",
                b"e\r\n0\r\n\r\n",
            ],
        ])
        .await;
        let mut client = Client::connect(address).await.expect("a server");
        for (status, body) in [(200, "hello"), (204, ""), (201, "abcde")] {
            client.send(b"GET ").await.expect("a connection");
            let answer = client.read_answer().await.expect("an answer");
            assert_eq!((answer.status, answer.body.as_slice()), (status, body.as_bytes()));
        }
    }

    #[tokio::test]
    async fn an_unexpected_status_is_an_error_with_the_body() {
        let address = serve(vec![vec![b"HTTP/1.1 409 Conflict\r\nContent-Length: 6\r\n\r\nlocked"]]).await;
        let mut client = Client::connect(address).await.expect("a server");
        client.send(b"PUT ").await.expect("a connection");
        let error = client.discard_answer(&[200, 201]).await.expect_err("a refusal");
        assert_eq!(error.to_string(), "answered 409: locked");
    }

    #[tokio::test]
    async fn a_cut_connection_is_an_error() {
        let address = serve(vec![vec![b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlo"]]).await;
        let mut client = Client::connect(address).await.expect("a server");
        client.send(b"GET ").await.expect("a connection");
        assert!(client.discard_answer(&[200]).await.is_err());
    }
}
