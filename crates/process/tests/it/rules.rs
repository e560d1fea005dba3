//! Rules of the contract, one by one.

use mottak_process::{
    ActionKind, Blocked, CustomTask, Environment, FlowType, Process, ReadOptions, Step, UnknownTaskTypes, leave, start,
};
use mottak_testing::covers;

use crate::picture::{judge_action, picture};

const SIGN: &str = include_str!("../cases/skilt.bpmn");
const CROSSINGS: &str = include_str!("../cases/veikryss.bpmn");

fn sign() -> Process {
    Process::parse(SIGN).expect("a sound definition")
}

fn crossings() -> Process {
    Process::parse(CROSSINGS).expect("a sound definition")
}

/// A definition `Start -> Task -> End`, with `extension` on the task and `more` beside it.
fn with_task(extension: &str, more: &str) -> String {
    format!(
        "<b:definitions xmlns:b='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:altinn='http://altinn.no/process' \
         xmlns:old='http://altinn.no'><b:process id='P'><b:startEvent id='Start'/><b:task id='Task'>\
         <b:extensionElements>{extension}</b:extensionElements></b:task><b:endEvent id='End'/>\
         <b:sequenceFlow id='f1' sourceRef='Start' targetRef='Task'/>\
         <b:sequenceFlow id='f2' sourceRef='Task' targetRef='End'/>{more}</b:process></b:definitions>"
    )
}

fn of_type(name: &str, more: &str) -> String {
    format!("<altinn:taskExtension><altinn:taskType>{name}</altinn:taskType>{more}</altinn:taskExtension>")
}

fn refusals(xml: &str) -> Vec<String> {
    let problems = Process::parse(xml).expect_err("it is refused");
    problems.iter().map(|problem| format!("{}: {}", problem.element, problem.reason)).collect()
}

