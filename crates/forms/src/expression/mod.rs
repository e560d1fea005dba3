//! The expression language of layouts, processes, validation and calculation files.
//!
//! An [`Expression`] is parsed once from JSON and evaluated many times by [`evaluate`], in an [`EvaluationContext`]: the
//! [`Facts`] (instance, form data, settings, texts) and the place in the form it is asked from. Contract: app-forms 3, 4.
//!
//! ```
//! use std::collections::BTreeMap;
//! use mottak_forms::expression::{EvaluationContext, Expression, Facts, evaluate};
//! use mottak_forms::text::TextResources;
//!
//! let (settings, texts) = (BTreeMap::new(), TextResources::default());
//! let facts = Facts::new(&settings, &texts);
//! let expression = Expression::parse(&serde_json::json!(["plus", 0.1, "0.2"]))?;
//! assert_eq!(evaluate(&expression, &EvaluationContext::without_layout(&facts, None))?, 0.3);
//! # Ok::<(), mottak_forms::expression::ExpressionError>(())
//! ```

mod arithmetic;
mod calculation;
mod check;
mod comparison;
mod conversion;
mod data;
mod date;
mod date_format;
mod evaluate;
mod function;
mod jmespath;
mod json_source;
mod lookup;
mod strings;
mod syntax;
pub mod testing;
mod validation;

pub(crate) use conversion::{is_same, printed};
pub(crate) use lookup::{field_value, instance_property};

use std::fmt;

pub use calculation::{CalculationLayout, Calculations, UnsuitableResult};
pub use check::NamedField;
pub use data::{
    DataSource, DataTypeFacts, Dialect, ElementFacts, ElementIndex, Facts, InstanceFacts, OwnerKind, Permissions,
};
pub use evaluate::{EvaluationContext, Purpose, evaluate, evaluate_boolean};
pub use function::Function;
pub use lookup::element_for;
pub use syntax::{Expression, MAX_DEPTH};
pub use validation::{ExpressionRules, RuleProblem};

/// Why an expression could not be parsed or evaluated.
///
/// The text is part of the contract (app-forms 4) and may quote values of the form: show it to the caller, do not log it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    message: String,
    /// The property of the component, or the rule, whose expression failed.
    place: Option<String>,
}

impl std::error::Error for ExpressionError {}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} (in {place})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl ExpressionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None }
    }

    /// The error with the place where it began; the innermost place is kept.
    pub(crate) fn at(self, place: impl FnOnce() -> String) -> Self {
        Self { place: self.place.or_else(|| Some(place())), ..self }
    }

    pub(crate) fn overflow() -> Self {
        Self::new("Arithmetic overflow: the value is too large for a decimal")
    }
}
