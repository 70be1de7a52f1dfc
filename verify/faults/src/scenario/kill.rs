//! kill -9 of anybody, at any moment, several at once; each starts again after a while.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use super::{Orders, Outcome, brisk, close, some_of};
use crate::Failure;
use crate::between::between;
use crate::world::{Plan, World};

/// So many are dead at once, at most.
const AT_ONCE: usize = 3;
/// How long everybody is left alone, and how long somebody is dead.
const PEACE_MAX: Duration = Duration::from_millis(800);
const DEAD_MAX: Duration = Duration::from_millis(1500);

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    let mut rng = Rng::with_seed(orders.seed);
    let mut world = World::open(Plan::new(orders, brisk())).await?;
    for kind in ["nameserver", "exporter", "caller"] {
        world.faults.add_many(format!("kill -9 of {kind}"), 0);
    }
    world.populate().await?;
    let begun = Instant::now();
    while begun.elapsed() < orders.time {
        sleep(between(&mut rng, Duration::from_millis(50), PEACE_MAX)).await;
        world.look_after()?;
        let victims = some_of(&mut rng, &world.everybody(), AT_ONCE);
        for who in &victims {
            world.kill(*who).await?;
        }
        // Somebody who serves only when others do comes back too, whatever the order.
        for who in &victims {
            sleep(between(&mut rng, Duration::ZERO, DEAD_MAX / AT_ONCE as u32)).await;
            world.start(*who)?;
        }
        for who in victims {
            world.ready(who).await?;
        }
    }
    close(world).await
}