#[test]
fn prefixes_do_not_matter() {
    let _rows = covers("app-process", &["6"]);
    let expected = picture(&sign());
    let bpmn2 = SIGN.replace("bpmn:", "bpmn2:").replace("xmlns:bpmn=", "xmlns:bpmn2=");
    let default = SIGN.replace("<bpmn:", "<").replace("</bpmn:", "</").replace("xmlns:bpmn=", "xmlns=");
    for xml in [bpmn2, default] {
        assert_eq!(picture(&Process::parse(&xml).expect("a sound definition")), expected);
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert!(Process::parse(&format!("\u{feff}{SIGN}")).is_ok());
}

#[test]
fn parallel_gateway_is_refused_by_id() {
    let _rows = covers("app-process", &["7"]);
    let xml = with_task(&of_type("data", ""), "<b:parallelGateway id='Begge'/>");
    assert_eq!(refusals(&xml), ["Begge: `parallelGateway` is not supported"]);
}

#[test]
fn server_action_with_and_without_prefix() {
    let _rows = covers("app-process", &["8"]);
    let process = sign();
    let task = process.task("Soknad").expect("the task");
    let kinds: Vec<_> = task.actions.iter().map(|action| (action.id.as_str(), action.kind)).collect();
    assert_eq!(
        kinds,
        [("hentEiendom", ActionKind::Server), ("beregnGebyr", ActionKind::Server), ("trekk", ActionKind::Process)]
    );
}

#[test]
fn unknown_task_type_needs_a_plugin() {
    let _rows = covers("app-process", &["9"]);
    let xml = with_task(&of_type("telefon", ""), "");
    assert_eq!(refusals(&xml)[0], "Task: `telefon` is not a task type, and no plugin brings it");
    let custom_tasks = vec![CustomTask { name: "telefon".to_owned(), is_automatic: true }];
    let options = ReadOptions { custom_tasks, ..ReadOptions::default() };
    let process = Process::parse_with(&xml, &options).expect("the plugin brings the type");
    assert!(process.tasks[0].is_automatic);
}

#[test]
fn unknown_task_type_is_read_with_a_warning_where_asked() {
    let options = ReadOptions { unknown_task_types: UnknownTaskTypes::Warn, ..ReadOptions::default() };
    let xml = with_task(&of_type("telefon", ""), "");
    for (xml, is_automatic) in [(xml.clone(), false), (xml.replace("b:task", "b:serviceTask"), true)] {
        let process = Process::parse_with(&xml, &options).expect("unknown types are not refused");
        assert_eq!(process.tasks[0].is_automatic, is_automatic);
        assert!(process.warnings.iter().any(|warning| warning.reason.contains("`telefon`")), "{:?}", process.warnings);
    }
}

#[test]
fn misspelt_task_type_is_refused_also_where_unknown_ones_are_not() {
    let options = ReadOptions { unknown_task_types: UnknownTaskTypes::Warn, ..ReadOptions::default() };
    let found = Process::parse_with(&with_task(&of_type("Data", ""), ""), &options).expect_err("a slip is refused");
    assert_eq!(found[0].reason, "`Data` is not a task type; it is written `data`");
}

#[test]
fn condition_that_is_not_json_is_refused_by_flow() {
    let _rows = covers("app-process", &["10"]);
    let more = "<b:exclusiveGateway id='G'/><b:sequenceFlow id='Regel' sourceRef='G' targetRef='End'>\
                <b:conditionExpression>[\"equals\", 1</b:conditionExpression></b:sequenceFlow>";
    let found = refusals(&with_task(&of_type("data", ""), more));
    assert!(found[0].starts_with("Regel: the condition is not JSON: "), "{found:?}");
}

#[test]
fn signing_without_what_it_needs_is_refused() {
    let _rows = covers("app-process", &["11"]);
    let without_type = "<altinn:signatureConfig><altinn:dataTypesToSign><altinn:dataType>a</altinn:dataType></altinn:dataTypesToSign>\
         </altinn:signatureConfig>";
    let nothing_to_sign = "<altinn:signatureConfig><altinn:dataTypesToSign/>\
                           <altinn:signatureDataType>s</altinn:signatureDataType></altinn:signatureConfig>";
    assert_eq!(
        refusals(&with_task(&of_type("signing", without_type), "")),
        ["Task: `signatureConfig/signatureDataType` is missing"]
    );
    assert_eq!(
        refusals(&with_task(&of_type("signing", nothing_to_sign), "")),
        ["Task: `signatureConfig/dataTypesToSign` names nothing to sign"]
    );
}

#[test]
fn signee_provider_and_states_type_go_together() {
    let _rows = covers("app-process", &["12"]);
    for (given, missing) in
        [("signeeProviderId", "signeeStatesDataTypeId"), ("signeeStatesDataTypeId", "signeeProviderId")]
    {
        let config = format!(
            "<altinn:signatureConfig><altinn:dataTypesToSign><altinn:dataType>a</altinn:dataType>\
             </altinn:dataTypesToSign><altinn:signatureDataType>s</altinn:signatureDataType>\
             <altinn:{given}>x</altinn:{given}></altinn:signatureConfig>"
        );
        let found = refusals(&with_task(&of_type("signing", &config), ""));
        assert_eq!(found, [format!("Task: `{given}` needs `{missing}`")]);
    }
}

#[test]
fn legacy_forms_that_disagree_are_refused() {
    let legacy = with_task("<old:properties><old:taskType>data</old:taskType></old:properties>", "")
        .replace("<b:task id='Task'", "<b:task id='Task' old:tasktype='confirmation'");
    let options = ReadOptions { accepts_legacy_task_types: true, ..ReadOptions::default() };
    let problems = Process::parse_with(&legacy, &options).expect_err("two types");
    assert_eq!(problems[0].reason, "the attribute says task type `confirmation`, `altinn:properties` says `data`");
}

#[test]
fn compat_a_flow_named_by_a_gateway_may_have_a_stale_source() {
    let more = "<b:exclusiveGateway id='G'><b:outgoing>Ut</b:outgoing></b:exclusiveGateway>\
                <b:sequenceFlow id='Ut' sourceRef='Borte' targetRef='End'/>\
                <b:sequenceFlow id='Inn' sourceRef='Nord' targetRef='G'/><b:startEvent id='Nord'/>";
    let process = Process::parse(&with_task(&of_type("data", ""), more)).expect("it runs today");
    assert!(process.warnings.iter().any(|warning| warning.element == "Ut"), "{:?}", process.warnings);
    let steps = start(&process, Some("Nord"), &mut judge_action).expect("a way");
    assert!(matches!(steps.last(), Some(Step::EndEvent { .. })));
}

#[test]
fn no_start_event_is_refused() {
    let empty = "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'><process id='P'/></definitions>";
    assert_eq!(refusals(empty), ["P: there is no `startEvent`"]);
}

#[test]
fn a_fault_is_found_where_it_is() {
    let problems = Process::parse("<definitions\n  xmlns='urn:other'/>").expect_err("another namespace");
    assert_eq!((problems[0].line, problems[0].column), (1, 1));
    let problems = Process::parse("<definitions>\n  </process>").expect_err("not XML");
    assert_eq!(problems[0].line, 2);
}

#[test]
fn environment_and_data_types_are_checked_for_the_app() {
    let process = sign();
    assert_eq!(process.check_environment(Environment::Production), []);
    let missing = process.check_environment(Environment::Staging);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].reason, "`eFormidlingConfig/type` has no value in Staging");

    let known = ["SOKNAD", "soknad", "betaling", "kvittering", "signaturer", "huseiere-status", "ref-data-as-pdf"];
    let unknown: Vec<_> =
        process.check_data_types(&known).into_iter().map(|problem| (problem.element, problem.reason)).collect();
    assert_eq!(
        unknown.iter().map(|(element, reason)| format!("{element}: {reason}")).collect::<Vec<_>>(),
        [
            "Signer: `uniqueFromSignaturesInDataTypes` names the data type `tidligere-signaturer`, which the app's \
             metadata does not have",
            "SkiltPdf: `subformDataTypeId` names the data type `skilt`, which the app's metadata does not have",
        ]
    );
}

