//! A proxy between callers and exporters that harms what passes through it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Orders, Outcome, brisk, close};
use crate::Failure;
use crate::proxy::Proxy;
use crate::world::{Plan, Who, World};

/// How often it is looked whether everybody lives.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    let mut plan = Plan::new(orders, brisk());
    // Some replies are swallowed that are not kept: «Completed» is the verdict then.
    plan.is_forgetful = true;
    let mut proxies = Vec::new();
    for (number, advertised) in plan.advertised.iter_mut().enumerate() {
        let proxy = Proxy::start(orders.seed.wrapping_add(number as u64)).await?;
        *advertised = Some(proxy.address());
        proxies.push(proxy);
    }
    let mut world = World::open(plan).await?;
    // Callers look for exporters, and wait, until these are all there.
    for number in 0..3 {
        world.start(Who::Exporter(number))?;
        let endpoint = world.ready(Who::Exporter(number)).await?;
        proxies[number as usize].lead_to(&endpoint)?;
    }
    for number in 0..2 {
        world.start(Who::Caller(number))?;
        world.ready(Who::Caller(number)).await?;
    }
    let begun = Instant::now();
    while begun.elapsed() < orders.time {
        sleep(LOOK_INTERVAL).await;
        world.look_after()?;
    }
    // What is under way has its answer before the world ends.
    proxies.iter().for_each(Proxy::calm);
    for proxy in &proxies {
        for (what, count) in proxy.harm().counts() {
            world.faults.add_many(what, count);
        }
    }
    let mut outcome = close(world).await?;
    let (resent, repeated) = (outcome.tally.resent, outcome.tally.answered_from_record);
    if resent == 0 || repeated == 0 {
        outcome.findings.push(format!("{resent} calls were resent, {repeated} arrived twice: nothing was tried"));
    }
    Ok(outcome)
}
