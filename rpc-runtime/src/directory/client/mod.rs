//! The directory over a nameserver's user stub.
//!
//! Leases must be renewed however busy the application is (R22), so renewals, and all other calls to the
//! nameserver, are made by a node of their own, on a thread of its own with a runtime of its own. When the
//! nameserver is away everything goes on: leases are renewed as soon as it is back, lookups are answered from the
//! cache (R20).

mod cache;
mod find;
mod home;
mod keep;
mod lease;
mod register;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::nameserver::{NAMESERVER_INSTANCE, Name, NameserverClient, NameserverError, Refusal};
use super::{BoxFuture, Directory, DirectoryError, Found, Members, Registered, Registration, Selector};
use crate::Node;
use crate::error::{CallError, ErrorKind};
use crate::protocol::backoff::Backoff;
use crate::task::spawn;
use cache::Cache;
use home::Home;
use lease::LeaseTable;

/// A registration, its end and a change of state may take so long.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The directory that a nameserver keeps, wherever that runs. Dropping it ends its thread; registrations that were
/// not taken back run out.
pub struct NameserverDirectory {
    shared: Arc<Shared>,
    /// Dropped with the directory, which ends its home.
    _alive: oneshot::Sender<()>,
}

struct Shared {
    address: String,
    /// Whatever calls the nameserver runs there.
    home: Home,
    /// The user stub, once the nameserver has been reached for the first time.
    client: watch::Receiver<Reach>,
    table: Mutex<Table>,
    /// Wakes the renewals: the table has changed.
    changed: Notify,
    /// Wakes registrations that wait for another of the same name.
    settled: Notify,
    cache: Mutex<Cache>,
}

/// Whether the nameserver has been reached for the first time.
enum Reach {
    /// Not yet; and why not, once it has been tried.
    Trying(Option<CallError>),
    /// Its user stub, which from then on keeps it in reach.
    Reached(NameserverClient),
}

impl Reach {
    /// Whether trying on would change nothing.
    fn is_decided(&self) -> bool {
        match self {
            Self::Reached(_) => true,
            Self::Trying(Some(error)) => {
                matches!(error.kind(), ErrorKind::InvalidAddress | ErrorKind::WrongInterface)
            }
            Self::Trying(None) => false,
        }
    }

    fn client(&self) -> Option<&NameserverClient> {
        match self {
            Self::Reached(client) => Some(client),
            Self::Trying(_) => None,
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    leases: LeaseTable,
    /// Names whose registration is just being made, or taken back.
    unsettled: HashSet<Name>,
}

impl NameserverDirectory {
    /// The directory of the nameserver at `address`: `127.0.0.1:4100`, `unix:/run/nameserver.sock`. It need not be
    /// there yet. Fails if the system has no thread to give.
    pub fn new(address: &str) -> std::io::Result<Self> {
        let (home, stay) = home::find()?;
        let (reach, client) = watch::channel(Reach::Trying(None));
        let (alive, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            home,
            client,
            table: Mutex::default(),
            changed: Notify::new(),
            settled: Notify::new(),
            cache: Mutex::default(),
        });
        let at_home = Arc::clone(&shared);
        // Ends when the directory is dropped; tasks that are left at home end with it.
        stay(Box::pin(async move {
            tokio::select! {
                _ = ended => {}
                () = at_home.live(reach) => {}
            }
        }))?;
        Ok(Self { shared, _alive: alive })
    }

    /// Where the nameserver is.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Runs `work` at the directory's home, to the end even if nobody waits for it any more.
    fn run<'a, T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, DirectoryError>> {
        let (done, result) = oneshot::channel();
        self.shared.home.spawn(async move {
            // Without anybody waiting the result is dropped, and a registration with it taken back.
            let _ = done.send(work.await);
        });
        Box::pin(async move { result.await.unwrap_or(Err(DirectoryError::Closed)) })
    }
}

