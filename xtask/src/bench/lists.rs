//! Lists over many instances: every driving order with every kind of filter, the first pages and those far behind.
//!
//! What is asked for is found in the instances that `mottak fill` makes (`crates/store/src/specimen.rs`), often enough for
//! a thousand pages.

use super::load::{self, Requests, Reuse};
use super::world::World;
use anyhow::Context as _;
use std::sync::Arc;
use std::time::Duration;

/// A list and how it is told in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) title: &'static str,
    /// Parameters of `GET /storage/api/v1/instances`.
    query: &'static str,
}

/// Every driving order (app, org, party) and every kind of filter (docs/benchmarks.md).
pub(super) const LISTS: [List; 16] = [
    List { title: "app", query: "appId=ttd/bench" },
    List { title: "app, oldest change first", query: "appId=ttd/bench&order=asc:lastChanged" },
    List {
        title: "app, archived, not deleted",
        query: "appId=ttd/bench&status.isArchived=true&status.isSoftDeleted=false&status.isHardDeleted=false",
    },
    List { title: "app, task", query: "appId=ttd/bench&process.currentTask=Task_1" },
    List { title: "app, ended", query: "appId=ttd/bench&process.isComplete=true" },
    List {
        title: "app, ended, not confirmed by its org",
        query: "appId=ttd/bench&process.isComplete=true&excludeConfirmedBy=ttd",
    },
    List { title: "app, not confirmed by another", query: "appId=ttd/bench&excludeConfirmedBy=skd" },
    List {
        title: "app, changed in a time",
        query: "appId=ttd/bench&lastChanged=gte:2020-01-01&lastChanged=lt:9999-01-01",
    },
    List { title: "app, created in a time", query: "appId=ttd/bench&created=gte:2020-01-01&created=lt:9999-01-01" },
    List {
        title: "app, ended in a time",
        query: "appId=ttd/bench&process.ended=gte:2020-01-01&process.ended=lt:9999-01-01",
    },
    List { title: "app, due in a time", query: "appId=ttd/bench&dueBefore=gte:2020-01-01&dueBefore=lt:9999-01-01" },
    List { title: "org", query: "org=ttd" },
    List { title: "org, ended, not confirmed by it", query: "org=ttd&process.isComplete=true&excludeConfirmedBy=ttd" },
    List { title: "org, text in one of nine", query: "org=ttd&searchString=nr. 1" },
    List { title: "party", query: "org=ttd&instanceOwner.partyId=510000" },
    List { title: "party, app", query: "appId=ttd/bench&instanceOwner.partyId=510000" },
];

/// The page far behind that is compared with the first.
const DEEP: usize = 1000;
/// Consecutive pages that are asked for in turn.
const IN_TURN: usize = 5;
const CLIENTS: usize = 16;

/// Pages of 100 per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListFigures {
    pub(super) first: f64,
    pub(super) deep: f64,
}

/// Measures a list at its beginning and a thousand pages on, some seconds each.
pub(super) async fn measure(list: List, world: &World, seconds: u64) -> anyhow::Result<ListFigures> {
    let path = format!("/storage/api/v1/instances?{}&size=100", list.query.replace(' ', "%20"));
    let pages = world.owner_pages(&path, DEEP + IN_TURN).await?;
    anyhow::ensure!(pages.len() == DEEP + IN_TURN, "there are only {} full pages", pages.len());
    // In turns, so that what else happens on the machine happens to both.
    let (mut first, mut deep) = (0.0, 0.0);
    let rounds = seconds.max(1);
    for _ in 0..rounds {
        first += rate(world, &pages[..IN_TURN]).await.context("first pages")?;
        deep += rate(world, &pages[DEEP - 1..DEEP - 1 + IN_TURN]).await.context("deep pages")?;
    }
    Ok(ListFigures { first: first / rounds as f64, deep: deep / rounds as f64 })
}

async fn rate(world: &World, pages: &[Vec<u8>]) -> anyhow::Result<f64> {
    let requests = Arc::new(Requests::new(pages.to_vec(), Reuse::Cycle));
    Ok(load::run(world.address, CLIENTS, Duration::from_secs(1), &requests, &[200]).await?.rate())
}
