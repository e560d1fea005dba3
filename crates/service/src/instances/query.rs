//! The parameters of the instance list: names and values as sent → a question for the store
//! (platform-storage §2.1.1).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_model::{AppId, Guid, PartyId, Time};
use sha2::{Digest as _, Sha256};

use crate::ports::{Cursor, InstanceQuery, Order, TimeRange};
use crate::refusal::ProblemKind;
use crate::{Problem, Refusal};

/// A list request as its parameters say, before it is known who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    pub query: InstanceQuery,
    /// Whether only instances of an earlier generation are asked for. There are none here.
    pub is_of_earlier_generation: bool,
    /// The continuation token as sent, with which `self` ends.
    pub continuation_token: Option<String>,
    dates: Vec<(DateField, String)>,
    reference: Option<String>,
}

/// The parameters that hold date expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DateField {
    Changed,
    Created,
    Ended,
    VisibleAfter,
    DueBefore,
}

impl DateField {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lastchanged" => Self::Changed,
            "created" => Self::Created,
            "process.ended" => Self::Ended,
            "visibleafter" => Self::VisibleAfter,
            "duebefore" => Self::DueBefore,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Changed => "lastChanged",
            Self::Created => "created",
            Self::Ended => "process.ended",
            Self::VisibleAfter => "visibleAfter",
            Self::DueBefore => "dueBefore",
        }
    }
}

impl ListRequest {
    /// Reads the parameters. Numbers and booleans that do not parse are refused here, with all of them named; texts
    /// are judged later, after it is known whether the caller may ask at all (the contract's order of checks).
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let mut request = Self {
            query: InstanceQuery::default(),
            is_of_earlier_generation: false,
            continuation_token: None,
            dates: Vec::new(),
            reference: None,
        };
        let mut wrong = Vec::new();
        let mut seen = Vec::new();
        for (name, value) in parameters {
            let folded = name.to_ascii_lowercase();
            if let Some(field) = DateField::named(&folded) {
                request.dates.push((field, value.to_owned()));
                continue;
            }
            // The first of a repeated parameter counts.
            if value.is_empty() || seen.contains(&folded) {
                continue;
            }
            if let Err(canonical) = request.take(&folded, value) {
                wrong.push((canonical.to_owned(), vec![format!("The value '{value}' is not valid.")]));
            }
            seen.push(folded);
        }
        // A reference of this generation wins over whatever asks for an earlier one.
        request.is_of_earlier_generation &= request.reference.is_none();
        if wrong.is_empty() { Ok(request) } else { Err(invalid(ProblemKind::Members(wrong))) }
    }

    /// Takes one parameter; `Err` names one that does not parse.
    fn take(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let query = &mut self.query;
        match name {
            "org" => query.org = Some(value.to_owned()),
            // A value that is no app id finds nothing, as any app that is not there.
            "appid" => query.app = Some(value.parse().unwrap_or_else(|_| AppId::new(value, ""))),
            "instanceowner.partyid" => {
                query.party = Some(PartyId::new(number(value).ok_or("instanceOwner.partyId")?));
            }
            "process.currenttask" => query.current_task = Some(value.to_owned()),
            "process.iscomplete" => query.is_complete = Some(boolean(value).ok_or("process.isComplete")?),
            "process.endevent" => query.end_event = Some(value.to_owned()),
            "excludeconfirmedby" => query.exclude_confirmed_by = Some(value.to_owned()),
            "confirmed" => query.is_confirmed = Some(boolean(value).ok_or("confirmed")?),
            "status.isarchived" => query.is_archived = Some(boolean(value).ok_or("status.isArchived")?),
            "status.issoftdeleted" => query.is_soft_deleted = Some(boolean(value).ok_or("status.isSoftDeleted")?),
            "status.isharddeleted" => query.is_hard_deleted = Some(boolean(value).ok_or("status.isHardDeleted")?),
            "mainversioninclude" => {
                self.is_of_earlier_generation |= number(value).ok_or("mainVersionInclude")? != 3;
            }
            "mainversionexclude" => {
                self.is_of_earlier_generation |= number(value).ok_or("mainVersionExclude")? == 3;
            }
            "datavalues.a2archref" => self.is_of_earlier_generation = true,
            "a3ref" => self.reference = Some(value.to_ascii_lowercase()),
            "searchstring" => query.search_text = Some(value.to_owned()),
            "order" => {
                let is_descending = value.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("desc:"));
                query.order = if is_descending { Order::Descending } else { Order::Ascending };
            }
            "size" => {
                let size = number(value).and_then(|size| usize::try_from(size).ok()).filter(|size| *size >= 1);
                query.size = size.ok_or("size")?;
            }
            "continuationtoken" => self.continuation_token = Some(value.to_owned()),
            "includedataelements" => query.include_elements = boolean(value).ok_or("includeDataElements")?,
            _ => {}
        }
        Ok(())
    }

    /// Judges references, date expressions and the continuation token, and answers the question for the store.
    pub fn into_query(self) -> Result<InstanceQuery, Refusal> {
        let mut query = self.query;
        if let Some(reference) = self.reference {
            if reference.chars().count() != 12 {
                return Err(text("The A3 reference needs to be exactly 12 characters long."));
            }
            query.reference = Some(reference);
        }
        for (place, (field, expression)) in self.dates.iter().enumerate() {
            let refuse = || text(format!("Invalid date expression: {expression} for query key: {}", field.name()));
            let (operator, value) = expression.split_once(':').ok_or_else(refuse)?;
            let is_repeated = self.dates[..place].iter().any(|(other, earlier)| {
                other == field && earlier.split_once(':').is_some_and(|(earlier, _)| earlier == operator)
            });
            let time = date(value).ok_or_else(refuse)?;
            if is_repeated || !narrow(range_of(&mut query, *field), operator, time) {
                return Err(refuse());
            }
        }
        if let Some(token) = &self.continuation_token {
            let cursor = Token::of(&query).read(token);
            query.after = Some(cursor.ok_or_else(|| text("The continuation token is not valid for this query."))?);
        }
        Ok(query)
    }
}

