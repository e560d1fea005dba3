//! The folder of large bodies: each a file that is written once, synced, and never changed.
//!
//! A body is first written as `incoming/{key}`, then linked to its place `{first two digits}/{key}`. The entry in
//! `incoming` stays until the change that names the object is durable; so what was staged and never committed is found
//! by looking into one small folder, not by comparing all files with all rows.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use mottak_model::Time;
use mottak_service::ports::{BlobFailure, BlobRange, BlobStream, Blobs, Clock, PortFuture, Staged, StagedWriter};
use sha2::{Digest as _, Sha256};

use super::{Object, Objects, blob_failure, interrupted, is_key, new_key};

/// Bytes read or written at a time.
const PIECE: usize = 256 * 1024;

#[derive(Clone, Debug)]
pub(super) struct ObjectFolder {
    root: PathBuf,
    clock: Arc<dyn Clock>,
}

impl ObjectFolder {
    /// The folder at `root`, made if it is missing.
    pub(super) fn open(root: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(root.join("incoming"))?;
        sync_folder(root)?;
        Ok(Self { root: root.to_owned(), clock })
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    fn entry(&self, key: &str) -> PathBuf {
        self.incoming().join(key)
    }

    fn place(&self, key: &str) -> PathBuf {
        self.root.join(key.get(..2).unwrap_or("__")).join(key)
    }

    fn begin(&self) -> io::Result<ObjectFile> {
        let key = new_key();
        let file = File::create_new(self.entry(&key))?;
        Ok(ObjectFile { folder: self.clone(), key, file, size: 0, sha256: Sha256::new(), is_finished: false })
    }

    fn write_whole(&self, bytes: &[u8]) -> io::Result<Staged> {
        let mut file = self.begin()?;
        file.write(bytes)?;
        file.finish()
    }

    /// Removes the object and its entry among the uploads, as far as they exist.
    fn remove_both(&self, key: &str) -> io::Result<()> {
        if !is_key(key) {
            return Ok(());
        }
        remove_if_there(&self.place(key))?;
        remove_if_there(&self.entry(key))
    }

    fn entries_before(&self, before: Time) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.incoming())? {
            let entry = entry?;
            // An entry that went away meanwhile was settled.
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
            let age = modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            if Time::from_ticks(0).plus(age) <= before
                && let Some(key) = entry.file_name().to_str().filter(|key| is_key(key))
            {
                keys.push(key.to_owned());
            }
        }
        Ok(keys)
    }

    fn read(&self, key: &str, part: Option<BlobRange>) -> io::Result<Option<Object>> {
        if !is_key(key) {
            return Ok(None);
        }
        let mut file = match File::open(self.place(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let whole = file.metadata()?.len();
        let start = part.as_ref().map_or(0, |part| part.start.min(whole));
        let end = part.map_or(whole, |part| part.end.min(whole));
        if start > 0 {
            file.seek(SeekFrom::Start(start))?;
        }
        let size = end.saturating_sub(start);
        let stream = ObjectStream { size, left: size, file: Some(file) };
        Ok(Some(Object { size: whole, stream: Box::new(stream) }))
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the entries of a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// An object that is being written. Removes itself unless it is finished.
struct ObjectFile {
    folder: ObjectFolder,
    key: String,
    file: File,
    size: u64,
    sha256: Sha256,
    is_finished: bool,
}

impl ObjectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Staged> {
        self.file.sync_all()?;
        let place = self.folder.place(&self.key);
        let shelf = place.parent().unwrap_or(&self.folder.root);
        match fs::create_dir(shelf) {
            Ok(()) => sync_folder(&self.folder.root)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        fs::hard_link(self.folder.entry(&self.key), &place)?;
        self.is_finished = true;
        sync_folder(shelf)?;
        let sha256 = std::mem::take(&mut self.sha256).finalize().into();
        Ok(Staged { key: self.key.clone(), size: self.size, sha256, at: self.folder.clock.now() })
    }
}

impl Drop for ObjectFile {
    fn drop(&mut self) {
        if !self.is_finished
            && let Err(error) = remove_if_there(&self.folder.entry(&self.key))
        {
            tracing::warn!(key = self.key, %error, "could not remove an unfinished upload");
        }
    }
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    attempt: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobFailure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| blob_failure(attempt, error)),
        Err(error) => Err(blob_failure(attempt, error)),
    }
}

impl Blobs for ObjectFolder {
    fn stage(&self) -> PortFuture<'_, Result<Box<dyn StagedWriter>, BlobFailure>> {
        let folder = self.clone();
        Box::pin(async move {
            let file = blocking("begin a body", move || folder.begin()).await?;
            Ok(Box::new(ObjectWriter { file: Some(file), buffer: Vec::new() }) as Box<dyn StagedWriter>)
        })
    }
}

