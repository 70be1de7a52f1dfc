//! A session on the callee's side: which connection it is bound to, how long it lives, and its activity table.
//!
//! Every frame comes with the connection that it arrived on. A session is bound to one connection at a time,
//! and [`Session::attach`] takes it away from the old one in one step with the table (R26): whatever the old
//! connection still delivers runs nothing, acknowledges nothing and renews nothing.

use super::activity::{Activity, State};
use super::budget::Budget;
use super::control::{LastCall, Refusal, Rejection};
use super::frame::{CallHeader, Status};
use super::id::{
    AttachNumber, CallId, ConnectionId, Incarnation, Sequence, SessionId, Slot, Token,
};
use super::lease::Lease;
use super::time::{CalleeTime, Time};

/// What a session may keep of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyLimits {
    /// Reserved for each call before it runs, so that its verdict and a small reply can always be recorded.
    pub reserve_bytes: u64,
    /// The session's bound on reservations and kept replies together.
    pub session_bytes_max: u64,
}

/// One session of one caller. `R` is a reply as the driver keeps it.
#[derive(Debug)]
pub struct Session<R> {
    id: SessionId,
    token: Token,
    caller: Incarnation,
    attach_number: AttachNumber,
    bound: Option<ConnectionId>,
    lease: Lease,
    is_open: bool,
    granted: u16,
    activities: Vec<Activity<R>>,
    /// Handlers started and not ended, those of calls without a record included.
    running: u32,
    reply_bytes: u64,
    /// The part of `reply_bytes` in replies larger than the reservation.
    large_bytes: u64,
    limits: ReplyLimits,
}

/// Where and when a frame arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The connection that delivered it.
    pub connection: ConnectionId,
    /// When.
    pub now: Time,
}

/// What the driver knows about whether a new call may run (row 10 of the table in R6's module).
#[derive(Debug, Clone, Copy)]
pub enum Gate {
    /// It may, now.
    Run,
    /// It may, when a handler has ended.
    Queue,
    /// It may not.
    Refuse(Refusal),
}

/// What the driver does with a call that arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<R> {
    /// First sight of the call: run it, then hand the result to [`Session::finish`]. The reply that the slot
    /// forgets comes along, so that its buffer can be used again.
    Run(Option<R>),
    /// First sight of the call: when a handler has ended, ask [`Session::start`].
    Queue,
    /// Answer with this status and an empty body.
    Answer(Status),
    /// Answer with the stored reply: [`Session::reply`].
    Repeat,
    /// Answer with this refusal.
    Refused(Refusal),
    /// The connection is no longer the session's: drop the frame and close the connection.
    Unbound,
    /// The caller broke the rules: close the connection.
    Violation,
}

/// What the driver does with a cancel.
#[derive(Debug, PartialEq, Eq)]
pub enum CancelVerdict {
    /// Nothing.
    Ignore,
    /// Signal the handler; its end is the verdict.
    Signal,
    /// Answer with this status and an empty body.
    Answer(Status),
    /// Answer with this refusal: the call will never run.
    Refused(Refusal),
    /// The connection is no longer the session's: close it.
    Unbound,
    /// The caller broke the rules: close the connection.
    Violation,
}

/// What became of a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum Finished<R> {
    /// It is kept: send it from [`Session::reply`].
    Kept,
    /// There is no room to keep it: send it once.
    Once(R),
    /// The session has ended: nobody waits.
    Nobody,
}

impl<R> Session<R> {
    /// A session of `granted` slots, bound to the connection whose `Hello` made it.
    pub fn new(
        id: SessionId,
        token: Token,
        caller: Incarnation,
        granted: u16,
        lease: Lease,
        limits: ReplyLimits,
        connection: ConnectionId,
    ) -> Session<R> {
        Session {
            id,
            token,
            caller,
            attach_number: AttachNumber(0),
            bound: Some(connection),
            lease,
            is_open: true,
            granted,
            activities: Vec::new(),
            running: 0,
            reply_bytes: 0,
            large_bytes: 0,
            limits,
        }
    }

    /// Its number.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The caller's life.
    pub fn caller(&self) -> Incarnation {
        self.caller
    }

    /// The connection that it is bound to.
    pub fn bound(&self) -> Option<ConnectionId> {
        self.bound
    }

    /// Whether calls can still start.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Handlers that have not ended.
    pub fn running(&self) -> u32 {
        self.running
    }

