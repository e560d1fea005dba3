//! Multipart bodies, read as they arrive (RFC 2046 §5.1).
//!
//! Holds at most one piece of the body and the headers of one part, whatever the client sends: a part's bytes go on
//! as they come, headers and padding are bounded, and what stands before the first or after the last boundary is
//! passed over.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use memchr::memmem::Finder;
use mottak_service::content::{Incoming, IncomingFailure, Piece};

/// The most bytes of one part's headers.
const HEADER_LIMIT: usize = 16 * 1024;

/// The most characters of a boundary (RFC 2046 §5.1.1).
const BOUNDARY_LIMIT: usize = 70;

/// A body in parts.
pub(crate) struct Multipart {
    incoming: Incoming,
    buffer: BytesMut,
    delimiter: Finder<'static>,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In what comes before the first boundary, or in a part whose bytes have not all been taken.
    Within,
    /// Right behind a boundary.
    AtBoundary,
    /// Behind the last boundary.
    End,
}

/// What a part says about itself: its headers as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartHeaders {
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// The boundary that a content type names; none when there is none that can be used.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            let value = value.trim();
            return (1..=BOUNDARY_LIMIT).contains(&value.len()).then(|| value.to_owned());
        }
        rest = next.trim_start().strip_prefix(';')?;
    }
}

impl Multipart {
    /// The parts of a body between these boundaries.
    pub(crate) fn new(incoming: Incoming, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        // A boundary stands at the start of a line. The first line of the body has no other before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { incoming, buffer, delimiter: Finder::new(delimiter.as_bytes()).into_owned(), place: Place::Within }
    }

    /// The headers of the next part; none behind the last one. What is left of the part before is passed over.
    pub(crate) async fn next_part(&mut self) -> Result<Option<PartHeaders>, IncomingFailure> {
        while self.piece().await?.is_some() {}
        if self.place == Place::End {
            return Ok(None);
        }
        let headers = self.headers().await?;
        self.place = Place::Within;
        Ok(Some(headers))
    }

    /// What is left of the part, piece by piece.
    pub(crate) fn content(&mut self) -> impl Stream<Item = Piece> + Send + Unpin + '_ {
        Box::pin(stream::unfold(self, async |parts| {
            let piece = parts.piece().await.transpose()?;
            Some((piece, parts))
        }))
    }

    /// More of the part; none at its end.
    async fn piece(&mut self) -> Result<Option<Bytes>, IncomingFailure> {
        while self.place == Place::Within {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                if at > 0 {
                    return Ok(Some(self.buffer.split_to(at).freeze()));
                }
                let _delimiter = self.buffer.split_to(self.delimiter.needle().len());
                self.pass_boundary().await?;
                return Ok(None);
            }
            // The end of the buffer may be the beginning of a boundary.
            let safe = self.buffer.len().saturating_sub(self.delimiter.needle().len() - 1);
            if safe > 0 {
                return Ok(Some(self.buffer.split_to(safe).freeze()));
            }
            self.fill().await?;
        }
        Ok(None)
    }

    /// Reads what follows a boundary on its line: two hyphens for the last one, else nothing but blanks.
    async fn pass_boundary(&mut self) -> Result<(), IncomingFailure> {
        while self.buffer.len() < 2 {
            self.fill().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.place = Place::End;
            return Ok(());
        }
        let line = self.take_until(b"\r\n").await?;
        if line.iter().any(|byte| !matches!(byte, b' ' | b'\t')) {
            return Err(IncomingFailure::Broken("a boundary is followed by text on its line".to_owned()));
        }
        self.place = Place::AtBoundary;
        Ok(())
    }

    async fn headers(&mut self) -> Result<PartHeaders, IncomingFailure> {
        let mut headers = PartHeaders::default();
        let mut total = 0;
        loop {
            let line = self.take_until(b"\r\n").await?;
            if line.is_empty() {
                return Ok(headers);
            }
            total += line.len();
            if total > HEADER_LIMIT {
                return Err(too_long());
            }
            let line = String::from_utf8_lossy(&line);
            let Some((name, value)) = line.split_once(':') else {
                return Err(IncomingFailure::Broken("a line among the headers of a part is no header".to_owned()));
            };
            let known = if name.trim().eq_ignore_ascii_case("content-disposition") {
                &mut headers.content_disposition
            } else if name.trim().eq_ignore_ascii_case("content-type") {
                &mut headers.content_type
            } else {
                continue;
            };
            known.get_or_insert_with(|| value.trim().to_owned());
        }
    }

    /// The bytes before the next `end`, which is passed over.
    async fn take_until(&mut self, end: &[u8]) -> Result<BytesMut, IncomingFailure> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, end) {
                let taken = self.buffer.split_to(at);
                let _end = self.buffer.split_to(end.len());
                return Ok(taken);
            }
            if self.buffer.len() > HEADER_LIMIT {
                return Err(too_long());
            }
            self.fill().await?;
        }
    }

    /// Waits for more of the body.
    async fn fill(&mut self) -> Result<(), IncomingFailure> {
        match self.incoming.next().await {
            Some(piece) => self.buffer.extend_from_slice(&piece?),
            None => return Err(IncomingFailure::Broken("it ends before its last boundary".to_owned())),
        }
        Ok(())
    }
}

