//! Random walks of a caller and its callee through a network that cuts connections, and in half of the walks also
//! loses, copies and reorders what it carries. An oracle beside them knows only what really started and ended, and
//! holds every verdict against it.
//!
//! A failing seed is printed; [`walk`] of it repeats the walk.

mod callee;
mod caller;
mod oracle;

use std::time::Duration;

use uuid::Uuid;

use self::oracle::Oracle;
use super::budget::{ACTIVITY_BYTES, Budget, SESSION_BYTES};
use super::caller::{ACK_LAZILY_AFTER, Caller};
use super::control::{LastCall, Rejection};
use super::frame::{AnswerHeader, CallHeader};
use super::id::{AttachNumber, CallId, ConnectionId, Token};
use super::session::Session;
use super::testing::LIMITS;
use super::time::{CalleeTime, Time};

const SEEDS: u64 = 4_000;
const STEPS: usize = 600;
const SLOTS: u16 = 4;
const LEASE: Duration = Duration::from_secs(2);

/// I1, I2, I3, I4, I6, I7, I9, I12, I13, I20, I21: whatever the network does, no call runs twice, every verdict is
/// true for ever, every reply is its own, and in the end every call has its verdict and nothing is kept.
#[test]
fn no_walk_breaks_a_promise() {
    for seed in 0..SEEDS {
        if let Err(panic) = std::panic::catch_unwind(|| walk(seed)) {
            eprintln!("the walk of seed {seed} broke a promise");
            std::panic::resume_unwind(panic);
        }
    }
}

fn walk(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
        world.check();
    }
    world.heal();
}

#[derive(Clone)]
enum ToCallee {
    Attach(AttachNumber),
    Call(CallHeader, u32),
    Cancel { id: CallId, recorded: bool },
    Ack(CallId),
    Ping,
    Close,
}

#[derive(Clone)]
enum ToCaller {
    Attached,
    Reject(Rejection),
    Answer(AnswerHeader, u32),
    Goodbye(Vec<LastCall>),
}

/// A connection, with what is under way on it.
struct Wire {
    id: ConnectionId,
    /// Which session it is for.
    served: usize,
    /// Whether the caller has sent anything but the handshake, or may.
    is_attached: bool,
    to_callee: Vec<ToCallee>,
    to_caller: Vec<ToCaller>,
}

/// A session at the callee. Its handlers' results are the numbers of their calls.
struct Served {
    session: Session<u32>,
    queued: Vec<(CallHeader, u32)>,
    running: Vec<(CallHeader, u32)>,
}

struct World {
    random: fastrand::Rng,
    /// Whether connections lose, copy and reorder.
    is_messy: bool,
    now: Time,
    budget: Budget,
    oracle: Oracle,
    /// The callee's sessions, ended ones included.
    sessions: Vec<Served>,
    /// The caller's session, which is the last of `sessions`.
    caller: Option<Caller<u32>>,
    /// Calls that the caller has sent, some of them settled.
    sent: Vec<(CallId, u32)>,
    headers: Vec<CallHeader>,
    /// The caller's present connection.
    current: Option<ConnectionId>,
    /// It and older ones that the callee still reads.
    wires: Vec<Wire>,
    next_connection: u64,
}

impl World {
    fn new(seed: u64) -> World {
        // Neighbouring seeds begin alike.
        let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let budget = Budget::new(if random.bool() { 2_500 } else { 1 << 20 });
        World {
            is_messy: random.bool(),
            random,
            now: Time::ZERO,
            budget,
            oracle: Oracle::default(),
            sessions: Vec::new(),
            caller: None,
            sent: Vec::new(),
            headers: Vec::new(),
            current: None,
            wires: Vec::new(),
            next_connection: 0,
        }
    }

