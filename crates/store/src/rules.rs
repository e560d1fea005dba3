//! The rules of a commit that every engine follows.

use std::time::Duration;

use bytes::Bytes;
use mottak_model::{DataElement, Instance, Time};
use mottak_service::ports::{
    Blob, BlobRange, Body, Change, Choice, ElementChange, Expect, Sha256, StoreFailure, StoredBody,
};
use sha2::Digest as _;

/// The time of the next commit: now, in whole microseconds, but later than every commit before and not earlier than
/// the instance's creation (platform-storage §3.3: `lastChanged` never goes back).
pub(crate) fn commit_time(now: Time, last: Time, created: Option<Time>) -> Time {
    let whole = |time: Time| if time.floor_to_microsecond() == time { time } else { time.next_microsecond() };
    now.floor_to_microsecond().max(last.next_microsecond()).max(created.map_or(last, whole))
}

/// Whether the instance's `lastChanged` moves: when the change says so, when the instance is new, and when its
/// creation would otherwise be later than its last change.
pub(crate) fn moves_instance(touch: bool, stored_changed: Option<Time>, created: Option<Time>) -> bool {
    touch || stored_changed.is_none_or(|changed| created.is_some_and(|created| created > changed))
}

/// How long a staged body can be named by a change. What sweeps staged bodies away waits at least an hour longer: so no
/// engine has to ask, within a commit, whether the body is still there.
const STAGED_GOOD_FOR: Duration = Duration::from_hours(1);

/// Refuses a change that contradicts itself or comes too late. Such a change is a mistake of the caller, not of a client.
pub(crate) fn check(change: &Change, now: Time) -> Result<(), StoreFailure> {
    let refuse = |cause: &str| Err(failure(&format!("change instance {}", change.id), cause));
    if change.removal.is_some() {
        let changes_more = change.instance.is_some() || !change.elements.is_empty() || !change.events.is_empty();
        if changes_more || change.expect == Expect::Absent {
            return refuse("it cannot be changed and removed at once");
        }
    }
    match &change.instance {
        Some(instance) if instance.id != change.id || instance.instance_owner.party_id != change.id.party => {
            return refuse("the new document belongs to another instance");
        }
        None if change.expect == Expect::Absent => return refuse("a new instance needs a document"),
        _ => {}
    }
    for element in &change.elements {
        if let ElementChange::Put(put) = element {
            if put.element.instance_guid != change.id.guid {
                return refuse("a new data element belongs to another instance");
            }
            if let Body::Staged(staged) = &put.body
                && staged.at.plus(STAGED_GOOD_FOR) < now
            {
                return refuse("a body was staged too long ago");
            }
        }
    }
    Ok(())
}

/// The instance as its document keeps it: without its elements, links and the time that is a column.
pub(crate) fn stored_instance(mut instance: Instance) -> Instance {
    instance.data.clear();
    instance.self_links = None;
    instance.last_changed = None;
    instance
}

/// A body that is at hand, or the part of it that is chosen. The checksum is computed where it is not known.
pub(crate) fn part_of(
    element: DataElement,
    body: Bytes,
    sha256: Option<Sha256>,
    choice: Option<Choice<'_>>,
) -> StoredBody {
    let size = body.len();
    let sha256 = sha256.unwrap_or_else(|| sha2::Sha256::digest(&body).into());
    let part: Option<BlobRange> = choice.and_then(|choose| choose(size as u64, Some(&sha256)));
    let place = |place: u64| usize::try_from(place).map_or(size, |place| place.min(size));
    let blob = match part {
        None => body,
        Some(part) => body.slice(place(part.start)..place(part.end).max(place(part.start))),
    };
    StoredBody { element, size: size as u64, sha256: Some(sha256), blob: Blob::Bytes(blob) }
}

/// A failure that the same request would meet again.
pub(crate) fn failure(attempt: &str, cause: impl std::fmt::Display) -> StoreFailure {
    StoreFailure { attempt: attempt.to_owned(), cause: cause.to_string(), is_overload: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_times_are_whole_microseconds_and_only_move_forward() {
        let at = Time::from_ticks;
        assert_eq!(commit_time(at(1_234_567), at(0), None), at(1_234_560));
        assert_eq!(commit_time(at(1_000), at(5_000), None), at(5_010));
        assert_eq!(commit_time(at(1_000), at(0), Some(at(2_001))), at(2_010));
        assert_eq!(commit_time(at(3_000), at(0), Some(at(2_001))), at(3_000));
    }

    #[test]
    fn an_instance_moves_when_it_is_new_or_touched_or_made_later() {
        let at = Time::from_ticks;
        assert!(moves_instance(false, None, None));
        assert!(moves_instance(true, Some(at(10)), None));
        assert!(moves_instance(false, Some(at(10)), Some(at(11))));
        assert!(!moves_instance(false, Some(at(10)), Some(at(10))));
    }
}
