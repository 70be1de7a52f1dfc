//! The calls that wait for a handler, of all sessions together: what they take, and how long one more would wait.
//!
//! A call that would not get its turn in time is refused at once, while its caller can still do something about it. If all
//! were queued, each would wait until just before its deadline, and none would be served.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What a queued call takes beside its arguments.
const CALL_BYTES: usize = 1024;
/// A new measurement of how long handlers run counts as one in so many.
const SMOOTHING: i64 = 8;

/// What a call with these arguments takes of `queued_bytes_max`.
pub(crate) fn queued_bytes(arguments: &[u8]) -> usize {
    CALL_BYTES + arguments.len()
}

/// What a node knows of its queued calls. The counts order nothing else, and the expected wait is a guess.
#[derive(Debug)]
pub(crate) struct Queue {
    bytes_max: usize,
    handlers_max: usize,
    bytes: AtomicUsize,
    calls: AtomicUsize,
    /// How long the handlers of queued calls run: the moving mean, in microseconds.
    run_micros: AtomicU64,
}

impl Queue {
    /// An empty queue of at most `bytes_max` before so many handlers.
    pub(crate) fn new(bytes_max: usize, handlers_max: usize) -> Queue {
        Queue {
            bytes_max,
            handlers_max: handlers_max.max(1),
            bytes: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            run_micros: AtomicU64::new(0),
        }
    }

    /// Whether a call of `bytes` may join.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.bytes_max
    }

    /// How long a call that joins now will wait for its turn, to all appearance.
    pub(crate) fn expected_wait(&self) -> Duration {
        let calls = self.calls.load(Ordering::Relaxed) as u64;
        let micros = self.run_micros.load(Ordering::Relaxed).saturating_mul(calls);
        Duration::from_micros(micros / self.handlers_max as u64)
    }

    /// A call of `bytes` joins.
    pub(crate) fn join(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// A call of `bytes` has its turn, or will have none.
    pub(crate) fn leave(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }

    /// The handler of a queued call ran for so long.
    pub(crate) fn ran(&self, time: Duration) {
        let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        // Of two that end at once, one may not count.
        let mean = self.run_micros.load(Ordering::Relaxed) as i64;
        self.run_micros.store((mean + (time - mean) / SMOOTHING) as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wait is what those before take, shared among the handlers.
    #[test]
    fn the_expected_wait_follows_queue_and_handlers() {
        let queue = Queue::new(1000, 4);
        assert_eq!(queue.expected_wait(), Duration::ZERO);
        (0..100).for_each(|_| queue.ran(Duration::from_millis(8)));
        assert_eq!(queue.expected_wait(), Duration::ZERO);
        (0..10).for_each(|_| queue.join(100));
        let wait = queue.expected_wait();
        assert!(wait > Duration::from_millis(19) && wait <= Duration::from_millis(20), "{wait:?}");
        assert!(!queue.has_room(1));
        (0..10).for_each(|_| queue.leave(100));
        assert!(queue.has_room(1000) && !queue.has_room(1001));
        (0..100).for_each(|_| queue.ran(Duration::ZERO));
        assert_eq!(queue.run_micros.load(Ordering::Relaxed), 7, "what is less than its share is left");
    }
}
