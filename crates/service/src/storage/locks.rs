//! Instance locks: app backends agree through them who works on an instance (platform-storage §2.5).
//!
//! A lock is advice. No other endpoint looks at it. The holder knows a secret of which the store keeps a hash; the
//! record of an instance remembers its recent locks, so that a late holder is told what became of its lock.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mottak_model::{InstanceId, Time};
use serde::{Deserialize, Serialize};

use crate::authentication::Caller;
use crate::instances::read::app_of;
use crate::ports::{Record, RecordExpect, RecordKind, RecordWrite};
use crate::{Missing, Problem, Refusal, Service};

/// How many locks of an instance are remembered, the held one included.
const REMEMBERED: usize = 8;

/// How often a lock is tried for while others write to the same record.
const ATTEMPTS: usize = 16;

/// Bytes of a secret.
const SECRET: usize = 20;

/// The locks of an instance, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Locks {
    locks: Vec<Lock>,
}

/// A lock that is held or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    id: u64,
    /// SHA-256, base64.
    secret_hash: String,
    until: Time,
}

/// What the holder shows: which lock it has, and that it is the one who got it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockToken {
    id: u64,
    /// Base64.
    secret: String,
}

impl LockToken {
    /// A token nobody has had before.
    fn make() -> Result<Self, Refusal> {
        let failed = |_| Refusal::failed("make a lock token", "the system has no random numbers");
        let (mut id, mut secret) = ([0; 8], [0; SECRET]);
        rand::fill(&mut id).map_err(failed)?;
        rand::fill(&mut secret).map_err(failed)?;
        // A number that every JSON reader keeps as it is; never 0.
        let id = (u64::from_be_bytes(id) >> 12) | 1;
        Ok(Self { id, secret: STANDARD.encode(secret) })
    }

    /// As the holder keeps it.
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!({ "id": self.id, "secret": self.secret }).to_string())
    }

    /// From what a holder shows.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::read(text).ok_or_else(|| invalid("Could not parse lock token."))
    }

    fn read(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let token: Self = serde_json::from_slice(&json).ok()?;
        let has_secret = STANDARD.decode(&token.secret).is_ok_and(|secret| !secret.is_empty());
        (token.id > 0 && has_secret).then_some(token)
    }

    fn hash(&self) -> String {
        STANDARD.encode(digest::digest(&digest::SHA256, self.secret.as_bytes()))
    }
}

impl Locks {
    fn parse(record: Option<&Record>) -> Result<Self, Refusal> {
        let Some(record) = record else { return Ok(Self::default()) };
        serde_json::from_str(&record.document)
            .map_err(|error| Refusal::failed(format!("read the locks of {}", record.key), error))
    }

    /// A new lock, unless one is held.
    fn acquire(&mut self, token: &LockToken, time_to_live: Duration, now: Time) -> Result<(), Refusal> {
        if self.locks.iter().any(|lock| lock.is_held(now)) {
            return Err(Refusal::Conflict(Problem::standard("Lock is already held for this instance.")));
        }
        let excess = (self.locks.len() + 1).saturating_sub(REMEMBERED);
        self.locks.drain(..excess);
        self.locks.push(Lock { id: token.id, secret_hash: token.hash(), until: now.plus(time_to_live) });
        Ok(())
    }

    /// Prolongs a lock, or releases it by giving it no more time.
    fn renew(&mut self, token: &LockToken, time_to_live: Duration, now: Time) -> Result<(), Refusal> {
        let lock = self.locks.iter_mut().find(|lock| lock.id == token.id);
        let lock = lock.ok_or_else(|| Refusal::NotFound(Problem::standard("Lock not found.")))?;
        if constant_time::verify_slices_are_equal(lock.secret_hash.as_bytes(), token.hash().as_bytes()).is_err() {
            return Err(forbidden("Lock token is invalid."));
        }
        if !lock.is_held(now) {
            return Err(Refusal::Unprocessable(Problem::standard("Lock has expired.")));
        }
        lock.until = now.plus(time_to_live);
        Ok(())
    }
}

impl Lock {
    fn is_held(&self, now: Time) -> bool {
        now < self.until
    }
}

/// Takes the lock of an instance for some seconds.
pub async fn acquire(svc: &Service, caller: &Caller, id: InstanceId, seconds: i64) -> Result<LockToken, Refusal> {
    let time_to_live = time_to_live(seconds)?;
    if caller.performed_by().is_none() {
        return Err(forbidden("User identity could not be determined."));
    }
    let snapshot = svc.load(id).await?.ok_or_else(unknown)?;
    let app = app_of(svc, &snapshot.instance)?;
    match svc.require_task_write(caller, &app, &snapshot.instance) {
        Err(Refusal::Forbidden(_)) => return Err(forbidden("Not authorized to acquire instance lock.")),
        other => other?,
    }
    let token = LockToken::make()?;
    write(svc, id, |locks, now| locks.acquire(&token, time_to_live, now)).await?;
    Ok(token)
}

/// Prolongs the lock that the token shows, or with no seconds releases it.
pub async fn renew(svc: &Service, id: InstanceId, token: &str, seconds: i64) -> Result<(), Refusal> {
    let token = LockToken::parse(token)?;
    let time_to_live = time_to_live(seconds)?;
    svc.load(id).await?.ok_or_else(unknown)?;
    write(svc, id, |locks, now| locks.renew(&token, time_to_live, now)).await
}

