//! One write at a time per instance, within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mottak_model::InstanceId;
use tokio::sync::OwnedMutexGuard;

/// The gates that are in use, by instance.
#[derive(Debug, Default)]
pub(crate) struct Gates(Arc<Mutex<HashMap<InstanceId, Arc<tokio::sync::Mutex<()>>>>>);

/// Held while a write is decided and committed. The last one out takes the gate away.
#[derive(Debug)]
pub(crate) struct Gate {
    id: InstanceId,
    gates: Gates,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Gates {
    /// Waits until nobody else is inside.
    pub(crate) async fn enter(&self, id: InstanceId) -> Gate {
        let gate = self.gate(id);
        // Made before waiting, so that a caller who gives up takes the gate away too.
        let mut entered = Gate { id, gates: Self(Arc::clone(&self.0)), guard: None };
        entered.guard = Some(gate.lock_owned().await);
        entered
    }

    /// Enters if nobody is inside.
    pub(crate) fn try_enter(&self, id: InstanceId) -> Option<Gate> {
        let guard = self.gate(id).try_lock_owned().ok()?;
        Some(Gate { id, gates: Self(Arc::clone(&self.0)), guard: Some(guard) })
    }

    fn gate(&self, id: InstanceId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.guard = None;
        let mut gates = self.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits or is about to wait holds a reference of their own.
        if gates.get(&self.id).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use mottak_model::{Guid, PartyId};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_left_behind() {
        let gates = Gates::default();
        let id = InstanceId::new(PartyId::new(1), Guid::from_u128(1));
        let other = InstanceId::new(PartyId::new(1), Guid::from_u128(2));
        let first = gates.enter(id).await;
        assert!(gates.try_enter(id).is_none());
        assert!(gates.try_enter(other).is_some());
        drop(first);
        assert!(gates.try_enter(id).is_some());
        assert!(gates.0.lock().unwrap().is_empty());
    }
}
