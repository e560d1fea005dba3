//! The functions of the standard that take and give values and bags; those that take functions are in the parent.

use std::cmp::Ordering;

use fancy_regex::Regex;

use super::datum::Datum;
use super::{Evaluated, Undecided};
use crate::vocabulary::DataType;

/// A function by its name: what it does, and to values of which type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Function {
    /// Functions every type has.
    Typed(DataType, TypedOperation),
    /// Functions of text: strings and URIs.
    Text(TextOperation),
    /// Whether the text matches a pattern; values of the type are text.
    RegexpMatch,
    /// `x500Name-match`: the first name is the end of the second.
    X500NameMatch,
    /// `rfc822Name-match`: an address, a host, or `.domain`.
    Rfc822NameMatch,
    Arithmetic(ArithmeticOperation),
    And,
    Or,
    Not,
    NOf,
    /// Adds (or with -1 subtracts) a duration to a date or a date and time.
    AddDuration(DataType, i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TypedOperation {
    Equal,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    OneAndOnly,
    BagSize,
    IsIn,
    Bag,
    Intersection,
    Union,
    Subset,
    AtLeastOneMemberOf,
    SetEquals,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TextOperation {
    EqualIgnoreCase,
    NormalizeSpace,
    NormalizeToLowerCase,
    Concatenate,
    StartsWith,
    EndsWith,
    Contains,
    Substring,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ArithmeticOperation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Mod,
    Abs,
    Round,
    Floor,
    IntegerToDouble,
    DoubleToInteger,
}

/// Data types by the name functions carry.
const TYPE_NAMES: [(&str, DataType); 14] = [
    ("string", DataType::String),
    ("boolean", DataType::Boolean),
    ("integer", DataType::Integer),
    ("double", DataType::Double),
    ("dateTime", DataType::DateTime),
    ("date", DataType::Date),
    ("time", DataType::Time),
    ("dayTimeDuration", DataType::DayTimeDuration),
    ("yearMonthDuration", DataType::YearMonthDuration),
    ("anyURI", DataType::AnyUri),
    ("hexBinary", DataType::HexBinary),
    ("base64Binary", DataType::Base64Binary),
    ("x500Name", DataType::X500Name),
    ("rfc822Name", DataType::Rfc822Name),
];

/// The part of a function URI that names the function.
pub(crate) fn function_name(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("urn:oasis:names:tc:xacml:")?;
    let (version, name) = rest.split_once(":function:")?;
    matches!(version, "1.0" | "2.0" | "3.0").then_some(name)
}

impl Function {
    /// The function a URI names, if it is one of these.
    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        use ArithmeticOperation as A;
        let name = function_name(uri)?;
        let whole = match name {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "n-of" => Self::NOf,
            "round" => Self::Arithmetic(A::Round),
            "floor" => Self::Arithmetic(A::Floor),
            "integer-to-double" => Self::Arithmetic(A::IntegerToDouble),
            "double-to-integer" => Self::Arithmetic(A::DoubleToInteger),
            "x500Name-match" => Self::X500NameMatch,
            "rfc822Name-match" => Self::Rfc822NameMatch,
            "string-regexp-match" | "anyURI-regexp-match" => Self::RegexpMatch,
            "string-equal-ignore-case" => Self::Text(TextOperation::EqualIgnoreCase),
            "string-normalize-space" => Self::Text(TextOperation::NormalizeSpace),
            "string-normalize-to-lower-case" => Self::Text(TextOperation::NormalizeToLowerCase),
            "string-concatenate" => Self::Text(TextOperation::Concatenate),
            "string-starts-with" | "anyURI-starts-with" => Self::Text(TextOperation::StartsWith),
            "string-ends-with" | "anyURI-ends-with" => Self::Text(TextOperation::EndsWith),
            "string-contains" | "anyURI-contains" => Self::Text(TextOperation::Contains),
            "string-substring" | "anyURI-substring" => Self::Text(TextOperation::Substring),
            _ => return Self::typed(name),
        };
        Some(whole)
    }

    fn typed(name: &str) -> Option<Self> {
        use ArithmeticOperation as A;
        use TypedOperation as T;
        let (type_name, operation) = name.split_once('-')?;
        let (_, data_type) = TYPE_NAMES.into_iter().find(|(known, _)| *known == type_name)?;
        let is_number = matches!(data_type, DataType::Integer | DataType::Double);
        let is_calendar = matches!(data_type, DataType::Date | DataType::DateTime);
        let typed = match operation {
            "equal" => T::Equal,
            "greater-than" => T::GreaterThan,
            "greater-than-or-equal" => T::GreaterThanOrEqual,
            "less-than" => T::LessThan,
            "less-than-or-equal" => T::LessThanOrEqual,
            "one-and-only" => T::OneAndOnly,
            "bag-size" => T::BagSize,
            "is-in" => T::IsIn,
            "bag" => T::Bag,
            "intersection" => T::Intersection,
            "union" => T::Union,
            "subset" => T::Subset,
            "at-least-one-member-of" => T::AtLeastOneMemberOf,
            "set-equals" => T::SetEquals,
            "add" if is_number => return Some(Self::Arithmetic(A::Add)),
            "subtract" if is_number => return Some(Self::Arithmetic(A::Subtract)),
            "multiply" if is_number => return Some(Self::Arithmetic(A::Multiply)),
            "divide" if is_number => return Some(Self::Arithmetic(A::Divide)),
            "mod" if is_number => return Some(Self::Arithmetic(A::Mod)),
            "abs" if is_number => return Some(Self::Arithmetic(A::Abs)),
            "add-dayTimeDuration" | "add-yearMonthDuration" if is_calendar => {
                return Some(Self::AddDuration(data_type, 1));
            }
            "subtract-dayTimeDuration" | "subtract-yearMonthDuration" if is_calendar => {
                return Some(Self::AddDuration(data_type, -1));
            }
            _ => return None,
        };
        Some(Self::Typed(data_type, typed))
    }

    /// Applies the function. Arguments of the wrong number or type are a processing error.
    pub(crate) fn apply(&self, arguments: &[Evaluated]) -> Result<Evaluated, Undecided> {
        use Evaluated::One;
        let outcome = match (self, arguments) {
            (Self::Typed(data_type, operation), _) => return operation.apply(data_type, arguments),
            (Self::Text(operation), _) => operation.apply(arguments),
            (Self::RegexpMatch, [One(pattern), One(text)]) => regexp_match(pattern, text).map(Datum::Boolean),
            (Self::X500NameMatch, [One(Datum::X500Name(end)), One(Datum::X500Name(name))]) => {
                Some(Datum::Boolean(name.ends_with(end)))
            }
            (Self::Rfc822NameMatch, [One(Datum::String(pattern)), One(Datum::Rfc822Name(local, domain))]) => {
                Some(Datum::Boolean(address_matches(pattern, local, domain)))
            }
            (Self::Arithmetic(operation), _) => operation.apply(arguments),
            (Self::Not, [One(Datum::Boolean(value))]) => Some(Datum::Boolean(!value)),
            (Self::AddDuration(data_type, sign), [One(moment), One(duration)]) => {
                add_duration(data_type, moment, duration, *sign)
            }
            // And, or and n-of stop early and are evaluated by the expression that holds their arguments.
            _ => None,
        };
        outcome.map(One).ok_or(Undecided::ProcessingError)
    }
}

impl TypedOperation {
    fn apply(self, data_type: &DataType, arguments: &[Evaluated]) -> Result<Evaluated, Undecided> {
        use Evaluated::{Bag, One};
        let values = arguments.iter().flat_map(Evaluated::values);
        let count_is_no_value = !matches!(self, Self::BagSize);
        if count_is_no_value && values.clone().any(|value| value.data_type() != *data_type) {
            return Err(Undecided::ProcessingError);
        }
        let holds = |value: bool| Ok(One(Datum::Boolean(value)));
        match (self, arguments) {
            (Self::Equal, [One(left), One(right)]) => holds(left.equals(right)),
            (Self::GreaterThan, [One(left), One(right)]) => holds(left.order(right) == Some(Ordering::Greater)),
            (Self::GreaterThanOrEqual, [One(left), One(right)]) => {
                holds(left.order(right).is_some_and(Ordering::is_ge))
            }
            (Self::LessThan, [One(left), One(right)]) => holds(left.order(right) == Some(Ordering::Less)),
            (Self::LessThanOrEqual, [One(left), One(right)]) => holds(left.order(right).is_some_and(Ordering::is_le)),
            (Self::OneAndOnly, [Bag(values)]) => match &values[..] {
                [only] => Ok(One(only.clone())),
                _ => Err(Undecided::ProcessingError),
            },
            (Self::BagSize, [Bag(values)]) => Ok(One(Datum::Integer(values.len() as i64))),
            (Self::IsIn, [One(wanted), Bag(values)]) => holds(contains(values, wanted)),
            (Self::Bag, _) if arguments.iter().all(|argument| matches!(argument, One(_))) => {
                Ok(Bag(values.cloned().collect()))
            }
            (Self::Intersection, [Bag(left), Bag(right)]) => {
                Ok(Bag(distinct(left.iter().filter(|value| contains(right, value)))))
            }
            (Self::Union, [_, _, ..]) => Ok(Bag(distinct(values))),
            (Self::Subset, [Bag(left), Bag(right)]) => holds(left.iter().all(|value| contains(right, value))),
            (Self::AtLeastOneMemberOf, [Bag(left), Bag(right)]) => {
                holds(left.iter().any(|value| contains(right, value)))
            }
            (Self::SetEquals, [Bag(left), Bag(right)]) => holds(
                left.iter().all(|value| contains(right, value)) && right.iter().all(|value| contains(left, value)),
            ),
            _ => Err(Undecided::ProcessingError),
        }
    }
}

fn contains(values: &[Datum], wanted: &Datum) -> bool {
    values.iter().any(|value| value.equals(wanted))
}

fn distinct<'v>(values: impl Iterator<Item = &'v Datum>) -> Vec<Datum> {
    let mut distinct = Vec::new();
    for value in values {
        if !contains(&distinct, value) {
            distinct.push(value.clone());
        }
    }
    distinct
}

