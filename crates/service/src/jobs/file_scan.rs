//! The scan of an uploaded file: what the scanner finds becomes the element's `fileScanResult` and nothing else
//! (platform-storage §2.4.8, §3.3).

use bytes::Bytes;
use mottak_model::{DataElement, FileScanResult};

use super::Outcome;
use crate::data::ElementId;
use crate::ports::{
    Blob, Body, Change, CommitFailure, ElementChange, ElementPut, FileScanner, PortFuture, ScanFailure, Verdict,
};
use crate::storage::data::scan::FileScanRequest;
use crate::{Problem, Refusal, Service};

/// The element that a job is about.
pub(super) fn subject(body: &str) -> Option<ElementId> {
    let request: FileScanRequest = serde_json::from_str(body).ok()?;
    Some(ElementId { instance: request.instance_id, element: request.data_element_id })
}

/// Scans the content of an element, if it still waits for that.
pub(super) async fn handle(svc: &Service, id: ElementId) -> Result<Outcome, Refusal> {
    let Some(scanner) = &svc.scanner else {
        tracing::info!(element = %id.element, "no file scanner is configured: the file stays unscanned");
        return Ok(Outcome::Done);
    };
    let Some(snapshot) = svc.load(id.instance).await? else { return Ok(Outcome::Done) };
    let element = match snapshot.instance.element(id.element) {
        Some(element) if element.file_scan_result == FileScanResult::Pending => element.clone(),
        _ => return Ok(Outcome::Done),
    };
    let Some(body) = svc.store.read_body(id.instance, id.element, None).await? else { return Ok(Outcome::Done) };
    let verdict = scanner.scan(body.blob).await.map_err(|failure| Refusal::failed("scan a file", failure))?;
    let file_scan_result = match verdict {
        Verdict::Clean => FileScanResult::Clean,
        Verdict::Infected => FileScanResult::Infected,
    };
    // Only of the version that was scanned: whoever replaced the content meanwhile left a job of their own.
    let mut change = Change::expecting(id.instance, snapshot.version);
    let element = DataElement { file_scan_result, ..element };
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch: false, body: Body::Keep })));
    match svc.store.commit(change).await {
        Ok(_) => Ok(Outcome::Done),
        Err(CommitFailure::Conflict) => Err(Refusal::Conflict(Problem::bare())),
        Err(CommitFailure::Failed(failure)) => Err(failure.into()),
    }
}

/// A scanner for development: it knows the one test file that every scanner knows, and finds everything else clean.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestScanner;

/// The EICAR test file, in two halves so that scanners leave this one alone.
const EICAR: [&[u8]; 2] = [br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EI", br"CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

impl FileScanner for TestScanner {
    fn scan(&self, content: Blob) -> PortFuture<'_, Result<Verdict, ScanFailure>> {
        Box::pin(async move {
            let mut search = Search::default();
            match content {
                Blob::Bytes(bytes) => search.take(&bytes),
                Blob::Stream(mut stream) => {
                    while let Some(piece) = stream.next().await.map_err(|failure| ScanFailure(failure.to_string()))? {
                        search.take(&piece);
                    }
                }
            }
            Ok(if search.is_found { Verdict::Infected } else { Verdict::Clean })
        })
    }
}

/// The search for the test string in pieces of any size; keeps no more than what may be its beginning.
#[derive(Debug, Default)]
struct Search {
    is_found: bool,
    tail: Vec<u8>,
}

impl Search {
    fn take(&mut self, piece: &Bytes) {
        let wanted = EICAR.concat();
        // What straddles the border between the pieces, then the piece itself.
        let head = piece.get(..wanted.len().min(piece.len())).unwrap_or_default();
        self.tail.extend_from_slice(head);
        self.is_found |= memchr::memmem::find(&self.tail, &wanted).is_some();
        self.is_found |= memchr::memmem::find(piece, &wanted).is_some();
        let keep = wanted.len() - 1;
        if piece.len() > keep {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - keep..]);
        } else {
            let surplus = self.tail.len().saturating_sub(keep);
            self.tail.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_string_is_found_wherever_the_pieces_end() {
        let file = [b"some text before ", EICAR.concat().as_slice(), b" and after"].concat();
        for size in 1..=file.len() {
            let mut search = Search::default();
            file.chunks(size).for_each(|piece| search.take(&Bytes::copy_from_slice(piece)));
            assert!(search.is_found, "pieces of {size}");
            assert!(search.tail.len() < EICAR.concat().len());
        }
    }

    #[test]
    fn half_of_it_is_nothing() {
        let mut search = Search::default();
        for piece in [EICAR[0], b"x", EICAR[1], EICAR[0], EICAR[0]] {
            search.take(&Bytes::copy_from_slice(piece));
        }
        assert!(!search.is_found);
    }
}
