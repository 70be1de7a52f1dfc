//! The at-most-once table of a session: for each slot the last call made on it, recorded before it runs (rows 4–11).
//!
//! A record is never evicted while its session lives; at the bound new calls are refused (R9, R11). The table
//! grows to the highest slot in use and never shrinks, so that no slot's `last` is forgotten.

use std::cmp::Ordering;

use super::activity::{Activity, State};
use super::budget::Budget;
use super::control::{LastCall, Refusal};
use super::frame::{CallHeader, Status};
use super::id::{CallId, Sequence, Slot};
use super::room::{ReplyLimits, Room};
use super::time::CalleeTime;
use crate::planted::{Bug, planted};

/// What the driver knows about whether a new call may run (row 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    ///
    /// [`Session::finish`]: super::session::Session::finish
    Run(Option<R>),
    /// First sight of the call: when a handler has ended, ask [`Session::start`].
    ///
    /// [`Session::start`]: super::session::Session::start
    Queue,
    /// Answer with this status and an empty body.
    Answer(Status),
    /// Answer with the stored reply: [`Session::reply`].
    ///
    /// [`Session::reply`]: super::session::Session::reply
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
    ///
    /// [`Session::reply`]: super::session::Session::reply
    Kept,
    /// There is no room to keep it: send it once.
    Once(R),
    /// The session has ended: nobody waits.
    Nobody,
}

/// The activities of one session. `R` is a reply as the driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Table<R> {
    granted: u16,
    activities: Vec<Activity<R>>,
    room: Room,
}

impl<R> Table<R> {
    /// An empty table for `granted` slots.
    pub fn new(granted: u16, limits: ReplyLimits) -> Table<R> {
        Table { granted, activities: Vec::new(), room: Room::new(limits) }
    }

    /// Whether a call of this name can exist: its slot was granted, and numbers begin at 1.
    pub fn is_granted(&self, id: CallId) -> bool {
        id.slot.0 < self.granted && id.sequence > Sequence(0)
    }

    /// A call arrived. The rows are checked in their order, whatever the gate says: a call that was seen before
    /// is answered from its record even if no new one may run (R6).
    pub fn call(&mut self, call: &CallHeader, gate: Gate, clock: CalleeTime, budget: &Budget) -> Verdict<R> {
        let activity = self.activity(call.id.slot);
        match call.id.sequence.cmp(&activity.last) {
            Ordering::Less => Verdict::Answer(Status::Stale),
            Ordering::Equal => match &activity.state {
                // M8: what waits was looked up, and is entered when its turn comes.
                State::Queued if planted(Bug::CheckThenInsert) => Verdict::Queue,
                State::Queued | State::Running => Verdict::Answer(Status::Working),
                State::Done { .. } => Verdict::Repeat,
                State::Refused(why) => Verdict::Refused(*why),
                State::ReplyDropped | State::Empty => Verdict::Answer(Status::ReplyLost),
            },
            Ordering::Greater if activity.in_progress() => Verdict::Answer(Status::SlotBusy),
            Ordering::Greater => self.first_sight(call, gate, clock, budget),
        }
    }

    /// Rows 9–11: the number is used before anything else is decided, so that a late copy of a refused call
    /// cannot run (R10).
    fn first_sight(&mut self, call: &CallHeader, gate: Gate, clock: CalleeTime, budget: &Budget) -> Verdict<R> {
        if gate == Gate::Run && planted(Bug::RecordAfterEnd) {
            return Verdict::Run(None); // M1
        }
        let slot = call.id.slot;
        let before = self.activity(slot).last;
        let forgotten = self.consume(call.id);
        let refusal = match gate {
            Gate::Refuse(why) => Some(why),
            _ if call.is_late(clock) => Some(Refusal::Late),
            Gate::Run | Gate::Queue if self.recharge(slot, budget) => None,
            Gate::Run | Gate::Queue if planted(Bug::RunWithoutRecord) => None, // M10
            Gate::Run | Gate::Queue => Some(Refusal::Overload),
        };
        if let Some(why) = refusal {
            self.uncharge(slot, budget);
            let activity = self.activity(slot);
            if planted(Bug::RefusalKeepsNumber) {
                // M2: the next call of this number is a new one again.
                activity.last = before;
                activity.state = State::ReplyDropped;
                return Verdict::Refused(why);
            }
            activity.state = State::Refused(why);
            return Verdict::Refused(why);
        }
        let activity = self.activity(slot);
        if gate == Gate::Run {
            activity.state = State::Running;
            return Verdict::Run(forgotten);
        }
        activity.state = State::Queued;
        Verdict::Queue
    }

