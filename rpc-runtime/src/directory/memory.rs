//! A directory inside one process, for tests: names, modes, epochs, selection and watching as with a nameserver,
//! but nothing is kept, and registrations stand until they are taken back.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::nameserver::{Name, Refusal};
use super::{
    BoxFuture, Directory, DirectoryError, Ended, Entry, EntryState, Found, Members, RegisterMode, Registered,
    Registration, Selector, Standing,
};
use crate::planted::{Bug, planted};
use crate::protocol::id::Epoch;
use crate::small_map::SmallMap;

/// A directory inside one process. Clones are the same directory: give one to each node of a test.
#[derive(Clone, Default)]
pub struct MemoryDirectory {
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    epoch_last: u64,
    slots: SmallMap<Name, Slot>,
    watchers: Vec<Watcher>,
}

struct Slot {
    entry: Entry,
    owner: String,
    standing: watch::Sender<Standing>,
}

struct Watcher {
    interface: String,
    selector: Selector,
    found: watch::Sender<Option<Found>>,
}

/// Epochs of this process's directories; they are never compared with those of a nameserver.
const REGISTRY: Uuid = Uuid::from_u128(0x6d65_6d6f_7279);

impl MemoryDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every step leaves the table whole, so a panic elsewhere does not matter.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, registration: Registration) -> Result<Registered, DirectoryError> {
        let mut table = self.table();
        let mut name = Name { interface: registration.interface.clone(), instance: registration.instance.clone() };
        if registration.mode == RegisterMode::AutoNamed {
            name.instance = format!("{}-{}", registration.instance, table.epoch_last + 1);
        }
        if let Some(holder) = table.slots.get(&name) {
            if holder.entry.incarnation == registration.incarnation || registration.mode != RegisterMode::Takeover {
                return Err(DirectoryError::NameTaken { name, endpoints: holder.entry.endpoints.clone() });
            }
            if holder.owner != registration.owner {
                return Err(DirectoryError::Refused(Refusal::NotOwner { name, owner: holder.owner.clone() }));
            }
        }
        table.epoch_last += 1;
        let epoch = Epoch { registry: REGISTRY, number: table.epoch_last };
        let Registration { incarnation, endpoints, labels, groups, owner, .. } = registration;
        let Name { interface, instance } = name.clone();
        let entry = Entry {
            interface: interface.clone(),
            instance: instance.clone(),
            incarnation,
            epoch,
            endpoints,
            labels,
            groups,
            state: EntryState::Live,
        };
        let (standing, receiver) = watch::channel(Standing::Held(epoch));
        if let Some(replaced) = table.slots.insert(name.clone(), Slot { entry, owner, standing }) {
            replaced.standing.send_replace(Standing::Ended(Ended::Replaced));
        }
        table.tell(&name.interface);
        drop(table);
        let directory = self.clone();
        let on_drop = move || directory.leave(&name, epoch);
        Ok(Registered::new(interface, instance, epoch, receiver, on_drop))
    }

    /// Ends this registration and no other.
    fn leave(&self, name: &Name, epoch: Epoch) {
        let mut table = self.table();
        let is_named = planted(Bug::UnregisterByName); // M18
        if table.slots.get(name).is_some_and(|slot| slot.entry.epoch == epoch || is_named)
            && let Some(slot) = table.slots.remove(name)
        {
            slot.standing.send_replace(Standing::Ended(Ended::Unregistered));
            table.tell(&name.interface);
        }
    }
}

impl Directory for MemoryDirectory {
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<Registered, DirectoryError>> {
        Box::pin(async { self.enter(registration) })
    }

    fn unregister<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>> {
        let name = Name { interface: registered.interface.clone(), instance: registered.instance.clone() };
        Box::pin(async move {
            self.leave(&name, registered.epoch);
            Ok(())
        })
    }

    fn drain<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>> {
        let name = Name { interface: registered.interface.clone(), instance: registered.instance.clone() };
        let mut table = self.table();
        if let Some(slot) = table.slots.get_mut(&name).filter(|slot| slot.entry.epoch == registered.epoch) {
            slot.entry.state = EntryState::Draining;
            table.tell(&name.interface);
        }
        Box::pin(ready(Ok(())))
    }

