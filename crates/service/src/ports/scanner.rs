//! The file scanner: another system that looks for malware in uploaded files.

use std::fmt;

use super::{Blob, PortFuture};

/// Looks for malware.
pub trait FileScanner: fmt::Debug + Send + Sync + 'static {
    /// Reads the content to its end and judges it.
    fn scan(&self, content: Blob) -> PortFuture<'_, Result<Verdict, ScanFailure>>;
}

/// What a scanner found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    Infected,
}

/// The scanner came to no verdict. Another attempt may.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the file scanner did not answer: {0}")]
pub struct ScanFailure(pub String);