/// Decides on the locks as they are and writes them, anew when somebody else was first.
async fn write(
    svc: &Service,
    id: InstanceId,
    decide: impl Fn(&mut Locks, Time) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let record = svc.store.record(RecordKind::InstanceLock, id.to_string()).await?;
        let mut locks = Locks::parse(record.as_ref())?;
        decide(&mut locks, svc.clock.now())?;
        let document = serde_json::to_string(&locks).map_err(|error| Refusal::failed("write a lock", error))?;
        let write = RecordWrite {
            kind: RecordKind::InstanceLock,
            key: id.to_string(),
            expect: record.map_or(RecordExpect::Absent, |record| RecordExpect::Version(record.version)),
            document: Some(document),
        };
        if svc.store.write_record(write).await? {
            return Ok(());
        }
    }
    Err(Refusal::Busy)
}

/// Forgets the locks of an instance that is there no more.
pub(crate) async fn forget(svc: &Service, id: InstanceId) -> Result<(), Refusal> {
    let write = RecordWrite {
        kind: RecordKind::InstanceLock,
        key: id.to_string(),
        expect: RecordExpect::Anything,
        document: None,
    };
    svc.store.write_record(write).await?;
    Ok(())
}

fn time_to_live(seconds: i64) -> Result<Duration, Refusal> {
    u64::try_from(seconds).map(Duration::from_secs).map_err(|_| invalid("TtlSeconds cannot be negative."))
}

fn invalid(detail: &str) -> Refusal {
    Refusal::Invalid(Problem::standard(detail))
}

fn unknown() -> Refusal {
    Refusal::NotFound(Problem::standard("Instance not found."))
}

fn forbidden(detail: &str) -> Refusal {
    Refusal::Forbidden(Missing { detail: Some(detail.to_owned()), is_bare: true, ..Missing::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(1_750_000_000 + seconds)
    }

    fn detail(result: Result<(), Refusal>) -> String {
        match result {
            Ok(()) => String::new(),
            Err(Refusal::Forbidden(missing)) => missing.detail.unwrap_or_default(),
            Err(
                Refusal::Invalid(problem)
                | Refusal::NotFound(problem)
                | Refusal::Conflict(problem)
                | Refusal::Unprocessable(problem),
            ) => problem.detail.unwrap_or_default(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn lock_is_held_by_one_until_its_time_is_over() {
        let mut locks = Locks::default();
        let (first, second) = (LockToken::make().unwrap(), LockToken::make().unwrap());
        assert_eq!(detail(locks.acquire(&first, MINUTE, at(0))), "");
        assert_eq!(detail(locks.acquire(&second, MINUTE, at(59))), "Lock is already held for this instance.");
        assert_eq!(detail(locks.renew(&first, MINUTE, at(59))), "");
        assert_eq!(detail(locks.acquire(&second, MINUTE, at(118))), "Lock is already held for this instance.");
        assert_eq!(detail(locks.acquire(&second, MINUTE, at(119))), "");
        assert_eq!(detail(locks.renew(&first, MINUTE, at(119))), "Lock has expired.");
        assert_eq!(detail(locks.renew(&second, Duration::ZERO, at(120))), "");
        assert_eq!(detail(locks.acquire(&first, Duration::ZERO, at(120))), "");
    }

    #[test]
    fn another_secret_does_not_renew_a_lock() {
        let mut locks = Locks::default();
        let token = LockToken::make().unwrap();
        locks.acquire(&token, MINUTE, at(0)).unwrap();
        let forged = LockToken { id: token.id, ..LockToken::make().unwrap() };
        assert_eq!(detail(locks.renew(&forged, MINUTE, at(1))), "Lock token is invalid.");
        // Also when the lock is no longer held: not found, then mismatch, then expired.
        assert_eq!(detail(locks.renew(&forged, MINUTE, at(61))), "Lock token is invalid.");
        assert_eq!(detail(locks.renew(&LockToken::make().unwrap(), MINUTE, at(1))), "Lock not found.");
    }

    #[test]
    fn a_few_locks_are_remembered_and_no_secret() {
        let mut locks = Locks::default();
        for second in 0..100 {
            locks.acquire(&LockToken::make().unwrap(), Duration::ZERO, at(second)).unwrap();
        }
        assert_eq!(locks.locks.len(), REMEMBERED);
        let token = LockToken::make().unwrap();
        locks.acquire(&token, MINUTE, at(100)).unwrap();
        assert!(!serde_json::to_string(&locks).unwrap().contains(&token.secret));
    }

    #[test]
    fn tokens_survive_the_way_through_a_client() {
        let token = LockToken::make().unwrap();
        assert_eq!(LockToken::parse(&token.write()).unwrap(), token);
        assert_eq!(STANDARD.decode(&token.secret).unwrap().len(), SECRET);
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        for text in [
            String::new(),
            "not base64 /+=".to_owned(),
            encoded("not json"),
            encoded("{}"),
            encoded(r#"{"secret":"YQ=="}"#),
            encoded(r#"{"id":1}"#),
            encoded(r#"{"id":1,"secret":""}"#),
            encoded(r#"{"id":1,"secret":"%%%"}"#),
            encoded(r#"{"id":0,"secret":"YQ=="}"#),
            encoded(r#"{"id":-1,"secret":"YQ=="}"#),
        ] {
            assert!(LockToken::parse(&text).is_err(), "{text}");
        }
    }
}
