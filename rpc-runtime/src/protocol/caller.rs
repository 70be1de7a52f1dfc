//! A session on the caller's side: which call holds which slot, what was sent, and what its verdict is.
//!
//! A slot holds at most one unresolved call (I10). A call whose caller gave up keeps its slot until its verdict
//! comes, so that a late answer can never meet another call (R16).

use std::time::Duration;

use super::control::LastCall;
use super::frame::{AnswerHeader, Status};
use super::id::{AttachNumber, CallId, Sequence, Slot};
use super::time::Time;
use crate::planted::{Bug, planted};

/// How long a reply that no later call acknowledges may wait for its explicit ack.
pub const ACK_AFTER: Duration = Duration::from_millis(200);
/// The same for a small one, unless slots rest: it takes no more than what a callee reserves for each call (R11), and an
/// ack that a later call can spare costs as much as a call.
pub const ACK_LAZILY_AFTER: Duration = Duration::from_secs(5);
/// Replies beyond this size are not small.
pub const SMALL_BYTES_MAX: usize = 1024;
/// Replies from this size on are acknowledged at once: the callee holds room for them.
pub const ACK_AT_ONCE_BYTES: usize = 4 * 1024;

/// The caller's side of one session. `C` is a call as the driver knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller<C> {
    granted: u16,
    /// Slots from this number on rest for now (R11).
    target: u16,
    next_sequence: u64,
    attach_number: AttachNumber,
    slots: Vec<SlotState<C>>,
    /// Free slots, the one freed last on top, so that the table stays as large as the peak concurrency.
    free: Vec<Slot>,
    unresolved: usize,
    /// When the first of the owed acks is due.
    ack_at: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SlotState<C> {
    taken: Option<Unresolved<C>>,
    /// The reply that the callee may still keep on this slot: that of its last recorded call.
    owed: Option<Owed>,
}

/// An ack that the caller owes (R9). It stays owed until a later recorded call on the slot pays it, since the
/// message that says it can be lost with its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Owed {
    sequence: Sequence,
    /// When it is to be said, unless a later call pays it before.
    due: Time,
    /// Whether it was said on the present connection.
    is_said: bool,
}

/// A call that was handed to a connection and whose verdict has not come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unresolved<C> {
    /// Its number.
    pub sequence: Sequence,
    /// Whether the callee records it.
    pub recorded: bool,
    /// Whether its caller gave up: only the verdict is still wanted.
    pub given_up: bool,
    /// Whether it was sent on more than one connection.
    pub repeated: bool,
    /// The driver's side of it.
    pub call: C,
}

/// What an answer does.
#[derive(Debug, PartialEq, Eq)]
pub enum Matched<C> {
    /// It names no unresolved call: drop it.
    Nothing,
    /// The call goes on.
    Working,
    /// The call goes on, and its streams are open.
    Opened,
    /// The call is settled and its slot is free. A refusal is the verdict `Never`, every other status `Completed`.
    Settled(C),
    /// One attempt was refused of a call without a record that was sent more than once; its slot is free. Each
    /// attempt is answered by itself, so that another one may have run: the refusal is not the verdict `Never`.
    RefusedOnce(C),
    /// The callee knows this call as older or its slot as busy: our own bug. Close the session (R29).
    Broken,
}

/// What is sent of an unresolved call after an attach (R27).
#[derive(Debug, PartialEq, Eq)]
pub enum Resend<'a, C> {
    /// The call, unchanged.
    Call(&'a C),
    /// Its caller gave up: only the cancel of a recorded call.
    Cancel,
}

impl<C> Caller<C> {
    /// A new session of `granted` slots.
    pub fn new(granted: u16) -> Caller<C> {
        Caller {
            granted,
            target: granted,
            next_sequence: 1,
            attach_number: AttachNumber(0),
            slots: Vec::new(),
            free: Vec::new(),
            unresolved: 0,
            ack_at: None,
        }
    }

    /// The number of the next `Attach`: larger than any before, also if that one failed (R27).
    pub fn next_attach(&mut self) -> AttachNumber {
        self.attach_number.0 += 1;
        self.attach_number
    }

    /// Calls that have no verdict yet.
    pub fn unresolved(&self) -> usize {
        self.unresolved
    }

    /// Gives `call` a slot and, after that, its number. `Err` gives it back: no slot is free.
    #[inline]
    pub fn begin(&mut self, recorded: bool, call: C) -> Result<CallId, C> {
        let Some(slot) = self.take_slot() else { return Err(call) };
        let sequence = Sequence(self.next_sequence);
        self.next_sequence += 1;
        self.unresolved += 1;
        self.slots[usize::from(slot.0)].taken =
            Some(Unresolved { sequence, recorded, given_up: false, repeated: false, call });
        Ok(CallId { slot, sequence })
    }

