//! Names under bad weather: exporters that take names over and give them up late, watchers that lose their connection, and a
//! nameserver that crashes, on a simulated network. The [`Book`] outside of the hosts knows what was acknowledged and
//! what was asked for, and checks the registry's promises: the epochs of a name rise, unregistering removes its own
//! registration only, a watch has no gap, and nothing that was acknowledged is lost.

mod book;
mod exporter;
mod watcher;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use rpc_runtime::planted::{self, Bug};
use turmoil::{Builder, Sim};

use crate::nameserver::{self, Disk, HOST};
use crate::outcome::{Counts, Outcome, Rule};
use crate::run::panic_text;
use crate::trace::{self, Tap};
pub use book::Book;

/// Hosts that register.
const EXPORTERS: [&str; 3] = ["r0", "r1", "r2"];
/// Hosts that watch.
const WATCHERS: [&str; 2] = ["w0", "w1"];
/// How long hosts register and faults are injected.
const ACTIVE: Duration = Duration::from_secs(6);
/// After everything was repaired, every host comes to its end within this.
const ENDED_WITHIN: Duration = Duration::from_secs(90);
/// What passes between two looks at the network.
const TICK: Duration = Duration::from_millis(2);
/// How long a message takes at most.
const LATENCY_MAX: Duration = Duration::from_millis(8);

/// Runs the registry's world under `seed` with `bugs` planted. With `in_words` it is told in [`Outcome::lines`].
pub fn run(seed: u64, bugs: &[Bug], in_words: bool) -> Outcome {
    let book = Book::default();
    tracing::subscriber::with_default(Tap { with_log: in_words }, || {
        planted::with(bugs, || {
            fastrand::seed(seed);
            let panicked = catch_unwind(AssertUnwindSafe(|| simulate(seed, &book, in_words)));
            if let Err(panic) = panicked {
                book.violation(Rule::Panic, panic_text(&*panic));
            }
        });
    });
    let (hash, network_events, lines) = trace::end();
    let (violations, registrations) = book.result();
    let counts = Counts { seeds: 1, calls: registrations, network_events, ..Counts::default() };
    Outcome { seed, hash, violations, counts, lines }
}

fn simulate(seed: u64, book: &Book, in_words: bool) {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(error) => return book.violation(Rule::Panic, format!("no disk for the nameserver: {error}")),
    };
    let mut sim = world(seed, book, disk);
    let names: BTreeMap<_, _> = hosts().map(|host| (sim.lookup(host).to_string(), host)).collect();
    trace::begin(names, in_words);
    let mut to_come = draw(seed);
    let mut present = Vec::new();
    while sim.elapsed() < ACTIVE {
        while let Some(fault) = to_come.pop_if(|fault| fault.at <= sim.elapsed()) {
            trace::event(format_args!("FAULT {fault:?}"));
            fault.begin(&mut sim);
            present.push(fault);
        }
        let now = sim.elapsed();
        for fault in present.extract_if(.., |fault| fault.until <= now).collect::<Vec<_>>() {
            trace::event(format_args!("repaired {fault:?}"));
            fault.repair(&mut sim);
        }
        step(&mut sim, book);
    }
    trace::event(format_args!("everything is repaired"));
    present.iter().for_each(|fault| fault.repair(&mut sim));
    while book.hosts_done() < EXPORTERS.len() + WATCHERS.len() {
        if sim.elapsed() > ACTIVE + ENDED_WITHIN {
            return book.violation(Rule::Hang, "the hosts do not come to an end".to_owned());
        }
        step(&mut sim, book);
    }
}

/// Every host, in the order of their addresses.
fn hosts() -> impl Iterator<Item = &'static str> {
    [HOST].into_iter().chain(EXPORTERS).chain(WATCHERS)
}

fn world(seed: u64, book: &Book, disk: Disk) -> Sim<'static> {
    let mut sim = Builder::new()
        .rng_seed(seed)
        .enable_random_order()
        .epoch(SystemTime::UNIX_EPOCH)
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(LATENCY_MAX)
        .tcp_capacity(1024)
        .build();
    sim.host(HOST, move || nameserver::software(disk.clone()));
    for host in EXPORTERS {
        let book = book.clone();
        sim.host(host, move || exporter::software(book.clone(), host));
    }
    for host in WATCHERS {
        let book = book.clone();
        sim.host(host, move || watcher::software(book.clone(), host));
    }
    sim
}

fn step(sim: &mut Sim<'_>, book: &Book) {
    trace::set_now(sim.elapsed());
    if let Err(error) = sim.step() {
        book.violation(Rule::Panic, format!("a host's software ended: {error}"));
    }
}

/// One thing that goes wrong.
#[derive(Debug)]
struct Fault {
    at: Duration,
    until: Duration,
    kind: FaultKind,
    /// To this host, or between it and the nameserver.
    host: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum FaultKind {
    /// What the two send to each other is lost.
    Cut,
    /// What the host sends is lost.
    Deaf,
    /// What the nameserver sends is lost.
    Dumb,
    /// What they send comes late, all at once.
    Hold,
    /// The host is killed, and started again later.
    Kill,
    /// The nameserver is killed, and started again later.
    KillNameserver,
}

/// The faults of a run, the last first.
fn draw(seed: u64) -> Vec<Fault> {
    use FaultKind::{Cut, Deaf, Dumb, Hold, Kill, KillNameserver};
    let random = &mut Rng::with_seed(seed ^ 0x2a3e_5000);
    let kinds = [Cut, Deaf, Dumb, Hold, Kill, KillNameserver, KillNameserver];
    let mut faults: Vec<_> = (0..random.u32(2..=12))
        .map(|_| {
            let at = Duration::from_millis(random.u64(50..ACTIVE.as_millis() as u64));
            let until = at + Duration::from_millis(random.u64(5..=2000));
            let kind = kinds[random.usize(..kinds.len())];
            let host = (EXPORTERS.iter().chain(&WATCHERS).nth(random.usize(..5))).copied().unwrap_or(EXPORTERS[0]);
            Fault { at, until, kind, host }
        })
        .collect();
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.at));
    faults
}

impl Fault {
    fn begin(&self, sim: &mut Sim<'_>) {
        match self.kind {
            FaultKind::Cut => sim.partition(self.host, HOST),
            FaultKind::Deaf => sim.partition_oneway(self.host, HOST),
            FaultKind::Dumb => sim.partition_oneway(HOST, self.host),
            FaultKind::Hold => sim.hold(self.host, HOST),
            FaultKind::Kill => sim.crash(self.host),
            FaultKind::KillNameserver => sim.crash(HOST),
        }
    }

    fn repair(&self, sim: &mut Sim<'_>) {
        match self.kind {
            FaultKind::Cut | FaultKind::Deaf | FaultKind::Dumb => sim.repair(self.host, HOST),
            FaultKind::Hold => sim.release(self.host, HOST),
            FaultKind::Kill => start_again(self.host, sim),
            FaultKind::KillNameserver => start_again(HOST, sim),
        }
    }
}

/// Starts a host that is down.
fn start_again(host: &str, sim: &mut Sim<'_>) {
    if !sim.is_host_running(host) {
        sim.bounce(host);
    }
}
