//! The status bits of an instance: what lists filter on, derived from the document by one function.

use mottak_model::Instance;

/// A set of facts about an instance. Stored as a number; bits are never renumbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status(i64);

impl Status {
    pub(crate) const ARCHIVED: Self = Self(1);
    pub(crate) const SOFT_DELETED: Self = Self(2);
    pub(crate) const HARD_DELETED: Self = Self(4);
    /// Confirmed complete by the instance's own org.
    pub(crate) const CONFIRMED: Self = Self(8);
    /// The process has ended.
    pub(crate) const ENDED: Self = Self(16);
    /// The process has a current task.
    pub(crate) const AT_TASK: Self = Self(32);

    /// The facts that the document states.
    pub(crate) fn of(instance: &Instance) -> Self {
        let process = instance.process.as_ref();
        let facts = [
            (instance.status.is_archived, Self::ARCHIVED),
            (instance.status.is_soft_deleted, Self::SOFT_DELETED),
            (instance.status.is_hard_deleted, Self::HARD_DELETED),
            (instance.is_confirmed_by(&instance.org), Self::CONFIRMED),
            (process.is_some_and(|process| process.ended.is_some()), Self::ENDED),
            (process.is_some_and(|process| process.current_task.is_some()), Self::AT_TASK),
        ];
        Self(facts.iter().filter(|(holds, _)| *holds).fold(0, |bits, (_, fact)| bits | fact.0))
    }

    /// The number that is stored.
    pub(crate) const fn bits(self) -> i64 {
        self.0
    }

    /// Both sets together.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a question demands of the status: some facts to hold, some not to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusFilter {
    concerned: Status,
    wanted: Status,
    is_impossible: bool,
}

impl StatusFilter {
    /// Demands that `fact` holds, or that it does not; nothing when the question says nothing.
    pub(crate) fn demand(self, fact: Status, holds: Option<bool>) -> Self {
        let Some(holds) = holds else { return self };
        let contradicts = self.concerned.0 & fact.0 != 0 && (self.wanted.0 & fact.0 != 0) != holds;
        Self {
            concerned: self.concerned.with(fact),
            wanted: if holds { self.wanted.with(fact) } else { self.wanted },
            is_impossible: self.is_impossible || contradicts,
        }
    }

    /// Whether no instance can meet the demands.
    pub(crate) const fn is_impossible(self) -> bool {
        self.is_impossible
    }

    /// The mask of the demanded facts, and their wanted values, when anything is demanded.
    pub(crate) fn mask(self) -> Option<(i64, i64)> {
        (self.concerned.0 != 0).then_some((self.concerned.0, self.wanted.0))
    }

    /// Whether the status meets the demands.
    pub(crate) const fn admits(self, status: Status) -> bool {
        !self.is_impossible && status.0 & self.concerned.0 == self.wanted.0
    }

    /// Whether an admitted instance certainly has ended and is not confirmed by its own org.
    pub(crate) const fn implies_ended_and_unconfirmed(self) -> bool {
        let both = Status::ENDED.with(Status::CONFIRMED).0;
        self.concerned.0 & both == both && self.wanted.0 & both == Status::ENDED.0
    }
}
