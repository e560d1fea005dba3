//! The engine against the shared fixtures: the XACML conformance set, engine-only app cases, and real policies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mottak_policy::{Effect, Placeholders, Policy, Request, decide_text};
use serde_json::Value as Json;

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
        _ if policy.contains("xpath") => "XPath functions",
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
        let response = decide_text(&policy, &request);
        let (decision, status) = answer(&response);
        if case["altinnDecision"] == case["expected"] || name == "IIB021" {
            must += 1;
            let original_runs = name.starts_with("IIA") || ("IIB001".."IIB009").contains(&name);
            if case["altinnDecision"] != *decision || (original_runs && case["expectedStatus"] != *status) {
                let message = &response["response"][0]["status"]["statusMessage"];
                failures.push(format!("{name}: {decision} {status} {message}, expected {}", case["altinnDecision"]));
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
    assert_eq!(differing.get("other"), None, "every difference from the standard has a reason");
}

/// Id, and per assignment: attribute id, category, value, data type.
type ObligationTexts = (String, Vec<[String; 4]>);

/// Decision, status and obligations of an XML response file.
fn xml_answer(response: &str) -> (String, String, Vec<ObligationTexts>) {
    let document = roxmltree::Document::parse(response.trim_start_matches('\u{feff}')).expect("the response is XML");
    let named = |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
    let text = |node: roxmltree::Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
    let attribute = |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let decision = named("Decision").next().map(text).unwrap_or_default();
    let code = named("StatusCode").next().map(|node| attribute(node, "Value")).unwrap_or_default();
    let assignments = |obligation: roxmltree::Node<'_, '_>| {
        let assigned = obligation.children().filter(|node| node.tag_name().name() == "AttributeAssignment");
        let parts = |node| {
            [attribute(node, "AttributeId"), attribute(node, "Category"), text(node), attribute(node, "DataType")]
        };
        assigned.map(parts).collect()
    };
    let obligations = named("Obligation").map(|node| (attribute(node, "ObligationId"), assignments(node))).collect();
    (decision, code.rsplit(':').next().unwrap_or_default().to_owned(), obligations)
}

/// The obligations of a JSON result in the form of [`xml_answer`].
fn json_obligations(result: &Json) -> Vec<ObligationTexts> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let parts =
        |assigned: &Json| ["attributeId", "category", "value", "dataType"].map(|member| text(&assigned[member]));
    let obligations = result["obligations"].as_array().into_iter().flatten();
    obligations
        .map(|obligation| {
            let assigned = obligation["attributeAssignment"].as_array().into_iter().flatten();
            (text(&obligation["id"]), assigned.map(parts).collect())
        })
        .collect()
}

#[test]
fn enriched_app_requests_are_decided_as_the_responses_say() {
    let Some(root) = mottak_testing::shared("data/xacml/apps-unit") else {
        return println!("shared fixtures absent: skipped");
    };
    let mut ran = 0;
    for entry in std::fs::read_dir(root).expect("the folder is readable") {
        let dir = entry.expect("the folder is readable").path();
        let (Some(policy), Some(request), Some(response)) =
            (file(&dir, "Policy.xml"), file(&dir, "Enriched.xml"), file(&dir, "Response.xml"))
        else {
            continue;
        };
        ran += 1;
        let answered = decide_text(&policy, &request);
        let (decision, status) = answer(&answered);
        let obligations = json_obligations(&answered["response"][0]);
        assert_eq!((decision, status, obligations), xml_answer(&response), "{}", dir.display());
    }
    println!("{ran} enriched app requests with responses");
}

#[test]
fn enriched_requests_without_response_are_decided_without_error() {
    let Some(root) = mottak_testing::shared("data/xacml/apps") else {
        return println!("shared fixtures absent: skipped");
    };
    let mut ran = Vec::new();
    for entry in std::fs::read_dir(root).expect("the folder is readable") {
        let dir = entry.expect("the folder is readable").path();
        let (Some(policy), Some(request)) = (file(&dir, "Policy.xml"), file(&dir, "EnrichedRequest.xml")) else {
            continue;
        };
        let (decision, status) = answer(&decide_text(&policy, &request));
        assert_eq!(status, "ok", "{}", dir.display());
        ran.push(format!("{}: {decision}", dir.file_name().unwrap_or_default().display()));
    }
    ran.sort();
    println!("{} enriched requests: {}", ran.len(), ran.join(", "));
}

/// Every file below a folder whose name ends like this.
fn files_below(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_shared_policy_is_read_and_can_be_asked() {
    let folders = ["data/policies", "data/xacml/fixtures", "data/xacml/apps", "data/xacml/resources", "data/apps"];
    let mut paths = Vec::new();
    for folder in folders.into_iter().filter_map(mottak_testing::shared) {
        let ending = if folder.ends_with("policies") { ".xml" } else { "olicy.xml" };
        files_below(&folder, ending, &mut paths);
    }
    let (mut read_ones, mut warned_about, mut refused) = (0, 0, Vec::new());
    for path in &paths {
        match Policy::parse(&read(path), &Placeholders::for_app("ttd", "demo")) {
            Err(problems) => {
                assert!(!problems.is_empty(), "{} is refused without a reason", path.display());
                refused.extend(problems.into_iter().map(|problem| format!("{}:{problem}", path.display())));
            }
            Ok(policy) => {
                read_ones += 1;
                warned_about += usize::from(!policy.warnings().is_empty());
                let nobody = Request::new().resource("urn:altinn:app", "none of these").action("fly");
                assert_eq!(policy.decide(&nobody).effect, Effect::NotApplicable, "{}", path.display());
            }
        }
    }
    println!("{read_ones} of {} policies read, {warned_about} with warnings", paths.len());
    for problem in refused {
        println!("  {problem}");
    }
}
