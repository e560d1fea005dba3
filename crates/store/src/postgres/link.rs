//! A connection that comes back: one client shared by many callers, whose statements travel one behind the other.
//!
//! A link keeps no state that a statement could depend on, but for prepared statements. Without these it also works
//! through a pooler that gives every transaction another connection.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mottak_service::ports::StoreFailure;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresOptions;
use crate::rules::failure;

/// Prepared statements per connection. Lists differ in shape; all other statements are a few dozen.
const STATEMENTS: usize = 256;

/// A statement and its parameters.
pub(super) struct Call<'a> {
    sql: Cow<'a, str>,
    parameters: Vec<(Box<dyn ToSql + Sync + Send + 'a>, Type)>,
}

impl<'a> Call<'a> {
    pub(super) fn new(sql: impl Into<Cow<'a, str>>) -> Self {
        Self { sql: sql.into(), parameters: Vec::new() }
    }

    /// The value of the next parameter, and its type.
    pub(super) fn with(self, value: impl ToSql + Sync + Send + 'a, kind: Type) -> Self {
        self.with_boxed(Box::new(value), kind)
    }

    pub(super) fn with_boxed(mut self, value: Box<dyn ToSql + Sync + Send + 'a>, kind: Type) -> Self {
        self.parameters.push((value, kind));
        self
    }

    /// Asks how the statement would be run.
    #[cfg(test)]
    pub(super) fn explained(self) -> Self {
        Self { sql: format!("explain (costs off) {}", self.sql).into(), ..self }
    }

    fn types(&self) -> Vec<Type> {
        self.parameters.iter().map(|(_, kind)| kind.clone()).collect()
    }
}

/// The statement only: parameters are other people's data.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sql)
    }
}

/// The text as PostgreSQL can hold it: without the one character that it cannot. In documents, which are JSON, that is
/// written in another way; elsewhere it has no meaning.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Where the database is and how it is talked to.
#[derive(Debug)]
pub(super) struct Address {
    config: Config,
    /// For `sslmode=require`.
    tls: ClientConfig,
    prepares: bool,
    /// Drives the connections, whoever first needs them.
    runtime: Handle,
}

impl Address {
    /// `url`: as PostgreSQL's own clients understand it. Must be called within a runtime.
    pub(super) fn parse(url: &str, options: &PostgresOptions) -> Result<Self, StoreFailure> {
        const ATTEMPT: &str = "understand the database's URL";
        // The URL has a password in it, and the parser's words may quote it.
        let mut config: Config = url.parse().map_err(|_| failure(ATTEMPT, "it is not a URL of PostgreSQL"))?;
        if config.get_application_name().is_none() {
            config.application_name("mottak");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(20));
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            // Encryption that whoever is in between may refuse protects nothing: it is asked for or it is not.
            config.ssl_mode(SslMode::Disable);
        }
        config.keepalives_idle(Duration::from_secs(30));
        if options.prepared_statements {
            let settings = session_settings(options);
            let all = config.get_options().map_or_else(|| settings.clone(), |given| format!("{given} {settings}"));
            config.options(all);
        }
        let runtime = Handle::try_current().map_err(|error| failure(ATTEMPT, error))?;
        Ok(Self { config, tls: tls()?, prepares: options.prepared_statements, runtime })
    }

    async fn connect(&self) -> Result<Session, Error> {
        let (config, tls) = (self.config.clone(), self.tls.clone());
        let driver = self.runtime.clone();
        let connecting = self.runtime.spawn(async move {
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
            driver.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(cause = cause_of(&error), "a connection to the database ended");
                }
            });
            Ok(client)
        });
        let client = connecting.await.unwrap_or_else(|_| Err(Error::__private_api_timeout()))?;
        Ok(Session { client, statements: self.prepares.then(Mutex::default) })
    }
}

