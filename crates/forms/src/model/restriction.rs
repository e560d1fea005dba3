//! Restrictions on values, as the generator of the original writes them into classes (app-forms §6.3).

use std::fmt;

use super::Kind;
use crate::decimal::Decimal;
use crate::validation::regex::Regex;
use crate::value::{FormObject, FormValue};

/// A rule that a value must keep, and the text to show instead of the standard one.
#[derive(Clone, Debug, PartialEq)]
pub struct Restriction {
    pub rule: RestrictionRule,
    /// The message of the app; may begin with a severity prefix and hold `{0}` for the property.
    pub message: Option<String>,
}

/// What a value must keep. Lengths count UTF-16 units.
#[derive(Clone, Debug, PartialEq)]
pub enum RestrictionRule {
    Required,
    MinLength(u32),
    MaxLength(u32),
    StringLength { min: u32, max: u32 },
    Range { min: Bound, max: Bound },
    Pattern(Pattern),
    EmailAddress,
}

/// An inclusive bound; `text` is how messages show it, and an absent number never fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub number: Option<Decimal>,
    pub text: String,
}

/// A regular expression that the whole value must match.
#[derive(Clone)]
pub struct Pattern {
    /// The expression as the schema writes it.
    pub source: String,
    regex: Regex,
}

impl Pattern {
    /// None when the expression cannot be used.
    pub fn new(source: &str) -> Option<Self> {
        Some(Self { source: source.to_owned(), regex: Regex::new(source)? })
    }

