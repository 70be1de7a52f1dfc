//! A session on the callee's side: which connection it is bound to, how long it lives, and its activity table.
//!
//! Every frame comes with the connection that it arrived on. A session is bound to one connection at a time,
//! and [`Session::attach`] takes it away from the old one in one step with the table (R26): whatever the old
//! connection still delivers runs nothing, acknowledges nothing and renews nothing.

use super::budget::Budget;
use super::control::{LastCall, Refusal, Rejection};
use super::frame::{CallHeader, Status};
use super::id::{AttachNumber, CallId, ConnectionId, Incarnation, SessionId, Token};
use super::lease::Lease;
pub use super::room::ReplyLimits;
use super::table::Table;
pub use super::table::{CancelVerdict, Finished, Gate, Verdict};
use super::time::{CalleeTime, Time};
use crate::planted::{Bug, planted};

/// One session of one caller. `R` is a reply as the driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session<R> {
    id: SessionId,
    token: Token,
    caller: Incarnation,
    attach_number: AttachNumber,
    bound: Option<ConnectionId>,
    lease: Lease,
    is_open: bool,
    table: Table<R>,
    /// Handlers started and not ended, those of calls without a record included.
    running: u32,
}

/// Where and when a frame arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The connection that delivered it.
    pub connection: ConnectionId,
    /// When.
    pub now: Time,
}

