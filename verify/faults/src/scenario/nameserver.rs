//! kill -9 of the nameserver in a storm of registrations: nothing acknowledged is lost, nothing removed is back, and it
//! serves again soon.

#[path = "../../../../nameserver/tests/support/storm.rs"]
mod storm;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nameserver::command::Remote;
use rpc_runtime::Node;
use rpc_runtime::directory::nameserver::{NAMESERVER_INSTANCE, NameserverClient};
use tokio::time::sleep;

use super::{Orders, Outcome, brisk};
use crate::Failure;
use crate::audit::Counts;
use crate::between::between;
use crate::tally::Tally;
use crate::world::{Closed, Plan, Who, World};
use storm::Storm;

/// It is killed this long after the last calls that were waited for: in the middle of a commit, or between two.
const SOON: Duration = Duration::from_millis(60);
/// How soon it must serve again.
const SERVING_MAX: Duration = Duration::from_secs(1);

pub(super) async fn play(orders: Orders) -> Result<Outcome, Failure> {
    let mut rng = Rng::with_seed(orders.seed);
    let mut world = World::open(Plan::new(orders, brisk())).await?;
    let node = Node::builder().start().await?;
    let client = reach(&node, &world).await?;
    let storm = Storm::begin(&client, orders.seed);
    let mut slowest = Duration::ZERO;
    let begun = Instant::now();
    let mut kills = 0;
    while kills < orders.kills || begun.elapsed() < orders.time {
        storm.goes_on().await?;
        sleep(between(&mut rng, Duration::ZERO, SOON)).await;
        world.kill(Who::Nameserver).await?;
        kills += 1;
        let killed = Instant::now();
        world.start(Who::Nameserver)?;
        world.ready(Who::Nameserver).await?;
        // Serving is answering a caller that comes anew.
        reach(&node, &world).await?;
        slowest = slowest.max(killed.elapsed());
        let mut failure = None;
        let listed = async {
            list(&world).await.unwrap_or_else(|error| {
                failure = Some(error);
                BTreeMap::new()
            })
        };
        storm.check(listed).await;
        failure.map_or(Ok(()), Err)?;
    }
    let (counted, mut findings) = storm.end().await;
    let (lost, back) = (
        findings.iter().filter(|finding| finding.ends_with("is lost")).count(),
        findings.iter().filter(|finding| finding.ends_with("is back")).count(),
    );
    let double_executions = findings.iter().filter(|finding| finding.ends_with("was given twice")).count() as u64;
    if slowest > SERVING_MAX {
        findings.push(format!("serving again took {slowest:?}"));
    }
    let figures = vec![
        format!("{} registrations and {} ends acknowledged", counted.given, counted.ended),
        format!("{lost} acknowledged lost, {back} removed back"),
        format!("serving again after at most {slowest:.0?}"),
    ];
    let Closed { faults, findings: more, directory, .. } = world.close().await;
    findings.extend(more);
    let ok = counted.given + counted.ended;
    let (never, unknown) = (counted.never, counted.unknown);
    let counts = Counts { calls: counted.calls, ok, never, unknown, double_executions, ..Counts::default() };
    Ok(Outcome { counts, tally: Tally::default(), faults, figures, findings, directory })
}

/// A user stub of the nameserver, which goes on by itself after each restart.
async fn reach(node: &Node, world: &World) -> Result<NameserverClient, Failure> {
    Ok(node.import_at(world.nameserver(), NAMESERVER_INSTANCE).wait(SERVING_MAX).await?)
}

/// The numbers of all registrations, by instance.
async fn list(world: &World) -> Result<BTreeMap<String, u64>, Failure> {
    let entries = Remote::connect(world.nameserver()).await?.list(None).await?;
    Ok(entries.iter().map(|entry| (entry.instance.clone(), entry.epoch.number)).collect())
}
