//! The nameserver's records, damaged where no sum tells: they give an error that says what is wrong, or a registry that
//! works.
//!
//! An input is the head record, and rows of the two other tables, each with its number.

use std::time::Duration;

use nameserver::registry::Registry;
use nameserver::store::{StoreError, read_rows};
use rpc_runtime::directory::{EntryState, Selector};
use rpc_runtime::protocol::id::Epoch;

use crate::bounds::{twice, within};
use crate::input::Input;

/// One input.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let head = input.bytes();
    let (mut registrations, mut ended) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        let table = if input.byte().is_multiple_of(4) { &mut ended } else { &mut registrations };
        table.push((input.number(), input.bytes()));
    }
    within(twice(bytes.len()), || match read_rows(head, &registrations, &ended) {
        Ok(stored) => {
            let held: Vec<_> = stored.records.iter().map(|record| record.entry.epoch).collect();
            match Registry::restore(stored, Duration::ZERO) {
                Ok(registry) => works(registry, &held),
                Err(what) => assert!(!what.is_empty()),
            }
        }
        Err(StoreError::Newer { .. }) => {}
        Err(StoreError::Damaged { what, .. }) => assert!(!what.is_empty()),
        Err(error) => panic!("{error}"),
    });
}

/// Goes through what a registry does with what it holds: it is shown, renewed, taken back, and expires.
fn works(mut registry: Registry, held: &[Epoch]) {
    registry.lookup("", &Selector::Any, 0);
    for (epoch, now) in held.iter().zip(1..) {
        match now % 3 {
            0 => _ = registry.renew(*epoch, Duration::from_secs(now)),
            1 => _ = registry.unregister(*epoch),
            _ => _ = registry.set_state(*epoch, EntryState::Draining),
        }
    }
    for second in 0..20 {
        registry.sweep(Duration::from_secs(second));
    }
    registry.take_batch();
    registry.publish(registry.revision());
    assert!(registry.len() <= held.len() && registry.published() == registry.revision());
}
