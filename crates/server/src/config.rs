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
    /// Where this server gives tokens itself.
    pub(crate) authentication: Option<Authentication>,
    pub(crate) store: StorePlace,
}

/// What this server needs to give tokens.
#[derive(Clone, Debug)]
pub(crate) struct Authentication {
    /// Folder of the keys it signs with.
    pub(crate) signing_keys: PathBuf,
    /// The published list of application owners.
    pub(crate) owners: Option<PathBuf>,
    pub(crate) providers: Vec<Provider>,
}

/// Whose tokens are exchanged for ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// `maskinporten`, `id-porten` or `altinnstudio`.
    pub(crate) provider: String,
    /// Exactly as in `iss`.
    pub(crate) issuer: String,
    /// File with its public keys.
    pub(crate) jwks: PathBuf,
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
    authentication: Option<AuthenticationFile>,
    store: StoreOptions,
}

/// The table `[authentication]`: there, this server gives tokens itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct AuthenticationFile {
    signing_keys: Option<PathBuf>,
    owners: Option<PathBuf>,
    providers: Vec<Provider>,
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
        if file.authentication.is_some() && platform_url.is_none() {
            anyhow::bail!("tokens name the platform that gives them: with [authentication], set platform-url as well");
        }
        let platform_url = platform_url.unwrap_or_else(|| "https://platform.altinn.no".to_owned());
        let data = options.data.or(file.data).unwrap_or_else(|| PathBuf::from("mottak-data"));
        let authentication = file.authentication.map(|file| Authentication {
            signing_keys: file.signing_keys.unwrap_or_else(|| data.join("signing-keys")),
            owners: file.owners,
            providers: file.providers,
        });
        Ok(Self {
            store: StorePlace::of(options.store.or(file.store), &data)?,
            apps: if options.apps.is_empty() { file.apps } else { options.apps },
            listen: options.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000))),
            data,
            platform_url: platform_url.trim_end_matches('/').to_owned(),
            issuers,
            register: options.register.or(file.register),
            metrics_key: file.metrics_key,
            authentication,
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
        if let Some(authentication) = &mut file.authentication {
            let paths = authentication.signing_keys.iter_mut().chain(&mut authentication.owners);
            for path in paths.chain(authentication.providers.iter_mut().map(|provider| &mut provider.jwks)) {
                *path = folder.join(&*path);
            }
        }
        if let Some(objects) = file.store.objects.as_mut().filter(|place| !place.contains("://")) {
            *objects = folder.join(&*objects).to_string_lossy().into_owned();
        }
        Ok(file)
    }
}
