//! The board: the last that every process reported, and the sums.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::{CustomerCounts, Event, ManagerCounts, StoreCounts, SupplierCounts};

/// What all processes have reported so far. Cloning it gives another handle to the same board.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<Posts>>);

#[derive(Debug, Default)]
struct Posts {
    stores: BTreeMap<String, StoreCounts>,
    /// What stores had counted when they were killed; their next life starts from zero.
    buried: StoreCounts,
    managers: BTreeMap<String, ManagerCounts>,
    customers: BTreeMap<String, CustomerCounts>,
    suppliers: BTreeMap<String, SupplierCounts>,
    /// What the runner says of a process.
    states: BTreeMap<String, String>,
}

/// Everything added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) store: StoreCounts,
    pub(super) manager: ManagerCounts,
    pub(super) customer: CustomerCounts,
    pub(super) supplier: SupplierCounts,
}

impl Board {
    /// Notes what the process `name` has reported.
    pub(super) fn note(&self, name: &str, event: &Event) {
        let mut posts = self.posts();
        let name = name.to_owned();
        match event {
            Event::Store(counts) => drop(posts.stores.insert(name, *counts)),
            Event::Manager(counts) => drop(posts.managers.insert(name, *counts)),
            Event::Customer(counts) => drop(posts.customers.insert(name, *counts)),
            Event::Supplier(counts) => drop(posts.suppliers.insert(name, *counts)),
            Event::Ready { .. } | Event::Done => {}
        }
    }

    /// Notes that a store has been killed. What it did after its last report is not counted.
    pub(super) fn bury(&self, store: &str) {
        let mut posts = self.posts();
        if let Some(counts) = posts.stores.remove(store) {
            posts.buried.executed += counts.executed;
            posts.buried.duplicates += counts.duplicates;
        }
    }

    /// Notes what the runner knows of a process.
    pub(super) fn say_state(&self, name: &str, state: &str) {
        self.posts().states.insert(name.to_owned(), state.to_owned());
    }

    /// What the runner said last of a process.
    pub(super) fn state(&self, name: &str) -> String {
        self.posts().states.get(name).cloned().unwrap_or_default()
    }

    /// What one store has counted in this life.
    pub(super) fn store(&self, name: &str) -> StoreCounts {
        self.posts().stores.get(name).copied().unwrap_or_default()
    }

    /// What one client manager has counted.
    pub(super) fn manager(&self, name: &str) -> ManagerCounts {
        self.posts().managers.get(name).copied().unwrap_or_default()
    }

    /// How many suppliers have brought everything at least once.
    pub(super) fn suppliers_delivered(&self) -> usize {
        self.posts().suppliers.values().filter(|counts| counts.deliveries > 0).count()
    }

    /// Everything added up.
    pub(super) fn sums(&self) -> Sums {
        let posts = self.posts();
        let mut sums = Sums { store: posts.buried, ..Sums::default() };
        for counts in posts.stores.values() {
            sums.store.executed += counts.executed;
            sums.store.duplicates += counts.duplicates;
        }
        for counts in posts.managers.values() {
            sums.manager.calls += counts.calls;
            sums.manager.resent += counts.resent;
            sums.manager.unknown += counts.unknown;
            sums.manager.resolved += counts.resolved;
            sums.manager.had_run += counts.had_run;
            sums.manager.busy += counts.busy;
        }
        for counts in posts.customers.values() {
            sums.customer.checked_out += counts.checked_out;
            sums.customer.played += counts.played;
            sums.customer.bytes += counts.bytes;
            sums.customer.seconds += counts.seconds;
            sums.customer.returned += counts.returned;
            sums.customer.refused += counts.refused;
            sums.customer.unresolved += counts.unresolved;
        }
        for counts in posts.suppliers.values() {
            sums.supplier.deliveries += counts.deliveries;
            sums.supplier.copies += counts.copies;
            sums.supplier.bytes += counts.bytes;
            sums.supplier.unresolved += counts.unresolved;
        }
        sums
    }

    fn posts(&self) -> MutexGuard<'_, Posts> {
        // Held for one look or one note.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store's counts survive its death; a process's later report replaces its earlier one.
    #[test]
    fn sums_survive_a_restart() {
        let board = Board::default();
        let report = |executed| Event::Store(StoreCounts { executed, duplicates: 1 });
        board.note("a-m", &report(5));
        board.note("a-m", &report(7));
        board.bury("a-m");
        board.note("a-m", &report(2));
        assert_eq!(board.sums().store, StoreCounts { executed: 9, duplicates: 2 });
    }
}
