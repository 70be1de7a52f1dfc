//! What of the registry is on disk, and how it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::Message;
use rpc_runtime::directory::{Ended, Entry};
use uuid::Uuid;

/// One registration, as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct Record {
    /// What is looked up. Its state is `Live` or `Draining`: suspicion is not kept.
    pub entry: Arc<Entry>,
    /// On whose behalf it was made.
    pub owner: String,
    /// How long it lives without being renewed.
    pub ttl: Duration,
    /// What tells a repeated request for an automatic name from a second one.
    pub token: Uuid,
}

/// Everything that is on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The registry's identity, drawn when its store was made.
    pub registry: Uuid,
    /// The highest number that was given out.
    pub epoch_last: u64,
    /// The highest revision that was made visible.
    pub revision_last: u64,
    /// The highest number whose end was forgotten.
    pub ended_floor: u64,
    /// The registrations.
    pub records: Vec<Record>,
    /// The ends of those that must not come back.
    pub ended: BTreeMap<u64, Ended>,
}

/// One change of what is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Keep this registration, in place of one with the same number.
    Put(Record),
    /// Remove the registration of this number.
    Remove(u64),
    /// Keep the reason for which this number has ended.
    Ended(u64, Ended),
    /// Forget the reason for which this number has ended.
    Forget(u64),
}

/// Changes that go to disk in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The changes, in order.
    pub writes: Vec<Write>,
    /// The highest number given out.
    pub epoch_last: u64,
    /// The highest number whose end was forgotten.
    pub ended_floor: u64,
    /// The revision up to which [`publish`](super::Registry::publish) may go once the batch is on disk.
    pub revision: u64,
}