#[test]
fn gateway_sees_the_action_of_the_request() {
    let _rows = covers("app-process", &["50"]);
    let process = crossings();
    let reached = |action| {
        let steps = leave(&process, "Kontroll", action, &mut judge_action).expect("a way");
        match steps.last() {
            Some(Step::StartTask { task, .. }) => task.id.clone(),
            Some(Step::EndEvent { event }) => event.id.clone(),
            other => panic!("a walk ends at a task or the end, not {other:?}"),
        }
    };
    assert_eq!(reached(None), "Skjema");
    assert_eq!(reached(Some("reject")), "SluttAvvist");
}

#[test]
fn gateway_after_a_service_task_sees_no_write() {
    let _rows = covers("app-process", &["125"]);
    let mut seen = Vec::new();
    let process = crossings();
    let steps = leave(&process, "Kontroll", Some("write"), &mut |_, context| {
        seen.push(context.action.map(str::to_owned));
        Ok(false)
    });
    assert!(matches!(steps.expect("a way").last(), Some(Step::StartTask { task, .. }) if task.id == "Skjema"));
    assert_eq!(seen, [None, None]);
}

#[test]
fn unconditioned_default_is_the_else() {
    let _rows = covers("app-process", &["55", "56"]);
    let process = sign();
    let passed = |action| {
        let steps = leave(&process, "Bekreft", action, &mut |condition, context| {
            judge_action(condition, context).or(Ok(context.flow.id == "Gratis"))
        });
        let steps = steps.expect("a way");
        steps.iter().find_map(|step| match step {
            Step::PassGateway { gateway, flow } if gateway.id == "Godtatt" => Some(flow.id.clone()),
            _ => None,
        })
    };
    assert_eq!(passed(Some("confirm")).as_deref(), Some("Til_Gebyr"));
    assert_eq!(passed(Some("reject")).as_deref(), Some("Tilbake"));
}

#[test]
fn several_true_or_none_at_all_block() {
    let process = sign();
    let block = |answer| {
        leave(&process, "Bekreft", None, &mut |condition, context| judge_action(condition, context).or(Ok(answer)))
    };
    let undecided = |open| Err(Blocked::Undecided { gateway: "Gebyr".to_owned(), open });
    assert_eq!(block(true), undecided(2));
    assert_eq!(block(false), undecided(0));
    assert_eq!(
        undecided(2).map(|_: Vec<Step>| ()).expect_err("blocked").to_string(),
        "Exclusive gateway Gebyr returned 2 flows. Expected 1"
    );
}

#[test]
fn chained_and_joining_gateways_are_followed() {
    let process = crossings();
    let steps = start(&process, Some("StartNord"), &mut judge_action).expect("a way");
    let gateways = steps.iter().filter(|step| matches!(step, Step::PassGateway { .. })).count();
    assert_eq!(gateways, 2);
    assert!(matches!(steps.last(), Some(Step::StartTask { task, .. }) if task.id == "Kontroll"));
}

#[test]
fn events_of_a_transition_are_in_order() {
    let process = crossings();
    let events = |steps: Vec<Step>| steps.iter().flat_map(|step| step.instance_events()).copied().collect::<Vec<_>>();
    let started = start(&process, Some("StartSor"), &mut judge_action).expect("a way");
    assert_eq!(events(started), ["process_StartEvent", "process_StartTask"]);
    let moved = leave(&process, "Kontroll", None, &mut judge_action).expect("a way");
    assert_eq!(events(moved), ["process_EndTask", "process_StartTask"]);
    let rejected = leave(&process, "Kontroll", Some("reject"), &mut judge_action).expect("a way");
    assert_eq!(events(rejected), ["process_AbandonTask", "process_EndEvent", "Submited"]);
}

