//! What the command line does with a nameserver that runs: each command as a function that tests can call.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{
    Change, Interest, NAMESERVER_INSTANCE, Nameserver, NameserverClient, NameserverError, Refusal, Watched,
};
use rpc_runtime::directory::{
    Directory, DirectoryError, Ended, Entry, NameserverDirectory, Registration, Replica, Standing,
};
use rpc_runtime::{CallError, Node, Selector, StartError};

use crate::present;
use crate::stop::Stop;

/// A command gives up after this if the nameserver does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no nameserver at the address.
    #[error(
        "no nameserver answers at {address}: {source}; \
         `nameserver serve` starts one, --nameserver names another address"
    )]
    Unreachable {
        /// The address.
        address: String,
        /// What the attempt met.
        source: CallError,
    },
    /// The nameserver refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The registration was not made, or could not be taken back.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The registration ended while it was held.
    #[error("{name} is not registered any more: {why}")]
    Ended {
        /// Its name.
        name: String,
        /// Why.
        why: Ended,
    },
    /// Nothing has that name.
    #[error("{name} is not registered: `nameserver list` shows what is")]
    NotFound {
        /// The name.
        name: String,
    },
    /// Another registration has the name now.
    #[error("registration {epoch} of {name} is over: nothing was changed")]
    NotThatEpoch {
        /// The name.
        name: String,
        /// The number asked for.
        epoch: u64,
    },
    /// This process lacks something.
    #[error(transparent)]
    Node(#[from] StartError),
    /// The output cannot be written, or the system refuses a thread or a signal.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// A connection to a nameserver, for as long as a command takes.
pub struct Remote {
    address: String,
    client: NameserverClient,
    _node: Node,
}

impl Remote {
    /// Reaches the nameserver at `address`.
    pub async fn connect(address: &str) -> Result<Self, CommandError> {
        let node = Node::builder().start().await?;
        let imported = node.import_at(address, NAMESERVER_INSTANCE).timeout(PATIENCE).await;
        let client = imported.map_err(|source| CommandError::Unreachable { address: address.to_owned(), source })?;
        Ok(Self { address: address.to_owned(), client, _node: node })
    }

    /// Every entry of one interface, or of all.
    pub async fn list(&self, interface: Option<String>) -> Result<Vec<Arc<Entry>>, CommandError> {
        let interest = Interest { interface, selector: Selector::Any };
        let mut replica = Replica::new();
        while !replica.ready() {
            let watched = self.client.ns_watch(interest.clone(), replica.cursor(), Duration::ZERO).await;
            replica.apply(watched.map_err(|error| self.failed(error))?);
        }
        Ok(replica.entries().cloned().collect())
    }

    /// The entries that `selector` means.
    pub async fn lookup(&self, interface: String, selector: Selector) -> Result<Vec<Arc<Entry>>, CommandError> {
        let looked = self.client.ns_lookup(interface, selector).await;
        Ok(looked.map_err(|error| self.failed(error))?.entries)
    }

    /// Ends the registration that has the name, or the one with the number `epoch` and no other; gives its number.
    pub async fn unregister(
        &self,
        interface: String,
        instance: String,
        epoch: Option<u64>,
    ) -> Result<u64, CommandError> {
        let name = format!("{interface}/{instance}");
        let found = self.lookup(interface, Selector::Instance(instance)).await?;
        let Some(entry) = found.first() else { return Err(CommandError::NotFound { name }) };
        let mut which = entry.epoch;
        which.number = epoch.unwrap_or(which.number);
        match self.client.ns_unregister(which).await {
            Ok(true) => Ok(which.number),
            Ok(false) => Err(CommandError::NotThatEpoch { name, epoch: which.number }),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Writes what there is, and then each change as it comes, until `until` has been told or `out` is closed.
    pub async fn watch(&self, interest: Interest, is_json: bool, out: &mut impl Write) -> Result<(), CommandError> {
        let mut cursor = None;
        loop {
            let watched = match self.client.ns_watch(interest.clone(), cursor.clone(), PATIENCE).await {
                Ok(watched) => watched,
                // A nameserver that restarts loses no event: the watch goes on where it was, or begins anew and
                // says so.
                Err(NameserverError::Call(error)) => {
                    tracing::warn!(%error, "the nameserver is away; waiting for it");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
                Err(error @ NameserverError::Refused(Refusal::Stopping)) => {
                    tracing::warn!(%error, "waiting for it");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
                Err(error) => return Err(self.failed(error)),
            };
            cursor = Some(match watched {
                Watched::Snapshot { begins, revision, entries, next } => {
                    if begins {
                        if is_json {
                            writeln!(out, "{}", serde_json::json!({ "revision": revision, "change": "snapshot" }))?;
                        } else {
                            writeln!(out, "# everything at revision {revision}")?;
                        }
                    }
                    for entry in entries {
                        line(out, is_json, revision, &Change::Put(entry))?;
                    }
                    next
                }
                Watched::Events { events, next } => {
                    for event in events {
                        line(out, is_json, event.revision, &event.change)?;
                    }
                    next
                }
            });
            out.flush()?;
        }
    }

    fn failed(&self, error: NameserverError) -> CommandError {
        match error {
            NameserverError::Refused(refusal) => refusal.into(),
            NameserverError::Call(source) => CommandError::Unreachable { address: self.address.clone(), source },
            // A newer nameserver's reasons arrive as one of the two.
            _ => Refusal::Stopping.into(),
        }
    }
}

fn line(out: &mut impl Write, is_json: bool, revision: u64, change: &Change) -> std::io::Result<()> {
    if is_json {
        writeln!(out, "{}", present::change_json(revision, change))
    } else {
        writeln!(out, "{revision:>8} {}", present::change(change))
    }
}

/// Registers an exporter that does not do so itself, keeps it registered until Ctrl-C or SIGTERM, and takes it back
/// then.
pub async fn register(address: &str, registration: Registration, out: &mut impl Write) -> Result<(), CommandError> {
    let mut stop = Stop::new()?;
    let directory = NameserverDirectory::new(address)?;
    let mut registered = directory.register(registration).await?;
    let name = format!("{}/{}", registered.interface, registered.instance);
    writeln!(out, "{name} is registered as {}; Ctrl-C takes it back", registered.epoch.number)?;
    out.flush()?;
    loop {
        let standing = tokio::select! {
            _ = stop.wait() => break,
            standing = registered.changed() => standing,
        };
        match standing {
            Standing::Held(epoch) => writeln!(out, "{name} is registered again, as {}", epoch.number)?,
            Standing::Expired => writeln!(out, "{name} has expired and is being registered again")?,
            Standing::Ended(why) => return Err(CommandError::Ended { name, why }),
        }
        out.flush()?;
    }
    directory.unregister(&registered).await?;
    writeln!(out, "{name} is taken back")?;
    Ok(())
}
