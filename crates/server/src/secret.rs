//! Random keys that outlive the process: files of 32 bytes that their owner alone may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const LENGTH: usize = 32;

/// The key in the file, made first when there is none.
pub(crate) fn load_or_generate(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Ok(key) if key.len() >= LENGTH => Ok(key),
        Ok(_) => Err(io::Error::other(format!("the file holds less than {LENGTH} bytes"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = vec![0; LENGTH];
            aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("the machine has no random numbers"))?;
            // Whole or not at all: a crash in between leaves no short file behind under the name.
            let unfinished = path.with_extension("unfinished");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::rename(unfinished, path)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key");
        let key = load_or_generate(&path).expect("a new key");
        assert_eq!((key.len(), load_or_generate(&path).expect("the same key")), (LENGTH, key.clone()));
        fs::write(&path, "short").expect("a writable file");
        assert!(load_or_generate(&path).is_err());
    }
}
