//! Registering and taking back: one thing at a time for each name.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{CHANGE_TIMEOUT, Shared, Table, is_passing};
use crate::directory::nameserver::{Name, Nameserver, NameserverClient};
use crate::directory::{DirectoryError, EntryState, RegisterMode, Registered, Registration};
use crate::planted::{Bug, planted};
use crate::protocol::backoff::Backoff;
use crate::protocol::id::Epoch;
use crate::{random, within};

/// With less than this left nothing is tried again.
const RETRY_MARGIN: Duration = Duration::from_millis(100);

impl Shared {
    pub(super) async fn register(self: Arc<Self>, registration: Registration) -> Result<Registered, DirectoryError> {
        let deadline = Instant::now() + CHANGE_TIMEOUT;
        let client = self.client(CHANGE_TIMEOUT).await?;
        let wanted = Name { interface: registration.interface.clone(), instance: registration.instance.clone() };
        let is_named = registration.mode != RegisterMode::AutoNamed;
        if is_named {
            self.claim(&wanted).await?;
        }
        let result = self.register_by(deadline, &client, registration, wanted.clone()).await;
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
        let token = random::identity();
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
        let name = Name { instance: lease.instance.clone(), ..wanted };
        let standing = self.table().leases.enter(name.clone(), registration, token, lease.epoch, asked);
        self.changed.notify_one();
        let on_drop = on_drop(Arc::downgrade(self), name.clone(), lease.epoch);
        Ok(Registered::new(name.interface, name.instance, lease.epoch, standing, on_drop))
    }

    /// Waits until nothing else is being done about `name`. A registration of the same incarnation under the same
    /// name is the same registration (R21): if a second one began before the first was taken back, it would be
    /// taken back with it.
    async fn claim(&self, name: &Name) -> Result<(), DirectoryError> {
        loop {
            let settled = self.settled.notified();
            {
                let mut table = self.table();
                if table.leases.holds(name) {
                    return Err(DirectoryError::NameTaken { name: name.clone(), endpoints: vec!["this node".into()] });
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

    pub(super) async fn unregister(self: Arc<Self>, name: Name, first: Epoch) -> Result<(), DirectoryError> {
        let Some(epoch) = self.table().leave(&name, first) else {
            return Ok(());
        };
        self.take_back(name, epoch).await
    }

    /// Unregisters what has left the table.
    pub(super) async fn take_back(&self, name: Name, epoch: Epoch) -> Result<(), DirectoryError> {
        let result = match self.client(CHANGE_TIMEOUT).await {
            Ok(client) if planted(Bug::UnregisterByName) => {
                // M18: whoever has the name by now.
                let looked = client.ns_lookup(name.interface.clone(), name.instance.as_str().into()).await;
                let holder = looked.ok().and_then(|looked| Some(looked.entries.first()?.epoch));
                let unregistered = client.ns_unregister(holder.unwrap_or(epoch)).await;
                unregistered.map(|_| ()).map_err(|error| DirectoryError::from_nameserver(error, &self.address))
            }
            Ok(client) => within(CHANGE_TIMEOUT, client.ns_unregister(epoch))
                .await
                .map(|_| ())
                .map_err(|error| DirectoryError::from_nameserver(error, &self.address)),
            Err(error) => Err(error),
        };
        self.settle(&name);
        result
    }

    pub(super) async fn drain(self: Arc<Self>, name: Name, first: Epoch) -> Result<(), DirectoryError> {
        let Some(epoch) = self.table().leases.epoch(&name, first) else {
            return Ok(());
        };
        let client = self.client(CHANGE_TIMEOUT).await?;
        let drained = within(CHANGE_TIMEOUT, client.ns_set_state(epoch, EntryState::Draining)).await;
        drained.map_err(|error| DirectoryError::from_nameserver(error, &self.address))
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
        let home = shared.home.clone();
        home.spawn(async move {
            if let Err(error) = shared.take_back(name.clone(), epoch).await {
                tracing::warn!(%error, %name, "could not be taken back; it will run out");
            }
        });
    }
}
