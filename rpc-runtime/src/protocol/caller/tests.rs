use super::super::testing::{answer, id};
use super::*;

const NOW: Time = Time::ZERO;

/// A reply that is neither small nor large.
const BYTES: usize = SMALL_BYTES_MAX + 1;

/// A session of four slots.
fn caller() -> Caller<&'static str> {
    Caller::new(4)
}

impl Caller<&'static str> {
    fn begins(&mut self, call: &'static str) -> CallId {
        self.begin(true, call).expect("a slot is free")
    }

    fn hears(&mut self, id: CallId, status: Status) -> Matched<&'static str> {
        self.answer(&answer(id, status), BYTES, NOW)
    }

    /// What is sent after an attach.
    fn resent(&mut self) -> Vec<(CallId, Option<&'static str>)> {
        self.reattach(NOW);
        let sent = self.resend().map(|(id, resend)| match resend {
            Resend::Call(call) => (id, Some(*call)),
            Resend::Cancel => (id, None),
        });
        sent.collect()
    }
}

/// I10: a slot holds one unresolved call, and the number rises from call to call, on every slot.
#[test]
fn a_slot_holds_one_call() {
    let mut caller = caller();
    let ids: Vec<CallId> = (0..4).map(|_| caller.begins("call")).collect();
    assert_eq!(ids, [id(0, 1), id(1, 2), id(2, 3), id(3, 4)]);
    assert_eq!(caller.begin(true, "one more"), Err("one more"));
    assert_eq!(caller.hears(id(2, 3), Status::Value), Matched::Settled("call"));
    assert_eq!(caller.begins("one more"), id(2, 5));
    assert_eq!(caller.unresolved(), 4);
}

/// Slots are reused last-in-first-out, so that the table stays as large as the peak concurrency.
#[test]
fn the_slot_freed_last_is_used_first() {
    let mut caller = caller();
    let (first, second) = (caller.begins("first"), caller.begins("second"));
    caller.hears(second, Status::Value);
    caller.hears(first, Status::Value);
    assert_eq!(caller.begins("third").slot, first.slot);
    assert_eq!(caller.begins("fourth").slot, second.slot);
}

/// R5: a call is sent again only after an attach, then once, in every attach until its verdict.
#[test]
fn unresolved_calls_are_resent_after_each_attach() {
    let mut caller = caller();
    let (settled, open) = (caller.begins("settled"), caller.begins("open"));
    caller.hears(settled, Status::Value);
    assert_eq!(caller.hears(open, Status::Working), Matched::Working);
    assert_eq!(caller.resent(), [(open, Some("open"))]);
    assert_eq!(caller.resent(), [(open, Some("open"))]);
    caller.hears(open, Status::Value);
    assert_eq!(caller.resent(), []);
}

/// R9: the reply of a slot that is not reused is acknowledged after a while, a large one at once, a small one later, and
/// each once on a connection.
#[test]
fn replies_of_idle_slots_are_acknowledged() {
    let mut caller = caller();
    let (small, middle, large) = (caller.begins("small"), caller.begins("middle"), caller.begins("large"));
    caller.answer(&answer(small, Status::Value), SMALL_BYTES_MAX, NOW);
    assert_eq!((caller.ack_at(), caller.due_acks(NOW)), (Some(NOW + ACK_LAZILY_AFTER), vec![]));
    caller.hears(middle, Status::Error);
    assert_eq!(caller.ack_at(), Some(NOW + ACK_AFTER));
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [middle]);
    caller.answer(&answer(large, Status::Value), ACK_AT_ONCE_BYTES, NOW);
    assert_eq!(caller.due_acks(NOW), [large]);
    assert_eq!(caller.due_acks(NOW + ACK_LAZILY_AFTER), [small]);
    assert_eq!((caller.ack_at(), caller.due_acks(NOW + 2 * ACK_LAZILY_AFTER)), (None, vec![]));
}

/// R9, R11: where the callee lets slots rest, memory is scarce, and small replies too are acknowledged soon.
#[test]
fn small_replies_are_acknowledged_soon_where_memory_is_scarce() {
    let mut caller = caller();
    let ids: Vec<CallId> = (0..3).map(|_| caller.begins("small")).collect();
    caller.answer(&answer(ids[0], Status::Value), 10, NOW);
    let scarce = AnswerHeader { slots: 2, ..answer(ids[1], Status::Value) };
    caller.answer(&scarce, 10, NOW);
    assert_eq!(caller.ack_at(), Some(NOW + ACK_AFTER));
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), ids[..2]);
    caller.answer(&answer(ids[2], Status::Value), 10, NOW);
    assert_eq!(caller.ack_at(), Some(NOW + ACK_LAZILY_AFTER));
}

