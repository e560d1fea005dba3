//! The service: the parts a use case needs, and the way every write goes.

use std::sync::Arc;
use std::time::Duration;

use mottak_apps::{App, Apps};
use mottak_model::{Instance, InstanceId, Time};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use crate::gates::{Gate, Gates};
use crate::ports::{Change, Clock, CommitFailure, FileScanner, Ids, Register, Snapshot, Store};
use crate::storage::applications::Registered;
use crate::{Problem, Refusal};

/// How often a write that lost a race is decided anew before it is refused.
const ATTEMPTS: usize = 5;

/// How long a write waits for another one on the same instance.
const GATE_PATIENCE: Duration = Duration::from_secs(30);

/// What a deployment decides once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Public address of the platform API without a trailing slash: `https://platform.altinn.no`.
    pub platform_url: String,
    /// Scheme of the links in the application API's answers. Clients expect `https`, also behind a plain proxy.
    pub app_link_scheme: String,
    /// Whether rules that only hold in production hold (`disallowUserInstantiation`, app-api §20.6).
    pub is_production: bool,
    /// What has to be shown to read figures of use; none: nobody may.
    pub metrics_key: Option<MetricsKey>,
}

/// The key to figures of use. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsKey(String);

impl MetricsKey {
    /// A key; blank ones open nothing.
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    /// Whether this is what was given. Takes equally long for every wrong one.
    pub fn is(&self, given: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(given)
    }
}

impl std::fmt::Debug for MetricsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsKey")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            platform_url: "https://platform.altinn.no".to_owned(),
            app_link_scheme: "https".to_owned(),
            is_production: true,
            metrics_key: None,
        }
    }
}

/// Everything a use case works with. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Service {
    pub apps: Arc<Apps>,
    pub store: Arc<dyn Store>,
    pub register: Arc<dyn Register>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub settings: Settings,
    /// Looks at uploaded files; they stay unscanned where there is none.
    pub(crate) scanner: Option<Arc<dyn FileScanner>>,
    /// Wakes who works on jobs.
    pub(crate) has_jobs: Notify,
    /// Applications that were registered, as they were read a moment ago.
    pub(crate) registered: Registered,
    /// Writes wait here for one another.
    gates: Gates,
    /// Moves of the process do not wait: the second one is told that it came second.
    moves: Gates,
}

/// Why one attempt at a write came to nothing.
#[derive(Debug)]
pub(crate) enum Attempt {
    Refused(Refusal),
    /// Somebody else was first; what was decided no longer holds.
    Raced,
}

impl Attempt {
    /// The refusal for a write that is not tried again.
    pub(crate) fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Raced => Refusal::Conflict(Problem::bare()),
        }
    }
}

impl From<Refusal> for Attempt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<F> From<F> for Attempt
where
    F: IntoRefusal,
{
    fn from(failure: F) -> Self {
        Self::Refused(failure.into_refusal())
    }
}

/// Failures of ports that become a refusal on the way.
pub(crate) trait IntoRefusal {
    fn into_refusal(self) -> Refusal;
}

macro_rules! into_refusal {
    ($($failure:ty),+) => {
        $(impl IntoRefusal for $failure {
            fn into_refusal(self) -> Refusal {
                self.into()
            }
        })+
    };
}
into_refusal!(crate::ports::StoreFailure, crate::ports::BlobFailure, crate::ports::RegisterFailure);

impl Service {
    /// A service over these parts.
    pub fn new(
        apps: Arc<Apps>,
        store: Arc<dyn Store>,
        register: Arc<dyn Register>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: Settings,
    ) -> Self {
        Self {
            apps,
            store,
            register,
            clock,
            ids,
            settings,
            scanner: None,
            has_jobs: Notify::new(),
            registered: Registered::default(),
            gates: Gates::default(),
            moves: Gates::default(),
        }
    }

