//! The hosts of a run, and what they share with the run outside of the simulated network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rpc_runtime::directory::MemoryDirectory;
use rpc_runtime::{Node, NodeBuilder};
use tokio::sync::Notify;
use turmoil::{Builder, Sim};

use crate::nameserver::Disk;
use crate::oracle::Oracle;
use crate::scenario::{Finding, Scenario};
use crate::{caller, exporter, nameserver, stranger};

/// Exporters by name.
const EXPORTERS: [&str; 3] = ["e0", "e1", "e2"];
/// Callers by name.
const CALLERS: [&str; 4] = ["c0", "c1", "c2", "c3"];
/// The port that every exporter listens at.
pub(crate) const PORT: u16 = 5000;

/// The callers of a scenario.
pub(crate) fn callers(scenario: &Scenario) -> &'static [&'static str] {
    &CALLERS[..scenario.callers]
}

/// The exporters of a scenario.
pub(crate) fn exporters(scenario: &Scenario) -> &'static [&'static str] {
    &EXPORTERS[..scenario.exporters]
}

/// What the hosts of a run share. Clones are the same world.
#[derive(Clone)]
pub struct World {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) oracle: Oracle,
    /// Where exporters are found, if it is everywhere at once.
    memory: Option<MemoryDirectory>,
    /// What the nameserver keeps, if there is one.
    disk: Option<Disk>,
    restarts: Arc<BTreeMap<&'static str, Notify>>,
}

impl World {
    /// The world of a scenario, before anything has happened in it.
    pub fn new(scenario: &Scenario) -> std::io::Result<World> {
        let has_nameserver = scenario.finding == Finding::Nameserver;
        Ok(World {
            scenario: Arc::new(scenario.clone()),
            oracle: Oracle::new(scenario.verdicts_owed),
            memory: (scenario.finding == Finding::Memory).then(MemoryDirectory::new),
            disk: if has_nameserver { Some(Disk::new()?) } else { None },
            restarts: Arc::new(exporters(scenario).iter().map(|host| (*host, Notify::new())).collect()),
        })
    }

    /// A node to be, with the run's limits, that finds exporters as the scenario says.
    pub(crate) fn node(&self) -> NodeBuilder {
        let node = Node::builder().limits(self.scenario.limits.clone());
        match (&self.memory, &self.disk) {
            (Some(directory), _) => node.directory(Arc::new(directory.clone())),
            (None, Some(_)) => node.nameserver(nameserver::ADDRESS),
            (None, None) => node,
        }
    }

    /// Every host, in the order of their addresses.
    pub fn hosts(&self) -> impl Iterator<Item = &'static str> {
        let nameserver = self.disk.as_ref().map(|_| nameserver::HOST);
        nameserver.into_iter().chain(exporters(&self.scenario).iter().chain(callers(&self.scenario)).copied())
    }

    /// How long a message takes at most.
    pub fn latency_max(&self) -> Duration {
        *self.scenario.latency.end()
    }

    /// Tells an exporter to end in order and to start again.
    pub fn order_restart(&self, exporter: &str) {
        if let Some(restart) = self.restarts.get(exporter) {
            restart.notify_one();
        }
    }

    /// Waits for that order.
    pub(crate) async fn restart_ordered(&self, exporter: &str) {
        match self.restarts.get(exporter) {
            Some(restart) => restart.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The simulated network with every host on it.
    pub fn simulation(&self, seed: u64) -> Sim<'static> {
        let scenario = &self.scenario;
        let mut sim = Builder::new()
            .rng_seed(seed)
            .enable_random_order()
            .epoch(SystemTime::UNIX_EPOCH)
            .tick_duration(scenario.tick)
            .min_message_latency(*scenario.latency.start())
            .max_message_latency(*scenario.latency.end())
            .tcp_capacity(scenario.tcp_capacity)
            .build();
        if let Some(disk) = self.disk.clone() {
            sim.host(nameserver::HOST, move || nameserver::software(disk.clone()));
        }
        for host in exporters(scenario) {
            let world = self.clone();
            sim.host(*host, move || exporter::software(world.clone(), host));
        }
        for host in callers(scenario) {
            let world = self.clone();
            sim.host(*host, move || caller::software(world.clone(), host));
        }
        if scenario.stranger {
            let world = self.clone();
            sim.host(stranger::HOST, move || stranger::software(world.clone()));
        }
        sim
    }
}