/// R9: each reply waits for its own time, so that a caller with much to do acknowledges nothing of what it has just got.
#[test]
fn a_reply_is_not_acknowledged_with_an_older_one() {
    let mut caller = caller();
    let (old, young) = (caller.begins("old"), caller.begins("young"));
    caller.hears(old, Status::Value);
    let later = NOW + ACK_AFTER / 2;
    caller.answer(&answer(young, Status::Value), BYTES, later);
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [old]);
    assert_eq!(caller.ack_at(), Some(later + ACK_AFTER));
    assert_eq!(caller.due_acks(later + ACK_AFTER), [young]);
    assert_eq!(caller.ack_at(), None);
}

/// R9: a later recorded call on the slot pays the ack, whatever becomes of it; a refusal leaves none to pay.
#[test]
fn a_later_call_pays_the_ack() {
    let mut caller = caller();
    let first = caller.begins("first");
    caller.hears(first, Status::Value);
    let second = caller.begins("second");
    assert_eq!(second.slot, first.slot);
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), []);
    caller.hears(second, Status::Refused);
    assert_eq!(caller.due_acks(NOW + 2 * ACK_AFTER), []);
}

/// R9: a call without a record does not pay the ack of the slot that it takes, neither while it is there nor after.
#[test]
fn a_call_without_a_record_pays_no_ack() {
    let mut caller = caller();
    let first = caller.begins("first");
    caller.hears(first, Status::Value);
    let unrecorded = caller.begin(false, "unrecorded").expect("a slot is free");
    assert_eq!(unrecorded.slot, first.slot);
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [first]);
    caller.hears(unrecorded, Status::Value);
    assert_eq!(caller.due_acks(NOW + 2 * ACK_AFTER), []);
}

/// R9: an ack can be lost with its connection, so it is said again on the next, unless a later call has paid it.
#[test]
fn an_ack_is_owed_on_every_connection() {
    let mut caller = caller();
    let (idle, reused) = (caller.begins("idle"), caller.begins("reused"));
    caller.hears(idle, Status::Value);
    caller.hears(reused, Status::Value);
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [idle, reused]);
    caller.begins("again");
    caller.resent();
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [idle]);
}

/// R9: a call that is taken back, of which the callee knows nothing, has paid nothing.
#[test]
fn a_withdrawn_call_pays_no_ack() {
    let mut caller = caller();
    let first = caller.begins("first");
    caller.hears(first, Status::Value);
    let second = caller.begins("second");
    assert_eq!(caller.withdraw(second), Some("second"));
    assert_eq!(caller.due_acks(NOW + ACK_AFTER), [first]);
}

/// R11: slots from the callee's target on rest, though they be free; one slot at least is used.
#[test]
fn higher_slots_rest() {
    let mut caller = caller();
    let ids: Vec<CallId> = (0..4).map(|_| caller.begins("call")).collect();
    let target = |slots, id| AnswerHeader { slots, ..answer(id, Status::Value) };
    for id in &ids {
        caller.answer(&target(2, *id), 10, NOW);
    }
    assert_eq!(caller.begins("fifth").slot, Slot(1));
    assert_eq!(caller.begins("sixth").slot, Slot(0));
    assert_eq!(caller.begin(true, "seventh"), Err("seventh"));
    caller.answer(&target(0, id(0, 6)), 10, NOW);
    assert_eq!(caller.begins("eighth").slot, Slot(0));
    assert_eq!(caller.begin(true, "ninth"), Err("ninth"));
    caller.answer(&target(100, id(0, 7)), 10, NOW);
    assert_eq!([0; 3].map(|_| caller.begins("call").slot), [Slot(0), Slot(3), Slot(2)]);
    assert_eq!(caller.begin(true, "too many"), Err("too many"), "the grant bounds the target");
}

/// R16: a call that was given up keeps its slot until its verdict; it is cancelled once on a connection, and after
/// an attach only the cancel is sent.
#[test]
fn a_call_given_up_keeps_its_slot_until_its_verdict() {
    let mut caller = Caller::new(1);
    let call = caller.begins("call");
    assert!(caller.give_up(call));
    assert!(!caller.give_up(call), "the cancel was sent");
    assert_eq!(caller.begin(true, "next"), Err("next"));
    assert_eq!(caller.resent(), [(call, None)]);
    assert_eq!(caller.hears(call, Status::Refused), Matched::Settled("call"));
    assert_eq!(caller.begins("next"), id(0, 2));
    assert!(!caller.give_up(call), "an older call's end does not touch the slot's next");
}

/// R16: a call of which no byte was handed over is taken back, and its slot is free at once.
#[test]
fn an_unsent_call_is_taken_back() {
    let mut caller = Caller::new(1);
    let call = caller.begins("call");
    assert_eq!(caller.withdraw(call), Some("call"));
    assert_eq!(caller.withdraw(call), None);
    assert_eq!((caller.unresolved(), caller.begins("next")), (0, id(0, 2)));
}