    /// A queued call's turn has come: row 10 again (R30). `Err(Some)` is a refusal to answer with, `Err(None)`
    /// means that its verdict has been given already.
    pub fn start(
        &mut self,
        call: &CallHeader,
        refusal: Option<Refusal>,
        clock: CalleeTime,
        budget: &Budget,
    ) -> Result<(), Option<Refusal>> {
        let activity = self.activity(call.id.slot);
        let is_queued = matches!(activity.state, State::Queued) || planted(Bug::CheckThenInsert); // M8
        if activity.last != call.id.sequence || !is_queued {
            return Err(None);
        }
        let late = (call.is_late(clock) && !planted(Bug::LateCheckedOnArrivalOnly)).then_some(Refusal::Late); // M38
        match refusal.or(late) {
            Some(why) => {
                self.refuse(call.id, why, budget);
                Err(Some(why))
            }
            None => {
                activity.state = State::Running;
                Ok(())
            }
        }
    }

    /// The handler of a call has ended: records its reply of `bytes` (R7, R8).
    pub fn finish(&mut self, id: CallId, status: Status, reply: R, bytes: u64, budget: &Budget) -> Finished<R> {
        if planted(Bug::RecordAfterEnd) {
            // M1: only now is it known that the call came.
            *self.activity(id.slot) = Activity { last: id.sequence, state: State::Running, charged: 0 };
        }
        debug_assert!(self.activity(id.slot).is_running(id), "{id} ends, which does not run");
        let reserved = std::mem::take(&mut self.activity(id.slot).charged);
        let kept = self.room.keep(reserved, bytes, budget);
        let activity = self.activity(id.slot);
        match kept {
            Some(charged) => {
                activity.charged = charged;
                activity.state = State::Done { status, reply };
                Finished::Kept
            }
            None => {
                activity.state = State::ReplyDropped;
                if planted(Bug::LargeReplyDropsRecord) {
                    *activity = Activity::default(); // M11
                }
                Finished::Once(reply)
            }
        }
    }

    /// A call that the implementation has seen nothing of will never run (row 10).
    pub fn refuse(&mut self, id: CallId, why: Refusal, budget: &Budget) {
        let activity = self.activity(id.slot);
        debug_assert!(activity.last == id.sequence && activity.in_progress(), "{id} is refused after its end");
        activity.state = State::Refused(why);
        self.uncharge(id.slot, budget);
    }

    /// The caller gave up on a call (R16).
    pub fn cancel(&mut self, id: CallId, budget: &Budget) -> CancelVerdict {
        let activity = self.activity(id.slot);
        match (id.sequence.cmp(&activity.last), &activity.state) {
            (Ordering::Less, _) => CancelVerdict::Ignore,
            (Ordering::Equal, State::Queued) => {
                if !planted(Bug::CancelledStaysQueued) {
                    self.refuse(id, Refusal::Cancelled, budget); // M34
                }
                CancelVerdict::Refused(Refusal::Cancelled)
            }
            (Ordering::Equal, State::Running) => CancelVerdict::Signal,
            (Ordering::Equal, State::Refused(why)) => CancelVerdict::Refused(*why),
            (Ordering::Equal, State::Done { .. } | State::ReplyDropped | State::Empty) => {
                CancelVerdict::Answer(Status::ReplyLost)
            }
            (Ordering::Greater, State::Queued | State::Running) => CancelVerdict::Answer(Status::SlotBusy),
            (Ordering::Greater, _) => {
                if !planted(Bug::UnseenCancelForgotten) {
                    self.consume(id); // M14
                    self.uncharge(id.slot, budget);
                    self.activity(id.slot).state = State::Refused(Refusal::Cancelled);
                }
                CancelVerdict::Refused(Refusal::Cancelled)
            }
        }
    }

    /// The caller has the reply of `id`: it is forgotten, if it is the slot's last and has ended (R9). It comes
    /// back, to use its buffer again.
    pub fn ack(&mut self, id: CallId, budget: &Budget) -> Option<R> {
        let activity = self.activity(id.slot);
        if activity.last != id.sequence && !planted(Bug::AckBySlotAlone) {
            return None; // M27
        }
        let forgotten = activity.drop_reply()?;
        self.uncharge(id.slot, budget);
        if planted(Bug::TableShrinks) {
            // M36: entries that hold nothing are given up.
            let holds = |activity: &Activity<R>| !matches!(activity.state, State::Empty | State::ReplyDropped);
            self.activities.truncate(self.activities.iter().rposition(holds).map_or(0, |last| last + 1));
        }
        Some(forgotten)
    }

