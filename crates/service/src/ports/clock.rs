//! Time and random identifiers, passed in so that tests are exact.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use mottak_model::{Guid, Time};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rest of the code takes the time from")]
    fn now(&self) -> Time {
        Time::from_timestamp(jiff::Timestamp::now())
    }
}

/// A clock for tests: stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `time`.
    pub fn at(time: Time) -> Self {
        Self(AtomicI64::new(time.ticks()))
    }

    /// Moves the clock.
    pub fn set(&self, time: Time) {
        self.0.store(time.ticks(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Time {
        Time::from_ticks(self.0.load(Ordering::SeqCst))
    }
}

/// Makes identifiers.
pub trait Ids: fmt::Debug + Send + Sync + 'static {
    /// A new identifier for something clients see.
    fn guid(&self) -> Guid;
}

/// Random identifiers (RFC 9562 version 4), as the original makes them.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the source that the rest of the code takes ids from")]
    fn guid(&self) -> Guid {
        Guid::new_v4()
    }
}

/// Identifiers for tests: they count up.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl Ids for SequentialIds {
    fn guid(&self) -> Guid {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Guid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000_u128 | u128::from(n))
    }
}