    /// When it ends unless a frame comes in.
    pub fn lease_until(&self) -> Time {
        self.lease.until()
    }

    /// Takes the session to another connection (R26, R27). The old connection, if any, is to be closed.
    pub fn attach(
        &mut self,
        token: Token,
        number: AttachNumber,
        arrival: Arrival,
    ) -> Result<Option<ConnectionId>, Rejection> {
        if token != self.token {
            return Err(Rejection::Fenced);
        }
        if !self.is_open {
            return Err(Rejection::UnknownSession {
                running: self.running > 0,
            });
        }
        if number <= self.attach_number {
            return Err(Rejection::Superseded);
        }
        self.attach_number = number;
        self.lease.renew(arrival.now);
        Ok(self.bound.replace(arrival.connection))
    }

    /// A connection was lost. Handlers, results and the table stay (R28).
    pub fn detach(&mut self, connection: ConnectionId) {
        if self.bound == Some(connection) {
            self.bound = None;
        }
    }

    /// A frame that asks for nothing came in: renews the lease. False if the connection is not the session's.
    pub fn renew(&mut self, arrival: Arrival) -> bool {
        let valid = self.is_open && self.bound == Some(arrival.connection);
        if valid {
            self.lease.renew(arrival.now);
        }
        valid
    }

    /// A recorded call arrived. The rows are checked in their order; rows 1–3 were checked at `Hello` or
    /// `Attach`. `clock` is this callee's own, against which `start_before` is held.
    pub fn call(
        &mut self,
        arrival: Arrival,
        call: &CallHeader,
        gate: Gate,
        clock: CalleeTime,
        budget: &Budget,
    ) -> Verdict<R> {
        if !self.renew(arrival) {
            return Verdict::Unbound;
        }
        if !self.is_granted(call.id) {
            return Verdict::Violation;
        }
        let activity = self.activity(call.id.slot);
        if call.id.sequence < activity.last {
            return Verdict::Answer(Status::Stale);
        }
        if call.id.sequence == activity.last {
            return match &activity.state {
                State::Queued | State::Running => Verdict::Answer(Status::Working),
                State::Done { .. } => Verdict::Repeat,
                State::Refused(why) => Verdict::Refused(*why),
                State::ReplyDropped | State::Empty => Verdict::Answer(Status::ReplyLost),
            };
        }
        if activity.in_progress() {
            return Verdict::Answer(Status::SlotBusy);
        }
        let forgotten = self.consume(call.id, budget);
        let gate = match gate {
            _ if clock > call.start_before => Gate::Refuse(Refusal::Late),
            Gate::Refuse(why) => Gate::Refuse(why),
            _ if !self.reserve(call.id.slot, budget) => Gate::Refuse(Refusal::Overload),
            gate => gate,
        };
        let activity = self.activity(call.id.slot);
        match gate {
            Gate::Run => {
                activity.state = State::Running;
                self.running += 1;
                Verdict::Run(forgotten)
            }
            Gate::Queue => {
                activity.state = State::Queued;
                Verdict::Queue
            }
            Gate::Refuse(why) => {
                activity.state = State::Refused(why);
                Verdict::Refused(why)
            }
        }
    }

    /// A queued call's turn has come (R30): whether it still may start. `Err(Some)` is a refusal to answer
    /// with, `Err(None)` means that its verdict has been given already, or that nobody waits.
    pub fn start(
        &mut self,
        call: &CallHeader,
        refusal: Option<Refusal>,
        clock: CalleeTime,
        budget: &Budget,
    ) -> Result<(), Option<Refusal>> {
        let is_open = self.is_open;
        let activity = self.activity(call.id.slot);
        if !is_open || activity.last != call.id.sequence || !matches!(activity.state, State::Queued)
        {
            return Err(None);
        }
        let late = (clock > call.start_before).then_some(Refusal::Late);
        if let Some(why) = refusal.or(late) {
            activity.state = State::Refused(why);
            self.uncharge(call.id.slot, budget);
            return Err(Some(why));
        }
        activity.state = State::Running;
        self.running += 1;
        Ok(())
    }

