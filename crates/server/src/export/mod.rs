//! `mottak export`: all instances of an app as lines of JSON, with their files beside them.
//!
//! The target remembers how far it has come (`target`), so an export that was stopped anywhere goes on where it was, and
//! a later one picks up what has changed since. Names of files are made safe in `names`.

mod names;
mod target;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use mottak_model::{AppId, DataElement, Instance, InstanceId};
use mottak_service::Settings;
use mottak_service::ports::{Blob, InstanceQuery, Order, Snapshot, SystemClock};
#[cfg(feature = "postgres")]
use mottak_store::PostgresReader;
use mottak_store::{Reader, SqliteReader};
use mottak_web::platform_api::storage::link;

use self::names::file_name;
pub(crate) use self::target::Deleted;
use self::target::Target;
use crate::command::StoreArguments;
use crate::place::{Database, StorePlace};
use crate::progress::Bar;
use crate::run;

/// Instances listed at a time.
const PAGE: usize = 100;
/// How often an instance is read again that changes while it is read.
const ATTEMPTS: usize = 100;

/// What to export.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) app: &'a AppId,
    pub(crate) deleted: Deleted,
    pub(crate) to: &'a Path,
}

/// `mottak export`
pub(crate) fn run(store: StoreArguments, platform_url: Option<String>, wish: &Wish<'_>) -> anyhow::Result<ExitCode> {
    let configuration = store.configuration()?;
    let platform_url = platform_url.unwrap_or(configuration.platform_url);
    let StorePlace { database, objects } = configuration.store;
    let (runtime, clock) = (run::runtime()?, Arc::new(SystemClock));
    let reader: Box<dyn Reader> = match database {
        Database::Sqlite(folder) => Box::new(SqliteReader::open(&folder, objects.as_ref(), clock)?),
        #[cfg(feature = "postgres")]
        Database::Postgres { url, options } => {
            let objects = objects.context("a PostgreSQL database needs a place for objects")?;
            Box::new(runtime.block_on(PostgresReader::open(&url, &objects, options, clock))?)
        }
    };
    let settings = Settings { platform_url: platform_url.trim_end_matches('/').to_owned(), ..Settings::default() };
    let begun = Instant::now();
    let done = runtime.block_on(export(&*reader, wish, &settings))?;
    println!(
        "exported {} instances and {} files ({:.1} MB) of {} to {} in {:.1} s",
        done.instances,
        done.files,
        done.bytes as f64 / 1e6,
        wish.app,
        wish.to.display(),
        begun.elapsed().as_secs_f64()
    );
    if done.missing > 0 {
        bail!("the content of {} data elements is missing or damaged in the store", done.missing);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a run has done.
#[derive(Debug, Default)]
struct Done {
    instances: u64,
    files: u64,
    bytes: u64,
    /// Elements whose content is gone.
    missing: u64,
}

async fn export(reader: &dyn Reader, wish: &Wish<'_>, settings: &Settings) -> anyhow::Result<Done> {
    let apps = reader.apps().await?;
    if !apps.contains(wish.app) {
        let known: Vec<&str> = apps.iter().map(AppId::as_str).collect();
        bail!("the store has no instances of {}; it has those of: {}", wish.app, known.join(", "));
    }
    let mut target = Target::open(wish.to, wish.app, wish.deleted)?;
    let of = reader.count_after(wish.app, target.after()).await?;
    let (mut done, mut seen, mut bar) = (Done::default(), 0, Bar::new());
    let mut query = InstanceQuery {
        app: Some(wish.app.clone()),
        is_hard_deleted: (wish.deleted == Deleted::LeftOut).then_some(false),
        order: Order::Ascending,
        size: PAGE,
        after: target.after(),
        include_elements: false,
        ..InstanceQuery::default()
    };
    loop {
        let page = reader.search(query.clone()).await?;
        for listed in &page.instances {
            if let Some(instance) = export_files(reader, listed, &target, &mut done).await? {
                target.append(instance, settings, listed)?;
                done.instances += 1;
            }
            seen += 1;
            bar.show("exporting", seen, of);
        }
        match page.next {
            Some(next) => {
                target.advance(next)?;
                query.after = Some(next);
            }
            None => break,
        }
    }
    target.finish()?;
    Ok(done)
}

/// Writes the files of an instance as it is now, and answers it. `None`: it has changed since it was listed, and comes
/// again later in the order of changes, or it is gone.
async fn export_files(
    reader: &dyn Reader,
    listed: &Instance,
    target: &Target,
    done: &mut Done,
) -> anyhow::Result<Option<Instance>> {
    let id = listed.id;
    for _ in 0..ATTEMPTS {
        let Some(Snapshot { instance, version }) = reader.load(id).await? else { return Ok(None) };
        if instance.last_changed != listed.last_changed {
            return Ok(None);
        }
        let mut missing = Vec::new();
        let (mut names, mut bytes) = (Vec::new(), 0);
        for element in &instance.data {
            match export_file(reader, id, element, target).await? {
                File::Written { name, size } => {
                    names.push(name);
                    bytes += size;
                }
                File::Missing(why) => missing.push((element.id, why)),
                File::None => {}
            }
        }
        // What was read belongs together only if nobody wrote in between.
        if reader.load(id).await?.is_some_and(|now| now.version == version) {
            for (element, why) in &missing {
                eprintln!("mottak: the content of data element {element} of instance {id} {why}");
            }
            target.keep_only(id, &names)?;
            done.files += names.len() as u64;
            done.bytes += bytes;
            done.missing += missing.len() as u64;
            return Ok(Some(instance));
        }
    }
    bail!("instance {id} changes faster than it can be read")
}

enum File {
    Written {
        name: String,
        size: u64,
    },
    /// The store should have it. Why not.
    Missing(String),
    /// The element has no content.
    None,
}

async fn export_file(
    reader: &dyn Reader,
    id: InstanceId,
    element: &DataElement,
    target: &Target,
) -> anyhow::Result<File> {
    let body = match reader.read_body(id, element.id).await? {
        Some(body) => body,
        None if element.size > 0 => return Ok(File::Missing("is gone".to_owned())),
        None => return Ok(File::None),
    };
    let mut file = target.begin_file()?;
    match body.blob {
        Blob::Bytes(bytes) => file.write(&bytes)?,
        Blob::Stream(mut stream) => loop {
            match stream.next().await {
                Ok(Some(piece)) => file.write(&piece)?,
                Ok(None) => break,
                Err(failure) => return Ok(File::Missing(format!("cannot be read: {failure}"))),
            }
        },
    }
    let name = file_name(element);
    if file.finish(id, &name, body.size, body.sha256).context("keep a file")? {
        Ok(File::Written { name, size: body.size })
    } else {
        Ok(File::Missing("is not what was once uploaded".to_owned()))
    }
}
