//! The oracle: it lives outside the simulated hosts, sees every call from both sides, and knows what must not happen.

mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rpc_runtime::{BindingStats, Executed, Incarnation, MethodKind, NodeStats};

use crate::outcome::{Counts, Rule, Violation};
use crate::trace;
pub use streams::{Arrived, Hand, TOLD_TO_FAIL, Way};

/// Each tick of the simulation runs the hosts one after another, so that their clocks differ by as much.
const CLOCKS_DIFFER: Duration = Duration::from_millis(10);
/// Runs of one call that have numbers of their own.
const RUNS_MAX: u64 = 1 << 16;

/// What all hosts of a run tell, and what is checked of it. Clones are the same oracle.
#[derive(Clone, Default)]
pub struct Oracle(Arc<Mutex<Ledger>>);

#[derive(Default)]
struct Ledger {
    calls: Vec<Call>,
    /// Starts in each life of an exporter.
    lives: Vec<u64>,
    violations: Vec<Violation>,
    counts: Counts,
    bindings: BTreeMap<u64, BindingStats>,
    exporters: BTreeMap<u64, NodeStats>,
    /// Bindings made so far.
    bindings_made: u64,
    /// Callers that have made their last calls.
    quiet: BTreeSet<&'static str>,
    /// Whether callers may end their nodes.
    may_go: bool,
    /// Callers that have nothing left to do.
    done: BTreeSet<&'static str>,
    /// Whether no call that is waited for may end `Unknown`.
    verdicts_owed: bool,
    streams: streams::Streams,
}

/// One call, as both sides told of it.
struct Call {
    kind: MethodKind,
    /// Until when it may start.
    deadline: Duration,
    runs: Vec<Run>,
    told: Option<Told>,
    settled: Option<Executed>,
    /// Whose call it is, if only its stream says which it is.
    unnamed: Option<Incarnation>,
}

struct Run {
    ended: bool,
}

/// What a caller was told of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The reply with this number of a run; `None` for a one-way call, whose reply says nothing.
    Reply(Option<u64>),
    /// An error, with this verdict.
    Failed(Executed),
    /// Nothing: the caller gave it up.
    Dropped,
}

impl Oracle {
    /// An oracle. With `verdicts_owed` a call that ends `Unknown` is a breach (I20).
    pub fn new(verdicts_owed: bool) -> Oracle {
        Oracle(Arc::new(Mutex::new(Ledger { verdicts_owed, ..Ledger::default() })))
    }

    /// A caller is about to make a call: its number.
    pub fn begin(&self, host: &str, kind: MethodKind, timeout: Duration) -> u64 {
        let mut ledger = self.lock();
        let call = ledger.calls.len() as u64;
        trace::event(format_args!("{host} calls #{call} {kind:?} within {timeout:?}"));
        ledger.counts.calls += 1;
        let deadline = now() + timeout;
        ledger.calls.push(Call { kind, deadline, runs: Vec::new(), told: None, settled: None, unnamed: None });
        call
    }

    /// The run with this number starts in an exporter.
    pub fn start(&self, call: u64, life: u64, caller: Option<Incarnation>) -> Running {
        self.lock().lives[life as usize] += 1;
        self.start_at(call, life, caller, now())
    }

    fn start_at(&self, call: u64, life: u64, caller: Option<Incarnation>, at: Duration) -> Running {
        let mut guard = self.lock();
        let ledger = &mut *guard;
        let record = &mut ledger.calls[call as usize];
        let run = record.runs.len() as u64;
        record.runs.push(Run { ended: false });
        trace::event(format_args!("life {life} starts #{call} run {run} for {caller:?}"));
        let (kind, deadline, told, settled) = (record.kind, record.deadline, record.told, record.settled);
        if run > 0 && kind != MethodKind::Idempotent {
            ledger.counts.double_executions += 1;
            ledger.violation(Rule::StartedTwice, format!("#{call} is a {kind:?} call and has started before"));
        }
        for executed in [told.and_then(Told::executed), settled].into_iter().flatten() {
            match executed {
                Executed::Never => {
                    ledger.counts.ran_after_never += 1;
                    ledger.violation(Rule::RanAfterNever, format!("#{call} starts after `Never` was told"));
                }
                Executed::Unknown { may_still_run: false } => {
                    ledger.violation(Rule::StillRan, format!("#{call} starts after `{executed}` was told"));
                }
                // A second run of what may run twice is none of `Completed`'s business.
                Executed::Completed | Executed::Unknown { may_still_run: true } => {}
            }
        }
        if at > deadline + CLOCKS_DIFFER {
            let late = at - deadline;
            ledger.violation(Rule::StartedLate, format!("#{call} starts {late:?} after its deadline"));
        }
        Running { oracle: self.clone(), call, run }
    }