/// A date to compare with. Clients write the end of the last day there is for "no end"; the calendar that dates are
/// otherwise read with ends before it, so that day is counted from the one a year earlier.
fn date(text: &str) -> Option<Time> {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    let a_year_earlier = || Some(Time::parse(&format!("9998-{}", text.trim().strip_prefix("9999-")?)).ok()?.plus(YEAR));
    Time::parse(text).ok().or_else(a_year_earlier)
}

fn range_of(query: &mut InstanceQuery, field: DateField) -> &mut TimeRange {
    match field {
        DateField::Changed => &mut query.changed,
        DateField::Created => &mut query.created,
        DateField::Ended => &mut query.ended,
        DateField::VisibleAfter => &mut query.visible_after,
        DateField::DueBefore => &mut query.due_before,
    }
}

/// Narrows the range by one comparison; false for an unknown operator.
fn narrow(range: &mut TimeRange, operator: &str, time: Time) -> bool {
    let after = Time::from_ticks(time.ticks().saturating_add(1));
    let (at_least, below) = match operator {
        "gt" => (Some(after), None),
        "gte" => (Some(time), None),
        "lt" => (None, Some(time)),
        "lte" => (None, Some(after)),
        "eq" => (Some(time), Some(after)),
        _ => return false,
    };
    if let Some(from) = at_least {
        range.at_least = Some(range.at_least.map_or(from, |earlier| earlier.max(from)));
    }
    if let Some(to) = below {
        range.below = Some(range.below.map_or(to, |later| later.min(to)));
    }
    true
}

/// Continuation tokens: version, place and a hash of the filters, so that a token is only good for its own question.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    filters: [u8; 4],
}

const TOKEN_VERSION: u8 = 1;

impl Token {
    /// The tokens of a question. The place and the page size do not count.
    pub fn of(query: &InstanceQuery) -> Self {
        let filters = InstanceQuery { after: None, size: 0, include_elements: true, ..query.clone() };
        let hash = Sha256::digest(format!("{filters:?}"));
        Self { filters: [hash[0], hash[1], hash[2], hash[3]] }
    }

