//! A state of a small world: the protocol's own machines on both sides, what is under way between them, and the oracle.

use rpc_runtime::protocol::budget::{ACTIVITY_BYTES, Budget, SESSION_BYTES};
use rpc_runtime::protocol::caller::Caller;
use rpc_runtime::protocol::id::{ConnectionId, Incarnation, SessionId, Token};
use rpc_runtime::protocol::session::Session;
use rpc_runtime::protocol::time::{CalleeTime, ClockReading, Time};
use std::time::Duration;
use uuid::Uuid;

use crate::invariant::Invariant;
use crate::oracle::{End, Oracle, SessionName};
use crate::setup::{CALLERS, Faults, SLOTS, Setup};
use crate::wire::Wire;

/// How far apart the clocks of the two sides are, in nanoseconds, and how long a tick is.
const SKEW: u64 = 7_000_000_000;
const TICK: u64 = 1_000_000_000;
/// How long urgent calls may wait: not until the next tick.
pub const URGENT: Duration = Duration::from_nanos(TICK / 2);

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What may still go wrong.
    pub left: Faults,
    /// How often the clocks have gone on.
    pub tick: u8,
    /// The callers.
    pub callers: Vec<CallerSide>,
    /// The callee.
    pub callee: CalleeSide,
    /// Connections, by their numbers.
    pub wires: Vec<Wire>,
    /// What really happened.
    pub oracle: Oracle,
}

/// A caller with its present session and connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CallerSide {
    /// Its session.
    pub session: Option<OpenSession>,
    /// Its connection.
    pub wire: Option<ConnectionId>,
    /// Whether the session is bound to the connection, as far as the caller knows.
    pub is_attached: bool,
    /// Whether it makes no further calls.
    pub has_closed: bool,
}

/// A session as its caller knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpenSession {
    /// Its name.
    pub name: SessionName,
    /// The machine that is checked. Calls are numbers.
    pub calls: Caller<u8>,
    /// The callee's clock.
    pub reading: ClockReading,
    /// Whether the callee takes no new calls.
    pub is_leaving: bool,
}

/// The callee.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CalleeSide {
    /// Which incarnation it is.
    pub life: u8,
    /// Whether it takes no new calls.
    pub is_draining: bool,
    /// The machine that is checked.
    pub budget: Budget,
    /// Its sessions, ended ones too as long as something is left of them.
    pub sessions: Vec<Served>,
    /// How many sessions each caller has opened in this life.
    pub opened: [u8; CALLERS as usize],
}

/// A session at the callee.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Served {
    /// The machine that is checked. Replies are the numbers of their calls.
    pub session: Session<u8>,
    /// Whose it is.
    pub caller: u8,
    /// Calls that wait for their turn.
    pub queued: Vec<u8>,
    /// Calls that run.
    pub running: Vec<u8>,
    /// Why it is over. Of its machine nothing is believed.
    pub end: Option<End>,
}

impl World {
    /// The world before anything has happened.
    pub fn new(setup: &Setup) -> World {
        World {
            left: setup.faults,
            tick: 0,
            callers: vec![CallerSide::default(); usize::from(CALLERS)],
            callee: CalleeSide::new(0, setup),
            wires: Vec::new(),
            oracle: Oracle::new(setup.calls.len()),
        }
    }

    /// The time on the callers' clocks.
    pub fn caller_now(&self) -> Time {
        Time::from_nanos(u64::from(self.tick) * TICK)
    }

    /// The time on the callee's clock.
    pub fn callee_now(&self) -> Time {
        Time::from_nanos(SKEW + u64::from(self.tick) * TICK)
    }

    /// The same as it crosses the wire.
    pub fn callee_clock(&self) -> CalleeTime {
        CalleeTime(self.callee_now().as_micros())
    }

    /// A caller.
    pub fn caller(&mut self, caller: u8) -> &mut CallerSide {
        &mut self.callers[usize::from(caller)]
    }

