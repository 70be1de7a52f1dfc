//! SIGSTOP and SIGCONT of anybody: pauses from 10 ms to several leases.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use super::{Orders, Outcome, brisk, close, some_of};
use crate::Failure;
use crate::between::between;
use crate::world::{Plan, World};

/// So many stand still at once, at most.
const AT_ONCE: usize = 3;
/// How long everybody runs, and how long somebody stands still: also longer than a session or a registration lives.
const PEACE_MAX: Duration = Duration::from_millis(500);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// One pause of so many is longer than the leases for certain.
const LONG_EVERY: u32 = 5;

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    let mut rng = Rng::with_seed(orders.seed);
    let timing = brisk();
    let mut world = World::open(Plan::new(orders, timing)).await?;
    for kind in ["nameserver", "exporter", "caller"] {
        world.faults.add_many(format!("SIGSTOP of {kind}"), 0);
    }
    let longer = "pauses longer than the leases";
    world.faults.add_many(longer, 0);
    world.populate().await?;
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < orders.time {
        sleep(between(&mut rng, PAUSE_MIN, PEACE_MAX)).await;
        world.look_after()?;
        let victims = some_of(&mut rng, &world.alive(), AT_ONCE);
        for who in &victims {
            world.stop(*who)?;
        }
        round += 1;
        let lease = timing.lease.max(timing.ttl);
        let pause = between(&mut rng, if round % LONG_EVERY == 0 { lease } else { PAUSE_MIN }, PAUSE_MAX);
        sleep(pause).await;
        for who in victims {
            world.go_on(who)?;
        }
        world.faults.add_many(longer, u64::from(pause > lease));
    }
    close(world).await
}
