//! A session on the caller's side: which call holds which slot, what was sent, and what its verdict is.
//!
//! A slot holds at most one unresolved call (I10). A call whose caller gave up keeps its slot until its verdict
//! comes, so that a late answer can never meet another call (R16).

use std::time::Duration;

use super::control::LastCall;
use super::frame::{AnswerHeader, Status};
use super::id::{AttachNumber, CallId, Sequence, Slot};
use super::time::Time;

/// How long a reply that no later call acknowledges may wait for its explicit ack.
pub const ACK_AFTER: Duration = Duration::from_millis(200);
/// Replies from this size on are acknowledged at once: the callee holds room for them.
pub const ACK_AT_ONCE_BYTES: usize = 4 * 1024;

/// The caller's side of one session. `C` is a call as the driver knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller<C> {
    granted: u16,
    /// At most so many slots are used for now (R11).
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
enum SlotState<C> {
    Free {
        /// The slot's last call, if its reply has not been acknowledged.
        owed: Option<Sequence>,
    },
    Taken(Unresolved<C>),
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
    /// The driver's side of it.
    pub call: C,
    /// The ack that is owed for an earlier call on the slot: a call without a record does not pay it.
    owed: Option<Sequence>,
}

/// What an answer does.
#[derive(Debug, PartialEq, Eq)]
pub enum Matched<C> {
    /// It names no unresolved call: drop it.
    Nothing,
    /// The call goes on.
    Working,
    /// The call is settled and its slot is free; whether its reply is to be acknowledged at once.
    Settled(C),
    /// The callee knows this call as older or its slot as busy: our own bug. Close the session (R29).
    Broken,
}

