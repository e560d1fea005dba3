//! Text cases: `tests/cases/NAME.bpmn` against `NAME.json`.
//!
//! The JSON holds the questions (`walks`) and the answers: the graph, or the problems; and the steps of each walk.
//! `UPDATE_CASES=1` writes the answers.

use std::fs;
use std::path::{Path, PathBuf};

use mottak_process::{Process, ReadOptions, leave, start};
use serde_json::{Value, json};

use crate::picture::{judge_action, picture, walk_picture};

#[test]
fn cases_give_the_expected_graphs_and_steps() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "bpmn"));
    files.sort();
    let (mut walks, mut wrong) = (0, Vec::new());
    for file in &files {
        let expected_file = file.with_extension("json");
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(&expected_file).expect("expectation")).expect("JSON");
        let actual = answer(&fs::read_to_string(file).expect("a case"), &expected);
        walks += actual["walks"].as_array().map_or(0, Vec::len);
        if std::env::var_os("UPDATE_CASES").is_some() {
            let text = serde_json::to_string_pretty(&actual).expect("JSON has a text");
            fs::write(&expected_file, text + "\n").expect("the case can be written");
        } else if actual != expected {
            wrong.push(format!("{}:\n{actual:#}", file.display()));
        }
    }
    println!("{} cases, {walks} walks", files.len());
    assert!(files.len() >= 5, "the cases are there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the crate says to the questions in `expected`.
fn answer(xml: &str, expected: &Value) -> Value {
    let mut actual = json!({});
    let options =
        ReadOptions { accepts_legacy_task_types: expected["acceptsLegacyTaskTypes"] == true, ..ReadOptions::default() };
    if options.accepts_legacy_task_types {
        actual["acceptsLegacyTaskTypes"] = json!(true);
    }
    let process = match Process::parse_with(xml, &options) {
        Ok(process) => process,
        Err(problems) => {
            actual["refused"] = problems.iter().map(ToString::to_string).collect();
            return actual;
        }
    };
    let walks = expected["walks"].as_array().into_iter().flatten();
    actual["walks"] = walks.map(|walk| answer_walk(&process, walk)).collect();
    actual["graph"] = picture(&process);
    actual["warnings"] = process.warnings.iter().map(ToString::to_string).collect();
    actual
}

/// Takes one walk. Flows under `true` have a true condition; other conditions are judged by the action.
fn answer_walk(process: &Process, walk: &Value) -> Value {
    let lists = |key: &str, flow: &str| walk[key].as_array().is_some_and(|ids| ids.iter().any(|id| id == flow));
    let mut rule = |condition: &_, context: &mottak_process::FlowContext| {
        if lists("failing", &context.flow.id) {
            return Err("there is no data".to_owned());
        }
        Ok(lists("true", &context.flow.id) || judge_action(condition, context).unwrap_or(false))
    };
    let steps = match walk["from"].as_str() {
        None => start(process, walk["startEvent"].as_str(), &mut rule),
        Some(task) => leave(process, task, walk["action"].as_str(), &mut rule),
    };
    let mut answered = walk.clone();
    answered["steps"] = walk_picture(&steps);
    answered
}
