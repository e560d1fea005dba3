//! Commands that answer and end: `check`, `policy decide`, `expression test`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::running::{copy_of_example, example, mottak, run, said};

#[test]
fn check_is_silent_about_nothing_and_fails_for_what_cannot_be_served() {
    let sound = run(mottak().arg("check").arg(example()));
    assert!(sound.status.success(), "{}", said(&sound.stdout));
    assert!(said(&sound.stdout).contains("ttd/kulturstotte is sound"), "{}", said(&sound.stdout));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = copy_of_example(folder.path());
    fs::write(broken.join("App/config/applicationmetadata.json"), "{\n  \"id\": 1,\n}").expect("a writable file");
    fs::remove_file(broken.join("App/config/authorization/policy.xml")).expect("there is a policy");
    let found = run(mottak().arg("check").arg(&broken).arg(example()));
    assert_eq!(found.status.code(), Some(1));
    let text = said(&found.stdout);
    for part in ["config/applicationmetadata.json:2", "policy.xml", "refused", "ttd/kulturstotte is sound"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(run(mottak().args(["check", "no/such/folder"])).status.code(), Some(1));
}

#[test]
fn check_finds_the_shared_apps_sound() {
    let Some(folder) = mottak_testing::shared("data/apps") else {
        println!("skipped: no shared apps");
        return;
    };
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let apps: Vec<PathBuf> = entries.filter(|path| path.join("App").is_dir()).collect();
    let output = run(mottak().arg("check").args(&apps));
    assert!(output.status.success(), "{}", said(&output.stdout));
    assert_eq!(said(&output.stdout).matches(" is sound (0 errors").count(), apps.len());
    println!("{} apps", apps.len());
}

#[test]
fn decide_prints_the_decision() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let policy = example().join("App/config/authorization/policy.xml");
    let request = folder.path().join("request.json");
    let decision = |action: &str| -> Value {
        let category = |attributes: &str| format!("[{{\"Attribute\": [{attributes}]}}]");
        let attribute = |id: &str, value: &str| format!("{{\"AttributeId\": \"{id}\", \"Value\": \"{value}\"}}");
        let text = format!(
            "{{\"Request\": {{\"AccessSubject\": {}, \"Action\": {}, \"Resource\": {}}}}}",
            category(&attribute("urn:altinn:rolecode", "priv")),
            category(&attribute("urn:oasis:names:tc:xacml:1.0:action:action-id", action)),
            category(&format!(
                "{}, {}",
                attribute("urn:altinn:org", "ttd"),
                attribute("urn:altinn:app", "kulturstotte")
            )),
        );
        fs::write(&request, text).expect("a writable folder");
        let output = run(mottak().args(["policy", "decide", "--policy"]).arg(&policy).arg("--request").arg(&request));
        assert!(output.status.success(), "{}", said(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the decision is JSON")
    };
    let permitted = decision("read");
    assert_eq!(permitted["response"][0]["decision"], "Permit", "{permitted}");
    assert!(permitted.to_string().contains("minimum-authenticationlevel"), "{permitted}");
    assert_eq!(decision("dance")["response"][0]["decision"], "NotApplicable");

    let absent = run(mottak().args(["policy", "decide", "--policy", "absent.xml", "--request"]).arg(&request));
    assert_eq!(absent.status.code(), Some(1));
    assert!(said(&absent.stderr).contains("absent.xml"), "{}", said(&absent.stderr));
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

#[test]
fn all_shared_expression_tests_pass() {
    let Some(folder) = mottak_testing::shared("data/expressions") else {
        println!("skipped: no shared expressions");
        return;
    };
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    let output = run(mottak().args(["expression", "test"]).args(&files));
    let text = said(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    assert!(output.status.success() && last.ends_with(" passed, 0 failed"), "{text}");
    println!("{} files: {last}", files.len());
}

#[test]
fn a_failing_expression_test_is_named_counted_and_ends_with_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cases.json");
    let cases = r#"{"name": "cases", "testCases": [
        {"name": "right", "expression": ["equals", 1, 1], "expects": true},
        {"name": "wrong", "expression": ["equals", 1, 2], "expects": true}
    ]}"#;
    fs::write(&file, cases).expect("a writable folder");
    let output = run(mottak().args(["expression", "test"]).arg(&file));
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output.stdout);
    assert!(text.contains("wrong") && text.trim_end().ends_with("1 passed, 1 failed"), "{text}");

    fs::write(&file, "no JSON").expect("a writable folder");
    let output = run(mottak().args(["expression", "test"]).arg(&file).arg("absent.json"));
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output.stdout);
    assert!(text.contains("cases.json") && text.contains("absent.json"), "{text}");
    assert!(text.trim_end().ends_with("0 passed, 2 failed"), "{text}");
}