/// Why a frame is dropped, and the connection that it came on closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The connection is no longer the session's.
    #[error("the session has another connection, or has ended")]
    Unbound,
    /// The caller broke the rules.
    #[error("the call's slot was not granted, or its number is 0")]
    NotGranted,
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
            table: Table::new(granted, limits),
            running: 0,
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

    /// Handlers that have not ended. A session that has ended is forgotten when there are none (R4).
    pub fn running(&self) -> u32 {
        self.running
    }

    /// When it ends unless a frame comes in.
    pub fn lease_until(&self) -> Time {
        self.lease.until()
    }

    /// Whether its lease has ended. It is ended by [`end`](Session::end), after what has arrived was read (R4).
    pub fn has_expired(&self, now: Time) -> bool {
        self.is_open && self.lease.has_ended(now)
    }

    /// Takes the session to another connection (R26, R27). The old connection, if any, is to be closed. A
    /// rejection changes nothing.
    pub fn attach(
        &mut self,
        token: Token,
        number: AttachNumber,
        arrival: Arrival,
    ) -> Result<Option<ConnectionId>, Rejection> {
        if token != self.token && !planted(Bug::TokenNotChecked) {
            // M16
            return Err(Rejection::Fenced);
        }
        if !self.is_open {
            let running = self.running > 0 && !planted(Bug::ForgottenWhileRunning); // M31
            return Err(Rejection::UnknownSession { running });
        }
        if number <= self.attach_number {
            return Err(Rejection::Superseded);
        }
        self.attach_number = number;
        self.lease.renew(arrival.now);
        Ok(self.bound.replace(arrival.connection))
    }

    /// Whether a caller that has no connection of its own may use the session (rows 2 and 3, which are checked with each of
    /// its calls: R33). Gives what stands for its connection.
    pub fn admit_foreign(&self, token: Token) -> Result<ConnectionId, Rejection> {
        if token != self.token && !planted(Bug::TokenNotChecked) {
            return Err(Rejection::Fenced);
        }
        let unknown = Rejection::UnknownSession { running: self.running > 0 };
        self.bound.filter(|_| self.is_open).ok_or(unknown)
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

    /// A recorded call arrived. Rows 1–3 were checked at `Hello` or `Attach`. `clock` is this callee's own, against
    /// which `start_before` is held.
    pub fn call(
        &mut self,
        arrival: Arrival,
        call: &CallHeader,
        gate: Gate,
        clock: CalleeTime,
        budget: &Budget,
    ) -> Verdict<R> {
        if planted(Bug::OldConnectionKeepsTable)
            && self.is_open
            && self.bound.is_some_and(|now| now != arrival.connection)
        {
            // M26: a call comes once on a connection (R5), so that the old one's copy has not seen it.
            self.running += 1;
            return Verdict::Run(None);
        }
        if let Err(invalid) = self.admit(arrival, call.id) {
            return invalid.into();
        }
        let verdict = self.table.call(call, gate, clock, budget);
        if matches!(verdict, Verdict::Run(_)) {
            self.running += 1;
        }
        verdict
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
        if !self.is_open {
            return Err(None);
        }
        self.table.start(call, refusal, clock, budget)?;
        self.running += 1;
        Ok(())
    }

    /// The handler of a recorded call has ended: records the reply of `bytes`, before it is sent (I4, R7, R8).
    pub fn finish(&mut self, id: CallId, status: Status, reply: R, bytes: u64, budget: &Budget) -> Finished<R> {
        self.running -= 1;
        if !self.is_open || (self.bound.is_none() && planted(Bug::ResultLostUnattached)) {
            return Finished::Nobody; // M35
        }
        self.table.finish(id, status, reply, bytes, budget)
    }

    /// A started call turned out not to be runnable before the implementation saw it (row 10). True if
    /// somebody waits for the refusal.
    pub fn refuse(&mut self, id: CallId, why: Refusal, budget: &Budget) -> bool {
        self.running -= 1;
        if self.is_open {
            self.table.refuse(id, why, budget);
        }
        self.is_open
    }

    /// A call without a record arrived. `Run` counts a handler, until [`Session::finish_unrecorded`].
    pub fn call_unrecorded(
        &mut self,
        arrival: Arrival,
        call: &CallHeader,
        gate: Gate,
        clock: CalleeTime,
    ) -> Verdict<R> {
        if let Err(invalid) = self.admit(arrival, call.id) {
            return invalid.into();
        }
        match gate {
            Gate::Refuse(why) => Verdict::Refused(why),
            _ if call.is_late(clock) => Verdict::Refused(Refusal::Late),
            Gate::Queue => Verdict::Queue,
            Gate::Run => {
                self.running += 1;
                Verdict::Run(None)
            }
        }
    }

    /// A queued call without a record has its turn: as [`start`](Session::start).
    pub fn start_unrecorded(
        &mut self,
        call: &CallHeader,
        refusal: Option<Refusal>,
        clock: CalleeTime,
    ) -> Result<(), Option<Refusal>> {
        if !self.is_open {
            return Err(None);
        }
        let late = (call.is_late(clock) && !planted(Bug::LateCheckedOnArrivalOnly)).then_some(Refusal::Late); // M38
        if let Some(why) = refusal.or(late) {
            return Err(Some(why));
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
        self.table.reply(id)
    }

    /// The caller gave up on a recorded call (R16).
    pub fn cancel(&mut self, arrival: Arrival, id: CallId, budget: &Budget) -> CancelVerdict {
        match self.admit(arrival, id) {
            Ok(()) => self.table.cancel(id, budget),
            Err(Invalid::Unbound) => CancelVerdict::Unbound,
            Err(Invalid::NotGranted) => CancelVerdict::Violation,
        }
    }

    /// The caller has the reply of `id`: it may be forgotten, if it is the slot's last and has ended (R9).
    /// The reply comes back, to use its buffer again; `Err` closes the connection.
    pub fn ack(&mut self, arrival: Arrival, id: CallId, budget: &Budget) -> Result<Option<R>, Invalid> {
        self.admit(arrival, id)?;
        Ok(self.table.ack(id, budget))
    }

    /// The caller ends the session. False if the connection is not the session's: nothing has changed (R26).
    pub fn close(&mut self, arrival: Arrival, budget: &Budget) -> bool {
        self.bound == Some(arrival.connection) && self.end(budget)
    }

    /// Ends the session: it starts nothing more, not even queued calls, and cannot be attached (R4). What it
    /// held of the budget is given back. True the first time.
    pub fn end(&mut self, budget: &Budget) -> bool {
        if planted(Bug::SupersededAttaches) {
            self.bound = None;
            return self.is_open; // M15: it is only detached
        }
        if !std::mem::replace(&mut self.is_open, false) {
            return false;
        }
        if planted(Bug::EndedSessionStaysBound) {
            return true; // M30
        }
        self.bound = None;
        self.table.clear(budget);
        true
    }

    /// What became of each slot's last call, for the final `Goodbye`; `None` while a call is queued or running, or
    /// after the end. The session is to be [ended](Session::end) in the same step, so that nothing starts after
    /// the message (R31).
    pub fn last_calls(&self) -> Option<Vec<LastCall>> {
        if !self.is_open || (self.running > 0 && !planted(Bug::FarewellBeforeLastStart)) {
            return None; // M37
        }
        self.table.last_calls()
    }

    /// Whether a call is running, or a recorded one queued.
    pub fn is_busy(&self) -> bool {
        self.running > 0 || self.table.is_busy()
    }

    /// Whether no recorded call has come and nothing runs: it remembers nothing.
    pub fn is_unused(&self) -> bool {
        self.running == 0 && self.table.is_unused()
    }

    /// From which slot on the caller should rest (R11).
    pub fn slot_target(&self, budget: &Budget) -> u16 {
        self.table.slot_target(budget)
    }

    /// Whether a frame about `id` counts. If it does, it renews the lease.
    fn admit(&mut self, arrival: Arrival, id: CallId) -> Result<(), Invalid> {
        let is_open = self.is_open || planted(Bug::EndedSessionStaysBound); // M30
        let is_bound = self.bound == Some(arrival.connection) || planted(Bug::OldConnectionServed);
        if !is_open || !is_bound {
            return Err(Invalid::Unbound);
        }
        if !self.table.is_granted(id) {
            return Err(Invalid::NotGranted);
        }
        self.lease.renew(arrival.now);
        Ok(())
    }

    /// Compares the books with what the slots hold. For tests.
    #[cfg(test)]
    pub(super) fn check(&self, limits: ReplyLimits) {
        self.table.check(limits);
    }
}

impl<R> From<Invalid> for Verdict<R> {
    fn from(invalid: Invalid) -> Verdict<R> {
        match invalid {
            Invalid::Unbound => Verdict::Unbound,
            Invalid::NotGranted => Verdict::Violation,
        }
    }
}

#[cfg(test)]
mod tests;
