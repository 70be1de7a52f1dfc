//! A bad link between network namespaces, in user space: a TUN device in each, and tasks that carry packets from one
//! to another and do to them what bad links do. The same on every kernel, also one without `sch_netem`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tun_rs::{AsyncDevice, DeviceBuilder};

use crate::Failure;
use crate::namespaces::Namespace;

/// The devices' largest packet.
const MTU: u16 = 1400;
/// Packets on their way in one direction; a further one is lost, as in the queue of a router.
const UNDER_WAY_MAX: usize = 2000;

/// What happens to packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Shares of packets.
    pub(crate) lost: f64,
    pub(crate) doubled: f64,
    /// Packets that overtake others: they take half the time, or less.
    pub(crate) overtaking: f64,
    /// Each way's delay wanders between these two, and changes so often.
    pub(crate) delay_min: Duration,
    pub(crate) delay_max: Duration,
    pub(crate) delay_lasts: Duration,
}

/// What was done, in packets.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    pub(crate) carried: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) reordered: AtomicU64,
    /// Lost because the link was down.
    pub(crate) while_down: AtomicU64,
}

/// A link between namespaces. Dropping it takes its devices away.
pub(crate) struct Link {
    state: Arc<State>,
    /// One for each port; they end with the link.
    _carriers: JoinSet<()>,
}

struct State {
    ports: Vec<Port>,
    weather: Weather,
    is_up: AtomicBool,
    packets: Packets,
}

/// One end: a device in a namespace, and its address there.
struct Port {
    address: Ipv4Addr,
    device: AsyncDevice,
}

impl Link {
    /// Joins namespaces: each gets a device with the address beside it.
    pub(crate) fn new(ends: &[(&Namespace, Ipv4Addr)], weather: Weather, seed: u64) -> Result<Link, Failure> {
        let mut ports = Vec::new();
        for (number, (namespace, address)) in ends.iter().enumerate() {
            let name = format!("vf{}p{number}", std::process::id());
            // It is made here and then moved: what this process holds leads into the namespace.
            let device = DeviceBuilder::new().name(&name).mtu(MTU).enable(false).build_async()?;
            namespace.adopt(&name, &format!("{address}/24"))?;
            ports.push(Port { address: *address, device });
        }
        let state = Arc::new(State { ports, weather, is_up: AtomicBool::new(true), packets: Packets::default() });
        let mut carriers = JoinSet::new();
        for port in 0..ends.len() {
            carriers.spawn(carry(Arc::clone(&state), port, Rng::with_seed(seed.wrapping_add(port as u64))));
        }
        Ok(Link { state, _carriers: carriers })
    }

    /// Down, nothing gets through; up again, it is as before.
    pub(crate) fn set_up(&self, is_up: bool) {
        self.state.is_up.store(is_up, Ordering::Relaxed);
    }

    /// What was done so far.
    pub(crate) fn packets(&self) -> &Packets {
        &self.state.packets
    }
}

/// Carries what one port sends. Ends with the device, or when the link is dropped.
async fn carry(state: Arc<State>, port: usize, mut rng: Rng) {
    let mut delay = Wandering::new(state.weather);
    let room = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    let mut last_due = Instant::now();
    let mut packet = vec![0; usize::from(MTU)];
    while let Ok(bytes) = state.ports[port].device.recv(&mut packet).await {
        let Some(destination) = state.port_of(&packet[..bytes]) else { continue };
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        if !state.is_up.load(Ordering::Relaxed) {
            count(&state.packets.while_down);
            continue;
        }
        if rng.f64() < state.weather.lost {
            count(&state.packets.lost);
            continue;
        }
        let copies = if rng.f64() < state.weather.doubled { 2 } else { 1 };
        count(if copies == 2 { &state.packets.doubled } else { &state.packets.carried });
        for _ in 0..copies {
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                count(&state.packets.lost);
                continue;
            };
            let due = Instant::now() + delay.next(&mut rng);
            if due < last_due {
                count(&state.packets.reordered);
            }
            last_due = last_due.max(due);
            let (state, packet) = (Arc::clone(&state), packet[..bytes].to_vec());
            // Ends when the packet is delivered.
            tokio::spawn(async move {
                sleep_until(due).await;
                // A device that cannot take a packet loses it, as devices do.
                let _ = state.ports[destination].device.try_send(&packet);
                drop(place);
            });
        }
    }
}

impl State {
    /// The port that has the packet's destination. `None` for what is not IPv4, or for nobody here.
    fn port_of(&self, packet: &[u8]) -> Option<usize> {
        let (version, destination) = (packet.first()? >> 4, packet.get(16..20)?);
        let destination: [u8; 4] = destination.try_into().ok()?;
        self.ports.iter().position(|port| version == 4 && port.address.octets() == destination)
    }
}

/// A delay that wanders.
struct Wandering {
    weather: Weather,
    now: Duration,
    until: Instant,
}

impl Wandering {
    fn new(weather: Weather) -> Wandering {
        Wandering { weather, now: weather.delay_min, until: Instant::now() }
    }

    /// The next packet's.
    fn next(&mut self, rng: &mut Rng) -> Duration {
        let Weather { delay_min, delay_max, delay_lasts, overtaking, .. } = self.weather;
        if Instant::now() >= self.until {
            self.now = delay_min + (delay_max - delay_min).mul_f64(rng.f64());
            self.until = Instant::now() + delay_lasts.mul_f64(rng.f64() * 2.0);
        }
        if rng.f64() < overtaking { self.now.mul_f64(rng.f64() / 2.0) } else { self.now }
    }
}
