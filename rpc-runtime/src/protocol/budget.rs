//! The bound on what a server remembers (R11): memory is counted when it is granted or reserved, not when it
//! is used, so that a verdict can always be recorded.
//!
//! What is taken has parts that it may fill, each larger than the one before. Hence the order in which things are
//! refused as the budget fills: many slots, then higher slots, then large replies, then calls, then sessions.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a session costs, beside its activities and replies.
pub const SESSION_BYTES: u64 = 1024;
/// What a granted slot costs.
pub const ACTIVITY_BYTES: u64 = 128;
/// How many slots a session gets once half of the budget is granted.
pub const SLOTS_WHEN_SCARCE: u16 = 16;

/// A count of bytes with a bound, shared by the sessions of a server.
#[derive(Debug)]
pub struct Budget {
    bytes_max: u64,
    /// The part of `used` in sessions and their slots.
    granted: AtomicU64,
    used: AtomicU64,
}

impl Budget {
    /// An unused budget of `bytes_max`.
    pub fn new(bytes_max: u64) -> Budget {
        Budget { bytes_max, granted: AtomicU64::new(0), used: AtomicU64::new(0) }
    }

    /// Takes a session with as many of the `wanted` slots as can be had; `None` refuses the session.
    ///
    /// Sessions and slots together take at most half of the budget; from there on a session gets
    /// [`SLOTS_WHEN_SCARCE`], while there is room for them.
    pub fn grant(&self, wanted: u16) -> Option<u16> {
        let few = wanted.min(SLOTS_WHEN_SCARCE);
        let offers = [(wanted, self.bytes_max / 2), (few, self.bytes_max)];
        offers.into_iter().find_map(|(slots, granted_max)| {
            let bytes = Self::session_bytes(slots);
            if !take(&self.granted, bytes, granted_max) {
                return None;
            }
            if !take(&self.used, bytes, self.bytes_max) {
                self.granted.fetch_sub(bytes, Ordering::Relaxed);
                return None;
            }
            Some(slots)
        })
    }

    /// Gives back what [`grant`](Budget::grant) took for a session of `slots`.
    pub fn give_back(&self, slots: u16) {
        let bytes = Self::session_bytes(slots);
        self.granted.fetch_sub(bytes, Ordering::Relaxed);
        self.release(bytes);
    }

    /// Takes `bytes` for a call's reply before it runs. The last sixteenth is left to new sessions.
    pub fn reserve(&self, bytes: u64) -> bool {
        take(&self.used, bytes, self.bytes_max - self.bytes_max / 16)
    }

    /// Takes `bytes` more for a reply beyond its reservation. The last eighth is left to reservations, so that
    /// large replies are no longer kept before calls are refused.
    pub fn reserve_more(&self, bytes: u64) -> bool {
        take(&self.used, bytes, self.bytes_max - self.bytes_max / 8)
    }

    /// Gives back `bytes` that were reserved.
    pub fn release(&self, bytes: u64) {
        let before = self.used.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "released more than was reserved");
    }

    /// The bytes taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether so much is taken that sessions should rest their higher slots.
    pub fn is_scarce(&self) -> bool {
        self.used() > self.bytes_max / 4 * 3
    }

    /// All that tells it apart from another budget, now.
    fn counts(&self) -> [u64; 3] {
        [self.bytes_max, self.granted.load(Ordering::Relaxed), self.used()]
    }

    fn session_bytes(slots: u16) -> u64 {
        SESSION_BYTES + u64::from(slots) * ACTIVITY_BYTES
    }
}

// As a part of a state that is copied and compared, which a model checker does.

impl Clone for Budget {
    fn clone(&self) -> Budget {
        let [bytes_max, granted, used] = self.counts();
        Budget { bytes_max, granted: AtomicU64::new(granted), used: AtomicU64::new(used) }
    }
}

impl PartialEq for Budget {
    fn eq(&self, other: &Budget) -> bool {
        self.counts() == other.counts()
    }
}

impl Eq for Budget {}

impl Hash for Budget {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.counts().hash(state);
    }
}

/// Adds `bytes` to `count` unless that goes past `count_max`.
fn take(count: &AtomicU64, bytes: u64, count_max: u64) -> bool {
    // Relaxed: a count, which orders nothing else.
    let room = |taken: u64| taken.checked_add(bytes).filter(|sum| *sum <= count_max);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R11: at the bound, sessions first get fewer slots, then none.
    #[test]
    fn slots_become_few_before_sessions_are_refused() {
        let budget = Budget::new(4 * (SESSION_BYTES + 100 * ACTIVITY_BYTES));
        assert_eq!(budget.grant(100), Some(100));
        assert_eq!(budget.grant(100), Some(100));
        assert_eq!(budget.grant(100), Some(SLOTS_WHEN_SCARCE));
        let mut few = 1;
        while budget.grant(100).is_some() {
            few += 1;
        }
        assert!(budget.used() <= 4 * (SESSION_BYTES + 100 * ACTIVITY_BYTES));
        (0..few).for_each(|_| budget.give_back(SLOTS_WHEN_SCARCE));
        (0..2).for_each(|_| budget.give_back(100));
        assert_eq!(budget.used(), 0);
        assert_eq!(budget.grant(100), Some(100), "what was given back can be granted again");
    }

    /// R11: as the budget fills, higher slots rest, then large replies are not kept, then calls are refused, then
    /// sessions.
    #[test]
    fn what_is_refused_as_the_budget_fills_has_an_order() {
        let budget = Budget::new(1 << 20);
        let fill_to = |bytes: u64| assert!(take(&budget.used, bytes - budget.used(), budget.bytes_max));
        let asks = || {
            let (more, call) = (budget.reserve_more(1), budget.reserve(1));
            budget.release(u64::from(more) + u64::from(call));
            let session = budget.grant(1).is_some_and(|slots| {
                budget.give_back(slots);
                true
            });
            [!budget.is_scarce(), more, call, session]
        };
        fill_to((1 << 20) / 16 * 12);
        assert_eq!(asks(), [true, true, true, true]);
        fill_to((1 << 20) / 16 * 13);
        assert_eq!(asks(), [false, true, true, true]);
        fill_to((1 << 20) / 16 * 14);
        assert_eq!(asks(), [false, false, true, true]);
        fill_to((1 << 20) / 16 * 15);
        assert_eq!(asks(), [false, false, false, true]);
        fill_to(1 << 20);
        assert_eq!(asks(), [false, false, false, false]);
    }

    /// A copy is a budget of its own.
    #[test]
    fn a_copy_goes_its_own_way() {
        let budget = Budget::new(10);
        assert!(budget.reserve(4));
        let copy = budget.clone();
        assert_eq!(copy, budget);
        budget.release(4);
        assert_eq!((budget.used(), copy.used()), (0, 4));
        assert_ne!(copy, budget);
    }

    /// I9: a reservation never goes past the bound, whatever its size.
    #[test]
    fn the_bound_holds() {
        let budget = Budget::new(10);
        assert!(budget.reserve(10));
        assert!(!budget.reserve(1));
        budget.release(1);
        assert!(budget.reserve(1));
        assert!(!budget.reserve(u64::MAX));
        assert!(!budget.reserve_more(u64::MAX));
        assert_eq!(budget.used(), 10);
    }
}
