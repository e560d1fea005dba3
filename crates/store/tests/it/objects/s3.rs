//! An S3 server inside the test: signatures are checked, objects are files.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use object_store::aws::AmazonS3Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;

use super::places::Place;

const BUCKET: &str = "bodies";
const KEY_ID: &str = "test-key-id";
pub(super) const SECRET: &str = "test-secret-key";

/// Runs as long as the test's runtime.
pub(super) struct S3Server {
    pub(super) address: SocketAddr,
    root: Arc<tempfile::TempDir>,
}

impl S3Server {
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes away is no news.
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { address, root: Arc::new(root) }
    }

    pub(super) fn place(&self) -> Place {
        let client = AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_access_key_id(KEY_ID)
            .with_secret_access_key(SECRET)
            .with_bucket_name(BUCKET)
            .build()
            .unwrap();
        let location = (URL.to_owned(), settings(self.address));
        Place::bucket("S3", location, Arc::new(client), "some/prefix", Some(Arc::clone(&self.root)))
    }
}

pub(super) const URL: &str = "s3://bodies/some/prefix";

/// How the place is reached through this address.
pub(super) fn settings(address: SocketAddr) -> Vec<(String, String)> {
    let endpoint = format!("http://{address}");
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
