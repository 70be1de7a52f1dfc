//! The directory over a nameserver's user stub.
//!
//! Leases must be renewed however busy the application is (R22), so renewals, and all other calls to the nameserver, are
//! made by a node of their own, on a thread of its own with a runtime of its own. When the nameserver is away everything
//! goes on: leases are renewed as soon as it is back, lookups are answered from the cache (R20).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::cache::Cache;
use super::lease::{LeaseTable, Return};
use super::nameserver::{
    Interest, NAMESERVER_INSTANCE, Name, Nameserver, NameserverClient, NameserverError, Refusal,
};
use super::{
    BoxFuture, Directory, DirectoryError, Entry, EntryState, Found, Members, RegisterMode,
    Registered, Registration, Replica, Selector,
};
use crate::error::{CallError, ErrorKind};
use crate::protocol::backoff::Backoff;
use crate::protocol::id::Epoch;
use crate::{Binding, LinkState, Node, within};

/// A registration, its end and a change of state may take so long.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// With less than this left nothing is tried again.
const RETRY_MARGIN: Duration = Duration::from_millis(100);
/// A lookup of which nothing is known may take so long.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// A lookup may take so long if an older answer is at hand.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);
/// Registering again may take so long, then it is tried again; renewals wait meanwhile.
const RETURN_TIMEOUT: Duration = Duration::from_secs(2);
/// A watch waits so long for something to happen.
const WATCH_TIMEOUT: Duration = Duration::from_secs(25);

/// The directory that a nameserver keeps, wherever that runs. Dropping it ends its thread; registrations that were not taken
/// back run out.
pub struct NameserverDirectory {
    shared: Arc<Shared>,
    /// Dropped with the directory, which ends the thread.
    _alive: oneshot::Sender<()>,
}

struct Shared {
    address: String,
    /// Of the thread's runtime: whatever calls the nameserver runs there.
    runtime: Handle,
    /// The user stub, once the nameserver has been reached for the first time.
    client: watch::Receiver<Option<NameserverClient>>,
    table: Mutex<Table>,
    /// Wakes the renewals: the table has changed.
    changed: Notify,
    /// Wakes registrations that wait for another of the same name.
    settled: Notify,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Table {
    leases: LeaseTable,
    /// Names whose registration is just being made, or taken back.
    unsettled: HashSet<Name>,
}

impl NameserverDirectory {
    /// The directory of the nameserver at `address`: `127.0.0.1:4100`, `unix:/run/nameserver.sock`. It need not be there yet.
    /// Fails if the system has no thread to give.
    pub fn new(address: &str) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (client_sender, client) = watch::channel(None);
        let (alive, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            runtime: runtime.handle().clone(),
            client,
            table: Mutex::default(),
            changed: Notify::new(),
            settled: Notify::new(),
            cache: Mutex::default(),
        });
        let thread = std::thread::Builder::new().name("nameserver-client".into());
        let of_thread = Arc::clone(&shared);
        // Ends when the directory is dropped; tasks that are left in the runtime end with it.
        thread.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = ended => {}
                    () = of_thread.live(client_sender) => {}
                }
            });
        })?;
        Ok(Self {
            shared,
            _alive: alive,
        })
    }

    /// Where the nameserver is.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Runs `work` on the directory's thread, to the end even if nobody waits for it any more.
    fn run<'a, T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, DirectoryError>> {
        let (done, result) = oneshot::channel();
        self.shared.runtime.spawn(async move {
            // Without anybody waiting the result is dropped, and a registration with it taken back.
            let _ = done.send(work.await);
        });
        Box::pin(async move { result.await.unwrap_or(Err(DirectoryError::Closed)) })
    }
}

impl Directory for NameserverDirectory {
    fn register(
        &self,
        registration: Registration,
    ) -> BoxFuture<'_, Result<Registered, DirectoryError>> {
        self.run(Arc::clone(&self.shared).register(registration))
    }

    fn unregister<'a>(
        &'a self,
        registered: &'a Registered,
    ) -> BoxFuture<'a, Result<(), DirectoryError>> {
        self.run(Arc::clone(&self.shared).unregister(name_of(registered), registered.epoch))
    }

    fn drain<'a>(
        &'a self,
        registered: &'a Registered,
    ) -> BoxFuture<'a, Result<(), DirectoryError>> {
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
        self.shared.runtime.spawn(Arc::clone(&self.shared).watch(
            interface.to_owned(),
            selector.clone(),
            found,
        ));
        Members::new(members)
    }
}