/// What is sent of an unresolved call after an attach (R27).
#[derive(Debug, PartialEq, Eq)]
pub enum Resend<'a, C> {
    /// The call, unchanged.
    Call(&'a C),
    /// Its caller gave up: only the cancel.
    Cancel {
        /// Whether the call has a record.
        recorded: bool,
    },
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
    pub fn begin(&mut self, recorded: bool, call: C) -> Result<CallId, C> {
        let Some(slot) = self.take_slot() else {
            return Err(call);
        };
        let sequence = Sequence(self.next_sequence);
        self.next_sequence += 1;
        self.unresolved += 1;
        let state = &mut self.slots[usize::from(slot.0)];
        // A recorded call's larger number acknowledges the slot's earlier reply (R9).
        let owed = match state {
            SlotState::Free { owed } if !recorded => *owed,
            _ => None,
        };
        *state = SlotState::Taken(Unresolved {
            sequence,
            recorded,
            given_up: false,
            call,
            owed,
        });
        Ok(CallId { slot, sequence })
    }

    /// The unresolved call `id`.
    pub fn get(&self, id: CallId) -> Option<&Unresolved<C>> {
        match self.slots.get(usize::from(id.slot.0)) {
            Some(SlotState::Taken(taken)) if taken.sequence == id.sequence => Some(taken),
            _ => None,
        }
    }

    /// An answer came on the session's connection; `body_bytes` is the size of its body.
    pub fn answer(&mut self, header: &AnswerHeader, body_bytes: usize, now: Time) -> Matched<C> {
        self.target = header.slots.clamp(1, self.granted);
        if self.get(header.id).is_none() {
            return Matched::Nothing;
        }
        match header.status {
            Status::Working => Matched::Working,
            Status::Stale | Status::SlotBusy => Matched::Broken,
            Status::Value | Status::Error | Status::Fault | Status::Refused | Status::ReplyLost => {
                let Some(taken) = self.free(header.id.slot) else {
                    return Matched::Nothing;
                };
                if taken.recorded && header.status != Status::Refused {
                    self.owe_ack(header.id, body_bytes, now);
                }
                Matched::Settled(taken.call)
            }
        }
    }

    /// The caller gave up on `id`, which may have been sent: it keeps its slot until the verdict. Gives
    /// whether a `Cancel` is to be sent, if the session is attached.
    pub fn give_up(&mut self, id: CallId) -> bool {
        match self.slots.get_mut(usize::from(id.slot.0)) {
            Some(SlotState::Taken(taken)) if taken.sequence == id.sequence => {
                !std::mem::replace(&mut taken.given_up, true)
            }
            _ => false,
        }
    }

    /// Takes back a call of which no byte was handed over, or of which no answer will come (one-way): its slot
    /// is free at once.
    pub fn withdraw(&mut self, id: CallId) -> Option<C> {
        self.get(id)?;
        self.free(id.slot).map(|taken| taken.call)
    }

    /// What is sent after `Attached`, before any new call: every unresolved call.
    pub fn resend(&self) -> impl Iterator<Item = (CallId, Resend<'_, C>)> {
        self.taken().map(|(slot, taken)| {
            let resend = if taken.given_up {
                Resend::Cancel {
                    recorded: taken.recorded,
                }
            } else {
                Resend::Call(&taken.call)
            };
            (
                CallId {
                    slot,
                    sequence: taken.sequence,
                },
                resend,
            )
        })
    }

    /// Ends the session: every unresolved call, in no order.
    pub fn end(self) -> impl Iterator<Item = Unresolved<C>> {
        self.slots.into_iter().filter_map(|slot| match slot {
            SlotState::Taken(taken) => Some(taken),
            SlotState::Free { .. } => None,
        })
    }

    /// Ends the session by the callee's final `Goodbye` (R31): every unresolved call with what it proves.
    pub fn end_by_goodbye(self, last_calls: &[LastCall]) -> Vec<(Unresolved<C>, Farewell)> {
        let mut ended = Vec::new();
        for (slot, state) in (0..).map(Slot).zip(self.slots) {
            let SlotState::Taken(taken) = state else {
                continue;
            };
            let last = last_calls.iter().find(|last| last.slot == slot);
            let farewell = match last {
                _ if !taken.recorded => Farewell::Unknown,
                Some(last) if last.sequence == taken.sequence && last.refused => Farewell::Never,
                Some(last) if last.sequence == taken.sequence => Farewell::Completed,
                Some(last) if last.sequence > taken.sequence => Farewell::Unknown,
                _ => Farewell::Never,
            };
            ended.push((taken, farewell));
        }
        ended
    }

    /// When [`due_acks`](Caller::due_acks) has something to give.
    pub fn ack_at(&self) -> Option<Time> {
        self.ack_at
    }

    /// The acks that are owed by `now`: replies that were not acknowledged by a later call on their slot.
    pub fn due_acks(&mut self, now: Time) -> Vec<CallId> {
        if self.ack_at.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.ack_at = None;
        let slots = (0..).map(Slot).zip(&mut self.slots);
        let owed = slots.filter_map(|(slot, state)| match state {
            SlotState::Free { owed } => owed.take().map(|sequence| CallId { slot, sequence }),
            SlotState::Taken(_) => None,
        });
        owed.collect()
    }

    fn taken(&self) -> impl Iterator<Item = (Slot, &Unresolved<C>)> {
        let slots = (0..).map(Slot).zip(&self.slots);
        slots.filter_map(|(slot, state)| match state {
            SlotState::Taken(taken) => Some((slot, taken)),
            SlotState::Free { .. } => None,
        })
    }

    fn take_slot(&mut self) -> Option<Slot> {
        if self.unresolved >= usize::from(self.target) {
            return None;
        }
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = u16::try_from(self.slots.len())
            .ok()
            .filter(|slot| *slot < self.granted)?;
        self.slots.push(SlotState::Free { owed: None });
        Some(Slot(slot))
    }

    fn free(&mut self, slot: Slot) -> Option<Unresolved<C>> {
        let state = self.slots.get_mut(usize::from(slot.0))?;
        match std::mem::replace(state, SlotState::Free { owed: None }) {
            SlotState::Taken(taken) => {
                *state = SlotState::Free { owed: taken.owed };
                self.unresolved -= 1;
                self.free.push(slot);
                Some(taken)
            }
            free => {
                *state = free;
                None
            }
        }
    }

    fn owe_ack(&mut self, id: CallId, body_bytes: usize, now: Time) {
        self.slots[usize::from(id.slot.0)] = SlotState::Free {
            owed: Some(id.sequence),
        };
        let due = if body_bytes >= ACK_AT_ONCE_BYTES {
            now
        } else {
            now + ACK_AFTER
        };
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
