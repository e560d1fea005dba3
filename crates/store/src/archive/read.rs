//! Reading an archive: is it undamaged, and what does it hold?

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use lz4_flex::frame::FrameDecoder;
use mottak_service::ports::{Blobs, Staged};
use sha2::{Digest as _, Sha256};

use super::manifest::{ArchiveFile, Manifest, ObjectCount};
use super::tally::Tally;
use super::{
    ArchiveFailure, BodyEntry, Content, Entry, Progress, Source, Stage, Target, Unfinished, Watcher, damaged, hex, on,
};

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// Where the object with this key is in an archive; `None` when it is no key.
pub(super) fn object_place(folder: &Path, key: &str) -> Option<PathBuf> {
    let is_key = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_key.then(|| folder.join("objects").join(&key[..2]).join(key))
}

/// Reads the whole archive in `folder`: every checksum, every object, every count. Answers what is in it.
pub fn verify(folder: &Path, mut watcher: impl FnMut(Progress) + Send) -> Result<Manifest, ArchiveFailure> {
    if Unfinished::is_left(folder) {
        let cause = "it was never finished".to_owned();
        return Err(ArchiveFailure::NoArchive { folder: folder.to_owned(), cause });
    }
    verify_marked(folder, &mut watcher)
}

/// The same for an archive that still bears the mark of those that are being made.
pub(super) fn verify_marked(folder: &Path, watcher: Watcher<'_>) -> Result<Manifest, ArchiveFailure> {
    let manifest = Manifest::read(folder)?;
    let mut tally = Tally::default();
    let mut objects = ObjectCount::default();
    let mut lines = Lines::of(folder, &manifest);
    while let Some(entry) = lines.next()? {
        tally.add(&entry);
        match &entry {
            Entry::Instance(_) => {
                let (done, of) = (tally.counts.instances, manifest.counts.instances);
                watcher(Progress { stage: Stage::Verifying, done, of });
            }
            Entry::Element(element) => match &element.body {
                Some(body @ BodyEntry { content: Content::Object(key), .. }) => {
                    let mut object = ArchivedObject::open(folder, key, body)?;
                    while object.next()?.is_some() {}
                    objects.count += 1;
                    objects.bytes += body.size;
                }
                Some(BodyEntry { content: Content::Bytes(bytes), size, sha256 })
                    if bytes.len() as u64 != *size || Sha256::digest(bytes)[..] != *sha256 =>
                {
                    return Err(damaged(lines.place(), "a body in it is not what its checksum says"));
                }
                _ => {}
            },
            _ => {}
        }
    }
    if tally.counts != manifest.counts || objects != manifest.objects || tally.digest() != manifest.digest {
        return Err(damaged(folder, "the files do not hold what the manifest says"));
    }
    Ok(manifest)
}

/// Gives an archive that was verified to an empty store.
pub(crate) async fn restore(
    folder: &Path,
    manifest: &Manifest,
    mut target: Box<dyn Target>,
    watcher: Watcher<'_>,
) -> Result<(), ArchiveFailure> {
    let mut lines = Lines::of(folder, manifest);
    let (mut done, of) = (0, manifest.counts.instances);
    while let Some(mut entry) = lines.next()? {
        match &mut entry {
            Entry::Instance(_) => {
                done += 1;
                watcher(Progress { stage: Stage::Restoring, done, of });
            }
            Entry::Element(element) => {
                if let Some(body) = &mut element.body
                    && let Content::Object(key) = &body.content
                {
                    let object = ArchivedObject::open(folder, key, body)?;
                    body.content = Content::Object(stage(target.blobs(), object).await?.key);
                }
            }
            _ => {}
        }
        target.put(entry).await?;
    }
    target.finish(manifest.counters()).await?;
    Ok(())
}

async fn stage(blobs: &dyn Blobs, mut object: ArchivedObject) -> Result<Staged, ArchiveFailure> {
    let mut writer = blobs.stage().await?;
    while let Some(piece) = object.next()? {
        writer.write(piece).await?;
    }
    Ok(writer.finish().await?)
}

