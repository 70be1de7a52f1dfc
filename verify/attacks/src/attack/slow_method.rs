//! Calls of a slow method beside fast ones, on the same binding and on another: the fast ones do not notice.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::Failure;
use crate::good::{import, latencies, micros, ratio};
use crate::process::Process;
use crate::report::Figure;
use crate::victim::{Settings, Victim};

/// Slow calls at a time, on each of the two bindings, and how long each takes.
const SLOW: usize = 200;
const WORK: Duration = Duration::from_secs(1);
/// How often the fast calls are measured, alone and beside the slow ones in turn.
const ROUNDS: usize = 5;

pub(super) async fn attack() -> Result<Vec<Figure>, Failure> {
    let victim = Process::start(&Settings::default()).await?;
    let (fast, other) = (import(victim.address()).await?, import(victim.address()).await?);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    latencies(&fast, 1).await?;
    for _ in 0..ROUNDS {
        alone.extend(latencies(&fast, 1).await?);
        let mut slow = JoinSet::new();
        for stub in [&fast, &other].into_iter().cycle().take(2 * SLOW) {
            let stub = stub.clone();
            slow.spawn(async move { stub.work(micros(WORK)).await });
        }
        beside.extend(latencies(&fast, 1).await?);
        while let Some(ended) = slow.join_next().await {
            ended??;
        }
    }
    Ok(vec![Figure::ratio("p99 of fast calls beside slow ones, of that alone", ratio(&alone, &beside), 1.2)])
}
