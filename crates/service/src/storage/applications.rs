//! Applications as Storage knows them: those that were registered, and those that are loaded from their folders
//! (platform-storage §2.8).
//!
//! A registered document wins over the loaded app's within Storage; the application API goes by the folder alone.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use mottak_apps::App;
use mottak_model::{AppId, Application, ApplicationDocument, PartyTypesAllowed, TextResource};

use crate::authentication::Caller;
use crate::ports::{Record, RecordExpect, RecordKind, RecordWrite};
use crate::{Problem, Refusal, Service};

/// How long what was registered through another server goes unnoticed.
const STALE: Duration = Duration::from_secs(5);

/// How often a write is tried when others write the same record.
const ATTEMPTS: usize = 5;

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
pub(crate) struct Registered {
    applications: Cache<String, Option<Arc<RegisteredApplication>>>,
    pub(super) texts: Cache<String, Option<Arc<TextResource>>>,
}

impl Default for Registered {
    fn default() -> Self {
        Self {
            applications: Cache::builder().max_capacity(10_000).time_to_live(STALE).build(),
            texts: Cache::builder().max_capacity(1000).time_to_live(STALE).build(),
        }
    }
}

/// The application with this id.
pub async fn find(svc: &Service, id: &AppId) -> Result<Option<Known>, Refusal> {
    if let Some(registered) = registered(svc, id).await? {
        return Ok(Some(Known::Registered(registered)));
    }
    Ok(svc.apps.get(id.org(), id.app()).map(Known::Loaded))
}

/// The application of a loaded app.
pub(crate) async fn known(svc: &Service, app: &Arc<App>) -> Result<Known, Refusal> {
    let registered = registered(svc, &app.id).await?;
    Ok(registered.map_or_else(|| Known::Loaded(Arc::clone(app)), Known::Registered))
}

/// The application with this id, or the refusal that names it.
pub async fn read(svc: &Service, id: &AppId) -> Result<Known, Refusal> {
    let known = find(svc, id).await?;
    known.ok_or_else(|| not_found(format!("Could not find an application with appId={id}")))
}

/// Every application, or those of one owner, by id.
pub async fn all(svc: &Service, org: Option<&str>) -> Result<Vec<Known>, Refusal> {
    let is_wanted = |id: &AppId| org.is_none_or(|org| id.org() == org);
    let loaded = svc.apps.list().into_iter().filter(|app| is_wanted(&app.id));
    let mut known: BTreeMap<String, Known> = loaded.map(|app| (app.id.to_string(), Known::Loaded(app))).collect();
    let prefix = org.map(|org| format!("{org}/")).unwrap_or_default();
    for record in svc.store.records(RecordKind::Application, prefix).await? {
        let registered = Known::Registered(Arc::new(parse(&record)?));
        known.insert(record.key, registered);
    }
    Ok(known.into_values().collect())
}

/// Registers an application, in place of what is known of it.
pub async fn register(
    svc: &Service,
    caller: &Caller,
    id: &str,
    sent: ApplicationDocument,
) -> Result<Arc<RegisteredApplication>, Refusal> {
    let id = app_id(id).ok_or_else(|| invalid("AppId is not valid."))?;
    write(svc, &id, |before| {
        let mut document = sent.clone();
        document.name(&id);
        document.data_types.get_or_insert_default();
        document.valid_from = document.valid_from.or(Some(svc.clock.now()));
        document.created = Some(svc.clock.now());
        document.created_by = name_of(caller);
        let document = keep(document, before.as_ref());
        Ok(changed(svc, caller, document))
    })
    .await
}

/// Replaces the metadata of an application that is known.
pub async fn update(
    svc: &Service,
    caller: &Caller,
    id: &str,
    sent: ApplicationDocument,
) -> Result<Arc<RegisteredApplication>, Refusal> {
    let known = app_id(id).ok_or_else(|| invalid(format!("Illegal appId {id}")))?;
    if sent.id.as_deref() != Some(id) {
        return Err(invalid("appId in path does not match id in attached object"));
    }
    if sent.org.as_deref() != Some(known.org()) {
        return Err(invalid("Org (application owner id) from path is not matching attached object"));
    }
    write(svc, &known, |before| {
        let before = before.ok_or_else(|| not_found(format!("Cannot find application {id}")))?;
        let mut document = sent.clone();
        document.party_types_allowed.get_or_insert(PartyTypesAllowed::default());
        document.created = None;
        document.created_by = None;
        Ok(changed(svc, caller, keep(document, Some(&before))))
    })
    .await
}

/// Ends the validity of an application.
pub async fn retire(svc: &Service, caller: &Caller, id: &AppId) -> Result<Arc<RegisteredApplication>, Refusal> {
    write(svc, id, |before| {
        let mut document = before.ok_or_else(|| nothing_to_delete(id))?;
        document.valid_to = Some(svc.clock.now());
        Ok(changed(svc, caller, document))
    })
    .await
}

/// Forgets what was registered of an application, its texts included.
pub async fn remove(svc: &Service, id: &AppId) -> Result<Arc<RegisteredApplication>, Refusal> {
    let Some(record) = svc.store.record(RecordKind::Application, id.to_string()).await? else {
        return Err(match svc.apps.get(id.org(), id.app()) {
            Some(_) => served_from_folder(id),
            None => nothing_to_delete(id),
        });
    };
    let registered = Arc::new(parse(&record)?);
    let texts = svc.store.records(RecordKind::Text, format!("{id}/")).await?;
    let texts = texts.into_iter().map(|text| (RecordKind::Text, text.key));
    for (kind, key) in texts.chain([(RecordKind::Application, record.key)]) {
        let gone = RecordWrite { kind, key: key.clone(), expect: RecordExpect::Anything, document: None };
        svc.store.write_record(gone).await?;
        svc.registered.texts.invalidate(&key);
        svc.registered.applications.invalidate(&key);
    }
    Ok(registered)
}

