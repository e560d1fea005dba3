//! Archives: everything a store holds, as files that any engine can take back.
//!
//! A [`Source`] hands over one moment of a store, piece by piece; [`backup`] writes the pieces to a folder and reads them
//! again; [`restore`] gives them to a [`Target`]; [`check`] compares a store with the archive it came from. Nothing here
//! knows an engine, and nothing is kept in memory but the piece at hand.
//!
//! | file | question it answers |
//! |---|---|
//! | `entry` | what are the pieces? |
//! | `tally` | are these the same pieces as those? |
//! | `manifest` | what is in the archive? |
//! | `unfinished` | how does a folder appear whole or not at all? |
//! | `objects` | what do sources say of bodies? |
//! | `write` | how is an archive made? |
//! | `read` | is it undamaged, and what does it hold? |
//!
//! The format is described in `docs/operations.md`.

mod entry;
mod manifest;
mod objects;
mod read;
mod tally;
mod unfinished;
mod write;

use std::path::{Path, PathBuf};

use mottak_model::Time;
use mottak_service::ports::{BlobFailure, BlobStream, Blobs, PortFuture, StoreFailure};

pub(crate) use self::entry::{
    BodyEntry, Content, ElementEntry, Entry, InstanceEntry, JobEntry, RecordEntry, RemovedEntry,
};
pub use self::manifest::Manifest;
pub(crate) use self::objects::{describe_bytes, describe_object, open_object, raw_document};
pub use self::read::verify;
pub(crate) use self::read::{check, restore};
pub use self::tally::Counts;
pub(crate) use self::unfinished::Unfinished;
pub(crate) use self::write::backup;

/// One moment of a store.
pub(crate) trait Source: Send {
    /// The name of the engine.
    fn engine(&self) -> &'static str;

    /// How many instances there are, for those who watch.
    fn instances(&mut self) -> PortFuture<'_, Result<u64, StoreFailure>>;

    /// The next piece. First the instances, each followed by its elements in order of creation and its history; then the
    /// instances that were removed, each followed by its history; then the records; then the jobs of the outbox and
    /// those that were buried.
    fn next(&mut self) -> PortFuture<'_, Result<Option<Entry>, StoreFailure>>;

    /// What was counted up to this moment.
    fn counters(&mut self) -> PortFuture<'_, Result<Counters, StoreFailure>>;

    /// Opens an object that an element names.
    fn object(&mut self, key: String) -> PortFuture<'_, Result<Box<dyn BlobStream>, StoreFailure>>;
}

/// An empty store that is filled.
pub(crate) trait Target: Send {
    /// Where objects are staged before the piece that names them.
    fn blobs(&self) -> &dyn Blobs;

    /// Takes the next piece, in the order in which a [`Source`] hands them over. The content of an element is bytes, or
    /// an object that was staged here.
    fn put(&mut self, entry: Entry) -> PortFuture<'_, Result<(), StoreFailure>>;

    /// Makes everything durable.
    fn finish(self: Box<Self>, counters: Counters) -> PortFuture<'static, Result<(), StoreFailure>>;
}

/// What a store must not give twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The time of the last commit.
    pub(crate) last_changed: Time,
    /// The highest number of a job, done or not.
    pub(crate) last_job: i64,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    /// Instances done.
    pub done: u64,
    /// Instances in all.
    pub of: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Writing,
    Verifying,
    Restoring,
    Comparing,
}

/// Who is told of progress.
pub(crate) type Watcher<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Why there is no archive, or no store of it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFailure {
    #[error("{} is damaged: {cause}", file.display())]
    Damaged { file: PathBuf, cause: String },
    #[error("{} is no archive: {cause}", folder.display())]
    NoArchive { folder: PathBuf, cause: String },
    #[error("{} cannot be used: {cause}", folder.display())]
    Unusable { folder: PathBuf, cause: String },
    #[error("could not {attempt} {}: {cause}", path.display())]
    File { attempt: &'static str, path: PathBuf, cause: std::io::Error },
    #[error("the store is not what the archive says: {0}")]
    Different(String),
    #[error(transparent)]
    Store(#[from] StoreFailure),
    #[error(transparent)]
    Blob(#[from] BlobFailure),
}

/// Names what was attempted on which file.
fn on<'a>(attempt: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> ArchiveFailure + 'a {
    move |cause| ArchiveFailure::File { attempt, path: path.to_owned(), cause }
}

fn damaged(file: &Path, cause: impl std::fmt::Display) -> ArchiveFailure {
    ArchiveFailure::Damaged { file: file.to_owned(), cause: cause.to_string() }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The checksum that [`hex`] wrote.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
