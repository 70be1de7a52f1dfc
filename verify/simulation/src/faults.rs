//! What goes wrong in a run: drawn beforehand from the run's seed, then done to the simulated network.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;
use turmoil::{Protocol, Segment, Sim};

use crate::nameserver;
use crate::scenario::{FaultKind, Scenario, pick};
use crate::trace;
use crate::world::{World, callers, exporters};

/// How often a lossy link loses.
const LOSS_RATE: f64 = 0.05;
/// How much longer a message takes on a slow link, at most.
const SLOW: Duration = Duration::from_millis(250);

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// When it is repaired.
    pub until: Duration,
    /// What it is.
    pub kind: FaultKind,
    /// The host that it happens to, or the sending end of the link.
    pub host: &'static str,
    /// The other end of the link.
    pub peer: &'static str,
}

/// The faults of a run, in the order in which they begin.
pub fn draw(seed: u64, scenario: &Scenario) -> Vec<Fault> {
    let random = &mut Rng::with_seed(seed ^ 0xfa01_7500);
    let mix = &scenario.faults;
    let mut faults = Vec::new();
    for _ in 0..if mix.kinds.is_empty() { 0 } else { random.u32(mix.count.clone()) } {
        let at = Duration::from_millis(random.u64(50..scenario.active.as_millis() as u64));
        let until = at + Duration::from_millis(random.u32(mix.millis.clone()).into());
        let kind = *pick(random, &mix.kinds);
        let (caller, exporter) = (*pick(random, callers(scenario)), *pick(random, exporters(scenario)));
        let is_of_exporter = match kind {
            FaultKind::KillExporter | FaultKind::PowerLoss | FaultKind::Restart => true,
            FaultKind::KillCaller => false,
            _ => random.bool(),
        };
        let (host, peer) = match (kind, is_of_exporter) {
            (FaultKind::KillNameserver | FaultKind::CutNameserver, true) => (nameserver::HOST, exporter),
            (FaultKind::KillNameserver | FaultKind::CutNameserver, false) => (nameserver::HOST, caller),
            (_, true) => (exporter, caller),
            (_, false) => (caller, exporter),
        };
        faults.push(Fault { at, until, kind, host, peer });
    }
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// What is wrong at present.
#[derive(Default)]
pub struct Faults {
    present: Vec<Fault>,
    frozen: Vec<Frozen>,
}

/// A link whose old connections stand still.
struct Frozen {
    hosts: [&'static str; 2],
    addresses: [IpAddr; 2],
    /// Connections that began since, by the addresses of both ends.
    flowing: BTreeSet<(SocketAddr, SocketAddr)>,
}

impl Faults {
    /// Begins what is due, and repairs what is over.
    pub fn step(&mut self, now: Duration, to_come: &mut Vec<Fault>, sim: &mut Sim<'_>, world: &World) {
        while let Some(fault) = to_come.pop_if(|fault| fault.at <= now) {
            trace::event(format_args!("FAULT {:?} {} {} until {:?}", fault.kind, fault.host, fault.peer, fault.until));
            self.begin(&fault, sim, world);
            self.present.push(fault);
        }
        for fault in self.present.extract_if(.., |fault| fault.until <= now).collect::<Vec<_>>() {
            trace::event(format_args!("repaired {:?} {} {}", fault.kind, fault.host, fault.peer));
            self.repair(&fault, sim, world);
        }
        for frozen in &mut self.frozen {
            frozen.let_new_ones_through(sim);
        }
    }

    /// Repairs everything.
    pub fn heal(&mut self, sim: &mut Sim<'_>, world: &World) {
        trace::event(format_args!("everything is repaired"));
        self.present.clear();
        self.frozen.clear();
        sim.set_fail_rate(0.0);
        for (position, host) in world.hosts().enumerate() {
            for peer in world.hosts().skip(position + 1) {
                sim.release(host, peer);
                sim.set_link_max_message_latency(host, peer, world.latency_max());
                sim.set_link_fail_rate(host, peer, 0.0);
            }
            start_again(host, sim);
        }
    }

    fn begin(&mut self, fault: &Fault, sim: &mut Sim<'_>, world: &World) {
        let (host, peer) = (fault.host, fault.peer);
        match fault.kind {
            FaultKind::OneWay => sim.partition_oneway(host, peer),
            FaultKind::Cut | FaultKind::CutNameserver => sim.partition(host, peer),
            FaultKind::Hold => sim.hold(host, peer),
            FaultKind::Freeze => {
                sim.hold(host, peer);
                let addresses = [sim.lookup(host), sim.lookup(peer)];
                self.frozen.push(Frozen { hosts: [host, peer], addresses, flowing: BTreeSet::new() });
            }
            FaultKind::Slow => sim.set_link_max_message_latency(host, peer, world.latency_max() + SLOW),
            FaultKind::Lossy => sim.set_link_fail_rate(host, peer, LOSS_RATE),
            FaultKind::KillExporter | FaultKind::KillCaller | FaultKind::KillNameserver => sim.crash(host),
            FaultKind::PowerLoss => {
                for other in world.hosts().filter(|other| *other != host) {
                    sim.partition(host, other);
                }
                sim.crash(host);
            }
            FaultKind::Restart => world.order_restart(host),
        }
    }

    fn repair(&mut self, fault: &Fault, sim: &mut Sim<'_>, world: &World) {
        let (host, peer) = (fault.host, fault.peer);
        match fault.kind {
            FaultKind::OneWay => sim.repair_oneway(host, peer),
            FaultKind::Cut | FaultKind::CutNameserver => sim.repair(host, peer),
            FaultKind::Hold => sim.release(host, peer),
            FaultKind::Freeze => {
                self.frozen.retain(|frozen| frozen.hosts != [host, peer]);
                sim.release(host, peer);
            }
            FaultKind::Slow => sim.set_link_max_message_latency(host, peer, world.latency_max()),
            FaultKind::Lossy => sim.set_link_fail_rate(host, peer, 0.0),
            FaultKind::KillExporter | FaultKind::KillCaller | FaultKind::KillNameserver => start_again(host, sim),
            FaultKind::PowerLoss => {
                for other in world.hosts().filter(|other| *other != host) {
                    sim.release(host, other);
                }
                start_again(host, sim);
            }
            FaultKind::Restart => {}
        }
    }
}

/// Starts a host that is down.
fn start_again(host: &str, sim: &mut Sim<'_>) {
    if !sim.is_host_running(host) {
        sim.bounce(host);
    }
}

impl Frozen {
    /// Delivers what belongs to connections that began since the link was frozen; the rest stays held.
    fn let_new_ones_through(&mut self, sim: &Sim<'_>) {
        sim.links(|links| {
            let addresses = self.addresses;
            let of_these = |(a, b): (IpAddr, IpAddr)| addresses == [a, b] || addresses == [b, a];
            for link in links.filter(|link| of_these(link.pair())) {
                for sent in link {
                    let (from, to) = sent.pair();
                    if matches!(sent.protocol(), Protocol::Tcp(Segment::Syn(_))) {
                        self.flowing.insert((from, to));
                    }
                    if self.flowing.contains(&(from, to)) || self.flowing.contains(&(to, from)) {
                        sent.deliver();
                    }
                }
            }
        });
    }
}
