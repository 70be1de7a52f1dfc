//! What a run gives: whether the promise held, and how much was tried.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// What must never happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A call that may run once started twice (I1).
    StartedTwice,
    /// A call of which `Never` was told has run (I2).
    RanAfterNever,
    /// A reply is not of the call that it was given for (I3).
    WrongReply,
    /// `Completed` was told of a call that had not ended (I4).
    NotCompleted,
    /// A call started after its deadline (I12).
    StartedLate,
    /// `Unknown { may_still_run: false }` was told of a call that ran or started later (I21).
    StillRan,
    /// A caller was not answered a second after its deadline.
    Hang,
    /// A call got no verdict though nothing stood in its way for long (I20).
    NoVerdict,
    /// After everything was repaired a call did not succeed (I20).
    NotHealed,
    /// An exporter's counter is not the number of its starts.
    WrongCount,
    /// A name was given an epoch that is not higher than one before, or an epoch was given out twice (I17).
    EpochNotHigher,
    /// A registration was unregistered that nobody had meant (I17).
    RemovedAnother,
    /// A watcher missed a change (I18).
    WatchGap,
    /// A registration was lost that had been acknowledged (R25).
    AcknowledgedLost,
    /// Who asked late was not told of the last change (I19).
    LastWordMissed,
    /// A session went to somebody who does not have its token (I15).
    TokenIgnored,
    /// An item of a stream came twice, not in order, or for another stream; or one before it did not come (I22).
    WrongItem,
    /// A stream was told to have ended, and its producer had not ended it so, or an item was missing (I22).
    CutShort,
    /// A producer was asked for an item while a window of its items was not consumed (R36).
    WindowPassed,
    /// A stream was left, or its call answered, and something of it is still there (R35, R39).
    StreamLeaks,
    /// Something panicked.
    Panic,
}

/// One breach of a rule.
#[derive(Debug, Clone)]
pub struct Violation {
    /// When, in the run's own time.
    pub at: Duration,
    /// Which rule.
    pub rule: Rule,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3} s {:?}: {}", self.at.as_secs_f64(), self.rule, self.what)
    }
}

/// What one run did.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The run's seed.
    pub seed: u64,
    /// Over every event of the network, the faults and the calls, each with its time.
    pub hash: u64,
    /// What must not happen and did.
    pub violations: Vec<Violation>,
    /// How much was tried.
    pub counts: Counts,
    /// The run in words, if it was asked for.
    pub lines: Vec<String>,
}

impl Outcome {
    /// The run could not begin.
    pub(crate) fn impossible(seed: u64, error: &std::io::Error) -> Outcome {
        let what = format!("there is no place for the nameserver's files: {error}");
        let violation = Violation { at: Duration::ZERO, rule: Rule::Panic, what };
        Outcome { seed, violations: vec![violation], ..Outcome::default() }
    }

    /// Whether this rule was broken.
    pub fn broke(&self, rule: Rule) -> bool {
        self.violations.iter().any(|violation| violation.rule == rule)
    }
}

/// How much one run, or many, tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub seeds: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls that succeeded.
    pub replies: u64,
    /// Calls that were told `Never`.
    pub never: u64,
    /// Calls that were told `Completed`, without their reply.
    pub completed: u64,
    /// Calls that were told `Unknown`.
    pub unknown: u64,
    /// Calls that their callers dropped, or that died with their callers.
    pub given_up: u64,
    /// Receipts of calls past their deadline that were settled later.
    pub settled: u64,
    /// Calls sent again after a lost connection.
    pub resent: u64,
    /// Repeated calls that were answered from the record.
    pub from_record: u64,
    /// Calls that may run once and ran twice.
    pub double_executions: u64,
    /// Runs of calls that were told `Never`.
    pub ran_after_never: u64,
    /// Callers that were not answered.
    pub hangs: u64,
    /// Calls with streams that were made.
    pub streams: u64,
    /// Streams, of one direction each, that came to the end that their producer gave them.
    pub streams_ended: u64,
    /// Items that producers gave.
    pub items: u64,
    /// Faults injected.
    pub faults: u64,
    /// Events of the network.
    pub network_events: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.seeds += other.seeds;
        self.calls += other.calls;
        self.replies += other.replies;
        self.never += other.never;
        self.completed += other.completed;
        self.unknown += other.unknown;
        self.given_up += other.given_up;
        self.settled += other.settled;
        self.resent += other.resent;
        self.from_record += other.from_record;
        self.double_executions += other.double_executions;
        self.ran_after_never += other.ran_after_never;
        self.hangs += other.hangs;
        self.streams += other.streams;
        self.streams_ended += other.streams_ended;
        self.items += other.items;
        self.faults += other.faults;
        self.network_events += other.network_events;
    }
}
