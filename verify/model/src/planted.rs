//! The defects that the model must find, each in a world where it does harm, and the promise that it breaks there.
//!
//! Some do no harm by themselves, because another rule stands behind the one that they break. They are found together with
//! a partner, and neither of the two breaks that promise alone.

use rpc_runtime::planted::Bug;

use crate::check;
use crate::invariant::Invariant;
use crate::setup::Setup;
use crate::worlds;

/// A defect, and how it is found.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The defect.
    pub bug: Bug,
    /// Without which it does no harm.
    pub partner: Option<Bug>,
    /// What it breaks.
    pub breaks: Invariant,
    /// Where.
    pub world: fn() -> Setup,
}

/// Checks that the model finds the defect, and that it takes both where there is a partner.
///
/// # Panics
///
/// If it does not.
pub fn must_be_found(case: Case) {
    let name = case.breaks.name();
    let world = (case.world)();
    if let Some(partner) = case.partner {
        for bug in [case.bug, partner] {
            let alone = check::way_to(name, world.clone(), &[bug]);
            assert!(!alone.found.contains_key(name), "{bug:?} breaks {name} alone; it needs no partner");
        }
    }
    let bugs: Vec<Bug> = std::iter::once(case.bug).chain(case.partner).collect();
    let seen = check::way_to(name, world.clone(), &bugs);
    let steps = seen.found.get(name).unwrap_or_else(|| {
        panic!("{bugs:?} is not found: {name} holds in all {} states of the world \"{}\"", seen.states, world.name)
    });
    check::report(&format!("{bugs:?}: {name} is broken in {} steps, world \"{}\"", steps.len(), world.name));
}

/// Makes the list of the cases, and a test of each.
macro_rules! planted {
    ($($test:ident: $bug:ident $(with $partner:ident)? breaks $invariant:ident in $world:ident;)*) => {
        /// Every defect that the model finds.
        pub const CASES: &[Case] = &[$(planted!(@case $bug $($partner)?, $invariant, $world)),*];

        #[cfg(test)]
        mod tests {
            use super::*;

            $(#[test]
            fn $test() {
                must_be_found(planted!(@case $bug $($partner)?, $invariant, $world));
            })*
        }
    };
    (@case $bug:ident, $invariant:ident, $world:ident) => {
        Case { bug: Bug::$bug, partner: None, breaks: Invariant::$invariant, world: worlds::$world }
    };
    (@case $bug:ident $partner:ident, $invariant:ident, $world:ident) => {
        Case { bug: Bug::$bug, partner: Some(Bug::$partner), breaks: Invariant::$invariant, world: worlds::$world }
    };
}

planted! {
    record_after_end: RecordAfterEnd breaks I1 in one_caller;
    record_after_end_while_in_progress: RecordAfterEnd breaks I7 in one_caller;
    check_then_insert: CheckThenInsert breaks I7 in two_callers;
    old_connection_keeps_table: OldConnectionKeepsTable breaks I7 in one_caller;
    refusal_keeps_number: RefusalKeepsNumber with OldConnectionServed breaks I2 in zombies;
    refusal_keeps_number_in_a_mess: RefusalKeepsNumber breaks I2 in messy;
    number_used_again: NumberUsedAgain breaks I3 in one_caller;
    slot_freed_on_drop: SlotFreedOnDrop breaks I10 in one_caller;
    evict_oldest: EvictOldest breaks I8 in scarce;
    run_without_record: RunWithoutRecord breaks I9 in scarce;
    large_reply_drops_record: LargeReplyDropsRecord breaks I1 in scarce;
    remaining_time_sent: RemainingTimeSent breaks I12 in deadlines;
    unseen_cancel_forgotten: UnseenCancelForgotten with OldConnectionServed breaks I13 in zombies;
    unseen_cancel_forgotten_in_a_mess: UnseenCancelForgotten breaks I13 in messy;
    superseded_attaches: SupersededAttaches breaks I14 in succession;
    token_not_checked: TokenNotChecked breaks I15 in strangers;
    slot_leaks: SlotLeaks breaks I20 in one_caller;
    answer_by_slot_alone: AnswerBySlotAlone breaks I3 in one_caller;
    ack_by_slot_alone: AckBySlotAlone breaks I8 in messy;
    stale_is_never: StaleIsNever with SlotFreedOnDrop breaks I2 in messy;
    ended_session_stays_bound: EndedSessionStaysBound breaks I6 in leases;
    forgotten_while_running: ForgottenWhileRunning breaks I21 in leases;
    call_missing_in_resend: CallMissingInResend breaks I20 in one_caller;
    cancelled_stays_queued: CancelledStaysQueued breaks I13 in leases;
    result_lost_unattached: ResultLostUnattached breaks I20 in one_caller;
    table_shrinks: TableShrinks breaks I8 in messy;
    farewell_before_last_start: FarewellBeforeLastStart breaks I21 in farewell;
    farewell_before_last_end: FarewellBeforeLastStart breaks I4 in farewell;
    late_checked_on_arrival_only: LateCheckedOnArrivalOnly breaks I12 in deadlines;
}
