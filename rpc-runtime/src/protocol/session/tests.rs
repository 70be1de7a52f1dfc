use std::time::Duration;

use uuid::Uuid;

use super::super::id::{Sequence, Slot};
use super::super::testing::{LIMITS, SMALL, ample, arrival, call, call_before, id, ignore, seconds_from_start};
use super::*;

const NOW: CalleeTime = CalleeTime(1_000);
/// The lease is a minute, and the callee waits 1 % longer.
const LEASE: Duration = Duration::from_secs(60);

fn token() -> Token {
    Token::new(Uuid::from_u128(1))
}

/// A session of ten slots that was opened on connection 1 at the start.
fn session(budget: &Budget) -> Session<&'static str> {
    let granted = budget.grant(10).expect("the budget is ample");
    let lease = Lease::new(LEASE, Time::ZERO);
    let caller = Incarnation::new(Uuid::from_u128(2));
    Session::new(SessionId(1), token(), caller, granted, lease, LIMITS, ConnectionId(1))
}

impl Session<&'static str> {
    fn arrives(&mut self, connection: u64, call: &CallHeader, gate: Gate, budget: &Budget) -> Verdict<&'static str> {
        self.call(arrival(connection, 0), call, gate, NOW, budget)
    }

    fn runs(&mut self, connection: u64, call: &CallHeader, budget: &Budget) {
        assert!(matches!(self.arrives(connection, call, Gate::Run, budget), Verdict::Run(_)));
    }

    fn attaches(&mut self, connection: u64, number: u64) -> Result<Option<ConnectionId>, Rejection> {
        self.attach(token(), AttachNumber(number), arrival(connection, 0))
    }
}

/// R1: a session is no connection: it is attached by one after another, and its records go along.
#[test]
fn a_session_outlives_its_connections() {
    let budget = ample();
    let mut session = session(&budget);
    session.runs(1, &call(0, 1), &budget);
    session.detach(ConnectionId(1));
    assert_eq!(session.bound(), None);
    assert_eq!(session.attaches(2, 1), Ok(None));
    assert_eq!(session.attaches(3, 2), Ok(Some(ConnectionId(2))), "the old one is to be closed");
    session.detach(ConnectionId(2));
    assert_eq!(session.bound(), Some(ConnectionId(3)), "an old connection's end changes nothing");
    assert_eq!(session.arrives(3, &call(0, 1), Gate::Run, &budget), Verdict::Answer(Status::Working));
}

/// R2: no call makes a session: one that comes after the end is dropped and leaves nothing behind.
#[test]
fn a_call_makes_no_session() {
    let budget = ample();
    let mut session = session(&budget);
    session.end(&budget);
    assert_eq!(session.arrives(1, &call(0, 1), Gate::Run, &budget), Verdict::Unbound);
    assert_eq!(session.call_unrecorded(arrival(1, 0), &call(0, 1), Gate::Run, NOW), Verdict::Unbound);
    assert_eq!((session.running(), budget.used()), (0, 0));
}

