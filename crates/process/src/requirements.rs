//! What a process asks of the app and the environment around it. Checked when the app is loaded, since the file alone
//! does not say it.
//!
//! Contract: `app-process.md` §1.5.

use crate::environment::Environment;
use crate::graph::Process;
use crate::problem::{Position, ProcessProblem, Severity};
use crate::task::Task;

impl Process {
    /// Refuses configuration that is incomplete in `environment`.
    pub fn check_environment(&self, environment: Environment) -> Vec<ProcessProblem> {
        let configured = self.tasks.iter().filter_map(|task| Some((task, task.e_formidling.as_ref()?)));
        let missing = configured.flat_map(|(task, config)| {
            let fields = config.in_environment(environment).err().unwrap_or_default();
            fields.into_iter().map(move |field| {
                let reason = format!("`eFormidlingConfig/{field}` has no value in {environment:?}");
                problem(Severity::Error, &task.id, task.position, reason)
            })
        });
        missing.collect()
    }

    /// Refuses configuration that names a data type which is not among `data_types`, the ids in the app's metadata.
    /// Only a warning where such a type is merely skipped: in what eFormidling sends.
    pub fn check_data_types(&self, data_types: &[&str]) -> Vec<ProcessProblem> {
        let mut problems = Vec::new();
        for task in &self.tasks {
            for (field, id) in named_data_types(task) {
                // compat: what is to be signed is compared without regard to case; apps rely on it.
                let is_known = data_types
                    .iter()
                    .any(|known| *known == id || (field == "dataTypesToSign" && known.eq_ignore_ascii_case(id)));
                if !is_known {
                    let severity =
                        if field == "eFormidlingConfig/dataTypes" { Severity::Warning } else { Severity::Error };
                    problems.push(unknown_data_type(severity, &task.id, task.position, field, id));
                }
            }
        }
        for gateway in &self.gateways {
            if let Some(id) = gateway.connected_data_type.as_deref().filter(|id| !data_types.contains(id)) {
                let position = gateway.position;
                problems.push(unknown_data_type(Severity::Error, &gateway.id, position, "connectedDataTypeId", id));
            }
        }
        problems
    }
}

/// The data types a task's configuration names, each with the field that names it.
fn named_data_types(task: &Task) -> Vec<(&'static str, &str)> {
    let mut named: Vec<(&'static str, &str)> = Vec::new();
    named.extend(task.unique_from_signatures_in.iter().map(|id| ("uniqueFromSignaturesInDataTypes", id.as_str())));
    if let Some(config) = &task.signature {
        named.extend(config.data_types_to_sign.iter().map(|id| ("dataTypesToSign", id.as_str())));
        named.push(("signatureDataType", &config.signature_data_type));
        named
            .extend(config.signees.iter().map(|signees| ("signeeStatesDataTypeId", signees.states_data_type.as_str())));
        named.extend(config.signing_pdf_data_type.iter().map(|id| ("signingPdfDataType", id.as_str())));
    }
    if let Some(config) = &task.payment {
        named.push(("paymentDataType", &config.payment_data_type));
        named.push(("paymentReceiptPdfDataType", &config.receipt_pdf_data_type));
    }
    if let Some(config) = &task.subform_pdf {
        named.push(("subformDataTypeId", &config.subform_data_type));
    }
    if let Some(config) = &task.e_formidling {
        named.extend(config.data_types.values().flatten().map(|id| ("eFormidlingConfig/dataTypes", id.as_str())));
    }
    named
}

fn unknown_data_type(severity: Severity, element: &str, position: Position, field: &str, id: &str) -> ProcessProblem {
    let reason = format!("`{field}` names the data type `{id}`, which the app's metadata does not have");
    problem(severity, element, position, reason)
}

fn problem(severity: Severity, element: &str, position: Position, reason: String) -> ProcessProblem {
    let Position { line, column } = position;
    ProcessProblem { severity, line, column, element: element.to_owned(), reason }
}
