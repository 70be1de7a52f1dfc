//! How exporters are found: the [`Directory`] that a node registers with and looks up in.
//!
//! A directory only *finds*. Safety does not rest on it: the handshake names the incarnation that the directory
//! promised, so an entry that is out of date leads to a harmless refusal, and lookups may be answered from a cache.
//! Only registration must be right, and that is the nameserver's business.
//!
//! - [`NameserverDirectory`]: over the user stub of a [`Nameserver`](nameserver::Nameserver), wherever it runs;
//! - [`MemoryDirectory`]: inside one process, for tests.
//!
//! The rules that this folder and the nameserver carry out; code and tests cite them by number:
//!
//! - R20 With the nameserver away bindings and sessions go on; lookups use the cache and say that it is stale.
//! - R21 Registering is idempotent by incarnation while the entry lives. Modes: exclusive; takeover (the same owner: a new
//!   epoch, and the old registration is replaced); automatically named. Unregistering and changes of state apply to one
//!   epoch only.
//! - R22 Leases are renewed at a third of the ttl, on a thread that application work cannot starve. Renewals are not kept on
//!   disk; after a restart of the nameserver every lease gets one full ttl. A live exporter whose lease has *expired*
//!   registers again, never by takeover. One that was replaced or unregistered does not come back under that name.
//! - R23 A watch is a snapshot at a revision and then every event after it, in order; or an explicit new snapshot. Never a gap.
//! - R24 If more than 15 % of the leases would end within one ttl, their entries are kept as suspect and an alarm is raised.
//! - R25 A registration is on disk before it is acknowledged.
//! - R32 After a takeover no new call goes to the old holder. It refuses new calls once it knows, perhaps late: an exclusive
//!   name is not mutual exclusion. Implementations see the epoch, for fencing.
//! - I17 The epochs of a name rise; unregistering removes its own epoch only.
//! - I18 Events come without a gap, or after an explicit new snapshot.

mod client;
mod entry;
mod memory;
pub mod nameserver;
mod registration;
mod replica;
pub mod select;
#[cfg(test)]
pub(crate) mod testing;

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

pub use client::NameserverDirectory;
pub use entry::{Entry, EntryState, Found, Selector};
pub use memory::MemoryDirectory;
pub use registration::{Ended, RegisterMode, Registered, Registration, Standing, TTL_DEFAULT};
pub use replica::Replica;

use crate::CallError;
use nameserver::{Name, NameserverError, Refusal};

/// A future on the heap, as methods of a trait object return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where exporters are entered and found.
pub trait Directory: Send + Sync + 'static {
    /// Enters an exporter and keeps it entered until [`Directory::unregister`], or until the [`Registered`] is dropped.
    /// When this returns the registration is durable, as far as the directory can make it so.
    ///
    /// Dropping the future gives up; a registration that then still succeeds is taken back.
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<Registered, DirectoryError>>;

    /// Takes a registration back: this one, never another that has the name since (I17). One that is over already
    /// is no error.
    fn unregister<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>>;

    /// Says that the exporter finishes what it has and refuses new calls.
    fn drain<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>>;

    /// Finds exporters of `interface`; finding none is not an error. With the directory away the answer is the last one
    /// known, marked as stale (R20), and an error only if none is known.
    fn lookup<'a>(&'a self, interface: &'a str, selector: &'a Selector)
    -> BoxFuture<'a, Result<Found, DirectoryError>>;

    /// Keeps an eye on exporters of `interface`, for bindings that choose among several. Costs the directory a
    /// little for as long as the [`Members`] live.
    fn watch(&self, interface: &str, selector: &Selector) -> Members;
}

/// The exporters that a binding chooses from, kept up to date.
#[derive(Debug, Clone)]
pub struct Members {
    found: watch::Receiver<Option<Found>>,
}

impl Members {
    /// For implementations of [`Directory`]: the sender sends `None` until it knows. It ends when all `Members` are
    /// dropped.
    pub fn new(found: watch::Receiver<Option<Found>>) -> Self {
        Self { found }
    }

    /// What is known now: `None` if the directory has not answered yet.
    pub fn found(&self) -> Option<Found> {
        self.found.borrow().clone()
    }

    /// Waits for something newer than what this returned last, and gives it. Waits for ever once the directory is gone.
    pub async fn changed(&mut self) -> Found {
        loop {
            if self.found.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(found) = self.found.borrow_and_update().clone() {
                return found;
            }
        }
    }
}

/// Why a directory did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another exporter holds the name.
    #[error(
        "{name} is taken by {}: choose another name, let the export `wait` for it to go, or use `RegisterMode::Takeover`",
        .endpoints.join(", ")
    )]
    NameTaken {
        /// The name.
        name: Name,
        /// Where its holder is.
        endpoints: Vec<String>,
    },
    /// The registration is over and does not come back.
    #[error("the registration is over: {0}")]
    Ended(Ended),
    /// The directory refused for another reason, which it gives.
    #[error(transparent)]
    Refused(Refusal),
    /// The directory is away. What was asked of it may still happen, if it was a registration: then it is taken back.
    #[error("the directory at {address} cannot be reached: {source}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the last attempt met.
        source: CallError,
    },
    /// The directory has been shut down in this process.
    #[error("the directory has been shut down")]
    Closed,
}

impl DirectoryError {
    fn from_nameserver(error: NameserverError, address: &str) -> Self {
        match error {
            NameserverError::Refused(Refusal::NameTaken { name, endpoints, .. }) => Self::NameTaken { name, endpoints },
            NameserverError::Refused(Refusal::Ended { why }) => Self::Ended(why),
            NameserverError::Refused(refusal) => Self::Refused(refusal),
            NameserverError::Call(source) => Self::Unreachable { address: address.to_owned(), source },
        }
    }
}
