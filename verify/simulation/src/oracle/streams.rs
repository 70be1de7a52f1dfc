//! The oracle's books of streams: what was produced, what was consumed, how either side says that it ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use rpc_runtime::protocol::stream::{ITEM_BYTES, WINDOW_BYTES};
use rpc_runtime::{CallError, ErrorKind, Incarnation};

use super::{Ledger, Oracle, Running, now};
use crate::outcome::Rule;
use crate::trace;

/// What a producer says that was told to fail.
pub const TOLD_TO_FAIL: &str = "the stream was told to fail";

/// Which way a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From caller to exporter.
    Up,
    /// From exporter to caller.
    Down,
}

/// A stream of a call.
type Name = (u64, Way);

#[derive(Default)]
pub(super) struct Streams {
    flows: BTreeMap<Name, Flow>,
    /// Producers and consumers of each call that are there.
    hands: BTreeMap<u64, u32>,
    /// What each life of a caller has done with calls of which only their stream says which they are.
    unnamed: HashMap<Incarnation, Unnamed>,
    /// Calls with streams that each life of an exporter says to run, as long as it lives.
    pub(super) open: BTreeMap<u64, usize>,
}

/// What is known of a stream.
#[derive(Default)]
struct Flow {
    produced: u64,
    consumed: u64,
    /// What was produced and not consumed, each with its bytes.
    under_way: VecDeque<usize>,
    under_way_bytes: usize,
    /// How its producer has ended it: complete, or not.
    is_complete: Option<bool>,
}

#[derive(Default)]
struct Unnamed {
    calls: u64,
    starts: u64,
    never: u64,
    /// Runs that ended before the first item came.
    ended: u64,
}

/// A producer's, or a consumer's, hold of a stream.
pub struct Hand {
    oracle: Oracle,
    name: Name,
    does: &'static str,
}

impl Oracle {
    /// Somebody has taken one end of a stream in hand.
    pub fn hand(&self, call: u64, way: Way, does: &'static str) -> Hand {
        let mut ledger = self.lock();
        *ledger.streams.hands.entry(call).or_default() += 1;
        ledger.streams.flows.entry((call, way)).or_default();
        Hand { oracle: self.clone(), name: (call, way), does }
    }

    /// How many ends of the streams of these calls are still in somebody's hand.
    pub fn hands(&self, calls: &[u64]) -> u32 {
        let ledger = self.lock();
        calls.iter().filter_map(|call| ledger.streams.hands.get(call)).sum()
    }

    /// A call that was begun is one with streams.
    pub fn begin_stream(&self, call: u64, plan: std::fmt::Arguments<'_>) {
        trace::event(format_args!("#{call} is a call with streams: {plan}"));
        self.lock().counts.streams += 1;
    }

    /// This life of a caller makes a call of which only its stream says which it is.
    pub(crate) fn unnamed_call(&self, call: u64, caller: Incarnation) {
        let mut ledger = self.lock();
        ledger.calls[call as usize].unnamed = Some(caller);
        ledger.streams.unnamed.entry(caller).or_default().calls += 1;
    }

    /// Such a call starts in an exporter. As many may start as were made and not told `Never`.
    pub fn unnamed_start(&self, life: u64, caller: Incarnation) -> Arrived {
        let mut ledger = self.lock();
        ledger.lives[life as usize] += 1;
        ledger.streams.unnamed.entry(caller).or_default().starts += 1;
        ledger.check_unnamed(caller);
        Arrived { oracle: self.clone(), life, caller, at: now(), is_named: false }
    }

    /// How many calls with streams a life of an exporter says to run; `None` when it has ended.
    pub fn streams_open(&self, life: u64, open: Option<usize>) {
        let mut ledger = self.lock();
        match open {
            Some(open) => ledger.streams.open.insert(life, open),
            None => ledger.streams.open.remove(&life),
        };
    }

    /// The lives of exporters that say to run calls with streams.
    pub fn streams_left(&self) -> BTreeMap<u64, usize> {
        let ledger = self.lock();
        ledger.streams.open.iter().filter(|(_, open)| **open > 0).map(|(life, open)| (*life, *open)).collect()
    }
}

