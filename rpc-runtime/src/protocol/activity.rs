//! The at-most-once record of one slot: its last call and what became of it.
//!
//! One entry per slot is enough, because a later call on the slot acknowledges the earlier reply (R9). `last`
//! lives as long as the session, whatever is forgotten of the reply.

use super::control::Refusal;
use super::frame::Status;
use super::id::{CallId, Sequence};

/// A slot's last call. `R` is a reply as the driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Activity<R> {
    /// The last call made on the slot; 0 before the first.
    pub last: Sequence,
    /// What became of it.
    pub state: State<R>,
    /// Bytes of the budget that it holds: reserved while in progress, kept afterwards.
    pub charged: u64,
}

/// What became of a slot's last call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State<R> {
    /// No call yet.
    Empty,
    /// Accepted, not started: it may still be refused.
    Queued,
    /// Started.
    Running,
    /// Ended; the reply is kept.
    Done {
        /// Value, error or fault.
        status: Status,
        /// The body.
        reply: R,
    },
    /// Ended; the reply is not kept.
    ReplyDropped,
    /// Never started and never will.
    Refused(Refusal),
}

impl<R> Default for Activity<R> {
    fn default() -> Activity<R> {
        Activity { last: Sequence(0), state: State::Empty, charged: 0 }
    }
}

impl<R> Activity<R> {
    /// Whether the last call has not ended yet.
    pub fn in_progress(&self) -> bool {
        matches!(self.state, State::Queued | State::Running)
    }

    /// Whether `id` is the last call and has started.
    pub fn is_running(&self, id: CallId) -> bool {
        self.last == id.sequence && matches!(self.state, State::Running)
    }

    /// Forgets the reply, and only the reply (R9). The reply comes back, to use its buffer again.
    pub fn drop_reply(&mut self) -> Option<R> {
        match std::mem::replace(&mut self.state, State::ReplyDropped) {
            State::Done { reply, .. } => Some(reply),
            other => {
                self.state = other;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::ACTIVITY_BYTES;
    use super::*;

    /// R11: an entry of the table takes no more than its slot is charged.
    #[test]
    fn an_entry_fits_what_a_slot_is_charged() {
        assert!(size_of::<Activity<idl::Writer>>() as u64 <= ACTIVITY_BYTES);
    }
}
