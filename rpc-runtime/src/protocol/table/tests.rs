use super::super::testing::{GIANT, LIMITS, SMALL, ample, call, call_before, id, ignore};
use super::*;

const NOW: CalleeTime = CalleeTime(1_000);

/// A table with one granted slot more than there is room for.
fn table(budget: &Budget) -> Table<&'static str> {
    let granted = budget.grant(11).expect("the budget is ample");
    Table::new(granted, LIMITS)
}

impl Table<&'static str> {
    fn arrives(&mut self, call: &CallHeader, gate: Gate, budget: &Budget) -> Verdict<&'static str> {
        let verdict = self.call(call, gate, NOW, budget);
        self.check(LIMITS);
        verdict
    }

    fn runs(&mut self, call: &CallHeader, budget: &Budget) {
        assert!(matches!(self.arrives(call, Gate::Run, budget), Verdict::Run(_)), "{} is refused", call.id);
    }

    fn ends(&mut self, id: CallId, reply: &'static str, bytes: u64, budget: &Budget) -> Finished<&'static str> {
        let finished = self.finish(id, Status::Value, reply, bytes, budget);
        self.check(LIMITS);
        finished
    }
}

/// Brings slot 0 into a state.
type Prepare = fn(&mut Table<&'static str>, &Budget);

/// Rows 4–9 in their order: what a call meets for every state of its slot, whatever the gate says.
#[test]
fn the_rows_are_checked_in_their_order() {
    let run = Verdict::Run(None);
    let prepared: [(Prepare, Verdict<&str>, Verdict<&str>); 5] = [
        (
            |t, b| ignore(t.arrives(&call(0, 5), Gate::Queue, b)),
            Verdict::Answer(Status::Working),
            Verdict::Answer(Status::SlotBusy),
        ),
        (|t, b| t.runs(&call(0, 5), b), Verdict::Answer(Status::Working), Verdict::Answer(Status::SlotBusy)),
        (
            |t, b| {
                t.runs(&call(0, 5), b);
                t.ends(id(0, 5), "reply", SMALL, b);
            },
            Verdict::Repeat,
            Verdict::Run(Some("reply")),
        ),
        (
            |t, b| {
                t.runs(&call(0, 5), b);
                t.ends(id(0, 5), "reply", GIANT, b);
            },
            Verdict::Answer(Status::ReplyLost),
            run,
        ),
        (
            |t, b| ignore(t.arrives(&call(0, 5), Gate::Refuse(Refusal::Draining), b)),
            Verdict::Refused(Refusal::Draining),
            Verdict::Run(None),
        ),
    ];
    for (prepare, same, larger) in prepared {
        for gate in [Gate::Run, Gate::Queue, Gate::Refuse(Refusal::Withdrawn)] {
            let budget = ample();
            let mut table = table(&budget);
            prepare(&mut table, &budget);
            assert_eq!(table.arrives(&call(0, 4), gate, &budget), Verdict::Answer(Status::Stale));
            assert_eq!(table.arrives(&call(0, 5), gate, &budget), same);
            let expected = match (&larger, gate) {
                (Verdict::Run(_), Gate::Queue) => Verdict::Queue,
                (Verdict::Run(_), Gate::Refuse(why)) => Verdict::Refused(why),
                (Verdict::Run(forgotten), Gate::Run) => Verdict::Run(*forgotten),
                _ => Verdict::Answer(Status::SlotBusy),
            };
            assert_eq!(table.arrives(&call(0, 6), gate, &budget), expected);
        }
    }
}

/// R29: a call that meets a busy slot is not recorded: it is not refused, and its number stays unused.
#[test]
fn a_busy_slot_uses_no_number() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 1), &budget);
    assert_eq!(table.arrives(&call(0, 2), Gate::Run, &budget), Verdict::Answer(Status::SlotBusy));
    table.ends(id(0, 1), "reply", SMALL, &budget);
    table.runs(&call(0, 2), &budget);
}

