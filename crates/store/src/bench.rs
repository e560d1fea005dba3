//! How fast the bare store is on this machine: no HTTP, no rules, one operation at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mottak_model::{AppId, DataElement, InstanceId};
use mottak_service::ports::{
    Body, Change, Clock, CommitFailure, ElementChange, ElementPut, FixedClock, InstanceQuery, Store, StoreFailure,
    SystemClock,
};
use serde_json::{Value, json};

use crate::fill_store;
use crate::rules::failure;
use crate::specimen::Specimens;

/// Bytes of the form in each new instance, and of each form that is put.
const NEW_FORM: usize = 8 * 1024;
const PUT_FORM: usize = 10 * 1024;
/// Instances that an empty store is filled with before measuring.
const BACKGROUND: u64 = 20_000;
const PAGE: usize = 100;

/// Measures each operation for `seconds`. `readers`: clients that read at the same time; for a store in this process as
/// many as it has cores, for one that is somewhere else so many that the way there and back does not count. Answers, by
/// operation: `{"clients": n, "perSecond": n, "p50Microseconds": n, "p99Microseconds": n}`.
///
/// A store without the instances that are measured with is given some first.
pub async fn measure_store(store: Arc<dyn Store>, readers: usize, seconds: f64) -> Result<Value, StoreFailure> {
    let app = AppId::new("ttd", "bench");
    let span = Duration::try_from_secs_f64(seconds).map_err(|error| failure("measure the store", error))?;
    let any = InstanceQuery { app: Some(app.clone()), size: 1, include_elements: false, ..InstanceQuery::default() };
    if store.search(any).await?.instances.is_empty() {
        fill_store(Arc::clone(&store), &FixedClock::at(SystemClock.now()), app.clone(), BACKGROUND, |_| {}).await?;
    }
    measure_each(&store, &app, span, readers).await
}

async fn measure_each(
    store: &Arc<dyn Store>,
    app: &AppId,
    span: Duration,
    readers: usize,
) -> Result<Value, StoreFailure> {
    let known = known_instances(&**store, app).await?;
    let get = {
        let (store, known) = (Arc::clone(store), Arc::clone(&known));
        measure(readers, span, move |specimens| {
            let (store, id) = (Arc::clone(&store), pick(&known, specimens));
            async move { store.load(id).await.map(drop) }
        })
        .await?
    };
    let create_16 = create(store, 16, span).await?;
    let create_64 = create(store, 64, span).await?;
    let put_16 = put(store, &known, 16, span).await?;
    let put_64 = put(store, &known, 64, span).await?;
    let page = {
        let (store, app) = (Arc::clone(store), app.clone());
        measure(readers, span, move |_| {
            let store = Arc::clone(&store);
            let query = InstanceQuery {
                org: Some(app.org().to_owned()),
                app: Some(app.clone()),
                is_complete: Some(true),
                exclude_confirmed_by: Some(app.org().to_owned()),
                size: PAGE,
                ..InstanceQuery::default()
            };
            async move { store.search(query).await.map(drop) }
        })
        .await?
    };
    Ok(
        json!({ "get": get, "create16": create_16, "create64": create_64, "put16": put_16, "put64": put_64, "page100": page }),
    )
}

/// Instances to read and write at random.
async fn known_instances(store: &dyn Store, app: &AppId) -> Result<Arc<Vec<InstanceId>>, StoreFailure> {
    let query = InstanceQuery {
        app: Some(app.clone()),
        size: BACKGROUND as usize,
        include_elements: false,
        ..InstanceQuery::default()
    };
    let page = store.search(query).await?;
    if page.instances.is_empty() {
        return Err(failure("measure the store", format!("the folder holds a store without instances of {app}")));
    }
    Ok(Arc::new(page.instances.iter().map(|instance| instance.id).collect()))
}

fn form(size: usize) -> Bytes {
    Specimens::new(AppId::new("ttd", "bench"), 1, 0).form_body(size)
}

fn pick(known: &[InstanceId], specimens: &mut Specimens) -> InstanceId {
    known[(specimens.roll() % known.len() as u64) as usize]
}

async fn create(store: &Arc<dyn Store>, clients: usize, span: Duration) -> Result<Value, StoreFailure> {
    let store = Arc::clone(store);
    let form = form(NEW_FORM);
    measure(clients, span, move |specimens| {
        let store = Arc::clone(&store);
        let change = specimens.creation(SystemClock.now(), form.clone());
        async move { commit(&*store, change).await }
    })
    .await
}

async fn put(
    store: &Arc<dyn Store>,
    known: &Arc<Vec<InstanceId>>,
    clients: usize,
    span: Duration,
) -> Result<Value, StoreFailure> {
    let (store, known, body) = (Arc::clone(store), Arc::clone(known), form(PUT_FORM));
    measure(clients, span, move |specimens| {
        let (store, id) = (Arc::clone(&store), pick(&known, specimens));
        let body = body.clone();
        async move { put_form(&*store, id, body).await }
    })
    .await
}

/// Replaces the form of an instance, as PUT data does: load, decide, commit.
async fn put_form(store: &dyn Store, id: InstanceId, body: Bytes) -> Result<(), StoreFailure> {
    let Some(snapshot) = store.load(id).await? else { return Ok(()) };
    let mut change = Change::expecting(id, snapshot.version);
    let Some(element) = snapshot.instance.data.first().cloned() else { return Ok(()) };
    let element = DataElement { size: body.len() as u64, ..element };
    change.touch = true;
    change.instance = Some(snapshot.instance);
    change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch: true, body: Body::Bytes(body) })));
    commit(store, change).await
}

async fn commit(store: &dyn Store, change: Change) -> Result<(), StoreFailure> {
    match store.commit(change).await {
        // Two clients met at one instance: that counts as work done.
        Ok(_) | Err(CommitFailure::Conflict) => Ok(()),
        Err(CommitFailure::Failed(cause)) => Err(cause),
    }
}

/// Lets `clients` do one operation after the other until the time is over.
async fn measure<F>(
    clients: usize,
    span: Duration,
    operation: impl Fn(&mut Specimens) -> F + Clone + Send + 'static,
) -> Result<Value, StoreFailure>
where
    F: Future<Output = Result<(), StoreFailure>> + Send + 'static,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let operation = operation.clone();
            let seed = SystemClock.now().ticks() as u64 ^ (client as u64).rotate_left(40);
            let mut specimens = Specimens::new(AppId::new("ttd", "bench"), BACKGROUND, seed);
            tokio::spawn(async move {
                let mut times: Vec<u32> = Vec::new();
                while begin.elapsed() < span {
                    let once = operation(&mut specimens);
                    let from = Instant::now();
                    once.await?;
                    times.push(u32::try_from(from.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                Ok::<_, StoreFailure>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.map_err(|error| failure("measure the store", error))??);
    }
    let per_second = times.len() as f64 / begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(0);
    Ok(json!({
        "clients": clients,
        "perSecond": per_second.round(),
        "p50Microseconds": at(50),
        "p99Microseconds": at(99),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn every_operation_is_measured() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        let clock = FixedClock::at(SystemClock.now());
        fill_store(Arc::clone(&store), &clock, AppId::new("ttd", "bench"), 200, |_| {}).await.unwrap();
        let figures = measure_store(store, 2, 0.05).await.unwrap();
        for operation in ["get", "create16", "create64", "put16", "put64", "page100"] {
            assert!(figures[operation]["perSecond"].as_f64().is_some_and(|rate| rate > 0.0), "{operation}");
        }
    }
}
