//! What the hosts asked for and were told, and what must not happen to names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpc_runtime::Incarnation;
use rpc_runtime::directory::nameserver::{Change, Cursor, Watched};
use rpc_runtime::directory::{Ended, Entry, Replica, Standing};
use rpc_runtime::protocol::id::Epoch;

use crate::oracle::now;
use crate::outcome::{Rule, Violation};
use crate::trace;

/// Clones are the same book.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    lives: u64,
    registrations: u64,
    /// Of each name the highest epoch that was acknowledged.
    highest: BTreeMap<String, u64>,
    /// Whose registration an epoch is. Each attempt to register has an incarnation of its own.
    holders: BTreeMap<u64, Incarnation>,
    /// The attempts that their exporter gave up or took back.
    given_up: BTreeSet<u128>,
    /// Registrations that were acknowledged and live for ever.
    kept: BTreeMap<String, u64>,
    done: BTreeSet<&'static str>,
    violations: Vec<Violation>,
}

/// An attempt to register.
#[derive(Debug, Clone)]
pub struct Attempt {
    name: String,
    incarnation: Incarnation,
    /// The highest epoch of that name that had been acknowledged when it began.
    above: u64,
}

impl Book {
    /// An exporter begins a life: its number.
    pub fn new_life(&self) -> u64 {
        let mut pages = self.lock();
        pages.lives += 1;
        pages.lives
    }

    /// An exporter is about to register.
    pub fn begin(&self, host: &str, name: &str, incarnation: Incarnation) -> Attempt {
        trace::event(format_args!("{host} registers {name} for {incarnation}"));
        let above = self.lock().highest.get(name).copied().unwrap_or(0);
        Attempt { name: name.to_owned(), incarnation, above }
    }

    /// The attempt was acknowledged, at first or after an expiry.
    pub fn acknowledged(&self, attempt: &Attempt, epoch: Epoch) {
        let mut pages = self.lock();
        let Attempt { name, incarnation, above } = attempt;
        trace::event(format_args!("{name} is registered for {incarnation} as {epoch}"));
        pages.registrations += 1;
        if epoch.number <= *above {
            pages.violation(Rule::EpochNotHigher, format!("{name} gets epoch {epoch} and had {above} before"));
        }
        pages.hold(epoch, *incarnation);
        let highest = pages.highest.entry(name.clone()).or_default();
        *highest = epoch.number.max(*highest);
    }

    /// The registration of `name` was acknowledged, and nobody ends it.
    pub fn keep(&self, name: &str, epoch: Epoch) {
        self.lock().kept.insert(name.to_owned(), epoch.number);
    }

    /// The registrations that must be found from now on.
    pub fn kept(&self) -> BTreeMap<String, u64> {
        self.lock().kept.clone()
    }

    /// The exporter gives the attempt up, or takes the registration back.
    pub fn give_up(&self, attempt: &Attempt) {
        trace::event(format_args!("{} is given up for {}", attempt.name, attempt.incarnation));
        self.lock().given_up.insert(attempt.incarnation.as_uuid().as_u128());
    }

    /// The exporter is told how its registration stands.
    pub fn told(&self, attempt: &Attempt, standing: Standing) {
        let mut pages = self.lock();
        let Attempt { name, incarnation, .. } = attempt;
        trace::event(format_args!("{name} of {incarnation} stands as {standing:?}"));
        if standing == Standing::Ended(Ended::Unregistered) && !pages.is_given_up(*incarnation) {
            pages.violation(Rule::RemovedAnother, format!("{name} of {incarnation} was unregistered by somebody else"));
        }
    }

    /// What was found, looked for after `expected` had been acknowledged for ever.
    pub fn check_kept(&self, host: &str, expected: &BTreeMap<String, u64>, found: &[&Entry]) {
        for (name, epoch) in expected {
            if !found.iter().any(|entry| entry.instance == *name && entry.epoch.number == *epoch) {
                let what = format!("{host} does not find {name}, which was acknowledged as {epoch}");
                self.violation(Rule::AcknowledgedLost, what);
            }
        }
    }

