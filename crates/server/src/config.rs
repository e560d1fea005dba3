//! The configuration of `mottak serve`: command line and environment first, then the file, then defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::command::{ServeOptions, StoreArguments};
use crate::place::{StoreOptions, StorePlace};

/// Everything `serve` has to know.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) apps: Vec<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) platform_url: String,
    /// Issuer and file of its keys.
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) register: Option<PathBuf>,
    /// File with the key to figures of use.
    pub(crate) metrics_key: Option<PathBuf>,
    pub(crate) store: StorePlace,
}

/// Whose tokens are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// Exactly as in `iss`.
    pub(crate) issuer: String,
    /// File with its public keys.
    pub(crate) jwks: PathBuf,
    /// Whether they are platform access tokens: those prove components of the platform and apps' own backends, and
    /// never a caller.
    #[serde(default)]
    pub(crate) components: bool,
}

/// The file. Paths in it are relative to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct File {
    apps: Vec<PathBuf>,
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    platform_url: Option<String>,
    issuers: Vec<Issuer>,
    register: Option<PathBuf>,
    metrics_key: Option<PathBuf>,
    store: StoreOptions,
}

impl Configuration {
    pub(crate) fn from_options(options: ServeOptions) -> anyhow::Result<Self> {
        let file = match &options.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let issuers = match (options.issuer, options.jwks) {
            (Some(issuer), Some(jwks)) => vec![Issuer { issuer, jwks, components: false }],
            _ => file.issuers,
        };
        let platform_url = options.platform_url.or(file.platform_url);
        let platform_url = platform_url.unwrap_or_else(|| "https://platform.altinn.no".to_owned());
        let data = options.data.or(file.data).unwrap_or_else(|| PathBuf::from("mottak-data"));
        Ok(Self {
            store: StorePlace::of(options.store.or(file.store), &data)?,
            apps: if options.apps.is_empty() { file.apps } else { options.apps },
            listen: options.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000))),
            data,
            platform_url: platform_url.trim_end_matches('/').to_owned(),
            issuers,
            register: options.register.or(file.register),
            metrics_key: file.metrics_key,
        })
    }
}

impl StoreArguments {
    /// What the server would have to know.
    pub(crate) fn configuration(self) -> anyhow::Result<Configuration> {
        let Self { config, data, store } = self;
        Configuration::from_options(ServeOptions { config, data, store, ..ServeOptions::default() })
    }
}

impl File {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read the configuration {}", path.display()))?;
        let mut file: Self =
            toml::from_str(&text).with_context(|| format!("understand the configuration {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let paths = file.apps.iter_mut().chain(&mut file.data).chain(&mut file.register).chain(&mut file.metrics_key);
        for path in paths.chain(file.issuers.iter_mut().map(|issuer| &mut issuer.jwks)) {
            *path = folder.join(&*path);
        }
        if let Some(objects) = file.store.objects.as_mut().filter(|place| !place.contains("://")) {
            *objects = folder.join(&*objects).to_string_lossy().into_owned();
        }
        Ok(file)
    }
}