    /// A caller was told something of its call.
    pub fn told(&self, host: &str, call: u64, told: Told) {
        let mut guard = self.lock();
        let ledger = &mut *guard;
        trace::event(format_args!("{host} is told {told:?} of #{call}"));
        ledger.calls[call as usize].told = Some(told);
        let counts = &mut ledger.counts;
        match told {
            Told::Reply(_) => counts.replies += 1,
            Told::Failed(Executed::Never) => counts.never += 1,
            Told::Failed(Executed::Completed) => counts.completed += 1,
            Told::Failed(Executed::Unknown { .. }) => counts.unknown += 1,
            Told::Dropped => counts.given_up += 1,
        }
        match told {
            Told::Reply(Some(run)) => ledger.check_reply(call, run),
            Told::Failed(executed) => {
                if let (Some(caller), Executed::Never) = (ledger.calls[call as usize].unnamed, executed) {
                    ledger.unnamed_never(caller);
                }
                ledger.check_verdict(call, executed);
                if ledger.verdicts_owed && matches!(executed, Executed::Unknown { .. }) {
                    ledger.violation(Rule::NoVerdict, format!("#{call} ends without a verdict"));
                }
            }
            Told::Reply(None) | Told::Dropped => {}
        }
    }

    /// The receipt of a call past its deadline was settled.
    pub fn settled(&self, host: &str, call: u64, executed: Executed) {
        let mut ledger = self.lock();
        trace::event(format_args!("{host} is told by receipt `{executed}` of #{call}"));
        ledger.counts.settled += 1;
        ledger.calls[call as usize].settled = Some(executed);
        ledger.check_verdict(call, executed);
    }

    /// A rule was broken that is not about one call's verdict.
    pub fn violation(&self, rule: Rule, what: String) {
        let mut ledger = self.lock();
        if rule == Rule::Hang {
            ledger.counts.hangs += 1;
        }
        ledger.violation(rule, what);
    }

    /// An exporter begins a life: its number.
    pub fn new_life(&self, host: &str, incarnation: Incarnation) -> u64 {
        let mut ledger = self.lock();
        let life = ledger.lives.len() as u64;
        trace::event(format_args!("{host} begins life {life}, {incarnation}"));
        ledger.lives.push(0);
        life
    }

    /// An exporter says what its counter shows.
    pub fn check_total(&self, life: u64, starts: u64) {
        let mut ledger = self.lock();
        let counted = ledger.lives[life as usize];
        if counted != starts {
            ledger.violation(Rule::WrongCount, format!("life {life} counts {starts} starts of {counted}"));
        }
    }

    /// A caller makes a binding: its number.
    pub fn new_binding(&self) -> u64 {
        let mut ledger = self.lock();
        ledger.bindings_made += 1;
        ledger.bindings_made
    }

    /// What a binding has counted so far.
    pub fn binding(&self, binding: u64, stats: BindingStats) {
        self.lock().bindings.insert(binding, stats);
    }

    /// What an exporter's node has counted so far in this life.
    pub fn exporter(&self, life: u64, stats: NodeStats) {
        self.lock().exporters.insert(life, stats);
    }

    /// So many faults will be injected.
    pub fn faults(&self, count: usize) {
        self.lock().counts.faults = count as u64;
    }

