//! Defects that the machines under `verify/` must find: the proof that they test what they say.
//!
//! Each is a switch at the place in the code where the defect would live. It exists only under the compiler flag
//! `--cfg verify`; everywhere else [`planted`] is the constant `false`, and nothing of it is left in a build.

/// A defect, as its switch is named in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Bug {
    /// M1: a call's record is written when its handler has ended.
    RecordAfterEnd,
    /// M2: a refusal does not use up its number.
    RefusalKeepsNumber,
    /// M3: a number is given out again when its call is dropped.
    NumberUsedAgain,
    /// M4: a slot is free as soon as its call's future is dropped.
    SlotFreedOnDrop,
    /// M5: a deadline that passes is told as `Completed`.
    TimeoutIsCompleted,
    /// M6: an incarnation is made from the clock, so that two lives can have the same.
    IncarnationFromClock,
    /// M7: a session that is not known is made when a call or an `Attach` names it.
    SessionOnDemand,
    /// M8: a call is looked up and entered in two steps.
    CheckThenInsert,
    /// M9: the oldest records make room for new ones.
    EvictOldest,
    /// M10: a call for which no record can be made is run anyway.
    RunWithoutRecord,
    /// M11: a reply too large to keep takes its record with it.
    LargeReplyDropsRecord,
    /// M12: a call whose connection or time is lost goes to another exporter.
    FailOverOnTimeout,
    /// M13: a call carries what is left of its deadline, not the point on the callee's clock.
    RemainingTimeSent,
    /// M14: the cancel of a call that was not seen is not recorded.
    UnseenCancelForgotten,
    /// M15: a session that another took the place of can be attached again.
    SupersededAttaches,
    /// M16: a session's token is not checked.
    TokenNotChecked,
    /// M17: of several attempts' verdicts the last is told.
    LastVerdictWins,
    /// M18: a name is unregistered, whoever has it by now.
    UnregisterByName,
    /// M19: a watch that was interrupted goes on from now.
    WatchFromNow,
    /// M21: who subscribes late does not hear the last word.
    LateSubscriberMisses,
    /// M23: a slot is not given back after a verdict.
    SlotLeaks,
    /// M24: a lost session is taken for `Never`.
    LostSessionIsNever,
    /// M25: an answer is matched by its slot alone.
    AnswerBySlotAlone,
    /// M26: a session's old connection keeps a copy of its table.
    OldConnectionKeepsTable,
    /// M27: an ack is matched by its slot alone.
    AckBySlotAlone,
    /// M28: `Stale` or `SlotBusy` is taken for `Never`.
    StaleIsNever,
    /// M29: a reply goes to the connection that its call came on.
    ReplyWhereCallCameFrom,
    /// M30: a session that has ended stays bound to its connection.
    EndedSessionStaysBound,
    /// M31: a session is forgotten while one of its handlers runs.
    ForgottenWhileRunning,
    /// M32: an answer that comes on a dropped connection is accepted.
    OldAnswerAccepted,
    /// M33: one unresolved call is left out when a session is attached.
    CallMissingInResend,
    /// M34: a cancelled call stays in its queue.
    CancelledStaysQueued,
    /// M35: a result is lost if no connection is attached.
    ResultLostUnattached,
    /// M36: a table shrinks, and forgets the last numbers of its slots.
    TableShrinks,
    /// M37: the final `Goodbye` is said before the last start.
    FarewellBeforeLastStart,
    /// M38: whether a call is too late is asked on its arrival only.
    LateCheckedOnArrivalOnly,
    /// M39: what came of a stream and was not consumed is forgotten when its session is attached.
    WaitingForgottenOnResume,
    /// M40: an item that comes again is taken again.
    RepeatedItemTaken,
    /// M41: a stream that was lost ends as if it were complete.
    LossTakenForEnd,
    /// M42: a producer is asked for more whatever is under way.
    WindowNotCharged,
    /// M43: what has come is acknowledged as if it were consumed.
    ReceivedIsConsumed,
    /// M44: a stream goes on where it was, without hearing how much of that has come.
    ResumedUnheard,
    /// M45: a cancel does not reach what produces a stream.
    CancelMissesProducer,
    /// M46: a stream that has ended counts as open.
    StreamNotGivenBack,
    /// M47: the caller does not say how far its streams have come when it attaches its session.
    PositionNotTold,
    /// Not a defect by itself where each connection is closed with its session: the partner of those that need an old
    /// connection's frames to be heard.
    OldConnectionServed,
    /// Not a defect by itself, since what comes again is dropped: the partner of M40. A stream goes on behind what was
    /// acknowledged.
    ResumedFromAcknowledged,
}

