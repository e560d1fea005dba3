//! Applications as Storage knows them: those that were registered, and those that are loaded from their folders
//! (platform-storage §2.8).
//!
//! A registered document wins over the loaded app's within Storage; the application API goes by the folder alone.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use mottak_apps::App;
use mottak_model::{AppId, Application};

use crate::ports::RecordKind;
use crate::{Refusal, Service};

/// How long what was registered through another server goes unnoticed.
const STALE: Duration = Duration::from_secs(5);

/// Metadata that was registered.
#[derive(Debug)]
pub struct RegisteredApplication {
    pub application: Application,
    /// As clients see it: JSON.
    pub document: Bytes,
}

/// An application that Storage knows. Acts as its metadata.
#[derive(Clone, Debug)]
pub enum Known {
    Registered(Arc<RegisteredApplication>),
    Loaded(Arc<App>),
}

impl Deref for Known {
    type Target = Application;

    fn deref(&self) -> &Application {
        match self {
            Self::Registered(registered) => &registered.application,
            Self::Loaded(app) => &app.application,
        }
    }
}

impl Known {
    /// The metadata as clients see it: JSON.
    pub fn document(&self) -> Bytes {
        match self {
            Self::Registered(registered) => registered.document.clone(),
            Self::Loaded(app) => app.metadata.storage.clone(),
        }
    }
}

/// What was registered, as it was read a moment ago; also that nothing was.
#[derive(Debug)]
pub(crate) struct Registered(Cache<String, Option<Arc<RegisteredApplication>>>);

impl Default for Registered {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_live(STALE).build())
    }
}

/// The application with this id.
pub async fn find(svc: &Service, id: &AppId) -> Result<Option<Known>, Refusal> {
    if let Some(registered) = registered(svc, id).await? {
        return Ok(Some(Known::Registered(registered)));
    }
    Ok(svc.apps.get(id.org(), id.app()).map(Known::Loaded))
}

async fn registered(svc: &Service, id: &AppId) -> Result<Option<Arc<RegisteredApplication>>, Refusal> {
    if let Some(known) = svc.registered.0.get(id.as_str()) {
        return Ok(known);
    }
    let record = svc.store.record(RecordKind::Application, id.to_string()).await?;
    let read = match record {
        Some(record) => Some(Arc::new(read(id.as_str(), record.document)?)),
        None => None,
    };
    svc.registered.0.insert(id.to_string(), read.clone());
    Ok(read)
}

fn read(id: &str, document: String) -> Result<RegisteredApplication, Refusal> {
    let application = serde_json::from_str(&document)
        .map_err(|error| Refusal::failed(format!("read the registered application {id}"), error))?;
    Ok(RegisteredApplication { application, document: document.into() })
}