/// R16: the cancel of a call without a record has no verdict: after a lost connection, on which the answer may have
/// been lost too, nothing is waited for, and the slot is free.
#[test]
fn a_call_without_a_record_that_was_given_up_does_not_keep_its_slot_for_ever() {
    let mut caller = Caller::new(1);
    let call = caller.begin(false, "call").expect("a slot is free");
    caller.give_up(call);
    assert_eq!(caller.begin(true, "next"), Err("next"), "its answer may still come");
    assert_eq!(caller.reattach(NOW), [(call, "call")]);
    assert_eq!(caller.resend().count(), 0);
    assert_eq!(caller.begins("next"), id(0, 2));
    assert_eq!(caller.hears(call, Status::Value), Matched::Nothing);
}

/// Each attempt of a call without a record is answered by itself: that one was refused proves nothing of another
/// (I2, I16).
#[test]
fn one_refused_attempt_of_several_is_not_never() {
    let mut caller = caller();
    let once = caller.begin(false, "once").expect("a slot is free");
    assert_eq!(caller.hears(once, Status::Refused), Matched::Settled("once"));
    let twice = caller.begin(false, "twice").expect("a slot is free");
    caller.resent();
    assert_eq!(caller.hears(twice, Status::Refused), Matched::RefusedOnce("twice"));
    let recorded = caller.begins("recorded");
    caller.resent();
    assert_eq!(caller.hears(recorded, Status::Refused), Matched::Settled("recorded"));
}

/// R27: every attach has a larger number than all before it, also if those failed.
#[test]
fn attach_numbers_rise() {
    let mut caller = caller();
    let numbers: Vec<AttachNumber> = (0..3).map(|_| caller.next_attach()).collect();
    assert_eq!(numbers, [AttachNumber(1), AttachNumber(2), AttachNumber(3)]);
}

/// R27: what is resent keeps its name; what was settled meanwhile is not sent.
#[test]
fn a_resent_call_keeps_its_name() {
    let mut caller = caller();
    let (a, b, c) = (caller.begins("a"), caller.begins("b"), caller.begins("c"));
    caller.give_up(b);
    caller.hears(a, Status::Fault);
    assert_eq!(caller.resent(), [(b, None), (c, Some("c"))]);
}

/// R28: an answer is matched by slot and number; one that names another call is dropped (I3).
#[test]
fn an_answer_to_another_call_is_dropped() {
    let mut caller = caller();
    let call = caller.begins("call");
    for other in [id(0, 0), id(0, 2), id(1, 1), id(9, 1)] {
        for status in [Status::Value, Status::Refused, Status::Stale, Status::Working] {
            assert_eq!(caller.hears(other, status), Matched::Nothing);
        }
    }
    assert_eq!(caller.hears(call, Status::Value), Matched::Settled("call"));
    assert_eq!(caller.hears(call, Status::Value), Matched::Nothing, "a copy of it");
}

/// R29: `Working`, `Stale` and `SlotBusy` settle nothing; the latter two are our own bug.
#[test]
fn what_is_no_verdict_settles_nothing() {
    let mut caller = caller();
    let call = caller.begins("call");
    assert_eq!(caller.hears(call, Status::Working), Matched::Working);
    assert_eq!(caller.hears(call, Status::Stale), Matched::Broken);
    assert_eq!(caller.hears(call, Status::SlotBusy), Matched::Broken);
    assert_eq!(caller.unresolved(), 1);
    assert_eq!(caller.end().map(|unresolved| unresolved.call).collect::<Vec<_>>(), ["call"]);
}

/// R31: from the final goodbye follows a verdict for every unresolved call.
#[test]
fn the_final_goodbye_settles_every_call() {
    let mut caller = Caller::new(8);
    for call in ["ran", "refused", "not seen", "older than the last", "slot not used"] {
        caller.begins(call);
    }
    let unrecorded = caller.begin(false, "unrecorded").expect("a slot is free");
    assert_eq!(unrecorded, id(5, 6));
    let last = |slot, sequence, refused| LastCall { slot: Slot(slot), sequence: Sequence(sequence), refused };
    let last_calls = [
        last(0, 1, false),
        last(1, 2, true),
        last(2, 1, false),
        last(3, 9, true),
        last(5, 1, false),
        last(700, 1, true),
    ];
    let ended =
        caller.end_by_goodbye(&last_calls).into_iter().map(|(unresolved, farewell)| (unresolved.call, farewell));
    assert_eq!(
        ended.collect::<Vec<_>>(),
        [
            ("ran", Farewell::Completed),
            ("refused", Farewell::Never),
            ("not seen", Farewell::Never),
            ("older than the last", Farewell::Unknown),
            ("slot not used", Farewell::Never),
            ("unrecorded", Farewell::Unknown),
        ]
    );
}
