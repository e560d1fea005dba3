//! Dates: the accepted spellings, and their meaning as moments. Formatting is in [`super::date_format`].
//!
//! Contract: app-forms 4.5.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use serde_json::Value;

use super::ExpressionError;
use super::conversion::{shown, text_of};
use super::data::Facts;
use super::date_format;
use super::evaluate::Arguments;

/// A date as written: the local time, and the offset when one was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    pub(super) local: DateTime,
    pub(super) offset: Option<Offset>,
}

impl Moment {
    /// Nanoseconds of the instant when an offset is given, of the wall clock otherwise.
    pub(super) fn nanoseconds(&self) -> i128 {
        const SECOND: i128 = 1_000_000_000;
        let days = i128::from(days_since_year_zero(self.local.date()));
        let time = self.local.time();
        let seconds = i128::from(time.hour()) * 3600 + i128::from(time.minute()) * 60 + i128::from(time.second());
        let shift = self.offset.map_or(0, |offset| i128::from(offset.seconds()));
        (days * 86_400 + seconds - shift) * SECOND + i128::from(time.subsec_nanosecond())
    }

    /// The local time a viewer in `zone` sees; as written when no offset is given.
    fn seen_from(&self, zone: &jiff::tz::TimeZone) -> DateTime {
        let instant = self.offset.and_then(|offset| offset.to_timestamp(self.local).ok());
        instant.map_or(self.local, |instant| zone.to_datetime(instant))
    }
}

fn days_since_year_zero(date: Date) -> i64 {
    let year = i64::from(date.year());
    let leap_days = |years: i64| years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    year * 365 + leap_days(year - 1) + i64::from(date.day_of_year())
}

/// The date of a value: null and blank text are no date.
pub(super) fn date_of(value: &Value) -> Result<Option<Moment>, ExpressionError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => parse(text).map(Some),
        other => {
            Err(ExpressionError::new(format!("Date expressions only accept strings or null, got {}", shown(other))))
        }
    }
}

/// `formatDate`.
pub(super) fn format(arguments: &Arguments<'_>, facts: &Facts<'_>) -> Result<Value, ExpressionError> {
    let values = arguments.between(1, 2)?;
    let Some(moment) = date_of(&values[0])? else { return Ok(Value::Null) };
    let pattern = values.get(1).and_then(text_of).filter(|pattern| !pattern.is_empty());
    let local = moment.seen_from(&facts.time_zone);
    Ok(Value::String(date_format::render(local, pattern.as_deref(), facts.language)))
}

fn parse(text: &str) -> Result<Moment, ExpressionError> {
    let written = Spelling::read(text)
        .ok_or_else(|| ExpressionError::new(format!("Unable to parse date \"{text}\": Unknown format")))?;
    written.moment().ok_or_else(|| {
        ExpressionError::new(format!(
            "Unable to parse date \"{text}\": Format was recognized, but the date/time is invalid"
        ))
    })
}

/// The digits of a date whose format is right; they may still name no day.
struct Spelling {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset: Option<WrittenOffset>,
}

#[derive(Clone, Copy)]
struct WrittenOffset {
    sign: i32,
    hours: i32,
    minutes: i32,
}

impl Spelling {
    /// `yyyy-MM-dd`, then optionally `T`/`t`/blank `HH:mm[:ss[.f{1,9}]]` and `Z`/`z`/`±hh:mm`.
    fn read(text: &str) -> Option<Self> {
        let mut rest = Reader(text.as_bytes());
        let year = rest.digits(4)?;
        rest.expect(b'-')?;
        let month = rest.digits(2)?;
        rest.expect(b'-')?;
        let day = rest.digits(2)?;
        let mut spelling = Self {
            year: year as i16,
            month: month as i8,
            day: day as i8,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset: None,
        };
        if rest.0.is_empty() {
            return Some(spelling);
        }
        if !(rest.accept(b'T') || rest.accept(b't') || rest.accept(b' ')) {
            return None;
        }
        spelling.hour = rest.digits(2)? as i8;
        rest.expect(b':')?;
        spelling.minute = rest.digits(2)? as i8;
        if rest.accept(b':') {
            spelling.second = rest.digits(2)? as i8;
            if rest.accept(b'.') {
                spelling.nanosecond = rest.fraction()?;
            }
        }
        if !rest.0.is_empty() {
            spelling.offset = Some(rest.offset()?);
        }
        rest.0.is_empty().then_some(spelling)
    }

    fn moment(&self) -> Option<Moment> {
        let date = Date::new(self.year, self.month, self.day).ok().filter(|date| date.year() >= 1)?;
        let time = Time::new(self.hour, self.minute, self.second, self.nanosecond).ok()?;
        let offset = match self.offset {
            Some(WrittenOffset { sign, hours, minutes }) if hours <= 23 && minutes <= 59 => {
                Some(Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?)
            }
            Some(_) => return None,
            None => None,
        };
        Some(Moment { local: date.to_datetime(time), offset })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn accept(&mut self, byte: u8) -> bool {
        let fits = self.0.first() == Some(&byte);
        if fits {
            self.0 = &self.0[1..];
        }
        fits
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.accept(byte).then_some(())
    }

    fn digits(&mut self, count: usize) -> Option<i32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0')))?;
        self.0 = rest;
        Some(number)
    }

    /// One to nine digits, as nanoseconds.
    fn fraction(&mut self) -> Option<i32> {
        let count = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        if !(1..=9).contains(&count) {
            return None;
        }
        self.digits(count).map(|digits| digits * 10_i32.pow(9 - count as u32))
    }

    fn offset(&mut self) -> Option<WrittenOffset> {
        if self.accept(b'Z') || self.accept(b'z') {
            return Some(WrittenOffset { sign: 1, hours: 0, minutes: 0 });
        }
        let sign = if self.accept(b'+') { 1 } else { -1 };
        if sign < 0 {
            self.expect(b'-')?;
        }
        let hours = self.digits(2)?;
        self.expect(b':')?;
        Some(WrittenOffset { sign, hours, minutes: self.digits(2)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_recognised_or_unknown() {
        for text in ["2024-02-29", "2024-01-01T00:00", "2024-01-01t23:59:59.123456789z", "2024-01-01 10:00+02:00"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in
            ["2024-1-1", "2024-01-01T10", "2024-01-01+01:00", "2024-01-01T10:00:00.", "2024-01-01T10:00+0100", "å"]
        {
            assert!(parse(text).is_err_and(|error| error.to_string().ends_with("Unknown format")), "{text}");
        }
        for text in ["2023-02-29", "2024-13-01", "2024-01-01T23:59:60", "2024-01-01T10:00+24:00", "0000-01-01"] {
            assert!(parse(text).is_err_and(|error| error.to_string().ends_with("is invalid")), "{text}");
        }
    }

    #[test]
    fn moments_with_offsets_are_instants() {
        let nanoseconds = |text| parse(text).expect("a date").nanoseconds();
        assert_eq!(nanoseconds("2024-01-01T00:00:00+01:00"), nanoseconds("2023-12-31T23:00:00Z"));
        assert!(nanoseconds("2024-03-01") > nanoseconds("2024-02-29T23:59:59.999999999"));
        assert_eq!(nanoseconds("2024-03-01") - nanoseconds("2024-02-29"), 86_400_000_000_000);
        assert_eq!(nanoseconds("2023-01-01") - nanoseconds("2022-12-31"), 86_400_000_000_000);
    }
}