    /// The handler of a recorded call has ended: records the reply of `bytes`, before it is sent (I4, R7, R8).
    pub fn finish(
        &mut self,
        id: CallId,
        status: Status,
        reply: R,
        bytes: u64,
        budget: &Budget,
    ) -> Finished<R> {
        self.running -= 1;
        if !self.is_open {
            return Finished::Nobody;
        }
        let kept = self.charge(id.slot, bytes, budget);
        let activity = self.activity(id.slot);
        debug_assert_eq!((activity.last, activity.in_progress()), (id.sequence, true));
        if kept {
            activity.state = State::Done { status, reply };
            Finished::Kept
        } else {
            activity.state = State::ReplyDropped;
            Finished::Once(reply)
        }
    }

    /// A started call turned out not to be runnable before the implementation saw it (row 10). True if
    /// somebody waits for the refusal.
    pub fn refuse(&mut self, id: CallId, why: Refusal, budget: &Budget) -> bool {
        self.running -= 1;
        if !self.is_open {
            return false;
        }
        let activity = self.activity(id.slot);
        debug_assert_eq!((activity.last, activity.in_progress()), (id.sequence, true));
        activity.state = State::Refused(why);
        self.uncharge(id.slot, budget);
        true
    }

    /// A call without a record arrived. `Ok` counts a handler, until [`Session::finish_unrecorded`].
    pub fn call_unrecorded(
        &mut self,
        arrival: Arrival,
        call: &CallHeader,
        gate: Gate,
        clock: CalleeTime,
    ) -> Verdict<R> {
        if !self.renew(arrival) {
            return Verdict::Unbound;
        }
        if !self.is_granted(call.id) {
            return Verdict::Violation;
        }
        match gate {
            _ if clock > call.start_before => Verdict::Refused(Refusal::Late),
            Gate::Refuse(why) => Verdict::Refused(why),
            Gate::Queue => Verdict::Queue,
            Gate::Run => {
                self.running += 1;
                Verdict::Run(None)
            }
        }
    }

    /// A queued call without a record has its turn.
    pub fn start_unrecorded(
        &mut self,
        call: &CallHeader,
        clock: CalleeTime,
    ) -> Result<(), Option<Refusal>> {
        if !self.is_open {
            return Err(None);
        }
        if clock > call.start_before {
            return Err(Some(Refusal::Late));
        }
        self.running += 1;
        Ok(())
    }

    /// The handler of a call without a record has ended. True if somebody may wait for the answer.
    pub fn finish_unrecorded(&mut self) -> bool {
        self.running -= 1;
        self.is_open
    }

    /// The stored reply of a call, if it is kept.
    pub fn reply(&self, id: CallId) -> Option<(Status, &R)> {
        let activity = self.activities.get(usize::from(id.slot.0))?;
        match &activity.state {
            State::Done { status, reply } if activity.last == id.sequence => Some((*status, reply)),
            _ => None,
        }
    }

    /// The caller gave up on a recorded call (R16).
    pub fn cancel(&mut self, arrival: Arrival, id: CallId, budget: &Budget) -> CancelVerdict {
        if !self.renew(arrival) {
            return CancelVerdict::Unbound;
        }
        if !self.is_granted(id) {
            return CancelVerdict::Violation;
        }
        let activity = self.activity(id.slot);
        if id.sequence < activity.last {
            return CancelVerdict::Ignore;
        }
        if id.sequence > activity.last {
            if activity.in_progress() {
                return CancelVerdict::Answer(Status::SlotBusy);
            }
            self.consume(id, budget);
            self.activity(id.slot).state = State::Refused(Refusal::Cancelled);
            return CancelVerdict::Refused(Refusal::Cancelled);
        }
        match &activity.state {
            State::Queued => {
                activity.state = State::Refused(Refusal::Cancelled);
                self.uncharge(id.slot, budget);
                CancelVerdict::Refused(Refusal::Cancelled)
            }
            State::Running => CancelVerdict::Signal,
            State::Refused(why) => CancelVerdict::Refused(*why),
            State::Done { .. } | State::ReplyDropped | State::Empty => {
                CancelVerdict::Answer(Status::ReplyLost)
            }
        }
    }

    /// The caller has the reply of `id`: it may be forgotten, if it is the slot's last and has ended (R9).
    /// The reply comes back, to use its buffer again; `Err` if the connection is not the session's.
    pub fn ack(&mut self, arrival: Arrival, id: CallId, budget: &Budget) -> Result<Option<R>, ()> {
        if !self.renew(arrival) {
            return Err(());
        }
        if !self.is_granted(id) || self.activity(id.slot).last != id.sequence {
            return Ok(None);
        }
        let forgotten = self.activity(id.slot).drop_reply();
        if forgotten.is_some() {
            self.uncharge(id.slot, budget);
        }
        Ok(forgotten)
    }

