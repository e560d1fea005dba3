//! Waiting for the disk once, for many files.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes everything durable that was written to the file system of this folder, names included. Much faster than waiting
/// for each of many files.
pub fn sync_file_system(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&folder)?;
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::sync();
        folder.sync_all()?;
    }
    Ok(())
}