    /// The unresolved call `id`.
    pub fn get(&self, id: CallId) -> Option<&Unresolved<C>> {
        let taken = self.slots.get(usize::from(id.slot.0))?.taken.as_ref();
        taken.filter(|taken| taken.sequence == id.sequence)
    }

    /// An answer came on the session's connection; `body_bytes` is the size of its body. It is matched by slot
    /// and sequence (R28).
    #[inline]
    pub fn answer(&mut self, header: &AnswerHeader, body_bytes: usize, now: Time) -> Matched<C> {
        self.set_target(header.slots.clamp(1, self.granted), now);
        if self.get(header.id).is_none() && !planted(Bug::AnswerBySlotAlone) {
            return Matched::Nothing; // M25
        }
        let refused = header.status.is_never();
        match header.status {
            Status::Working => Matched::Working,
            Status::Opened => Matched::Opened,
            Status::Stale | Status::SlotBusy if !refused => Matched::Broken,
            _ => {
                let Some(taken) = self.free(header.id.slot) else { return Matched::Nothing };
                if taken.recorded {
                    // Its number has acknowledged the reply before it, also where it was refused.
                    self.owe_ack(header.id, !refused, body_bytes, now);
                }
                match refused && !taken.recorded && taken.repeated {
                    true => Matched::RefusedOnce(taken.call),
                    false => Matched::Settled(taken.call),
                }
            }
        }
    }

    /// The caller gave up on `id`, which may have been sent: it keeps its slot until the verdict. Gives
    /// whether a `Cancel` is to be sent, if the session is attached.
    pub fn give_up(&mut self, id: CallId) -> bool {
        let is_first = match self.slots.get_mut(usize::from(id.slot.0)).and_then(|slot| slot.taken.as_mut()) {
            Some(taken) if taken.sequence == id.sequence => !std::mem::replace(&mut taken.given_up, true),
            _ => false,
        };
        if is_first && (planted(Bug::SlotFreedOnDrop) || planted(Bug::NumberUsedAgain)) {
            self.free(id.slot); // M4
            if planted(Bug::NumberUsedAgain) {
                self.next_sequence = id.sequence.0; // M3
            }
        }
        is_first
    }

    /// Takes back a call of which no byte was handed over, or of which no answer will come (one-way): its slot
    /// is free at once.
    pub fn withdraw(&mut self, id: CallId) -> Option<C> {
        self.get(id)?;
        self.free(id.slot).map(|taken| taken.call)
    }

    /// The session has another connection now, and what the old one had not delivered is lost. Gives what is no
    /// longer waited for; what is sent before any new call, [`resend`](Caller::resend) gives.
    ///
    /// No longer waited for are the calls without a record whose caller gave up: a cancel of theirs is a hint
    /// without a verdict, and the answer may have been lost with the connection. Their slots are free. The cancel
    /// can be sent again, for the hint.
    pub fn reattach(&mut self, now: Time) -> Vec<(CallId, C)> {
        let mut abandoned = Vec::new();
        let mut owes = false;
        for index in (0..).map(Slot).take(self.slots.len()) {
            let slot = &mut self.slots[usize::from(index.0)];
            if let Some(owed) = &mut slot.owed {
                owed.is_said = false;
                owed.due = now + ACK_AFTER;
                owes = true;
            }
            let Some(taken) = &mut slot.taken else { continue };
            taken.repeated = true;
            if taken.given_up && !taken.recorded {
                let id = CallId { slot: index, sequence: taken.sequence };
                abandoned.extend(self.free(index).map(|taken| (id, taken.call)));
            }
        }
        if owes {
            self.ack_by(now + ACK_AFTER);
        }
        abandoned
    }

    /// What is sent after `Attached`, before any new call: every unresolved call (R27).
    pub fn resend(&self) -> impl Iterator<Item = (CallId, Resend<'_, C>)> {
        let slots = (0..).map(Slot).zip(&self.slots);
        let unresolved = slots.filter_map(|(slot, state)| {
            let taken = state.taken.as_ref()?;
            let resend = if taken.given_up { Resend::Cancel } else { Resend::Call(&taken.call) };
            Some((CallId { slot, sequence: taken.sequence }, resend))
        });
        unresolved.skip(usize::from(planted(Bug::CallMissingInResend))) // M33
    }

    /// Ends the session: every unresolved call, in no order.
    pub fn end(self) -> impl Iterator<Item = Unresolved<C>> {
        self.slots.into_iter().filter_map(|slot| slot.taken)
    }

