//! What the tests of several machines share.

use super::budget::Budget;
use super::frame::{AnswerHeader, CallHeader, Status};
use super::id::{CallId, ConnectionId, Sequence, Slot};
use super::room::ReplyLimits;
use super::session::Arrival;
use super::time::{CalleeTime, Time};

/// Room for ten reservations.
pub(super) const LIMITS: ReplyLimits = ReplyLimits { reserve_bytes: 100, session_bytes_max: 1000 };
/// A reply that is kept in its reservation.
pub(super) const SMALL: u64 = 10;
/// A reply that is beyond half of the session's room.
pub(super) const GIANT: u64 = 501;

pub(super) fn id(slot: u16, sequence: u64) -> CallId {
    CallId { slot: Slot(slot), sequence: Sequence(sequence) }
}

/// A recorded call that may start at any time.
pub(super) fn call(slot: u16, sequence: u64) -> CallHeader {
    let id = id(slot, sequence);
    CallHeader { id, recorded: true, oneway: false, start_before: CalleeTime::NEVER, method: 7 }
}

/// A call that may start until `micros`.
pub(super) fn call_before(slot: u16, sequence: u64, micros: u64) -> CallHeader {
    CallHeader { start_before: CalleeTime(micros), ..call(slot, sequence) }
}

pub(super) fn answer(id: CallId, status: Status) -> AnswerHeader {
    AnswerHeader { id, status, clock: CalleeTime(0), slots: u16::MAX }
}

/// A frame comes in on `connection` after so many seconds.
pub(super) fn arrival(connection: u64, seconds: u64) -> Arrival {
    Arrival { connection: ConnectionId(connection), now: seconds_from_start(seconds) }
}

pub(super) fn seconds_from_start(seconds: u64) -> Time {
    Time::from_nanos(seconds * 1_000_000_000)
}

/// More than any test takes.
pub(super) fn ample() -> Budget {
    Budget::new(1 << 30)
}

/// A verdict of no interest to the test.
pub(super) fn ignore<T>(_verdict: T) {}
