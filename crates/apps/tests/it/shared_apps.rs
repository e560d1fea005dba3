//! Every app of the shared fixtures loads, or is refused for a reason that is known.

use std::path::{Path, PathBuf};
use std::time::Instant;

use mottak_apps::{App, LoadOptions};
use mottak_testing::shared;

/// The apps of a folder of the fixtures.
fn folders(relative: &str) -> Vec<PathBuf> {
    let Some(root) = shared(relative) else {
        println!("skipped: {relative} is not there");
        return Vec::new();
    };
    let entries = std::fs::read_dir(root).expect("a readable folder");
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[test]
fn every_app_loads() {
    let mut refused = Vec::new();
    let folders: Vec<_> = ["data/apps", "data/apps-v9"].into_iter().flat_map(folders).collect();
    let start = Instant::now();
    for folder in &folders {
        let loaded = App::load_with(folder, &LoadOptions::serving());
        for problem in &loaded.problems {
            println!("{}: {problem}", name_of(folder));
        }
        if loaded.app.is_none() {
            refused.push(name_of(folder).to_owned());
        }
    }
    println!("{} apps loaded in {:?}, refused: {refused:?}", folders.len() - refused.len(), start.elapsed());
    assert_eq!(refused, Vec::<String>::new());
}