    /// A caller has made its last calls. Its node is there until [`may_go`](Oracle::may_go).
    pub fn quiet(&self, host: &'static str) {
        self.lock().quiet.insert(host);
    }

    /// Callers that have made their last calls.
    pub fn callers_quiet(&self) -> usize {
        self.lock().quiet.len()
    }

    /// Callers may end their nodes.
    pub fn let_callers_go(&self) {
        self.lock().may_go = true;
    }

    /// Whether callers may end their nodes.
    pub fn may_go(&self) -> bool {
        self.lock().may_go
    }

    /// A caller has nothing left to do.
    pub fn done(&self, host: &'static str) {
        trace::event(format_args!("{host} is done"));
        self.lock().done.insert(host);
    }

    /// Callers that have nothing left to do.
    pub fn callers_done(&self) -> usize {
        self.lock().done.len()
    }

    /// What was found, and how much was tried.
    pub fn result(&self) -> (Vec<Violation>, Counts) {
        let ledger = self.lock();
        let mut counts = ledger.counts;
        counts.given_up += ledger.calls.iter().filter(|call| call.told.is_none()).count() as u64;
        counts.resent = ledger.bindings.values().map(|stats| stats.resent).sum();
        counts.from_record = ledger.exporters.values().map(|stats| stats.duplicates_answered).sum();
        (ledger.violations.clone(), counts)
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // After a panic what was found is still worth reading.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn executed(self) -> Option<Executed> {
        match self {
            Told::Failed(executed) => Some(executed),
            Told::Reply(_) | Told::Dropped => None,
        }
    }
}

impl Ledger {
    /// I3: the reply is one of this very call's runs, and that run has ended.
    fn check_reply(&mut self, call: u64, run: u64) {
        let (of_call, run) = (run / RUNS_MAX, (run % RUNS_MAX) as usize);
        let ended = self.calls[call as usize].runs.get(run).is_some_and(|run| run.ended);
        if of_call != call || !ended {
            self.violation(Rule::WrongReply, format!("#{call} was given the reply of run {run} of #{of_call}"));
        }
    }

    /// What a verdict says of the past. What it says of the future is checked at each start.
    fn check_verdict(&mut self, call: u64, executed: Executed) {
        let runs = &self.calls[call as usize].runs;
        let (started, ended) = (!runs.is_empty(), runs.iter().any(|run| run.ended));
        let running = runs.iter().any(|run| !run.ended);
        let unnamed = self.calls[call as usize].unnamed.filter(|_| !started);
        match executed {
            Executed::Never if started => {
                self.counts.ran_after_never += 1;
                self.violation(Rule::RanAfterNever, format!("`Never` is told of #{call}, which has started"));
            }
            Executed::Completed if unnamed.is_some_and(|caller| self.unnamed_ended(caller)) => {}
            Executed::Completed if !ended => {
                self.violation(Rule::NotCompleted, format!("`Completed` is told of #{call}, which has not ended"));
            }
            Executed::Unknown { may_still_run: false } if running => {
                self.violation(Rule::StillRan, format!("`{executed}` is told of #{call}, which is running"));
            }
            _ => {}
        }
    }

    fn violation(&mut self, rule: Rule, what: String) {
        trace::event(format_args!("VIOLATION {rule:?}: {what}"));
        self.violations.push(Violation { at: now(), rule, what });
    }
}

/// A run in progress. Dropped, it has ended too: with its exporter's life, or as it was aborted.
pub struct Running {
    oracle: Oracle,
    call: u64,
    run: u64,
}

impl Running {
    /// The run ends as it should: its number.
    pub fn end(self) -> u64 {
        self.number()
    }

    /// The number that [`end`](Running::end) will give.
    pub fn number(&self) -> u64 {
        self.call * RUNS_MAX + self.run
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        trace::event(format_args!("#{} run {} ends", self.call, self.run));
        self.oracle.lock().calls[self.call as usize].runs[self.run as usize].ended = true;
    }
}

/// The time of the run: exact within a host, otherwise that of the last tick.
pub fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_else(trace::now)
}