    /// Ends the session by the callee's final `Goodbye` (R31): every unresolved call with what it proves.
    pub fn end_by_goodbye(self, last_calls: &[LastCall]) -> Vec<(Unresolved<C>, Farewell)> {
        let mut by_slot = vec![None; self.slots.len()];
        for last in last_calls {
            if let Some(place) = by_slot.get_mut(usize::from(last.slot.0)) {
                *place = Some(last);
            }
        }
        let ended = self.slots.into_iter().zip(by_slot).filter_map(|(state, last)| {
            let taken = state.taken?;
            let farewell = match last {
                _ if !taken.recorded => Farewell::Unknown,
                Some(last) if last.sequence > taken.sequence => Farewell::Unknown,
                Some(last) if last.sequence == taken.sequence && !last.refused => Farewell::Completed,
                _ => Farewell::Never,
            };
            Some((taken, farewell))
        });
        ended.collect()
    }

    /// When [`due_acks`](Caller::due_acks) has something to give.
    pub fn ack_at(&self) -> Option<Time> {
        self.ack_at
    }

    /// The acks that are owed by `now`, to be said on the session's connection: of replies that no later call on
    /// their slot has acknowledged.
    pub fn due_acks(&mut self, now: Time) -> Vec<CallId> {
        if self.ack_at.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let mut next = None;
        let slots = (0..).map(Slot).zip(&mut self.slots);
        let owed = slots.filter_map(|(slot, state)| {
            // A recorded call's larger number pays; one without a record does not.
            let is_paid = state.taken.as_ref().is_some_and(|taken| taken.recorded);
            let owed = state.owed.as_mut().filter(|owed| !owed.is_said && !is_paid)?;
            if now < owed.due {
                next = Some(next.map_or(owed.due, |earlier: Time| earlier.min(owed.due)));
                return None;
            }
            owed.is_said = true;
            Some(CallId { slot, sequence: owed.sequence })
        });
        let owed = owed.collect();
        self.ack_at = next;
        owed
    }

    /// The free slot that was freed last, of those that do not rest; otherwise a new one.
    fn take_slot(&mut self) -> Option<Slot> {
        if let Some(index) = self.free.iter().rposition(|slot| slot.0 < self.target) {
            return Some(self.free.remove(index));
        }
        let slot = u16::try_from(self.slots.len()).ok().filter(|slot| *slot < self.target)?;
        self.slots.push(SlotState { taken: None, owed: None });
        Some(Slot(slot))
    }

    fn free(&mut self, slot: Slot) -> Option<Unresolved<C>> {
        let taken = self.slots.get_mut(usize::from(slot.0))?.taken.take()?;
        self.unresolved -= 1;
        if !planted(Bug::SlotLeaks) {
            self.free.push(slot); // M23
        }
        Some(taken)
    }

    /// The callee keeps the reply of `id`, if there is one, and nothing older on the slot.
    fn owe_ack(&mut self, id: CallId, is_reply: bool, body_bytes: usize, now: Time) {
        let due = now
            + match body_bytes {
                ACK_AT_ONCE_BYTES.. => Duration::ZERO,
                ..=SMALL_BYTES_MAX if !self.is_scarce() => ACK_LAZILY_AFTER,
                _ => ACK_AFTER,
            };
        let owed = Owed { sequence: id.sequence, due, is_said: false };
        self.slots[usize::from(id.slot.0)].owed = is_reply.then_some(owed);
        if is_reply {
            self.ack_by(due);
        }
    }

    /// Slots from `target` on rest. With the first of them, memory is scarce at the callee, and no ack is late any more.
    fn set_target(&mut self, target: u16, now: Time) {
        let was_scarce = self.is_scarce();
        self.target = target;
        if self.is_scarce() && !was_scarce && self.ack_at.is_some() {
            let due = now + ACK_AFTER;
            self.slots.iter_mut().filter_map(|slot| slot.owed.as_mut()).for_each(|owed| owed.due = owed.due.min(due));
            self.ack_by(due);
        }
    }

    fn is_scarce(&self) -> bool {
        self.target < self.granted
    }

    fn ack_by(&mut self, due: Time) {
        self.ack_at = Some(self.ack_at.map_or(due, |earlier| earlier.min(due)));
    }
}

/// What the callee's final `Goodbye` proves of an unresolved call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// It never started.
    Never,
    /// It ran and ended; its reply is lost.
    Completed,
    /// It may have run; it does not run any more.
    Unknown,
}

#[cfg(test)]
mod tests;