/// R6: a call that ran is answered from its record, also when the export is gone and no new call may run.
#[test]
fn a_repeated_call_is_answered_although_no_new_one_may_run() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 1), &budget);
    table.ends(id(0, 1), "reply", SMALL, &budget);
    let gone = Gate::Refuse(Refusal::Withdrawn);
    assert_eq!(table.arrives(&call(0, 1), gone, &budget), Verdict::Repeat);
    assert_eq!(table.reply(id(0, 1)), Some((Status::Value, &"reply")));
    assert_eq!(table.arrives(&call(1, 2), gone, &budget), Verdict::Refused(Refusal::Withdrawn));
}

/// R7: a handler that was dropped leaves a record; its call does not run again.
#[test]
fn a_dropped_handler_is_recorded_as_aborted() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 1), &budget);
    table.finish(id(0, 1), Status::Fault, "aborted", SMALL, &budget);
    assert_eq!(table.arrives(&call(0, 1), Gate::Run, &budget), Verdict::Repeat);
    assert_eq!(table.reply(id(0, 1)), Some((Status::Fault, &"aborted")));
}

/// R8: values, errors and faults are replies, stored in the same way.
#[test]
fn errors_are_stored_like_values() {
    let budget = ample();
    let mut table = table(&budget);
    for (slot, status) in [(0, Status::Value), (1, Status::Error), (2, Status::Fault)] {
        table.runs(&call(slot, 1), &budget);
        assert_eq!(table.finish(id(slot, 1), status, "reply", SMALL, &budget), Finished::Kept);
        assert_eq!(table.arrives(&call(slot, 1), Gate::Run, &budget), Verdict::Repeat);
        assert_eq!(table.reply(id(slot, 1)), Some((status, &"reply")));
    }
}

/// R9: an ack drops the reply, and only the reply: the call does not run again, nor does an older one.
#[test]
fn an_ack_drops_only_the_reply() {
    let budget = ample();
    let mut table = table(&budget);
    let empty = budget.used();
    table.runs(&call(0, 5), &budget);
    table.ends(id(0, 5), "reply", SMALL, &budget);
    assert_eq!(table.ack(id(0, 5), &budget), Some("reply"));
    table.check(LIMITS);
    assert_eq!(budget.used(), empty);
    assert_eq!(table.ack(id(0, 5), &budget), None);
    assert_eq!(table.arrives(&call(0, 5), Gate::Run, &budget), Verdict::Answer(Status::ReplyLost));
    assert_eq!(table.arrives(&call(0, 4), Gate::Run, &budget), Verdict::Answer(Status::Stale));
}

/// R9: an ack counts only if it names the slot's last call, and that has ended.
#[test]
fn an_ack_of_another_call_drops_nothing() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 5), &budget);
    assert_eq!(table.ack(id(0, 5), &budget), None, "it runs");
    assert_eq!(table.arrives(&call(0, 5), Gate::Run, &budget), Verdict::Answer(Status::Working));
    table.ends(id(0, 5), "reply", SMALL, &budget);
    assert_eq!(table.ack(id(0, 4), &budget), None);
    assert_eq!(table.ack(id(0, 6), &budget), None);
    assert_eq!(table.ack(id(1, 5), &budget), None);
    assert_eq!(table.arrives(&call(0, 5), Gate::Run, &budget), Verdict::Repeat);
    table.arrives(&call(2, 7), Gate::Queue, &budget);
    assert_eq!(table.ack(id(2, 7), &budget), None, "it is queued");
    assert_eq!(table.start(&call(2, 7), None, NOW, &budget), Ok(()));
}

