//! The front page of an archive: `manifest.json`, and beside it its own checksum.

use std::fs;
use std::path::{Path, PathBuf};

use mottak_model::Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ArchiveFailure, Counters, Counts, damaged, hex, on};

const MANIFEST: &str = "manifest.json";
const CHECKSUM: &str = "manifest.json.sha256";
/// The version of the format that is written, and the latest that is understood.
const FORMAT: u32 = 1;

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the format.
    pub(super) format: u32,
    /// When the archive was begun.
    pub made: Time,
    /// The engine it was made from.
    pub engine: String,
    /// The time of the last commit that is in it.
    pub last_changed: Time,
    pub(super) last_job: i64,
    pub counts: Counts,
    /// Of all pieces, whatever their order.
    pub(super) digest: String,
    pub objects: ObjectCount,
    /// In the order in which they are read.
    pub files: Vec<ArchiveFile>,
}

/// The bodies that are files of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCount {
    pub count: u64,
    pub bytes: u64,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFile {
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) const FORMAT: u32 = FORMAT;

    pub(super) fn counters(&self) -> Counters {
        Counters { last_changed: self.last_changed, last_job: self.last_job }
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.objects.bytes + self.files.iter().map(|file| file.size).sum::<u64>()
    }

    /// Writes it to the folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ArchiveFailure> {
        let place = folder.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(self).map_err(|error| damaged(&place, error))?;
        text.push('\n');
        let checksum = format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text)));
        for (name, text) in [(MANIFEST, text), (CHECKSUM, checksum)] {
            let place = folder.join(name);
            fs::write(&place, text).map_err(on("write", &place))?;
        }
        Ok(())
    }

    /// Reads that of an archive.
    pub(super) fn read(folder: &Path) -> Result<Self, ArchiveFailure> {
        let text = |name: &str| -> Result<(PathBuf, Vec<u8>), ArchiveFailure> {
            let place = folder.join(name);
            match fs::read(&place) {
                Ok(text) => Ok((place, text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(ArchiveFailure::NoArchive { folder: folder.to_owned(), cause: format!("it has no {name}") })
                }
                Err(error) => Err(on("read", &place)(error)),
            }
        };
        let (place, manifest) = text(MANIFEST)?;
        let (_, checksum) = text(CHECKSUM)?;
        if checksum != format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&manifest))).as_bytes() {
            return Err(damaged(&place, format!("its checksum is not the one in {CHECKSUM}")));
        }
        /// What every version of the format has.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(&manifest).map_err(|error| damaged(&place, error))?;
        if format > FORMAT {
            let cause = format!("a newer version made it: its format is {format}, this version knows {FORMAT}");
            return Err(ArchiveFailure::NoArchive { folder: folder.to_owned(), cause });
        }
        let manifest: Self = serde_json::from_slice(&manifest).map_err(|error| damaged(&place, error))?;
        if manifest.files.iter().any(|file| file.name.contains(['/', '\\']) || file.name.starts_with('.')) {
            return Err(damaged(&place, "it names a file outside of the archive"));
        }
        Ok(manifest)
    }
}
