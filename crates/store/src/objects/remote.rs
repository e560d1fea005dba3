//! How an object store is reached: which service, as whom, how long it is waited for, and what its failures are called.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mottak_service::ports::{BlobFailure, StoreFailure};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, RetryConfig};

use super::blob_failure;
use crate::rules::failure;

/// Times that a request is tried again.
const RETRIES: usize = 3;

/// A place in an object store.
#[derive(Clone)]
pub struct BucketLocation {
    service: Service,
    /// The bucket or container.
    container: String,
    /// What the names of all objects begin with; may be empty.
    prefix: String,
    /// Names in lower case. Credentials are among the values.
    settings: Vec<(String, String)>,
    patience: Patience,
}

/// Which protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    S3,
    Azure,
}

impl Service {
    const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "azure",
        }
    }

    /// What its settings' names begin with, in lower case.
    const fn settings(self) -> &'static str {
        match self {
            Self::S3 => "aws_",
            Self::Azure => "azure_",
        }
    }
}

/// How long an object store is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For an answer, or for the next bytes of one.
    pub answer: Duration,
    /// A request that failed is tried again within this time, three times at most.
    pub retries: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(30), retries: Duration::from_secs(10) }
    }
}

/// A client of either service.
pub(super) trait Remote: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> Remote for T {}

impl BucketLocation {
    /// `rest`: the URL behind its scheme.
    pub(super) fn new(
        service: Service,
        rest: &str,
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StoreFailure> {
        let (container, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
        if container.is_empty() || !rest.bytes().all(is_plain) {
            let cause = format!(
                "{}://{rest}: it needs a bucket or container, and may have a prefix, of letters, digits, -, . and _",
                service.scheme()
            );
            return Err(failure("understand where the objects are", cause));
        }
        let settings = settings.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Ok(Self {
            service,
            container: container.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            settings: settings.filter(|(name, _)| name.starts_with(service.settings())).collect(),
            patience: Patience::default(),
        })
    }

    /// The same place, waited for like this.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A client for it. Nothing is asked over the network yet.
    pub(super) fn client(&self) -> Result<Arc<dyn Remote>, StoreFailure> {
        let client = match self.service {
            Service::S3 => self.s3().map(|client| Arc::new(client) as Arc<dyn Remote>),
            Service::Azure => self.azure().map(|client| Arc::new(client) as Arc<dyn Remote>),
        };
        client.map_err(|error| failure(&format!("open the objects in {self}"), error))
    }

    fn s3(&self) -> object_store::Result<object_store::aws::AmazonS3> {
        // What is set by the service's own words comes last and wins.
        let defaults = AmazonS3Builder::new()
            .with_client_options(self.client_options())
            .with_retry(self.retries())
            // One request that every S3-compatible service knows, instead of one that many do not.
            .with_disable_bulk_delete(true);
        let known = self.settings.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
        known
            .fold(defaults, |builder, (key, value)| builder.with_config(key, value))
            .with_bucket_name(&self.container)
            .build()
    }

    fn azure(&self) -> object_store::Result<object_store::azure::MicrosoftAzure> {
        let defaults =
            MicrosoftAzureBuilder::new().with_client_options(self.client_options()).with_retry(self.retries());
        let known = self.settings.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
        known
            .fold(defaults, |builder, (key, value)| builder.with_config(key, value))
            .with_container_name(&self.container)
            .build()
    }

    /// There is no limit to the time of a whole request: it would be one to the size of a download.
    fn client_options(&self) -> ClientOptions {
        ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(self.patience.answer)
            .with_connect_timeout(self.patience.answer.min(Duration::from_secs(5)))
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.,
            },
            max_retries: RETRIES,
            retry_timeout: self.patience.retries,
        }
    }
}

/// As in its URL.
impl fmt::Display for BucketLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.service.scheme(), self.container)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// Without the values of settings: credentials are among them.
impl fmt::Debug for BucketLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.settings.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        write!(f, "{self} (settings: {names})")
    }
}

/// The failure of a request. What the other side said is told in our words: its own may hold an address with a signature
/// in it.
pub(super) fn remote_failure(attempt: &str, error: &Error) -> BlobFailure {
    blob_failure(attempt, cause(error))
}

fn cause(error: &Error) -> String {
    match error {
        Error::NotFound { .. } => "it has no such object, bucket or container".to_owned(),
        Error::PermissionDenied { .. } => "it refuses these credentials the right to do that".to_owned(),
        Error::Unauthenticated { .. } => "it does not accept the credentials".to_owned(),
        _ => match transport(error) {
            Some(HttpErrorKind::Connect) => "it cannot be reached".to_owned(),
            Some(HttpErrorKind::Timeout) => "it did not answer in time".to_owned(),
            Some(_) => "the connection broke".to_owned(),
            None => status(&error.to_string()).map_or_else(
                || "it gave an answer that cannot be understood".to_owned(),
                |status| format!("it answered with status {status}"),
            ),
        },
    }
}

/// What went wrong with the connection, if that is the cause.
fn transport(error: &Error) -> Option<HttpErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// The HTTP status that an error's text tells: the only place where it is told.
fn status(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}