#[test]
fn only_exactly_reject_abandons() {
    assert_eq!(FlowType::of(Some("reject")), FlowType::Abandon);
    for action in [None, Some("Reject"), Some("write")] {
        assert_eq!(FlowType::of(action), FlowType::Complete);
    }
}

#[test]
fn rights_to_leave_follow_the_task_type() {
    let process = sign();
    let any_of = |task: &str| process.task(task).expect("the task").leave_rights(None).any_of.join(" ");
    assert_eq!(any_of("Soknad"), "write");
    assert_eq!(any_of("Bekreft"), "confirm");
    assert_eq!(any_of("Betal"), "pay write");
    assert_eq!(any_of("Signer"), "sign write");
    assert_eq!(any_of("SkiltPdf"), "write");
}

#[test]
fn an_action_not_meant_to_move_needs_a_right_that_is() {
    let process = sign();
    let task = process.task("Soknad").expect("the task");
    for action in ["read", "hentEiendom", "complete"] {
        let rights = task.leave_rights(Some(action));
        assert_eq!((rights.any_of, rights.and_any_of), (vec![action], vec!["write"]));
    }
    for action in ["write", "trekk", "reject"] {
        let rights = task.leave_rights(Some(action));
        assert_eq!((rights.any_of, rights.and_any_of), (vec![action], vec![]));
    }
}

#[test]
fn validation_is_skipped_only_for_a_declared_reject_or_a_service_task() {
    let process = sign();
    let is_validated = |task: &str, action| process.task(task).expect("the task").is_validated_before(action);
    assert!(is_validated("Bekreft", Some("confirm")));
    assert!(!is_validated("Bekreft", Some("reject")));
    assert!(is_validated("Soknad", Some("reject")));
    assert!(!is_validated("Pdf", None));
}

#[test]
fn reported_actions_are_read_write_and_the_declared_once() {
    let xml = with_task(
        &of_type(
            "data",
            "<altinn:actions><altinn:action type='serverAction'>read</altinn:action><altinn:action>x</altinn:action></altinn:actions>",
        ),
        "",
    );
    let process = Process::parse(&xml).expect("a sound definition");
    let ids: Vec<_> = process.tasks[0].reported_actions().into_iter().map(|action| action.id).collect();
    assert_eq!(ids, ["read", "write", "x"]);
}

#[test]
fn task_elements_are_reported_before_service_tasks() {
    let process = sign();
    let ids: Vec<_> = process.tasks_as_reported().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["Soknad", "Bekreft", "Betal", "Signer", "SkiltPdf", "Pdf", "Send"]);
}

#[test]
fn example_apps_have_sound_processes() {
    let apps = mottak_testing::repository_root().join("apps");
    for app in ["kulturstotte", "skjenkebevilling"] {
        let folder = apps.join(app).join("App/config");
        let xml = std::fs::read_to_string(folder.join("process/process.bpmn")).expect("the app's process");
        let process = Process::parse(&xml).unwrap_or_else(|problems| panic!("{app}: {problems:#?}"));
        assert_eq!(process.warnings, [], "{app}");
        assert_eq!(process.check_data_types(&["soknad"]), [], "{app}");
    }
}

#[test]
fn completing_the_whole_process_uses_the_action_of_the_type() {
    let process = sign();
    let default = |task: &str| process.task(task).expect("the task").task_type.default_action().map(str::to_owned);
    assert_eq!(default("Soknad").as_deref(), Some("write"));
    assert_eq!(default("Bekreft").as_deref(), Some("confirm"));
    assert_eq!(default("Signer").as_deref(), Some("sign"));
    assert_eq!(default("Betal"), None);
    assert_eq!(default("SkiltPdf").as_deref(), Some("write"));
}

#[test]
fn automatic_task_runs_only_with_its_own_actions() {
    let process = sign();
    let pdf = process.task("Pdf").expect("the task");
    assert!(pdf.is_automatic);
    for action in [None, Some("write"), Some("pdf")] {
        assert!(pdf.runs_with(action), "{action:?}");
    }
    assert!(!pdf.runs_with(Some("pay")));
}
