//! Expression test files: a small form, expressions asked of it, and what they must give.
//!
//! Three kinds of file are told apart by their members: `expectedContexts` lists the component contexts of a layout;
//! everything else is an `expression` (with further `testCases`) that gives `expects` or fails with `expectsFailure`.
//! App developers run their own files with `mottak expression test`.

mod case;
mod contexts;
mod setting;

use serde_json::Value;

/// What became of one case of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    pub name: String,
    pub passed: bool,
    /// What came out instead; empty when the case passed.
    pub detail: String,
}

impl CaseOutcome {
    fn new(name: &str, result: Result<(), String>) -> Self {
        let detail = result.err();
        Self { name: name.to_owned(), passed: detail.is_none(), detail: detail.unwrap_or_default() }
    }
}

/// Run the cases of a test file given as text. An error says why the file cannot be read as a test at all.
pub fn run_test_file(text: &str) -> Result<Vec<CaseOutcome>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Value = serde_json::from_str(text).map_err(|error| format!("the file is no JSON: {error}"))?;
    let file = file.as_object().ok_or("the file is no JSON object")?;
    match file.get("expectedContexts") {
        Some(expected) => Ok(vec![contexts::run(file, expected)]),
        None => Ok(case::run(file)),
    }
}
