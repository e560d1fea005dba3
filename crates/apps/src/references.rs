//! What one file of an app says about another: names that lead nowhere.
//!
//! What would fail while an instance is under way is an error. What the original lets pass, and merely does not do what
//! it seems to say, is a warning. Contract: app-process §1.5; app-forms §9.5; app-api §19.1, §20.7.

use mottak_model::DataType;
use mottak_process::{Process, Task};

use crate::metadata::Metadata;
use crate::problem::Problems;
use crate::rules;
use crate::ui::Ui;

/// Who may write a data type that only the server writes.
const SERVER_ONLY: &str = "app:owned";

pub(crate) fn check(metadata: &Metadata, process: Option<&Process>, ui: &Ui, problems: &mut Problems) {
    if let Some(process) = process {
        rules::check_data_types(process, metadata, problems);
        for data_type in &metadata.application.data_types {
            check_task(data_type, metadata, process, problems);
        }
        for task in &process.tasks {
            check_written_by_server(task, metadata, problems);
        }
    }
    check_named_data_types(metadata, problems);
    check_entry(metadata, ui, problems);
}

fn check_task(data_type: &DataType, metadata: &Metadata, process: &Process, problems: &mut Problems) {
    let Some(task) = &data_type.task_id else { return };
    let auto_create = data_type.app_logic.as_ref().is_some_and(|logic| logic.auto_create == Some(true));
    if auto_create && !data_type.is_form() {
        let place = metadata.place_in_data_type(&data_type.id, "appLogic/autoCreate");
        let reason = format!("the data type `{}` is created with its task, but has no `classRef`", data_type.id);
        problems.error(place, reason);
    }
    if process.node(task).is_none() {
        let place = metadata.place_in_data_type(&data_type.id, "taskId");
        problems.warn(place, format!("the task `{task}` is not in the process"));
    }
}

/// Signatures, the states of signees and payments are written by the server; users who could write them could forge
/// them.
fn check_written_by_server(task: &Task, metadata: &Metadata, problems: &mut Problems) {
    let signature = task.signature.iter().map(|config| config.signature_data_type.as_str());
    let signees = task.signature.iter().filter_map(|config| config.signees.as_ref());
    let states = signees.map(|signees| signees.states_data_type.as_str());
    let payment = task.payment.iter().map(|config| config.payment_data_type.as_str());
    for id in signature.chain(states).chain(payment) {
        let Some(data_type) = metadata.application.data_type(id) else { continue };
        let contributors = data_type.allowed_contributers.as_ref().or(data_type.allowed_contributors.as_ref());
        if contributors.is_none_or(|contributors| !contributors.iter().any(|key| key == SERVER_ONLY)) {
            let place = metadata.place_in_data_type(id, "id");
            let reason =
                format!("users may write `{id}` of task `{}`; `allowedContributors` lacks `{SERVER_ONLY}`", task.id);
            problems.warn(place, reason);
        }
    }
}

fn check_named_data_types(metadata: &Metadata, problems: &mut Problems) {
    let application = &metadata.application;
    let is_unknown = |id: &str| application.data_type(id).is_none();
    for data_type in &application.data_types {
        let shadow_fields = data_type.app_logic.as_ref().and_then(|logic| logic.shadow_fields.as_ref());
        if let Some(id) =
            shadow_fields.and_then(|shadow| shadow.save_to_data_type.as_deref()).filter(|id| is_unknown(id))
        {
            let place = metadata.place_in_data_type(&data_type.id, "appLogic/shadowFields/saveToDataType");
            problems.error(place, format!("there is no data type `{id}` to save to when the task ends"));
        }
    }
    for (list, fields) in
        [("presentationFields", &application.presentation_fields), ("dataFields", &application.data_fields)]
    {
        for (at, field) in fields.iter().flatten().enumerate() {
            if let Some(id) = field.data_type_id.as_deref().filter(|id| is_unknown(id)) {
                let place = metadata.place(&format!("/{list}/{at}/dataTypeId"));
                problems.warn(place, format!("there is no data type `{id}`"));
            }
        }
    }
    let excluded = application.copy_instance_settings.as_ref().and_then(|copy| copy.excluded_data_types.as_ref());
    for (at, id) in excluded.into_iter().flatten().enumerate().filter(|(_, id)| is_unknown(id)) {
        let place = metadata.place(&format!("/copyInstanceSettings/excludedDataTypes/{at}"));
        problems.warn(place, format!("there is no data type `{id}`"));
    }
}

fn check_entry(metadata: &Metadata, ui: &Ui, problems: &mut Problems) {
    if let Some(set) = metadata.application.stateless_set().filter(|set| ui.set(set).is_none()) {
        problems.warn(metadata.place("/onEntry/show"), format!("there is no layout set `{set}`"));
    }
}
