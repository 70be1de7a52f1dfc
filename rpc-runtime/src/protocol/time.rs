//! Points in time as the protocol sees them: nanoseconds on one node's monotonic clock.
//!
//! Nothing here reads a clock. A [`Time`] is meaningful only beside others of the same node; what crosses
//! the wire is a callee's clock in microseconds, from which a caller computes `start_before` (R15).

use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::planted::{Bug, planted};

/// A point on one node's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The clock's zero.
    pub const ZERO: Time = Time(0);
    /// Later than every reachable point: "never".
    pub const NEVER: Time = Time(u64::MAX);

    /// The point `nanos` nanoseconds after the clock's zero.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This point in microseconds, as it crosses the wire.
    pub fn as_micros(self) -> u64 {
        self.0 / 1_000
    }
}

/// A [`Time`] that is shared. Relaxed: what orders its changes is its owner's affair.
#[derive(Debug)]
pub(crate) struct AtomicTime(AtomicU64);

impl AtomicTime {
    pub(crate) fn new(time: Time) -> AtomicTime {
        AtomicTime(AtomicU64::new(time.0))
    }

    pub(crate) fn load(&self) -> Time {
        Time(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn store(&self, time: Time) {
        self.0.store(time.0, Ordering::Relaxed);
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, length: Duration) -> Time {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, length: Duration) -> Time {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_sub(nanos))
    }
}

/// A point on a *callee's* clock, in microseconds, as frames carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CalleeTime(pub u64);

impl CalleeTime {
    /// Later than every reachable point: a call that may start whenever it arrives.
    pub const NEVER: CalleeTime = CalleeTime(u64::MAX);

    /// The same point for the callee itself; one beyond what its clock can show is as good as none.
    pub fn as_time(self) -> Time {
        Time(self.0.saturating_mul(1_000))
    }
}

/// What a caller knows of its callee's clock: the last reading and when it came in (R15).
///
/// The reading was taken *before* it came in, so the callee's clock is at least this far: a `start_before`
/// computed here can be too early, which costs a second try, but never too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClockReading {
    callee: CalleeTime,
    received: Time,
}

impl ClockReading {
    /// The callee's clock said `callee` in a frame that came in at `received`.
    pub fn new(callee: CalleeTime, received: Time) -> ClockReading {
        ClockReading { callee, received }
    }

    /// The caller's `deadline` on the callee's clock.
    pub fn start_before(&self, deadline: Time) -> CalleeTime {
        if deadline == Time::NEVER {
            return CalleeTime::NEVER;
        }
        let left = u64::try_from(deadline.since(self.received).as_micros()).unwrap_or(u64::MAX);
        if planted(Bug::RemainingTimeSent) {
            return CalleeTime(left); // M13
        }
        CalleeTime(self.callee.0.saturating_add(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R15: the deadline travels as a point on the callee's clock; clocks need not agree.
    #[test]
    fn start_before_is_on_the_callees_clock() {
        let reading = ClockReading::new(CalleeTime(5_000_000), Time::from_nanos(70_000_000_000));
        let deadline = Time::from_nanos(70_000_000_000) + Duration::from_secs(2);
        assert_eq!(reading.start_before(deadline), CalleeTime(7_000_000));
        assert_eq!(reading.start_before(Time::NEVER), CalleeTime::NEVER);
    }

    /// A deadline that has passed leaves no time, and does not wrap.
    #[test]
    fn a_passed_deadline_leaves_nothing() {
        let reading = ClockReading::new(CalleeTime(5), Time::from_nanos(1_000_000));
        assert_eq!(reading.start_before(Time::ZERO), CalleeTime(5));
    }
}
