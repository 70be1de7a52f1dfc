//! Random lengths of time.

use std::time::Duration;

use fastrand::Rng;

/// Nothing shorter is drawn, unless it is the only choice.
const SHORTEST: Duration = Duration::from_micros(100);

/// Any length of time between two. Each order of magnitude is as likely as the next, so that short ones come too.
pub(crate) fn between(rng: &mut Rng, min: Duration, max: Duration) -> Duration {
    if max <= min {
        return min;
    }
    let (low, high) = (min.max(SHORTEST).as_secs_f64().ln(), max.max(SHORTEST).as_secs_f64().ln());
    Duration::from_secs_f64((low + rng.f64() * (high - low)).exp())
}
