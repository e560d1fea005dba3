//! `mottak serve`: apps for others. Nothing of the developers' side exists here.

use std::process::ExitCode;
use std::sync::Arc;

use mottak_apps::LoadOptions;
use mottak_service::authentication::{Takes, TestTokens, TokenVerifier, TrustedIssuer};
use mottak_service::ports::SystemClock;
use mottak_service::{MetricsKey, Settings};
use mottak_store::register::TestRegister;
use mottak_web::server::Server;
use mottak_web::{WebParts, WebState};

use crate::command::ServeOptions;
use crate::config::{Configuration, Issuer};
use crate::{authority, files, run};

/// Serves until stopped.
pub(crate) fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    run::start_logging();
    let configuration = Configuration::from_options(options)?;
    let issuers: anyhow::Result<Vec<_>> = configuration.issuers.iter().map(trusted).collect();
    let mut issuers = issuers?;
    let authority = match &configuration.authentication {
        Some(authentication) => Some(authority::open(authentication, &configuration, &mut issuers)?),
        None => None,
    };
    if issuers.is_empty() {
        tracing::warn!("no issuer is configured: every caller is anonymous");
    }
    let register = match &configuration.register {
        Some(folder) => TestRegister::load(folder)?,
        None => TestRegister::default(),
    };
    let apps = run::load_apps(&configuration.apps, LoadOptions::serving());
    let runtime = run::runtime()?;
    let store = runtime.block_on(configuration.store.open(Arc::new(SystemClock)))?;
    let metrics_key = configuration.metrics_key.as_deref().map(files::text).transpose()?;
    let settings = Settings {
        platform_url: configuration.platform_url.clone(),
        metrics_key: metrics_key.as_deref().and_then(MetricsKey::new),
        ..Settings::default()
    };
    let verifier = TokenVerifier::new(issuers, TestTokens::Refused);
    let antiforgery = run::antiforgery(&configuration.data)?;
    let service = Arc::new(run::service(apps, store, Arc::new(register), settings));
    let state = WebState::new(WebParts { service: Arc::clone(&service), verifier, antiforgery, authority });
    runtime.block_on(async move {
        let (listener, address) = run::listen(configuration.listen).await?;
        if let Some(authentication) = &configuration.authentication {
            tokio::spawn(authority::follow_keys(authentication.signing_keys.clone(), state.clone()));
        }
        run::announce(address);
        run::serve_until_stopped(listener, Server::new(state, None), service).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn trusted(issuer: &Issuer) -> anyhow::Result<TrustedIssuer> {
    let takes = if issuer.components { Takes::Components } else { Takes::Everything };
    Ok(TrustedIssuer { issuer: issuer.issuer.clone(), keys: files::public_keys(&issuer.jwks)?, takes })
}
