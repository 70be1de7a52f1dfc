//! The good caller beside an attack: a node with a stub, and how long its calls take.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rpc_runtime::{CallError, Node};
use tokio::time::sleep;

use crate::Failure;
use crate::victim::{INSTANCE, Victim, VictimClient};

/// How long it waits between two calls.
const PAUSE: Duration = Duration::from_micros(500);
/// Windows of time that are compared, the quietest with the quietest: what an attack does shows in all of them, what else the
/// machine does in some.
const WINDOW: Duration = Duration::from_millis(400);

/// A stub of the victim at `address`, on a node of its own.
pub(crate) async fn import(address: &str) -> Result<VictimClient, Failure> {
    let node = Node::builder().start().await?;
    Ok(node.import_at(address, INSTANCE).await?)
}

/// How long calls take that have nothing to do, one after another: the p99 in each of `windows`.
pub(crate) async fn latencies(stub: &VictimClient, windows: usize) -> Result<Vec<Duration>, CallError> {
    let mut latencies = Vec::new();
    for _ in 0..windows {
        let mut histogram = microseconds();
        let begun = Instant::now();
        while begun.elapsed() < WINDOW {
            let call = Instant::now();
            stub.count().await?;
            histogram.saturating_record(micros(call.elapsed()));
            sleep(PAUSE).await;
        }
        latencies.push(p99(&histogram));
    }
    Ok(latencies)
}

/// The longest call of those made one after another until `stop`.
pub(crate) async fn slowest(stub: VictimClient, stop: impl Fn() -> bool) -> Result<Duration, CallError> {
    let mut slowest = Duration::ZERO;
    while !stop() {
        let call = Instant::now();
        stub.count().await?;
        slowest = slowest.max(call.elapsed());
        sleep(PAUSE).await;
    }
    Ok(slowest)
}

/// The quietest window of `beside` as a multiple of the quietest of `alone`.
pub(crate) fn ratio(alone: &[Duration], beside: &[Duration]) -> f64 {
    let quietest = |windows: &[Duration]| windows.iter().min().map_or(f64::NAN, Duration::as_secs_f64);
    quietest(beside) / quietest(alone)
}

/// An empty histogram of microseconds, up to a minute.
pub(crate) fn microseconds() -> Histogram<u64> {
    // These bounds are valid ones.
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("valid bounds")
}

/// A length of time as a histogram of microseconds takes it.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What 99 of 100 did not exceed.
pub(crate) fn p99(histogram: &Histogram<u64>) -> Duration {
    Duration::from_micros(histogram.value_at_quantile(0.99))
}
