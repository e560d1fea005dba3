//! The two XML files of an app: its process and its policy.
//!
//! Contract: app-process §1.5.

use bytes::Bytes;
use mottak_model::AppId;
use mottak_policy::{Placeholders, Policy};
use mottak_process::{Process, ProcessProblem, ReadOptions, TaskType};

use crate::LoadOptions;
use crate::files::AppFiles;
use crate::json::text_of;
use crate::metadata::Metadata;
use crate::problem::{Place, Problems, Severity};

const PROCESS: &str = "config/process/process.bpmn";
const POLICY: &str = "config/authorization/policy.xml";

/// The process and its document.
pub(crate) fn read_process(
    files: &AppFiles,
    options: &LoadOptions,
    problems: &mut Problems,
) -> Option<(Process, Bytes)> {
    let text = text_of(PROCESS, files.get(PROCESS)?, problems)?;
    let reading = ReadOptions {
        custom_tasks: options.custom_tasks.clone(),
        unknown_task_types: options.unknown_task_types,
        accepts_legacy_task_types: true,
    };
    let process = match Process::parse_with(&text, &reading) {
        Ok(process) => process,
        Err(found) => {
            report(found, problems);
            return None;
        }
    };
    report(process.warnings.clone(), problems);
    if let Some(environment) = options.environment {
        report(process.check_environment(environment), problems);
    }
    Some((process, text.into()))
}

/// Tells of data types that the configuration of a task or gateway names and the app does not have.
pub(crate) fn check_data_types(process: &Process, metadata: &Metadata, problems: &mut Problems) {
    let known: Vec<&str> = metadata.application.data_types.iter().map(|data_type| data_type.id.as_str()).collect();
    let found = process.check_data_types(&known);
    report(found.into_iter().map(|problem| tolerated(problem, process)).collect(), problems);
}

/// The policy and its document; one that permits nobody when the file is missing or faulty.
pub(crate) fn read_policy(files: &AppFiles, app: &AppId, problems: &mut Problems) -> (Policy, Option<Bytes>) {
    let text = files.get(POLICY).and_then(|bytes| text_of(POLICY, bytes, problems));
    let Some(text) = text else { return (nobody_may_do_anything(), None) };
    match Policy::parse(&text, &Placeholders::for_app(app.org(), app.app())) {
        Ok(policy) => {
            for problem in policy.warnings() {
                problems.warn(Place::line(POLICY, problem.line), problem.reason.clone());
            }
            (policy, Some(text.into()))
        }
        Err(found) => {
            for problem in found {
                problems.error(Place::line(POLICY, problem.line), problem.reason);
            }
            (nobody_may_do_anything(), None)
        }
    }
}

fn nobody_may_do_anything() -> Policy {
    const DENY: &str = r#"<Policy xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" PolicyId="urn:mottak:nobody"
        Version="1.0" RuleCombiningAlgId="urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:deny-overrides">
        <Target/><Rule RuleId="urn:mottak:nobody:1" Effect="Deny"><Target/></Rule></Policy>"#;
    Policy::parse(DENY, &Placeholders::none()).expect("the policy is written here, and a test reads it")
}

/// An app has both files or neither: without them it describes itself and nobody may do anything with it.
pub(crate) fn check_presence(files: &AppFiles, problems: &mut Problems) {
    match (files.get(PROCESS), files.get(POLICY)) {
        (Some(_), Some(_)) => {}
        (None, Some(_)) => problems.error(Place::file(PROCESS), "the file is missing"),
        (Some(_), None) => problems.error(Place::file(POLICY), "the file is missing"),
        (None, None) => {
            problems.warn(Place::file(PROCESS), "the file is missing; the app cannot have instances");
            problems.warn(Place::file(POLICY), "the file is missing; nobody may do anything with the app");
        }
    }
}

/// What a shipment takes along is picked among the data there is; a type the app does not have is never there.
fn tolerated(problem: ProcessProblem, process: &Process) -> ProcessProblem {
    let is_shipment = process.task(&problem.element).is_some_and(|task| task.task_type == TaskType::EFormidling);
    let severity = if is_shipment { mottak_process::Severity::Warning } else { problem.severity };
    ProcessProblem { severity, ..problem }
}

fn report(found: Vec<ProcessProblem>, problems: &mut Problems) {
    for problem in found {
        let severity = match problem.severity {
            mottak_process::Severity::Error => Severity::Error,
            mottak_process::Severity::Warning => Severity::Warning,
        };
        let reason = format!("{}: {}", problem.element, problem.reason);
        problems.add(severity, Place::line(PROCESS, problem.line), reason);
    }
}
