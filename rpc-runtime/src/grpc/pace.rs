//! Whether the implementations that a connection calls compute for so long that other threads should run them.

use std::time::Duration;

/// Longer than this is long for a call.
const LONG: Duration = Duration::from_micros(50);
/// So many times in a row it takes that long, on average of what is served together: once may be the system's doing.
const LONG_TIMES: u32 = 8;
/// After so long, others have their turn. Once is enough then.
pub(super) const TURN_MAX: Duration = Duration::from_millis(10);
/// So many streams have tasks of their own before it is tried again.
const APART: u32 = 1024;

/// How long the streams of a connection take.
#[derive(Debug, Default)]
pub(super) struct Pace {
    long: u32,
    /// Streams that are to have tasks of their own.
    apart: u32,
}

impl Pace {
    /// So many streams were served in place, and took so long together. Gives whether they are to have tasks of their own from now on.
    pub(super) fn has_become_slow(&mut self, streams: u32, took: Duration) -> bool {
        self.long = match took {
            _ if took >= TURN_MAX => LONG_TIMES,
            _ if took > LONG * streams => self.long + 1,
            _ => 0,
        };
        let is_slow = self.long >= LONG_TIMES;
        if is_slow {
            // One more is enough when it is tried again.
            self.long = LONG_TIMES - 1;
            self.apart = APART;
        }
        is_slow
    }

    /// Whether the next stream is to have a task of its own.
    pub(super) fn is_slow(&mut self) -> bool {
        let is_slow = self.apart > 0;
        self.apart = self.apart.saturating_sub(1);
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_micros(5);
    const VERY_LONG: Duration = Duration::from_millis(1);

    /// What is slow again and again has tasks of its own for a while, and for longer if it still is.
    #[test]
    fn slow_streams_have_tasks() {
        let mut pace = Pace::default();
        for _ in 1..LONG_TIMES {
            assert!(!pace.has_become_slow(1, VERY_LONG));
        }
        assert!(!pace.is_slow());
        for _ in 0..2 {
            assert!(pace.has_become_slow(1, VERY_LONG));
            assert!((0..APART).all(|_| pace.is_slow()));
            assert!(!pace.is_slow());
        }
        assert!(!pace.has_become_slow(1, SHORT));
        assert!(!pace.has_become_slow(1, VERY_LONG));
    }

    /// One that takes longer than a turn may has shown enough.
    #[test]
    fn a_whole_turn_is_slow_at_once() {
        let mut pace = Pace::default();
        assert!(pace.has_become_slow(32, TURN_MAX));
        assert!(pace.is_slow());
    }

    /// Many streams may take as long together as one may not.
    #[test]
    fn what_counts_is_the_average() {
        let mut pace = Pace::default();
        assert!((0..LONG_TIMES).all(|_| !pace.has_become_slow(32, VERY_LONG)));
    }
}