    /// The same service with uploaded files looked at by this scanner.
    #[must_use]
    pub fn with_scanner(self, scanner: Arc<dyn FileScanner>) -> Self {
        Self { scanner: Some(scanner), ..self }
    }

    /// The loaded app, or the refusal for an unknown one.
    pub fn app(&self, org: &str, app: &str) -> Result<Arc<App>, Refusal> {
        self.apps.get(org, app).ok_or_else(|| Refusal::NotFound(Problem::bare()))
    }

    /// The instance with its elements.
    pub async fn load(&self, id: InstanceId) -> Result<Option<Snapshot>, Refusal> {
        Ok(self.store.load(id).await?)
    }

    /// Waits until no other write on this instance is under way in this process.
    ///
    /// Versions alone keep the data right; the gate keeps ten uploads to one instance from wearing out their attempts
    /// against each other.
    pub(crate) async fn enter(&self, id: InstanceId) -> Result<Gate, Refusal> {
        tokio::time::timeout(GATE_PATIENCE, self.gates.enter(id)).await.map_err(|_| Refusal::Busy)
    }

    /// Claims the right to move the instance's process, unless another request is moving it.
    pub(crate) fn begin_move(&self, id: InstanceId) -> Option<Gate> {
        self.moves.try_enter(id)
    }

    /// Decides and commits, anew when somebody else was first. Deciding has no effects, so deciding twice is safe.
    pub(crate) async fn retrying<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Attempt>>,
    {
        for _ in 0..ATTEMPTS {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(Attempt::Refused(refusal)) => return Err(refusal),
                Err(Attempt::Raced) => {}
            }
        }
        Err(Refusal::Conflict(Problem::bare()))
    }

    /// Commits a change of a loaded instance and answers the instance as it then is.
    pub(crate) async fn commit(&self, before: Option<&Instance>, change: Change) -> Result<Instance, Attempt> {
        let effect = Effect::of(before, &change);
        let now = self.clock.now();
        let leaves_work = change.jobs.iter().any(|job| job.due <= now);
        match self.store.commit(change).await {
            Ok(committed) => {
                if leaves_work {
                    self.has_jobs.notify_one();
                }
                Ok(effect.at(committed.changed))
            }
            Err(CommitFailure::Conflict) => Err(Attempt::Raced),
            Err(CommitFailure::Failed(failure)) => Err(failure.into()),
        }
    }
}

/// What an instance will look like once a change is committed, all but the time of the commit.
struct Effect {
    instance: Instance,
    touched_elements: Vec<mottak_model::Guid>,
    is_touched: bool,
}

impl Effect {
    fn of(before: Option<&Instance>, change: &Change) -> Self {
        let mut instance = change
            .instance
            .clone()
            .or_else(|| before.cloned())
            .unwrap_or_else(|| unreachable!("a change without an instance is made from a loaded one"));
        instance.data = before.map(|before| before.data.clone()).unwrap_or_default();
        if let Some(before) = before {
            instance.last_changed = before.last_changed;
        }
        let mut touched_elements = Vec::new();
        for element in &change.elements {
            match element {
                crate::ports::ElementChange::Put(put) => {
                    if put.touch {
                        touched_elements.push(put.element.id);
                    }
                    match instance.data.iter_mut().find(|existing| existing.id == put.element.id) {
                        Some(existing) => *existing = put.element.clone(),
                        None => instance.data.push(put.element.clone()),
                    }
                }
                crate::ports::ElementChange::Drop(id) => instance.data.retain(|existing| existing.id != *id),
            }
        }
        Self { instance, touched_elements, is_touched: change.touch || before.is_none() }
    }

    fn at(mut self, changed: Time) -> Instance {
        if self.is_touched {
            self.instance.last_changed = Some(changed);
        }
        for element in &mut self.instance.data {
            if self.touched_elements.contains(&element.id) {
                element.last_changed = Some(changed);
            }
        }
        self.instance
    }
}
