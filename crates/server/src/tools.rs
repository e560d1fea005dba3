//! Commands that answer and end: `check`, `policy decide`, `expression test`, and the helpers of measurements.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mottak_apps::LoadOptions;
use mottak_forms::expression::testing::run_test_file;
use mottak_model::{AppId, Time};
use mottak_service::ports::{FixedClock, SystemClock};

use crate::files::text;
use crate::place::{Database, StoreOptions, StorePlace};
use crate::run;

/// `mottak check`
pub(crate) fn check(apps: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let report = mottak_apps::check(apps, &LoadOptions::serving());
    print!("{}", mottak_apps::render(&report));
    Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `mottak policy decide`
pub(crate) fn decide(policy: &Path, request: &Path) -> anyhow::Result<ExitCode> {
    let decision = mottak_policy::decide_text(&text(policy)?, &text(request)?);
    println!("{}", serde_json::to_string_pretty(&decision)?);
    Ok(ExitCode::SUCCESS)
}

/// `mottak expression test`
pub(crate) fn test_expressions(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let cases = match text(file).map_err(|error| format!("{error:#}")).and_then(|text| run_test_file(&text)) {
            Ok(cases) => cases,
            Err(reason) => {
                println!("{}: {reason}", file.display());
                failed += 1;
                continue;
            }
        };
        for case in cases {
            if case.passed {
                passed += 1;
            } else {
                failed += 1;
                println!("{}: {}: {}", file.display(), case.name, case.detail);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `mottak fill`
pub(crate) fn fill(data: &Path, store: StoreOptions, instances: u64, app: &AppId) -> anyhow::Result<ExitCode> {
    let tell = |made: u64| {
        if made.is_multiple_of(100_000) {
            eprintln!("{made} of {instances}");
        }
    };
    let place = StorePlace::of(store, data)?;
    if let Database::Sqlite(folder) = &place.database {
        mottak_store::fill(folder, app.clone(), instances, tell)?;
        return Ok(ExitCode::SUCCESS);
    }
    run::runtime()?.block_on(async {
        let clock = Arc::new(FixedClock::at(Time::from_ticks(0)));
        let store = place.open(clock.clone()).await?;
        mottak_store::fill_store(Arc::clone(&store), &clock, app.clone(), instances, tell).await?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// `mottak bench-store`
pub(crate) fn bench_store(data: &Path, store: StoreOptions, seconds: f64) -> anyhow::Result<ExitCode> {
    let place = StorePlace::of(store, data)?;
    let readers = match place.database {
        Database::Sqlite(_) => std::thread::available_parallelism().map_or(2, usize::from),
        #[cfg(feature = "postgres")]
        Database::Postgres { .. } => 32,
    };
    let figures = run::runtime()?.block_on(async {
        let store = place.open(Arc::new(SystemClock)).await?;
        let figures = mottak_store::bench::measure_store(Arc::clone(&store), readers, seconds).await;
        store.close().await;
        anyhow::Ok(figures?)
    })?;
    println!("{figures}");
    Ok(ExitCode::SUCCESS)
}
