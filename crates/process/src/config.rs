//! Configuration blocks of the task types that have one.
//!
//! Contract: `app-process.md` §1.3, §5.1–5.4.

use crate::environment::{Environment, PerEnvironment};

/// `signatureConfig` of a `signing` task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureConfig {
    /// Data types whose elements are signed; never empty. Ids are compared without regard to case.
    pub data_types_to_sign: Vec<String>,
    /// Data type of the sign documents.
    pub signature_data_type: String,
    /// Names the provider of signees, and the data type that keeps their states. Turns on user-controlled signing.
    pub signees: Option<SigneeSource>,
    /// Data type of the summary PDF made when the task ends.
    pub signing_pdf_data_type: Option<String>,
    /// Resource of the message service for calls to sign and receipts.
    pub correspondence_resource: PerEnvironment<String>,
    /// Whether missing signatures block the move.
    pub runs_default_validator: bool,
}

/// Where the signees of a user-controlled signing come from and where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigneeSource {
    pub provider_id: String,
    pub states_data_type: String,
}

/// `paymentConfig` of a `payment` task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentConfig {
    /// Data type of the payment information.
    pub payment_data_type: String,
    /// Data type of the receipt.
    pub receipt_pdf_data_type: String,
}

/// `pdfConfig` of a `pdf` task; without one, everything is unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PdfConfig {
    /// Text resource with the file's name.
    pub filename_text_resource_key: Option<String>,
    /// Tasks whose forms are printed automatically; empty: the PDF task's own layout.
    pub auto_pdf_task_ids: Vec<String>,
}

/// `subformPdfConfig` of a `subformPdf` task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubformPdfConfig {
    pub filename_text_resource_key: Option<String>,
    pub subform_component_id: String,
    pub subform_data_type: String,
}

/// `eFormidlingConfig` of an `eFormidling` task, for all environments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EFormidlingConfig {
    pub disabled: PerEnvironment<bool>,
    pub receiver: PerEnvironment<String>,
    pub process: PerEnvironment<String>,
    pub standard: PerEnvironment<String>,
    pub type_version: PerEnvironment<String>,
    pub message_type: PerEnvironment<String>,
    pub security_level: PerEnvironment<i32>,
    pub dpf_shipment_type: PerEnvironment<String>,
    pub data_types: PerEnvironment<Vec<String>>,
}

/// What `eFormidlingConfig` says for one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EFormidlingSettings {
    /// The task completes without sending.
    pub disabled: bool,
    /// Organisation number; unset: the app says it.
    pub receiver: Option<String>,
    pub process: String,
    pub standard: String,
    pub type_version: String,
    pub message_type: String,
    pub security_level: i32,
    pub dpf_shipment_type: Option<String>,
    pub data_types: Vec<String>,
}

impl EFormidlingConfig {
    /// The settings for `environment`; `Err` names every required field that is missing there.
    pub fn in_environment(&self, environment: Environment) -> Result<EFormidlingSettings, Vec<&'static str>> {
        let mut missing = Vec::new();
        let mut required = |value: &PerEnvironment<String>, field| {
            let value = value.in_environment(environment).cloned();
            value.unwrap_or_else(|| {
                missing.push(field);
                String::new()
            })
        };
        let process = required(&self.process, "process");
        let standard = required(&self.standard, "standard");
        let type_version = required(&self.type_version, "typeVersion");
        let message_type = required(&self.message_type, "type");
        let security_level = self.security_level.in_environment(environment).copied();
        if security_level.is_none() {
            missing.push("securityLevel");
        }
        if let (Some(security_level), true) = (security_level, missing.is_empty()) {
            return Ok(EFormidlingSettings {
                disabled: self.disabled.in_environment(environment).copied().unwrap_or(false),
                receiver: self.receiver.in_environment(environment).cloned(),
                process,
                standard,
                type_version,
                message_type,
                security_level,
                dpf_shipment_type: self.dpf_shipment_type.in_environment(environment).cloned(),
                data_types: self.data_types.in_environment(environment).cloned().unwrap_or_default(),
            });
        }
        Err(missing)
    }
}
