//! A watcher's copy of the entries that it is interested in, made of what `ns_watch` tells.
//!
//! A snapshot may be read in several pages while the registry changes. It is not consistent by itself; the events
//! that follow it, from the revision of the *first* page on, make it so. Until they are in, the copy is not
//! [ready](Replica::ready).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Entry;
use super::nameserver::{Change, Cursor, Event, Name, Watched};

/// A copy of part of the registry.
#[derive(Debug, Default)]
pub struct Replica {
    entries: BTreeMap<Name, Arc<Entry>>,
    cursor: Option<Cursor>,
    /// The newest revision that any page of the snapshot was read at.
    read_at: u64,
}

impl Replica {
    /// A copy of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where to go on: what `ns_watch` wants next.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.clone()
    }

    /// Whether the copy is what the registry had at one revision.
    pub fn ready(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.page.is_none() && cursor.revision >= self.read_at)
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// Takes in what the nameserver told.
    pub fn apply(&mut self, watched: Watched) {
        let next = match watched {
            Watched::Snapshot { begins, revision, entries, next } => {
                if begins {
                    self.entries.clear();
                    self.read_at = 0;
                }
                self.read_at = self.read_at.max(revision);
                self.entries.extend(entries.into_iter().map(|entry| (Name::of(&entry), entry)));
                next
            }
            Watched::Events { events, next } => {
                events.into_iter().for_each(|event| self.change(event));
                next
            }
        };
        self.cursor = Some(next);
    }

    /// While a snapshot is caught up, an event may be older than the page that already shows its effect. That does no harm:
    /// the later events of the same name follow.
    fn change(&mut self, event: Event) {
        match event.change {
            Change::Put(entry) => _ = self.entries.insert(Name::of(&entry), entry),
            Change::Removed { name, .. } => _ = self.entries.remove(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::{self, entry};

    fn cursor(revision: u64, page: Option<Name>) -> Cursor {
        Cursor { registry: testing::REGISTRY, revision, page }
    }

    fn put(revision: u64, instance: &str, epoch: u64) -> Event {
        Event { revision, change: Change::Put(Arc::new(entry(instance, epoch))) }
    }

    fn removed(revision: u64, instance: &str, epoch: u64) -> Event {
        let gone = entry(instance, epoch);
        let change = Change::Removed { name: Name::of(&gone), epoch: gone.epoch, why: None };
        Event { revision, change }
    }

    fn instances(replica: &Replica) -> Vec<(&str, u64)> {
        replica.entries().map(|entry| (entry.instance.as_str(), entry.epoch.number)).collect()
    }

    /// R23: a snapshot whose pages were read at different revisions is made whole by the events since its first page.
    #[test]
    fn pages_and_events_make_one_state() {
        let mut replica = Replica::new();
        let page = |begins, revision, entries: Vec<Entry>, next| Watched::Snapshot {
            begins,
            revision,
            entries: entries.into_iter().map(Arc::new).collect(),
            next,
        };
        // At revision 5 there are a@1, b@2 and y@3. Then 6: b goes, 7: y goes, 8: y@4 comes, 9: c@5 comes.
        let after_b = Some(Name::of(&entry("b", 2)));
        replica.apply(page(true, 5, vec![entry("a", 1), entry("b", 2)], cursor(5, after_b)));
        assert!(!replica.ready(), "pages are missing");
        replica.apply(page(false, 9, vec![entry("y", 4)], cursor(5, None)));
        assert!(!replica.ready(), "the events up to 9 are missing");

        let events = vec![removed(6, "b", 2), removed(7, "y", 3), put(8, "y", 4), put(9, "c", 5)];
        replica.apply(Watched::Events { events, next: cursor(9, None) });
        assert!(replica.ready());
        assert_eq!(instances(&replica), [("a", 1), ("c", 5), ("y", 4)]);
    }

    /// R23: a snapshot that begins anew voids everything known before.
    #[test]
    fn resync_voids_the_past() {
        let mut replica = Replica::new();
        let snapshot = |instance, revision| Watched::Snapshot {
            begins: true,
            revision,
            entries: vec![Arc::new(entry(instance, revision))],
            next: cursor(revision, None),
        };
        replica.apply(snapshot("old", 9));
        replica.apply(snapshot("new", 3));
        assert!(replica.ready());
        assert_eq!(instances(&replica), [("new", 3)]);
    }
}
