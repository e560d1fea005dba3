//! All of HTTP in one service: which half a path belongs to, and what holds for every request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::WebState;
use crate::canonical::Patterns;
use crate::refusal::{Family, panicked};
use crate::response::{add_app_headers, with_type};
use crate::routes::{Route, Routes};
use crate::{app_api, platform_api};

/// First segments of paths that are the platform's; no application owner can have such a code.
const PLATFORM: [&str; 14] = [
    "api",
    "storage",
    "authentication",
    "authorization",
    "register",
    "profile",
    "events",
    "notifications",
    "accessmanagement",
    "resourceregistry",
    "health",
    "home",
    "receipt",
    "pdfservice",
];

const HEADER_PATIENCE: Duration = Duration::from_secs(30);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const DRAIN_PATIENCE: Duration = Duration::from_secs(20);

/// The whole server.
#[derive(Clone, Debug)]
pub struct Server {
    apps: Router,
    platform: Router,
    app_patterns: Arc<Patterns>,
    platform_patterns: Arc<Patterns>,
    table: Arc<[Route]>,
}

impl Server {
    /// Both halves, and with `local` the development logins (`mottak dev` only).
    pub fn new(state: WebState, local: Option<Router>) -> Self {
        let apps = app_api::routes(Routes::new(state.clone()));
        let platform = platform_api::storage::routes(Routes::new(state.clone()));
        let platform =
            if state.authority.is_some() { platform_api::authentication::routes(platform) } else { platform };
        let table = apps.table().iter().chain(platform.table()).cloned().collect();
        let (apps, app_patterns) = apps.into_router();
        let (platform, platform_patterns) = platform.into_router();
        let health = Router::new().route("/health", get(health)).with_state(state.clone());
        let mut platform = platform.merge(health);
        if let Some(local) = local {
            platform = platform.merge(local);
        }
        let finish = |router: Router, family: Family| {
            let state = state.clone();
            // Handlers bound what they read; a stream has no general limit but the server's own.
            router
                .layer(DefaultBodyLimit::disable())
                .layer(CatchPanicLayer::custom(move |_panic| panicked(family, &state)))
        };
        Self {
            apps: finish(apps, Family::App),
            platform: finish(platform, Family::Storage),
            app_patterns: Arc::new(app_patterns),
            platform_patterns: Arc::new(platform_patterns),
            table,
        }
    }

    /// Every declared route with who may call it.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// Answers one request.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        let first = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let is_platform = first.is_empty() || PLATFORM.iter().any(|known| known.eq_ignore_ascii_case(first));
        let (router, patterns) =
            if is_platform { (&self.platform, &self.platform_patterns) } else { (&self.apps, &self.app_patterns) };
        name_host(&mut request);
        if let Some(canonical) = patterns.canonical(request.uri().path()) {
            respell(request.uri_mut(), &canonical);
        }
        let mut response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if !is_platform {
            add_app_headers(response.headers_mut());
        }
        response
    }
}

/// Says the host where all handlers look for it: HTTP/2 names it in the address alone.
fn name_host(request: &mut Request<Body>) {
    let Some(authority) = request.uri().authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
}

fn respell(uri: &mut Uri, path: &str) {
    let spelled = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = std::mem::take(uri).into_parts();
    if let Ok(spelled) = spelled {
        parts.path_and_query = Some(spelled);
    }
    if let Ok(respelled) = Uri::from_parts(parts) {
        *uri = respelled;
    }
}

/// 200 when the server can serve.
async fn health(axum::extract::State(web): axum::extract::State<WebState>) -> Response {
    match web.service.store.is_ready().await {
        Ok(()) => {
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            with_type(StatusCode::OK, text, "Healthy")
        }
        Err(failure) => {
            tracing::error!("not ready: {failure}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Serves connections until `stop` is done; then takes no new ones and gives those under way 20 seconds.
pub async fn serve(
    listener: tokio::net::TcpListener,
    server: Server,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let mut http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    let server = Arc::new(server);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a connection that went away again: others may do better.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "small packets may be delayed");
        }
        let server = Arc::clone(&server);
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.answer(request.map(Body::new)).await) }
        });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_PATIENCE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_address_counts_where_no_header_names_one() {
        let host = |header: Option<&str>, address: &str| {
            let builder = Request::builder().uri(address);
            let builder = header.into_iter().fold(builder, |builder, host| builder.header(HOST, host));
            let mut request = builder.body(Body::empty()).expect("a request");
            name_host(&mut request);
            request.headers().get(HOST).map(|host| host.to_str().expect("a name").to_owned())
        };
        assert_eq!(host(None, "http://ttd.apps.example:81/a").as_deref(), Some("ttd.apps.example:81"));
        assert_eq!(host(Some("a.example"), "http://b.example/a").as_deref(), Some("a.example"));
        assert_eq!(host(None, "/a"), None);
    }
}
