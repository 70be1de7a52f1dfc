//! When to dial again: doubling waits with full jitter, so that a thousand callers of a restarted exporter do
//! not return at the same instant.

use std::time::Duration;

/// The first wait's bound.
pub const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// The bound that doubling stops at.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The waits between attempts to reach a callee.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backoff {
    bound: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { bound: BACKOFF_MIN }
    }
}

impl Backoff {
    /// The next wait: `random` (any value) picks one below the bound, which then doubles.
    pub fn next(&mut self, random: u32) -> Duration {
        let wait = self.bound.mul_f64(f64::from(random) / f64::from(u32::MAX));
        self.bound = (self.bound * 2).min(BACKOFF_MAX);
        wait
    }

    /// An attempt succeeded: begin anew.
    pub fn reset(&mut self) {
        *self = Backoff::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits double up to the bound, are jittered over the whole range, and begin anew after a success.
    #[test]
    fn waits_double_up_to_the_bound() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(0), Duration::ZERO);
        assert_eq!(backoff.next(u32::MAX), 2 * BACKOFF_MIN);
        (0..20).for_each(|_| assert!(backoff.next(u32::MAX) <= BACKOFF_MAX));
        assert_eq!(backoff.next(u32::MAX), BACKOFF_MAX);
        backoff.reset();
        assert_eq!(backoff.next(u32::MAX), BACKOFF_MIN);
    }
}