impl TextOperation {
    fn apply(self, arguments: &[Evaluated]) -> Option<Datum> {
        use Evaluated::One;
        let text = |at: usize| match arguments.get(at) {
            Some(One(value)) => value.as_text(),
            _ => None,
        };
        match (self, arguments.len()) {
            (Self::EqualIgnoreCase, 2) => Some(Datum::Boolean(text(0)?.to_lowercase() == text(1)?.to_lowercase())),
            (Self::NormalizeSpace, 1) => Some(Datum::String(text(0)?.trim().to_owned())),
            (Self::NormalizeToLowerCase, 1) => Some(Datum::String(text(0)?.to_lowercase())),
            (Self::Concatenate, 2..) => (0..arguments.len()).map(text).collect::<Option<String>>().map(Datum::String),
            // The part comes first, the whole second.
            (Self::StartsWith, 2) => Some(Datum::Boolean(text(1)?.starts_with(text(0)?))),
            (Self::EndsWith, 2) => Some(Datum::Boolean(text(1)?.ends_with(text(0)?))),
            (Self::Contains, 2) => Some(Datum::Boolean(text(1)?.contains(text(0)?))),
            (Self::Substring, 3) => {
                let [_, One(Datum::Integer(from)), One(Datum::Integer(to))] = arguments else { return None };
                substring(text(0)?, *from, *to).map(Datum::String)
            }
            _ => None,
        }
    }
}