    /// True when the first match is the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.matches_whole(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

/// The facts of a schema that restrictions are made from.
#[derive(Debug, Default)]
pub(super) struct Facets {
    pub(super) kind: Option<Kind>,
    pub(super) is_list: bool,
    pub(super) is_required: bool,
    pub(super) format: Option<String>,
    /// The name of the XSD type in lower case, such as `positiveinteger`.
    pub(super) xsd_type: String,
    pub(super) is_whole: bool,
    pub(super) min_length: Option<u32>,
    pub(super) max_length: Option<u32>,
    pub(super) patterns: Vec<String>,
    pub(super) minimum: Option<Decimal>,
    pub(super) maximum: Option<Decimal>,
    pub(super) total_digits: Option<u32>,
}

impl Facets {
    pub(super) fn of_schema(parts: &[&FormObject], kind: Kind, is_required: bool) -> Self {
        let find = |names: &[&str]| parts.iter().find_map(|part| names.iter().find_map(|name| part.get(name)));
        let number = |names: &[&str]| match find(names)? {
            FormValue::Number(number) => Some(*number),
            FormValue::Text(text) => Decimal::parse_xml(text).ok(),
            _ => None,
        };
        let length =
            |name: &str| number(&[name]).and_then(Decimal::to_i64).and_then(|length| u32::try_from(length).ok());
        let text = |name: &str| find(&[name]).and_then(FormValue::as_text).map(str::to_owned);
        Self {
            kind: Some(kind),
            is_list: false,
            is_required,
            format: text("format"),
            xsd_type: text("@xsdType").unwrap_or_default().to_ascii_lowercase(),
            is_whole: parts.iter().any(|part| part.get("type").and_then(FormValue::as_text) == Some("integer")),
            min_length: length("minLength"),
            max_length: length("maxLength"),
            patterns: text("pattern").into_iter().collect(),
            minimum: number(&["minimum", "minInclusive"]),
            maximum: number(&["maximum", "maxInclusive"]),
            total_digits: length("totalDigits"),
        }
    }
}

const FORMATS: [(&str, &str); 6] = [
    ("date", "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[1-2][0-9]|3[0-1])$"),
    ("year", "^[0-9]{4}$"),
    ("year-month", "^[0-9]{4}-(0[1-9]|1[0-2])$"),
    ("month", "^0[1-9]|1[0-2]$"),
    ("day", "^0[1-9]|[1,2][0-9]|3[0,1]$"),
    ("time", r"^([0,1][0-9]|[2][0-3]):[0-5][0-9]:[0-5][0-9](Z|(\+|-)([0,1][0-9]|[2][0-3]):[0-5][0-9])?$"),
];

/// The restrictions, and what could not be used.
pub(super) fn from_facets(facets: &Facets) -> (Vec<Restriction>, Vec<String>) {
    let mut rules = Vec::new();
    let mut unusable = Vec::new();
    if facets.is_list {
        return (Vec::new(), unusable);
    }
    let mut add_pattern = |rules: &mut Vec<RestrictionRule>, source: &str| match Pattern::new(source) {
        Some(pattern) => rules.push(RestrictionRule::Pattern(pattern)),
        None => unusable.push(format!("the pattern `{source}` cannot be used and is not checked")),
    };
    match facets.kind {
        Some(Kind::Text) => {
            let format = facets.format.as_deref().unwrap_or_default();
            if let Some((_, pattern)) = FORMATS.iter().find(|(name, _)| *name == format) {
                add_pattern(&mut rules, pattern);
            } else if format != "uri" {
                rules.extend(facets.min_length.map(RestrictionRule::MinLength));
                rules.extend(facets.max_length.map(RestrictionRule::MaxLength));
                for pattern in &facets.patterns {
                    add_pattern(&mut rules, pattern);
                }
            }
        }
        Some(Kind::Decimal | Kind::Integer { .. }) => {
            if facets.is_required {
                rules.push(RestrictionRule::Required);
            }
            rules.extend(range_of(facets));
            if let Some(digits) = facets.total_digits
                && !matches!(facets.xsd_type.as_str(), "negativeinteger" | "nonpositiveinteger")
            {
                let pattern = if facets.is_whole {
                    format!("^-?[0-9]{{0,{digits}}}$")
                } else {
                    format!(r"^-?(([0-9]){{1}}(\.)?){{0,{digits}}}$")
                };
                add_pattern(&mut rules, &pattern);
            }
        }
        Some(Kind::Bool | Kind::DateTime) if facets.is_required => rules.push(RestrictionRule::Required),
        _ => {}
    }
    (rules.into_iter().map(|rule| Restriction { rule, message: None }).collect(), unusable)
}

fn range_of(facets: &Facets) -> Option<RestrictionRule> {
    let at = |number: i64| Bound { number: Some(Decimal::from(number)), text: number.to_string() };
    let (lowest, highest) = match facets.kind {
        Some(Kind::Integer { bits: 16 }) => (at(i16::MIN.into()), at(i16::MAX.into())),
        Some(Kind::Integer { bits: 32 }) => (at(i32::MIN.into()), at(i32::MAX.into())),
        Some(Kind::Integer { .. }) => (at(i64::MIN), at(i64::MAX)),
        _ => (
            Bound { number: None, text: "-1.7976931348623157E+308".to_owned() },
            Bound { number: None, text: "1.7976931348623157E+308".to_owned() },
        ),
    };
    let int_min = || at(i32::MIN.into());
    let int_max = || at(i32::MAX.into());
    let stated =
        |number: Option<Decimal>| number.map(|number| Bound { number: Some(number), text: number.to_string() });
    let (min, max) = (stated(facets.minimum), stated(facets.maximum));
    let (min, max) = match facets.xsd_type.as_str() {
        "positiveinteger" => (min.unwrap_or_else(|| at(1)), max.unwrap_or_else(int_max)),
        "nonnegativeinteger" => (min.unwrap_or_else(|| at(0)), max.unwrap_or_else(int_max)),
        "negativeinteger" => (int_min(), at(-1)),
        "nonpositiveinteger" => (int_min(), at(0)),
        _ if min.is_none() && max.is_none() => return None,
        _ => (min.unwrap_or(lowest), max.unwrap_or(highest)),
    };
    Some(RestrictionRule::Range { min, max })
}
