//! Is what is read what was written?

use std::fmt;

use bytes::Bytes;
use mottak_service::ports::{BlobFailure, BlobStream, PortFuture, Sha256};
use sha2::Digest as _;

use super::blob_failure;

/// A body that ends with a failure, instead of its last piece, when it has another length than was promised or its
/// bytes are not those that were written. So nobody takes a damaged body for a whole one.
pub(super) struct Checked {
    key: String,
    inner: Box<dyn BlobStream>,
    /// Bytes that are still to come from `inner`.
    left: u64,
    /// What was seen so far, and what it should be in the end.
    expected: Option<(sha2::Sha256, Sha256)>,
    /// The piece that waits for the one after it.
    held: Option<Bytes>,
}

impl Checked {
    pub(super) fn new(key: String, inner: Box<dyn BlobStream>, sha256: Option<Sha256>) -> Self {
        let left = inner.len();
        Self { key, inner, left, expected: sha256.map(|expected| (sha2::Sha256::new(), expected)), held: None }
    }

    fn check_end(&mut self) -> Result<(), BlobFailure> {
        if self.left > 0 {
            return Err(self.failure(format!("{} bytes are missing", self.left)));
        }
        let is_damaged = self.expected.take().is_some_and(|(seen, expected)| seen.finalize()[..] != expected);
        if is_damaged {
            return Err(self.failure("it is damaged: its checksum is another than when it was written"));
        }
        Ok(())
    }

    fn failure(&self, cause: impl fmt::Display) -> BlobFailure {
        blob_failure(&format!("read object {} to its end", self.key), cause)
    }
}

impl BlobStream for Checked {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>> {
        Box::pin(async move {
            loop {
                let Some(piece) = self.inner.next().await? else {
                    self.check_end()?;
                    return Ok(self.held.take());
                };
                if let Some((seen, _)) = &mut self.expected {
                    seen.update(&piece);
                }
                let left = self.left.checked_sub(piece.len() as u64);
                self.left = left.ok_or_else(|| self.failure("it is longer than it was promised"))?;
                if let Some(before) = self.held.replace(piece) {
                    return Ok(Some(before));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out what it has, whatever length it claims.
    struct Pieces {
        claimed: u64,
        pieces: Vec<&'static [u8]>,
    }

    impl BlobStream for Pieces {
        fn len(&self) -> u64 {
            self.claimed
        }

        fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>> {
            let next = (!self.pieces.is_empty()).then(|| Bytes::from_static(self.pieces.remove(0)));
            Box::pin(async move { Ok(next) })
        }
    }

    /// What a reader has received, and whether it was told that this is all.
    async fn read(claimed: u64, pieces: &[&'static [u8]], sha256: Option<Sha256>) -> (Vec<u8>, bool) {
        let mut checked = Checked::new("key".to_owned(), Box::new(Pieces { claimed, pieces: pieces.to_vec() }), sha256);
        let mut received = Vec::new();
        loop {
            match checked.next().await {
                Ok(Some(piece)) => received.extend_from_slice(&piece),
                Ok(None) => return (received, true),
                Err(_) => return (received, false),
            }
        }
    }

    #[tokio::test]
    async fn a_whole_body_is_handed_out_to_its_last_piece() {
        let sha256 = sha2::Sha256::digest(b"abcdef").into();
        assert_eq!(read(6, &[b"abc", b"d", b"ef"], Some(sha256)).await, (b"abcdef".to_vec(), true));
        assert_eq!(read(6, &[b"abc", b"d", b"ef"], None).await, (b"abcdef".to_vec(), true));
        assert_eq!(read(0, &[], None).await, (Vec::new(), true));
    }

    #[tokio::test]
    async fn the_last_piece_of_a_damaged_body_is_kept_back() {
        let sha256 = sha2::Sha256::digest(b"abcdef").into();
        assert_eq!(read(6, &[b"abc", b"dXf"], Some(sha256)).await, (b"abc".to_vec(), false));
        assert_eq!(read(6, &[b"Xbcdef"], Some(sha256)).await, (Vec::new(), false));
    }

    #[tokio::test]
    async fn a_body_of_another_length_is_damaged() {
        assert_eq!(read(6, &[b"abc", b"de"], None).await, (b"abc".to_vec(), false));
        assert_eq!(read(6, &[], None).await, (Vec::new(), false));
        assert_eq!(read(3, &[b"abc", b"de"], None).await, (Vec::new(), false));
    }
}
