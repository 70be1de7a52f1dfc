//! What a caller does: it hands what it hears to its session's machine, and does what that says.

use rpc_runtime::protocol::caller::{Caller, Farewell, Matched, Resend};
use rpc_runtime::protocol::control::{LastCall, Rejection};
use rpc_runtime::protocol::frame::{AnswerHeader, CallHeader};
use rpc_runtime::protocol::id::AttachNumber;
use rpc_runtime::protocol::time::{CalleeTime, ClockReading, Time};

use crate::oracle::Told;
use crate::setup::{Kind, SLOTS, Setup};
use crate::wire::{Down, Up};
use crate::world::{OpenSession, URGENT, World};

const MAY_STILL_RUN: Told = Told::Unknown { may_still_run: true };

impl World {
    /// `caller` opens a session. Nothing is sent in it before it is open (R3).
    pub(crate) fn open(&mut self, setup: &Setup, caller: u8) {
        let connection = self.dial(caller, None).id;
        let name = self.open_session(setup, caller, connection);
        let reading = ClockReading::new(self.callee_clock(), self.caller_now());
        self.wire(connection).expect("it is new").session = Some(name.id);
        let side = self.caller(caller);
        side.session = Some(OpenSession { name, calls: Caller::new(SLOTS), reading, is_leaving: false });
        side.wire = Some(connection);
        side.is_attached = true;
    }

    /// `caller` makes its next call, if a slot is free.
    pub(crate) fn begin(&mut self, setup: &Setup, call: u8) {
        let plan = &setup.calls[usize::from(call)];
        let (now, tick) = (self.caller_now(), self.tick);
        let Some(session) = &mut self.caller(plan.caller).session else { return };
        let recorded = plan.kind == Kind::Plain;
        let Ok(id) = session.calls.begin(recorded, call) else { return };
        let oneway = plan.kind == Kind::Oneway;
        if oneway {
            session.calls.withdraw(id);
        }
        let start_before = match plan.is_urgent {
            true => session.reading.start_before(now + URGENT),
            false => CalleeTime::NEVER,
        };
        let name = session.name;
        let header = CallHeader { id, recorded, oneway, start_before, method: 0 };
        self.oracle.begins(call, name, header, tick);
        self.send(plan.caller, Up::Call(call));
    }

    /// Nobody waits for the reply any more.
    pub(crate) fn give_up(&mut self, caller: u8, call: u8) {
        let CallHeader { id, recorded, .. } = self.oracle.header(call);
        self.oracle.fate_mut(call).is_given_up = true;
        let Some(session) = &mut self.caller(caller).session else { return };
        if session.calls.give_up(id) {
            self.send(caller, Up::Cancel { id, recorded });
        }
    }

    /// The connection is lost to `caller`, with what it had not delivered.
    pub(crate) fn cut(&mut self, caller: u8) {
        let side = self.caller(caller);
        side.wire = None;
        side.is_attached = false;
    }

    /// `caller` dials anew and asks for its session.
    pub(crate) fn reconnect(&mut self, caller: u8) {
        let Some(session) = &mut self.caller(caller).session else { return };
        let (name, number) = (session.name, session.calls.next_attach());
        let wire = self.dial(caller, None);
        wire.up.push(Up::Attach { session: name, proves: name, number });
        let connection = wire.id;
        self.caller(caller).wire = Some(connection);
    }

    /// `caller` asks for the other's session, with the token of its own.
    pub(crate) fn ask_as_stranger(&mut self, caller: u8) {
        let [Some(own), Some(other)] = [caller, 1 - caller].map(|of| self.callers[usize::from(of)].session.clone())
        else {
            return;
        };
        let attach = Up::Attach { session: other.name, proves: own.name, number: AttachNumber(100) };
        self.dial(caller, None).up.push(attach);
    }

    /// `caller` says what it has waited long enough to say.
    pub(crate) fn say_acks(&mut self, caller: u8) {
        let Some(session) = &mut self.caller(caller).session else { return };
        for id in session.calls.due_acks(Time::NEVER) {
            self.send(caller, Up::Ack(id));
        }
    }

    /// `caller` ends its session, and makes no further calls.
    pub(crate) fn close(&mut self, caller: u8) {
        self.caller(caller).has_closed = true;
        self.give_session_up(caller, MAY_STILL_RUN, false);
    }