impl Bug {
    /// Every defect, in the order of their numbers.
    pub const ALL: &[Bug] = &[
        Bug::RecordAfterEnd,
        Bug::RefusalKeepsNumber,
        Bug::NumberUsedAgain,
        Bug::SlotFreedOnDrop,
        Bug::TimeoutIsCompleted,
        Bug::IncarnationFromClock,
        Bug::SessionOnDemand,
        Bug::CheckThenInsert,
        Bug::EvictOldest,
        Bug::RunWithoutRecord,
        Bug::LargeReplyDropsRecord,
        Bug::FailOverOnTimeout,
        Bug::RemainingTimeSent,
        Bug::UnseenCancelForgotten,
        Bug::SupersededAttaches,
        Bug::TokenNotChecked,
        Bug::LastVerdictWins,
        Bug::UnregisterByName,
        Bug::WatchFromNow,
        Bug::LateSubscriberMisses,
        Bug::SlotLeaks,
        Bug::LostSessionIsNever,
        Bug::AnswerBySlotAlone,
        Bug::OldConnectionKeepsTable,
        Bug::AckBySlotAlone,
        Bug::StaleIsNever,
        Bug::ReplyWhereCallCameFrom,
        Bug::EndedSessionStaysBound,
        Bug::ForgottenWhileRunning,
        Bug::OldAnswerAccepted,
        Bug::CallMissingInResend,
        Bug::CancelledStaysQueued,
        Bug::ResultLostUnattached,
        Bug::TableShrinks,
        Bug::FarewellBeforeLastStart,
        Bug::LateCheckedOnArrivalOnly,
        Bug::WaitingForgottenOnResume,
        Bug::RepeatedItemTaken,
        Bug::LossTakenForEnd,
        Bug::WindowNotCharged,
        Bug::ReceivedIsConsumed,
        Bug::ResumedUnheard,
        Bug::CancelMissesProducer,
        Bug::StreamNotGivenBack,
        Bug::PositionNotTold,
        Bug::OldConnectionServed,
        Bug::ResumedFromAcknowledged,
    ];
}

/// Whether this defect is planted in the current thread.
#[cfg(not(verify))]
#[inline(always)]
pub const fn planted(_bug: Bug) -> bool {
    false
}

#[cfg(verify)]
pub use switches::{planted, with};

#[cfg(verify)]
mod switches {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        /// One bit for each defect.
        static PLANTED: Cell<u64> = const { Cell::new(0) };
    }

    /// Whether this defect is planted in the current thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() & bit(bug) != 0
    }

    /// Runs `work` with these defects planted in the current thread, in place of those before.
    pub fn with<T>(bugs: &[Bug], work: impl FnOnce() -> T) -> T {
        struct Restore(u64);
        impl Drop for Restore {
            fn drop(&mut self) {
                PLANTED.set(self.0);
            }
        }
        let bits = bugs.iter().fold(0, |bits, bug| bits | bit(*bug));
        let _restore = Restore(PLANTED.replace(bits));
        work()
    }

    fn bit(bug: Bug) -> u64 {
        1 << (bug as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// None is missing: each has the number of its place.
    #[test]
    fn all_are_listed() {
        assert!(Bug::ALL.iter().enumerate().all(|(place, bug)| place == *bug as usize));
        assert_eq!(Bug::ALL.last(), Some(&Bug::ResumedFromAcknowledged), "the last one of the type");
    }
}
