//! The nameserver's side of its interface: each call is handed to the registry, and what bounds a call is kept here.

use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::Context;
use rpc_runtime::directory::nameserver::{
    Cursor, Interest, Lease, Looked, Nameserver, NameserverError, Refusal, Renewal, Watched,
};
use rpc_runtime::directory::{EntryState, Registration, Selector};
use rpc_runtime::protocol::id::Epoch;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::durable::DurableRegistry;
use crate::registry::bounds::{RENEWALS_MAX, invalid};

/// Watchers that wait at one time.
pub const WATCHERS_MAX: usize = 10_000;
/// A watcher waits no longer than this for something to happen, whatever its deadline.
pub const WATCH_MAX: Duration = Duration::from_secs(20);
/// What is left of a watcher's deadline for the way back.
const WATCH_MARGIN: Duration = Duration::from_millis(500);

/// The implementation of [`Nameserver`] over a registry that is kept on disk.
pub struct Registrar {
    registry: Arc<DurableRegistry>,
    watchers: Semaphore,
}

impl Registrar {
    /// Serves `registry`.
    pub fn new(registry: Arc<DurableRegistry>) -> Self {
        Self { registry, watchers: Semaphore::new(WATCHERS_MAX) }
    }
}

impl Nameserver for Registrar {
    async fn ns_register(
        &self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
    ) -> Result<Lease, NameserverError> {
        let (interface, endpoints) = (registration.interface.clone(), registration.endpoints.join(", "));
        let lease = self.registry.register(registration, token, after).await?;
        tracing::info!(%interface, instance = %lease.instance, epoch = lease.epoch.number, %endpoints, "registered");
        Ok(lease)
    }

    async fn ns_unregister(&self, epoch: Epoch) -> Result<bool, NameserverError> {
        let stood = self.registry.unregister(epoch).await?;
        tracing::info!(epoch = epoch.number, stood, "unregistered");
        Ok(stood)
    }

    async fn ns_set_state(&self, epoch: Epoch, state: EntryState) -> Result<(), NameserverError> {
        self.registry.set_state(epoch, state).await?;
        tracing::info!(epoch = epoch.number, ?state, "state set");
        Ok(())
    }

    async fn ns_renew(&self, epochs: Vec<Epoch>) -> Result<Vec<Renewal>, NameserverError> {
        if epochs.len() > RENEWALS_MAX {
            let count = epochs.len();
            invalid(format!(
                "{count} registrations in one renewal, at most {RENEWALS_MAX} are taken: use several calls"
            ))?;
        }
        Ok(self.registry.renew(&epochs)?)
    }

    async fn ns_lookup(&self, interface: String, selector: Selector) -> Result<Looked, NameserverError> {
        Ok(self.registry.lookup(&interface, &selector)?)
    }

    async fn ns_watch(
        &self,
        interest: Interest,
        from: Option<Cursor>,
        wait: Duration,
    ) -> Result<Watched, NameserverError> {
        let Ok(_watching) = self.watchers.try_acquire() else {
            return Err(Refusal::Busy { what: format!("{WATCHERS_MAX} watchers wait") }.into());
        };
        // Ends with a change, with the deadline near, or with the registry; a watcher that goes away drops it.
        Ok(self.registry.watch(&interest, from, wait.min(patience())).await?)
    }
}

/// How long the watcher of this call can be kept waiting.
fn patience() -> Duration {
    let left = Context::current().and_then(|context| context.remaining()).unwrap_or(WATCH_MAX);
    left.saturating_sub(WATCH_MARGIN).min(WATCH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds: so many watchers wait and no more; the next is told to try again.
    #[tokio::test]
    async fn watchers_are_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let registrar = Registrar::new(Arc::new(DurableRegistry::open(directory.path()).expect("a new one")));
        let all = registrar.watchers.try_acquire_many(WATCHERS_MAX as u32).expect("none waits yet");
        let refused = registrar.ns_watch(Interest::everything(), None, Duration::ZERO).await;
        assert!(matches!(refused, Err(NameserverError::Refused(Refusal::Busy { .. }))));
        drop(all);
        assert!(registrar.ns_watch(Interest::everything(), None, Duration::ZERO).await.is_ok());
    }
}
