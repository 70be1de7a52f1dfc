//! What a run is about: how many hosts, which limits, which calls, which faults. All durations are the run's own time.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;
use rpc_runtime::Limits;

/// What a run is about. Give [`Scenario::drawn`] for one of all kinds, or begin with [`Scenario::calm`] and make the faults
/// that matter frequent.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Callers: hosts `c0`, `c1`, …
    pub callers: usize,
    /// Exporters: hosts `e0`, `e1`, …
    pub exporters: usize,
    /// Tasks of each caller that make calls one after another.
    pub workers: usize,
    /// How callers find exporters.
    pub finding: Finding,
    /// Whether bindings are pinned to one life of their exporter.
    pub pinned: bool,
    /// Whether callers prove who they are, so that a new life ends the sessions of the one before.
    pub owners: bool,
    /// Whether a stranger tries to attach the callers' sessions.
    pub stranger: bool,
    /// How long calls are made and faults injected.
    pub active: Duration,
    /// How long the nameserver keeps a registration without hearing from its exporter.
    pub ttl: Duration,
    /// How long an exporter that ends in order waits for its calls.
    pub shutdown: Duration,
    /// What passes between two looks at the network.
    pub tick: Duration,
    /// How long a message takes.
    pub latency: RangeInclusive<Duration>,
    /// Segments that a connection may have under way in one direction.
    pub tcp_capacity: usize,
    /// The bounds of every node.
    pub limits: Limits,
    /// Which calls are made.
    pub calls: CallMix,
    /// What goes wrong.
    pub faults: FaultMix,
    /// Whether each call that is waited for must get its verdict (I20): true where no fault lasts as long as a lease, nobody
    /// crashes, and deadlines are far away.
    pub verdicts_owed: bool,
}

/// How callers find exporters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// By a fixed address.
    Address,
    /// By a directory that is always there and right.
    Memory,
    /// By a nameserver: host `ns`.
    Nameserver,
}

/// Which calls are made. Weights are out of 100.
#[derive(Debug, Clone)]
pub struct CallMix {
    /// How long callers wait, in milliseconds.
    pub timeout: RangeInclusive<u32>,
    /// How long exporters work, in milliseconds.
    pub work: RangeInclusive<u32>,
    /// How long a worker rests between two calls, in milliseconds.
    pub pause: RangeInclusive<u32>,
    /// Calls that are ready at once.
    pub instant: u32,
    /// Calls with a large reply.
    pub large: u32,
    /// How large it is, in bytes.
    pub large_bytes: RangeInclusive<u32>,
    /// Calls that fail in the exporter.
    pub failing: u32,
    /// Calls that may run twice.
    pub idempotent: u32,
    /// Calls that nobody waits for.
    pub oneway: u32,
    /// Calls whose future is dropped.
    pub dropped: u32,
    /// Calls that end when they hear that their caller gave up.
    pub giving_up: u32,
    /// Calls after which the worker makes a new binding.
    pub rebinding: u32,
    /// Calls with streams, in place of the others.
    pub streams: StreamMix,
}

/// Which calls with streams are made. Weights are out of 100.
#[derive(Debug, Clone)]
pub struct StreamMix {
    /// How many of all calls.
    pub weight: u32,
    /// Items that a producer gives.
    pub items: RangeInclusive<u32>,
    /// How large each is, in bytes.
    pub bytes: RangeInclusive<u32>,
    /// How long the producer takes for each, in milliseconds.
    pub pause: RangeInclusive<u32>,
    /// How long the consumer takes for each, in milliseconds.
    pub slow: RangeInclusive<u32>,
    /// Streams whose producer fails in the end.
    pub failing: u32,
    /// Streams whose consumer goes away before the end.
    pub left: u32,
}

/// What goes wrong, how often, for how long.
#[derive(Debug, Clone)]
pub struct FaultMix {
    /// Which kinds, each as likely as the others; one that is there twice is twice as likely.
    pub kinds: Vec<FaultKind>,
    /// How many.
    pub count: RangeInclusive<u32>,
    /// How long each lasts, in milliseconds.
    pub millis: RangeInclusive<u32>,
}

/// A kind of fault. Those of a link are between a caller and an exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// What one host sends to another is lost.
    OneWay,
    /// What two hosts send to each other is lost.
    Cut,
    /// What two hosts send to each other comes late, all at once.
    Hold,
    /// Connections that are there stand still; new ones work; then the old ones' bytes come.
    Freeze,
    /// A link is slow.
    Slow,
    /// A link loses what is under way, now and then.
    Lossy,
    /// An exporter is killed, and started again later.
    KillExporter,
    /// An exporter loses power: nobody hears of it. It is started again later.
    PowerLoss,
    /// An exporter is ended in order, and started again at once.
    Restart,
    /// A caller is killed, and started again later.
    KillCaller,
    /// The nameserver is killed, and started again later.
    KillNameserver,
    /// What the nameserver and another host send to each other is lost.
    CutNameserver,
}

