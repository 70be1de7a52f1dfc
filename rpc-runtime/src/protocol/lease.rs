//! How long a session outlives silence (R4): each side on its own clock, the callee with a margin for drift.

use std::time::Duration;

use super::time::Time;

/// The callee waits this many percent longer than the lease that it granted: its clock may be the faster one.
pub const CLOCK_DRIFT_PERCENT: u32 = 1;

/// A lease on the callee's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    length: Duration,
    until: Time,
}

impl Lease {
    /// A lease of `length`, from `now`.
    pub fn new(length: Duration, now: Time) -> Lease {
        let mut lease = Lease { length, until: now };
        lease.renew(now);
        lease
    }

    /// A valid frame came in at `now`.
    pub fn renew(&mut self, now: Time) {
        self.until = now + self.length + self.length * CLOCK_DRIFT_PERCENT / 100;
    }

    /// When it ends, unless it is renewed.
    pub fn until(&self) -> Time {
        self.until
    }

    /// Whether it has ended.
    pub fn has_ended(&self, now: Time) -> bool {
        now >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R4: the callee waits lease·(1+ρ), and every valid frame begins the wait anew.
    #[test]
    fn the_callee_waits_longer_than_it_granted() {
        let second = Duration::from_secs(1);
        let mut lease = Lease::new(60 * second, Time::ZERO);
        assert!(!lease.has_ended(Time::ZERO + 60 * second));
        assert!(lease.has_ended(Time::ZERO + 60 * second + Duration::from_millis(600)));
        lease.renew(Time::ZERO + 30 * second);
        assert!(!lease.has_ended(Time::ZERO + 90 * second));
    }
}
