//! A registry with a disk that never fails, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{Lease, Refusal};
use rpc_runtime::directory::{Entry, Registration, Selector};
use rpc_runtime::protocol::id::{Epoch, Incarnation};
use uuid::Uuid;

use super::{Batch, Registry, Stored, Write};

pub(crate) const REGISTRY: Uuid = Uuid::from_u128(7);

pub(crate) fn incarnation(life: u64) -> Incarnation {
    Incarnation::new(Uuid::from_u128(u128::from(life)))
}

/// An exclusive wish of the node in its `life`, reachable at a port of that number.
pub(crate) fn registration(instance: &str, life: u64) -> Registration {
    let mut registration = Registration::new("library.v1.Store", instance, incarnation(life));
    registration.endpoints = vec![format!("tcp://127.0.0.1:{life}")];
    registration
}

/// What a disk holds after the batches that it was given.
#[derive(Debug, Default, Clone)]
pub(crate) struct Disk(pub(crate) Stored);

impl Disk {
    pub(crate) fn new() -> Self {
        Self(Stored { registry: REGISTRY, ..Stored::default() })
    }

    pub(crate) fn commit(&mut self, batch: Batch) {
        let stored = &mut self.0;
        (stored.epoch_last, stored.ended_floor, stored.revision_last) =
            (batch.epoch_last, batch.ended_floor, batch.revision);
        let mut records: BTreeMap<u64, _> =
            stored.records.drain(..).map(|record| (record.entry.epoch.number, record)).collect();
        for write in batch.writes {
            match write {
                Write::Put(record) => _ = records.insert(record.entry.epoch.number, record),
                Write::Remove(number) => _ = records.remove(&number),
                Write::Ended(number, why) => _ = stored.ended.insert(number, why),
                Write::Forget(number) => _ = stored.ended.remove(&number),
            }
        }
        stored.records = records.into_values().collect();
    }
}

/// A registry with its disk and its clock.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) disk: Disk,
    pub(crate) now: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        let disk = Disk::new();
        let registry = Registry::restore(disk.0.clone(), Duration::ZERO).expect("an empty disk");
        Self { registry, disk, now: Duration::ZERO }
    }

    /// What is decided goes to disk and becomes visible.
    pub(crate) fn commit(&mut self) {
        if let Some(batch) = self.registry.take_batch() {
            let revision = batch.revision;
            self.disk.commit(batch);
            self.registry.publish(revision);
        }
    }

    /// The process dies; another one starts with what is on disk.
    pub(crate) fn crash(&mut self) {
        self.registry = Registry::restore(self.disk.0.clone(), self.now).expect("what a registry wrote");
    }

    /// Registers, on disk.
    pub(crate) fn register(&mut self, registration: Registration) -> Result<Lease, Refusal> {
        self.register_as(registration, Uuid::from_u128(1), None)
    }

    pub(crate) fn register_as(
        &mut self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
    ) -> Result<Lease, Refusal> {
        let lease = self.registry.register(registration, token, after, self.now);
        self.commit();
        lease
    }

    /// Registers what must succeed.
    pub(crate) fn enter(&mut self, instance: &str, life: u64) -> Epoch {
        self.register(registration(instance, life)).expect("a free name").epoch
    }

    pub(crate) fn unregister(&mut self, epoch: Epoch) -> bool {
        let stood = self.registry.unregister(epoch).expect("room");
        self.commit();
        stood
    }

    /// Lets time pass, sweeping ten times a second and renewing `kept` every five seconds.
    pub(crate) fn pass(&mut self, seconds: u64, kept: &[Epoch]) {
        for tenth in 1..=seconds * 10 {
            self.now += Duration::from_millis(100);
            if tenth % 50 == 0 {
                kept.iter().for_each(|epoch| _ = self.registry.renew(*epoch, self.now));
            }
            self.registry.sweep(self.now);
            self.commit();
        }
    }

    pub(crate) fn find(&self, selector: impl Into<Selector>) -> Vec<Entry> {
        let looked = self.registry.lookup("library.v1.Store", &selector.into(), 0);
        looked.entries.iter().map(|entry| Entry::clone(entry)).collect()
    }

    /// The number of the registration that has the name.
    pub(crate) fn holder(&self, instance: &str) -> Option<u64> {
        self.find(instance).first().map(|entry| entry.epoch.number)
    }
}