impl Hand {
    /// The producer gives an item, for which it was asked: its number.
    pub fn produced(&self, bytes: usize) -> u64 {
        let mut guard = self.oracle.lock();
        let ledger = &mut *guard;
        ledger.counts.items += 1;
        let flow = ledger.streams.flows.entry(self.name).or_default();
        let before = flow.under_way_bytes;
        flow.produced += 1;
        flow.under_way.push_back(bytes + ITEM_BYTES);
        flow.under_way_bytes += bytes + ITEM_BYTES;
        let number = flow.produced;
        if before >= WINDOW_BYTES {
            let what = format!("{} is asked for item {number} with {before} bytes under way", self.text());
            ledger.violation(Rule::WindowPassed, what);
        }
        number
    }

    /// The producer ends the stream.
    pub fn has_ended(&self, is_complete: bool) {
        trace::event(format_args!("{} ends, complete: {is_complete}", self.text()));
        self.oracle.lock().streams.flows.entry(self.name).or_default().is_complete = Some(is_complete);
    }

    /// The consumer gets an item.
    pub fn consumed(&self, call: u64, number: u64) {
        let mut guard = self.oracle.lock();
        let ledger = &mut *guard;
        let flow = ledger.streams.flows.entry(self.name).or_default();
        flow.consumed += 1;
        flow.under_way_bytes -= flow.under_way.pop_front().unwrap_or(0);
        let expected = flow.consumed;
        if (call, number) != (self.name.0, expected) || expected > flow.produced {
            let what = format!("{} gets item {number} of #{call} in place of {expected}", self.text());
            ledger.violation(Rule::WrongItem, what);
        }
    }

    /// The consumer is told that the stream is complete.
    pub fn is_complete(&self) {
        trace::event(format_args!("{} hears the end", self.text()));
        self.check_end(true);
    }

    /// The consumer is told that the stream has failed.
    pub fn has_failed(&self, error: &CallError) {
        trace::event(format_args!("{} hears {error}", self.text()));
        // Only the producer's own word says that it was the last.
        if error.kind() == ErrorKind::Failed && error.to_string().contains(TOLD_TO_FAIL) {
            self.check_end(false);
        }
    }

    fn check_end(&self, is_complete: bool) {
        let mut guard = self.oracle.lock();
        let ledger = &mut *guard;
        let flow = ledger.streams.flows.entry(self.name).or_default();
        let (produced, consumed, ended) = (flow.produced, flow.consumed, flow.is_complete);
        ledger.counts.streams_ended += 1;
        if ended != Some(is_complete) || produced != consumed {
            let what = format!(
                "{} is told its end, complete: {is_complete}, after {consumed} of {produced} items; its producer: {ended:?}",
                self.text()
            );
            ledger.violation(Rule::CutShort, what);
        }
    }

    fn text(&self) -> String {
        let (call, way) = self.name;
        format!("#{call} {way:?} {}", self.does)
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        trace::event(format_args!("{} is over", self.text()));
        if let Some(hands) = self.oracle.lock().streams.hands.get_mut(&self.name.0) {
            *hands -= 1;
        }
    }
}

/// A run of a call that has not said which it is.
pub struct Arrived {
    oracle: Oracle,
    life: u64,
    at: Duration,
    caller: Incarnation,
    is_named: bool,
}

impl Arrived {
    /// It is this call.
    pub fn named(mut self, call: u64) -> Running {
        self.is_named = true;
        self.oracle.start_at(call, self.life, Some(self.caller), self.at)
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if !self.is_named {
            self.oracle.lock().streams.unnamed.entry(self.caller).or_default().ended += 1;
        }
    }
}

impl Ledger {
    /// `Never` was told of such a call.
    pub(super) fn unnamed_never(&mut self, caller: Incarnation) {
        self.streams.unnamed.entry(caller).or_default().never += 1;
        self.check_unnamed(caller);
    }

    /// Whether one of its runs has ended without saying of which call it was; it is taken for this one's.
    pub(super) fn unnamed_ended(&mut self, caller: Incarnation) -> bool {
        let unnamed = self.streams.unnamed.entry(caller).or_default();
        let is_one = unnamed.ended > 0;
        unnamed.ended = unnamed.ended.saturating_sub(1);
        is_one
    }

    fn check_unnamed(&mut self, caller: Incarnation) {
        let Unnamed { calls, starts, never, .. } = self.streams.unnamed.entry(caller).or_default();
        if *starts + *never > *calls {
            let what = format!("{starts} starts and {never} times `Never` for {calls} calls with streams of {caller}");
            self.violation(Rule::StartedTwice, what);
        }
    }
}