fn too_long() -> IncomingFailure {
    IncomingFailure::Broken(format!("the headers of a part are longer than {HEADER_LIMIT} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content type, name of the disposition and bytes of every part of a body that arrives in pieces of this size.
    async fn read(body: &[u8], piece: usize) -> Result<Vec<(PartHeaders, Vec<u8>)>, String> {
        let pieces: Vec<_> = body.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut parts = Multipart::new(Box::pin(stream::iter(pieces)), "b");
        let mut read = Vec::new();
        while let Some(headers) = parts.next_part().await.map_err(|failure| failure.to_string())? {
            let mut bytes = Vec::new();
            let mut content = parts.content();
            while let Some(piece) = content.next().await {
                bytes.extend_from_slice(&piece.map_err(|failure| failure.to_string())?);
            }
            drop(content);
            read.push((headers, bytes));
        }
        Ok(read)
    }

    const TWO_PARTS: &[u8] = b"before\r\n--b \t\r\ncontent-TYPE: text/plain \r\n\r\none\r\n--\r\n-b\r\n--b\r\n\
        X-Other: 1\r\nContent-Disposition: form-data; name=\"k\xc3\xb8\"\r\n\r\n\r\n--b--\r\nafter";

    #[tokio::test]
    async fn parts_are_the_same_however_the_body_is_cut() {
        let whole = read(TWO_PARTS, TWO_PARTS.len()).await.unwrap();
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].0.content_type.as_deref(), Some("text/plain"));
        assert_eq!(whole[0].1, b"one\r\n--\r\n-b");
        assert_eq!(whole[1].0.content_disposition.as_deref(), Some("form-data; name=\"kø\""));
        assert_eq!(whole[1].1, b"");
        for piece in 1..TWO_PARTS.len() {
            assert_eq!(read(TWO_PARTS, piece).await.as_ref(), Ok(&whole), "pieces of {piece} bytes");
        }
    }

    #[tokio::test]
    async fn a_body_cut_short_anywhere_is_refused() {
        let end = TWO_PARTS.len() - "\r\nafter".len();
        for cut in 0..end {
            assert!(read(&TWO_PARTS[..cut], 7).await.is_err(), "cut at {cut}");
        }
        assert!(read(&TWO_PARTS[..end], 7).await.is_ok());
    }

    #[tokio::test]
    async fn headers_are_bounded() {
        let endless = [b"--b\r\nX: ".as_slice(), &vec![b'a'; HEADER_LIMIT + 1]].concat();
        assert!(read(&endless, 1000).await.is_err_and(|error| error.contains("longer than 16384")));
        let many = [b"--b\r\n".as_slice(), &b"X: 1\r\n".repeat(HEADER_LIMIT)].concat();
        assert!(read(&many, 1000).await.is_err_and(|error| error.contains("longer than 16384")));
        assert!(read(b"--b\r\nno header\r\n\r\n\r\n--b--", 9).await.is_err());
        assert!(read(b"--b-not-it\r\n\r\n\r\n--b--", 9).await.is_err());
    }

    #[tokio::test]
    async fn a_part_that_is_not_read_is_passed_over() {
        let pieces = vec![Ok(Bytes::from_static(TWO_PARTS))];
        let mut parts = Multipart::new(Box::pin(stream::iter(pieces)), "b");
        assert!(parts.next_part().await.unwrap().is_some());
        assert!(parts.next_part().await.unwrap().is_some_and(|headers| headers.content_type.is_none()));
        assert_eq!(parts.next_part().await.unwrap(), None);
        assert_eq!(parts.next_part().await.unwrap(), None);
    }

    #[test]
    fn boundaries_are_found_among_parameters() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/mixed;charset=utf-8 ; Boundary=\"a b;c\"; x=y", Some("a b;c")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"open", None),
            ("multipart/form-data; charset=utf-8", None),
        ] {
            assert_eq!(boundary(content_type).as_deref(), expected, "{content_type}");
        }
        assert_eq!(boundary(&format!("multipart/mixed; boundary={}", "a".repeat(71))), None);
    }
}
