//! The altinn extension of a task or gateway: type, actions and configuration.
//!
//! Contract: `app-process.md` §1.2, §1.3; what is refused, §1.5.

use std::str::FromStr;

use roxmltree::Node;

use crate::config::{EFormidlingConfig, PaymentConfig, PdfConfig, SignatureConfig, SigneeSource, SubformPdfConfig};
use crate::environment::{Environment, PerEnvironment};
use crate::outline::{Element, Kind, children, text_of};
use crate::problem::Problems;
use crate::read::{ReadOptions, UnknownTaskTypes};
use crate::task::{ActionKind, BpmnElement, Task, TaskAction, TaskType};

const ALTINN: &str = "http://altinn.no/process";
/// The namespace before version 8, still found in templates.
const OLD_ALTINN: &str = "http://altinn.no";

/// The configuration blocks, each with the type it belongs to.
const CONFIGS: [(&str, TaskType); 5] = [
    ("signatureConfig", TaskType::Signing),
    ("paymentConfig", TaskType::Payment),
    ("pdfConfig", TaskType::Pdf),
    ("subformPdfConfig", TaskType::SubformPdf),
    ("eFormidlingConfig", TaskType::EFormidling),
];

/// The task an element stands for; `None` when its type is unknown, which is then among the problems.
pub(crate) fn read_task(element: &Element, options: &ReadOptions, problems: &mut Problems) -> Option<Task> {
    let extension = extension(element, "taskExtension", problems);
    let task_type = match extension.and_then(|extension| text(extension, "taskType")) {
        Some(name) => TaskType::named(&name),
        None => legacy_task_type(element, options, problems)?,
    };
    let is_automatic = match &task_type {
        TaskType::Custom(name) => match options.custom_tasks.iter().find(|custom| custom.name == *name) {
            Some(custom) => custom.is_automatic,
            None if options.unknown_task_types == UnknownTaskTypes::Warn && !is_misspelt(name) => {
                problems.warn(element.xml, unknown_type(name));
                element.kind == Kind::ServiceTask
            }
            None => {
                problems.error(element.xml, unknown_type(name));
                return None;
            }
        },
        built_in => built_in.is_automatic(),
    };
    let actions_in = extension.or_else(|| legacy_properties(element).filter(|_| options.accepts_legacy_task_types));
    let config = |name| extension.and_then(|extension| child(extension, name));
    warn_of_unused_configs(&task_type, config, problems);

    let signature = config("signatureConfig");
    let mut task = Task {
        id: element.id.to_owned(),
        name: element.name.map(str::to_owned),
        element: if element.kind == Kind::ServiceTask { BpmnElement::ServiceTask } else { BpmnElement::Task },
        position: problems.position(element.xml),
        is_automatic,
        actions: actions_in.map(|parent| read_actions(parent, problems)).unwrap_or_default(),
        unique_from_signatures_in: signature
            .map(|config| list(config, "uniqueFromSignaturesInDataTypes", "dataType"))
            .unwrap_or_default(),
        signature: None,
        payment: None,
        pdf: None,
        subform_pdf: None,
        e_formidling: None,
        task_type,
    };
    match task.task_type {
        TaskType::Signing => task.signature = read_signature(signature.unwrap_or(element.xml), problems),
        TaskType::Payment => {
            task.payment = read_payment(config("paymentConfig").unwrap_or(element.xml), problems);
        }
        TaskType::Pdf => task.pdf = Some(config("pdfConfig").map(read_pdf).unwrap_or_default()),
        TaskType::Custom(_) => task.pdf = config("pdfConfig").map(read_pdf),
        TaskType::SubformPdf => {
            task.subform_pdf = read_subform_pdf(config("subformPdfConfig").unwrap_or(element.xml), problems);
        }
        TaskType::EFormidling => match config("eFormidlingConfig") {
            Some(config) => task.e_formidling = Some(read_e_formidling(config, problems)),
            None => problems.error(element.xml, "an `eFormidling` task needs `eFormidlingConfig`"),
        },
        TaskType::Data | TaskType::Confirmation | TaskType::Feedback | TaskType::FiksArkiv => {}
    }
    Some(task)
}

/// The data type whose data the conditions of a gateway read.
pub(crate) fn read_connected_data_type(gateway: &Element, problems: &mut Problems) -> Option<String> {
    text(extension(gateway, "gatewayExtension", problems)?, "connectedDataTypeId")
}

fn unknown_type(name: &str) -> String {
    match meant_type(name) {
        Some(known) => format!("`{name}` is not a task type; it is written `{known}`"),
        None => format!("`{name}` is not a task type, and no plugin brings it"),
    }
}

/// Whether the name is that of a built-in type but for its case: a slip, not a type of somebody else's.
fn is_misspelt(name: &str) -> bool {
    meant_type(name).is_some()
}

fn meant_type(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 9] =
        ["data", "confirmation", "feedback", "signing", "payment", "pdf", "subformPdf", "eFormidling", "fiksArkiv"];
    KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

