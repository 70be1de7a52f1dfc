//! A node's monotonic clock. It counts the time that the machine is suspended, so that a deadline does not sleep through
//! it (R15), where the system has such a clock. A node that is started while tokio's time is paused goes by tokio's, so
//! that a test can own time.

use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::time::{CalleeTime, Time};

/// A clock that began when its node did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    /// The system's, which counts the time of suspension: the reading at the start, in nanoseconds.
    System(u64),
    /// Tokio's.
    Tokio(Instant),
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Clock {
        Clock(match system::now() {
            Some(start) if !is_paused() => Source::System(start),
            _ => Source::Tokio(Instant::now()),
        })
    }

    /// Whether it shows the system's time, and not what a test or a simulation gives out as time.
    pub(crate) fn is_systems(&self) -> bool {
        matches!(self.0, Source::System(_))
    }

    /// The point that it shows.
    pub(crate) fn now(&self) -> Time {
        match self.0 {
            Source::System(start) => Time::from_nanos(system::now().unwrap_or(start).saturating_sub(start)),
            Source::Tokio(start) => Time::ZERO + start.elapsed(),
        }
    }

    /// A point that it has shown not long ago, which costs less to know: on Linux at most a tick of the system's ago, which is
    /// 10 ms at most.
    pub(crate) fn recent(&self) -> Time {
        match self.0 {
            Source::System(start) => {
                Time::from_nanos(system::recent().or_else(system::now).unwrap_or(start).saturating_sub(start))
            }
            Source::Tokio(_) => self.now(),
        }
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

/// Whether tokio's time stands still: it does, if it has not moved while the system's has.
fn is_paused() -> bool {
    let (before, start) = (Instant::now(), std::time::Instant::now());
    while std::time::Instant::now() == start {
        std::hint::spin_loop();
    }
    Instant::now() == before
}

#[cfg(all(target_os = "linux", not(any(verify, interleave, fuzzing))))]
mod system {
    use std::cell::Cell;

    use rustix::time::{ClockId, clock_gettime};

    thread_local! {
        /// What the coarse clock showed last, and after that the fine one.
        static LAST: Cell<(u64, u64)> = const { Cell::new((u64::MAX, 0)) };
    }

    /// Nanoseconds since the machine was started.
    pub(super) fn now() -> Option<u64> {
        Some(read(ClockId::Boottime))
    }

    /// What [`now`] gave at some time of the present tick. The coarse clock moves with each tick only, and when the machine is
    /// suspended; reading it is reading memory.
    pub(super) fn recent() -> Option<u64> {
        let tick = read(ClockId::MonotonicCoarse);
        let (last, then) = LAST.try_with(Cell::get).ok()?;
        if last == tick {
            return Some(then);
        }
        let now = read(ClockId::Boottime);
        LAST.try_with(|cell| cell.set((tick, now))).ok()?;
        Some(now)
    }

    #[inline]
    fn read(clock: ClockId) -> u64 {
        let time = clock_gettime(clock);
        time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
    }
}

/// No clock that counts the time of suspension is known here; or time is not the system's.
#[cfg(any(verify, interleave, fuzzing, not(target_os = "linux")))]
mod system {
    pub(super) fn now() -> Option<u64> {
        None
    }

    pub(super) fn recent() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paused time stands still until somebody moves it.
    #[tokio::test(start_paused = true)]
    async fn a_node_of_a_test_goes_by_the_tests_time() {
        let clock = Clock::start();
        assert_eq!(clock.now(), Time::ZERO);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().since(Time::ZERO), Duration::from_secs(3600));
    }

    /// Time goes on by itself, and a timer set for a point rings no earlier.
    #[tokio::test]
    async fn a_timer_rings_when_its_time_has_come() {
        let clock = Clock::start();
        let due = clock.now() + Duration::from_millis(20);
        tokio::time::sleep_until(clock.instant(due)).await;
        assert!(clock.now() >= due);
    }
}