/// R9: a larger number on the slot acknowledges the reply before it, also if its own call is refused or cancelled.
#[test]
fn a_larger_number_acknowledges() {
    let budget = ample();
    let mut table = table(&budget);
    let empty = budget.used();
    table.runs(&call(0, 1), &budget);
    table.ends(id(0, 1), "one", 200, &budget);
    assert_eq!(
        table.arrives(&call(0, 2), Gate::Refuse(Refusal::Draining), &budget),
        Verdict::Refused(Refusal::Draining)
    );
    assert_eq!((table.reply(id(0, 1)), budget.used()), (None, empty));
    table.runs(&call(0, 3), &budget);
    table.ends(id(0, 3), "three", 200, &budget);
    assert_eq!(table.cancel(id(0, 4), &budget), CancelVerdict::Refused(Refusal::Cancelled));
    assert_eq!((table.reply(id(0, 3)), budget.used()), (None, empty));
    table.check(LIMITS);
}

/// R9: the table remembers the last number of every slot, whatever else is used or forgotten.
#[test]
fn no_slot_forgets_its_last_number() {
    let budget = ample();
    let mut table = table(&budget);
    for sequence in 1..=40 {
        let slot = (sequence % 8) as u16;
        table.runs(&call(slot, sequence), &budget);
        table.ends(id(slot, sequence), "reply", SMALL, &budget);
        table.ack(id(slot, sequence), &budget);
        for earlier in 1..=sequence {
            let again = table.arrives(&call((earlier % 8) as u16, earlier), Gate::Run, &budget);
            assert!(matches!(again, Verdict::Answer(Status::Stale | Status::ReplyLost)), "{earlier} runs again");
        }
    }
}

/// R10: a refusal uses its number, for whichever reason: a late copy of the call is answered with the refusal and
/// never runs.
#[test]
fn a_refused_call_never_runs() {
    let reasons: [(Prepare, Refusal); 6] = [
        (|t, b| ignore(t.arrives(&call(0, 1), Gate::Refuse(Refusal::Withdrawn), b)), Refusal::Withdrawn),
        (|t, b| ignore(t.arrives(&call_before(0, 1, 999), Gate::Run, b)), Refusal::Late),
        (|t, b| ignore(t.cancel(id(0, 1), b)), Refusal::Cancelled),
        (
            |t, b| {
                t.runs(&call(0, 1), b);
                t.refuse(id(0, 1), Refusal::Undecodable, b);
            },
            Refusal::Undecodable,
        ),
        (
            |t, b| {
                t.arrives(&call(0, 1), Gate::Queue, b);
                t.cancel(id(0, 1), b);
            },
            Refusal::Cancelled,
        ),
        (
            |t, b| {
                (1..=10).for_each(|slot| t.runs(&call(slot, 1), b));
                t.arrives(&call(0, 1), Gate::Run, b);
                (1..=10).for_each(|slot| ignore(t.ends(id(slot, 1), "reply", 0, b)));
                (1..=10).for_each(|slot| assert_eq!(t.ack(id(slot, 1), b), Some("reply")));
            },
            Refusal::Overload,
        ),
    ];
    for (refuse, why) in reasons {
        let budget = ample();
        let mut table = table(&budget);
        let empty = budget.used();
        refuse(&mut table, &budget);
        table.check(LIMITS);
        assert_eq!(budget.used(), empty, "{why:?} leaves a reservation behind");
        for gate in [Gate::Run, Gate::Queue] {
            assert_eq!(table.arrives(&call(0, 1), gate, &budget), Verdict::Refused(why));
        }
        assert_eq!(table.start(&call(0, 1), None, NOW, &budget), Err(None));
        assert_eq!(table.cancel(id(0, 1), &budget), CancelVerdict::Refused(why));
        table.runs(&call(0, 2), &budget);
    }
}

