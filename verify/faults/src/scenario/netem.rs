//! Nameserver, exporters and callers in three network namespaces with a bad link between them: loss, delay,
//! reordering, duplication, and flaps up to longer than a session lives.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use super::{Orders, Outcome, close};
use crate::Failure;
use crate::between::between;
use crate::link::{Link, Weather};
use crate::namespaces::{self, Namespace};
use crate::settings::Timing;
use crate::world::{Place, Plan, World};

const WEATHER: Weather = Weather {
    lost: 0.05,
    doubled: 0.02,
    overtaking: 0.05,
    delay_min: Duration::from_millis(50),
    delay_max: Duration::from_millis(200),
    delay_lasts: Duration::from_secs(1),
};
/// Round trips are long here, and packets have to be sent again by TCP.
const TIMING: Timing = Timing {
    lease: Duration::from_secs(5),
    ttl: Duration::from_secs(5),
    ping: Duration::from_millis(400),
    dial: Duration::from_millis(2500),
    timeout_min: Duration::from_millis(100),
    timeout_max: Duration::from_secs(8),
};
/// How long the link is up, and how long it is down: also longer than a session lives.
const UP_MIN: Duration = Duration::from_millis(500);
const UP_MAX: Duration = Duration::from_secs(8);
const DOWN_MIN: Duration = Duration::from_millis(50);
const DOWN_MAX: Duration = Duration::from_secs(7);
/// One flap of so many is longer than the leases for certain.
const LONG_EVERY: u32 = 4;

/// Says what this machine lacks.
pub(super) fn check() -> Result<(), Failure> {
    namespaces::check()
}

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    namespaces::sweep()?;
    let mut rng = Rng::with_seed(orders.seed);
    // Dropped last, after the link and all processes.
    let spaces = [Namespace::new("nameserver")?, Namespace::new("exporters")?, Namespace::new("callers")?];
    let addresses = [1, 2, 3].map(|host| Ipv4Addr::new(10, 77, 0, host));
    let ends: Vec<_> = spaces.iter().zip(addresses).collect();
    let link = Link::new(&ends, WEATHER, orders.seed)?;

    let mut plan = Plan::new(orders, TIMING);
    let [nameserver, exporters, caller] =
        [0, 1, 2].map(|end| Place { namespace: Some(spaces[end].name().to_owned()), host: addresses[end].to_string() });
    (plan.nameserver, plan.exporters, plan.caller) = (nameserver, exporters, caller);
    // Calls take long here: many at once make many.
    plan.tasks = 16;
    plan.rest_max = Duration::from_millis(100);

    let mut world = World::open(plan).await?;
    let longer = "flaps longer than the leases";
    world.faults.add_many(longer, 0);
    world.populate().await?;
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < orders.time {
        sleep(between(&mut rng, UP_MIN, UP_MAX)).await;
        world.look_after()?;
        round += 1;
        let down = between(&mut rng, if round % LONG_EVERY == 0 { TIMING.lease } else { DOWN_MIN }, DOWN_MAX);
        link.set_up(false);
        sleep(down).await;
        link.set_up(true);
        world.faults.add("flaps");
        world.faults.add_many(longer, u64::from(down > TIMING.lease));
    }
    let packets = link.packets();
    let counts = [
        ("packets lost", &packets.lost),
        ("packets doubled", &packets.doubled),
        ("packets reordered", &packets.reordered),
        ("packets lost in flaps", &packets.while_down),
    ];
    for (what, count) in counts {
        world.faults.add_many(what, count.load(Ordering::Relaxed));
    }
    let carried = packets.carried.load(Ordering::Relaxed);
    let mut outcome = close(world).await?;
    outcome.figures.push(format!(
        "{carried} packets carried once by our own link between TUN devices (not tc netem): loss {:.0} %, doubled {:.0} %, \
         overtaking {:.0} %, delay {} to {} ms",
        WEATHER.lost * 100.0,
        WEATHER.doubled * 100.0,
        WEATHER.overtaking * 100.0,
        WEATHER.delay_min.as_millis(),
        WEATHER.delay_max.as_millis(),
    ));
    Ok(outcome)
}
