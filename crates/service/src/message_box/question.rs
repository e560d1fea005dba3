//! What a search of the message box asks for (platform-storage §2.7.1).

use std::collections::HashSet;
use std::time::Duration;

use mottak_model::{AppId, Instance, PartyId, Time};
use serde::Deserialize;

use crate::ports::{InstanceQuery, Order, TimeRange};

/// The most instances that are looked at.
pub const MOST: usize = 5000;

/// Instances that are read from the store at a time.
const PAGE: usize = 500;

/// A search as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Question {
    /// Whose instances. Has to be there; an empty list finds nothing.
    pub instance_owner_party_id_list: Option<Vec<PartyId>>,
    /// `{org}/{app}`.
    pub app_id: Option<String>,
    pub include_active: bool,
    pub include_archived: bool,
    pub include_deleted: bool,
    pub from_last_changed: Option<Time>,
    pub to_last_changed: Option<Time>,
    pub from_created: Option<Time>,
    pub to_created: Option<Time>,
    pub search_string: Option<String>,
    /// The end of an instance's guid.
    pub archive_reference: Option<String>,
    pub language: Option<String>,
    /// There is one generation of instances here, so this changes nothing.
    pub filter_migrated: Option<bool>,
}

/// The three places of the message box. An instance is in exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places {
    active: bool,
    archived: bool,
    deleted: bool,
}

impl Places {
    /// The places that a search looks into; none when nothing can be there. An archive reference is something only what
    /// was sent in has, so active instances are never found by one.
    fn asked(question: &Question) -> Option<Self> {
        let Question { include_active: active, include_archived: archived, include_deleted: deleted, .. } = *question;
        let is_undecided = active == archived && archived == deleted;
        let mut places = if is_undecided {
            Self { active: true, archived: true, deleted: true }
        } else {
            Self { active, archived, deleted }
        };
        places.active &= question.reference().is_none();
        (places.active || places.archived || places.deleted).then_some(places)
    }

    fn holds(self, instance: &Instance) -> bool {
        let status = &instance.status;
        match (status.is_soft_deleted, status.is_archived) {
            (true, _) => self.deleted,
            (false, true) => self.archived,
            (false, false) => self.active,
        }
    }

    /// What must hold of `isArchived` in all of these places.
    fn is_archived(self) -> Option<bool> {
        match (self.active, self.archived, self.deleted) {
            (true, false, false) => Some(false),
            (false, true, false) => Some(true),
            _ => None,
        }
    }

    /// What must hold of `isSoftDeleted`.
    fn is_soft_deleted(self) -> Option<bool> {
        match (self.active || self.archived, self.deleted) {
            (true, true) => None,
            (false, deleted) => Some(deleted),
            (true, false) => Some(false),
        }
    }
}

impl Question {
    fn reference(&self) -> Option<&str> {
        self.archive_reference.as_deref().filter(|reference| !reference.is_empty())
    }

    /// The text that title or presentation texts have to contain, in lower case.
    pub fn text(&self) -> Option<String> {
        self.search_string.as_deref().filter(|text| !text.is_empty()).map(str::to_lowercase)
    }
}

/// A search as the store and the rules beyond it are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    places: Places,
    app: Option<AppId>,
    /// As it was sent, in lower case: with its hyphens.
    reference: Option<String>,
    changed: TimeRange,
    created: TimeRange,
    /// The text, and the apps whose title contains it.
    text: Option<(String, HashSet<AppId>)>,
}