/// R11: a call for whose reply there is no room is refused, and that is recorded; it reserves nothing.
#[test]
fn a_call_without_room_is_refused() {
    let budget = ample();
    let mut table = table(&budget);
    (0..10).for_each(|slot| table.runs(&call(slot, 1), &budget));
    let full = budget.used();
    assert_eq!(table.arrives(&call(10, 1), Gate::Run, &budget), Verdict::Refused(Refusal::Overload));
    assert_eq!(budget.used(), full);
    table.ends(id(0, 1), "reply", 0, &budget);
    assert_eq!(table.arrives(&call(10, 1), Gate::Run, &budget), Verdict::Refused(Refusal::Overload));
    table.runs(&call(10, 2), &budget);
}

/// R11: a reply for which there is no room is handed back to be sent once; its call stays recorded as completed.
#[test]
fn a_reply_without_room_is_sent_once() {
    let budget = ample();
    let mut table = table(&budget);
    let empty = budget.used();
    table.runs(&call(0, 1), &budget);
    assert_eq!(table.ends(id(0, 1), "giant", GIANT, &budget), Finished::Once("giant"));
    assert_eq!(budget.used(), empty);
    assert_eq!(table.arrives(&call(0, 1), Gate::Run, &budget), Verdict::Answer(Status::ReplyLost));
    assert_eq!(table.ack(id(0, 1), &budget), None);
    assert_eq!(table.cancel(id(0, 1), &budget), CancelVerdict::Answer(Status::ReplyLost));
}

/// R11: large replies, and a budget that is nearly used up, let the higher slots rest.
#[test]
fn slots_rest_when_there_is_little_room() {
    let budget = ample();
    let mut table = table(&budget);
    assert_eq!(table.slot_target(&budget), 10, "one slot more was granted than there is room for");
    table.runs(&call(0, 1), &budget);
    table.ends(id(0, 1), "reply", 500, &budget);
    assert_eq!(table.slot_target(&budget), 5);
    table.ack(id(0, 1), &budget);
    assert_eq!(table.slot_target(&budget), 10);
    let small = Budget::new(100_000);
    let granted = small.grant(100).expect("there is room");
    let wide = Table::<&str>::new(granted, ReplyLimits { reserve_bytes: 1, session_bytes_max: 1_000 });
    assert_eq!(wide.slot_target(&small), 100);
    assert!(small.reserve(70_000));
    assert_eq!(wide.slot_target(&small), 16);
}

/// R15: a call is not started later than its `start_before`; at that very point it still is.
#[test]
fn no_call_starts_later_than_it_may() {
    let budget = ample();
    let mut table = table(&budget);
    assert_eq!(table.arrives(&call_before(0, 1, 999), Gate::Run, &budget), Verdict::Refused(Refusal::Late));
    assert_eq!(table.arrives(&call_before(0, 2, 999), Gate::Queue, &budget), Verdict::Refused(Refusal::Late));
    table.runs(&call_before(0, 3, 1_000), &budget);
}

/// R15: that `start_before` has passed is no verdict for a call that is known: it is answered from its record.
#[test]
fn a_late_repeat_is_answered_from_the_record() {
    let budget = ample();
    let mut table = table(&budget);
    let call = call_before(0, 1, 1_500);
    assert!(matches!(table.call(&call, Gate::Run, CalleeTime(1_400), &budget), Verdict::Run(None)));
    assert_eq!(table.call(&call, Gate::Run, CalleeTime(1_600), &budget), Verdict::Answer(Status::Working));
    table.ends(id(0, 1), "reply", SMALL, &budget);
    assert_eq!(table.call(&call, Gate::Run, CalleeTime(1_600), &budget), Verdict::Repeat);
}

/// R16: a cancel of a call that was not seen uses its number, so that the call cannot run when it comes.
#[test]
fn a_cancel_can_come_before_its_call() {
    let budget = ample();
    let mut table = table(&budget);
    assert_eq!(table.cancel(id(0, 1), &budget), CancelVerdict::Refused(Refusal::Cancelled));
    assert_eq!(table.arrives(&call(0, 1), Gate::Run, &budget), Verdict::Refused(Refusal::Cancelled));
}

