//! Match functions: does a value of the request satisfy a value of the policy (contract §2.5)?

use fancy_regex::Regex;

use crate::expression::Evaluated;
use crate::expression::datum::Datum;
use crate::expression::function::Function;
use crate::moment::Moment;
use crate::uri::Uri;
use crate::vocabulary::DataType;

/// A match function with the policy's value already read, so that a decision parses only the request's value.
#[derive(Debug)]
pub(crate) enum MatchFunction {
    StringEqual(Box<str>),
    StringEqualIgnoreCase(Box<str>),
    /// `None`: the policy's own value is no URI, and asking is an error.
    AnyUriEqual(Option<Uri>),
    /// `None`: the policy's own value is no integer, and nothing equals it.
    IntegerEqual(Option<i64>),
    /// The day the policy names.
    DateEqual(Option<i64>),
    /// The UTC time of day the policy names, in nanoseconds.
    TimeEqual(Option<i64>),
    /// The instant the policy names, in nanoseconds.
    DateTimeEqual(Option<i128>),
    RegexpMatch(Box<Regex>),
    /// A function of the standard that the platform does not name, with its first argument.
    Standard(Function, Datum),
    /// A function this engine does not have; asking is an error.
    Unsupported,
}

/// The whole decision cannot be made: a function is unknown, or was given something it must not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FunctionError;

impl MatchFunction {
    /// The function a `MatchId` names, applied to the policy's value. `Err` says what is wrong with the value.
    pub(crate) fn new(function: &str, policy_value: &str) -> Result<Self, String> {
        let name = function
            .strip_prefix("urn:oasis:names:tc:xacml:1.0:function:")
            .map(|name| (1, name))
            .or_else(|| function.strip_prefix("urn:oasis:names:tc:xacml:3.0:function:").map(|name| (3, name)));
        Ok(match name {
            // "Is in" asks each element of the bag for equality; it is no substring search.
            Some((1, "string-equal" | "string-is-in")) => Self::StringEqual(policy_value.into()),
            Some((3, "string-equal-ignore-case")) => Self::StringEqualIgnoreCase(policy_value.into()),
            Some((1, "anyURI-equal")) => Self::AnyUriEqual(Uri::parse(policy_value)),
            Some((1, "integer-equal" | "integer-one-and-only")) => Self::IntegerEqual(parse_integer(policy_value)),
            Some((1, "date-equal")) => Self::DateEqual(Moment::parse_date(policy_value).map(|moment| moment.day)),
            Some((1, "time-equal")) => {
                Self::TimeEqual(Moment::parse_time(policy_value).map(|moment| moment.time_of_day()))
            }
            Some((1, "dateTime-equal")) => {
                Self::DateTimeEqual(Moment::parse_date_time(policy_value).map(|moment| moment.instant()))
            }
            Some((1, "string-regexp-match")) => Self::RegexpMatch(Box::new(
                Regex::new(policy_value).map_err(|_| format!("`{policy_value}` is not a regular expression"))?,
            )),
            _ => Self::Unsupported,
        })
    }

    /// The function of a `Match`, which may be any of the standard's that compares two values.
    pub(crate) fn for_match(function: &str, data_type: &str, policy_value: &str) -> Result<Self, String> {
        let compiled = Self::new(function, policy_value)?;
        if !matches!(compiled, Self::Unsupported) {
            return Ok(compiled);
        }
        let value = Datum::parse(&DataType::from_uri(data_type), policy_value);
        Ok(match (Function::from_uri(function), value) {
            (Some(function), Some(value)) => Self::Standard(function, value),
            _ => Self::Unsupported,
        })
    }

