//! Dates and times as XML Schema writes them, read far enough to compare them.

/// A day, a time of day and perhaps a zone. What the text leaves out is day 0, midnight, no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Days since 1970-01-01.
    pub(crate) day: i64,
    /// Nanoseconds since midnight.
    pub(crate) nanosecond: i64,
    /// Minutes east of UTC.
    pub(crate) offset: Option<i64>,
}

const DAY: i64 = 86_400_000_000_000;
const MINUTE: i64 = 60_000_000_000;

impl Moment {
    /// `2026-01-31T12:00:00.5+01:00`.
    pub(crate) fn parse_date_time(text: &str) -> Option<Self> {
        let (date, time) = text.trim().split_once('T')?;
        let (clock, offset) = split_zone(time)?;
        Some(Self { day: parse_day(date)?, nanosecond: parse_clock(clock)?, offset })
    }

    /// `2026-01-31`, `2026-01-31+01:00`, or the date part of a date and time.
    pub(crate) fn parse_date(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains('T') {
            return Self::parse_date_time(text);
        }
        // The zone is looked for behind the ten characters of the date, which have dashes of their own.
        let sign_and_year = text.strip_prefix('-').unwrap_or(text).find('-')? + usize::from(text.starts_with('-'));
        let (date, zone) = text.split_at_checked(sign_and_year + 6)?;
        let (rest, offset) = split_zone(zone)?;
        rest.is_empty().then_some(())?;
        Some(Self { day: parse_day(date)?, nanosecond: 0, offset })
    }

    /// `12:00:00`, with or without zone, or the time part of a date and time.
    pub(crate) fn parse_time(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains('T') {
            return Self::parse_date_time(text);
        }
        let (clock, offset) = split_zone(text)?;
        Some(Self { day: 0, nanosecond: parse_clock(clock)?, offset })
    }

    /// Nanoseconds since 1970 in UTC; a text without zone counts as UTC.
    pub(crate) fn instant(self) -> i128 {
        let local = i128::from(self.day) * i128::from(DAY) + i128::from(self.nanosecond);
        local - i128::from(self.offset.unwrap_or(0)) * i128::from(MINUTE)
    }

    /// Nanoseconds since midnight UTC, whatever the day.
    pub(crate) fn time_of_day(self) -> i64 {
        (self.nanosecond - self.offset.unwrap_or(0) * MINUTE).rem_euclid(DAY)
    }

    /// The moment so much later, in the same zone.
    pub(crate) fn plus_nanoseconds(self, nanoseconds: i128) -> Option<Self> {
        let local = i128::from(self.day) * i128::from(DAY) + i128::from(self.nanosecond);
        let moved = local.checked_add(nanoseconds)?;
        let day = i64::try_from(moved.div_euclid(i128::from(DAY))).ok()?;
        Some(Self { day, nanosecond: i64::try_from(moved.rem_euclid(i128::from(DAY))).ok()?, ..self })
    }

    /// The same day of the month so many months later, or the last day of a shorter month.
    pub(crate) fn plus_months(self, months: i64) -> Option<Self> {
        let (year, month, day) = calendar_day(self.day);
        let month_number = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(months)?;
        let (year, month) = (month_number.div_euclid(12), month_number.rem_euclid(12) + 1);
        (-1_000_000_000..1_000_000_000).contains(&year).then_some(())?;
        Some(Self { day: day_number(year, month, day.min(days_in_month(year, month))), ..self })
    }
}

/// Year, month and day of a day number; the inverse of [`day_number`].
fn calendar_day(day: i64) -> (i64, i64, i64) {
    let from_era = day + 719_468;
    let era = from_era.div_euclid(146_097);
    let day_of_era = from_era.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_month)
}

/// Cuts `Z`, `+hh:mm` or `-hh:mm` off the end. A zone that is there but wrong refuses the text.
fn split_zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(rest) = text.strip_suffix('Z') {
        return Some((rest, Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, None)) };
    let (rest, zone) = text.split_at(at);
    let (hours, minutes) = zone[1..].split_once(':')?;
    let offset = number(hours, 2)? * 60 + number(minutes, 2)?;
    (offset < 100 * 60).then_some(())?;
    Some((rest, Some(if zone.starts_with('-') { -offset } else { offset })))
}

fn parse_clock(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let in_range = hour <= 24 && minute < 60 && second <= 60 && parts.next().is_none();
    let nanoseconds = match fraction {
        None => 0,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let kept = &digits[..digits.len().min(9)];
            number(kept, kept.len())? * 10_i64.pow(9 - kept.len() as u32)
        }
        Some(_) => return None,
    };
    in_range.then_some((hour * 60 + minute) * MINUTE + second * 1_000_000_000 + nanoseconds)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn parse_day(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut parts = digits.split('-');
    let year_text = parts.next()?;
    (4..=9).contains(&year_text.len()).then_some(())?;
    let year = sign * number(year_text, year_text.len())?;
    let (month, day) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    (parts.next().is_none() && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day))
        .then(|| day_number(year, month, day))
}

/// How many days a month has.
fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date, counting years from March so that the leap day comes last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Exactly `width` decimal digits.
fn number(text: &str, width: usize) -> Option<i64> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_zone_shifts_the_instant_but_not_the_written_day() {
        let utc = Moment::parse_date_time("2002-03-22T13:23:47Z").expect("well formed");
        let east = Moment::parse_date_time("2002-03-22T08:23:47-05:00").expect("well formed");
        assert_eq!(utc.instant(), east.instant());
        assert_eq!(utc.day, 11_768);
        assert_eq!(Moment::parse_date("2002-03-22-05:00").map(|date| date.day), Some(11_768));
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_last_of_a_shorter_month() {
        let later = |text: &str, months| Moment::parse_date(text).and_then(|date| date.plus_months(months));
        assert_eq!(later("2024-01-31", 1), Moment::parse_date("2024-02-29"));
        assert_eq!(later("2024-03-31", -13), Moment::parse_date("2023-02-28"));
        assert_eq!(later("2024-12-15", 1), Moment::parse_date("2025-01-15"));
    }

    #[test]
    fn impossible_texts_are_refused() {
        for text in ["2001-02-29", "2001-13-01", "", "-", "2001-02-2é", "1-1-1", "é", "2001-02-01+1"] {
            assert_eq!(Moment::parse_date(text), None, "{text}");
        }
        for text in ["25:00:00", "12:00", "12:00:00.", "12:00:00+é", "ß"] {
            assert_eq!(Moment::parse_time(text), None, "{text}");
        }
    }
}
