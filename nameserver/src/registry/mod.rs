//! The registry as a pure table: who holds which name, under which number, for how long.
//!
//! Nothing here reads a clock, makes a random value or touches the disk: time and ids come in as values, and what
//! the disk must keep goes out as [`Batch`]es. The registry decides at once and in one place, so of two exporters
//! that want a name one gets it; but it *shows* a decision only after [`Registry::publish`], which the driver calls
//! when the disk has it (R25; the rules are written out at [`rpc_runtime::directory`]). Time is the length of time
//! since an origin that the driver chooses.

pub mod bounds;
mod ended;
mod leases;
mod register;
#[cfg(test)]
mod rules;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod view;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{Cursor, Interest, Looked, Name, Refusal, Renewal};
use rpc_runtime::directory::{Ended, Entry, EntryState, Selector};
use rpc_runtime::protocol::id::{Epoch, Incarnation};
use uuid::Uuid;

use bounds::{COUNTER_MAX, PENDING_MAX, TTL_MAX, TTL_MIN, invalid};
use ended::EndedTable;
use leases::{Leases, Swept};
pub use leases::{STANDSTILL, SUSPECT_MIN, SUSPECT_PERCENT, SUSPECT_TTLS_MAX};
pub use stored::{Batch, Record, Stored, Write};
pub use view::Watch;
use view::{Step, View};

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Registrations that expired.
    pub expired: Vec<Name>,
    /// Registrations that are kept as suspect although their lease has ended (R24).
    pub suspected: Vec<Name>,
    /// How many are suspect now; the alarm of R24 is on while there is one.
    pub suspects: usize,
    /// How long the nameserver itself had stood still, if it had.
    pub stood_still: Option<Duration>,
}

/// The table.
#[derive(Debug)]
pub struct Registry {
    id: Uuid,
    epoch_last: u64,
    /// The revision of the latest decision, which may not be on disk yet.
    revision: u64,
    /// The registrations by number.
    records: BTreeMap<u64, Record>,
    names: HashMap<Name, u64>,
    tokens: HashMap<(Incarnation, Uuid), u64>,
    entries_bytes: usize,
    leases: Leases,
    ended: EndedTable,
    /// Decided, and not yet visible.
    pending: VecDeque<Step>,
    /// Decided, and not yet handed out for the disk.
    writes: Vec<Write>,
    batched: u64,
    view: View,
}

impl Registry {
    /// The registry that is on disk. Every registration gets a full ttl from `now` (R22). Refuses what cannot have been
    /// written by a registry; the error says what is wrong.
    pub fn restore(stored: Stored, now: Duration) -> Result<Self, String> {
        if stored.epoch_last.max(stored.revision_last) > COUNTER_MAX {
            let (epochs, revisions) = (stored.epoch_last, stored.revision_last);
            return Err(format!("no registry counts to {epochs} registrations and {revisions} revisions"));
        }
        let mut registry = Self {
            id: stored.registry,
            epoch_last: stored.epoch_last,
            revision: stored.revision_last,
            records: BTreeMap::new(),
            names: HashMap::new(),
            tokens: HashMap::new(),
            entries_bytes: 0,
            leases: Leases::default(),
            ended: EndedTable::restore(stored.ended, stored.ended_floor),
            pending: VecDeque::new(),
            writes: Vec::new(),
            batched: stored.revision_last,
            view: View::new(stored.registry, stored.revision_last, BTreeMap::new()),
        };
        let mut visible = BTreeMap::new();
        for record in stored.records {
            let Epoch { registry: id, number } = record.entry.epoch;
            let name = Name::of(&record.entry);
            if id != stored.registry || number > stored.epoch_last {
                return Err(format!("registration {number} of {name} is not of this registry"));
            }
            if registry.names.contains_key(&name) {
                return Err(format!("{name} is registered twice"));
            }
            if !(TTL_MIN..=TTL_MAX).contains(&record.ttl) {
                return Err(format!("registration {number} of {name} cannot have a ttl of {:?}", record.ttl));
            }
            visible.insert(name, Arc::clone(&record.entry));
            registry.leases.renew(number, record.ttl, now);
            registry.insert(record);
        }
        registry.view = View::new(stored.registry, stored.revision_last, visible);
        Ok(registry)
    }

    /// Its identity.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// How many registrations it holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The revision of the latest decision: an answer that rests on it may be given once so much is published.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The revision up to which decisions are visible.
    pub fn published(&self) -> u64 {
        self.view.revision()
    }

    /// Ends this registration and no other (I17); says whether it still stood. Answer as for [`Registry::register`].
    pub fn unregister(&mut self, epoch: Epoch) -> Result<bool, Refusal> {
        if self.held(epoch).is_none() {
            return Ok(false);
        }
        self.check_pending()?;
        self.finish(epoch.number, Ended::Unregistered);
        Ok(true)
    }

    /// Says that this registration is draining, or live again. Answer as for [`Registry::register`].
    pub fn set_state(&mut self, epoch: Epoch, state: EntryState) -> Result<(), Refusal> {
        if state == EntryState::Suspect {
            return invalid("an exporter is not suspect by its own word: set the state to live or draining");
        }
        let Some(record) = self.held(epoch) else {
            return Err(Refusal::Ended { why: self.why(epoch) });
        };
        if record.entry.state == state {
            return Ok(());
        }
        self.check_pending()?;
        let mut record = self.records[&epoch.number].clone();
        Arc::make_mut(&mut record.entry).state = state;
        self.put(record);
        Ok(())
    }

    /// Gives this registration another full ttl, or says why it is over. Not kept on disk.
    pub fn renew(&mut self, epoch: Epoch, now: Duration) -> Renewal {
        let Some(record) = self.held(epoch).cloned() else {
            return Renewal::Ended(self.why(epoch));
        };
        self.extend(&record, now);
        Renewal::Renewed
    }

