//! Where the objects of a test are, and how the test looks behind the store's back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mottak_service::ports::SystemClock;
use mottak_store::{ObjectLocation, Options, SqliteStore};
#[cfg(feature = "object-storage-suite")]
use object_store::{ObjectStore, ObjectStoreExt as _};

/// A place for objects, with nothing in it, and a folder for the database.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) url: String,
    /// As in an environment.
    pub(super) settings: Vec<(String, String)>,
    behind: Behind,
    database: tempfile::TempDir,
}

/// What is really there.
enum Behind {
    Folder(tempfile::TempDir),
    #[cfg(feature = "object-storage-suite")]
    Bucket {
        client: Arc<dyn ObjectStore>,
        prefix: object_store::path::Path,
        /// Where parts of unfinished uploads can be seen, if anywhere.
        parts: Option<Arc<tempfile::TempDir>>,
    },
}

/// Uploads that are not settled, objects, and parts of unfinished uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) marks: usize,
    pub(super) objects: usize,
    pub(super) parts: usize,
}

impl Place {
    pub(super) fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap().to_owned();
        let database = tempfile::tempdir().unwrap();
        Self { name: "folder", url, settings: Vec::new(), behind: Behind::Folder(folder), database }
    }

    #[cfg(feature = "object-storage-suite")]
    pub(super) fn bucket(
        name: &'static str,
        (url, settings): (String, Vec<(String, String)>),
        client: Arc<dyn ObjectStore>,
        prefix: &str,
        parts: Option<Arc<tempfile::TempDir>>,
    ) -> Self {
        let behind = Behind::Bucket { client, prefix: prefix.into(), parts };
        Self { name, url, settings, behind, database: tempfile::tempdir().unwrap() }
    }

    /// Every kind of place that there is here.
    pub(super) async fn all() -> Vec<Self> {
        #[cfg_attr(not(feature = "object-storage-suite"), expect(unused_mut, reason = "others need the feature"))]
        let mut places = vec![Self::folder()];
        #[cfg(feature = "object-storage-suite")]
        {
            places.push(super::s3::S3Server::start().await.place());
            places.extend(super::azure::place());
        }
        println!("places: {}", places.iter().map(|place| place.name).collect::<Vec<_>>().join(", "));
        places
    }

    /// The store whose objects are here.
    pub(super) fn open(&self) -> Arc<SqliteStore> {
        self.open_with(ObjectLocation::parse(&self.url, self.settings.clone()).unwrap())
    }

    /// The same store, with its objects seen through this.
    pub(super) fn open_with(&self, location: ObjectLocation) -> Arc<SqliteStore> {
        let options = Options { objects: Some(location), ..Options::default() };
        SqliteStore::open(self.database.path(), Arc::new(SystemClock), options).unwrap()
    }

    pub(super) async fn found(&self) -> Found {
        match &self.behind {
            Behind::Folder(folder) => {
                let marks = files(&folder.path().join("incoming")).len();
                Found { marks, objects: object_files(folder.path()).len(), parts: 0 }
            }
            #[cfg(feature = "object-storage-suite")]
            Behind::Bucket { client, prefix, parts } => {
                let count = async |folder: &str| list(&**client, &prefix.clone().join(folder)).await.len();
                let is_part = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(".upload_id");
                let parts =
                    parts.as_ref().map_or(0, |root| files(root.path()).iter().filter(|file| is_part(file)).count());
                Found { marks: count("incoming").await, objects: count("objects").await, parts }
            }
        }
    }

    /// Waits until this is what is there: some things are tidied up in the background.
    pub(super) async fn expect_found(&self, expected: Found) {
        let mut found = self.found().await;
        for _ in 0..100 {
            if found == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = self.found().await;
        }
        panic!("{}: there are {found:?}, not {expected:?}", self.name);
    }

    /// Puts other bytes into the place of the only object, or removes it.
    pub(super) async fn tamper(&self, bytes: Option<Vec<u8>>) {
        match &self.behind {
            Behind::Folder(folder) => {
                let files = object_files(folder.path());
                assert_eq!(files.len(), 1);
                match bytes {
                    Some(bytes) => std::fs::write(&files[0], bytes).unwrap(),
                    None => std::fs::remove_file(&files[0]).unwrap(),
                }
            }
            #[cfg(feature = "object-storage-suite")]
            Behind::Bucket { client, prefix, .. } => {
                let objects = list(&**client, &prefix.clone().join("objects")).await;
                assert_eq!(objects.len(), 1);
                match bytes {
                    Some(bytes) => drop(client.put(&objects[0], bytes.into()).await.unwrap()),
                    None => client.delete(&objects[0]).await.unwrap(),
                }
            }
        }
    }
}

fn object_files(root: &Path) -> Vec<PathBuf> {
    let shelves = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    shelves.filter(|shelf| shelf.file_name().unwrap() != "incoming").flat_map(|shelf| files(&shelf)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[cfg(feature = "object-storage-suite")]
async fn list(client: &dyn ObjectStore, prefix: &object_store::path::Path) -> Vec<object_store::path::Path> {
    use futures_util::TryStreamExt as _;
    client.list(Some(prefix)).map_ok(|object| object.location).try_collect().await.unwrap()
}