impl Shared {
    /// The life of the thread: reach the nameserver once, then keep the leases.
    async fn live(self: Arc<Self>, client_sender: watch::Sender<Option<NameserverClient>>) {
        let Some((_node, client)) = self.reach().await else {
            return;
        };
        client_sender.send_replace(Some(client.clone()));
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
            let mut returns = JoinSet::new();
            for back in self.table().leases.due_returns(Instant::now()) {
                returns.spawn(Arc::clone(&self).come_back(client.clone(), back));
            }
            // Each ends within its timeout.
            returns.join_all().await;
        }
    }

    /// Tries until the nameserver has been reached for the first time; from then on the binding keeps it in reach.
    async fn reach(&self) -> Option<(Node, NameserverClient)> {
        let node = match Node::builder().start().await {
            Ok(node) => node,
            Err(error) => {
                tracing::error!(%error, "no node for calls to the nameserver");
                return None;
            }
        };
        let mut backoff = Backoff::default();
        loop {
            match node
                .import_at::<NameserverClient>(&self.address, NAMESERVER_INSTANCE)
                .await
            {
                Ok(client) => return Some((node, client)),
                Err(error) => {
                    tracing::debug!(%error, address = %self.address, "the nameserver is not in reach yet")
                }
            }
            sleep(backoff.next(fastrand::u32(..))).await;
        }
    }

    /// The user stub, as soon as the nameserver has been reached for the first time.
    async fn client(&self, patience: Duration) -> Result<NameserverClient, DirectoryError> {
        let mut client = self.client.clone();
        // Ends when the nameserver is reached, or the thread ends, or after `patience`.
        match timeout(patience, client.wait_for(Option::is_some)).await {
            Ok(Ok(client)) => client.clone().ok_or(DirectoryError::Closed),
            Ok(Err(_)) => Err(DirectoryError::Closed),
            Err(_) => {
                let text = format!("the nameserver has not been reached within {patience:?}");
                Err(self.unreachable(CallError::never(ErrorKind::DirectoryUnavailable, text)))
            }
        }
    }

    /// Renews what is due, with one call for up to a thousand registrations.
    async fn renew(&self, client: &NameserverClient) {
        loop {
            let sent = Instant::now();
            let (due, patience) = {
                let table = self.table();
                let due = table.leases.due_renewals(sent);
                (due.clone(), table.leases.patience(&due))
            };
            if due.is_empty() {
                return;
            }
            let epochs = due.iter().map(|(_, epoch)| *epoch).collect();
            let renewals = within(patience, client.ns_renew(epochs)).await;
            let mut table = self.table();
            match renewals {
                Ok(renewals) => {
                    for ((name, epoch), renewal) in due.iter().zip(renewals) {
                        table.leases.renewed(name, *epoch, renewal, sent);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "leases could not be renewed");
                    let now = Instant::now();
                    for (name, epoch) in &due {
                        table
                            .leases
                            .not_renewed(name, *epoch, now, fastrand::u32(..));
                    }
                    return;
                }
            }
        }
    }

    /// Registers again what has expired.
    async fn come_back(self: Arc<Self>, client: NameserverClient, back: Return) {
        let asked = Instant::now();
        let Return {
            registration,
            token,
            after,
            ..
        } = back.clone();
        match within(
            RETURN_TIMEOUT,
            client.ns_register(registration, token, Some(after)),
        )
        .await
        {
            Ok(lease) => {
                if self.table().leases.returned(&back, lease.epoch, asked) {
                    tracing::info!(name = %back.name, epoch = lease.epoch.number, "registered again after an expired lease");
                } else if let Err(error) =
                    within(CHANGE_TIMEOUT, client.ns_unregister(lease.epoch)).await
                {
                    tracing::warn!(%error, name = %back.name, "could not be taken back; it will run out");
                }
            }
            Err(error) => {
                let refusal = if let NameserverError::Refused(refusal) = &error {
                    Some(refusal)
                } else {
                    None
                };
                tracing::debug!(%error, name = %back.name, "could not be registered again");
                self.table()
                    .leases
                    .not_returned(&back, refusal, Instant::now(), fastrand::u32(..));
            }
        }
    }

    async fn register(
        self: Arc<Self>,
        registration: Registration,
    ) -> Result<Registered, DirectoryError> {
        let deadline = Instant::now() + CHANGE_TIMEOUT;
        let client = self.client(CHANGE_TIMEOUT).await?;
        let wanted = Name {
            interface: registration.interface.clone(),
            instance: registration.instance.clone(),
        };
        let is_named = registration.mode != RegisterMode::AutoNamed;
        if is_named {
            self.claim(&wanted).await?;
        }
        let result = self
            .register_by(deadline, &client, registration, wanted.clone())
            .await;
        if is_named {
            self.settle(&wanted);
        }
        result
    }

    async fn register_by(
        self: &Arc<Self>,
        deadline: Instant,
        client: &NameserverClient,
        registration: Registration,
        wanted: Name,
    ) -> Result<Registered, DirectoryError> {
        let token = Uuid::new_v4();
        let mut backoff = Backoff::default();
        let (lease, asked) = loop {
            let asked = Instant::now();
            let left = deadline.saturating_duration_since(asked);
            match within(left, client.ns_register(registration.clone(), token, None)).await {
                Ok(lease) => break (lease, asked),
                // Asked again it is the same registration (R21): that is how an unknown outcome is found out.
                Err(error) if is_passing(&error) && Instant::now() + RETRY_MARGIN < deadline => {
                    tracing::debug!(%error, name = %wanted, "not registered yet");
                    sleep(backoff.next(fastrand::u32(..))).await;
                }
                Err(error) => return Err(DirectoryError::from_nameserver(error, &self.address)),
            }
        };
        let name = Name {
            instance: lease.instance.clone(),
            ..wanted
        };
        let standing =
            self.table()
                .leases
                .enter(name.clone(), registration, token, lease.epoch, asked);
        self.changed.notify_one();
        let on_drop = on_drop(Arc::downgrade(self), name.clone(), lease.epoch);
        Ok(Registered::new(
            name.interface,
            name.instance,
            lease.epoch,
            standing,
            on_drop,
        ))
    }

    /// Waits until nothing else is being done about `name`. A registration of the same incarnation under the same name is the
    /// same registration (R21): if a second one began before the first was taken back, it would be taken back with it.
    async fn claim(&self, name: &Name) -> Result<(), DirectoryError> {
        loop {
            let settled = self.settled.notified();
            {
                let mut table = self.table();
                if table.leases.holds(name) {
                    return Err(DirectoryError::NameTaken {
                        name: name.clone(),
                        endpoints: vec!["this node".into()],
                    });
                }
                if table.unsettled.insert(name.clone()) {
                    return Ok(());
                }
            }
            // Ends when what is being done is done, or has failed: within `CHANGE_TIMEOUT` and a little.
            settled.await;
        }
    }

    fn settle(&self, name: &Name) {
        self.table().unsettled.remove(name);
        self.settled.notify_waiters();
    }

    async fn unregister(self: Arc<Self>, name: Name, first: Epoch) -> Result<(), DirectoryError> {
        let Some(epoch) = self.table().leave(&name, first) else {
            return Ok(());
        };
        self.take_back(name, epoch).await
    }

    /// Unregisters what has left the table.
    async fn take_back(&self, name: Name, epoch: Epoch) -> Result<(), DirectoryError> {
        let result = match self.client(CHANGE_TIMEOUT).await {
            Ok(client) => within(CHANGE_TIMEOUT, client.ns_unregister(epoch))
                .await
                .map(|_| ())
                .map_err(|error| DirectoryError::from_nameserver(error, &self.address)),
            Err(error) => Err(error),
        };
        self.settle(&name);
        result
    }

    async fn drain(self: Arc<Self>, name: Name, first: Epoch) -> Result<(), DirectoryError> {
        let Some(epoch) = self.table().leases.epoch(&name, first) else {
            return Ok(());
        };
        let client = self.client(CHANGE_TIMEOUT).await?;
        let drained = within(
            CHANGE_TIMEOUT,
            client.ns_set_state(epoch, EntryState::Draining),
        )
        .await;
        drained.map_err(|error| DirectoryError::from_nameserver(error, &self.address))
    }

    async fn lookup(
        self: Arc<Self>,
        interface: String,
        selector: Selector,
    ) -> Result<Found, DirectoryError> {
        let known = self.cache().get(&interface, &selector);
        let stale = |entries| {
            Ok(Found {
                entries,
                stale: true,
            })
        };
        let connected = self
            .client
            .borrow()
            .as_ref()
            .is_some_and(|client| !is_down(client));
        let patience = match known {
            Some(entries) if !connected => return stale(entries),
            Some(_) => REFRESH_TIMEOUT,
            None => LOOKUP_TIMEOUT,
        };
        let client = self.client(patience).await?;
        match within(
            patience,
            client.ns_lookup(interface.clone(), selector.clone()),
        )
        .await
        {
            Ok(looked) => {
                let entries: Vec<Entry> = looked
                    .entries
                    .into_iter()
                    .map(Arc::unwrap_or_clone)
                    .collect();
                self.cache().put(&interface, &selector, entries.clone());
                Ok(Found {
                    entries,
                    stale: false,
                })
            }
            Err(error) => match known {
                Some(entries) if is_passing(&error) => stale(entries),
                _ => Err(DirectoryError::from_nameserver(error, &self.address)),
            },
        }
    }

    /// Follows the entries of one selection until nobody wants to know any more.
    async fn watch(
        self: Arc<Self>,
        interface: String,
        selector: Selector,
        found: watch::Sender<Option<Found>>,
    ) {
        let follow = async {
            let mut client = self.client.clone();
            let Ok(client) = client
                .wait_for(Option::is_some)
                .await
                .map(|client| client.clone())
            else {
                return;
            };
            let Some(client) = client else { return };
            let interest = Interest {
                interface: Some(interface.clone()),
                selector: selector.clone(),
            };
            let mut replica = Replica::new();
            let mut backoff = Backoff::default();
            loop {
                match within(
                    WATCH_TIMEOUT,
                    client.ns_watch(interest.clone(), replica.cursor()),
                )
                .await
                {
                    Ok(watched) => {
                        backoff.reset();
                        replica.apply(watched);
                        if replica.ready() {
                            let entries: Vec<Entry> =
                                replica.entries().map(|entry| Entry::clone(entry)).collect();
                            self.cache().put(&interface, &selector, entries.clone());
                            let new = Some(Found {
                                entries,
                                stale: false,
                            });
                            found.send_if_modified(|old| {
                                *old != new && {
                                    *old = new;
                                    true
                                }
                            });
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, %interface, %selector, "the nameserver cannot be watched");
                        // Only the mark: what is known stays, and the watch goes on where it was (R23).
                        found.send_if_modified(|old| {
                            old.as_mut()
                                .is_some_and(|old| !std::mem::replace(&mut old.stale, true))
                        });
                        sleep(backoff.next(fastrand::u32(..))).await;
                    }
                }
            }
        };
        tokio::select! {
            () = found.closed() => {}
            () = follow => {}
        }
    }

    fn unreachable(&self, source: CallError) -> DirectoryError {
        DirectoryError::Unreachable {
            address: self.address.clone(),
            source,
        }
    }

    /// Every step leaves the table whole, so a panic elsewhere does not matter.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Ends the keeping of a registration, and gives the number to be unregistered; its name is then unsettled.
    fn leave(&mut self, name: &Name, first: Epoch) -> Option<Epoch> {
        let epoch = self.leases.leave(name, first)?;
        self.unsettled.insert(name.clone());
        Some(epoch)
    }
}

/// What dropping a `Registered` does: nothing if it has been unregistered, otherwise that, in the background.
fn on_drop(shared: Weak<Shared>, name: Name, first: Epoch) -> impl FnOnce() + Send + Sync {
    move || {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        // At once, so that a registration that follows waits for it.
        let Some(epoch) = shared.table().leave(&name, first) else {
            return;
        };
        let runtime = shared.runtime.clone();
        runtime.spawn(async move {
            if let Err(error) = shared.take_back(name.clone(), epoch).await {
                tracing::warn!(%error, %name, "could not be taken back; it will run out");
            }
        });
    }
}

fn name_of(registered: &Registered) -> Name {
    Name {
        interface: registered.interface.clone(),
        instance: registered.instance.clone(),
    }
}

/// Whether the nameserver is away rather than unwilling.
fn is_passing(error: &NameserverError) -> bool {
    matches!(
        error,
        NameserverError::Refused(Refusal::Busy { .. } | Refusal::Stopping)
            | NameserverError::Call(_)
    )
}

fn is_down(client: &NameserverClient) -> bool {
    !matches!(Binding::of(client).link(), LinkState::Up(_))
}