/// Characters `from..to`, counted from 0; `to` of -1 is the end.
fn substring(text: &str, from: i64, to: i64) -> Option<String> {
    let length = text.chars().count();
    let from = usize::try_from(from).ok()?;
    let to = if to == -1 { length } else { usize::try_from(to).ok()? };
    (from <= to && to <= length).then(|| text.chars().skip(from).take(to - from).collect())
}

fn regexp_match(pattern: &Datum, text: &Datum) -> Option<bool> {
    Regex::new(pattern.as_text()?).ok()?.is_match(text.as_text()?).ok()
}

fn address_matches(pattern: &str, local: &str, domain: &str) -> bool {
    match pattern.split_once('@') {
        Some((wanted, wanted_domain)) => wanted == local && wanted_domain.eq_ignore_ascii_case(domain),
        None if pattern.starts_with('.') => domain.ends_with(&pattern.to_ascii_lowercase()),
        None => pattern.eq_ignore_ascii_case(domain),
    }
}

impl ArithmeticOperation {
    fn apply(self, arguments: &[Evaluated]) -> Option<Datum> {
        use Datum::{Double, Integer};
        use Evaluated::One;
        Some(match (self, arguments) {
            (Self::Add, [One(Integer(_)), One(Integer(_)), ..]) => Integer(fold_integers(arguments, i64::checked_add)?),
            (Self::Multiply, [One(Integer(_)), One(Integer(_)), ..]) => {
                Integer(fold_integers(arguments, i64::checked_mul)?)
            }
            (Self::Add, [One(Double(_)), One(Double(_)), ..]) => Double(fold_doubles(arguments, |a, b| a + b)?),
            (Self::Multiply, [One(Double(_)), One(Double(_)), ..]) => Double(fold_doubles(arguments, |a, b| a * b)?),
            (Self::Subtract, [One(Integer(left)), One(Integer(right))]) => Integer(left.checked_sub(*right)?),
            (Self::Divide, [One(Integer(left)), One(Integer(right))]) => Integer(left.checked_div(*right)?),
            (Self::Mod, [One(Integer(left)), One(Integer(right))]) => Integer(left.checked_rem(*right)?),
            (Self::Abs, [One(Integer(value))]) => Integer(value.checked_abs()?),
            (Self::Subtract, [One(Double(left)), One(Double(right))]) => Double(left - right),
            (Self::Divide, [One(Double(left)), One(Double(right))]) if *right != 0.0 => Double(left / right),
            (Self::Abs, [One(Double(value))]) => Double(value.abs()),
            (Self::Round, [One(Double(value))]) => Double(value.round_ties_even()),
            (Self::Floor, [One(Double(value))]) => Double(value.floor()),
            (Self::IntegerToDouble, [One(Integer(value))]) => Double(*value as f64),
            (Self::DoubleToInteger, [One(Double(value))]) if value.is_finite() => Integer(*value as i64),
            _ => return None,
        })
    }
}

