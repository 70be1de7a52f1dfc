//! Entering a registration: who gets a name, and who does not (R21, R22).

use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{Lease, Name, Refusal};
use rpc_runtime::directory::{Ended, Entry, EntryState, RegisterMode, Registration};
use rpc_runtime::protocol::id::Epoch;
use uuid::Uuid;

use super::bounds::{self, AUTO_BYTES_MAX, ENTRIES_BYTES_MAX, ENTRIES_MAX, invalid};
use super::{Record, Registry, Write};

impl Registry {
    /// Enters a registration (R21). `token` tells a repeated request for an automatic name from a second one;
    /// `after` names the expired registration that this one continues (R22). The answer may be given when
    /// [`Registry::revision`] is published.
    pub fn register(
        &mut self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
        now: Duration,
    ) -> Result<Lease, Refusal> {
        bounds::check(&registration)?;
        if let Some(after) = after {
            self.check_return(&registration, after)?;
        }
        let name = Name { interface: registration.interface.clone(), instance: registration.instance.clone() };
        if let Some(number) = self.own(&registration, &name, token) {
            return self.refresh(number, registration, now);
        }
        let holder = match registration.mode {
            RegisterMode::AutoNamed => None,
            RegisterMode::Exclusive | RegisterMode::Takeover => self.check_name(&registration, &name)?,
        };

        let mut number = self.epoch_last + 1;
        let mut name = name;
        if registration.mode == RegisterMode::AutoNamed {
            let base = auto_base(&registration);
            loop {
                name.instance = format!("{base}-{number}");
                if !self.names.contains_key(&name) {
                    break;
                }
                number += 1;
            }
        }
        let ttl = registration.ttl;
        let epoch = Epoch { registry: self.id, number };
        let record = record(registration, name.instance.clone(), epoch, token, EntryState::Live);
        bounds::entry(&record.entry)?;
        self.check_room(holder, bounds::size(&record.entry))?;

        // Decided. From here on nothing fails.
        self.epoch_last = number;
        let replaced = holder.and_then(|(holder, why)| Some((self.remove(holder)?, why)));
        let before = replaced.as_ref().map(|(holder, _)| Arc::clone(&holder.entry));
        if let Some((holder, why)) = &replaced {
            self.remember(holder.entry.epoch.number, *why);
        }
        self.writes.push(Write::Put(record.clone()));
        self.step(name.clone(), before, Some(Arc::clone(&record.entry)), replaced.map(|(_, why)| why));
        self.leases.renew(number, ttl, now);
        self.insert(record);
        Ok(Lease { instance: name.instance, epoch })
    }

    /// R22: only what expired comes back, and not by taking the name from another.
    fn check_return(&self, registration: &Registration, after: Epoch) -> Result<(), Refusal> {
        if registration.mode != RegisterMode::Exclusive {
            return invalid("a registration that continues an expired one must be exclusive: set its mode so");
        }
        let why = self.why(after);
        if self.held(after).is_none() && !why.may_return() {
            return Err(Refusal::Ended { why });
        }
        Ok(())
    }

    /// The registration that this incarnation already has for what it asks (R21).
    fn own(&self, registration: &Registration, name: &Name, token: Uuid) -> Option<u64> {
        let incarnation = registration.incarnation;
        match registration.mode {
            RegisterMode::AutoNamed => self.tokens.get(&(incarnation, token)).copied(),
            _ => self.names.get(name).copied().filter(|number| self.records[number].entry.incarnation == incarnation),
        }
    }

    /// Whom a registration displaces, and how that one's end is called.
    fn check_name(&self, registration: &Registration, name: &Name) -> Result<Option<(u64, Ended)>, Refusal> {
        let Some(number) = self.names.get(name).copied() else { return Ok(None) };
        let holder = &self.records[&number];
        if self.leases.is_suspect(number) {
            // Its lease is over: it holds the name as long as nobody wants it.
            return Ok(Some((number, Ended::Expired)));
        }
        if registration.mode != RegisterMode::Takeover {
            let Entry { epoch, endpoints, .. } = Entry::clone(&holder.entry);
            return Err(Refusal::NameTaken { name: name.clone(), epoch, endpoints });
        }
        if holder.owner != registration.owner {
            return Err(Refusal::NotOwner { name: name.clone(), owner: holder.owner.clone() });
        }
        Ok(Some((number, Ended::Replaced)))
    }

    fn check_room(&self, holder: Option<(u64, Ended)>, bytes: usize) -> Result<(), Refusal> {
        self.check_pending()?;
        let full = |what: &str, max: usize| Err(Refusal::Full { what: what.to_owned(), max: max as u64 });
        if holder.is_none() && self.records.len() >= ENTRIES_MAX {
            return full("registrations", ENTRIES_MAX);
        }
        if self.entries_bytes + bytes > ENTRIES_BYTES_MAX {
            return full("bytes", ENTRIES_BYTES_MAX);
        }
        Ok(())
    }

    /// An exporter asks again for what it has: the same registration, with its details brought up to date.
    fn refresh(&mut self, number: u64, registration: Registration, now: Duration) -> Result<Lease, Refusal> {
        let old = self.records[&number].clone();
        let Entry { instance, epoch, state, .. } = Entry::clone(&old.entry);
        let new = record(registration, instance.clone(), epoch, old.token, state);
        bounds::entry(&new.entry)?;
        if new != old {
            self.check_room(Some((number, Ended::Replaced)), bounds::size(&new.entry))?;
            self.put(new.clone());
        }
        self.extend(&new, now);
        Ok(Lease { instance, epoch })
    }
}

fn record(registration: Registration, instance: String, epoch: Epoch, token: Uuid, state: EntryState) -> Record {
    let Registration { interface, incarnation, endpoints, labels, groups, ttl, owner, .. } = registration;
    let entry = Entry { interface, instance, incarnation, epoch, endpoints, labels, groups, state };
    Record { entry: Arc::new(entry), owner, ttl, token }
}

/// What an automatic name begins with: what the exporter wants, otherwise the interface's own name.
fn auto_base(registration: &Registration) -> String {
    if !registration.instance.is_empty() {
        return registration.instance.clone();
    }
    let own = registration.interface.rsplit('.').next().unwrap_or_default();
    own.chars().take(AUTO_BYTES_MAX).collect::<String>().to_lowercase()
}