/// As good as no bound.
const LARGE: u64 = 256 * 1024 * 1024;
/// What can happen to links.
const OF_LINKS: [FaultKind; 6] =
    [FaultKind::OneWay, FaultKind::Cut, FaultKind::Hold, FaultKind::Freeze, FaultKind::Slow, FaultKind::Lossy];
/// What can happen to hosts.
const OF_HOSTS: [FaultKind; 4] =
    [FaultKind::KillExporter, FaultKind::PowerLoss, FaultKind::Restart, FaultKind::KillCaller];
/// What can happen to the nameserver.
const OF_NAMESERVER: [FaultKind; 2] = [FaultKind::KillNameserver, FaultKind::CutNameserver];

impl CallMix {
    /// Calls of all kinds.
    pub fn mixed() -> CallMix {
        CallMix {
            timeout: 200..=3000,
            work: 1..=300,
            pause: 0..=60,
            instant: 50,
            large: 10,
            large_bytes: 500..=20_000,
            failing: 5,
            idempotent: 10,
            oneway: 5,
            dropped: 8,
            giving_up: 30,
            rebinding: 1,
            streams: StreamMix::mixed(),
        }
    }

    /// Calls that may run once only, and that their callers wait for.
    pub fn plain() -> CallMix {
        CallMix {
            large: 0,
            failing: 0,
            idempotent: 0,
            oneway: 0,
            dropped: 0,
            giving_up: 0,
            rebinding: 0,
            streams: StreamMix { weight: 0, ..StreamMix::mixed() },
            ..Self::mixed()
        }
    }
}

impl StreamMix {
    /// Streams of all kinds.
    pub fn mixed() -> StreamMix {
        StreamMix { weight: 10, items: 0..=12, bytes: 0..=1500, pause: 0..=20, slow: 0..=20, failing: 15, left: 20 }
    }

    fn drawn(random: &mut Rng) -> StreamMix {
        StreamMix {
            weight: *pick(random, &[0, 3, 10]),
            items: pick(random, &[0..=2, 0..=12, 10..=40]).clone(),
            bytes: pick(random, &[0..=100, 0..=1500, 3000..=12_000]).clone(),
            pause: pick(random, &[0..=0, 0..=20, 0..=100]).clone(),
            slow: pick(random, &[0..=0, 0..=20, 0..=100]).clone(),
            failing: *pick(random, &[0, 15]),
            left: *pick(random, &[0, 20]),
        }
    }
}

impl Scenario {
    /// Three callers, two exporters, and nothing goes wrong. Time is short here: a session lives two seconds.
    pub fn calm() -> Scenario {
        let mut limits = Limits::default();
        limits.session_lease = Duration::from_secs(2);
        limits.ping_after = Duration::from_millis(150);
        limits.dial_timeout = Duration::from_millis(400);
        limits.handshake_timeout = Duration::from_millis(400);
        limits.write_timeout = Duration::from_millis(800);
        limits.slots_max = 8;
        limits.handlers_max = 64;
        Scenario {
            callers: 3,
            exporters: 2,
            workers: 3,
            finding: Finding::Address,
            pinned: false,
            owners: false,
            stranger: false,
            active: Duration::from_secs(5),
            ttl: Duration::from_secs(1),
            shutdown: Duration::from_millis(400),
            tick: Duration::from_millis(2),
            latency: Duration::from_millis(1)..=Duration::from_millis(10),
            tcp_capacity: 128,
            limits,
            calls: CallMix::mixed(),
            faults: FaultMix::none(),
            verdicts_owed: false,
        }
    }

