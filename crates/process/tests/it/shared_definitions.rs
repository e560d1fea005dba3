//! The shared process definitions: every one is read as its note says, counted against the list, and walked.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use mottak_process::{Blocked, BpmnElement, CustomTask, Node, Process, ReadOptions, Severity, Step, leave, start};
use mottak_testing::{covers, shared};

/// The types that only test apps bring, and whether such a task runs by itself.
const TEST_TYPES: [(&str, bool); 8] = [
    ("confirm", false),
    ("scenario", true),
    ("write", false),
    ("fail", true),
    ("pdfIfRequested", true),
    ("pipeline", true),
    ("failing-service", true),
    ("data2", false),
];

/// A line of the list that describes the definitions.
struct Listed {
    name: String,
    types: Vec<String>,
    gateways: usize,
    service_tasks: usize,
    conditions: usize,
    note: String,
}

fn listed(folder: &Path) -> Vec<Listed> {
    let readme = fs::read_to_string(folder.join("README.md")).expect("the list");
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let number = |at: usize| cells[at].parse().expect("a count");
        Listed {
            name: cells[1].trim_matches('`').to_owned(),
            types: cells[3].split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            gateways: number(4),
            service_tasks: number(5),
            conditions: number(6),
            note: cells[8].to_owned(),
        }
    })
    .collect()
}

fn options(accepts_legacy_task_types: bool) -> ReadOptions {
    let custom_tasks = TEST_TYPES
        .iter()
        .map(|(name, is_automatic)| CustomTask { name: (*name).to_owned(), is_automatic: *is_automatic });
    ReadOptions { custom_tasks: custom_tasks.collect(), accepts_legacy_task_types, ..ReadOptions::default() }
}

fn is_legacy(file: &Listed) -> bool {
    file.note.contains("*legacy*")
}

fn is_refused(file: &Listed) -> bool {
    ["invalid", "misconfigured", "graph only"].iter().any(|word| file.note.starts_with(word))
}

/// Completes the two definitions that are listed as sound but leave out what a signing task needs; as they are, they
/// are refused.
fn completed(file: &Listed, xml: String) -> String {
    let data_type = "<altinn:signatureDataType>signatures</altinn:signatureDataType>";
    let to_sign = "<altinn:dataTypesToSign><altinn:dataType>Model</altinn:dataType></altinn:dataTypesToSign>";
    let (after, addition) = match file.name.as_str() {
        "designer-template-v8-data-signing-end" => ("</altinn:dataTypesToSign>", data_type.to_owned()),
        "core-test-double-sign" => (
            "<altinn:taskType>signing</altinn:taskType>",
            format!("<altinn:signatureConfig>{to_sign}{data_type}</altinn:signatureConfig>"),
        ),
        _ => return xml,
    };
    let problems = Process::parse(&xml).expect_err(&file.name);
    assert!(problems.iter().any(|problem| problem.reason.contains("signatureDataType")), "{}", file.name);
    match xml.rsplit_once(after) {
        Some((before, rest)) => format!("{before}{after}{addition}{rest}"),
        None => xml,
    }
}

#[test]
fn shared_definitions_are_read_as_listed_and_walked_to_their_end() {
    let _rows = covers("app-process", &["1"]);
    let Some(folder) = shared("data/process") else { return println!("skipped: no shared definitions") };
    let (mut read, mut refused, mut legacy, mut walked, mut by_code) = (0, 0, 0, 0, Vec::new());
    for file in listed(&folder) {
        let xml = fs::read_to_string(folder.join(format!("{}.bpmn", file.name))).expect("a definition");
        let xml = completed(&file, xml);
        let outcome = Process::parse_with(&xml, &options(false));
        if is_refused(&file) || is_legacy(&file) {
            let problems = outcome.expect_err(&file.name);
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error), "{}", file.name);
            refused += 1;
            legacy += usize::from(is_legacy(&file));
            continue;
        }
        let process = outcome.unwrap_or_else(|problems| panic!("{}: {problems:#?}", file.name));
        read += 1;
        assert_as_listed(&process, &file);
        match walk_everywhere(&process) {
            Reached { end: true, .. } => walked += 1,
            Reached { undecided, .. } => {
                assert!(!undecided.is_empty(), "{} has no way to its end", file.name);
                by_code.push(file.name);
            }
        }
    }
    println!("{read} read as listed, {refused} refused ({legacy} of them legacy)");
    println!("{walked} walked to an end; {by_code:?} stop at a gateway decided by code");
    assert!(read >= 40, "the definitions are there");
}

