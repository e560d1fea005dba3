//! The set of apps, and how a change of a folder is taken up.

use std::sync::mpsc::channel;
use std::time::Duration;

use mottak_apps::{Apps, LoadOptions, ReloadOutcome, check, render};

use crate::folder::{Folder, METADATA};

#[test]
fn broken_app_does_not_stop_the_others() {
    let (sound, broken) = (Folder::sound(), Folder::sound());
    broken.write(METADATA, "{");
    let dirs = [broken.path().to_owned(), sound.path().to_owned()];
    let (apps, found) = Apps::load(&dirs);
    assert_eq!(apps.list().len(), 1);
    assert_eq!(found.iter().map(|(_, problems)| problems.len()).collect::<Vec<_>>(), [1, 0]);
    assert!(apps.get("ttd", "permit").is_some());
    assert!(apps.get("TTD", "Permit").is_some(), "routes are matched without regard to case");
    assert!(apps.get("ttd", "other").is_none());
}

#[test]
fn second_folder_with_an_id_is_refused_and_both_are_named() {
    let (first, second) = (Folder::sound(), Folder::sound());
    let (apps, found) = Apps::load(&[first.path().to_owned(), second.path().to_owned()]);
    assert_eq!(apps.list().len(), 1);
    let reason = found[1].1[0].to_string();
    for folder in [&first, &second] {
        assert!(reason.contains(&folder.path().display().to_string()), "{reason}");
    }
    let report = check(&[first.path().to_owned(), second.path().to_owned()], &LoadOptions::default());
    assert!(report.has_errors());
    assert!(render(&report).contains("is used by two folders"));
}

#[test]
fn report_is_one_line_per_problem_and_one_per_folder() {
    let folder = Folder::sound();
    folder.replace(METADATA, "\"maxSize\": 5", "\"maxSize\": true");
    let app = folder.path().join("App");
    let app = app.display();
    let report = check(&[folder.path().to_owned()], &LoadOptions::default());
    assert_eq!(
        render(&report),
        format!(
            "{app}/config/applicationmetadata.json:16: `maxSize` must be a whole number\n\
             {app}: refused (1 errors, 0 warnings)\n"
        )
    );
}

#[test]
fn reload_replaces_the_app_and_keeps_the_last_good_version() {
    let folder = Folder::sound();
    let (apps, _) = Apps::load(&[folder.path().to_owned()]);
    let before = apps.get("ttd", "permit").expect("the app is served");
    assert_eq!(apps.reload(folder.path()).outcome, ReloadOutcome::Unchanged);

    folder.replace(METADATA, "Tillatelse", "Løyve");
    assert_eq!(apps.reload(folder.path()).outcome, ReloadOutcome::Replaced);
    let after = apps.get("ttd", "permit").expect("the app is served");
    assert_ne!(before.content_hash, after.content_hash);
    assert_eq!(before.application.title.as_ref().map(|title| title["nb"].as_str()), Some("Tillatelse"));

    folder.write(METADATA, "{");
    let refused = apps.reload(folder.path());
    assert_eq!((refused.outcome, refused.problems.len()), (ReloadOutcome::Refused, 1));
    assert_eq!(apps.get("ttd", "permit").map(|app| app.content_hash), Some(after.content_hash));
}

#[test]
fn app_that_changes_its_id_is_served_under_the_new_one() {
    let folder = Folder::sound();
    let (apps, _) = Apps::load(&[folder.path().to_owned()]);
    folder.replace(METADATA, "ttd/permit", "ttd/licence");
    assert_eq!(apps.reload(folder.path()).outcome, ReloadOutcome::Replaced);
    assert!(apps.get("ttd", "permit").is_none());
    assert!(apps.get("ttd", "licence").is_some());
}

#[test]
fn change_of_a_watched_folder_is_served() {
    let folder = Folder::sound();
    let (apps, _) = Apps::load(&[folder.path().to_owned()]);
    let (told, tell) = channel();
    let watch = apps.watch(move |reload| drop(told.send(reload))).expect("the folder can be watched");

    folder.replace(METADATA, "Tillatelse", "Løyve");
    let reload = tell.recv_timeout(Duration::from_secs(30)).expect("the change is taken up");
    assert_eq!((reload.outcome, reload.dir.as_path()), (ReloadOutcome::Replaced, folder.path()));
    let app = apps.get("ttd", "permit").expect("the app is served");
    assert_eq!(app.application.title.as_ref().map(|title| title["nb"].as_str()), Some("Løyve"));

    folder.write(METADATA, "{");
    let reload = tell.recv_timeout(Duration::from_secs(30)).expect("the change is taken up");
    assert_eq!(reload.outcome, ReloadOutcome::Refused);
    assert!(apps.get("ttd", "permit").is_some());

    drop(watch);
    assert!(tell.recv().is_err(), "nobody tells of changes after the end of the watch");
}
