//! The bound on what a server remembers (R11): memory is counted when it is granted or reserved, not when it
//! is used, so that a verdict can always be recorded.

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
    granted: AtomicU64,
    used: AtomicU64,
}

impl Budget {
    /// An unused budget of `bytes_max`.
    pub fn new(bytes_max: u64) -> Budget {
        Budget {
            bytes_max,
            granted: AtomicU64::new(0),
            used: AtomicU64::new(0),
        }
    }

    /// Takes a session with as many of the `wanted` slots as can be had; `None` refuses the session.
    ///
    /// Sessions and slots together take at most half of the budget; from there on a session gets
    /// [`SLOTS_WHEN_SCARCE`], while there is room for them.
    pub fn grant(&self, wanted: u16) -> Option<u16> {
        let full = Self::session_bytes(wanted);
        if self.granted.load(Ordering::Relaxed) + full <= self.bytes_max / 2 && self.reserve(full) {
            self.granted.fetch_add(full, Ordering::Relaxed);
            return Some(wanted);
        }
        let few = wanted.min(SLOTS_WHEN_SCARCE);
        let bytes = Self::session_bytes(few);
        self.reserve(bytes).then(|| {
            self.granted.fetch_add(bytes, Ordering::Relaxed);
            few
        })
    }

    /// Gives back what [`grant`](Budget::grant) took for a session of `slots`.
    pub fn give_back(&self, slots: u16) {
        let bytes = Self::session_bytes(slots);
        self.granted.fetch_sub(bytes, Ordering::Relaxed);
        self.release(bytes);
    }

    /// Takes `bytes`, if there is room for them.
    pub fn reserve(&self, bytes: u64) -> bool {
        // Relaxed: a count, which orders nothing else.
        let room = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .is_ok()
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

    fn session_bytes(slots: u16) -> u64 {
        SESSION_BYTES + u64::from(slots) * ACTIVITY_BYTES
    }
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
    }

    /// I9: a reservation never goes past the bound.
    #[test]
    fn the_bound_holds() {
        let budget = Budget::new(10);
        assert!(budget.reserve(10));
        assert!(!budget.reserve(1));
        budget.release(1);
        assert!(budget.reserve(1));
        assert!(!budget.reserve(u64::MAX));
    }
}
