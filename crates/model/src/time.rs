//! Points in time as clients see them: ISO 8601 in UTC with up to seven fractional digits.

use std::fmt;
use std::time::Duration;

use jiff::{Timestamp, civil, tz::Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time in units of 100 ns since 1970-01-01T00:00:00Z, the precision of the wire format
/// (platform-storage §0.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// The text is no date that the contract accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time")]
pub struct TimeError;

const TICKS_PER_SECOND: i64 = 10_000_000;
const TICKS_PER_MICROSECOND: i64 = 10;

impl Time {
    /// From units of 100 ns since 1970 UTC.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// In units of 100 ns since 1970 UTC.
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// From whole seconds since 1970 UTC, as in token claims.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(TICKS_PER_SECOND))
    }

    /// In whole seconds since 1970 UTC, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(TICKS_PER_SECOND)
    }

    /// The same time with whole microseconds, the precision of `lastChanged`.
    pub const fn floor_to_microsecond(self) -> Self {
        Self(self.0 - self.0.rem_euclid(TICKS_PER_MICROSECOND))
    }

    /// The next microsecond.
    pub const fn next_microsecond(self) -> Self {
        Self(self.floor_to_microsecond().0 + TICKS_PER_MICROSECOND)
    }

    /// This time moved by `duration`, saturating at the ends of the range.
    pub fn plus(self, duration: Duration) -> Self {
        let ticks = i64::try_from(duration.as_nanos() / 100).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ticks))
    }

    /// Reads ISO 8601 text. Without a zone it is UTC; with an offset it is converted; a date alone is its midnight.
    /// A blank where a `+` was sent unencoded is understood (platform-storage §2.1.1).
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return Err(TimeError);
        }
        let repaired;
        let text = match text.rsplit_once(' ') {
            Some((head, zone)) if head.contains('T') || head.contains(' ') => {
                repaired = format!("{head}+{zone}");
                repaired.as_str()
            }
            _ => text,
        };
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Ok(Self::from_timestamp(timestamp));
        }
        let civil = match text.parse::<civil::DateTime>() {
            Ok(civil) => civil,
            Err(_) => text.parse::<civil::Date>().map_err(|_| TimeError)?.at(0, 0, 0, 0),
        };
        let timestamp = Offset::UTC.to_timestamp(civil).map_err(|_| TimeError)?;
        Ok(Self::from_timestamp(timestamp))
    }

    /// From a timestamp; what is finer than 100 ns is dropped.
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        let ticks = timestamp.as_nanosecond().div_euclid(100);
        Self(i64::try_from(ticks).expect("the range of a timestamp in 100 ns fits 64 bits"))
    }
}

/// The longest text of a time: `2024-03-01T12:34:56.1234567Z`.
const LONGEST: usize = 28;

impl Time {
    /// Writes the text of the time. Lists write hundreds of them, so this goes around the formatting machinery.
    fn encode(self, buffer: &mut [u8; LONGEST]) -> Option<&str> {
        let timestamp = Timestamp::from_nanosecond(i128::from(self.0) * 100).ok()?;
        let at = Offset::UTC.to_datetime(timestamp);
        let year = u32::try_from(at.year()).ok()?;
        let mut digits = |place: usize, width: usize, mut value: u32| {
            for digit in buffer[place..place + width].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        digits(0, 4, year);
        digits(5, 2, u32::from(at.month().unsigned_abs()));
        digits(8, 2, u32::from(at.day().unsigned_abs()));
        digits(11, 2, u32::from(at.hour().unsigned_abs()));
        digits(14, 2, u32::from(at.minute().unsigned_abs()));
        digits(17, 2, u32::from(at.second().unsigned_abs()));
        digits(20, 7, u32::try_from(self.0.rem_euclid(TICKS_PER_SECOND)).ok()?);
        for (place, separator) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')] {
            buffer[place] = separator;
        }
        let mut end = 27;
        while buffer[end - 1] == b'0' {
            end -= 1;
        }
        if buffer[end - 1] == b'.' {
            end -= 1;
        }
        buffer[end] = b'Z';
        std::str::from_utf8(&buffer[..=end]).ok()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; LONGEST]).ok_or(fmt::Error)?)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; LONGEST];
        let text = self.encode(&mut buffer).ok_or_else(|| serde::ser::Error::custom("a time outside the calendar"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date and time")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_up_to_seven_digits_without_trailing_zeros() {
        for text in [
            "2024-03-01T12:34:56.123456Z",
            "2020-01-01T00:00:00Z",
            "2019-12-05T13:24:34.9196661Z",
            "1969-12-31T23:59:59.5Z",
            "2000-01-01T00:00:10Z",
            "9999-12-30T21:59:59.9999999Z",
            "2024-03-01T12:34:56.0000001Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn reads_offsets_missing_zones_and_dates() {
        for (text, utc) in [
            ("2023-06-01T01:36:44+02:00", "2023-05-31T23:36:44Z"),
            ("2023-06-01T01:36:44+02", "2023-05-31T23:36:44Z"),
            ("2023-06-01T01:36:44 02:00", "2023-05-31T23:36:44Z"),
            ("2023-06-01T01:36:44", "2023-06-01T01:36:44Z"),
            ("2023-06-01", "2023-06-01T00:00:00Z"),
            ("2023-06-01T01:36:44.12345678Z", "2023-06-01T01:36:44.1234567Z"),
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), utc, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in ["", "yesterday", "2023-13-01", "2023-06-01T25:00:00", "12:00", "+", " "] {
            assert_eq!(Time::parse(text), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn microseconds_only_move_forward() {
        let time = Time::from_ticks(1_234_567);
        assert_eq!(time.floor_to_microsecond().ticks(), 1_234_560);
        assert_eq!(time.next_microsecond().ticks(), 1_234_570);
        assert!(time.next_microsecond() > time);
    }
}
