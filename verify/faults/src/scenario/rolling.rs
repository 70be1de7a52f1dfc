//! Three exporters shut down in order, one after another, and start again, under load: no call fails.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use super::{Orders, Outcome, brisk, close};
use crate::Failure;
use crate::between::between;
use crate::settings::{Target, Timing};
use crate::world::{Plan, Who, World};

/// How long all three are there before the next one goes.
const PEACE_MAX: Duration = Duration::from_millis(300);
/// No call of this scenario comes near its deadline by itself.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    let mut rng = Rng::with_seed(orders.seed);
    let mut plan = Plan::new(orders, Timing { timeout_min: TIMEOUT, timeout_max: TIMEOUT, ..brisk() });
    // Whoever wants one exporter and no other has to wait for it.
    plan.targets = vec![Target::Any, Target::Group, Target::Any, Target::Group];
    let exporters: Vec<_> = (0..3).map(Who::Exporter).collect();
    let mut world = World::open(plan).await?;
    world.populate().await?;
    let begun = Instant::now();
    while begun.elapsed() < orders.time {
        for who in &exporters {
            sleep(between(&mut rng, Duration::from_millis(20), PEACE_MAX)).await;
            world.look_after()?;
            world.terminate(*who).await?;
            world.faults.add("exporters shut down");
            world.start(*who)?;
            world.ready(*who).await?;
        }
        world.faults.add("rounds");
    }
    let mut outcome = close(world).await?;
    let counts = &outcome.counts;
    let failed = counts.calls - counts.ok;
    outcome.figures.push(format!("{failed} failed calls"));
    if failed > 0 {
        let (never, completed, unknown) = (counts.never, counts.completed, counts.unknown);
        outcome
            .findings
            .push(format!("{failed} calls failed: {never} Never, {completed} Completed, {unknown} Unknown"));
    }
    Ok(outcome)
}