fn extension<'x>(element: &Element<'x>, name: &str, problems: &mut Problems) -> Option<Node<'x, 'x>> {
    let mut containers = children(element.xml, "extensionElements");
    let found = containers.find_map(|container| child(container, name))?;
    if found.tag_name().namespace() == Some(OLD_ALTINN) {
        problems.warn(found, format!("`{name}` is in {OLD_ALTINN}; since version 8 it belongs in {ALTINN}"));
    }
    Some(found)
}

/// The type in one of the forms before version 8: an attribute of the task, or inside `altinn:properties`. The latter
/// is read without the switch when it stands in the present namespace.
fn legacy_task_type(element: &Element, options: &ReadOptions, problems: &mut Problems) -> Option<TaskType> {
    let attribute = element.xml.attribute((OLD_ALTINN, "tasktype")).map(str::to_owned);
    let is_in_old_namespace =
        legacy_properties(element).is_none_or(|properties| properties.tag_name().namespace() == Some(OLD_ALTINN));
    let property = legacy_properties(element).and_then(|properties| {
        let value = child(properties, "taskType").or_else(|| child(properties, "tasktype"))?;
        Some(value.attribute("id").map_or_else(|| text_of(value), str::to_owned)).filter(|text| !text.is_empty())
    });
    match (attribute, property) {
        (None, None) => problems.error(element.xml, "the task has no altinn task type (`altinn:taskType`)"),
        (None, Some(name)) if !is_in_old_namespace => {
            problems.warn(element.xml, "the task type is in `altinn:properties`; it belongs in `altinn:taskExtension`");
            return Some(TaskType::named(&name));
        }
        _ if !options.accepts_legacy_task_types => problems.error(
            element.xml,
            "the task type is written as before version 8 (`altinn:tasktype` attribute or `altinn:properties`); \
             move it to `altinn:taskExtension/altinn:taskType`",
        ),
        (Some(attribute), Some(property)) if attribute != property => problems.error(
            element.xml,
            format!("the attribute says task type `{attribute}`, `altinn:properties` says `{property}`"),
        ),
        (Some(name), _) | (None, Some(name)) => {
            problems.warn(element.xml, "the task type is written as before version 8");
            return Some(TaskType::named(&name));
        }
    }
    None
}

fn legacy_properties<'x>(element: &Element<'x>) -> Option<Node<'x, 'x>> {
    children(element.xml, "extensionElements").find_map(|container| child(container, "properties"))
}

fn read_actions(parent: Node, problems: &mut Problems) -> Vec<TaskAction> {
    let mut actions: Vec<TaskAction> = Vec::new();
    let written = child(parent, "actions").into_iter().flat_map(|actions| altinn_children(actions, "action"));
    for xml in written {
        let text = text_of(xml);
        let id = if text.is_empty() { xml.attribute("id").unwrap_or_default().to_owned() } else { text };
        let attribute = xml.attributes().find(|attribute| attribute.name() == "type").map(|found| found.value());
        let kind = match attribute {
            None | Some("processAction") => ActionKind::Process,
            Some("serverAction") => ActionKind::Server,
            Some(other) => {
                problems.error(xml, format!("`{other}` is not a type of action (`processAction`, `serverAction`)"));
                continue;
            }
        };
        if id.is_empty() {
            problems.error(xml, "an action has no id");
        } else if actions.iter().any(|earlier| earlier.id == id) {
            problems.warn(xml, format!("the action `{id}` is declared twice; the first one counts"));
        } else {
            actions.push(TaskAction { id, kind });
        }
    }
    actions
}

fn warn_of_unused_configs<'x>(
    task_type: &TaskType,
    config: impl Fn(&'static str) -> Option<Node<'x, 'x>>,
    problems: &mut Problems,
) {
    if matches!(task_type, TaskType::Custom(_)) {
        return;
    }
    for (name, owner) in CONFIGS.iter().filter(|(_, owner)| owner != task_type) {
        if let Some(xml) = config(name) {
            let (owner, own) = (owner.as_str(), task_type.as_str());
            problems.warn(xml, format!("`{name}` belongs to `{owner}` tasks; this one is of type `{own}`"));
        }
    }
}

fn read_signature(config: Node, problems: &mut Problems) -> Option<SignatureConfig> {
    let data_types_to_sign = list(config, "dataTypesToSign", "dataType");
    if data_types_to_sign.is_empty() {
        problems.error(config, "`signatureConfig/dataTypesToSign` names nothing to sign");
    }
    let signature_data_type = required(config, "signatureConfig", "signatureDataType", problems);
    let signees = match (text(config, "signeeProviderId"), text(config, "signeeStatesDataTypeId")) {
        (Some(provider_id), Some(states_data_type)) => Some(SigneeSource { provider_id, states_data_type }),
        (None, None) => None,
        (Some(_), None) => {
            problems.error(config, "`signeeProviderId` needs `signeeStatesDataTypeId`");
            None
        }
        (None, Some(_)) => {
            problems.error(config, "`signeeStatesDataTypeId` needs `signeeProviderId`");
            None
        }
    };
    let runs_default_validator = text(config, "runDefaultValidator").is_some_and(|value| {
        boolean(&value).unwrap_or_else(|| {
            problems.error(config, format!("`runDefaultValidator` is `true` or `false`, not `{value}`"));
            false
        })
    });
    Some(SignatureConfig {
        data_types_to_sign,
        signature_data_type: signature_data_type?,
        signees,
        signing_pdf_data_type: text(config, "signingPdfDataType"),
        correspondence_resource: per_environment(config, "correspondenceResource", problems),
        runs_default_validator,
    })
}

