//! What the callee does with calls: on arrival, when their turn comes, and when they end.

use rpc_runtime::protocol::control::Refusal;
use rpc_runtime::protocol::frame::{AnswerHeader, CallHeader, Status};
use rpc_runtime::protocol::id::{CallId, SessionId};
use rpc_runtime::protocol::session::{Arrival, CancelVerdict, Finished, Gate, Verdict};

use crate::actions::UNDECODABLE;
use crate::invariant::Invariant;
use crate::oracle::Stage;
use crate::setup::Setup;
use crate::wire::Down;
use crate::world::World;

impl World {
    /// A call came in. False closes the connection.
    pub(super) fn hear_call(
        &mut self,
        setup: &Setup,
        arrival: Arrival,
        session: SessionId,
        call: u8,
        gate: Gate,
    ) -> bool {
        let header = self.oracle.header(call);
        let clock = self.callee_clock();
        let (decodes, gate) = if gate == UNDECODABLE { (false, Gate::Run) } else { (true, gate) };
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return false };
        let verdict = match header.recorded {
            true => served.session.call(arrival, &header, gate, clock, budget),
            false => served.session.call_unrecorded(arrival, &header, gate, clock),
        };
        let name = self.callee.name(session);
        let is_new = self.oracle.fate(call).stage == Stage::Unseen;
        if header.recorded && !matches!(verdict, Verdict::Unbound | Verdict::Violation) {
            self.oracle.acknowledges_earlier(name, header.id);
        }
        match verdict {
            Verdict::Run(_) if !decodes => {
                self.left.undecodables -= 1;
                self.oracle.fate_mut(call).stage = Stage::Refused;
                if self.refuse_started(session, &header) {
                    self.answer(session, header.id, Status::Refused, call);
                }
            }
            Verdict::Run(_) => {
                self.oracle.expect(is_new || !header.recorded, Invariant::I8);
                self.run(setup, session, call);
            }
            Verdict::Queue => {
                self.oracle.expect(is_new || !header.recorded, Invariant::I8);
                self.left.queues -= u8::from(gate == Gate::Queue);
                self.oracle.fate_mut(call).stage = Stage::Queued;
                let served = self.callee.session(session).expect("it took the call");
                served.queued.push(call);
                served.queued.sort_unstable();
            }
            Verdict::Answer(status) => self.answer(session, header.id, status, call),
            Verdict::Repeat => self.answer_stored(session, header.id),
            Verdict::Refused(_) => {
                if is_new || !header.recorded {
                    self.oracle.fate_mut(call).stage = Stage::Refused;
                    self.left.refusals -= u8::from(gate == Gate::Refuse(Refusal::Overload));
                }
                if !header.oneway {
                    self.answer(session, header.id, Status::Refused, call);
                }
            }
            Verdict::Unbound | Verdict::Violation => return false,
        }
        true
    }

    /// The implementation has seen nothing of the call. True if somebody waits for the refusal.
    fn refuse_started(&mut self, session: SessionId, header: &CallHeader) -> bool {
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return false };
        match header.recorded {
            true => served.session.refuse(header.id, Refusal::Undecodable, budget),
            false => served.session.finish_unrecorded() && !header.oneway,
        }
    }

    /// A cancel came in. False closes the connection.
    pub(super) fn hear_cancel(&mut self, arrival: Arrival, session: SessionId, id: CallId) -> bool {
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return false };
        let verdict = served.session.cancel(arrival, id, budget);
        let name = self.callee.name(session);
        let Some(call) = self.oracle.named(name, id) else { return false };
        match verdict {
            CancelVerdict::Unbound | CancelVerdict::Violation => return false,
            CancelVerdict::Ignore | CancelVerdict::Signal => {}
            CancelVerdict::Answer(status) => self.answer(session, id, status, call),
            CancelVerdict::Refused(_) => {
                self.oracle.acknowledges_earlier(name, id);
                let fate = self.oracle.fate_mut(call);
                fate.is_overtaken |= fate.stage == Stage::Unseen;
                if matches!(fate.stage, Stage::Unseen | Stage::Queued) {
                    fate.stage = Stage::Refused;
                }
                self.answer(session, id, Status::Refused, call);
            }
        }
        true
    }

    /// An ack came in. False closes the connection.
    pub(super) fn hear_ack(&mut self, arrival: Arrival, session: SessionId, id: CallId) -> bool {
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return false };
        let is_heard = served.session.ack(arrival, id, budget).is_ok();
        let name = self.callee.name(session);
        if let Some(call) = self.oracle.named(name, id).filter(|_| is_heard) {
            let fate = self.oracle.fate_mut(call);
            if fate.stage.is_kept() {
                fate.stage = Stage::Ended;
            }
        }
        is_heard
    }

    /// A queued call's turn has come (R30); `refusal` is what the callee thinks of it by now.
    pub(crate) fn take_turn(&mut self, setup: &Setup, session: SessionId, call: u8, refusal: Option<Refusal>) {
        let header = self.oracle.header(call);
        let clock = self.callee_clock();
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return };
        let Some(index) = served.queued.iter().position(|other| *other == call) else { return };
        served.queued.remove(index);
        let started = match header.recorded {
            true => served.session.start(&header, refusal, clock, budget),
            false => served.session.start_unrecorded(&header, refusal, clock),
        };
        match started {
            Ok(()) => self.run(setup, session, call),
            Err(Some(_)) => {
                self.oracle.fate_mut(call).stage = Stage::Refused;
                if !header.oneway {
                    self.answer(session, header.id, Status::Refused, call);
                }
            }
            Err(None) => {}
        }
    }

    fn run(&mut self, setup: &Setup, session: SessionId, call: u8) {
        let (life, tick) = (self.callee.life, self.tick);
        let served = self.callee.session(session).expect("it took the call");
        served.running.push(call);
        served.running.sort_unstable();
        let end = served.end;
        self.oracle.starts(call, &setup.calls[usize::from(call)], life, end, tick);
    }

    /// A handler has ended.
    pub(crate) fn finish(&mut self, setup: &Setup, session: SessionId, call: u8) {
        let CallHeader { id, recorded, oneway, .. } = self.oracle.header(call);
        let bytes = setup.calls[usize::from(call)].reply_bytes;
        let charged = self.kept_charge(setup, session, bytes);
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return };
        let Some(index) = served.running.iter().position(|other| *other == call) else { return };
        served.running.remove(index);
        self.oracle.ends(call, served.end);
        if !recorded {
            if served.session.finish_unrecorded() && !oneway {
                self.answer(session, id, Status::Value, call);
            }
            return;
        }
        match served.session.finish(id, Status::Value, call, bytes, budget) {
            Finished::Kept => {
                self.oracle.fate_mut(call).stage = Stage::Kept { charged };
                self.answer_stored(session, id);
            }
            Finished::Once(reply) => self.answer(session, id, Status::Value, reply),
            Finished::Nobody => {}
        }
    }

    /// What a slot is charged for a reply of `bytes` that is kept now: a small one keeps its reservation, unless memory is
    /// scarce.
    fn kept_charge(&self, setup: &Setup, session: SessionId, bytes: u64) -> u64 {
        let taken = self.oracle.charged(self.callee.name(session), setup.limits.reserve_bytes);
        let is_scarce = taken > setup.limits.session_bytes_max / 4 * 3 || self.callee.budget.is_scarce();
        if is_scarce { bytes } else { bytes.max(setup.limits.reserve_bytes) }
    }

    fn answer_stored(&mut self, session: SessionId, id: CallId) {
        let stored = self.callee.session(session).and_then(|served| served.session.reply(id));
        if let Some((status, reply)) = stored.map(|(status, reply)| (status, *reply)) {
            self.answer(session, id, status, reply);
        }
    }

    /// Answers on the connection that the session has now, if it has one (R28).
    fn answer(&mut self, session: SessionId, id: CallId, status: Status, reply: u8) {
        let clock = self.callee_clock();
        let Some((served, budget)) = self.callee.session_and_budget(session) else { return };
        let header = AnswerHeader { id, status, clock, slots: served.session.slot_target(budget) };
        let (bound, caller) = (served.session.bound(), served.caller);
        let Some(bound) = bound else { return };
        let goes_to = self.wire(bound).map_or(caller, |wire| wire.caller);
        self.oracle.expect(goes_to == caller, Invariant::I15);
        self.say(bound, Down::Answer(header, reply));
    }
}