impl Plan {
    /// The plan for a search; none when nothing can be found. `titled`: the apps whose title contains the text.
    pub fn of(question: &Question, titled: HashSet<AppId>) -> Option<Self> {
        let app = match question.app_id.as_deref().filter(|id| !id.is_empty()) {
            // What is no app id is no app.
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        let reference = question.reference().map(str::to_ascii_lowercase);
        if let Some(reference) = &reference {
            let is_possible = reference.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            if !is_possible || reference.len() > 36 {
                return None;
            }
        }
        Some(Self {
            places: Places::asked(question)?,
            app,
            reference,
            changed: seconds(question.from_last_changed, question.to_last_changed),
            created: seconds(question.from_created, question.to_created),
            text: question.text().map(|text| (text, titled)),
        })
    }

    /// The question for the store: whatever one of its filters says exactly or comes close to.
    pub fn query(&self, party: PartyId) -> InstanceQuery {
        let digits = self.reference.as_deref().map(|reference| reference.replace('-', ""));
        let text = self.text.as_ref().filter(|(_, titled)| titled.is_empty());
        InstanceQuery {
            app: self.app.clone(),
            party: Some(party),
            is_archived: self.places.is_archived(),
            is_soft_deleted: self.places.is_soft_deleted(),
            is_hard_deleted: Some(false),
            changed: self.changed,
            created: if self.places.is_archived() == Some(false) { self.created } else { TimeRange::default() },
            search_text: text.map(|(text, _)| text.clone()),
            reference: digits.filter(|digits| !digits.is_empty()),
            order: Order::Descending,
            size: PAGE,
            include_elements: false,
            ..InstanceQuery::default()
        }
    }

    /// Whether the search finds the instance, which the store found for it.
    pub fn admits(&self, instance: &Instance) -> bool {
        let since = if instance.status.is_archived { instance.last_changed } else { instance.created };
        let is_in = |range: TimeRange, time: Option<Time>| {
            range.is_unbounded() || time.is_some_and(|time| range.contains(time))
        };
        self.places.holds(instance)
            && is_in(self.created, since)
            && self.reference.as_ref().is_none_or(|end| instance.id.guid.to_string().ends_with(end))
            && self.text.as_ref().is_none_or(|(text, titled)| {
                titled.contains(&instance.app_id)
                    || instance
                        .presentation_texts
                        .iter()
                        .flatten()
                        .any(|(_, value)| value.to_lowercase().contains(text))
            })
    }
}

/// Both ends included, and compared by the second: the last one counts in full.
fn seconds(from: Option<Time>, to: Option<Time>) -> TimeRange {
    let floor = |time: Time| Time::from_unix_seconds(time.unix_seconds());
    TimeRange { at_least: from.map(floor), below: to.map(|time| floor(time).plus(Duration::from_secs(1))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(active: bool, archived: bool, deleted: bool) -> Question {
        Question { include_active: active, include_archived: archived, include_deleted: deleted, ..Question::default() }
    }

    fn places(question: &Question) -> Option<(bool, bool, bool)> {
        Places::asked(question).map(|places| (places.active, places.archived, places.deleted))
    }

    #[test]
    fn flags_name_places_and_all_alike_name_all() {
        let all = Some((true, true, true));
        for (flag, expected) in [
            (flags(false, false, false), all),
            (flags(true, true, true), all),
            (flags(true, false, false), Some((true, false, false))),
            (flags(false, true, false), Some((false, true, false))),
            (flags(false, false, true), Some((false, false, true))),
            (flags(true, true, false), Some((true, true, false))),
            (flags(false, true, true), Some((false, true, true))),
            (flags(true, false, true), Some((true, false, true))),
        ] {
            assert_eq!(places(&flag), expected);
        }
    }

    #[test]
    fn a_reference_never_finds_what_is_active() {
        let of = |question: Question| Question { archive_reference: Some("ab12".to_owned()), ..question };
        for (question, expected) in [
            (flags(false, false, false), Some((false, true, true))),
            (flags(true, true, true), Some((false, true, true))),
            (flags(true, false, false), None),
            (flags(true, false, true), Some((false, false, true))),
            (flags(true, true, false), Some((false, true, false))),
        ] {
            assert_eq!(places(&of(question)), expected);
        }
        // A blank one is none.
        let blank = Question { archive_reference: Some(String::new()), ..flags(true, false, false) };
        assert_eq!(places(&blank), Some((true, false, false)));
    }

    #[test]
    fn the_store_is_asked_what_one_flag_says() {
        let party = PartyId::new(1);
        for (question, archived, soft_deleted) in [
            (flags(false, false, false), None, None),
            (flags(true, false, false), Some(false), Some(false)),
            (flags(false, true, false), Some(true), Some(false)),
            (flags(false, false, true), None, Some(true)),
            (flags(true, true, false), None, Some(false)),
            (flags(false, true, true), None, None),
            (flags(true, false, true), None, None),
        ] {
            let query = Plan::of(&question, HashSet::new()).unwrap().query(party);
            assert_eq!((query.is_archived, query.is_soft_deleted), (archived, soft_deleted), "{question:?}");
            assert_eq!((query.is_hard_deleted, query.party), (Some(false), Some(party)));
        }
    }

    #[test]
    fn what_cannot_be_is_not_asked() {
        let unknown = [
            Question { app_id: Some("noapp".to_owned()), ..Question::default() },
            Question { archive_reference: Some("ghij".to_owned()), ..Question::default() },
            Question { archive_reference: Some("a".repeat(37)), ..Question::default() },
        ];
        for question in unknown {
            assert_eq!(Plan::of(&question, HashSet::new()), None, "{question:?}");
        }
    }

    #[test]
    fn texts_of_titles_are_judged_here_and_others_by_the_store() {
        let question = Question { search_string: Some("Navn".to_owned()), ..Question::default() };
        let party = PartyId::new(1);
        let none = Plan::of(&question, HashSet::new()).unwrap();
        assert_eq!(none.query(party).search_text.as_deref(), Some("navn"));
        let titled = Plan::of(&question, HashSet::from([AppId::new("ttd", "navn")])).unwrap();
        assert_eq!(titled.query(party).search_text, None);
    }

    #[test]
    fn days_are_whole_to_their_last_second() {
        let time = |text: &str| Time::parse(text).unwrap();
        let range = seconds(Some(time("2025-06-01T00:00:00.9Z")), Some(time("2025-06-01T23:59:59Z")));
        for (text, is_in) in [
            ("2025-05-31T23:59:59.9999999Z", false),
            ("2025-06-01T00:00:00Z", true),
            ("2025-06-01T23:59:59.9999999Z", true),
            ("2025-06-02T00:00:00Z", false),
        ] {
            assert_eq!(range.contains(time(text)), is_in, "{text}");
        }
    }
}