/// Whom this machine trusts. A certificate that cannot be read is one that nobody is trusted by.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// Encrypts, and believes a server whose certificate names its host and comes from somebody trusted.
fn tls() -> Result<ClientConfig, StoreFailure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failure("prepare encrypted connections", error))?
        .with_root_certificates(Arc::clone(&ROOTS))
        .with_no_client_auth();
    Ok(config)
}

/// For people: hosts and database, nothing secret.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "{hosts}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

/// What a connection is told when it begins. How statements are run is decided here and by the indexes, not by what the
/// planner thinks of a table it has not counted yet.
fn session_settings(options: &PostgresOptions) -> String {
    let settings = [
        ("statement_timeout", options.statement_timeout.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", options.idle_timeout.as_millis().to_string()),
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_bitmapscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        ("enable_sort", "off".to_owned()),
        ("max_parallel_workers_per_gather", "0".to_owned()),
        ("jit", "off".to_owned()),
    ];
    settings.iter().map(|(name, value)| format!("-c {name}={value}")).collect::<Vec<_>>().join(" ")
}

/// One connection.
pub(super) struct Session {
    client: Client,
    /// By their text; `None` where statements are not prepared.
    statements: Option<Mutex<HashMap<String, Statement>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.client.is_closed()).finish_non_exhaustive()
    }
}

/// A call whose statement the server knows already: its parts leave at once, in the order in which they are awaited.
pub(super) struct Ready<'c> {
    call: &'c Call<'c>,
    statement: Option<Statement>,
}

impl Session {
    /// Has the call's statement prepared, if statements are.
    pub(super) async fn ready<'c>(&self, call: &'c Call<'c>) -> Result<Ready<'c>, Error> {
        let Some(statements) = &self.statements else { return Ok(Ready { call, statement: None }) };
        let known = lock(statements).get(&*call.sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => {
                let statement = self.client.prepare_typed(&call.sql, &call.types()).await?;
                let mut statements = lock(statements);
                if statements.len() >= STATEMENTS {
                    statements.clear();
                }
                statements.insert(call.sql.clone().into_owned(), statement.clone());
                statement
            }
        };
        Ok(Ready { call, statement: Some(statement) })
    }

    pub(super) async fn rows(&self, ready: &Ready<'_>) -> Result<Vec<Row>, Error> {
        match &ready.statement {
            Some(statement) => self.client.query(statement, &values(ready.call)).await,
            None => self.client.query_typed(&ready.call.sql, &typed(ready.call)).await,
        }
    }

    /// Answers how many rows were written.
    pub(super) async fn execute(&self, ready: &Ready<'_>) -> Result<u64, Error> {
        match &ready.statement {
            Some(statement) => self.client.execute(statement, &values(ready.call)).await,
            None => self.client.execute_typed(&ready.call.sql, &typed(ready.call)).await,
        }
    }

    /// Runs a statement that answers with rows.
    pub(super) async fn query(&self, call: &Call<'_>) -> Result<Vec<Row>, Error> {
        self.rows(&self.ready(call).await?).await
    }

