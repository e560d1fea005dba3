//! Where the objects of a store are: a folder, or a place in an object store, chosen by a URL.

use std::path::PathBuf;

use mottak_service::ports::StoreFailure;

#[cfg(feature = "object-storage")]
use super::remote::{BucketLocation, Service};
use crate::rules::failure;

/// Where large bodies are kept.
#[derive(Clone, Debug)]
pub enum ObjectLocation {
    /// A folder of this machine, for a single server.
    Folder(PathBuf),
    /// A bucket or a container, which several servers can share.
    #[cfg(feature = "object-storage")]
    Bucket(BucketLocation),
}

impl ObjectLocation {
    /// Understands a path, `file:///path`, `s3://bucket/prefix`, or `azure://container/prefix` (also `az://`).
    ///
    /// `settings` are names and values in the manner of an environment: what begins with `AWS_` or `AZURE_` counts for
    /// the service it names (credentials, region, endpoint, `…_ALLOW_HTTP`), everything else is left alone. What the URL
    /// says wins. Nothing is asked over the network yet.
    pub fn parse(url: &str, settings: impl IntoIterator<Item = (String, String)>) -> Result<Self, StoreFailure> {
        let refuse = |cause: &str| Err(failure("understand where the objects are", format!("{url}: {cause}")));
        let Some((scheme, rest)) = url.split_once("://") else {
            return if url.is_empty() { refuse("it is empty") } else { Ok(Self::Folder(url.into())) };
        };
        match scheme {
            "file" if rest.starts_with('/') => Ok(Self::Folder(rest.into())),
            "file" => refuse("a file URL needs an absolute path, as in file:///var/lib/mottak/objects"),
            #[cfg(feature = "object-storage")]
            "s3" => BucketLocation::new(Service::S3, rest, settings).map(Self::Bucket),
            #[cfg(feature = "object-storage")]
            "azure" | "az" => BucketLocation::new(Service::Azure, rest, settings).map(Self::Bucket),
            #[cfg(not(feature = "object-storage"))]
            "s3" | "azure" | "az" => {
                drop(settings.into_iter());
                refuse("this server was built without object storage")
            }
            _ => refuse("it is none of file, s3 and azure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<String, String> {
        ObjectLocation::parse(url, []).map(|location| format!("{location:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_and_a_file_url_are_folders() {
        assert_eq!(parse("data/objects").unwrap(), "Folder(\"data/objects\")");
        assert_eq!(parse("file:///var/objects").unwrap(), "Folder(\"/var/objects\")");
        for wrong in ["", "file://objects", "ftp://somewhere", "http://somewhere/"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(not(feature = "object-storage"))]
    #[test]
    fn a_bucket_needs_a_server_built_for_it() {
        assert!(parse("s3://bucket").unwrap_err().contains("built without"));
    }

    #[cfg(feature = "object-storage")]
    #[test]
    fn a_bucket_is_named_by_its_service_and_shows_no_credentials() {
        let settings = [("AWS_SECRET_ACCESS_KEY", "s3cret"), ("AZURE_CLIENT_ID", "other"), ("HOME", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let location = ObjectLocation::parse("s3://bucket/a/b/", settings).unwrap();
        assert_eq!(format!("{location:?}"), "Bucket(s3://bucket/a/b (settings: aws_secret_access_key))");
        assert_eq!(parse("az://container").unwrap(), "Bucket(azure://container (settings: ))");
        for wrong in ["s3://", "s3:///prefix", "s3://a b", "azure://x/\u{e6}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