    /// A frame comes in on `caller`'s connection.
    pub(crate) fn listen(&mut self, setup: &Setup, caller: u8, frame: Down) {
        match frame {
            Down::Attached(clock) => self.attached(caller, CalleeTime(clock)),
            Down::Reject(why) => {
                self.cut(caller);
                match why {
                    Rejection::Superseded => {}
                    Rejection::UnknownSession { running } => {
                        self.end_of_session(caller, Told::Unknown { may_still_run: running }, true);
                    }
                    _ => self.end_of_session(caller, MAY_STILL_RUN, true),
                }
            }
            Down::Answer(header, reply) if self.caller(caller).is_attached => {
                self.answered(setup, caller, &header, reply);
            }
            Down::Answer(..) => {}
            Down::Draining => {
                if let Some(session) = &mut self.caller(caller).session {
                    session.is_leaving = true;
                }
            }
            Down::Goodbye(last_calls) => self.goodbye(caller, &last_calls),
        }
    }

    /// Unresolved calls are sent again, before any new one (R27).
    fn attached(&mut self, caller: u8, clock: CalleeTime) {
        let now = self.caller_now();
        let side = self.caller(caller);
        let Some(session) = side.session.as_mut().filter(|_| !side.is_attached) else { return };
        side.is_attached = true;
        session.reading = ClockReading::new(clock, now);
        let abandoned = session.calls.reattach(now);
        let resend: Vec<Up> = session
            .calls
            .resend()
            .map(|(id, resend)| match resend {
                Resend::Call(call) => Up::Call(*call),
                Resend::Cancel => Up::Cancel { id, recorded: true },
            })
            .collect();
        for (id, call) in abandoned {
            self.send(caller, Up::Cancel { id, recorded: false });
            self.oracle.told(call, MAY_STILL_RUN, false);
        }
        resend.into_iter().for_each(|frame| self.send(caller, frame));
    }

    fn answered(&mut self, setup: &Setup, caller: u8, header: &AnswerHeader, reply: u8) {
        let now = self.caller_now();
        let Some(session) = &mut self.caller(caller).session else { return };
        session.reading = ClockReading::new(header.clock, now);
        let bytes = setup.calls[usize::from(reply)].reply_bytes as usize;
        let name = session.name;
        let (call, told) = match session.calls.answer(header, bytes, now) {
            Matched::Nothing | Matched::Working | Matched::Opened => return,
            Matched::Settled(call) if header.status.is_never() => (call, Told::Never),
            Matched::Settled(call) => (call, Told::Completed),
            Matched::RefusedOnce(call) => (call, MAY_STILL_RUN),
            Matched::Broken => return self.give_session_up(caller, MAY_STILL_RUN, true),
        };
        self.oracle.settles(call, name, header, reply);
        self.oracle.told(call, told, false);
    }

    fn goodbye(&mut self, caller: u8, last_calls: &[LastCall]) {
        self.cut(caller);
        let Some(session) = self.caller(caller).session.take() else { return };
        for (unresolved, farewell) in session.calls.end_by_goodbye(last_calls) {
            let told = match farewell {
                Farewell::Never => Told::Never,
                Farewell::Completed => Told::Completed,
                Farewell::Unknown => Told::Unknown { may_still_run: false },
            };
            self.oracle.told(unresolved.call, told, true);
        }
    }

    /// The caller ends its session by itself. `is_owed` says that the callee's verdicts could still be had.
    fn give_session_up(&mut self, caller: u8, told: Told, is_owed: bool) {
        self.send(caller, Up::Close);
        self.cut(caller);
        self.end_of_session(caller, told, is_owed);
    }

    fn end_of_session(&mut self, caller: u8, told: Told, is_owed: bool) {
        let Some(session) = self.caller(caller).session.take() else { return };
        let callee = &self.callee;
        let is_open = session.name.life == callee.life
            && callee.sessions.iter().any(|served| served.session.id() == session.name.id && served.end.is_none());
        for unresolved in session.calls.end() {
            self.oracle.told(unresolved.call, told, is_owed && is_open);
        }
    }

    /// Sends, if the session is attached.
    fn send(&mut self, caller: u8, frame: Up) {
        let side = self.caller(caller);
        let wire = side.wire.filter(|_| side.is_attached);
        if let Some(wire) = wire.and_then(|wire| self.wire(wire)).filter(|wire| wire.is_read) {
            wire.up.push(frame);
        }
    }
}
