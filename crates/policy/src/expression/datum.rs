//! Typed values, as expressions compute with them.

use std::cmp::Ordering;

use crate::moment::Moment;
use crate::vocabulary::DataType;

/// One value of one of XACML's data types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    String(String),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Date(Moment),
    Time(Moment),
    DateTime(Moment),
    /// Nanoseconds.
    DayTimeDuration(i128),
    /// Months.
    YearMonthDuration(i64),
    AnyUri(String),
    /// Bytes in lower-case hexadecimal digits.
    HexBinary(String),
    /// Base 64 without white space.
    Base64Binary(String),
    /// Relative distinguished names, the most specific first, each normalised.
    X500Name(Vec<String>),
    /// Local part, and domain in lower case.
    Rfc822Name(String, String),
}

impl Datum {
    /// Reads a value of a data type; `None` when the text is no such value, or the type is not computed with.
    pub(crate) fn parse(data_type: &DataType, text: &str) -> Option<Self> {
        let trimmed = text.trim();
        match data_type {
            DataType::String => Some(Self::String(text.to_owned())),
            DataType::AnyUri => Some(Self::AnyUri(trimmed.to_owned())),
            DataType::Boolean => match trimmed {
                "true" | "1" => Some(Self::Boolean(true)),
                "false" | "0" => Some(Self::Boolean(false)),
                _ => None,
            },
            DataType::Integer => trimmed.parse().ok().map(Self::Integer),
            DataType::Double => parse_double(trimmed).map(Self::Double),
            DataType::Date => Moment::parse_date(trimmed).map(Self::Date),
            DataType::Time => Moment::parse_time(trimmed).map(Self::Time),
            DataType::DateTime => Moment::parse_date_time(trimmed).map(Self::DateTime),
            DataType::DayTimeDuration => parse_day_time(trimmed).map(Self::DayTimeDuration),
            DataType::YearMonthDuration => parse_year_month(trimmed).map(Self::YearMonthDuration),
            DataType::HexBinary => {
                let even = trimmed.len().is_multiple_of(2) && trimmed.bytes().all(|byte| byte.is_ascii_hexdigit());
                even.then(|| Self::HexBinary(trimmed.to_ascii_lowercase()))
            }
            DataType::Base64Binary => Some(Self::Base64Binary(trimmed.split_whitespace().collect())),
            DataType::X500Name => Some(Self::X500Name(trimmed.split(',').map(normal_name).collect())),
            DataType::Rfc822Name => {
                let (local, domain) = trimmed.split_once('@')?;
                Some(Self::Rfc822Name(local.to_owned(), domain.to_ascii_lowercase()))
            }
            DataType::Other(_) => None,
        }
    }

    /// The data type of the value.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::String(_) => DataType::String,
            Self::Boolean(_) => DataType::Boolean,
            Self::Integer(_) => DataType::Integer,
            Self::Double(_) => DataType::Double,
            Self::Date(_) => DataType::Date,
            Self::Time(_) => DataType::Time,
            Self::DateTime(_) => DataType::DateTime,
            Self::DayTimeDuration(_) => DataType::DayTimeDuration,
            Self::YearMonthDuration(_) => DataType::YearMonthDuration,
            Self::AnyUri(_) => DataType::AnyUri,
            Self::HexBinary(_) => DataType::HexBinary,
            Self::Base64Binary(_) => DataType::Base64Binary,
            Self::X500Name(_) => DataType::X500Name,
            Self::Rfc822Name(..) => DataType::Rfc822Name,
        }
    }

    /// Whether two values of one type are the same value, however written.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Date(left), Self::Date(right))
            | (Self::Time(left), Self::Time(right))
            | (Self::DateTime(left), Self::DateTime(right)) => left.instant() == right.instant(),
            // The conformance set counts "not a number" as one value.
            (Self::Double(left), Self::Double(right)) => left == right || (left.is_nan() && right.is_nan()),
            _ => self == other,
        }
    }

    /// The order of two values of one ordered type.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(left), Self::String(right)) => Some(left.cmp(right)),
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(right)),
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            (Self::Date(left), Self::Date(right))
            | (Self::Time(left), Self::Time(right))
            | (Self::DateTime(left), Self::DateTime(right)) => Some(left.instant().cmp(&right.instant())),
            _ => None,
        }
    }

    /// The text of a value that is text: a string or a URI.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::AnyUri(text) => Some(text),
            _ => None,
        }
    }
}

