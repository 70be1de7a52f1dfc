//! Entries for the tests of this folder.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Entry, EntryState};
use crate::protocol::id::{Epoch, Incarnation};

pub(crate) const REGISTRY: Uuid = Uuid::from_u128(7);

/// A live entry of `Store`, of the incarnation with the epoch's number.
pub(crate) fn entry(instance: &str, epoch: u64) -> Entry {
    Entry {
        interface: "Store".into(),
        instance: instance.into(),
        incarnation: Incarnation::new(Uuid::from_u128(u128::from(epoch))),
        epoch: Epoch { registry: REGISTRY, number: epoch },
        endpoints: vec!["tcp://127.0.0.1:1".into()],
        labels: BTreeMap::new(),
        groups: Vec::new(),
        state: EntryState::Live,
    }
}