    /// The token that continues after `cursor`.
    pub fn write(self, cursor: Cursor) -> String {
        let mut bytes = vec![TOKEN_VERSION];
        bytes.extend_from_slice(&self.filters);
        bytes.extend_from_slice(&cursor.changed.ticks().to_be_bytes());
        bytes.extend_from_slice(cursor.guid.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(self, token: &str) -> Option<Cursor> {
        let bytes: [u8; 29] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        if bytes[0] != TOKEN_VERSION || bytes[1..5] != self.filters {
            return None;
        }
        let ticks = i64::from_be_bytes(bytes[5..13].try_into().ok()?);
        let guid = Guid::from_bytes(bytes[13..29].try_into().ok()?);
        Some(Cursor { changed: Time::from_ticks(ticks), guid })
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}

fn text(message: impl Into<String>) -> Refusal {
    Refusal::Invalid(Problem::text(message))
}

fn invalid(kind: ProblemKind) -> Refusal {
    Refusal::Invalid(Problem { kind, ..Problem::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(parameters: &[(&str, &str)]) -> Result<InstanceQuery, Refusal> {
        ListRequest::parse(parameters.iter().copied())?.into_query()
    }

    fn detail(result: Result<InstanceQuery, Refusal>) -> String {
        match result {
            Err(Refusal::Invalid(problem)) => match problem.kind {
                ProblemKind::Members(members) => members[0].0.clone(),
                _ => problem.detail.unwrap_or_default(),
            },
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_unknown_ones_ignored() {
        let query = query(&[("APPID", "ttd/app"), ("Process.IsComplete", "True"), ("whatever", "1")]).unwrap();
        assert_eq!(query.app.unwrap().as_str(), "ttd/app");
        assert_eq!(query.is_complete, Some(true));
    }

    #[test]
    fn first_of_a_repeated_parameter_counts() {
        assert_eq!(query(&[("size", "5"), ("size", "7")]).unwrap().size, 5);
    }

    #[test]
    fn order_is_descending_unless_told_otherwise() {
        for (value, order) in [
            ("desc:lastChanged", Order::Descending),
            ("DESC:x", Order::Descending),
            ("asc:lastChanged", Order::Ascending),
            ("desc", Order::Ascending),
        ] {
            assert_eq!(query(&[("order", value)]).unwrap().order, order, "{value}");
        }
        assert_eq!(query(&[]).unwrap().order, Order::Descending);
    }

    #[test]
    fn comparisons_make_a_half_open_range() {
        let range = query(&[("lastChanged", "gte:2023-01-01"), ("lastChanged", "lt:2023-02-01")]).unwrap().changed;
        assert!(range.contains(Time::parse("2023-01-01").unwrap()));
        assert!(range.contains(Time::parse("2023-01-31T23:59:59.9999999Z").unwrap()));
        assert!(!range.contains(Time::parse("2023-02-01").unwrap()));
        let range = query(&[("created", "gt:2023-06-01T01:36:44+02")]).unwrap().created;
        assert!(!range.contains(Time::parse("2023-05-31T23:36:44Z").unwrap()));
        assert!(range.contains(Time::parse("2023-05-31T23:36:44.0000001Z").unwrap()));
        let range = query(&[("dueBefore", "eq:2023-01-01")]).unwrap().due_before;
        assert!(range.contains(Time::parse("2023-01-01T00:00:00Z").unwrap()));
        assert!(!range.contains(Time::parse("2023-01-01T00:00:01Z").unwrap()));
    }

    #[test]
    fn last_day_there_is_has_an_end() {
        for text in ["lt:9999-12-31", "lte:9999-12-31T23:59:59.9999999Z", "lt:9999-12-31T23:59:59"] {
            let range = query(&[("lastChanged", text)]).unwrap().changed;
            assert!(range.contains(Time::parse("9999-12-30").unwrap()), "{text}");
        }
        let day = query(&[("lastChanged", "lt:9999-12-31")]).unwrap().changed;
        assert_eq!(day.below, Some(Time::parse("9999-12-30").unwrap().plus(Duration::from_hours(24))));
        assert!(query(&[("lastChanged", "lt:9999-12-32")]).is_err());
    }

    #[test]
    fn bad_date_expressions_are_named() {
        for value in ["true", "foo:2023-01-01", "gt:tomorrow", ""] {
            assert_eq!(
                detail(query(&[("process.ended", value)])),
                format!("Invalid date expression: {value} for query key: process.ended")
            );
        }
        let twice = query(&[("lastChanged", "gt:2023-01-01"), ("lastChanged", "gt:2023-01-02")]);
        assert!(detail(twice).contains("query key: lastChanged"));
    }

    #[test]
    fn numbers_and_booleans_that_do_not_parse_are_named() {
        assert_eq!(detail(query(&[("process.isComplete", "abc")])), "process.isComplete");
        for size in ["0", "-1", "x"] {
            assert_eq!(detail(query(&[("size", size)])), "size", "{size}");
        }
    }

    #[test]
    fn reference_has_twelve_characters() {
        for reference in ["b7fe18cc", "b7fe18cc12345678"] {
            assert!(detail(query(&[("A3Ref", reference)])).contains("exactly 12 characters"));
        }
        assert_eq!(query(&[("A3Ref", "ABCDEF012345")]).unwrap().reference.unwrap(), "abcdef012345");
    }

    #[test]
    fn token_is_only_good_for_its_own_question() {
        let question = query(&[("appId", "ttd/app")]).unwrap();
        let cursor = Cursor { changed: Time::from_ticks(17), guid: Guid::from_u128(5) };
        let token = Token::of(&question).write(cursor);
        assert!(token.len() < 512);
        let next = query(&[("appId", "ttd/app"), ("size", "3"), ("continuationToken", &token)]).unwrap();
        assert_eq!(next.after, Some(cursor));
        for wrong in ["abc", "a;b", ""] {
            let other =
                query(&[("appId", "ttd/other"), ("continuationToken", if wrong.is_empty() { &token } else { wrong })]);
            assert!(detail(other).contains("continuation token"), "{wrong}");
        }
    }
}