impl Directory for NameserverDirectory {
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<Registered, DirectoryError>> {
        self.run(Arc::clone(&self.shared).register(registration))
    }

    fn unregister<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>> {
        self.run(Arc::clone(&self.shared).unregister(name_of(registered), registered.epoch))
    }

    fn drain<'a>(&'a self, registered: &'a Registered) -> BoxFuture<'a, Result<(), DirectoryError>> {
        self.run(Arc::clone(&self.shared).drain(name_of(registered), registered.epoch))
    }

    fn lookup<'a>(
        &'a self,
        interface: &'a str,
        selector: &'a Selector,
    ) -> BoxFuture<'a, Result<Found, DirectoryError>> {
        self.run(Arc::clone(&self.shared).lookup(interface.to_owned(), selector.clone()))
    }

    fn watch(&self, interface: &str, selector: &Selector) -> Members {
        let (found, members) = watch::channel(None);
        // Ends when all members are dropped, or with the directory.
        self.shared.home.spawn(Arc::clone(&self.shared).watch(interface.to_owned(), selector.clone(), found));
        Members::new(members)
    }
}

impl Shared {
    /// The life of the directory: reach the nameserver once, then keep the leases.
    async fn live(self: Arc<Self>, reach: watch::Sender<Reach>) {
        let Some((_node, client)) = self.reach(&reach).await else { return };
        reach.send_replace(Reach::Reached(client.clone()));
        loop {
            let next = self.table().leases.next();
            // Until something is due, or the table has changed.
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.changed.notified() => {}
            }
            self.renew(&client).await;
            let due = self.table().leases.due_returns(Instant::now());
            let returns: Vec<_> =
                due.into_iter().map(|back| spawn(Arc::clone(&self).come_back(client.clone(), back))).collect();
            for returned in returns {
                // Each ends within its timeout.
                let _ = returned.await;
            }
        }
    }

    /// Tries until the nameserver has been reached for the first time; from then on the binding keeps it in reach.
    async fn reach(&self, reach: &watch::Sender<Reach>) -> Option<(Node, NameserverClient)> {
        let node = match Node::builder().start().await {
            Ok(node) => node,
            Err(error) => {
                tracing::error!(%error, "no node for calls to the nameserver");
                return None;
            }
        };
        let mut backoff = Backoff::default();
        loop {
            match node.import_at::<NameserverClient>(&self.address, NAMESERVER_INSTANCE).await {
                Ok(client) => return Some((node, client)),
                Err(error) => {
                    tracing::debug!(%error, address = %self.address, "the nameserver is not in reach yet");
                    reach.send_replace(Reach::Trying(Some(error)));
                }
            }
            sleep(backoff.next(fastrand::u32(..))).await;
        }
    }

    /// The user stub, as soon as the nameserver has been reached for the first time.
    async fn client(&self, patience: Duration) -> Result<NameserverClient, DirectoryError> {
        let mut reach = self.client.clone();
        // Ends when the nameserver is reached or cannot be, when the thread ends, or after `patience`.
        match timeout(patience, reach.wait_for(Reach::is_decided)).await {
            Err(_) => {}
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(DirectoryError::Closed),
        }
        let source = match &*reach.borrow() {
            Reach::Reached(client) => return Ok(client.clone()),
            Reach::Trying(Some(error)) => error.clone(),
            Reach::Trying(None) => {
                CallError::never(ErrorKind::DirectoryUnavailable, format!("no answer within {patience:?}"))
            }
        };
        Err(DirectoryError::Unreachable { address: self.address.clone(), source })
    }

    /// Every step leaves the table whole, so a panic elsewhere does not matter.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_of(registered: &Registered) -> Name {
    Name { interface: registered.interface.clone(), instance: registered.instance.clone() }
}

/// Whether the nameserver is away rather than unwilling.
fn is_passing(error: &NameserverError) -> bool {
    matches!(error, NameserverError::Refused(Refusal::Busy { .. } | Refusal::Stopping) | NameserverError::Call(_))
}