    /// Whether the request's value, which has the policy value's data type, satisfies the function.
    pub(crate) fn holds(&self, request_value: &str) -> Result<bool, FunctionError> {
        match self {
            Self::StringEqual(wanted) => Ok(**wanted == *request_value),
            Self::StringEqualIgnoreCase(wanted) => Ok(equal_ignoring_case(wanted, request_value)),
            // A policy that compares with a relative URI is wrong; a request that sends one just does not match.
            Self::AnyUriEqual(wanted) => {
                let wanted = wanted.as_ref().ok_or(FunctionError)?;
                Ok(Uri::parse(request_value).is_some_and(|given| given == *wanted))
            }
            Self::IntegerEqual(wanted) => Ok(wanted.is_some() && *wanted == parse_integer(request_value)),
            Self::DateEqual(wanted) => {
                Ok(wanted.is_some() && *wanted == Moment::parse_date(request_value).map(|moment| moment.day))
            }
            Self::TimeEqual(wanted) => {
                Ok(wanted.is_some() && *wanted == Moment::parse_time(request_value).map(|moment| moment.time_of_day()))
            }
            Self::DateTimeEqual(wanted) => {
                Ok(wanted.is_some() && *wanted == Moment::parse_date_time(request_value).map(|moment| moment.instant()))
            }
            // A pattern that backtracks beyond the engine's limit is an error, never a match.
            Self::RegexpMatch(pattern) => pattern.is_match(request_value).map_err(|_| FunctionError),
            Self::Standard(function, policy_value) => {
                let given = Datum::parse(&policy_value.data_type(), request_value).ok_or(FunctionError)?;
                match function.apply(&[Evaluated::One(policy_value.clone()), Evaluated::One(given)]) {
                    Ok(Evaluated::One(Datum::Boolean(holds))) => Ok(holds),
                    _ => Err(FunctionError),
                }
            }
            Self::Unsupported => Err(FunctionError),
        }
    }
}

fn parse_integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// Ordinal comparison with each character in simple upper case. An ASCII letter equals only ASCII letters, so that
/// no dotless or long letter can pass for one.
fn equal_ignoring_case(left: &str, right: &str) -> bool {
    if left.is_ascii() || right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.chars().map(simple_upper).eq(right.chars().map(simple_upper))
}

fn simple_upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if letter.is_ascii() == single.is_ascii() => single,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::{MatchFunction, equal_ignoring_case};

    fn holds(function: &str, policy: &str, request: &str) -> bool {
        let function =
            MatchFunction::new(&format!("urn:oasis:names:tc:xacml:{function}"), policy).expect("a good value");
        function.holds(request).expect("a known function")
    }

    #[test]
    fn strings_compare_as_their_function_says() {
        let _rows = mottak_testing::covers("platform-authorization", &["Z13", "Z14", "Z35", "Z36"]);
        assert!(!holds("1.0:function:string-equal", "DAGL", "dagl"));
        assert!(holds("3.0:function:string-equal-ignore-case", "DAGL", "dagl"));
        assert!(!holds("1.0:function:string-is-in", "admin", "superadmin"));
        assert!(holds("1.0:function:string-regexp-match", "^dag", "dagl"));
        assert!(!holds("1.0:function:string-regexp-match", "dagl", "dag"));
    }

    #[test]
    fn norwegian_letters_fold_and_look_alikes_do_not() {
        assert!(equal_ignoring_case("Ærlig Ås", "æRLIG åS"));
        assert!(!equal_ignoring_case("skatt", "ſkatt"));
        assert!(!equal_ignoring_case("ık", "Ik"));
        assert!(!equal_ignoring_case("straße", "STRASSE"));
    }

    #[test]
    fn time_equal_ignores_the_date() {
        let _rows = mottak_testing::covers("platform-authorization", &["Z37"]);
        assert!(holds("1.0:function:time-equal", "2001-01-01T08:00:00Z", "2020-12-31T08:00:00Z"));
        assert!(!holds("1.0:function:time-equal", "08:00:00Z", "09:00:00Z"));
    }

    #[test]
    fn numbers_compare_by_value_and_no_number_equals_nothing() {
        assert!(holds("1.0:function:integer-equal", "007", "7"));
        assert!(!holds("1.0:function:integer-equal", "seven", "seven"));
    }
}
