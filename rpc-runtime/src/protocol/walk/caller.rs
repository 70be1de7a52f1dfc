//! What the caller does in a walk.

use super::super::caller::{Caller, Farewell, Matched, Resend};
use super::super::control::{LastCall, Rejection};
use super::super::frame::{AnswerHeader, CallHeader, Status};
use super::super::id::{ConnectionId, Incarnation, SessionId};
use super::super::lease::Lease;
use super::super::session::Session;
use super::super::testing::LIMITS;
use super::super::time::CalleeTime;
use super::oracle::Told;
use super::{LEASE, SLOTS, Served, ToCallee, ToCaller, World, take, token};
use uuid::Uuid;

impl World {
    pub(super) fn begin(&mut self) {
        if self.caller.is_none() {
            return self.open();
        }
        if !self.is_attached() {
            return;
        }
        let Some(caller) = &mut self.caller else { return };
        // What carries a mark is repeated by the caller only: on a connection that makes copies of its own, the
        // rules promise nothing for it.
        let recorded = self.is_messy || self.random.u8(..4) > 0;
        let oneway = !recorded && self.random.bool();
        let number = u32::try_from(self.headers.len()).expect("walks are short");
        let Ok(id) = caller.begin(recorded, number) else { return };
        let patience = self.random.u64(..2_000_000);
        let start_before = if patience < 1_000_000 {
            CalleeTime::NEVER
        } else {
            CalleeTime(self.now.as_micros() + patience - 1_000_000)
        };
        let header = CallHeader { id, recorded, oneway, start_before, method: 0 };
        self.oracle.begins(&header);
        self.headers.push(header);
        self.push(ToCallee::Call(header, number));
        if oneway {
            self.caller.as_mut().and_then(|caller| caller.withdraw(id));
        } else {
            self.sent.push((id, number));
        }
    }

    pub(super) fn open(&mut self) {
        let Some(granted) = self.budget.grant(SLOTS) else { return };
        let (number, connection) = (self.sessions.len() as u64, ConnectionId(self.next_connection + 1));
        let session = Session::new(
            SessionId(number),
            token(self.sessions.len()),
            Incarnation::new(Uuid::nil()),
            granted,
            Lease::new(LEASE, self.now),
            LIMITS,
            connection,
        );
        self.sessions.push(Served { session, queued: Vec::new(), running: Vec::new() });
        self.new_wire(true);
        self.caller = Some(Caller::new(granted));
        self.sent.clear();
    }

    pub(super) fn give_up(&mut self) {
        let Some(caller) = &mut self.caller else { return };
        let Some(&(id, _)) = self.random.choice(&self.sent) else { return };
        let Some(recorded) = caller.get(id).map(|unresolved| unresolved.recorded) else { return };
        if caller.give_up(id) {
            self.push(ToCallee::Cancel { id, recorded });
        }
    }

    /// The caller loses its connection. What it has sent may still arrive.
    pub(super) fn cut(&mut self) {
        let current = self.current.take();
        if let Some(wire) = self.wire(current) {
            wire.to_caller.clear();
            wire.is_attached = false;
        }
    }

    pub(super) fn reconnect(&mut self) {
        let Some(caller) = self.caller.as_mut().filter(|_| self.current.is_none()) else { return };
        let attach = ToCallee::Attach(caller.next_attach());
        let current = self.new_wire(false);
        self.wire(Some(current)).expect("it is new").to_callee.push(attach);
    }

    pub(super) fn say_acks(&mut self) {
        if self.is_attached() {
            let acks = self.caller.as_mut().map(|caller| caller.due_acks(self.now)).unwrap_or_default();
            acks.into_iter().for_each(|id| self.push(ToCallee::Ack(id)));
        }
    }

    pub(super) fn close(&mut self) {
        self.push(ToCallee::Close);
        self.cut();
        self.end_caller(Told::Unknown { may_still_run: true });
    }

    pub(super) fn end_caller(&mut self, told: Told) {
        for unresolved in self.caller.take().into_iter().flat_map(Caller::end) {
            self.oracle.told(unresolved.call, told);
        }
    }

    pub(super) fn deliver_to_caller(&mut self) {
        let Some(index) = self.wires.iter().position(|wire| Some(wire.id) == self.current) else { return };
        let Some(frame) = take(&mut self.random, self.is_messy, &mut self.wires[index].to_caller) else { return };
        match frame {
            ToCaller::Attached => self.attached(index),
            ToCaller::Reject(why) => {
                self.cut();
                if let Rejection::UnknownSession { running } = why {
                    self.end_caller(Told::Unknown { may_still_run: running });
                }
            }
            ToCaller::Answer(header, reply) if self.wires[index].is_attached => self.answer(&header, reply),
            ToCaller::Answer(..) => {}
            ToCaller::Goodbye(last_calls) => self.goodbye(&last_calls),
        }
    }

    pub(super) fn attached(&mut self, index: usize) {
        let wire = &mut self.wires[index];
        let Some(caller) = self.caller.as_mut().filter(|_| !wire.is_attached) else { return };
        wire.is_attached = true;
        let abandoned = caller.reattach(self.now);
        for (id, resend) in caller.resend() {
            wire.to_callee.push(match resend {
                Resend::Call(number) => ToCallee::Call(self.headers[*number as usize], *number),
                Resend::Cancel => ToCallee::Cancel { id, recorded: true },
            });
        }
        for (id, number) in abandoned {
            wire.to_callee.push(ToCallee::Cancel { id, recorded: false });
            self.oracle.told(number, Told::Unknown { may_still_run: true });
        }
    }

    pub(super) fn answer(&mut self, header: &AnswerHeader, reply: u32) {
        let Some(caller) = &mut self.caller else { return };
        let (number, told) = match caller.answer(header, 10, self.now) {
            Matched::Nothing | Matched::Working | Matched::Opened => return,
            Matched::Settled(number) if header.status == Status::Refused => (number, Told::Never),
            Matched::Settled(number) => (number, Told::Completed),
            Matched::RefusedOnce(number) => (number, Told::Unknown { may_still_run: true }),
            Matched::Broken => panic!("{} is {:?} although it is unresolved", header.id, header.status),
        };
        if header.status == Status::Value {
            assert_eq!(reply, number, "the reply is another call's");
        }
        self.oracle.told(number, told);
    }

    pub(super) fn goodbye(&mut self, last_calls: &[LastCall]) {
        let Some(caller) = self.caller.take() else { return };
        for (unresolved, farewell) in caller.end_by_goodbye(last_calls) {
            let told = match farewell {
                Farewell::Never => Told::Never,
                Farewell::Completed => Told::Completed,
                Farewell::Unknown => Told::Unknown { may_still_run: false },
            };
            self.oracle.told(unresolved.call, told);
        }
        self.cut();
    }
}
