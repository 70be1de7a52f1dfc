//! What can be looked up: the registry as it is on disk.
//!
//! The registry decides ahead of the disk; only what the disk has becomes visible here, as one event after another.
//! So nobody sees a registration that a crash could undo, and a snapshot is always the sum of the events up to its
//! revision (R23, I18).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use rpc_runtime::directory::nameserver::{Change, Cursor, Event, Interest, Looked, Name, Watched};
use rpc_runtime::directory::{Ended, Entry, Selector};
use rpc_runtime::planted::{Bug, planted};
use uuid::Uuid;

use super::bounds::{HISTORY_BYTES_MAX, HISTORY_MAX, REPLY_BYTES_MAX, size};

/// One change of a name's entry.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) revision: u64,
    pub(crate) name: Name,
    pub(crate) before: Option<Arc<Entry>>,
    pub(crate) after: Option<Arc<Entry>>,
    /// Why the registration before is over, if it is.
    pub(crate) why: Option<Ended>,
}

/// What to tell a watcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// This, now.
    Now(Watched),
    /// Nothing yet: ask again with this cursor when more has been published.
    Later(Cursor),
}

/// The visible entries and how they came to be.
#[derive(Debug)]
pub(crate) struct View {
    registry: Uuid,
    entries: BTreeMap<Name, Arc<Entry>>,
    revision: u64,
    /// The latest steps, their revisions without gaps up to `revision`.
    history: VecDeque<Step>,
    history_bytes: usize,
    history_max: usize,
}