    /// The stored reply of a call, if it is kept.
    pub fn reply(&self, id: CallId) -> Option<(Status, &R)> {
        let activity = self.activities.get(usize::from(id.slot.0))?;
        match &activity.state {
            State::Done { status, reply } if activity.last == id.sequence => Some((*status, reply)),
            _ => None,
        }
    }

    /// What became of each slot's last call; `None` while one is in progress.
    pub fn last_calls(&self) -> Option<Vec<LastCall>> {
        let mut last_calls = Vec::new();
        for (slot, activity) in (0..).map(Slot).zip(&self.activities) {
            let refused = match activity.state {
                State::Empty => continue,
                State::Queued | State::Running if planted(Bug::FarewellBeforeLastStart) => false, // M37
                State::Queued | State::Running => return None,
                State::Refused(_) => true,
                State::Done { .. } | State::ReplyDropped => false,
            };
            last_calls.push(LastCall { slot, sequence: activity.last, refused });
        }
        Some(last_calls)
    }

    /// Whether a call is queued or running.
    pub fn is_busy(&self) -> bool {
        self.activities.iter().any(Activity::in_progress)
    }

    /// Whether no call has come.
    pub fn is_unused(&self) -> bool {
        self.activities.is_empty()
    }

    /// Slots from this number on should rest: so many have room for their replies (R11).
    pub fn slot_target(&self, budget: &Budget) -> u16 {
        let granted =
            if budget.is_scarce() { self.granted.min(super::budget::SLOTS_WHEN_SCARCE) } else { self.granted };
        u16::try_from(self.room.slots()).map_or(granted, |room| room.max(1).min(granted))
    }

    /// Forgets everything, and gives back what it held of the budget.
    pub fn clear(&mut self, budget: &Budget) {
        self.activities = Vec::new();
        self.room.clear(budget);
        budget.give_back(std::mem::take(&mut self.granted));
    }

    /// The slot's entry, which is there once the slot is used.
    fn activity(&mut self, slot: Slot) -> &mut Activity<R> {
        let index = usize::from(slot.0);
        if index >= self.activities.len() {
            self.activities.resize_with(index + 1, Activity::default);
        }
        &mut self.activities[index]
    }

    /// Makes `id` its slot's last call: the number is used, whatever becomes of the call (R10). What the slot was charged
    /// for the reply that it forgets, it is charged still.
    fn consume(&mut self, id: CallId) -> Option<R> {
        let activity = self.activity(id.slot);
        activity.last = id.sequence;
        activity.drop_reply()
    }

    /// Charges a slot for its next call's reply, in place of what it is charged. False: there is no room, and none is made
    /// by forgetting another's reply (R9).
    fn recharge(&mut self, slot: Slot, budget: &Budget) -> bool {
        let before = std::mem::take(&mut self.activity(slot).charged);
        let mut charged = self.room.renew(before, budget);
        if charged.is_none() && planted(Bug::EvictOldest) {
            // M9: the record that is oldest makes room.
            let done = |activity: &&mut Activity<R>| matches!(activity.state, State::Done { .. });
            if let Some(oldest) = self.activities.iter_mut().filter(done).min_by_key(|activity| activity.last) {
                let evicted = std::mem::take(oldest);
                self.room.give_back(evicted.charged, budget);
                charged = self.room.reserve(budget);
            }
        }
        self.activity(slot).charged = charged.unwrap_or(0);
        charged.is_some()
    }

    /// Gives back what a slot holds of the room.
    fn uncharge(&mut self, slot: Slot, budget: &Budget) {
        let charged = std::mem::take(&mut self.activity(slot).charged);
        self.room.give_back(charged, budget);
    }

    /// Compares the books with what the slots hold. For tests.
    #[cfg(test)]
    pub(super) fn check(&self, limits: ReplyLimits) {
        let charged = || self.activities.iter().map(|activity| activity.charged);
        let large = charged().filter(|bytes| *bytes > limits.reserve_bytes).sum();
        assert_eq!(self.room.taken(), (charged().sum(), large));
        assert!(charged().sum::<u64>() <= limits.session_bytes_max && large <= limits.session_bytes_max / 2);
        for activity in &self.activities {
            let holds = activity.in_progress() || matches!(activity.state, State::Done { .. });
            assert!(holds || activity.charged == 0, "{:?} holds nothing and is charged", activity.last);
        }
    }
}

#[cfg(test)]
mod tests;
