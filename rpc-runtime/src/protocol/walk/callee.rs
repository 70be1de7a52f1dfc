//! What the callee does in a walk.

use std::time::Duration;

use super::super::control::Refusal;
use super::super::frame::{AnswerHeader, CallHeader, Status};
use super::super::id::{CallId, ConnectionId};
use super::super::session::{Arrival, CancelVerdict, Finished, Gate, Verdict};
use super::super::testing::ignore;
use super::{Served, ToCallee, ToCaller, World, take, token};

impl World {
    pub(super) fn deliver_to_callee(&mut self) {
        if self.wires.is_empty() {
            return;
        }
        let index = self.random.usize(..self.wires.len());
        let wire = &mut self.wires[index];
        let Some(frame) = take(&mut self.random, self.is_messy, &mut wire.to_callee) else { return };
        let (number, arrival) = (wire.served, Arrival { connection: wire.id, now: self.now });
        let served = &mut self.sessions[number];
        let keeps_connection = match frame {
            ToCallee::Attach(attach) => match served.session.attach(token(number), attach, arrival) {
                Ok(old) => {
                    wire.to_caller.push(ToCaller::Attached);
                    // The callee drops what it has not read of the old one.
                    self.wires.retain(|wire| Some(wire.id) != old);
                    true
                }
                Err(why) => {
                    wire.to_caller.push(ToCaller::Reject(why));
                    served.session.detach(arrival.connection);
                    wire.to_callee.clear();
                    true
                }
            },
            ToCallee::Call(header, call) => self.call(number, arrival, &header, call),
            ToCallee::Cancel { id, recorded: true } => match served.session.cancel(arrival, id, &self.budget) {
                CancelVerdict::Ignore | CancelVerdict::Signal => true,
                CancelVerdict::Answer(status) => self.say(number, id, status, 0),
                CancelVerdict::Refused(_) => self.say(number, id, Status::Refused, 0),
                CancelVerdict::Unbound => false,
                CancelVerdict::Violation => panic!("{id} was granted"),
            },
            ToCallee::Cancel { recorded: false, .. } | ToCallee::Ping => served.session.renew(arrival),
            ToCallee::Ack(id) => served.session.ack(arrival, id, &self.budget).is_ok(),
            ToCallee::Close => {
                served.session.close(arrival, &self.budget);
                false
            }
        };
        if !keeps_connection {
            self.sessions[number].session.detach(arrival.connection);
            self.lose(arrival.connection);
        }
    }

    pub(super) fn call(&mut self, number: usize, arrival: Arrival, header: &CallHeader, call: u32) -> bool {
        let gate = match self.random.u8(..10) {
            0 => Gate::Refuse(Refusal::Draining),
            1..4 => Gate::Queue,
            _ => Gate::Run,
        };
        let clock = self.clock();
        let served = &mut self.sessions[number];
        let verdict = if header.recorded {
            served.session.call(arrival, header, gate, clock, &self.budget)
        } else {
            served.session.call_unrecorded(arrival, header, gate, clock)
        };
        match verdict {
            Verdict::Run(_) => {
                assert!(served.session.is_open());
                self.oracle.starts(call, clock);
                served.running.push((*header, call));
                true
            }
            Verdict::Queue => {
                served.queued.push((*header, call));
                true
            }
            Verdict::Answer(status) => self.say(number, header.id, status, 0),
            Verdict::Repeat => self.say_stored(number, header.id),
            Verdict::Refused(_) if header.oneway => true,
            Verdict::Refused(_) => self.say(number, header.id, Status::Refused, 0),
            Verdict::Unbound => false,
            Verdict::Violation => panic!("{} was granted", header.id),
        }
    }

    pub(super) fn start_queued(&mut self) {
        let clock = self.clock();
        let Some((number, (header, call))) = self.pick(|served| &mut served.queued) else { return };
        let refusal = (self.random.u8(..10) == 0).then_some(Refusal::Withdrawn);
        let session = &mut self.sessions[number].session;
        let started = if header.recorded {
            session.start(&header, refusal, clock, &self.budget)
        } else {
            session.start_unrecorded(&header, refusal, clock)
        };
        match started {
            Ok(()) => {
                assert!(session.is_open());
                self.oracle.starts(call, clock);
                self.sessions[number].running.push((header, call));
            }
            Err(Some(_)) if !header.oneway => ignore(self.say(number, header.id, Status::Refused, 0)),
            Err(_) => {}
        }
    }