fn assert_as_listed(process: &Process, file: &Listed) {
    let types: Vec<_> = process.tasks.iter().map(|task| task.task_type.as_str()).collect();
    assert_eq!(types, file.types, "{}", file.name);
    assert_eq!(process.gateways.len(), file.gateways, "{}", file.name);
    let service_tasks = process.tasks.iter().filter(|task| task.element == BpmnElement::ServiceTask).count();
    assert_eq!(service_tasks, file.service_tasks, "{}", file.name);
    assert_eq!(process.conditions().count(), file.conditions, "{}", file.name);
}

/// What walks from the start, with every combination of answers at the gateways, come to.
#[derive(Default)]
struct Reached {
    end: bool,
    undecided: BTreeSet<String>,
}

fn walk_everywhere(process: &Process) -> Reached {
    let mut reached = Reached::default();
    let (mut open, mut seen): (Vec<Option<String>>, HashSet<String>) = (vec![None], HashSet::new());
    let answers = answers(process);
    while let Some(from) = open.pop() {
        for true_flows in &answers {
            let mut rule =
                |_: &_, context: &mottak_process::FlowContext| Ok(true_flows.contains(context.flow.id.as_str()));
            let steps = match &from {
                None => start(process, None, &mut rule),
                Some(task) => leave(process, task, None, &mut rule),
            };
            match steps.as_ref().map(|steps| steps.last()) {
                Ok(Some(Step::EndEvent { .. })) => reached.end = true,
                Ok(Some(Step::StartTask { task, .. })) => {
                    if seen.insert(task.id.clone()) {
                        open.push(Some(task.id.clone()));
                    }
                }
                Ok(other) => panic!("a walk ends at a task or the end, not {other:?}"),
                Err(Blocked::Undecided { gateway, .. }) => {
                    reached.undecided.insert(gateway.clone());
                }
                Err(Blocked::GatewayLoop { .. }) => {}
                Err(blocked) => panic!("{blocked}"),
            }
        }
    }
    reached
}

/// Every way to let at most one condition of each gateway be true.
fn answers(process: &Process) -> Vec<HashSet<&str>> {
    let mut answers = vec![HashSet::new()];
    for gateway in &process.gateways {
        let conditioned: Vec<&str> = process
            .outgoing(&gateway.id)
            .filter(|flow| flow.condition.is_some())
            .map(|flow| flow.id.as_str())
            .collect();
        let with_one = answers.iter().flat_map(|answer| {
            conditioned.iter().map(move |flow| answer.iter().copied().chain([*flow]).collect::<HashSet<&str>>())
        });
        let with_one: Vec<_> = with_one.collect();
        answers.extend(with_one);
    }
    answers
}

#[test]
fn mixed_definitions_are_read_with_a_warning() {
    let _rows = covers("app-process", &["3"]);
    let Some(folder) = shared("data/process") else { return println!("skipped: no shared definitions") };
    let mixed: Vec<_> = listed(&folder).into_iter().filter(|file| file.note.contains("*mixed*")).collect();
    println!("{} mixed definitions", mixed.len());
    for file in mixed {
        let xml = fs::read_to_string(folder.join(format!("{}.bpmn", file.name))).expect("a definition");
        let xml = completed(&file, xml);
        let process = Process::parse(&xml).unwrap_or_else(|problems| panic!("{}: {problems:#?}", file.name));
        assert!(process.warnings.iter().any(|warning| warning.reason.contains("since version 8")), "{}", file.name);
        if file.types.iter().any(|name| name == "signing") {
            assert!(process.tasks.iter().any(|task| task.signature.is_some()), "{}", file.name);
        }
    }
}