    fn step(&mut self) {
        match self.random.u8(..100) {
            0..14 => self.begin(),
            14..17 => self.give_up(),
            17..45 => self.deliver_to_callee(),
            45..70 => self.deliver_to_caller(),
            70..80 => self.end_handler(),
            80..86 => self.start_queued(),
            86..88 => self.cut(),
            88..93 => self.reconnect(),
            93..95 => self.notice_cut(),
            95..97 => self.pass_time(),
            97 => self.push(ToCallee::Ping),
            98 => match self.random.u8(..8) {
                0 => self.supersede(),
                1 => self.farewell(),
                2 => self.close(),
                _ => {}
            },
            _ => self.wait_for_acks(),
        }
    }

    /// Time in which nothing else happens, so that acks fall due.
    fn wait_for_acks(&mut self) {
        self.now = self.now + ACK_LAZILY_AFTER;
        self.say_acks();
    }

    /// The books are right and the bounds hold.
    fn check(&self) {
        self.sessions.iter().for_each(|served| served.session.check(LIMITS));
    }

    fn clock(&self) -> CalleeTime {
        CalleeTime(self.now.as_micros())
    }

    fn new_wire(&mut self, is_attached: bool) -> ConnectionId {
        self.next_connection += 1;
        let id = ConnectionId(self.next_connection);
        let served = self.sessions.len() - 1;
        self.wires.push(Wire { id, served, is_attached, to_callee: Vec::new(), to_caller: Vec::new() });
        self.current = Some(id);
        id
    }

    fn wire(&mut self, id: Option<ConnectionId>) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| Some(wire.id) == id)
    }

    /// The caller sends, if its session is attached.
    fn push(&mut self, frame: ToCallee) {
        let current = self.current;
        if let Some(wire) = self.wire(current).filter(|wire| wire.is_attached) {
            wire.to_callee.push(frame);
        }
    }

    fn is_attached(&mut self) -> bool {
        let current = self.current;
        self.wire(current).is_some_and(|wire| wire.is_attached)
    }

    /// The link heals, all handlers end: every call gets its verdict, and what was kept is acknowledged (I20).
    fn heal(&mut self) {
        self.is_messy = false;
        let lives = self.caller.is_some();
        // The leases of sessions that the caller has given up end.
        (0..self.sessions.len() - usize::from(lives)).for_each(|number| self.end_session(number));
        for _ in 0..3 {
            self.cut();
            while !self.wires.is_empty() {
                self.notice_cut();
            }
            self.reconnect();
            self.settle();
        }
        if let Some(caller) = &self.caller {
            assert_eq!(caller.unresolved(), 0, "a slot leaks");
            self.wait_for_acks();
            self.settle();
            let left = SESSION_BYTES + u64::from(SLOTS) * ACTIVITY_BYTES;
            assert_eq!(self.budget.used(), left, "a reply is kept for nobody");
        }
        self.oracle.has_told_everything();
        (0..self.sessions.len()).for_each(|number| self.end_session(number));
        assert_eq!(self.budget.used(), 0);
        assert!(self.sessions.iter().all(|served| served.session.running() == 0));
    }

    /// Goes on until nothing is under way.
    fn settle(&mut self) {
        let is_idle = |served: &Served| served.queued.is_empty() && served.running.is_empty();
        let is_quiet = |wire: &Wire| wire.to_callee.is_empty() && wire.to_caller.is_empty();
        while !(self.sessions.iter().all(is_idle) && self.wires.iter().all(is_quiet)) {
            self.deliver_to_callee();
            self.deliver_to_caller();
            self.start_queued();
            self.end_handler();
            self.check();
        }
    }
}

fn token(number: usize) -> Token {
    Token::new(Uuid::from_u128(number as u128))
}

/// The next frame that a connection delivers; none if it has none, or loses one.
fn take<F: Clone>(random: &mut fastrand::Rng, is_messy: bool, frames: &mut Vec<F>) -> Option<F> {
    if frames.is_empty() {
        return None;
    }
    if !is_messy {
        return Some(frames.remove(0));
    }
    let index = random.usize(..frames.len().min(4));
    match random.u8(..10) {
        0 => {
            frames.remove(index);
            None
        }
        1..3 => Some(frames[index].clone()),
        _ => Some(frames.remove(index)),
    }
}
