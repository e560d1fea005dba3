//! Dates as text: runs of one letter are replaced, everything else is copied.
//!
//! Contract: app-forms 4.5.

use jiff::civil::{DateTime, Weekday};

/// The text of `local` in a language; without a pattern, the language's short date.
pub(super) fn render(local: DateTime, pattern: Option<&str>, language: &str) -> String {
    let words = words_of(language);
    let mut text = String::new();
    let mut rest = pattern.unwrap_or(words.short_date);
    while let Some(letter) = rest.chars().next() {
        let length = rest.chars().take_while(|other| *other == letter).count();
        let (run, after) = rest.split_at(length * letter.len_utf8());
        text.push_str(&field(letter, length, local, words).unwrap_or_else(|| run.to_owned()));
        rest = after;
    }
    text
}

fn field(letter: char, length: usize, local: DateTime, words: &Words) -> Option<String> {
    let month = usize::from(local.month().unsigned_abs()) - 1;
    let weekday = weekday_number(local.weekday());
    let twelve_hour = match local.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let fraction = format!("{:03}", local.subsec_nanosecond() / 1_000_000);
    Some(match (letter, length) {
        ('y', 1 | 3 | 4) | ('u', 1..=4) => format!("{:04}", local.year()),
        ('y', 2) => format!("{:02}", local.year() % 100),
        ('M', 3) => words.short_months[month].to_owned(),
        ('M', 4) => words.months[month].to_owned(),
        ('E', 1..=3) => words.short_weekdays[weekday].to_owned(),
        ('E', 4) => words.weekdays[weekday].to_owned(),
        ('E', 5) => words.weekdays[weekday].chars().take(1).flat_map(char::to_uppercase).collect(),
        ('a', 1) => (if local.hour() < 12 { words.before_noon } else { words.after_noon }).to_owned(),
        ('G', 1..=3) => words.era.to_owned(),
        ('G', 4) => words.long_era.to_owned(),
        ('G', 5) => words.narrow_era.to_owned(),
        ('S', 1..=3) => fraction[..length].to_owned(),
        ('M', _) => two_digits(local.month(), length)?,
        ('d', _) => two_digits(local.day(), length)?,
        ('h', _) => two_digits(twelve_hour, length)?,
        ('H', _) => two_digits(local.hour(), length)?,
        ('m', _) => two_digits(local.minute(), length)?,
        ('s', _) => two_digits(local.second(), length)?,
        _ => return None,
    })
}

fn two_digits(number: i8, length: usize) -> Option<String> {
    match length {
        1 => Some(number.to_string()),
        2 => Some(format!("{number:02}")),
        _ => None,
    }
}

fn weekday_number(weekday: Weekday) -> usize {
    usize::from(weekday.to_sunday_zero_offset().unsigned_abs())
}

/// The words of a language; weeks start on Sunday.
struct Words {
    short_date: &'static str,
    months: [&'static str; 12],
    short_months: [&'static str; 12],
    weekdays: [&'static str; 7],
    short_weekdays: [&'static str; 7],
    before_noon: &'static str,
    after_noon: &'static str,
    era: &'static str,
    long_era: &'static str,
    narrow_era: &'static str,
}

fn words_of(language: &str) -> &'static Words {
    match language {
        "nb" => &BOKMAL,
        "nn" => &NYNORSK,
        _ => &ENGLISH,
    }
}

const NORWEGIAN_MONTHS: [&str; 12] = [
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
];

const NORWEGIAN_SHORT_MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "des"];

const BOKMAL: Words = Words {
    short_date: "dd.MM.yyyy",
    months: NORWEGIAN_MONTHS,
    short_months: NORWEGIAN_SHORT_MONTHS,
    weekdays: ["søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag"],
    short_weekdays: ["søn", "man", "tir", "ons", "tor", "fre", "lør"],
    before_noon: "a.m.",
    after_noon: "p.m.",
    era: "e.Kr.",
    long_era: "etter Kristus",
    narrow_era: "e.Kr.",
};

const NYNORSK: Words = Words {
    weekdays: ["søndag", "måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag"],
    short_weekdays: ["søn", "mån", "tys", "ons", "tor", "fre", "lau"],
    ..BOKMAL
};

const ENGLISH: Words = Words {
    short_date: "M/d/yy",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    short_months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    weekdays: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    short_weekdays: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    before_noon: "AM",
    after_noon: "PM",
    era: "AD",
    long_era: "Anno Domini",
    narrow_era: "A",
};
