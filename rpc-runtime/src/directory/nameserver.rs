//! The nameserver's interface: what travels between a node and the process that keeps the registry.
//!
//! Every number here is the registry's own: an [`Epoch`] names one registration for ever, a revision one change of what
//! can be looked up. Both only rise, also across restarts of the nameserver.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Ended, Entry, EntryState, Registration, Selector};
use crate::protocol::id::Epoch;
use crate::{CallError, Message, RemoteError, interface};

/// The instance name under which a nameserver exports itself.
pub const NAMESERVER_INSTANCE: &str = "nameserver";

/// Where a nameserver listens unless told otherwise.
pub const NAMESERVER_ADDRESS: &str = "127.0.0.1:4100";

/// The registry of a deployment: who exports what, where.
#[interface(package = "rpc.nameserver.v1", crate = "crate")]
pub trait Nameserver {
    /// Enters a registration and answers when it is on disk (R25). The same incarnation may ask again for the same
    /// name, or with the same `token`, and is given the registration that it has (R21), with its details brought up
    /// to date. `after` names the expired registration that this one continues; it is refused if that one did not
    /// expire (R22).
    async fn ns_register(
        &self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
    ) -> Result<Lease, NameserverError>;

    /// Ends this registration and no other; says whether it still stood. Answers when the end is on disk.
    async fn ns_unregister(&self, epoch: Epoch) -> Result<bool, NameserverError>;

    /// Says that this registration is draining, or live again. `Suspect` is not for exporters to say.
    async fn ns_set_state(&self, epoch: Epoch, state: EntryState) -> Result<(), NameserverError>;

    /// Gives each of these registrations another full ttl, or says why it is over. In the order of `epochs`.
    #[rpc(idempotent)]
    async fn ns_renew(&self, epochs: Vec<Epoch>) -> Result<Vec<Renewal>, NameserverError>;

    /// Finds the entries of `interface` that `selector` means.
    #[rpc(idempotent)]
    async fn ns_lookup(&self, interface: String, selector: Selector) -> Result<Looked, NameserverError>;

    /// Tells what has changed since `from`; if nothing has, waits for it up to `wait`, but not until the call's
    /// deadline. Without `from`, with one that is too old, and with one of another registry, it answers with a
    /// snapshot (R23).
    #[rpc(idempotent)]
    async fn ns_watch(
        &self,
        interest: Interest,
        from: Option<Cursor>,
        wait: Duration,
    ) -> Result<Watched, NameserverError>;
}

/// What a registration was given.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Lease {
    /// The name that it has.
    pub instance: String,
    /// Its number, by which it is renewed and ended.
    pub epoch: Epoch,
}

/// What became of the renewal of one registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub enum Renewal {
    /// It lives for another full ttl.
    Renewed,
    /// It is over.
    Ended(Ended),
}

/// What a lookup found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Looked {
    /// The matching entries.
    pub entries: Vec<Arc<Entry>>,
    /// Whether there are more than fit into a reply; each lookup then gives another selection.
    pub truncated: bool,
}

/// What a watcher wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub struct Interest {
    /// Only this interface; otherwise all.
    pub interface: Option<String>,
    /// Which instances.
    pub selector: Selector,
}

impl Interest {
    /// Everything in the registry.
    pub fn everything() -> Self {
        Self { interface: None, selector: Selector::Any }
    }

    /// Whether `entry` is of interest.
    pub fn covers(&self, entry: &Entry) -> bool {
        self.interface.as_ref().is_none_or(|interface| entry.interface == *interface) && self.selector.matches(entry)
    }
}

/// A name in the registry, in the order in which snapshots are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(crate = "crate")]
pub struct Name {
    /// The interface's full name.
    pub interface: String,
    /// The name among its exporters.
    pub instance: String,
}

impl Name {
    /// The name of `entry`.
    pub fn of(entry: &Entry) -> Self {
        Self { interface: entry.interface.clone(), instance: entry.instance.clone() }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.interface, self.instance)
    }
}

/// How far a watcher has got.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Cursor {
    /// The registry whose revision this is.
    pub registry: Uuid,
    /// Everything up to this revision has been told.
    pub revision: u64,
    /// In a snapshot that is being read page by page: the last name of the page before.
    pub page: Option<Name>,
}

/// What a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub enum Watched {
    /// A page of what there is. What changes while the pages are read comes as events afterwards.
    Snapshot {
        /// Whether this is the first page: everything known before is void.
        begins: bool,
        /// The revision at which the page was read.
        revision: u64,
        /// The entries of this page.
        entries: Vec<Arc<Entry>>,
        /// Where to go on.
        next: Cursor,
    },
    /// Every change since the cursor, in order; none if none came in time.
    Events {
        /// The changes.
        events: Vec<Event>,
        /// Where to go on.
        next: Cursor,
    },
}

/// One change of what can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Event {
    /// Its number; they rise.
    pub revision: u64,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub enum Change {
    /// This is the entry of its name now. With a higher epoch than the one before it is another registration.
    Put(Arc<Entry>),
    /// The name has no entry of interest any more.
    Removed {
        /// Which name.
        name: Name,
        /// Which registration it had.
        epoch: Epoch,
        /// Why it is over; none if it merely ceased to match the selector.
        why: Option<Ended>,
    },
}

/// Why the nameserver did not do what it was asked for; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Message)]
#[rpc(crate = "crate")]
#[non_exhaustive]
pub enum Refusal {
    /// Something in the call is not acceptable.
    #[error("{what}")]
    Invalid {
        /// What, and what would be.
        what: String,
    },
    /// Another exporter holds the name.
    #[error(
        "{name} is held by registration {} at {}: choose another name, wait for its lease to end, or take it over",
        .epoch.number, .endpoints.join(", ")
    )]
    NameTaken {
        /// The name.
        name: Name,
        /// The registration that holds it.
        epoch: Epoch,
        /// Where the holder is.
        endpoints: Vec<String>,
    },
    /// A takeover of what belongs to somebody else.
    #[error("{name} belongs to {owner:?}: only a registration with the same owner can take it over")]
    NotOwner {
        /// The name.
        name: Name,
        /// The holder's owner.
        owner: String,
    },
    /// The registration is over.
    #[error("the registration is over ({why}): register anew if it shall be found again")]
    Ended {
        /// Why.
        why: Ended,
    },
    /// The registry has reached a bound.
    #[error("the registry is full ({what} {max}): unregister what is not needed, or run a second nameserver")]
    Full {
        /// Which bound, and its unit.
        what: String,
        /// The bound.
        max: u64,
    },
    /// Too much at once.
    #[error("the nameserver is busy ({what}): try again")]
    Busy {
        /// What it has too much of.
        what: String,
    },
    /// It is shutting down.
    #[error("the nameserver is stopping: try again when it is back")]
    Stopping,
}

/// Why a call to the nameserver gave no result.
#[derive(Debug, thiserror::Error, RemoteError)]
#[rpc(crate = "crate")]
#[non_exhaustive]
pub enum NameserverError {
    /// It refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be reached, or it is not known what it did.
    #[error(transparent)]
    Call(#[from] CallError),
}
