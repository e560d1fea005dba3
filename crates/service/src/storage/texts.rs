//! Texts of applications: those that were registered, else those of the loaded app (platform-storage §2.8).

use std::sync::Arc;

use mottak_model::{AppId, TextResource};

use super::applications::{self, served_from_folder};
use crate::ports::{RecordExpect, RecordKind, RecordWrite};
use crate::{Problem, Refusal, Service};

/// The texts of an application in a language. There is no fallback between languages.
pub async fn find(svc: &Service, app: &AppId, language: &str) -> Result<Option<Arc<TextResource>>, Refusal> {
    let cache = &svc.registered.texts;
    let key = key(app, language);
    if let Some(known) = cache.get(&key) {
        return Ok(known);
    }
    let texts = match svc.store.record(RecordKind::Text, key.clone()).await? {
        Some(record) => Some(Arc::new(
            serde_json::from_str(&record.document)
                .map_err(|error| Refusal::failed(format!("read the texts {key}"), error))?,
        )),
        None => loaded(svc, app, language).map(Arc::new),
    };
    cache.insert(key, texts.clone());
    Ok(texts)
}

/// The same for clients, who may ask for what is no language.
pub async fn read(svc: &Service, app: &AppId, language: &str) -> Result<Arc<TextResource>, Refusal> {
    require_language(language)?;
    find(svc, app, language).await?.ok_or_else(|| Refusal::NotFound(Problem::bare()))
}

/// Registers the texts of an application in the language they say they are in.
pub async fn register(svc: &Service, app: &AppId, texts: TextResource) -> Result<TextResource, Refusal> {
    require_language(&texts.language)?;
    if applications::find(svc, app).await?.is_none() {
        return Err(Refusal::NotFound(Problem::bare()));
    }
    write(svc, app, texts).await
}

/// Replaces texts; none when there is nothing to replace.
pub async fn update(
    svc: &Service,
    app: &AppId,
    language: &str,
    texts: TextResource,
) -> Result<Option<TextResource>, Refusal> {
    require_language(&texts.language)?;
    if texts.language != language {
        let said = &texts.language;
        return Err(Refusal::Invalid(Problem::text(format!(
            "The language specified in the textResource {said} does not match the api path: {language}"
        ))));
    }
    if find(svc, app, language).await?.is_none() {
        return Ok(None);
    }
    write(svc, app, texts).await.map(Some)
}

/// Forgets texts that were registered.
pub async fn remove(svc: &Service, app: &AppId, language: &str) -> Result<(), Refusal> {
    require_language(language)?;
    let key = key(app, language);
    if svc.store.record(RecordKind::Text, key.clone()).await?.is_none() {
        return Err(match loaded(svc, app, language) {
            Some(_) => served_from_folder(app),
            None => Refusal::NotFound(Problem::bare()),
        });
    }
    put(svc, key, None).await
}

async fn write(svc: &Service, app: &AppId, texts: TextResource) -> Result<TextResource, Refusal> {
    let texts = named(app, texts);
    let key = key(app, &texts.language);
    let document =
        serde_json::to_string(&texts).map_err(|error| Refusal::failed(format!("write the texts {key}"), error))?;
    put(svc, key, Some(document)).await?;
    Ok(texts)
}

async fn put(svc: &Service, key: String, document: Option<String>) -> Result<(), Refusal> {
    let expect = RecordExpect::Anything;
    let written = RecordWrite { kind: RecordKind::Text, key: key.clone(), expect, document };
    svc.store.write_record(written).await?;
    svc.registered.texts.invalidate(&key);
    Ok(())
}

fn loaded(svc: &Service, app: &AppId, language: &str) -> Option<TextResource> {
    let app = svc.apps.get(app.org(), app.app())?;
    let texts = app.texts.in_language(language).filter(|texts| texts.language == language)?;
    Some(named(&app.id, texts.clone()))
}

fn named(app: &AppId, texts: TextResource) -> TextResource {
    let id = format!("{}-{}-{}", app.org(), app.app(), texts.language);
    TextResource { id: Some(id), org: Some(app.org().to_owned()), ..texts }
}

fn key(app: &AppId, language: &str) -> String {
    format!("{app}/{language}")
}

fn require_language(language: &str) -> Result<(), Refusal> {
    if language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(Refusal::Invalid(Problem::text("The language must be a two letter ISO language name.")))
}
