//! What `dev` and `serve` share: logging, apps, store, clean-up, the listener.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mottak_apps::{Apps, LoadOptions};
use mottak_service::jobs;
use mottak_service::ports::{RandomIds, Register, Store, SystemClock};
use mottak_service::{Service, Settings};
use mottak_web::antiforgery::Antiforgery;
use mottak_web::server::{Server, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::secret;

/// How often dropped and abandoned files are looked for.
const MAINTENANCE_INTERVAL: Duration = Duration::from_mins(1);

/// How long a file that nothing names any more is kept: for downloads under way, and longer than the store takes a
/// staged one for new.
const MAINTENANCE_GRACE: Duration = Duration::from_hours(2);

/// Sends the log to standard error; `RUST_LOG` says how much of it.
pub(crate) fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the threads that serve")
}

/// Loads the apps and tells everything that is wrong with any of them. Broken ones do not stop the others.
pub(crate) fn load_apps(dirs: &[PathBuf], options: LoadOptions) -> Arc<Apps> {
    let (apps, found) = Apps::load_with(dirs, options);
    for (dir, problems) in found {
        for problem in problems {
            if problem.is_error() {
                tracing::error!("{}/{problem}", dir.display());
            } else {
                tracing::warn!("{}/{problem}", dir.display());
            }
        }
    }
    Arc::new(apps)
}

/// What is behind HTTP.
pub(crate) fn service(
    apps: Arc<Apps>,
    store: Arc<dyn Store>,
    register: Arc<dyn Register>,
    settings: Settings,
) -> Service {
    Service::new(apps, store, register, Arc::new(SystemClock), Arc::new(RandomIds), settings)
}

/// The antiforgery check with the key in the data folder, made first when there is none: pages that are open in
/// browsers outlive a restart.
pub(crate) fn antiforgery(data: &Path) -> anyhow::Result<Antiforgery> {
    std::fs::create_dir_all(data).with_context(|| format!("make the folder {}", data.display()))?;
    let path = data.join("antiforgery-key");
    let key = secret::load_or_generate(&path).with_context(|| format!("keep a key in {}", path.display()))?;
    Ok(Antiforgery::with_key(&key))
}

/// Opens the socket and says where, on the first line of standard output: scripts wait for it.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
    let address = listener.local_addr().context("learn the address that is listened on")?;
    Ok((listener, address))
}

/// Prints the line that scripts wait for.
pub(crate) fn announce(address: SocketAddr) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more; that is no reason not to serve.
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
}

/// Serves, and does what commits left to do, until the process is told to stop; then makes everything durable.
pub(crate) async fn serve_until_stopped(
    listener: TcpListener,
    server: Server,
    service: Arc<Service>,
) -> anyhow::Result<()> {
    let maintenance = tokio::spawn(maintain(Arc::clone(&service.store)));
    let jobs = tokio::spawn(jobs::run(Arc::clone(&service)));
    serve(listener, server, stopped()).await.context("serve")?;
    jobs.abort();
    maintenance.abort();
    service.store.close().await;
    Ok(())
}

async fn maintain(store: Arc<dyn Store>) {
    let mut ticks = tokio::time::interval(MAINTENANCE_INTERVAL);
    loop {
        ticks.tick().await;
        match store.maintain(MAINTENANCE_GRACE).await {
            Ok(done) => tracing::debug!(?done, "cleaned up"),
            Err(failure) => tracing::warn!("clean-up: {failure}"),
        }
    }
}

/// Until an interrupt or a termination signal.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