    /// A watcher of everything that was at `from` is told `watched` (I18).
    pub fn check_watched(&self, host: &str, from: Option<&Cursor>, known: &Replica, watched: &Watched) {
        let mut pages = self.lock();
        let entries_known = |name: &str| known.entries().find(|entry| entry.instance == name);
        match watched {
            Watched::Snapshot { revision, entries, .. } => {
                trace::event(format_args!("{host} reads everything at revision {revision}"));
                entries.iter().for_each(|entry| pages.hold(entry.epoch, entry.incarnation));
            }
            Watched::Events { events, next } => {
                let mut reached = from.map_or(0, |cursor| cursor.revision);
                for event in events {
                    trace::event(format_args!("{host} hears of {}: {:?}", event.revision, Short(&event.change)));
                    if event.revision != reached + 1 {
                        let what = format!("{host} hears of revision {} after {reached}", event.revision);
                        pages.violation(Rule::WatchGap, what);
                    }
                    reached = event.revision;
                    if let Change::Put(entry) = &event.change
                        && let Some(before) = entries_known(&entry.instance)
                        && entry.epoch.number < before.epoch.number
                    {
                        let what = format!("{} has epoch {} after {}", entry.instance, entry.epoch, before.epoch);
                        pages.violation(Rule::EpochNotHigher, what);
                    }
                    pages.check_change(&event.change);
                }
                if next.revision != reached {
                    let what = format!("{host} is sent on to revision {} after {reached}", next.revision);
                    pages.violation(Rule::WatchGap, what);
                }
            }
        }
    }

    /// A host has come to its end.
    pub fn done(&self, host: &'static str) {
        self.lock().done.insert(host);
    }

    /// How many have.
    pub fn hosts_done(&self) -> usize {
        self.lock().done.len()
    }

    /// A rule was broken.
    pub fn violation(&self, rule: Rule, what: String) {
        self.lock().violation(rule, what);
    }

    /// What was found, and how many registrations were acknowledged.
    pub fn result(&self) -> (Vec<Violation>, u64) {
        let pages = self.lock();
        (pages.violations.clone(), pages.registrations)
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        // After a panic what was found is still worth reading.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// I17: an epoch is one registration's for ever.
    fn hold(&mut self, epoch: Epoch, incarnation: Incarnation) {
        let holder = *self.holders.entry(epoch.number).or_insert(incarnation);
        if holder != incarnation {
            self.violation(Rule::EpochNotHigher, format!("epoch {epoch} is of {holder} and of {incarnation}"));
        }
    }

    fn check_change(&mut self, change: &Change) {
        match change {
            Change::Put(entry) => self.hold(entry.epoch, entry.incarnation),
            Change::Removed { name, epoch, why: Some(Ended::Unregistered) } => {
                if let Some(holder) = self.holders.get(&epoch.number).copied()
                    && !self.is_given_up(holder)
                {
                    let what = format!("{name} of {holder}, epoch {epoch}, was unregistered by somebody else");
                    self.violation(Rule::RemovedAnother, what);
                }
            }
            Change::Removed { .. } => {}
        }
    }

    fn is_given_up(&self, incarnation: Incarnation) -> bool {
        self.given_up.contains(&incarnation.as_uuid().as_u128())
    }

    fn violation(&mut self, rule: Rule, what: String) {
        trace::event(format_args!("VIOLATION {rule:?}: {what}"));
        self.violations.push(Violation { at: now(), rule, what });
    }
}

/// A change in few words.
struct Short<'a>(&'a Change);

impl std::fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Change::Put(entry) => write!(f, "{} is {} {:?}", entry.instance, entry.epoch, entry.state),
            Change::Removed { name, epoch, why } => write!(f, "{name} is no longer {epoch}: {why:?}"),
        }
    }
}