#[test]
fn legacy_definition_is_refused_by_task_and_read_with_the_switch() {
    let _rows = covers("app-process", &["4"]);
    let Some(file) = shared("data/process/designer-template-v7-data-end.bpmn") else {
        return println!("skipped: no shared definitions");
    };
    let xml = fs::read_to_string(file).expect("a definition");
    let problems = Process::parse_with(&xml, &options(false)).expect_err("legacy");
    assert!(problems.iter().any(|problem| problem.element == "Task_1"), "{problems:?}");
    let process = Process::parse_with(&xml, &options(true)).expect("the switch is on");
    assert!(matches!(process.node("Task_1"), Some(Node::Task(task)) if task.task_type.as_str() == "data"));
}

#[test]
fn disagreeing_legacy_forms_are_refused_with_the_switch() {
    let _rows = covers("app-process", &["5"]);
    let Some(file) = shared("data/process/core-test-linear-legacy-attribute-and-properties.bpmn") else {
        return println!("skipped: no shared definitions");
    };
    let problems = Process::parse_with(&fs::read_to_string(file).expect("a definition"), &options(true));
    let problems = problems.expect_err("they disagree");
    assert!(problems.iter().any(|problem| problem.reason.contains("`altinn:properties` says")), "{problems:?}");
}

#[test]
fn misconfigured_signing_is_refused_for_its_fault() {
    let _rows = covers("app-process", &["11"]);
    for (name, fault) in [("missing-config", "signatureDataType"), ("empty-datatypes", "dataTypesToSign")] {
        let Some(file) = shared(&format!("data/process/core-test-signing-{name}.bpmn")) else {
            return println!("skipped: no shared definitions");
        };
        let problems = Process::parse(&fs::read_to_string(file).expect("a definition")).expect_err(name);
        assert!(problems.iter().any(|problem| problem.reason.contains(fault)), "{problems:?}");
    }
}

#[test]
fn processes_of_the_shared_apps_fit_their_metadata() {
    let Some(apps) = shared("data/apps") else { return println!("skipped: no shared apps") };
    let mut checked = 0;
    for app in fs::read_dir(apps).expect("the apps") {
        let config = app.expect("an app").path().join("App/config");
        let Ok(xml) = fs::read_to_string(config.join("process/process.bpmn")) else { continue };
        let process = Process::parse_with(&xml, &options(true))
            .unwrap_or_else(|problems| panic!("{}: {problems:#?}", config.display()));
        let metadata = fs::read_to_string(config.join("applicationmetadata.json")).expect("metadata");
        let metadata: serde_json::Value =
            serde_json::from_str(metadata.trim_start_matches('\u{feff}')).expect("metadata is JSON");
        let types = metadata["dataTypes"].as_array().expect("data types");
        let ids: Vec<&str> = types.iter().filter_map(|data_type| data_type["id"].as_str()).collect();
        let mut problems = process.check_data_types(&ids);
        problems.retain(|problem| problem.severity == Severity::Error);
        assert_eq!(problems, [], "{}", config.display());
        checked += 1;
    }
    println!("{checked} apps checked");
}

#[test]
fn joining_gateway_is_followed_alone_and_in_a_chain() {
    let _rows = covers("app-process", &["57"]);
    let Some(file) = shared("data/process/core-test-gateway-join.bpmn") else {
        return println!("skipped: no shared definitions");
    };
    // The first gateway is decided by code; a default flow stands for that decision.
    let xml = fs::read_to_string(file).expect("a definition");
    let xml = xml
        .replace("<bpmn:exclusiveGateway id=\"Gateway1\"", "<bpmn:exclusiveGateway id=\"Gateway1\" default=\"Flow4\"");
    let process = Process::parse(&xml).expect("a sound definition");
    for (task, expected) in [("Task1", vec!["Gateway1", "Gateway2"]), ("Task2", vec!["Gateway2"])] {
        let steps = leave(&process, task, None, &mut |_, _| Ok(false)).expect("a way");
        let passed: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::PassGateway { gateway, .. } => Some(gateway.id.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(passed, expected);
        assert!(matches!(steps.last(), Some(Step::EndEvent { .. })));
    }
}
