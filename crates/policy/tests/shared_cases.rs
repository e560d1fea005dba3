//! The engine against the shared fixtures: the XACML conformance set, engine-only app cases, and real policies.

use std::collections::BTreeMap;
use std::path::Path;

use mottak_policy::{Placeholders, Policy, Request, Status, decide_text};
use serde_json::{Value as Json, json};

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The one file of a case folder whose name ends like this.
fn file(dir: &Path, ending: &str) -> Option<String> {
    let entries = std::fs::read_dir(dir).ok()?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    paths.first().map(read)
}

/// Decision and last segment of the status code of a single-result response.
fn answer(response: &Json) -> (String, String) {
    let result = &response["response"][0];
    let code = result["status"]["statusCode"]["value"].as_str().unwrap_or_default();
    let status = code.rsplit(':').next().unwrap_or_default().to_owned();
    (result["decision"].as_str().unwrap_or_default().to_owned(), status)
}

/// Why a case that differs from the standard's answer is left alone.
fn reason_to_differ(policy: &str, case: &Json) -> &'static str {
    match case["case"].as_str() {
        Some("IIB021") => "alternatives of one category are OR-ed over AnyOf elements (binding)",
        Some("IIA017-unadapted" | "IIA019-unadapted") => "a missing attribute leaves a bag size undecided (binding)",
        _ if policy.contains("<PolicySet") => "policy sets are refused",
        _ if policy.contains("AttributeSelector") => "attribute selectors",
        _ if policy.contains("VariableReference") => "variables",
        _ => "other",
    }
}

#[test]
fn conformance_set_is_decided_as_the_manifest_says() {
    let Some(root) = mottak_testing::shared("data/xacml") else { return println!("shared fixtures absent: skipped") };
    let _rows = mottak_testing::covers("platform-authorization", &["Z40"]);
    let manifest: Vec<Json> = serde_json::from_str(&read(root.join("manifest.json"))).expect("the manifest is JSON");
    let (mut ran, mut standard, mut must) = (0, 0, 0);
    let mut differing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut failures = Vec::new();
    let conformance = |case: &&Json| case["group"].as_str().is_some_and(|group| group.starts_with("conformance/"));
    for case in manifest.iter().filter(conformance) {
        let dir = root.join(case["dir"].as_str().expect("a case has a folder"));
        let name = case["case"].as_str().expect("a case has a name");
        let (Some(policy), Some(request)) =
            (file(&dir, "Policy.xml").or_else(|| file(&dir, "Policy1.xml")), file(&dir, "Request.xml"))
        else {
            differing.entry("no policy or request file").or_default().push(name.to_owned());
            continue;
        };
        ran += 1;
        let (decision, status) = answer(&decide_text(&policy, &request));
        if case["altinnDecision"] == case["expected"] || name == "IIB021" {
            must += 1;
            let original_runs = name.starts_with("IIA") || ("IIB001".."IIB009").contains(&name);
            if case["altinnDecision"] != *decision || (original_runs && case["expectedStatus"] != *status) {
                failures.push(format!("{name}: {decision} {status}, expected {case}"));
            }
        }
        if case["expected"] == *decision {
            standard += 1;
        } else {
            differing.entry(reason_to_differ(&policy, case)).or_default().push(name.to_owned());
        }
    }
    println!("{ran} conformance cases: {must} binding, {standard} answered as the standard does");
    for (reason, cases) in &differing {
        println!("  {} differ, {reason}: {}", cases.len(), cases.join(" "));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