    pub(super) fn end_handler(&mut self) {
        let Some((number, (header, call))) = self.pick(|served| &mut served.running) else { return };
        let bytes = [0, 10, 100, 101, 400, 2_000][self.random.usize(..6)];
        let session = &mut self.sessions[number].session;
        self.oracle.ends(call);
        if !header.recorded {
            if session.finish_unrecorded() && !header.oneway {
                self.say(number, header.id, Status::Value, call);
            }
            return;
        }
        match session.finish(header.id, Status::Value, call, bytes, &self.budget) {
            Finished::Kept => ignore(self.say_stored(number, header.id)),
            Finished::Once(reply) => ignore(self.say(number, header.id, Status::Value, reply)),
            Finished::Nobody => {}
        }
    }

    /// Takes a call from one of the sessions.
    pub(super) fn pick(
        &mut self,
        of: impl Fn(&mut Served) -> &mut Vec<(CallHeader, u32)>,
    ) -> Option<(usize, (CallHeader, u32))> {
        let sessions = self.sessions.iter_mut().enumerate();
        let candidates: Vec<usize> =
            sessions.filter_map(|(number, served)| (!of(served).is_empty()).then_some(number)).collect();
        let number = *self.random.choice(&candidates)?;
        let calls = of(&mut self.sessions[number]);
        let index = self.random.usize(..calls.len());
        Some((number, calls.swap_remove(index)))
    }

    pub(super) fn say_stored(&mut self, number: usize, id: CallId) -> bool {
        let (status, reply) = self.sessions[number].session.reply(id).expect("the reply is kept");
        let reply = *reply;
        self.say(number, id, status, reply)
    }

    /// Answers on the connection that the session has now, if it has one.
    pub(super) fn say(&mut self, number: usize, id: CallId, status: Status, reply: u32) -> bool {
        let session = &self.sessions[number].session;
        let header = AnswerHeader { id, status, clock: self.clock(), slots: session.slot_target(&self.budget) };
        let bound = session.bound().filter(|bound| Some(*bound) == self.current);
        if let Some(wire) = self.wire(bound) {
            wire.to_caller.push(ToCaller::Answer(header, reply));
        }
        true
    }

    /// The callee learns that a connection is lost, with what it has not read of it.
    pub(super) fn notice_cut(&mut self) {
        let lost: Vec<ConnectionId> =
            self.wires.iter().map(|wire| wire.id).filter(|id| Some(*id) != self.current).collect();
        let Some(&lost) = self.random.choice(&lost) else { return };
        self.sessions.iter_mut().for_each(|served| served.session.detach(lost));
        self.wires.retain(|wire| wire.id != lost);
    }

    /// The callee closes a connection.
    pub(super) fn lose(&mut self, connection: ConnectionId) {
        self.wires.retain(|wire| wire.id != connection);
        if self.current == Some(connection) {
            self.current = None;
        }
    }

    pub(super) fn pass_time(&mut self) {
        self.now = self.now + Duration::from_millis(self.random.u64(..1_000));
        self.say_acks();
        for number in 0..self.sessions.len() {
            let session = &self.sessions[number].session;
            // What has arrived is read first (R4).
            let has_arrived = self.wires.iter().any(|wire| wire.served == number && !wire.to_callee.is_empty());
            if session.has_expired(self.now) && !has_arrived {
                self.end_session(number);
            }
        }
    }

    pub(super) fn end_session(&mut self, number: usize) {
        let session = &mut self.sessions[number].session;
        let bound = session.bound();
        session.end(&self.budget);
        bound.into_iter().for_each(|connection| self.lose(connection));
    }

    pub(super) fn supersede(&mut self) {
        if let Some(number) = self.sessions.len().checked_sub(1) {
            self.end_session(number);
        }
    }

    /// The callee says the final goodbye, if nothing is in progress.
    pub(super) fn farewell(&mut self) {
        let Some(number) = self.sessions.len().checked_sub(1) else { return };
        let session = &mut self.sessions[number].session;
        let Some(last_calls) = session.last_calls() else { return };
        let bound = session.bound();
        session.end(&self.budget);
        if let Some(wire) = self.wire(bound) {
            wire.to_callee.clear();
            wire.to_caller.push(ToCaller::Goodbye(last_calls));
        }
    }
}
