//! Decimal numbers with a scale: the number type of form data.
//!
//! They behave as the decimal type clients of the original see on the wire: 96 bits of digits and a scale of 0–28 that
//! is kept (`1.50` stays `1.50`), excess digits rounded half to even, no exponent on output (app-forms §1.3, §1.4).

use std::fmt;
use std::str::FromStr;

use serde::ser::{Error as _, Serialize, Serializer};

const MAX_SCALE: u32 = 28;
const MAX_MANTISSA: u128 = (1 << 96) - 1;

/// A number `± mantissa / 10^scale`. Equality compares the value: `1.50 == 1.5`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    negative: bool,
    mantissa: u128,
    scale: u32,
}

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("the text is not a number")]
    Malformed,
    #[error("the number is outside the range of a decimal")]
    OutOfRange,
}

impl Decimal {
    pub const ZERO: Self = Self { negative: false, mantissa: 0, scale: 0 };

    /// Reads a JSON number, exponent allowed.
    pub fn parse_json(text: &str) -> Result<Self, DecimalError> {
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, "0"),
        };
        // An exponent of more digits than this is beyond every decimal, or makes it zero.
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
        let exponent = match exponent.parse::<i64>() {
            Ok(exponent) => exponent.clamp(-100_000, 100_000),
            Err(_) if exponent.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) && exponent.len() > 1 => {
                if exponent.starts_with('-') {
                    -100_000
                } else {
                    100_000
                }
            }
            Err(_) => return Err(DecimalError::Malformed),
        };
        Self::from_digits(digits, exponent)
    }

    /// Reads an `xsd:decimal`: surrounding blanks and a leading `+` allowed, no exponent.
    pub fn parse_xml(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let text = match text.strip_prefix('+') {
            Some(rest) if rest.starts_with(['+', '-']) => return Err(DecimalError::Malformed),
            Some(rest) => rest,
            None => text,
        };
        Self::from_digits(text, 0)
    }

    fn from_digits(text: &str, exponent: i64) -> Result<Self, DecimalError> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError::Malformed);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(DecimalError::Malformed);
        }
        let mut scale = fraction.len() as i64 - exponent;
        let mut mantissa: u128 = 0;
        let mut dropped = Dropped::default();
        let mut full = false;
        for digit in whole.bytes().chain(fraction.bytes()).map(|b| u128::from(b - b'0')) {
            let next = mantissa * 10 + digit;
            if full || next > MAX_MANTISSA {
                full = true;
                dropped.push_back(digit);
                scale -= 1;
            } else {
                mantissa = next;
            }
        }
        while scale > i64::from(MAX_SCALE) && mantissa > 0 {
            dropped.push_front(mantissa % 10);
            mantissa /= 10;
            scale -= 1;
        }
        if mantissa == 0 {
            // A zero, or a value too small: its scale is the smaller of what was written and what fits.
            let round_up = scale == i64::from(MAX_SCALE) && dropped.rounds_up(0);
            let scale = scale.clamp(0, i64::from(MAX_SCALE)) as u32;
            return Ok(Self { negative: negative && round_up, mantissa: u128::from(round_up), scale });
        }
        if dropped.rounds_up(mantissa) {
            mantissa += 1;
            if mantissa > MAX_MANTISSA {
                // 2^96 ends in 6: after division the rounding of the lost digit is upwards.
                mantissa = mantissa / 10 + 1;
                scale -= 1;
            }
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10).filter(|m| *m <= MAX_MANTISSA).ok_or(DecimalError::OutOfRange)?;
            scale += 1;
        }
        Ok(Self { negative: negative && mantissa != 0, mantissa, scale: scale as u32 })
    }

    /// The nearest decimal of at most 15 significant digits, as the original converts; none for infinities, not-a-number and
    /// values beyond the range.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let decimal = Self::parse_json(&format!("{value:.14e}")).ok()?;
        Some(decimal.without_trailing_zeros())
    }

    /// The nearest binary floating-point number.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().expect("a decimal's text is a number")
    }

    /// The value when it is whole and fits.
    pub fn to_i64(self) -> Option<i64> {
        let whole = self.without_trailing_zeros();
        if whole.scale != 0 {
            return None;
        }
        let magnitude = i128::try_from(whole.mantissa).ok()?;
        i64::try_from(if whole.negative { -magnitude } else { magnitude }).ok()
    }

    /// Rounded half to even to a whole number.
    pub fn round_to_whole(self) -> Self {
        let mut rounded = self;
        let mut dropped = Dropped::default();
        while rounded.scale > 0 {
            dropped.push_front(rounded.mantissa % 10);
            rounded.mantissa /= 10;
            rounded.scale -= 1;
        }
        if dropped.rounds_up(rounded.mantissa) {
            rounded.mantissa += 1;
        }
        rounded.negative &= rounded.mantissa != 0;
        rounded
    }

    /// How many digits stand after the point.
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// The same value with the smallest scale.
    pub fn without_trailing_zeros(mut self) -> Self {
        while self.scale > 0 && self.mantissa.is_multiple_of(10) {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

/// Digits cut off a number, most significant first, as far as rounding needs to know them.
#[derive(Default)]
struct Dropped {
    first: Option<u128>,
    others_nonzero: bool,
}

impl Dropped {
    fn push_back(&mut self, digit: u128) {
        if self.first.is_none() {
            self.first = Some(digit);
        } else {
            self.others_nonzero |= digit != 0;
        }
    }

    fn push_front(&mut self, digit: u128) {
        self.others_nonzero |= self.first.is_some_and(|first| first != 0);
        self.first = Some(digit);
    }

    fn rounds_up(&self, kept: u128) -> bool {
        match self.first {
            Some(5) => self.others_nonzero || kept % 2 == 1,
            Some(first) => first > 5,
            None => false,
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.without_trailing_zeros(), other.without_trailing_zeros());
        a.negative == b.negative && a.mantissa == b.mantissa && a.scale == b.scale
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.negative, other.negative) {
            (false, true) => return std::cmp::Ordering::Greater,
            (true, false) => return std::cmp::Ordering::Less,
            _ => {}
        }
        let magnitude = |d: Self| {
            let divisor = 10_u128.pow(d.scale);
            // The fraction is scaled to 28 digits, so that fractions of different scale compare.
            (d.mantissa / divisor, (d.mantissa % divisor) * 10_u128.pow(MAX_SCALE - d.scale))
        };
        let order = magnitude(*self).cmp(&magnitude(*other));
        if self.negative { order.reverse() } else { order }
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { negative: value < 0, mantissa: u128::from(value.unsigned_abs()), scale: 0 }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// As [`Decimal::parse_json`].
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse_json(text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.mantissa.to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.to_string()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        Decimal::parse_json(text).map_or_else(|error| error.to_string(), |number| number.to_string())
    }

    #[test]
    fn scale_is_kept_and_exponents_are_written_out() {
        assert_eq!(json("1.50"), "1.50");
        assert_eq!(json("-0.10"), "-0.10");
        assert_eq!(json("1e3"), "1000");
        assert_eq!(json("1.5e1"), "15");
        assert_eq!(json("15e-3"), "0.015");
        assert_eq!(json("0.00"), "0.00");
    }

    #[test]
    fn excess_digits_are_rounded_half_to_even() {
        assert_eq!(json("0.12345678901234567890123456785"), "0.1234567890123456789012345678");
        assert_eq!(json("0.12345678901234567890123456775"), "0.1234567890123456789012345678");
        assert_eq!(json("1234567890123456789012345678.95"), "1234567890123456789012345679.0");
        assert_eq!(json("79228162514264337593543950335"), "79228162514264337593543950335");
        assert_eq!(json("79228162514264337593543950336"), "the number is outside the range of a decimal");
        assert_eq!(json("7922816251426433759354395033.55"), "7922816251426433759354395034");
        assert_eq!(json("1e-40"), "0.0000000000000000000000000000");
        assert_eq!(json("1e99999999999999999999"), "the number is outside the range of a decimal");
    }

    #[test]
    fn xsd_decimals_allow_blanks_and_plus_but_no_exponent() {
        let xml = |text| Decimal::parse_xml(text).map(|number| number.to_string());
        assert_eq!(xml(" +1.50\n"), Ok("1.50".to_owned()));
        assert_eq!(xml(".5"), Ok("0.5".to_owned()));
        for text in ["", " ", ".", "1e3", "+-1", "1,5", "x"] {
            assert_eq!(xml(text), Err(DecimalError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn comparison_is_by_value() {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        assert_eq!(number("1"), number("1.00"));
        assert!(number("-2") < number("-1.5"));
        assert!(number("1.5") < number("1.51"));
        assert!(number("79228162514264337593543950335") > number("0.0000000000000000000000000001"));
    }

    #[test]
    fn conversions_to_and_from_other_numbers() {
        assert_eq!(Decimal::from_f64(0.1).map(|d| d.to_string()).as_deref(), Some("0.1"));
        assert_eq!(Decimal::from_f64(1e21).map(|d| d.to_string()).as_deref(), Some("1000000000000000000000"));
        assert_eq!(Decimal::from_f64(f64::NAN), None);
        assert_eq!("2.5".parse::<Decimal>().expect("a number").round_to_whole().to_i64(), Some(2));
        assert_eq!("3.5".parse::<Decimal>().expect("a number").round_to_whole().to_i64(), Some(4));
        assert_eq!("1.00".parse::<Decimal>().expect("a number").to_i64(), Some(1));
    }
}
