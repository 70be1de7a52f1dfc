//! What the callee does: it hands each frame to the session's machine, and does what that says. It decides nothing else.
//! Here is the life of its sessions and connections; what is done with calls is in `callee/calls.rs`.

mod calls;

use std::time::Duration;

use rpc_runtime::protocol::control::Rejection;
use rpc_runtime::protocol::id::{AttachNumber, ConnectionId, Incarnation, SessionId};
use rpc_runtime::protocol::lease::Lease;
use rpc_runtime::protocol::session::{Arrival, Gate, Session};
use uuid::Uuid;

use crate::oracle::{End, SessionName};
use crate::setup::{SLOTS, Setup};
use crate::wire::{Down, Up};
use crate::world::{CalleeSide, Served, World, token};

/// Leases end when a fault says so, whatever the clock says.
const LEASE: Duration = Duration::from_secs(1 << 36);

impl World {
    /// Opens a session with `caller`, whose connection is there already.
    pub(crate) fn open_session(&mut self, setup: &Setup, caller: u8, connection: ConnectionId) -> SessionName {
        let granted = self.callee.budget.grant(SLOTS).expect("there is room for a session of each caller");
        let now = self.callee_now();
        self.callee.opened[usize::from(caller)] += 1;
        let opened = self.callee.opened[usize::from(caller)];
        let name = self.callee.name(SessionId(u64::from(caller) * 100 + u64::from(opened)));
        let owner = Incarnation::new(Uuid::from_u128(u128::from(caller)));
        let lease = Lease::new(LEASE, now);
        let session = Session::new(name.id, token(name), owner, granted, lease, setup.limits, connection);
        let served = Served { session, caller, queued: Vec::new(), running: Vec::new(), end: None };
        let index = self.callee.sessions.partition_point(|other| other.session.id() < name.id);
        self.callee.sessions.insert(index, served);
        name
    }

    /// A frame comes in on `connection`. `gate` is what the callee thinks of a call that is new.
    pub(crate) fn hear(&mut self, setup: &Setup, connection: ConnectionId, frame: Up, gate: Gate) {
        let arrival = Arrival { connection, now: self.callee_now() };
        let bound = self.wire(connection).and_then(|wire| wire.session);
        let is_right = match (frame, bound) {
            (Up::Attach { session, proves, number }, None) => {
                self.attach(arrival, session, proves, number);
                true
            }
            // The first frame binds a connection for ever (R26).
            (Up::Attach { .. }, Some(_)) | (_, None) => false,
            (Up::Call(call), Some(session)) => self.hear_call(setup, arrival, session, call, gate),
            (Up::Cancel { id, recorded: true }, Some(session)) => self.hear_cancel(arrival, session, id),
            (Up::Cancel { recorded: false, .. }, Some(session)) => {
                self.callee.session(session).is_some_and(|served| served.session.renew(arrival))
            }
            (Up::Ack(id), Some(session)) => self.hear_ack(arrival, session, id),
            (Up::Close, Some(session)) => {
                self.hear_close(arrival, session);
                false
            }
        };
        if !is_right {
            self.drop_connection(connection);
        }
    }

    /// Rows 1–3, then the session's own rules. What is rejected changes nothing and is closed.
    fn attach(&mut self, arrival: Arrival, name: SessionName, proves: SessionName, number: AttachNumber) {
        let connection = arrival.connection;
        let (life, mine) = (self.callee.life, self.callee.incarnation());
        let attached = match self.callee.session(name.id) {
            _ if name.life != life => Err(Rejection::WrongIncarnation { mine }),
            None => Err(Rejection::UnknownSession { running: false }),
            Some(served) => served.session.attach(token(proves), number, arrival),
        };
        let clock = self.callee_clock().0;
        match attached {
            Ok(old) => {
                if let Some(old) = old.and_then(|old| self.wire(old)) {
                    old.is_written = false;
                }
                let wire = self.wire(connection).expect("it delivered the frame");
                wire.session = Some(name.id);
                wire.down.push(Down::Attached(clock));
            }
            Err(why) => {
                let wire = self.wire(connection).expect("it delivered the frame");
                wire.down.push(Down::Reject(why));
                self.drop_connection(connection);
            }
        }
    }

    fn hear_close(&mut self, arrival: Arrival, session: SessionId) {
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return };
        if served.session.bound() == Some(arrival.connection) {
            served.session.close(arrival, budget);
            served.end.get_or_insert(End::Closed);
        }
    }

    /// Ends a session. The callee writes no more on its connection, and reads what is under way a little longer.
    pub(crate) fn end_session(&mut self, session: SessionId, end: End) {
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return };
        let bound = served.session.bound();
        served.session.end(budget);
        served.end.get_or_insert(end);
        if let Some(wire) = bound.and_then(|bound| self.wire(bound)) {
            wire.is_written = false;
        }
    }

    /// The final goodbye of one session, if nothing is in progress in it; otherwise it only ends (R31).
    pub(crate) fn farewell(&mut self, session: SessionId) {
        let Some(served) = self.callee.session(session) else { return };
        let (bound, last_calls) = (served.session.bound(), served.session.last_calls());
        let end = match last_calls {
            Some(_) => End::Farewell,
            None => End::Abandoned,
        };
        if let (Some(wire), Some(last_calls)) = (bound.and_then(|bound| self.wire(bound)), last_calls) {
            wire.down.push(Down::Goodbye(last_calls));
        }
        self.end_session(session, end);
    }

    /// From now on new calls are refused, and callers are told.
    pub(crate) fn drain(&mut self) {
        self.callee.is_draining = true;
        let bound: Vec<ConnectionId> =
            self.callee.sessions.iter().filter_map(|served| served.session.bound()).collect();
        for connection in bound {
            self.say(connection, Down::Draining);
        }
    }

    /// The callee is killed, and its next life begins: nothing is left of its sessions, and of what it has not read.
    pub(crate) fn crash(&mut self, setup: &Setup) {
        self.callee = CalleeSide::new(self.callee.life + 1, setup);
        for wire in &mut self.wires {
            wire.close();
        }
    }

    /// The callee has no such connection any more, nor what it has not read of it.
    pub(crate) fn drop_connection(&mut self, connection: ConnectionId) {
        self.callee.sessions.iter_mut().for_each(|served| served.session.detach(connection));
        if let Some(wire) = self.wire(connection) {
            wire.close();
        }
    }

    fn say(&mut self, connection: ConnectionId, frame: Down) {
        if let Some(wire) = self.wire(connection).filter(|wire| wire.is_written) {
            wire.down.push(frame);
        }
    }
}
