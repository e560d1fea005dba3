//! Processes as a few lines of text, turned into BPMN.
//!
//! ```text
//! start Start
//! task Utfylling data reject +hent      task: id, type, actions; `+`: a server action
//! service Brev pdf                      the same as a `serviceTask`
//! gateway Vei data=skjema default=Slutt
//! end Slutt
//! Start -> Utfylling -> Vei
//! Vei -> Slutt if ["equals", ["gatewayAction"], "reject"]
//! ```

use std::fmt::Write as _;

/// The BPMN file of a sketch.
pub(crate) fn bpmn(sketch: &str) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><b:definitions id=\"D\" \
         xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:altinn=\"http://altinn.no/process\">\
         <b:process id=\"P\" isExecutable=\"false\">",
    );
    for line in sketch.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.contains("->") {
            flows(&mut xml, line);
        } else {
            element(&mut xml, line);
        }
    }
    xml.push_str("</b:process></b:definitions>");
    xml
}

/// The BPMN file of a sketch, with configuration in the extension of its last task.
pub(crate) fn configured(sketch: &str, configuration: &str) -> String {
    const END: &str = "</altinn:taskExtension>";
    let xml = bpmn(sketch);
    let (head, tail) = xml.rsplit_once(END).expect("a task has an extension");
    format!("{head}{configuration}{END}{tail}")
}

fn element(xml: &mut String, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (kind, id, more) = (words[0], words[1], &words[2..]);
    let named = |name: &str| more.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let written = match kind {
        "start" => write!(xml, "<b:startEvent id=\"{id}\"/>"),
        "end" => write!(xml, "<b:endEvent id=\"{id}\"/>"),
        "gateway" => {
            let default = named("default").map(|target| format!(" default=\"{id}_{target}\"")).unwrap_or_default();
            let connected =
                named("data").map(|data| format!("<altinn:connectedDataTypeId>{data}</altinn:connectedDataTypeId>"));
            let connected = connected.unwrap_or_default();
            write!(
                xml,
                "<b:exclusiveGateway id=\"{id}\"{default}><b:extensionElements><altinn:gatewayExtension>{connected}\
                 </altinn:gatewayExtension></b:extensionElements></b:exclusiveGateway>"
            )
        }
        "task" | "service" => {
            let tag = if kind == "task" { "task" } else { "serviceTask" };
            let actions: String = more[1..]
                .iter()
                .map(|action| match action.strip_prefix('+') {
                    Some(server) => format!("<altinn:action type=\"serverAction\">{server}</altinn:action>"),
                    None => format!("<altinn:action>{action}</altinn:action>"),
                })
                .collect();
            write!(
                xml,
                "<b:{tag} id=\"{id}\" name=\"Om {id}\"><b:extensionElements><altinn:taskExtension><altinn:taskType>{}\
                 </altinn:taskType><altinn:actions>{actions}</altinn:actions></altinn:taskExtension>\
                 </b:extensionElements></b:{tag}>",
                more[0]
            )
        }
        other => panic!("{other} is nothing a process has"),
    };
    written.expect("text takes text");
}

fn flows(xml: &mut String, line: &str) {
    let (way, condition) = line.split_once(" if ").unwrap_or((line, ""));
    let condition = match condition {
        "" => String::new(),
        json => format!("<b:conditionExpression>{}</b:conditionExpression>", json.replace('<', "&lt;")),
    };
    let stops: Vec<&str> = way.split("->").map(str::trim).collect();
    for pair in stops.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        write!(
            xml,
            "<b:sequenceFlow id=\"{from}_{to}\" sourceRef=\"{from}\" targetRef=\"{to}\">{condition}</b:sequenceFlow>"
        )
        .expect("text takes text");
    }
}