    /// A connection that is still there.
    pub fn wire(&mut self, id: ConnectionId) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| wire.id == id)
    }

    /// Whether the caller that dialled it still has it.
    pub fn is_held(&self, wire: &Wire) -> bool {
        self.callers[usize::from(wire.caller)].wire == Some(wire.id)
    }

    /// A connection of `caller`, with the smallest number that names no other.
    pub fn dial(&mut self, caller: u8, session: Option<SessionId>) -> &mut Wire {
        let is_free = |id: ConnectionId| {
            self.wires.iter().all(|wire| wire.id != id)
                && self.callee.sessions.iter().all(|served| served.session.bound() != Some(id))
        };
        let id = (1..).map(ConnectionId).find(|id| is_free(*id)).expect("numbers do not end");
        let index = self.wires.partition_point(|wire| wire.id.0 < id.0);
        let wire = Wire { id, caller, session, up: Vec::new(), down: Vec::new(), is_written: true, is_read: true };
        self.wires.insert(index, wire);
        &mut self.wires[index]
    }

    /// Takes away what nobody can see any more, so that worlds that differ in nothing else are one.
    pub fn tidy(&mut self) {
        // A connection that its caller has left and that delivers nothing, whose loss would tell the callee nothing.
        let (callers, sessions) = (&self.callers, &self.callee.sessions);
        self.wires.retain(|wire| {
            let is_held = callers[usize::from(wire.caller)].wire == Some(wire.id);
            let is_bound = sessions.iter().any(|served| served.session.bound() == Some(wire.id));
            is_held || is_bound || !wire.up.is_empty()
        });
        // Of an ended session that nothing can reach nothing is known (R4).
        let wires = &self.wires;
        self.callee.sessions.retain(|served| {
            let is_reachable = wires.iter().any(|wire| wire.is_read && wire.session == Some(served.session.id()));
            served.session.is_open() || served.session.running() > 0 || !served.queued.is_empty() || is_reachable
        });
        // What was written for a caller that has left reaches nobody.
        for wire in &mut self.wires {
            if self.callers[usize::from(wire.caller)].wire != Some(wire.id) {
                wire.down.clear();
            }
        }
    }

    /// Holds what the machines remember against what the oracle knows (I8, I9).
    pub fn check_books(&mut self, setup: &Setup) {
        let (mut used, mut all_kept, mut each_fits) = (0, true, true);
        for served in self.callee.sessions.iter().filter(|served| served.end.is_none()) {
            let name = SessionName { life: self.callee.life, id: served.session.id() };
            for (call, fate) in (0..).zip(&self.oracle.fates).filter(|(_, fate)| fate.stage.is_kept()) {
                let Some(id) = fate.id_in(name) else { continue };
                all_kept &= served.session.reply(id).is_some_and(|(_, reply)| *reply == call);
            }
            let replies = self.oracle.charged(name, setup.limits.reserve_bytes);
            each_fits &= replies <= setup.limits.session_bytes_max;
            used += SESSION_BYTES + u64::from(SLOTS) * ACTIVITY_BYTES + replies;
        }
        self.oracle.expect(all_kept, Invariant::I8);
        let fits = each_fits && used <= setup.budget_bytes;
        self.oracle.expect(fits && used == self.callee.budget.used(), Invariant::I9);
    }
}

impl CalleeSide {
    /// A life of the callee's, before anybody calls.
    pub fn new(life: u8, setup: &Setup) -> CalleeSide {
        CalleeSide {
            life,
            is_draining: false,
            budget: Budget::new(setup.budget_bytes),
            sessions: Vec::new(),
            opened: [0; CALLERS as usize],
        }
    }

    /// The session of this number.
    pub fn session(&mut self, id: SessionId) -> Option<&mut Served> {
        self.sessions.iter_mut().find(|served| served.session.id() == id)
    }

    /// The session of this number, and the budget that it is charged to.
    pub fn session_and_budget(&mut self, id: SessionId) -> Option<(&mut Served, &Budget)> {
        let served = self.sessions.iter_mut().find(|served| served.session.id() == id)?;
        Some((served, &self.budget))
    }

    /// Its name in this life.
    pub fn name(&self, id: SessionId) -> SessionName {
        SessionName { life: self.life, id }
    }

    /// This life's incarnation.
    pub fn incarnation(&self) -> Incarnation {
        Incarnation::new(Uuid::from_u128(u128::from(self.life)))
    }
}

/// What proves that a session is its caller's.
pub fn token(session: SessionName) -> Token {
    Token::new(Uuid::from_u128(u128::from(session.life) << 64 | u128::from(session.id.0)))
}