impl Objects for ObjectFolder {
    fn stage_bytes(&self, bytes: Bytes) -> PortFuture<'_, Result<Staged, BlobFailure>> {
        let folder = self.clone();
        Box::pin(blocking("write a body", move || folder.write_whole(&bytes)))
    }

    fn open(&self, key: String, part: Option<BlobRange>) -> PortFuture<'_, Result<Option<Object>, BlobFailure>> {
        let folder = self.clone();
        Box::pin(blocking("open an object", move || folder.read(&key, part)))
    }

    fn settle(&self, key: &str) {
        if is_key(key)
            && let Err(error) = remove_if_there(&self.entry(key))
        {
            tracing::warn!(key, %error, "a settled upload keeps its entry for the sweeper");
        }
    }

    fn uploads_before(&self, before: Time) -> PortFuture<'_, Result<Vec<String>, BlobFailure>> {
        let folder = self.clone();
        Box::pin(blocking("list the uploads", move || folder.entries_before(before)))
    }

    fn abandon(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>> {
        let folder = self.clone();
        Box::pin(blocking("remove an upload", move || folder.remove_both(&key)))
    }

    fn remove(&self, key: String) -> PortFuture<'_, Result<(), BlobFailure>> {
        let folder = self.clone();
        Box::pin(blocking("remove an object", move || folder.remove_both(&key)))
    }

    fn lacks(&self, key: &str) -> bool {
        !is_key(key) || !self.place(key).exists()
    }
}

/// Collects pieces and writes them [`PIECE`] bytes at a time. The file is away while it is written; it does not come
/// back when that fails or the caller gives up waiting.
struct ObjectWriter {
    file: Option<ObjectFile>,
    buffer: Vec<u8>,
}

impl StagedWriter for ObjectWriter {
    fn write(&mut self, piece: Bytes) -> PortFuture<'_, Result<(), BlobFailure>> {
        Box::pin(async move {
            const ATTEMPT: &str = "write a piece of a body";
            self.buffer.extend_from_slice(&piece);
            if self.buffer.len() < PIECE {
                return Ok(());
            }
            let mut file = self.file.take().ok_or_else(|| interrupted(ATTEMPT))?;
            let mut buffer = std::mem::take(&mut self.buffer);
            let (file, buffer) = blocking(ATTEMPT, move || {
                file.write(&buffer)?;
                buffer.clear();
                Ok((file, buffer))
            })
            .await?;
            (self.file, self.buffer) = (Some(file), buffer);
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> PortFuture<'static, Result<Staged, BlobFailure>> {
        Box::pin(async move {
            const ATTEMPT: &str = "finish a body";
            let mut file = self.file.take().ok_or_else(|| interrupted(ATTEMPT))?;
            let buffer = std::mem::take(&mut self.buffer);
            blocking(ATTEMPT, move || {
                file.write(&buffer)?;
                file.finish()
            })
            .await
        })
    }
}

/// An open object. It can be read to its end even if the file is removed meanwhile.
#[derive(Debug)]
struct ObjectStream {
    /// Bytes to read in all, and those that are left.
    size: u64,
    left: u64,
    file: Option<File>,
}

impl BlobStream for ObjectStream {
    fn len(&self) -> u64 {
        self.size
    }

    fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>> {
        Box::pin(async move {
            const ATTEMPT: &str = "read a piece of a body";
            let mut file = self.file.take().ok_or_else(|| interrupted(ATTEMPT))?;
            let wanted = self.left.min(PIECE as u64);
            let (file, piece) = blocking(ATTEMPT, move || {
                let mut piece = Vec::with_capacity(wanted as usize);
                Read::by_ref(&mut file).take(wanted).read_to_end(&mut piece)?;
                Ok((file, piece))
            })
            .await?;
            self.file = Some(file);
            self.left -= piece.len() as u64;
            Ok((!piece.is_empty()).then(|| piece.into()))
        })
    }
}