    /// Ends the session: it starts nothing more, not even queued calls, and cannot be attached (R4). What it
    /// held of the budget is given back. True the first time.
    pub fn end(&mut self, budget: &Budget) -> bool {
        if !std::mem::replace(&mut self.is_open, false) {
            return false;
        }
        self.bound = None;
        self.activities = Vec::new();
        budget.release(std::mem::take(&mut self.reply_bytes));
        budget.give_back(self.granted);
        true
    }

    /// Whether its lease has ended and nothing binds it any more.
    pub fn has_expired(&self, now: Time) -> bool {
        self.is_open && self.lease.has_ended(now)
    }

    /// What became of each slot's last call, for the final `Goodbye` (R31). Only when nothing is in progress.
    pub fn last_calls(&self) -> Vec<LastCall> {
        let slots = (0..).map(Slot);
        slots
            .zip(&self.activities)
            .filter(|(_, activity)| activity.last > Sequence(0))
            .map(|(slot, activity)| LastCall {
                slot,
                sequence: activity.last,
                refused: matches!(activity.state, State::Refused(_)),
            })
            .collect()
    }

    /// Whether a recorded call is queued or running.
    pub fn is_busy(&self) -> bool {
        self.running > 0 || self.activities.iter().any(Activity::in_progress)
    }

    /// From which slot on the caller should rest (R11).
    pub fn slot_target(&self, budget: &Budget) -> u16 {
        if budget.is_scarce() {
            self.granted.min(super::budget::SLOTS_WHEN_SCARCE)
        } else {
            self.granted
        }
    }

    fn is_granted(&self, id: CallId) -> bool {
        id.slot.0 < self.granted && id.sequence > Sequence(0)
    }

    /// The slot's entry. The table grows to the highest slot in use, and never shrinks while the session
    /// lives, so that no `last` is forgotten.
    fn activity(&mut self, slot: Slot) -> &mut Activity<R> {
        let index = usize::from(slot.0);
        if index >= self.activities.len() {
            self.activities.resize_with(index + 1, Activity::default);
        }
        &mut self.activities[index]
    }

    /// Makes `id` its slot's last call: the sequence number is used, whatever becomes of the call (R10).
    fn consume(&mut self, id: CallId, budget: &Budget) -> Option<R> {
        let activity = self.activity(id.slot);
        activity.last = id.sequence;
        let forgotten = activity.drop_reply();
        activity.state = State::ReplyDropped;
        self.uncharge(id.slot, budget);
        forgotten
    }

    /// Takes a call's reservation from the budget.
    fn reserve(&mut self, slot: Slot, budget: &Budget) -> bool {
        let bytes = self.limits.reserve_bytes;
        if self.reply_bytes + bytes > self.limits.session_bytes_max || !budget.reserve(bytes) {
            return false;
        }
        self.reply_bytes += bytes;
        self.activity(slot).charged = bytes;
        true
    }

    /// Turns a slot's reservation into what a reply of `bytes` takes. Replies beyond the reservation are kept
    /// in at most half of the session's room, so that they cannot crowd out new calls; false gives the
    /// reservation back.
    fn charge(&mut self, slot: Slot, bytes: u64, budget: &Budget) -> bool {
        let reserved = self.activity(slot).charged;
        if bytes <= reserved {
            budget.release(reserved - bytes);
            self.reply_bytes -= reserved - bytes;
            self.activity(slot).charged = bytes;
            return true;
        }
        let fits = self.large_bytes + bytes <= self.limits.session_bytes_max / 2
            && self.reply_bytes + (bytes - reserved) <= self.limits.session_bytes_max;
        if !fits || !budget.reserve(bytes - reserved) {
            self.uncharge(slot, budget);
            return false;
        }
        self.reply_bytes += bytes - reserved;
        self.large_bytes += bytes;
        self.activity(slot).charged = bytes;
        true
    }

    /// Gives back what a slot holds of the budget.
    fn uncharge(&mut self, slot: Slot, budget: &Budget) {
        let bytes = std::mem::take(&mut self.activity(slot).charged);
        budget.release(bytes);
        self.reply_bytes -= bytes;
        if bytes > self.limits.reserve_bytes {
            self.large_bytes -= bytes;
        }
    }
}
