//! Runs the shared expression files through the public runner.

use std::path::{Path, PathBuf};

use mottak_forms::expression::testing::run_test_file;

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

#[test]
fn shared_expression_files_pass() {
    let Some(folder) = mottak_testing::shared("data/expressions") else {
        println!("skipped: the shared expression files are not here");
        return;
    };
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let (mut passed, mut failures) = (0, Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let place = file.strip_prefix(&folder).unwrap_or(file).display();
        match run_test_file(&text) {
            Err(problem) => failures.push(format!("{place}: {problem}")),
            Ok(outcomes) => {
                assert!(!outcomes.is_empty(), "{place} has no case");
                for outcome in outcomes {
                    if outcome.passed {
                        passed += 1;
                    } else {
                        failures.push(format!("{place}: {}: {}", outcome.name, outcome.detail));
                    }
                }
            }
        }
    }
    println!("{} files, {passed} cases passed, {} failed", files.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
