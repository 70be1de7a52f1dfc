//! A node's monotonic clock: tokio's, so that tests can own time, plus the time that the machine was suspended,
//! so that a deadline does not sleep through it (R15).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::time::{CalleeTime, Time};

/// How long the machine had been suspended when somebody looked last, in nanoseconds. A number, which orders nothing else.
static SUSPENDED_NANOS: AtomicU64 = AtomicU64::new(0);

/// A clock that began when its node did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    suspended_before: Duration,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Clock {
        Clock { start: Instant::now(), suspended_before: suspended() }
    }

    /// The point that it shows, for a task that has not waited since somebody [woke](Clock::woken).
    pub(crate) fn now(&self) -> Time {
        let suspended = Duration::from_nanos(SUSPENDED_NANOS.load(Ordering::Relaxed));
        Time::ZERO + self.start.elapsed() + suspended.saturating_sub(self.suspended_before)
    }

    /// The point that it shows, for a task that has waited: meanwhile the machine may have been suspended.
    pub(crate) fn woken(&self) -> Time {
        let nanos = u64::try_from(suspended().as_nanos()).unwrap_or(u64::MAX);
        // Of two that look at once, the later look counts: time does not go back.
        SUSPENDED_NANOS.fetch_max(nanos, Ordering::Relaxed);
        self.now()
    }

    /// The point that it shows, as this node's frames carry it.
    pub(crate) fn as_callee(now: Time) -> CalleeTime {
        CalleeTime(now.as_micros())
    }

    /// When a timer should ring for `time`.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        let wait = time.since(self.now());
        // A century stands for "never": adding it cannot overflow.
        Instant::now() + wait.min(Duration::from_secs(100 * 365 * 24 * 3600))
    }
}

/// How long the machine has been suspended since it started: the difference of two clocks, one of which counts
/// that time.
#[cfg(all(target_os = "linux", not(verify)))]
fn suspended() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    // Read in this order, so that no pause between the readings counts as a suspension for long: differences
    // below a second are noise.
    let monotonic = read(ClockId::Monotonic);
    let since_boot = read(ClockId::Boottime);
    let difference = since_boot.saturating_sub(monotonic);
    if difference < Duration::from_secs(1) { Duration::ZERO } else { difference }
}

/// This system has no clock that counts suspended time. A simulated machine is never suspended.
#[cfg(any(verify, not(target_os = "linux")))]
fn suspended() -> Duration {
    Duration::ZERO
}