    fn lookup<'a>(
        &'a self,
        interface: &'a str,
        selector: &'a Selector,
    ) -> BoxFuture<'a, Result<Found, DirectoryError>> {
        Box::pin(ready(Ok(self.table().find(interface, selector))))
    }

    fn watch(&self, interface: &str, selector: &Selector) -> Members {
        let mut table = self.table();
        let (found, members) = watch::channel(Some(table.find(interface, selector)));
        table.watchers.retain(|watcher| !watcher.found.is_closed());
        table.watchers.push(Watcher { interface: interface.to_owned(), selector: selector.clone(), found });
        Members::new(members)
    }
}

impl Table {
    fn find(&self, interface: &str, selector: &Selector) -> Found {
        let of_interface = self.slots.iter().filter(|(name, _)| name.interface == interface);
        let entries = of_interface.map(|(_, slot)| &slot.entry).filter(|entry| selector.matches(entry));
        Found { entries: entries.cloned().collect(), stale: false }
    }

    /// Something about `interface` has changed.
    fn tell(&self, interface: &str) {
        for watcher in self.watchers.iter().filter(|watcher| watcher.interface == interface) {
            let new = Some(self.find(interface, &watcher.selector));
            watcher.found.send_if_modified(|old| {
                let differs = *old != new;
                *old = new;
                differs
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::id::Incarnation;

    fn registration(instance: &str, life: u128) -> Registration {
        let mut registration = Registration::new("Store", instance, Incarnation::new(Uuid::from_u128(life)));
        registration.endpoints = vec![format!("memory:{life}")];
        registration
    }

    /// R21, R32: exclusive names are refused, taken over ones change hands, and the old holder hears of it.
    #[tokio::test]
    async fn names_have_one_holder() {
        let directory = MemoryDirectory::new();
        let old = directory.register(registration("a-m", 1)).await.expect("free");
        let refused = directory.register(registration("a-m", 2)).await.expect_err("taken");
        assert!(matches!(refused, DirectoryError::NameTaken { .. }), "{refused}");

        let takeover = Registration { mode: RegisterMode::Takeover, ..registration("a-m", 2) };
        let new = directory.register(takeover).await.expect("the same owner");
        assert!(new.epoch.number > old.epoch.number);
        assert_eq!(old.standing(), Standing::Ended(Ended::Replaced));
        drop(old);
        let found = directory.lookup("Store", &"a-m".into()).await.expect("always");
        assert_eq!(found.entries[0].epoch, new.epoch, "the old handle ends only its own (I17)");
        directory.unregister(&new).await.expect("always");
        assert_eq!(directory.lookup("Store", &"a-m".into()).await.expect("always").entries, []);
    }

    /// Members hear of every change of their selection, and of nothing else.
    #[tokio::test]
    async fn members_follow() {
        let directory = MemoryDirectory::new();
        let group = Selector::Group("east".into());
        let mut members = directory.watch("Store", &group);
        let _other = directory.register(registration("n-z", 1)).await.expect("free");
        assert_eq!(members.found(), Some(Found::default()));

        let member = Registration { groups: vec!["east".into()], ..registration("a-m", 2) };
        let member = directory.register(member).await.expect("free");
        assert_eq!(members.changed().await.entries.len(), 1);
        directory.drain(&member).await.expect("always");
        assert_eq!(members.changed().await.entries[0].state, EntryState::Draining);
        drop(member);
        assert_eq!(members.changed().await.entries, []);
    }

    /// R21: automatic names never collide.
    #[tokio::test]
    async fn automatic_names() {
        let directory = MemoryDirectory::new();
        let auto = || Registration { mode: RegisterMode::AutoNamed, ..registration("customer", 1) };
        let first = directory.register(auto()).await.expect("a name");
        let second = directory.register(auto()).await.expect("a name");
        assert_eq!((first.instance.as_str(), second.instance.as_str()), ("customer-1", "customer-2"));
    }
}
