//! Apps from instantiation to archived and confirmed, by nothing but requests.
//!
//! [`walk`] is one way through any app; [`filling`] finds values its forms take; [`schema`] reads its schemas.

mod filling;
mod schema;
mod walk;

use std::path::PathBuf;

use mottak_testing::{repository_root, shared};
use mottak_testkit::Backing;

use crate::walk::{Outcome, walk};

/// The shared apps that requests alone do not bring to their end, and why.
const BEYOND: [(&str, &str); 6] = [
    ("applib-demo-app", "it has no process"),
    ("applib-service-tasks", "Task_2 is a pdf task"),
    ("applib-task-action", "nobody may create it by its policy"),
    ("payment-test", "Task_2 is a payment task"),
    ("service-task", "Task_PDF_Layout is a pdf task"),
    ("signing-test", "Task_2 is a signing task"),
];

async fn walk_all(folders: Vec<PathBuf>, backing: Backing) -> Vec<(String, Outcome)> {
    let mut outcomes = Vec::new();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let outcome = walk(folder, backing).await;
        println!("{name}: {outcome}");
        outcomes.push((name, outcome));
    }
    outcomes
}

#[tokio::test]
async fn our_apps_are_handled_from_start_to_end() {
    for backing in [Backing::Memory, Backing::Sqlite] {
        let folders = ["kulturstotte", "skjenkebevilling"].map(|app| repository_root().join("apps").join(app));
        for (app, outcome) in walk_all(folders.to_vec(), backing).await {
            assert!(matches!(outcome, Outcome::Confirmed { .. }), "{app}: {outcome}");
        }
    }
}

#[tokio::test]
async fn every_shared_app_that_needs_no_code_is_handled_from_start_to_end() {
    let Some(root) = shared("data/apps") else {
        println!("skipped: data/apps is not there");
        return;
    };
    let entries = std::fs::read_dir(root).expect("a readable folder");
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let outcomes = walk_all(folders, Backing::Memory).await;
    let walked = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Confirmed { .. })).count();
    println!("{walked} of {} shared apps were walked to their end", outcomes.len());
    for (app, outcome) in &outcomes {
        let needs_more = BEYOND.iter().find(|(name, _)| name == app);
        match (outcome, needs_more) {
            (Outcome::Confirmed { .. }, None) => {}
            (Outcome::NeedsMore(why), Some((_, reason))) if why == reason => {}
            _ => panic!("{app}: {outcome}"),
        }
    }
}