fn fold_integers(arguments: &[Evaluated], combine: fn(i64, i64) -> Option<i64>) -> Option<i64> {
    let mut numbers = arguments.iter().map(|argument| match argument {
        Evaluated::One(Datum::Integer(value)) => Some(*value),
        _ => None,
    });
    let first = numbers.next()??;
    numbers.try_fold(first, |total, number| combine(total, number?))
}

fn fold_doubles(arguments: &[Evaluated], combine: fn(f64, f64) -> f64) -> Option<f64> {
    let mut numbers = arguments.iter().map(|argument| match argument {
        Evaluated::One(Datum::Double(value)) => Some(*value),
        _ => None,
    });
    let first = numbers.next()??;
    numbers.try_fold(first, |total, number| Some(combine(total, number?)))
}

fn add_duration(data_type: &DataType, moment: &Datum, duration: &Datum, sign: i64) -> Option<Datum> {
    if moment.data_type() != *data_type {
        return None;
    }
    let (Datum::Date(start) | Datum::DateTime(start)) = moment else { return None };
    let end = match duration {
        Datum::DayTimeDuration(nanoseconds) => start.plus_nanoseconds(i128::from(sign) * nanoseconds)?,
        Datum::YearMonthDuration(months) => start.plus_months(sign.checked_mul(*months)?)?,
        _ => return None,
    };
    Some(if matches!(moment, Datum::Date(_)) { Datum::Date(end) } else { Datum::DateTime(end) })
}
