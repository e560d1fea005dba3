//! The text of date-times: read leniently, written in one form (app-forms §1.3, §1.4).

use std::fmt;

use jiff::civil::DateTime;

/// A date and time with its offset as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTimeText {
    local: DateTime,
    /// In hundred-nanosecond ticks within the second, 0–9 999 999.
    ticks: u32,
    offset: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    Unspecified,
    Utc,
    Minutes(i32),
}

impl DateTimeText {
    /// Reads `yyyy-MM-dd` or `yyyy-MM-ddTHH:mm[:ss[.f]]`, with `Z` or `±hh:mm` after a time.
    ///
    /// Fractions of a second are cut after seven digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (mut hour, mut minute, mut second, mut ticks, mut offset) = (0, 0, 0, 0, Offset::Unspecified);
        if let Some(time) = time {
            let (clock, given) = split_offset(time)?;
            offset = given;
            let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, f)| (clock, Some(f)));
            if clock.len() == 5 && fraction.is_none() {
                [hour, minute] = numbers(clock, ':', [2, 2])?;
            } else {
                [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
            }
            if let Some(fraction) = fraction {
                ticks = ticks_of(fraction)?;
            }
        }
        let part = |n: i32| i8::try_from(n).ok();
        let local = DateTime::new(
            i16::try_from(year).ok().filter(|year| *year >= 1)?,
            part(month)?,
            part(day)?,
            part(hour)?,
            part(minute)?,
            part(second)?,
            0,
        );
        Some(Self { local: local.ok()?, ticks, offset })
    }
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i32; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))?;
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

fn split_offset(time: &str) -> Option<(&str, Offset)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, Offset::Utc));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, Offset::Unspecified)) };
    let [hours, minutes] = numbers(&time[at + 1..], ':', [2, 2])?;
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    let sign = if time.as_bytes()[at] == b'-' { -1 } else { 1 };
    Some((&time[..at], Offset::Minutes(sign * (hours * 60 + minutes))))
}

fn ticks_of(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{:0<7}", &fraction[..fraction.len().min(7)]).parse().ok()
}

impl fmt::Display for DateTimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.local;
        let (year, month, day, hour, minute, second) = (t.year(), t.month(), t.day(), t.hour(), t.minute(), t.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.ticks > 0 {
            write!(f, ".{}", format!("{:07}", self.ticks).trim_end_matches('0'))?;
        }
        match self.offset {
            Offset::Unspecified => Ok(()),
            Offset::Utc => f.write_str("Z"),
            Offset::Minutes(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times_are_written_in_one_form_with_the_offset_they_came_with() {
        let cases = [
            ("2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00+02:00"),
            ("2024-05-01T10:00:00.1200Z", "2024-05-01T10:00:00.12Z"),
            ("2024-05-01T10:00", "2024-05-01T10:00:00"),
            ("2024-05-01", "2024-05-01T00:00:00"),
            ("2024-05-01T10:00:00.123456789", "2024-05-01T10:00:00.1234567"),
            ("2024-05-01T10:00:00-00:30", "2024-05-01T10:00:00-00:30"),
        ];
        for (given, written) in cases {
            assert_eq!(DateTimeText::parse(given).map(|time| time.to_string()).as_deref(), Some(written));
        }
    }

    #[test]
    fn what_is_no_date_time_is_refused() {
        for text in ["", "x", "2024", "2024-13-01", "2024-02-30", "2024-05-01T", "2024-05-01T25:00", "0000-01-01"] {
            assert_eq!(DateTimeText::parse(text), None, "{text}");
        }
        for text in ["2024-05-01T10:00:00+2:00", "2024-05-01T10:00:00+15:00", "2024-05-01T10:00:00.", "2024-05-01Tæ"] {
            assert_eq!(DateTimeText::parse(text), None, "{text}");
        }
    }
}