    /// The scenario of this seed: of each quantity something, of the faults some kinds only, so that each kind is at times
    /// the one that matters.
    pub fn drawn(seed: u64) -> Scenario {
        let random = &mut Rng::with_seed(seed ^ 0x5ce9_a210);
        let mut scenario = match random.u32(..4) {
            0 => Scenario::links_only(),
            _ => Scenario { faults: FaultMix::drawn(random), ..Scenario::calm() },
        };
        scenario.finding = *pick(random, &[Finding::Address, Finding::Memory, Finding::Nameserver]);
        if scenario.finding == Finding::Nameserver {
            scenario.faults.kinds.extend(OF_NAMESERVER.into_iter().filter(|_| random.bool()));
        }
        scenario.callers = random.usize(1..=3);
        scenario.workers = *pick(random, &[1, 3, 8]);
        scenario.owners = random.bool();
        scenario.pinned = !scenario.verdicts_owed && random.u32(..5) == 0;
        scenario.active = Duration::from_secs(random.u64(3..=7));
        scenario.latency = Duration::from_millis(1)..=Duration::from_millis(*pick(random, &[2, 10, 40]));
        scenario.tcp_capacity = *pick(random, &[64, 128, 1024]);
        scenario.shutdown = Duration::from_millis(*pick(random, &[0, 400, 2000]));
        scenario.draw_limits(random);
        scenario.draw_calls(random);
        scenario.calls.streams = StreamMix::drawn(random);
        scenario.limits.streams_max = *pick(random, &[2, 1024]);
        scenario.limits.session_streams_max = *pick(random, &[1, 256]);
        scenario
    }

    fn draw_limits(&mut self, random: &mut Rng) {
        let (limits, faults_are_short) = (&mut self.limits, self.verdicts_owed);
        limits.slots_max = *pick(random, &[1, 2, 4, 16]);
        limits.handlers_max = *pick(random, &[1, 3, 64]);
        limits.session_reply_bytes_max = *pick(random, &[4096, 64 * 1024]);
        limits.out_bytes_max = *pick(random, &[2048, 4 * 1024 * 1024]);
        if !faults_are_short {
            limits.session_lease = Duration::from_millis(*pick(random, &[600, 2000, 5000]));
            limits.record_bytes_max = *pick(random, &[64 * 1024, LARGE, LARGE]);
            limits.session_queued_bytes_max = *pick(random, &[2048, LARGE as usize, LARGE as usize]);
        }
    }

    fn draw_calls(&mut self, random: &mut Rng) {
        let calls = &mut self.calls;
        // Where few handlers run at once, long calls would still be queued when everything must be well again.
        let has_room = self.limits.handlers_max > 8;
        calls.work = if has_room { pick(random, &[1..=300, 1..=3000, 200..=1500]).clone() } else { 1..=150 };
        calls.pause = pick(random, &[0..=5, 0..=60, 100..=400]).clone();
        calls.instant = *pick(random, &[20, 50, 90]);
        calls.dropped = *pick(random, &[0, 8, 30]);
        if !self.verdicts_owed {
            calls.timeout = pick(random, &[50..=500, 200..=3000, 1000..=8000]).clone();
            calls.rebinding = *pick(random, &[0, 1, 5]);
        }
    }

    /// How long bindings may take to find their exporters again after everything was repaired. A segment that is lost is lost
    /// for good here, so that a connection with a gap is one until its pings are missed: those to the nameserver, with the
    /// default limits, after 20 s.
    pub fn healed_within(&self) -> Duration {
        match self.finding {
            Finding::Address | Finding::Memory => Duration::from_secs(3),
            Finding::Nameserver => Duration::from_secs(25),
        }
    }

    /// No host crashes and no fault lasts long, so that every call must get its verdict.
    pub fn links_only() -> Scenario {
        let mut scenario = Scenario::calm();
        scenario.faults = FaultMix { kinds: OF_LINKS.to_vec(), count: 3..=12, millis: 5..=900 };
        scenario.limits.session_lease = Duration::from_secs(10);
        // A binding to a group gives its session up when the nameserver does not list the exporter any more.
        scenario.ttl = Duration::from_secs(60);
        scenario.calls.timeout = 20_000..=20_000;
        scenario.calls.rebinding = 0;
        scenario.verdicts_owed = true;
        scenario
    }
}

impl FaultMix {
    /// Nothing goes wrong.
    pub fn none() -> FaultMix {
        FaultMix { kinds: Vec::new(), count: 0..=0, millis: 0..=0 }
    }

    /// Faults of these kinds.
    pub fn of(kinds: &[FaultKind], count: RangeInclusive<u32>, millis: RangeInclusive<u32>) -> FaultMix {
        FaultMix { kinds: kinds.to_vec(), count, millis }
    }

    fn drawn(random: &mut Rng) -> FaultMix {
        FaultMix {
            kinds: OF_LINKS.into_iter().chain(OF_HOSTS).filter(|_| random.bool()).collect(),
            count: pick(random, &[1..=4, 5..=15, 15..=40]).clone(),
            millis: pick(random, &[2..=300, 100..=2500]).clone(),
        }
    }
}

pub(crate) fn pick<'a, T>(random: &mut Rng, of: &'a [T]) -> &'a T {
    &of[random.usize(..of.len())]
}
