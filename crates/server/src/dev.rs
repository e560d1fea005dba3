//! `mottak dev`: everything a developer needs on one machine. Test persons, logins without passwords, apps that reload.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mottak_apps::{Apps, LoadOptions, ReloadOutcome};
use mottak_service::Settings;
use mottak_service::authentication::{
    Authority, OwnerCodes, PublicKeys, SigningKey, Takes, TestTokens, TokenIssuer, TokenVerifier, TrustedIssuer,
};
use mottak_service::jobs::TestScanner;
use mottak_service::ports::{RandomIds, Register, SystemClock};
use mottak_store::register::TestRegister;
use mottak_web::local::{self, LocalApps, LocalState, TestIdentities};
use mottak_web::server::Server;
use mottak_web::{WebParts, WebState};

use crate::command::DevOptions;
use crate::place::{StoreOptions, StorePlace};
use crate::run;

/// Serves until stopped.
pub(crate) fn run(options: DevOptions) -> anyhow::Result<ExitCode> {
    run::start_logging();
    let dirs = if options.apps.is_empty() { example_apps() } else { options.apps };
    let register = match &options.testdata {
        Some(folder) => TestRegister::load(folder)?,
        None => TestRegister::builtin(),
    };
    let apps = run::load_apps(&dirs, LoadOptions::serving());
    let objects = options.store.objects.or_else(|| Some(options.data.join("objects").to_string_lossy().into_owned()));
    let place = StorePlace::of(StoreOptions { objects, ..options.store }, &options.data)?;
    let runtime = run::runtime()?;
    let store = runtime.block_on(place.open(Arc::new(SystemClock)))?;
    let antiforgery = run::antiforgery(&options.data)?;
    let key = Arc::new(SigningKey::load_or_generate(&options.data.join("signing-key.pem"))?);
    runtime.block_on(async move {
        let (listener, address) = run::listen(options.listen).await?;
        let public_url = format!("http://{address}");
        let issuer = TokenIssuer::new(&format!("{public_url}/authentication/api/v1/openid/"), Arc::clone(&key));
        let components = LocalState::COMPONENTS.map(|name| TokenIssuer::new(name, Arc::clone(&key)));
        let trusted = |issuer: &TokenIssuer, takes| TrustedIssuer {
            issuer: issuer.issuer().to_owned(),
            keys: PublicKeys::of(&key),
            takes,
        };
        let verifier = || {
            let components = components.iter().map(|issuer| trusted(issuer, Takes::Components));
            let issuers = [trusted(&issuer, Takes::Everything)].into_iter().chain(components).collect();
            TokenVerifier::new(issuers, TestTokens::Accepted)
        };
        let generator_verifier = Arc::new(verifier());
        let settings = Settings { platform_url: public_url.clone(), is_production: false, ..Settings::default() };
        let identities = Arc::new(identities(&register));
        let register: Arc<dyn Register> = Arc::new(register);
        let service = run::service(Arc::clone(&apps), store, Arc::clone(&register), settings);
        let service = Arc::new(service.with_scanner(Arc::new(TestScanner)));
        let authority = Some(Authority::new(issuer.clone(), OwnerCodes::default()));
        let parts = WebParts { service: Arc::clone(&service), verifier: verifier(), antiforgery, authority };
        let state = WebState::new(parts);
        let local = local::router(LocalState {
            issuer,
            components: components.into(),
            generator_login: options.generator_login,
            verifier: generator_verifier,
            register,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            identities,
            apps: Arc::clone(&apps) as Arc<dyn LocalApps>,
            public_url: public_url.into(),
            hosts: hosts(address),
        });
        let _watch = watch(&apps);
        run::announce(address);
        print_invitation(address, &apps);
        run::serve_until_stopped(listener, Server::new(state, Some(local)), service).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The example apps: beside the working folder, or where this binary was built.
fn example_apps() -> Vec<PathBuf> {
    let built_at = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps");
    let folder = if Path::new("apps").is_dir() { PathBuf::from("apps") } else { built_at };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut apps: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join("App").is_dir()).collect();
    apps.sort();
    apps
}

/// Apps reload when their files change; a broken change keeps the version before.
fn watch(apps: &Arc<Apps>) -> Option<mottak_apps::Watch> {
    let watch = apps.watch(|reload| {
        let folder = reload.dir.display();
        match reload.outcome {
            ReloadOutcome::Replaced => tracing::info!("{folder}: reloaded"),
            ReloadOutcome::Unchanged => {}
            ReloadOutcome::Refused => tracing::error!("{folder}: not reloaded; the version before is served"),
        }
        for problem in reload.problems {
            tracing::warn!("{folder}/{problem}");
        }
    });
    watch.inspect_err(|error| tracing::warn!("apps will not reload: {error}")).ok()
}

fn identities(register: &TestRegister) -> TestIdentities {
    let users = register.profiles();
    TestIdentities {
        organizations: register.organization_numbers().map(str::to_owned).collect(),
        system_users: register.system_users().cloned().collect(),
        systems: register.systems().iter().map(|system| (system.id.clone(), system.name.clone())).collect(),
        extra_claims: users
            .iter()
            .flat_map(|user| {
                let claims = register.extra_claims(user.user_id);
                claims.iter().map(|(name, value)| (user.user_id, name.clone(), value.clone()))
            })
            .collect(),
    }
}

/// The host names of this machine, and the address that is listened on.
fn hosts(address: SocketAddr) -> Arc<[String]> {
    let known = LocalState::HOSTS.into_iter().map(str::to_owned);
    known.chain([address.ip().to_string()]).collect()
}

/// Prints what to open and try next.
fn print_invitation(address: SocketAddr, apps: &Apps) {
    // Nobody may be reading; that is no reason not to serve.
    let _ = std::io::stdout().lock().write_all(invitation(address, apps).as_bytes());
}

fn invitation(address: SocketAddr, apps: &Apps) -> String {
    let port = address.port();
    let mut text = format!("\n  start page     http://local.altinn.cloud:{port}/ (or http://{address}/)\n");
    let apps = apps.list();
    for app in &apps {
        let _ = writeln!(text, "  app            http://local.altinn.cloud:{port}/{}/", app.id);
    }
    let _ = writeln!(text, "\n  try            TOKEN=$(curl -s http://{address}/Home/GetTestUserToken/1337)");
    if let Some(app) = apps.first() {
        let _ = writeln!(
            text,
            "                 curl -s -X POST -H \"Authorization: Bearer $TOKEN\" \\\n                   \
             'http://{address}/{}/instances?instanceOwnerPartyId=501337'",
            app.id
        );
    }
    text.push('\n');
    text
}
