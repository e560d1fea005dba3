//! The files of an app, read once: everything else in the crate works on this snapshot and touches no disk.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::problem::{Place, Problems};

/// What of an `App` folder is read. `wwwroot` is not: its files are opened when somebody asks for them.
const FOLDERS: [&str; 5] = ["config", "models", "options", "ui", "views"];

/// The largest file read, in bytes. Real ones are well below 1 MiB.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// How deep folders may lie in each other; a link to a parent folder ends here.
const MAX_DEPTH: usize = 12;

/// The files of an `App` folder by path within it, `/` between the parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppFiles {
    files: BTreeMap<String, Bytes>,
}

/// SHA-256 over the paths and contents of an app's files: equal hashes, equal apps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

/// The `App` folder of a repository; the folder itself when it has none.
pub fn app_folder(dir: &Path) -> PathBuf {
    let inner = dir.join("App");
    if inner.is_dir() { inner } else { dir.to_owned() }
}

impl AppFiles {
    /// Reads the files of an `App` folder. What cannot be read is a problem.
    pub(crate) fn read(folder: &Path, problems: &mut Problems) -> Self {
        let mut files = Self::default();
        if !folder.is_dir() {
            problems.error(Place::file(""), "there is no such folder");
            return files;
        }
        for entry in entries(folder, "", problems) {
            if !entry.is_folder && entry.name.starts_with("appsettings") && entry.name.ends_with(".json") {
                files.add(folder, &entry.name, problems);
            } else if entry.is_folder && FOLDERS.contains(&entry.name.as_str()) {
                files.add_folder(folder, &entry.name, 0, problems);
            }
        }
        files
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The bytes of the file with exactly this path.
    pub(crate) fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// The path as kept and the bytes of a file.
    pub(crate) fn get_with_path(&self, path: &str) -> Option<(&str, &Bytes)> {
        self.files.get_key_value(path).map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// The files whose path begins with `prefix`, each with the rest of its path, in order of path.
    pub(crate) fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &Bytes)> {
        let from = self.files.range(prefix.to_owned()..);
        from.map_while(move |(path, bytes)| Some((path.strip_prefix(prefix)?, bytes)))
    }

    /// The hash of all files.
    pub(crate) fn hash(&self) -> ContentHash {
        let mut hasher = Sha256::new();
        for (path, bytes) in &self.files {
            for part in [path.as_bytes(), bytes.as_ref()] {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        ContentHash(hasher.finalize().into())
    }

    fn add_folder(&mut self, root: &Path, path: &str, depth: usize, problems: &mut Problems) {
        if depth >= MAX_DEPTH {
            problems.error(Place::file(path), format!("more than {MAX_DEPTH} folders in each other"));
            return;
        }
        for entry in entries(&root.join(path), path, problems) {
            if entry.name.starts_with('.') {
                continue;
            }
            let path = format!("{path}/{}", entry.name);
            if entry.is_folder {
                self.add_folder(root, &path, depth + 1, problems);
            } else {
                self.add(root, &path, problems);
            }
        }
    }

    fn add(&mut self, root: &Path, path: &str, problems: &mut Problems) {
        let file = root.join(path);
        let size = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        if size > MAX_FILE {
            problems.error(Place::file(path), format!("the file is larger than {MAX_FILE} bytes"));
            return;
        }
        match fs::read(file) {
            Ok(bytes) => {
                self.files.insert(path.to_owned(), bytes.into());
            }
            Err(error) => problems.error(Place::file(path), format!("cannot be read: {error}")),
        }
    }
}

struct Entry {
    name: String,
    is_folder: bool,
}

fn entries(folder: &Path, path: &str, problems: &mut Problems) -> Vec<Entry> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) => {
            problems.error(Place::file(path), format!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let names = listing.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.map(|name| Entry { is_folder: folder.join(&name).is_dir(), name }).collect()
}

/// Lower-case hexadecimal.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