    /// Sends everything at once, `first` and `last` (when there are such words) around the calls, and waits for all answers. After a failure, what
    /// follows in the same transaction is refused by the server.
    pub(super) async fn pipeline(&self, first: &str, calls: &[Call<'_>], last: &str) -> Result<Vec<Vec<Row>>, Error> {
        // Preparing waits for an answer: it must be over before the first part leaves.
        let mut ready = Vec::with_capacity(calls.len());
        for call in calls {
            ready.push(self.ready(call).await?);
        }
        let words = |sql| -> BoxFuture<'_, _> { Box::pin(async move { self.run(sql).await.map(|()| Vec::new()) }) };
        let mut steps: Vec<BoxFuture<'_, Result<Vec<Row>, Error>>> = Vec::with_capacity(calls.len() + 2);
        if !first.is_empty() {
            steps.push(words(first));
        }
        steps.extend(ready.iter().map(|ready| -> BoxFuture<'_, _> { Box::pin(self.rows(ready)) }));
        if !last.is_empty() {
            steps.push(words(last));
        }
        // Each leaves when it is first polled; so they leave in this order, before any is waited for.
        let mut sent = Vec::with_capacity(steps.len());
        for mut step in steps {
            let answer = poll_fn(|context| Poll::Ready(step.as_mut().poll(context))).await;
            sent.push((step, answer));
        }
        let mut answers = Vec::with_capacity(sent.len());
        let mut failure = None;
        for (step, answer) in sent {
            let answer = match answer {
                Poll::Ready(answer) => answer,
                Poll::Pending => step.await,
            };
            match answer {
                Ok(rows) => answers.push(rows),
                // What follows is waited for too: then the transaction is over.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if !first.is_empty() {
            answers.remove(0);
        }
        answers.truncate(calls.len());
        Ok(answers)
    }

    /// Runs statements without parameters.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

fn values<'c>(call: &'c Call<'_>) -> Vec<&'c (dyn ToSql + Sync)> {
    call.parameters.iter().map(|(value, _)| &**value as &(dyn ToSql + Sync)).collect()
}

fn typed<'c>(call: &'c Call<'_>) -> Vec<(&'c (dyn ToSql + Sync), Type)> {
    call.parameters.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The current connection, made when it is first needed and again after it was lost.
#[derive(Debug)]
pub(super) struct Link {
    address: Arc<Address>,
    session: RwLock<Option<Arc<Session>>>,
    /// One at a time connects; the others wait for it.
    connecting: tokio::sync::Mutex<()>,
}

impl Link {
    pub(super) fn new(address: &Arc<Address>) -> Self {
        Self { address: Arc::clone(address), session: RwLock::new(None), connecting: tokio::sync::Mutex::new(()) }
    }

    /// A connection that was open a moment ago.
    pub(super) async fn session(&self) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.open_session() {
            return Ok(session);
        }
        let _turn = self.connecting.lock().await;
        if let Some(session) = self.open_session() {
            return Ok(session);
        }
        let session = Arc::new(self.address.connect().await?);
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&session));
        Ok(session)
    }

    fn open_session(&self) -> Option<Arc<Session>> {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        session.as_ref().filter(|session| session.is_open()).cloned()
    }

    /// The next caller gets another connection: this one was seen to be lost.
    pub(super) fn forget(&self, lost: &Arc<Session>) {
        let mut session = self.session.write().unwrap_or_else(PoisonError::into_inner);
        if session.as_ref().is_some_and(|session| Arc::ptr_eq(session, lost)) {
            *session = None;
        }
    }

    /// Does something on the current connection, which is forgotten if it turns out to be lost.
    pub(super) async fn with_session<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let session = self.session().await?;
        let done = work(&session).await;
        if done.as_ref().is_err_and(is_lost) {
            self.forget(&session);
        }
        done
    }

    /// Reads rows. A connection that turns out to be lost is replaced once.
    pub(super) async fn query(&self, attempt: &str, call: &Call<'_>) -> Result<Vec<Row>, StoreFailure> {
        match self.with_session(async |session| session.query(call).await).await {
            Err(error) if is_lost(&error) => self.with_session(async |session| session.query(call).await).await,
            done => done,
        }
        .map_err(|error| failed(attempt, &error))
    }

    /// Writes by one statement. When the connection is lost meanwhile, nobody knows whether it was done.
    pub(super) async fn execute(&self, attempt: &str, call: &Call<'_>) -> Result<u64, StoreFailure> {
        let done = self.with_session(async |session| session.execute(&session.ready(call).await?).await).await;
        done.map_err(|error| failed(attempt, &error))
    }
}

/// Links that everybody shares.
#[derive(Debug)]
pub(super) struct SharedLinks {
    links: Vec<Link>,
    next: AtomicUsize,
}

impl SharedLinks {
    pub(super) fn new(address: &Arc<Address>, count: usize) -> Self {
        Self { links: (0..count.max(1)).map(|_| Link::new(address)).collect(), next: AtomicUsize::new(0) }
    }

