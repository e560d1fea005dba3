//! Rule conditions: the one shape the platform understands (contract §2.5), and what else the standard allows.

use crate::decision::Status;
use crate::expression::Expression;
use crate::functions::{FunctionError, MatchFunction};
use crate::request::{Request, Value};
use crate::vocabulary::{Category, DataType};

/// A rule's condition.
#[derive(Debug)]
pub(crate) enum Condition {
    /// No `Apply`: the rule never applies.
    NeverHolds,
    /// One policy value against the values of one attribute.
    Comparison(Comparison),
    /// Any other expression of the standard.
    Expression(Expression),
    /// Something that is not understood; asking is an error.
    Unsupported,
}

/// `Apply(f, value, designator)` or `Apply(f, value, Apply(g, designator))`, operands in either order.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) test: ComparisonTest,
    pub(crate) category: Category,
    pub(crate) attribute: Box<str>,
    /// The type of the values that are looked at.
    pub(crate) data_type: DataType,
    pub(crate) must_be_present: bool,
}

#[derive(Debug)]
pub(crate) enum ComparisonTest {
    /// Some value satisfies the function.
    Any(MatchFunction),
    /// There is one value at most, and it satisfies the function.
    OneAndOnly(MatchFunction),
    /// There are exactly this many values. `None`: the policy's count is no number.
    BagSize(Option<usize>),
}

/// What a condition says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConditionResult {
    Holds,
    Fails,
    /// The rule cannot tell, for this reason.
    Indeterminate(Status),
}

impl Condition {
    pub(crate) fn evaluate(&self, request: &Request<'_>) -> Result<ConditionResult, FunctionError> {
        match self {
            Self::NeverHolds => Ok(ConditionResult::Fails),
            Self::Comparison(comparison) => comparison.evaluate(request),
            Self::Expression(expression) => Ok(match expression.holds(request) {
                Ok(true) => ConditionResult::Holds,
                Ok(false) => ConditionResult::Fails,
                Err(undecided) => ConditionResult::Indeterminate(undecided.into()),
            }),
            Self::Unsupported => Err(FunctionError),
        }
    }
}

impl Comparison {
    fn evaluate(&self, request: &Request<'_>) -> Result<ConditionResult, FunctionError> {
        if request.occurrences(&self.category, &self.attribute).next().is_none() {
            // A missing optional attribute leaves the rule undecided as well, but is nobody's error.
            let status = if self.must_be_present { Status::MissingAttribute } else { Status::Ok };
            return Ok(ConditionResult::Indeterminate(status));
        }
        let values = || {
            let all = request.values(&self.category, &self.attribute);
            all.filter(|value| value.data_type == self.data_type)
        };
        match &self.test {
            ComparisonTest::Any(function) => any_holds(function, values()),
            ComparisonTest::OneAndOnly(_) if values().nth(1).is_some() => {
                Ok(ConditionResult::Indeterminate(Status::ProcessingError))
            }
            ComparisonTest::OneAndOnly(function) => any_holds(function, values()),
            ComparisonTest::BagSize(size) if *size == Some(values().count()) => Ok(ConditionResult::Holds),
            ComparisonTest::BagSize(_) => Ok(ConditionResult::Indeterminate(Status::Ok)),
        }
    }
}

fn any_holds<'v>(
    function: &MatchFunction,
    values: impl Iterator<Item = &'v Value<'v>>,
) -> Result<ConditionResult, FunctionError> {
    for value in values {
        if function.holds(&value.text)? {
            return Ok(ConditionResult::Holds);
        }
    }
    Ok(ConditionResult::Fails)
}
