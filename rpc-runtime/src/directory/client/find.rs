//! Looking up and watching, also while the nameserver is away (R20).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::{Shared, is_passing};
use crate::directory::nameserver::{Interest, Nameserver, NameserverClient};
use crate::directory::{DirectoryError, Entry, Found, Replica, Selector};
use crate::protocol::backoff::Backoff;
use crate::{Binding, LinkState, within};

/// A lookup of which nothing is known may take so long.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// A lookup may take so long if an older answer is at hand.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);
/// A watch waits so long for something to happen,
const WATCH_WAIT: Duration = Duration::from_secs(20);
/// and so long for the answer.
const WATCH_TIMEOUT: Duration = Duration::from_secs(25);

impl Shared {
    pub(super) async fn lookup(
        self: Arc<Self>,
        interface: String,
        selector: Selector,
    ) -> Result<Found, DirectoryError> {
        let known = self.cache().get(&interface, &selector);
        let stale = |entries| Ok(Found { entries, stale: true });
        let connected = self.client.borrow().client().is_some_and(is_up);
        let patience = match known {
            Some(entries) if !connected => return stale(entries),
            Some(_) => REFRESH_TIMEOUT,
            None => LOOKUP_TIMEOUT,
        };
        let client = self.client(patience).await?;
        match within(patience, client.ns_lookup(interface.clone(), selector.clone())).await {
            Ok(looked) => {
                let entries: Vec<Entry> = looked.entries.into_iter().map(Arc::unwrap_or_clone).collect();
                self.cache().put(&interface, &selector, entries.clone());
                Ok(Found { entries, stale: false })
            }
            Err(error) => match known {
                Some(entries) if is_passing(&error) => stale(entries),
                _ => Err(DirectoryError::from_nameserver(error, &self.address)),
            },
        }
    }

    /// Follows the entries of one selection until nobody wants to know any more.
    pub(super) async fn watch(
        self: Arc<Self>,
        interface: String,
        selector: Selector,
        found: watch::Sender<Option<Found>>,
    ) {
        tokio::select! {
            () = found.closed() => {}
            () = self.follow(&interface, &selector, &found) => {}
        }
    }

    async fn follow(&self, interface: &str, selector: &Selector, found: &watch::Sender<Option<Found>>) {
        let mut reach = self.client.clone();
        let Ok(client) = reach.wait_for(|reach| reach.client().is_some()).await.map(|reach| reach.client().cloned())
        else {
            return;
        };
        let Some(client) = client else { return };
        let interest = Interest { interface: Some(interface.to_owned()), selector: selector.clone() };
        let mut replica = Replica::new();
        let mut backoff = Backoff::default();
        // Nothing at first, and after a lost connection: what is new is to be known soon.
        let mut wait = Duration::ZERO;
        loop {
            let told = within(WATCH_TIMEOUT, client.ns_watch(interest.clone(), replica.cursor(), wait));
            let told = tokio::select! {
                told = told => Some(told),
                () = lost(&client) => None,
            };
            match told {
                Some(Ok(watched)) => {
                    backoff.reset();
                    wait = WATCH_WAIT;
                    replica.apply(watched);
                    if replica.ready() {
                        let entries: Vec<Entry> = replica.entries().map(|entry| Entry::clone(entry)).collect();
                        self.cache().put(interface, selector, entries.clone());
                        let new = Some(Found { entries, stale: false });
                        found.send_if_modified(|old| {
                            *old != new && {
                                *old = new;
                                true
                            }
                        });
                    }
                    continue;
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, %interface, %selector, "the nameserver cannot be watched");
                    sleep(backoff.next(fastrand::u32(..))).await;
                }
                None => {}
            }
            // Only the mark: what is known stays, and the watch goes on where it was (R23).
            wait = Duration::ZERO;
            found.send_if_modified(|old| old.as_mut().is_some_and(|old| !std::mem::replace(&mut old.stale, true)));
            reached(&client).await;
        }
    }
}

fn is_up(client: &NameserverClient) -> bool {
    matches!(Binding::of(client).link(), LinkState::Up(_))
}

/// Waits until the nameserver is out of reach.
async fn lost(client: &NameserverClient) {
    let mut state = Binding::of(client).link();
    while matches!(state, LinkState::Up(_)) {
        state = Binding::of(client).link_changed(&state).await;
    }
}

/// Waits until the nameserver is in reach. For ever if this process's node for it has ended.
async fn reached(client: &NameserverClient) {
    let mut state = Binding::of(client).link();
    while !matches!(state, LinkState::Up(_)) {
        state = Binding::of(client).link_changed(&state).await;
    }
}
