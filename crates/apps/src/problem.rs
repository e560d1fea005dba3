//! What is wrong with an app folder, said so that its author can find the place.

use std::fmt;

/// One fault of an app folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path within the `App` folder, with `/` between the parts; empty for the folder as a whole.
    pub file: String,
    /// From 1; none when the fault is in no particular line, for example when the file is missing.
    pub line: Option<u32>,
    pub severity: Severity,
    /// JSON pointer to the value at fault, in a JSON file.
    pub pointer: Option<String>,
    /// What is wrong, for the one who edits the file.
    pub reason: String,
}

/// Whether an app with this problem is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The app is refused.
    Error,
    /// The app is served, but probably not as it looks, or the original would refuse it.
    Warning,
}

/// `file:line: reason`; a warning says that it is one.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_str(), self.line) {
            ("", _) => {}
            (file, Some(line)) => write!(f, "{file}:{line}: ")?,
            (file, None) => write!(f, "{file}: ")?,
        }
        match self.severity {
            Severity::Error => f.write_str(&self.reason),
            Severity::Warning => write!(f, "warning: {}", self.reason),
        }
    }
}

impl Problem {
    /// An error of a folder as a whole.
    pub(crate) fn of_folder(reason: String) -> Self {
        Self { file: String::new(), line: None, severity: Severity::Error, pointer: None, reason }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The problems found so far in one folder.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
}

/// A place in a folder that a problem can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) pointer: Option<String>,
}

impl Place {
    pub(crate) fn file(file: &str) -> Self {
        Self { file: file.to_owned(), line: None, pointer: None }
    }

    pub(crate) fn line(file: &str, line: u32) -> Self {
        Self { file: file.to_owned(), line: Some(line), pointer: None }
    }
}

impl Problems {
    pub(crate) fn error(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Severity::Error, place, reason.into());
    }

    pub(crate) fn warn(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Severity::Warning, place, reason.into());
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(Problem::is_error)
    }

    /// By file, line and pointer, each once; what has no line comes first.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found.dedup();
        self.found
    }

    pub(crate) fn add(&mut self, severity: Severity, place: Place, reason: String) {
        let Place { file, line, pointer } = place;
        self.found.push(Problem { file, line, severity, pointer, reason });
    }
}
