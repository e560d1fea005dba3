//! Why a request is not done. Kinds are facts about the request; `mottak-web` turns them into status and body.

use std::fmt;

use mottak_forms::validation::Issue;

use crate::ports::{BlobFailure, CommitFailure, RegisterFailure, StoreFailure};

/// A request that is not done, and why. Nothing of it has happened.
#[derive(Debug)]
pub enum Refusal {
    /// The caller is nobody we know.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden(Missing),
    /// What the request names is not there (or not for this caller).
    NotFound(Problem),
    /// The state of things does not allow it.
    Conflict(Problem),
    /// The request itself is wrong.
    Invalid(Problem),
    /// What the request names does not take it, whoever asks.
    NotAllowed(Problem),
    /// The request is well formed and cannot be applied.
    Unprocessable(Problem),
    /// More bytes than allowed.
    TooLarge(Problem),
    /// A content type nobody here reads.
    Unsupported(Problem),
    /// It was here and is no more.
    Gone(Problem),
    /// Not part of this server.
    NotImplemented(Problem),
    /// The app's own definition or data leave no way on; its developer must act.
    Stuck(Problem),
    /// Too much at once; worth trying again.
    Busy,
    /// A system this one asks did not answer.
    Unavailable(Problem),
    /// Our fault. The cause is logged once at the edge; the client sees an id.
    Failed(Failure),
}

/// What a caller lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The action the policy does not permit.
    pub action: Option<String>,
    /// The authentication level the policy asks for.
    pub level: Option<u8>,
    /// Whether the level is the one for organisations.
    pub is_org_level: bool,
    /// Scopes of which one would do.
    pub scopes: Vec<String>,
    /// Whether the level is said in the body, so that a browser can step up (app-api §1.4).
    pub says_level: bool,
    /// Whether the body is the standard problem rather than empty.
    pub is_bare: bool,
    /// Words for the client, where the contract has them.
    pub title: Option<String>,
    pub detail: Option<String>,
    /// Whether these words come with type and trace (app-api §1.7 C+).
    pub is_traced: bool,
}

impl Missing {
    /// The policy does not permit the action.
    pub fn action(action: &str) -> Self {
        Self { action: Some(action.to_owned()), ..Self::default() }
    }

    /// The same, with title and detail for the client.
    pub fn because(mut self, title: &str, detail: impl Into<String>) -> Self {
        self.title = Some(title.to_owned());
        self.detail = Some(detail.into());
        self
    }

    /// The same, with type and trace beside the words.
    pub fn traced(mut self) -> Self {
        self.is_traced = true;
        self
    }
}

/// What is wrong, for the one who must act.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// A few words that name the kind of problem.
    pub title: Option<String>,
    /// What exactly.
    pub detail: Option<String>,
    pub kind: ProblemKind,
}

/// What a problem carries beside its words.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ProblemKind {
    /// Nothing but its text; older endpoints answer with the text alone.
    #[default]
    Text,
    /// Problem details with title and detail (app-api §1.7 C).
    Details,
    /// Problem details with type and trace (app-api §1.7 C+).
    Traced,
    /// Bare: status and standard title (app-api §1.7 B), with a detail where there is one (P in platform-storage §0.4).
    Bare,
    /// No body at all.
    Empty,
    /// Members of the request that are wrong → messages (app-api §1.7 D).
    Members(Vec<(String, Vec<String>)>),
    /// Issues that stop the process (`validationIssues`); `None` is written as `null`.
    ProcessIssues(Option<Vec<Issue>>),
    /// Issues of an upload (`uploadValidationIssues`).
    UploadIssues(Vec<Issue>),
    /// The issues alone, as a list.
    IssueList(Vec<Issue>),
    /// A patch that does not apply, with the model as it was when an operation failed.
    Patch { previous_model: Option<serde_json::Value>, data_element_id: mottak_model::Guid, operation: usize },
}

impl Problem {
    /// A sentence and nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        Self { title: None, detail: Some(text.into()), kind: ProblemKind::Text }
    }

    /// Status and standard title only.
    pub fn bare() -> Self {
        Self { title: None, detail: None, kind: ProblemKind::Bare }
    }

    /// Status and standard title, with a sentence.
    pub fn standard(detail: impl Into<String>) -> Self {
        Self { title: None, detail: Some(detail.into()), kind: ProblemKind::Bare }
    }

    /// Title and detail.
    pub fn details(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { title: Some(title.into()), detail: Some(detail.into()), kind: ProblemKind::Details }
    }

    /// A wrong member of the request.
    pub fn member(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { title: None, detail: None, kind: ProblemKind::Members(vec![(name.into(), vec![message.into()])]) }
    }

    /// A title only.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), detail: None, kind: ProblemKind::Details }
    }

    /// The same problem with what it carries.
    pub fn with(mut self, kind: ProblemKind) -> Self {
        self.kind = kind;
        self
    }
}

/// Something of ours that went wrong, with what was attempted.
#[derive(Debug)]
pub struct Failure {
    /// What was attempted, on what.
    pub attempt: String,
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempt, self.cause)
    }
}

impl Refusal {
    /// The same refusal of the same request where the contract wants the standard problem and the missing level said.
    #[must_use]
    pub fn in_words(self) -> Self {
        match self {
            Self::Forbidden(missing) => Self::Forbidden(Missing { says_level: true, is_bare: true, ..missing }),
            other => other,
        }
    }

    /// A failure of ours.
    pub fn failed(attempt: impl Into<String>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(Failure { attempt: attempt.into(), cause: cause.into() })
    }

    /// A caller who may not perform the action.
    pub fn forbidden(action: &str) -> Self {
        Self::Forbidden(Missing::action(action))
    }
}

impl From<StoreFailure> for Refusal {
    fn from(failure: StoreFailure) -> Self {
        if failure.is_overload { Self::Busy } else { Self::failed("use the store", failure) }
    }
}

impl From<BlobFailure> for Refusal {
    fn from(failure: BlobFailure) -> Self {
        Self::failed("use the object store", failure)
    }
}

impl From<RegisterFailure> for Refusal {
    fn from(failure: RegisterFailure) -> Self {
        Self::failed("look a party up", failure)
    }
}

impl From<CommitFailure> for Refusal {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Conflict => Self::Conflict(Problem::bare()),
            CommitFailure::Failed(failure) => failure.into(),
        }
    }
}