/// R4: every valid frame renews the lease, and only a valid one on the session's connection does.
#[test]
fn valid_frames_renew_the_lease() {
    type Frame = fn(&mut Session<&'static str>, Arrival, &Budget);
    let valid: [Frame; 6] = [
        |s, at, b| ignore(s.call(at, &call(1, 9), Gate::Run, NOW, b)),
        |s, at, _| ignore(s.call_unrecorded(at, &call(1, 9), Gate::Run, NOW)),
        |s, at, b| ignore(s.cancel(at, id(1, 9), b)),
        |s, at, b| assert_eq!(s.ack(at, id(1, 9), b), Ok(None)),
        |s, at, _| assert!(s.renew(at)),
        |s, at, _| ignore(s.attach(token(), AttachNumber(5), at)),
    ];
    let invalid: [Frame; 5] = [
        |s, at, b| ignore(s.call(at, &call(10, 9), Gate::Run, NOW, b)),
        |s, at, b| assert_eq!(s.ack(at, id(1, 0), b), Err(Invalid::NotGranted)),
        |s, at, _| ignore(s.attach(Token::new(Uuid::nil()), AttachNumber(5), at)),
        |s, at, _| ignore(s.attach(token(), AttachNumber(0), at)),
        |s, at, b| ignore(s.cancel(Arrival { connection: ConnectionId(7), ..at }, id(1, 9), b)),
    ];
    let first = Time::ZERO + LEASE + LEASE / 100;
    for (frames, until) in [(&valid[..], first + Duration::from_secs(30)), (&invalid[..], first)] {
        for (index, frame) in frames.iter().enumerate() {
            let budget = ample();
            let mut session = session(&budget);
            frame(&mut session, arrival(1, 30), &budget);
            assert_eq!(session.lease_until(), until, "frame {index}");
        }
    }
}

/// R4: the lease ends lease·(1+ρ) after the last valid frame, which itself may come at the last moment.
#[test]
fn a_lease_ends_after_silence() {
    let budget = ample();
    let mut session = session(&budget);
    assert!(!session.has_expired(seconds_from_start(60)));
    assert!(session.has_expired(seconds_from_start(61)));
    assert!(session.renew(arrival(1, 61)), "it has not been ended yet");
    assert!(!session.has_expired(seconds_from_start(61)));
    session.end(&budget);
    assert!(!session.has_expired(seconds_from_start(1_000)), "it ends once");
}

/// R4: an ended session starts nothing more, not even queued calls, cannot be attached, and is forgotten only when
/// its last handler has ended.
#[test]
fn an_ended_session_starts_nothing() {
    let budget = ample();
    let mut session = session(&budget);
    session.runs(1, &call(0, 1), &budget);
    assert_eq!(session.arrives(1, &call(1, 2), Gate::Queue, &budget), Verdict::Queue);
    let unrecorded = call(2, 3);
    assert_eq!(session.call_unrecorded(arrival(1, 0), &unrecorded, Gate::Queue, NOW), Verdict::Queue);
    assert_eq!(session.call_unrecorded(arrival(1, 0), &call(3, 4), Gate::Run, NOW), Verdict::Run(None));
    assert!(session.end(&budget));
    assert!(!session.end(&budget), "it ends once");
    assert_eq!(session.start(&call(1, 2), None, NOW, &budget), Err(None));
    assert_eq!(session.start_unrecorded(&unrecorded, None, NOW), Err(None));
    assert_eq!(session.attaches(2, 1), Err(Rejection::UnknownSession { running: true }));
    assert_eq!(session.finish(id(0, 1), Status::Value, "reply", SMALL, &budget), Finished::Nobody);
    assert!(!session.finish_unrecorded());
    assert_eq!(session.attaches(2, 2), Err(Rejection::UnknownSession { running: false }));
    assert_eq!((session.running(), budget.used()), (0, 0));
}

/// R11: the end gives back all that the session held of the budget, whatever its calls were doing.
#[test]
fn the_end_gives_everything_back() {
    let budget = ample();
    let mut session = session(&budget);
    session.runs(1, &call(0, 1), &budget);
    session.arrives(1, &call(1, 2), Gate::Queue, &budget);
    session.arrives(1, &call(2, 3), Gate::Refuse(Refusal::Draining), &budget);
    for (slot, bytes) in [(3, SMALL), (4, 400), (5, 600)] {
        session.runs(1, &call(slot, 10), &budget);
        session.finish(id(slot, 10), Status::Value, "reply", bytes, &budget);
    }
    session.runs(1, &call(6, 11), &budget);
    session.refuse(id(6, 11), Refusal::Undecodable, &budget);
    session.check(LIMITS);
    session.end(&budget);
    assert_eq!(budget.used(), 0);
    assert!(!session.refuse(id(0, 1), Refusal::Undecodable, &budget), "nobody waits");
    assert_eq!(budget.used(), 0);
}

/// A slot that was not granted, or the number 0, closes the connection and changes nothing.
#[test]
fn a_call_that_cannot_exist_is_a_violation() {
    let budget = ample();
    let mut session = session(&budget);
    let before = session.clone();
    for id in [id(10, 1), id(0, 0), id(u16::MAX, u64::MAX)] {
        let header = CallHeader { id, ..call(0, 1) };
        assert_eq!(session.arrives(1, &header, Gate::Run, &budget), Verdict::Violation);
        assert_eq!(session.call_unrecorded(arrival(1, 0), &header, Gate::Run, NOW), Verdict::Violation);
        assert_eq!(session.cancel(arrival(1, 0), id, &budget), CancelVerdict::Violation);
        assert_eq!(session.ack(arrival(1, 0), id, &budget), Err(Invalid::NotGranted));
    }
    assert_eq!(session, before);
}

/// R26: what a connection still delivers after the session was taken from it counts for nothing: it runs nothing,
/// records nothing, acknowledges nothing, renews nothing and ends nothing.
#[test]
fn an_old_connection_counts_for_nothing() {
    let budget = ample();
    let mut session = session(&budget);
    session.runs(1, &call(0, 1), &budget);
    session.finish(id(0, 1), Status::Value, "reply", SMALL, &budget);
    assert_eq!(session.attaches(2, 1), Ok(Some(ConnectionId(1))));
    let before = session.clone();
    let late = arrival(1, 30);
    assert_eq!(session.call(late, &call(1, 2), Gate::Run, NOW, &budget), Verdict::Unbound);
    assert_eq!(session.call_unrecorded(late, &call(1, 2), Gate::Run, NOW), Verdict::Unbound);
    assert_eq!(session.cancel(late, id(1, 2), &budget), CancelVerdict::Unbound);
    assert_eq!(session.ack(late, id(0, 1), &budget), Err(Invalid::Unbound));
    assert!(!session.renew(late));
    assert!(!session.close(late, &budget));
    assert_eq!(session, before);
    assert!(session.close(arrival(2, 30), &budget), "its own connection ends it");
}

/// R27: only a larger number attaches; one that is not larger touches nothing, and the next larger one may follow.
#[test]
fn only_a_larger_attach_number_attaches() {
    let budget = ample();
    let mut session = session(&budget);
    assert_eq!(session.attaches(2, 3), Ok(Some(ConnectionId(1))));
    let before = session.clone();
    assert_eq!(session.attaches(3, 3), Err(Rejection::Superseded));
    assert_eq!(session.attaches(3, 2), Err(Rejection::Superseded));
    assert_eq!(session, before);
    assert_eq!(session.attaches(4, 4), Ok(Some(ConnectionId(2))));
}

/// Row 3: another token attaches nothing, whatever its number.
#[test]
fn another_token_is_fenced() {
    let budget = ample();
    let mut session = session(&budget);
    let before = session.clone();
    let other = Token::new(Uuid::from_u128(7));
    assert_eq!(session.attach(other, AttachNumber(9), arrival(2, 30)), Err(Rejection::Fenced));
    assert_eq!(session, before);
}

/// R28: a lost connection loses no result: it waits in the record for the resend, on whichever connection.
#[test]
fn a_result_outlives_the_connection_of_its_call() {
    let budget = ample();
    let mut session = session(&budget);
    session.runs(1, &call(0, 1), &budget);
    session.detach(ConnectionId(1));
    assert_eq!(session.finish(id(0, 1), Status::Value, "reply", SMALL, &budget), Finished::Kept);
    assert_eq!(session.attaches(2, 1), Ok(None));
    assert_eq!(session.arrives(2, &call(0, 1), Gate::Run, &budget), Verdict::Repeat);
    assert_eq!(session.reply(id(0, 1)), Some((Status::Value, &"reply")));
    assert_eq!(session.reply(id(0, 2)), None);
    assert_eq!(session.reply(id(1, 1)), None);
}

/// R30: a queued call without a record is checked again too.
#[test]
fn a_queued_call_without_a_record_is_checked_again() {
    let budget = ample();
    let mut session = session(&budget);
    let queued = call_before(0, 1, 1_000);
    assert_eq!(session.call_unrecorded(arrival(1, 0), &queued, Gate::Queue, NOW), Verdict::Queue);
    assert_eq!(session.start_unrecorded(&queued, None, CalleeTime(1_001)), Err(Some(Refusal::Late)));
    assert_eq!(session.start_unrecorded(&queued, Some(Refusal::Withdrawn), NOW), Err(Some(Refusal::Withdrawn)));
    assert_eq!(session.start_unrecorded(&queued, None, NOW), Ok(()));
    let late = call_before(0, 2, 999);
    assert_eq!(session.call_unrecorded(arrival(1, 0), &late, Gate::Run, NOW), Verdict::Refused(Refusal::Late));
}

/// Calls without a record count as handlers and leave the table alone: their numbers stay unused.
#[test]
fn a_call_without_a_record_leaves_no_record() {
    let budget = ample();
    let mut session = session(&budget);
    let empty = budget.used();
    for _ in 0..2 {
        assert_eq!(session.call_unrecorded(arrival(1, 0), &call(0, 5), Gate::Run, NOW), Verdict::Run(None));
    }
    assert_eq!((session.running(), session.is_busy(), budget.used()), (2, true, empty));
    assert!(session.finish_unrecorded());
    assert!(session.finish_unrecorded());
    session.runs(1, &call(0, 1), &budget);
}

/// R31: the final goodbye is not said while a handler runs, one of a call without a record included, nor after the
/// end, when the table is gone.
#[test]
fn no_final_goodbye_while_a_handler_runs() {
    let budget = ample();
    let mut session = session(&budget);
    session.call_unrecorded(arrival(1, 0), &call(0, 1), Gate::Run, NOW);
    assert_eq!(session.last_calls(), None);
    session.finish_unrecorded();
    session.runs(1, &call(0, 2), &budget);
    assert_eq!(session.last_calls(), None);
    session.finish(id(0, 2), Status::Value, "reply", SMALL, &budget);
    let last = LastCall { slot: Slot(0), sequence: Sequence(2), refused: false };
    assert_eq!(session.last_calls(), Some(vec![last]));
    session.end(&budget);
    assert_eq!(session.last_calls(), None);
}