/// R16: a queued call that is cancelled never starts, and gives its reservation back.
#[test]
fn a_queued_call_that_is_cancelled_never_starts() {
    let budget = ample();
    let mut table = table(&budget);
    let empty = budget.used();
    assert_eq!(table.arrives(&call(0, 1), Gate::Queue, &budget), Verdict::Queue);
    assert_eq!(table.cancel(id(0, 1), &budget), CancelVerdict::Refused(Refusal::Cancelled));
    assert_eq!(budget.used(), empty);
    assert_eq!(table.start(&call(0, 1), None, NOW, &budget), Err(None));
}

/// R16: a running call is signalled, and its real end is the verdict; a finished one is answered without its reply.
#[test]
fn a_cancel_of_a_call_that_started_is_no_refusal() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 2), &budget);
    assert_eq!(table.cancel(id(0, 2), &budget), CancelVerdict::Signal);
    assert_eq!(table.cancel(id(0, 1), &budget), CancelVerdict::Ignore, "older than the slot's last");
    assert_eq!(table.ends(id(0, 2), "reply", SMALL, &budget), Finished::Kept);
    assert_eq!(table.cancel(id(0, 2), &budget), CancelVerdict::Answer(Status::ReplyLost));
    assert_eq!(table.ack(id(0, 2), &budget), Some("reply"));
}

/// R29: a cancel that names a later call than the one in progress uses no number.
#[test]
fn a_cancel_on_a_busy_slot_is_no_verdict() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 1), &budget);
    assert_eq!(table.cancel(id(0, 2), &budget), CancelVerdict::Answer(Status::SlotBusy));
    assert_eq!(table.arrives(&call(0, 1), Gate::Run, &budget), Verdict::Answer(Status::Working));
}

/// R30: what refuses a new call refuses a queued one when its turn comes, and is recorded.
#[test]
fn a_queued_call_is_checked_again() {
    let budget = ample();
    let mut table = table(&budget);
    let empty = budget.used();
    let late = call_before(0, 1, 1_000);
    assert_eq!(table.arrives(&late, Gate::Queue, &budget), Verdict::Queue);
    assert_eq!(table.start(&late, None, CalleeTime(1_001), &budget), Err(Some(Refusal::Late)));
    assert_eq!(table.arrives(&late, Gate::Run, &budget), Verdict::Refused(Refusal::Late));
    assert_eq!(table.arrives(&call(1, 2), Gate::Queue, &budget), Verdict::Queue);
    assert_eq!(table.start(&call(1, 2), Some(Refusal::Draining), NOW, &budget), Err(Some(Refusal::Draining)));
    assert_eq!(budget.used(), empty);
    assert_eq!(table.arrives(&call(1, 3), Gate::Queue, &budget), Verdict::Queue);
    assert_eq!(table.start(&call(1, 2), None, NOW, &budget), Err(None), "its verdict was given");
    assert_eq!(table.start(&call(1, 3), None, NOW, &budget), Ok(()));
    assert_eq!(table.start(&call(1, 3), None, NOW, &budget), Err(None), "it runs already");
}

/// R31: the final goodbye names the last call of every slot that was used, and is not said while one is in progress.
#[test]
fn the_last_calls_are_told_when_none_is_in_progress() {
    let budget = ample();
    let mut table = table(&budget);
    table.runs(&call(0, 1), &budget);
    assert_eq!(table.last_calls(), None);
    table.ends(id(0, 1), "reply", SMALL, &budget);
    table.arrives(&call(2, 2), Gate::Queue, &budget);
    assert_eq!(table.last_calls(), None);
    table.cancel(id(2, 2), &budget);
    table.runs(&call(3, 4), &budget);
    table.ends(id(3, 4), "giant", GIANT, &budget);
    let last = |slot, sequence, refused| LastCall { slot: Slot(slot), sequence: Sequence(sequence), refused };
    assert_eq!(table.last_calls(), Some(vec![last(0, 1, false), last(2, 2, true), last(3, 4, false)]));
}
