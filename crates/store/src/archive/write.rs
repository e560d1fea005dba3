//! Making an archive.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lz4_flex::frame::FrameEncoder;
use mottak_model::Time;
use sha2::{Digest as _, Sha256};

use super::manifest::{ArchiveFile, Manifest, ObjectCount};
use super::read::{object_place, verify_marked};
use super::tally::Tally;
use super::{
    ArchiveFailure, BodyEntry, Content, Entry, Progress, Source, Stage, Unfinished, Watcher, damaged, hex, on,
};

/// Bytes of lines, before compression, after which the next file of instances begins.
const FILE_SIZE: u64 = 256 * 1024 * 1024;

/// Writes everything that `source` hands over to the new folder `to`, and reads it again to see that it is all there.
/// After an error there is no such folder.
pub(crate) async fn backup(
    source: &mut dyn Source,
    to: &Path,
    made: Time,
    watcher: Watcher<'_>,
) -> Result<Manifest, ArchiveFailure> {
    let folder = Unfinished::begin(to)?;
    let written = match write(source, folder.place(), made, watcher).await {
        Ok(()) => verify_marked(folder.place(), watcher),
        Err(failure) => Err(failure),
    };
    match written {
        Ok(manifest) => folder.finish().map(|()| manifest),
        Err(failure) => {
            folder.discard();
            Err(failure)
        }
    }
}

async fn write(source: &mut dyn Source, folder: &Path, made: Time, watcher: Watcher<'_>) -> Result<(), ArchiveFailure> {
    let of = source.instances().await?;
    let mut tally = Tally::default();
    let mut objects = ObjectCount::default();
    let mut lines = Lines::new(folder);
    while let Some(entry) = source.next().await? {
        tally.add(&entry);
        match &entry {
            Entry::Instance(_) => watcher(Progress { stage: Stage::Writing, done: tally.counts.instances, of }),
            Entry::Element(element) => {
                if let Some(body @ BodyEntry { content: Content::Object(key), .. }) = &element.body {
                    copy_object(source, key, body, folder).await?;
                    objects.count += 1;
                    objects.bytes += body.size;
                }
            }
            _ => {}
        }
        lines.write(&entry)?;
    }
    let counters = source.counters().await?;
    let manifest = Manifest {
        format: Manifest::FORMAT,
        made,
        engine: source.engine().to_owned(),
        last_changed: counters.last_changed,
        last_job: counters.last_job,
        counts: tally.counts,
        digest: tally.digest(),
        objects,
        files: lines.finish()?,
    };
    manifest.write(folder)
}

/// Copies an object, and checks that it is what the element says.
async fn copy_object(
    source: &mut dyn Source,
    key: &str,
    body: &BodyEntry,
    folder: &Path,
) -> Result<(), ArchiveFailure> {
    let place = object_place(folder, key)
        .ok_or_else(|| damaged(Path::new(key), "the store names an object by what is no key"))?;
    let shelf = place.parent().unwrap_or(folder);
    fs::create_dir_all(shelf).map_err(on("make", shelf))?;
    let mut stream = source.object(key.to_owned()).await?;
    let mut file = File::create_new(&place).map_err(on("make", &place))?;
    let (mut size, mut sha256) = (0, Sha256::new());
    while let Some(piece) = stream.next().await? {
        size += piece.len() as u64;
        sha256.update(&piece);
        file.write_all(&piece).map_err(on("write", &place))?;
    }
    if size != body.size || sha256.finalize()[..] != body.sha256 {
        return Err(damaged(Path::new(key), "this object of the store is not what was once uploaded"));
    }
    Ok(())
}

/// The files of lines.
struct Lines {
    folder: PathBuf,
    files: Vec<ArchiveFile>,
    current: Option<(Family, LineFile)>,
    line: Vec<u8>,
}

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Instances,
    Records,
    Jobs,
}

impl Lines {
    fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: Vec::new(), current: None, line: Vec::new() }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), ArchiveFailure> {
        let family = match entry {
            Entry::Record(_) => Family::Records,
            Entry::Job(_) => Family::Jobs,
            _ => Family::Instances,
        };
        let is_full = |file: &LineFile| family == Family::Instances && file.written >= FILE_SIZE;
        if self.current.as_ref().is_none_or(|(current, file)| *current != family || is_full(file)) {
            self.end_file()?;
            let name = match family {
                Family::Instances => format!("instances-{:05}.ndjson.lz4", self.files.len() + 1),
                Family::Records => "records.ndjson".to_owned(),
                Family::Jobs => "jobs.ndjson".to_owned(),
            };
            self.current = Some((family, LineFile::create(&self.folder, name, family == Family::Instances)?));
        }
        let Some((_, file)) = &mut self.current else { return Ok(()) };
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry).map_err(|error| damaged(&file.place, error))?;
        self.line.push(b'\n');
        file.write(&self.line)
    }

    fn end_file(&mut self) -> Result<(), ArchiveFailure> {
        if let Some((_, file)) = self.current.take() {
            self.files.push(file.finish()?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<ArchiveFile>, ArchiveFailure> {
        self.end_file()?;
        Ok(self.files)
    }
}

/// A file of lines that is being written.
struct LineFile {
    name: String,
    place: PathBuf,
    sink: Sink,
    /// Bytes of lines.
    written: u64,
}

enum Sink {
    Plain(Hashing),
    Compressed(Box<FrameEncoder<Hashing>>),
}

impl LineFile {
    fn create(folder: &Path, name: String, is_compressed: bool) -> Result<Self, ArchiveFailure> {
        let place = folder.join(&name);
        let file = File::create_new(&place).map_err(on("make", &place))?;
        let file = Hashing { file: BufWriter::with_capacity(256 * 1024, file), size: 0, sha256: Sha256::new() };
        let sink = if is_compressed { Sink::Compressed(Box::new(FrameEncoder::new(file))) } else { Sink::Plain(file) };
        Ok(Self { name, place, sink, written: 0 })
    }

    fn write(&mut self, line: &[u8]) -> Result<(), ArchiveFailure> {
        self.written += line.len() as u64;
        let written = match &mut self.sink {
            Sink::Plain(file) => file.write_all(line),
            Sink::Compressed(file) => file.write_all(line),
        };
        written.map_err(on("write", &self.place))
    }

    fn finish(self) -> Result<ArchiveFile, ArchiveFailure> {
        let end = || -> std::io::Result<Hashing> {
            let mut file = match self.sink {
                Sink::Plain(file) => file,
                Sink::Compressed(file) => file.finish().map_err(std::io::Error::other)?,
            };
            file.flush()?;
            Ok(file)
        };
        let file = end().map_err(on("write", &self.place))?;
        Ok(ArchiveFile { name: self.name, size: file.size, sha256: hex(&file.sha256.finalize()) })
    }
}

/// A file that knows what was written to it.
struct Hashing {
    file: BufWriter<File>,
    size: u64,
    sha256: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = self.file.write(bytes)?;
        self.size += taken as u64;
        self.sha256.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