    /// Ends what has not been renewed (R22, R24). To be called several times within [`STANDSTILL`].
    pub fn sweep(&mut self, now: Duration) -> Sweep {
        let Swept { expired, suspected, stood_still } = self.leases.sweep(now);
        let name_of =
            |registry: &Self, number: &u64| registry.records.get(number).map(|record| Name::of(&record.entry));
        let sweep = Sweep {
            expired: expired.iter().filter_map(|number| name_of(self, number)).collect(),
            suspected: suspected.iter().filter_map(|number| name_of(self, number)).collect(),
            suspects: self.leases.suspects(),
            stood_still,
        };
        for number in suspected {
            let Some(record) = self.records.get(&number).cloned() else { continue };
            let before = shown(&record, false);
            self.step(Name::of(&record.entry), Some(before), Some(shown(&record, true)), None);
        }
        expired.into_iter().for_each(|number| self.finish(number, Ended::Expired));
        sweep
    }

    /// What has been decided since the last batch, if anything.
    pub fn take_batch(&mut self) -> Option<Batch> {
        if self.batched == self.revision {
            return None;
        }
        self.batched = self.revision;
        Some(Batch {
            writes: std::mem::take(&mut self.writes),
            epoch_last: self.epoch_last,
            ended_floor: self.ended.floor(),
            revision: self.revision,
        })
    }

    /// Makes the decisions up to `revision` visible: they are on disk.
    pub fn publish(&mut self, revision: u64) {
        while self.pending.front().is_some_and(|step| step.revision <= revision) {
            if let Some(step) = self.pending.pop_front() {
                self.view.publish(step);
            }
        }
    }

    /// The visible entries of `interface` that `selector` means. If they do not fit into a reply, `start` (any
    /// number) says which are given.
    pub fn lookup(&self, interface: &str, selector: &Selector, start: u64) -> Looked {
        self.view.lookup(interface, selector, start)
    }

    /// What a watcher at `from` is to be told (R23).
    pub fn watch(&self, interest: &Interest, from: Option<&Cursor>) -> Watch {
        self.view.tell(interest, from)
    }

    fn check_pending(&self) -> Result<(), Refusal> {
        if self.pending.len() < PENDING_MAX {
            return Ok(());
        }
        Err(Refusal::Busy { what: format!("{PENDING_MAX} changes wait for the disk") })
    }

    /// Another full ttl; a suspect one is live again.
    fn extend(&mut self, record: &Record, now: Duration) {
        if self.leases.renew(record.entry.epoch.number, record.ttl, now) {
            self.step(Name::of(&record.entry), Some(shown(record, true)), Some(shown(record, false)), None);
        }
    }

    /// Puts `record` in place of the one with the same number.
    fn put(&mut self, record: Record) {
        let number = record.entry.epoch.number;
        let suspect = self.leases.is_suspect(number);
        let before = self.remove_tables(number).map(|old| shown(&old, suspect));
        self.writes.push(Write::Put(record.clone()));
        self.step(Name::of(&record.entry), before, Some(shown(&record, suspect)), None);
        self.insert(record);
    }

    /// Ends a registration without a successor.
    fn finish(&mut self, number: u64, why: Ended) {
        let suspect = self.leases.is_suspect(number);
        let Some(record) = self.remove(number) else { return };
        self.remember(number, why);
        self.step(Name::of(&record.entry), Some(shown(&record, suspect)), None, Some(why));
    }

    fn remember(&mut self, number: u64, why: Ended) {
        if why == Ended::Expired {
            return;
        }
        self.writes.push(Write::Ended(number, why));
        if let Some(forgotten) = self.ended.enter(number, why) {
            self.writes.push(Write::Forget(forgotten));
        }
    }

    fn insert(&mut self, record: Record) {
        let number = record.entry.epoch.number;
        self.entries_bytes += bounds::size(&record.entry);
        self.names.insert(Name::of(&record.entry), number);
        self.tokens.insert((record.entry.incarnation, record.token), number);
        self.records.insert(number, record);
    }

    fn remove(&mut self, number: u64) -> Option<Record> {
        self.leases.end(number);
        self.writes.push(Write::Remove(number));
        self.remove_tables(number)
    }

    fn remove_tables(&mut self, number: u64) -> Option<Record> {
        let record = self.records.remove(&number)?;
        self.entries_bytes -= bounds::size(&record.entry);
        self.names.remove(&Name::of(&record.entry));
        self.tokens.remove(&(record.entry.incarnation, record.token));
        Some(record)
    }

    fn step(&mut self, name: Name, before: Option<Arc<Entry>>, after: Option<Arc<Entry>>, why: Option<Ended>) {
        self.revision += 1;
        self.pending.push_back(Step { revision: self.revision, name, before, after, why });
    }

    fn held(&self, epoch: Epoch) -> Option<&Record> {
        self.records.get(&epoch.number).filter(|_| epoch.registry == self.id)
    }

    /// Why a registration that is not held is over. One of another registry has expired: that registry is no more.
    fn why(&self, epoch: Epoch) -> Ended {
        if epoch.registry == self.id { self.ended.why(epoch.number) } else { Ended::Expired }
    }
}

/// The entry as it is looked up. What drains is not called suspect: callers avoid it either way.
fn shown(record: &Record, suspect: bool) -> Arc<Entry> {
    if !suspect || record.entry.state == EntryState::Draining {
        return Arc::clone(&record.entry);
    }
    let mut entry = Entry::clone(&record.entry);
    entry.state = EntryState::Suspect;
    Arc::new(entry)
}
