//! A disk that is full while a body is uploaded: the upload is refused, what was acknowledged stays, and the store goes on
//! when there is room again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use mottak_service::ports::{Body, CommitFailure, Store, SystemClock};
use mottak_store::{Options, SqliteStore};

use super::{commit, keep, read, stage};
use crate::samples::Dice;

const FOLDER: &str = "MOTTAK_STORE_LIMITED_FOLDER";

fn open(folder: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(folder, Arc::new(SystemClock), Options::default()).unwrap()
}

fn uploads_under_way(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("objects/incoming")).unwrap().count()
}

/// A limit to the size of a file is met in the middle of a write, as the end of a disk is.
#[test]
fn an_upload_that_meets_the_limit_of_a_file_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // 8 MiB in blocks of 512 bytes; the signal that comes with the limit is not to end the process.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16384; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "objects::disk_full::child_uploads_too_much", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("went on"),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Not a test of its own: the process that is limited. Without its folder it has nothing to do.
#[tokio::test]
async fn child_uploads_too_much() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let store = open(folder);
    let before = keep(&store, &mut Dice::new(1), 1_000_000).await;
    let failure = stage(&store, &vec![1; 12_000_000]).await.unwrap_err().to_string();
    assert!(failure.contains("File too large"), "{failure}");
    assert_eq!(uploads_under_way(folder), 0);
    let after = keep(&store, &mut Dice::new(2), 1_000_000).await;
    for kept in [before, after] {
        assert_eq!(read(&store, &kept, None).await, kept.content);
    }
    println!("went on");
}

/// A small file system of its own, while it lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`: this process may not make one.
    fn of_mebibytes(size: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_uploads_and_changes_until_there_is_room_again() {
    let Some(disk) = SmallDisk::of_mebibytes(16) else {
        println!("skipped: a small disk, because this process may not mount one");
        return;
    };
    let folder = disk.0.path();
    let store = open(folder);
    let mut dice = Dice::new(3);
    let before = keep(&store, &mut dice, 1_000_000).await;

    let failure = stage(&store, &vec![1; 30_000_000]).await.unwrap_err().to_string();
    assert!(failure.contains("No space left on device"), "{failure}");
    assert_eq!(uploads_under_way(folder), 0);
    let between = keep(&store, &mut dice, 1_000_000).await;

    // Now there is no room at all, for nobody's change either.
    let ballast = folder.join("ballast");
    assert!(std::fs::write(&ballast, vec![0; 32 * 1024 * 1024]).is_err());
    assert!(stage(&store, &vec![1; 100_000]).await.is_err());
    let mut refused = 0;
    for _ in 0..400 {
        let small = Body::Bytes(Bytes::from(vec![7; 10_000]));
        match commit(&store, &mut dice, small).await {
            Ok(_) => {}
            Err(CommitFailure::Failed(failure)) => {
                assert!(!failure.to_string().is_empty());
                refused += 1;
                break;
            }
            Err(CommitFailure::Conflict) => panic!("nobody else writes"),
        }
    }
    assert_eq!(refused, 1, "the log found room on a full disk");
    for kept in [&before, &between] {
        assert_eq!(read(&store, kept, None).await, kept.content);
    }

    std::fs::remove_file(ballast).unwrap();
    let after = keep(&store, &mut dice, 1_000_000).await;
    for kept in [&before, &between, &after] {
        assert_eq!(read(&store, kept, None).await, kept.content);
    }
    assert_eq!(uploads_under_way(folder), 0);
    store.close().await;
    drop(store);
    let again = open(folder);
    for kept in [&before, &between, &after] {
        assert_eq!(read(&again, kept, None).await, kept.content);
    }
}