/// Compares what a store holds with what the archive holds that it was made from.
pub(crate) async fn check(
    source: &mut dyn Source,
    manifest: &Manifest,
    watcher: Watcher<'_>,
) -> Result<(), ArchiveFailure> {
    let mut tally = Tally::default();
    while let Some(entry) = source.next().await? {
        tally.add(&entry);
        if matches!(entry, Entry::Instance(_)) {
            let (done, of) = (tally.counts.instances, manifest.counts.instances);
            watcher(Progress { stage: Stage::Comparing, done, of });
        }
    }
    let counters = source.counters().await?;
    if tally.counts != manifest.counts {
        return Err(ArchiveFailure::Different(format!("{:?} and not {:?}", tally.counts, manifest.counts)));
    }
    if tally.digest() != manifest.digest {
        return Err(ArchiveFailure::Different("as many pieces, but another digest".to_owned()));
    }
    if counters != manifest.counters() {
        return Err(ArchiveFailure::Different(format!("{counters:?} and not {:?}", manifest.counters())));
    }
    Ok(())
}

/// The lines of all files, one after the other.
struct Lines<'a> {
    folder: &'a Path,
    files: std::slice::Iter<'a, ArchiveFile>,
    current: Option<Box<dyn BufRead + Send>>,
    place: PathBuf,
    line: String,
}

impl<'a> Lines<'a> {
    fn of(folder: &'a Path, manifest: &'a Manifest) -> Self {
        let files = manifest.files.iter();
        Self { folder, files, current: None, place: folder.to_owned(), line: String::new() }
    }

    /// The file that the last line was in.
    fn place(&self) -> &Path {
        &self.place
    }

    fn next(&mut self) -> Result<Option<Entry>, ArchiveFailure> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(file) = self.files.next() else { return Ok(None) };
                self.place = self.folder.join(&file.name);
                self.current = Some(open_checked(&self.place, file)?);
                continue;
            };
            self.line.clear();
            match current.read_line(&mut self.line) {
                Ok(0) => self.current = None,
                Ok(_) => {
                    let entry = serde_json::from_str(&self.line).map_err(|error| {
                        // The position of the damage is told, never the content.
                        let cause = format!("{:?} in column {} of a line", error.classify(), error.column());
                        damaged(&self.place, cause)
                    })?;
                    return Ok(Some(entry));
                }
                Err(error) => return Err(damaged(&self.place, error)),
            }
        }
    }
}

/// Opens a file of lines whose bytes are what the manifest says.
fn open_checked(place: &Path, known: &ArchiveFile) -> Result<Box<dyn BufRead + Send>, ArchiveFailure> {
    let open = || match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(damaged(place, "it is missing")),
        opened => opened.map_err(on("open", place)),
    };
    let mut file = open()?;
    let (mut size, mut sha256, mut buffer) = (0, Sha256::new(), vec![0; PIECE]);
    loop {
        let read = file.read(&mut buffer).map_err(on("read", place))?;
        if read == 0 {
            break;
        }
        size += read as u64;
        sha256.update(&buffer[..read]);
    }
    if size != known.size {
        return Err(damaged(place, format!("it has {size} bytes and not {}", known.size)));
    }
    if hex(&sha256.finalize()) != known.sha256 {
        return Err(damaged(place, "its checksum is not the one in the manifest"));
    }
    let file = BufReader::with_capacity(PIECE, open()?);
    if known.name.ends_with(".lz4") {
        Ok(Box::new(BufReader::with_capacity(PIECE, FrameDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

/// An object of an archive. Its last piece comes only if all of it is what the element says.
struct ArchivedObject {
    place: PathBuf,
    file: File,
    left: u64,
    sha256: Sha256,
    expected: [u8; 32],
}

impl ArchivedObject {
    fn open(folder: &Path, key: &str, body: &BodyEntry) -> Result<Self, ArchiveFailure> {
        let place = object_place(folder, key).ok_or_else(|| damaged(folder, "an element names what is no object"))?;
        let file = match File::open(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged(&place, "it is missing")),
            opened => opened.map_err(on("open", &place))?,
        };
        let size = file.metadata().map_err(on("look at", &place))?.len();
        if size != body.size {
            return Err(damaged(&place, format!("it has {size} bytes and not {}", body.size)));
        }
        let object = Self { place, file, left: size, sha256: Sha256::new(), expected: body.sha256 };
        if size == 0 {
            object.check_end()?;
        }
        Ok(object)
    }

    fn check_end(&self) -> Result<(), ArchiveFailure> {
        if self.sha256.clone().finalize()[..] != self.expected {
            return Err(damaged(&self.place, "its checksum is not the one of its element"));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Bytes>, ArchiveFailure> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = self.left.min(PIECE as u64);
        let mut piece = vec![0; wanted as usize];
        self.file.read_exact(&mut piece).map_err(|error| damaged(&self.place, error))?;
        self.sha256.update(&piece);
        self.left -= wanted;
        if self.left == 0 {
            self.check_end()?;
        }
        Ok(Some(piece.into()))
    }
}
