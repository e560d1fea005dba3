//! Whatever the text, reading answers; whatever the graph, a walk ends.

use mottak_process::{Process, ReadOptions, Step, leave, start};
use proptest::prelude::*;

/// A definition over a few tasks (`t`), gateways (`g`) and an end (`e`), with flows between any of them.
fn any_definition() -> impl Strategy<Value = String> {
    let element = prop_oneof![
        (0..4_u8).prop_map(|n| format!("t{n}")),
        (0..4_u8).prop_map(|n| format!("g{n}")),
        Just("e".to_owned()),
        Just("s".to_owned()),
    ];
    let condition = prop_oneof![Just(String::new()), Just("[\"dataModel\", \"a\"]".to_owned()), ".{0,20}"];
    let flow = (element.clone(), element, condition);
    prop::collection::vec(flow, 0..12).prop_map(|flows| {
        let mut xml = String::from(
            "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:a='http://altinn.no/process'>\
             <process id='p'><startEvent id='s'/><endEvent id='e'/>",
        );
        for n in 0..4 {
            xml += &format!(
                "<task id='t{n}'><extensionElements><a:taskExtension><a:taskType>data</a:taskType>\
                 </a:taskExtension></extensionElements></task><exclusiveGateway id='g{n}' default='f{n}'/>"
            );
        }
        for (n, (source, target, condition)) in flows.iter().enumerate() {
            let condition = condition.replace(['<', '&', '>'], " ");
            xml += &format!(
                "<sequenceFlow id='f{n}' sourceRef='{source}' targetRef='{target}'>\
                 <conditionExpression>{condition}</conditionExpression></sequenceFlow>"
            );
        }
        xml + "</process></definitions>"
    })
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        prop_assert!(Process::parse(&text).is_err());
    }

    #[test]
    fn a_cut_or_mangled_definition_is_answered(cut in 0..8000_usize, with in ".{0,5}") {
        let whole = include_str!("../cases/skilt.bpmn");
        let at = (0..=cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        let _ = Process::parse(&whole[..at]);
        let _ = Process::parse(&format!("{}{with}{}", &whole[..at], &whole[at..]));
    }

    #[test]
    fn every_walk_ends(xml in any_definition(), answer: bool) {
        let Ok(process) = Process::parse_with(&xml, &ReadOptions::default()) else { return Ok(()) };
        let mut rule = |_: &_, _: &mottak_process::FlowContext| Ok(answer);
        let mut walks = vec![start(&process, None, &mut rule)];
        walks.extend(process.tasks.iter().map(|task| leave(&process, &task.id, Some("reject"), &mut rule)));
        for steps in walks.into_iter().flatten() {
            let last = steps.last().expect("a walk has steps");
            prop_assert!(matches!(last, Step::StartTask { .. } | Step::EndEvent { .. }), "{last:?}");
            prop_assert!(steps.len() <= 2 + process.gateways.len());
        }
    }
}

#[test]
fn deep_nesting_is_answered() {
    let depth = 200_000;
    let xml = format!(
        "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'><process id='p'>{}{}</process></definitions>",
        "<subProcess id='x'>".repeat(depth),
        "</subProcess>".repeat(depth),
    );
    assert!(Process::parse(&xml).is_err());
}