    /// The next in turn.
    pub(super) fn any(&self) -> &Link {
        &self.links[self.next.fetch_add(1, Ordering::Relaxed) % self.links.len()]
    }
}

/// Links that serve one caller at a time. Few may wait; more are refused.
#[derive(Debug)]
pub(super) struct LinkPool {
    free: Mutex<Vec<Link>>,
    permits: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// A link of a pool, until it is dropped.
#[derive(Debug)]
pub(super) struct Lent<'p> {
    pool: &'p LinkPool,
    link: Option<Link>,
    _permit: tokio::sync::SemaphorePermit<'p>,
}

impl LinkPool {
    pub(super) fn new(address: &Arc<Address>, count: usize, most_waiting: usize) -> Self {
        let free: Vec<_> = (0..count.max(1)).map(|_| Link::new(address)).collect();
        Self { permits: Semaphore::new(free.len()), free: Mutex::new(free), waiting: AtomicUsize::new(0), most_waiting }
    }

    /// A free link, now or soon. Refused at once when too many are waiting.
    pub(super) async fn lend(&self, attempt: &str) -> Result<Lent<'_>, StoreFailure> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let waiting = Waiting::begin(&self.waiting);
                if waiting.number > self.most_waiting {
                    let overload = failure(attempt, "too many requests are waiting for a connection");
                    return Err(StoreFailure { is_overload: true, ..overload });
                }
                self.permits.acquire().await.map_err(|error| failure(attempt, error))?
            }
        };
        let link = lock(&self.free).pop();
        Ok(Lent { pool: self, link, _permit: permit })
    }
}

/// Counted as long as it waits, also when its caller gives up.
struct Waiting<'p> {
    count: &'p AtomicUsize,
    number: usize,
}

impl<'p> Waiting<'p> {
    fn begin(count: &'p AtomicUsize) -> Self {
        Self { count, number: count.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Lent<'_> {
    type Target = Link;

    fn deref(&self) -> &Link {
        self.link.as_ref().expect("there is a free link for every permit, and it is given back on drop")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            lock(&self.pool.free).push(link);
        }
    }
}

/// Whether the connection is gone or going, so that another one may do better.
pub(super) fn is_lost(error: &Error) -> bool {
    match error.code() {
        None => error.as_db_error().is_none(),
        Some(code) => {
            [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT]
                .contains(code)
                || code.code().starts_with("08")
        }
    }
}

/// Whether the database cannot serve now but may in a moment.
fn is_overload(error: &Error) -> bool {
    let busy = [SqlState::TOO_MANY_CONNECTIONS, SqlState::CANNOT_CONNECT_NOW, SqlState::QUERY_CANCELED];
    is_lost(error) || error.code().is_some_and(|code| busy.contains(code))
}

/// What went wrong, for the log: the state's code and the constraint. PostgreSQL's own words may quote data.
pub(super) fn cause_of(error: &Error) -> String {
    match error.as_db_error() {
        Some(refusal) => {
            let constraint = refusal.constraint().map(|name| format!(", constraint {name}")).unwrap_or_default();
            format!("the database answered {}{constraint}", refusal.code().code())
        }
        None if error.is_closed() => "the connection is closed".to_owned(),
        None => match error.source_kind() {
            Some(kind) => format!("the connection failed: {kind}"),
            None => "the connection failed".to_owned(),
        },
    }
}

trait SourceKind {
    /// The kind of input or output that failed.
    fn source_kind(&self) -> Option<std::io::ErrorKind>;
}

impl SourceKind for Error {
    fn source_kind(&self) -> Option<std::io::ErrorKind> {
        std::error::Error::source(self)?.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
    }
}

/// Names what was attempted on a failed statement.
pub(super) fn failed(attempt: &str, error: &Error) -> StoreFailure {
    StoreFailure { is_overload: is_overload(error), ..failure(attempt, cause_of(error)) }
}
