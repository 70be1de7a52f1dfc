//! The software of an exporter's host: one life after another.

use std::time::Duration;

use rpc_runtime::RegisterMode;
use tokio::time::{interval, sleep};

use crate::service::{CounterServer, MyCounter};
use crate::world::{PORT, World};

/// How long a life that cannot begin waits: its port, or its name, may not be free yet.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the node's counters are written down: a crash forgets what came after.
pub(crate) const COUNTERS_AFTER: Duration = Duration::from_millis(100);

/// Exports until it is crashed; ends and begins anew when it is told to.
pub async fn software(world: World, host: &'static str) -> turmoil::Result {
    loop {
        if life(&world, host).await.is_none() {
            sleep(PAUSE).await;
        }
    }
}

/// One life, to its ordered end; `None` if it could not begin.
async fn life(world: &World, host: &'static str) -> Option<()> {
    let node = world.node().listen(format!("0.0.0.0:{PORT}")).advertise(format!("{host}:{PORT}"));
    let node = node.start().await.ok()?;
    let life = world.oracle.new_life(host, node.incarnation());
    let _alive = Alive(world, life);
    let counter = CounterServer::new(MyCounter::new(world.oracle.clone(), life));
    // A killed life's registration stands until its lease ends: the next life takes the name over.
    let export =
        node.export(host, counter).group("counters").mode(RegisterMode::Takeover).owner(host).ttl(world.scenario.ttl);
    let export = export.await.ok()?;
    let mut due = interval(COUNTERS_AFTER);
    let restart = world.restart_ordered(host);
    tokio::pin!(restart);
    loop {
        tokio::select! {
            () = &mut restart => break,
            _ = due.tick() => {
                world.oracle.exporter(life, node.stats());
                world.oracle.streams_open(life, Some(node.streams_open()));
            }
        }
    }
    node.shutdown(world.scenario.shutdown).await;
    world.oracle.exporter(life, node.stats());
    drop(export);
    Some(())
}

/// A life of an exporter, to its end, whichever that is.
struct Alive<'a>(&'a World, u64);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.oracle.streams_open(self.1, None);
    }
}