fn read_payment(config: Node, problems: &mut Problems) -> Option<PaymentConfig> {
    let payment_data_type = required(config, "paymentConfig", "paymentDataType", problems);
    let receipt_pdf_data_type = required(config, "paymentConfig", "paymentReceiptPdfDataType", problems);
    Some(PaymentConfig { payment_data_type: payment_data_type?, receipt_pdf_data_type: receipt_pdf_data_type? })
}

fn read_pdf(config: Node) -> PdfConfig {
    PdfConfig {
        filename_text_resource_key: text(config, "filenameTextResourceKey"),
        auto_pdf_task_ids: list(config, "autoPdfTaskIds", "taskId"),
    }
}

fn read_subform_pdf(config: Node, problems: &mut Problems) -> Option<SubformPdfConfig> {
    let subform_component_id = required(config, "subformPdfConfig", "subformComponentId", problems);
    let subform_data_type = required(config, "subformPdfConfig", "subformDataTypeId", problems);
    Some(SubformPdfConfig {
        filename_text_resource_key: text(config, "filenameTextResourceKey"),
        subform_component_id: subform_component_id?,
        subform_data_type: subform_data_type?,
    })
}

fn read_e_formidling(config: Node, problems: &mut Problems) -> EFormidlingConfig {
    let mut data_types = PerEnvironment::default();
    for (xml, environment) in environment_entries(config, "dataTypes", problems) {
        data_types.extend(environment, texts(xml, "dataType"));
    }
    EFormidlingConfig {
        disabled: parsed_per_environment(config, "disabled", boolean, problems),
        receiver: per_environment(config, "receiver", problems),
        process: per_environment(config, "process", problems),
        standard: per_environment(config, "standard", problems),
        type_version: per_environment(config, "typeVersion", problems),
        message_type: per_environment(config, "type", problems),
        security_level: parsed_per_environment(config, "securityLevel", |text| i32::from_str(text).ok(), problems),
        dpf_shipment_type: per_environment(config, "dpfShipmentType", problems),
        data_types,
    }
}

fn per_environment(config: Node, name: &str, problems: &mut Problems) -> PerEnvironment<String> {
    parsed_per_environment(config, name, |text| Some(text.to_owned()), problems)
}

fn parsed_per_environment<T>(
    config: Node,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    problems: &mut Problems,
) -> PerEnvironment<T> {
    let mut values = PerEnvironment::default();
    for (xml, environment) in environment_entries(config, name, problems) {
        let text = text_of(xml);
        if text.is_empty() {
            continue;
        }
        match parse(&text) {
            Some(value) => values.set(environment, value),
            None => problems.error(xml, format!("`{text}` is not a value of `{name}`")),
        }
    }
    values
}

/// The children called `name`, each with the environment it is for; those for an unknown one are problems.
fn environment_entries<'x>(
    config: Node<'x, 'x>,
    name: &str,
    problems: &mut Problems,
) -> Vec<(Node<'x, 'x>, Option<Environment>)> {
    let mut entries = Vec::new();
    for xml in altinn_children(config, name) {
        match xml.attribute("env") {
            None | Some("") => entries.push((xml, None)),
            Some(env) => match Environment::named(env) {
                Some(environment) => entries.push((xml, Some(environment))),
                None => problems.error(xml, format!("`{env}` is not an environment, so `{name}` would never be used")),
            },
        }
    }
    entries
}

fn required(config: Node, block: &str, name: &str, problems: &mut Problems) -> Option<String> {
    let value = text(config, name);
    if value.is_none() {
        problems.error(config, format!("`{block}/{name}` is missing"));
    }
    value
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The non-empty text of the child called `name`.
fn text(parent: Node, name: &str) -> Option<String> {
    child(parent, name).map(text_of).filter(|text| !text.is_empty())
}

/// The texts of the `item` children of the child called `name`.
fn list(parent: Node, name: &str, item: &str) -> Vec<String> {
    child(parent, name).map(|list| texts(list, item)).unwrap_or_default()
}

fn texts(parent: Node, item: &str) -> Vec<String> {
    altinn_children(parent, item).map(text_of).filter(|text| !text.is_empty()).collect()
}

fn child<'x>(parent: Node<'x, 'x>, name: &str) -> Option<Node<'x, 'x>> {
    altinn_children(parent, name).next()
}

/// The children called `name` in either altinn namespace.
fn altinn_children<'x>(parent: Node<'x, 'x>, name: &str) -> impl Iterator<Item = Node<'x, 'x>> {
    parent.children().filter(move |child| {
        child.tag_name().name() == name && matches!(child.tag_name().namespace(), Some(ALTINN | OLD_ALTINN))
    })
}
