//! The example apps of this repository are sound.

use std::path::PathBuf;

use mottak_apps::{LoadOptions, check, render};
use mottak_testing::repository_root;

#[test]
fn example_apps_have_no_problems() {
    let entries = std::fs::read_dir(repository_root().join("apps")).expect("the repository has apps");
    let mut dirs: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join("App").is_dir()).collect();
    dirs.sort();
    let report = check(&dirs, &LoadOptions::default());
    println!("{} apps", dirs.len());
    assert!(report.folders.iter().all(|checked| checked.problems.is_empty()), "{}", render(&report));
}