impl View {
    pub(crate) fn new(registry: Uuid, revision: u64, entries: BTreeMap<Name, Arc<Entry>>) -> Self {
        let history_max = HISTORY_MAX;
        Self { registry, entries, revision, history: VecDeque::new(), history_bytes: 0, history_max }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// For tests: forgets all but so many steps.
    #[cfg(test)]
    pub(crate) fn bound_history(&mut self, history_max: usize) {
        self.history_max = history_max;
    }

    /// Makes the next step visible.
    pub(crate) fn publish(&mut self, step: Step) {
        assert_eq!(step.revision, self.revision + 1, "revisions have no gaps (R23)");
        self.revision = step.revision;
        match &step.after {
            Some(entry) => self.entries.insert(step.name.clone(), Arc::clone(entry)),
            None => self.entries.remove(&step.name),
        };
        self.history_bytes += bytes(&step);
        self.history.push_back(step);
        while self.history.len() > self.history_max || self.history_bytes > HISTORY_BYTES_MAX {
            let Some(oldest) = self.history.pop_front() else { break };
            self.history_bytes -= bytes(&oldest);
        }
    }

    /// The entries of `interface` that `selector` means. If they do not fit into a reply, `start` (any number) says
    /// which.
    pub(crate) fn lookup(&self, interface: &str, selector: &Selector, start: u64) -> Looked {
        if let Selector::Instance(instance) = selector {
            let name = Name { interface: interface.to_owned(), instance: instance.clone() };
            let entries = self.entries.get(&name).cloned().into_iter().collect();
            return Looked { entries, truncated: false };
        }
        let matching: Vec<&Arc<Entry>> =
            self.of(Some(interface), None).map(|(_, entry)| entry).filter(|entry| selector.matches(entry)).collect();
        let skip = usize::try_from(start).unwrap_or(0).checked_rem(matching.len()).unwrap_or(0);
        let whole = matching.iter().map(|entry| size(entry)).sum::<usize>() <= REPLY_BYTES_MAX;
        let skip = if whole { 0 } else { skip };

        let mut room = REPLY_BYTES_MAX;
        let count = matching.len();
        let entries: Vec<_> = matching
            .into_iter()
            .cycle()
            .skip(skip)
            .take(count)
            .take_while(|entry| take(&mut room, size(entry)))
            .cloned()
            .collect();
        Looked { truncated: entries.len() < count, entries }
    }

    /// What a watcher at `from` is to be told.
    pub(crate) fn tell(&self, interest: &Interest, from: Option<&Cursor>) -> Watch {
        match from.filter(|cursor| self.continues(cursor)) {
            // M19: what came before is not told.
            None if from.is_some() && planted(Bug::WatchFromNow) => self.events(interest, self.revision),
            None => Watch::Now(self.page(interest, self.revision, None)),
            Some(Cursor { revision, page: Some(last), .. }) => Watch::Now(self.page(interest, *revision, Some(last))),
            Some(cursor) => self.events(interest, cursor.revision),
        }
    }

    /// Whether every step since `cursor` is still here. If not, only a snapshot helps (R23).
    fn continues(&self, cursor: &Cursor) -> bool {
        let oldest = self.history.front().map_or(self.revision + 1, |step| step.revision);
        cursor.registry == self.registry && (oldest - 1..=self.revision).contains(&cursor.revision)
    }

    /// The page of the snapshot after the name `last`. The snapshot began at `revision`.
    fn page(&self, interest: &Interest, revision: u64, last: Option<&Name>) -> Watched {
        let mut room = REPLY_BYTES_MAX;
        let mut entries = Vec::new();
        let mut page = None;
        for (_, entry) in self.of(interest.interface.as_deref(), last) {
            if !interest.covers(entry) {
                continue;
            }
            // An entry is smaller than a page, so that every page has at least one.
            if !take(&mut room, size(entry)) {
                page = entries.last().map(|entry: &Arc<Entry>| Name::of(entry));
                break;
            }
            entries.push(Arc::clone(entry));
        }
        let next = Cursor { registry: self.registry, revision, page };
        Watched::Snapshot { begins: last.is_none(), revision: self.revision, entries, next }
    }

    /// The steps after `revision` as far as they are of interest.
    fn events(&self, interest: &Interest, revision: u64) -> Watch {
        let mut room = REPLY_BYTES_MAX;
        let mut events = Vec::new();
        let mut reached = self.revision;
        let known = self.history.front().map_or(0, |step| revision + 1 - step.revision);
        for step in self.history.iter().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            let Some(change) = seen(interest, step) else { continue };
            if !take(&mut room, bytes(step)) {
                reached = step.revision - 1;
                break;
            }
            events.push(Event { revision: step.revision, change });
        }
        let next = Cursor { registry: self.registry, revision: reached, page: None };
        if events.is_empty() { Watch::Later(next) } else { Watch::Now(Watched::Events { events, next }) }
    }

    /// The entries of `interface`, or of all, after the name `last`.
    fn of<'a>(
        &'a self,
        interface: Option<&'a str>,
        last: Option<&Name>,
    ) -> impl Iterator<Item = (&'a Name, &'a Arc<Entry>)> {
        let first = Name { interface: interface.unwrap_or_default().to_owned(), instance: String::new() };
        let start = last.map_or(Bound::Included(&first), Bound::Excluded);
        self.entries
            .range((start, Bound::Unbounded))
            .take_while(move |(name, _)| interface.is_none_or(|interface| name.interface == interface))
    }
}

/// What a step is to a watcher: an entry that ceases to match is gone for it.
fn seen(interest: &Interest, step: &Step) -> Option<Change> {
    match (&step.before, &step.after) {
        (_, Some(after)) if interest.covers(after) => Some(Change::Put(Arc::clone(after))),
        (Some(before), _) if interest.covers(before) => {
            Some(Change::Removed { name: step.name.clone(), epoch: before.epoch, why: step.why })
        }
        _ => None,
    }
}

/// The entry before is the entry after of an earlier step, so it is not counted twice.
fn bytes(step: &Step) -> usize {
    const FLAT: usize = 256;
    FLAT + step.after.as_ref().map_or(0, |entry| size(entry))
}

fn take(room: &mut usize, bytes: usize) -> bool {
    room.checked_sub(bytes).inspect(|left| *room = *left).is_some()
}