fn parse_double(text: &str) -> Option<f64> {
    match text {
        "INF" => Some(f64::INFINITY),
        "-INF" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

/// `P1DT2H3M4.5S`, perhaps with a minus sign, in nanoseconds.
fn parse_day_time(text: &str) -> Option<i128> {
    let (sign, text) = split_sign(text);
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').map_or((text, None), |(days, time)| (days, Some(time)));
    let mut seconds = 0_i128;
    let mut parts = 0;
    if !days.is_empty() {
        seconds += amount(days.strip_suffix('D')?)? * 86_400;
        parts += 1;
    }
    let mut nanoseconds = 0;
    let mut rest = time.unwrap_or_default();
    for (unit, factor) in [('H', 3600), ('M', 60)] {
        if let Some((count, after)) = rest.split_once(unit) {
            seconds += amount(count)? * factor;
            rest = after;
            parts += 1;
        }
    }
    if !rest.is_empty() {
        let count = rest.strip_suffix('S')?;
        let (whole, fraction) = count.split_once('.').unwrap_or((count, "0"));
        seconds += amount(whole)?;
        let fraction = &fraction[..fraction.len().min(9)];
        nanoseconds = amount(fraction)? * 10_i128.pow(9 - fraction.len() as u32);
        parts += 1;
    }
    (parts > 0).then_some(sign * (seconds * 1_000_000_000 + nanoseconds))
}

/// `P1Y2M`, perhaps with a minus sign, in months.
fn parse_year_month(text: &str) -> Option<i64> {
    let (sign, text) = split_sign(text);
    let text = text.strip_prefix('P').filter(|text| !text.is_empty())?;
    let (years, months) = text.split_once('Y').map_or((None, text), |(years, months)| (Some(years), months));
    let years = years.map_or(Some(0), amount)?;
    let months = if months.is_empty() { 0 } else { amount(months.strip_suffix('M')?)? };
    i64::try_from(sign * (years * 12 + months)).ok()
}

fn split_sign(text: &str) -> (i128, &str) {
    text.strip_prefix('-').map_or((1, text), |rest| (-1, rest))
}

/// At most twelve decimal digits, so that no sum of them overflows.
fn amount(text: &str) -> Option<i128> {
    let fits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// One relative distinguished name: parts in order, letters in lower case, white space single.
fn normal_name(name: &str) -> String {
    let part = |part: &str| {
        let (kind, value) = part.split_once('=').unwrap_or((part, ""));
        let words: Vec<_> = value.split_whitespace().collect();
        format!("{}={}", kind.trim().to_lowercase(), words.join(" ").to_lowercase())
    };
    let mut parts: Vec<_> = name.split('+').map(part).collect();
    parts.sort();
    parts.join("+")
}

#[cfg(test)]
mod tests {
    use super::{parse_day_time, parse_year_month};

    #[test]
    fn durations_are_read_in_their_units() {
        assert_eq!(parse_day_time("P1DT1H1M1.5S"), Some(90_061_500_000_000));
        assert_eq!(parse_day_time("-PT1S"), Some(-1_000_000_000));
        assert_eq!(parse_year_month("-P2Y3M"), Some(-27));
        for wrong in ["P", "PT", "1D", "P1", "PT1", "P1H", "PTéS", ""] {
            assert_eq!(parse_day_time(wrong), None, "{wrong}");
        }
        assert_eq!(parse_year_month("P"), None);
    }
}
