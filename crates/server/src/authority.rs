//! Giving tokens: the keys they are signed with, and whose tokens are exchanged for them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mottak_service::authentication::{
    Authority, KeyRing, OwnerCodes, Takes, TokenIssuer, TokenProvider, TrustedIssuer,
};
use mottak_service::ports::{Clock as _, SystemClock};
use mottak_web::WebState;

use crate::config::{Authentication, Configuration, Provider};
use crate::files;

/// How often the folder of keys is looked at.
const KEYS_INTERVAL: Duration = Duration::from_mins(1);

/// What gives tokens as configured. Adds it, and those whose tokens it takes in exchange, to the trusted.
pub(crate) fn open(
    authentication: &Authentication,
    configuration: &Configuration,
    issuers: &mut Vec<TrustedIssuer>,
) -> anyhow::Result<Authority> {
    let name = format!("{}/authentication/api/v1/openid/", configuration.platform_url);
    if !name.starts_with("https://") && !configuration.listen.ip().is_loopback() {
        bail!("tokens are given over https alone: platform-url is {}", configuration.platform_url);
    }
    if issuers.iter().any(|other| other.issuer == name) {
        bail!("the issuer {name} is this server itself: leave it out of [[issuers]], or [authentication] out");
    }
    let folder = &authentication.signing_keys;
    let ring = KeyRing::load_or_generate(folder).with_context(|| format!("take keys from {}", folder.display()))?;
    for provider in &authentication.providers {
        issuers.push(upstream(provider)?);
    }
    let keys = ring.public_keys(SystemClock.now());
    issuers.push(TrustedIssuer { issuer: name.clone(), keys, takes: Takes::Everything });
    let owners = match &authentication.owners {
        Some(file) => {
            let owners = OwnerCodes::from_list(&files::json(file)?);
            owners.with_context(|| format!("{} lists no application owners under `orgs`", file.display()))?
        }
        None => OwnerCodes::default(),
    };
    Ok(Authority::new(TokenIssuer::with_ring(&name, ring), owners))
}

fn upstream(provider: &Provider) -> anyhow::Result<TrustedIssuer> {
    let known = TokenProvider::parse(&provider.provider);
    let known = known.with_context(|| format!("no provider of tokens is called {}", provider.provider))?;
    let keys = files::public_keys(&provider.jwks)?;
    Ok(TrustedIssuer { issuer: provider.issuer.clone(), keys, takes: Takes::Exchange(known) })
}

/// Takes keys that are put into the folder, or taken out of it, while the server runs. What cannot be read changes
/// nothing.
pub(crate) async fn follow_keys(folder: PathBuf, web: WebState) {
    let mut ticks = tokio::time::interval(KEYS_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(authority) = &web.authority else { return };
        match KeyRing::load_or_generate(&folder) {
            Ok(ring) if ring.has_keys_of(&authority.issuer.ring()) => {}
            Ok(ring) => {
                tracing::info!(keys = ?ring, "the signing keys are others");
                web.replace_keys(ring);
            }
            Err(problem) => tracing::error!("the signing keys stay as they are: {problem}"),
        }
    }
}
