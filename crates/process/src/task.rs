//! A task: its type, the actions it declares and its configuration.

use crate::config::{EFormidlingConfig, PaymentConfig, PdfConfig, SignatureConfig, SubformPdfConfig};
use crate::problem::Position;

/// A `task` or `serviceTask` with its altinn extension.
///
/// The configuration of a type is there exactly on the tasks of that type, so a `signing` task always has
/// [`Task::signature`] and a `payment` task [`Task::payment`].
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: String,
    pub name: Option<String>,
    pub element: BpmnElement,
    pub position: Position,
    pub task_type: TaskType,
    /// Whether the engine runs the task by itself when a move enters it. Decided by the task's type, not by its BPMN
    /// element.
    pub is_automatic: bool,
    /// The declared actions in the order of the file, one per id (the first wins).
    pub actions: Vec<TaskAction>,
    /// Data types whose signers may not `sign` here. On any type of task (contract §5.1).
    pub unique_from_signatures_in: Vec<String>,
    pub signature: Option<SignatureConfig>,
    pub payment: Option<PaymentConfig>,
    /// Of `pdf` tasks, and of custom tasks that have one.
    pub pdf: Option<PdfConfig>,
    pub subform_pdf: Option<SubformPdfConfig>,
    pub e_formidling: Option<EFormidlingConfig>,
}

/// The altinn type of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TaskType {
    Data,
    Confirmation,
    Feedback,
    Signing,
    Payment,
    Pdf,
    SubformPdf,
    EFormidling,
    FiksArkiv,
    /// A type the app brings itself.
    Custom(String),
}

/// Which BPMN element a task was written as. Reported to clients as `elementType`; means nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BpmnElement {
    Task,
    ServiceTask,
}

/// An action of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskAction {
    pub id: String,
    pub kind: ActionKind,
}

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionKind {
    /// May move the process.
    Process,
    /// Runs code on the server and stays.
    Server,
}

impl Task {
    /// The declared actions that may move the process.
    pub fn process_actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().filter(|action| action.kind == ActionKind::Process).map(|action| action.id.as_str())
    }

    /// The actions reported to clients: `read`, `write` and the declared ones, one per id (contract §2.1).
    pub fn reported_actions(&self) -> Vec<TaskAction> {
        let implied = ["read", "write"].map(|id| TaskAction { id: id.to_owned(), kind: ActionKind::Process });
        let declared = self.actions.iter().filter(|action| !matches!(action.id.as_str(), "read" | "write"));
        implied.into_iter().chain(declared.cloned()).collect()
    }

    /// Whether the task's data must be valid before a move with `action`. Not when the task runs by itself, nor for a
    /// `reject` the task declares (contract §4).
    pub fn is_validated_before(&self, action: Option<&str>) -> bool {
        let declared_reject = action == Some("reject") && self.process_actions().any(|id| id == "reject");
        !self.is_automatic && !declared_reject
    }

    /// Whether an automatic task may be run with `action`: with none, `write` or its own type's name. `reject` leaves
    /// it without running it, and is not asked here (contract §2.4 step 4).
    pub fn runs_with(&self, action: Option<&str>) -> bool {
        action.is_none_or(|action| action == "write" || action == self.task_type.as_str())
    }
}

impl TaskType {
    /// The type called `name`, exactly; any other name is a custom type.
    pub fn named(name: &str) -> Self {
        match name {
            "data" => Self::Data,
            "confirmation" => Self::Confirmation,
            "feedback" => Self::Feedback,
            "signing" => Self::Signing,
            "payment" => Self::Payment,
            "pdf" => Self::Pdf,
            "subformPdf" => Self::SubformPdf,
            "eFormidling" => Self::EFormidling,
            "fiksArkiv" => Self::FiksArkiv,
            custom => Self::Custom(custom.to_owned()),
        }
    }

    /// The name clients see as `altinnTaskType`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Data => "data",
            Self::Confirmation => "confirmation",
            Self::Feedback => "feedback",
            Self::Signing => "signing",
            Self::Payment => "payment",
            Self::Pdf => "pdf",
            Self::SubformPdf => "subformPdf",
            Self::EFormidling => "eFormidling",
            Self::FiksArkiv => "fiksArkiv",
            Self::Custom(name) => name,
        }
    }

    /// Whether tasks of this built-in type run by themselves. A custom type's plugin says it for its own.
    pub fn is_automatic(&self) -> bool {
        matches!(self, Self::Pdf | Self::SubformPdf | Self::EFormidling | Self::FiksArkiv)
    }
}

impl BpmnElement {
    /// The name clients see as `elementType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::ServiceTask => "ServiceTask",
        }
    }
}

impl ActionKind {
    /// The name clients see as `userActions[].type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "ProcessAction",
            Self::Server => "ServerAction",
        }
    }
}