/// The refusal to remove what is not registered but loaded.
pub(super) fn served_from_folder(id: &AppId) -> Refusal {
    Refusal::Conflict(Problem::text(format!("{id} is served from its folder and cannot be removed here.")))
}

/// An id as applications may be registered under: both parts in lower case, beginning with a letter; the app's may have
/// hyphens.
pub fn app_id(text: &str) -> Option<AppId> {
    let is_letter = |c: char| matches!(c, 'a'..='z' | 'æ' | 'ø' | 'å');
    let is_word = |word: &str, others: &[char]| {
        word.starts_with(is_letter) && word.chars().all(|c| is_letter(c) || c.is_ascii_digit() || others.contains(&c))
    };
    let (org, app) = text.split_once('/')?;
    (is_word(org, &[]) && is_word(app, &['-'])).then(|| AppId::new(org, app))
}

/// Writes what `decide` makes of the metadata as it is known; anew when somebody else was first.
async fn write(
    svc: &Service,
    id: &AppId,
    decide: impl Fn(Option<ApplicationDocument>) -> Result<ApplicationDocument, Refusal>,
) -> Result<Arc<RegisteredApplication>, Refusal> {
    for _ in 0..ATTEMPTS {
        let record = svc.store.record(RecordKind::Application, id.to_string()).await?;
        let expect = record.as_ref().map_or(RecordExpect::Absent, |record| RecordExpect::Version(record.version));
        let before = match record {
            Some(record) => Some(document_of(id, record.document.as_bytes())?),
            None => match svc.apps.get(id.org(), id.app()) {
                Some(app) => Some(document_of(id, &app.metadata.storage)?),
                None => None,
            },
        };
        let document = serde_json::to_string(&decide(before)?)
            .map_err(|error| Refusal::failed(format!("write the metadata of {id}"), error))?;
        let record = Record { key: id.to_string(), document, version: 0 };
        // Also what is sent has to be metadata that the server can act on.
        let registered = Arc::new(parse(&record)?);
        let document = Some(record.document);
        let write = RecordWrite { kind: RecordKind::Application, key: record.key, expect, document };
        let is_written = svc.store.write_record(write).await?;
        svc.registered.applications.invalidate(id.as_str());
        if is_written {
            return Ok(registered);
        }
    }
    Err(Refusal::Conflict(Problem::bare()))
}

/// With what clients cannot change, as it was before.
fn keep(mut document: ApplicationDocument, before: Option<&ApplicationDocument>) -> ApplicationDocument {
    document.storage_account_number = before.and_then(|before| before.storage_account_number);
    if let Some(before) = before {
        document.created = before.created.or(document.created);
        document.created_by = before.created_by.clone().or(document.created_by);
    }
    document
}

fn changed(svc: &Service, caller: &Caller, mut document: ApplicationDocument) -> ApplicationDocument {
    document.last_changed = Some(svc.clock.now());
    document.last_changed_by = name_of(caller);
    document
}

/// Who registers applications has no id but its own name.
fn name_of(caller: &Caller) -> Option<String> {
    caller.performed_by().or_else(|| caller.app().map(str::to_owned))
}

async fn registered(svc: &Service, id: &AppId) -> Result<Option<Arc<RegisteredApplication>>, Refusal> {
    let cache = &svc.registered.applications;
    if let Some(known) = cache.get(id.as_str()) {
        return Ok(known);
    }
    let record = svc.store.record(RecordKind::Application, id.to_string()).await?;
    let read = record.map(|record| parse(&record).map(Arc::new)).transpose()?;
    cache.insert(id.to_string(), read.clone());
    Ok(read)
}

fn parse(record: &Record) -> Result<RegisteredApplication, Refusal> {
    let application = serde_json::from_str(&record.document)
        .map_err(|error| Refusal::failed(format!("read the registered application {}", record.key), error))?;
    Ok(RegisteredApplication { application, document: record.document.clone().into() })
}

fn document_of(id: &AppId, document: &[u8]) -> Result<ApplicationDocument, Refusal> {
    serde_json::from_slice(document).map_err(|error| Refusal::failed(format!("read the metadata of {id}"), error))
}

fn nothing_to_delete(id: &AppId) -> Refusal {
    not_found(format!("Didn't find the object that should be deleted with appId={id}"))
}

fn not_found(text: String) -> Refusal {
    Refusal::NotFound(Problem::text(text))
}

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::Invalid(Problem::text(text))
}

#[cfg(test)]
mod tests {
    use mottak_testing::covers;

    use super::*;

    #[test]
    fn ids_of_applications_are_words_in_lower_case() {
        let _rows = covers("platform-storage", &["A10"]);
        for id in ["test/a234", "sp1/ab23", "multipledash/a-b-234", "blåbær/søknad"] {
            assert!(app_id(id).is_some_and(|known| known.as_str() == id), "{id}");
        }
        for id in [
            "2org/b234",
            "Org/x234",
            "org-with-dash/x",
            "org/a2/34",
            "test/UpperApp",
            "test/42",
            "test/-app",
            "test",
            "/app",
            "org/",
            "org /app",
            "",
        ] {
            assert_eq!(app_id(id), None, "{id}");
        }
    }
}
