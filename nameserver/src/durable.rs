//! The registry together with its disk: what is answered is on disk (R25).
//!
//! Many callers, one writer. A caller decides under the lock, in memory, and then waits until its decision is on
//! disk. The writer takes everything that has been decided, commits it in one transaction without holding the lock,
//! and publishes it; what is decided meanwhile is the next batch. So a commit costs one fsync, however many wait
//! for it.
//!
//! If the disk fails nothing more is answered: what is in memory is then ahead of the disk for good, and the nameserver
//! must be started anew.

mod writer;

use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rpc_runtime::directory::nameserver::{Cursor, Interest, Lease, Looked, Refusal, Renewal, Watched};
use rpc_runtime::directory::{EntryState, Registration, Selector};
use rpc_runtime::protocol::id::Epoch;
use rpc_runtime::random;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::registry::{Registry, Sweep, Watch};
use crate::store::{Store, StoreError};
use writer::{Handle, Writer};

/// A registry that is kept on disk. Dropping it writes what has been decided, and waits for that.
pub struct DurableRegistry {
    shared: Arc<Shared>,
    writer: Handle,
}

struct Shared {
    /// Held for decisions in memory and for lookups, never while the disk is waited for.
    state: Mutex<State>,
    /// Wakes the writer: something has been decided, or it is to stop. One message says so as well as many.
    decided: mpsc::Sender<()>,
    /// Why the writer ended, if it was not told to.
    failure: Mutex<Option<StoreError>>,
    /// The revision that is on disk and visible. Callers wait for their own, watchers for the next. The writer
    /// holds the only sender, so that the channel closes when the writer ends.
    published: watch::Receiver<u64>,
    /// Where the registry's time begins.
    origin: Instant,
}

struct State {
    registry: Registry,
    stopping: bool,
}

impl DurableRegistry {
    /// Opens the registry in `directory`, or makes one there. Every registration gets a full ttl from now (R22).
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let (store, stored) = Store::open(directory, random::identity())?;
        let origin = Instant::now();
        let registry = Registry::restore(stored, origin.elapsed())
            .map_err(|what| StoreError::Damaged { file: store.directory().to_owned(), what })?;
        let (published, receiver) = watch::channel(registry.published());
        let (decided, wakes) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { registry, stopping: false }),
            decided,
            failure: Mutex::default(),
            published: receiver,
            origin,
        });
        let writer = writer::start(Writer { shared: Arc::clone(&shared), store, published, wakes });
        let system = |error: std::io::Error| StoreError::System { path: directory.to_owned(), what: error.to_string() };
        Ok(Self { shared, writer: writer.map_err(system)? })
    }

    /// The registry's identity.
    pub fn id(&self) -> Result<Uuid, Refusal> {
        Ok(self.shared.lock()?.registry.id())
    }

    /// How many registrations there are.
    pub fn len(&self) -> usize {
        self.shared.lock().map_or(0, |state| state.registry.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Enters a registration; returns when it is on disk. See [`Registry::register`].
    pub async fn register(
        &self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
    ) -> Result<Lease, Refusal> {
        let now = self.shared.origin.elapsed();
        self.decide(|registry| registry.register(registration, token, after, now)).await
    }

    /// Ends one registration; returns when that is on disk. See [`Registry::unregister`].
    pub async fn unregister(&self, epoch: Epoch) -> Result<bool, Refusal> {
        self.decide(|registry| registry.unregister(epoch)).await
    }

    /// Sets the state of one registration; returns when that is on disk. See [`Registry::set_state`].
    pub async fn set_state(&self, epoch: Epoch, state: EntryState) -> Result<(), Refusal> {
        self.decide(|registry| registry.set_state(epoch, state)).await
    }

    /// Renews registrations, in memory. See [`Registry::renew`].
    pub fn renew(&self, epochs: &[Epoch]) -> Result<Vec<Renewal>, Refusal> {
        let now = self.shared.origin.elapsed();
        let mut state = self.shared.lock()?;
        let renewals = epochs.iter().map(|epoch| state.registry.renew(*epoch, now)).collect();
        drop(state);
        // A suspect one that is live again is a decision too.
        self.shared.wake_writer();
        Ok(renewals)
    }

    /// Finds entries. See [`Registry::lookup`].
    pub fn lookup(&self, interface: &str, selector: &Selector) -> Result<Looked, Refusal> {
        Ok(self.shared.lock()?.registry.lookup(interface, selector, fastrand::u64(..)))
    }

    /// Tells what is new since `from`, as soon as something is. After `wait` it tells how far the watcher may move on with
    /// nothing new. Refuses when the registry has been closed.
    pub async fn watch(
        &self,
        interest: &Interest,
        mut from: Option<Cursor>,
        wait: Duration,
    ) -> Result<Watched, Refusal> {
        let mut published = self.shared.published.clone();
        let mut over = pin!(sleep(wait));
        loop {
            // Marked as seen before the registry is looked at, so that no publication falls in between.
            published.borrow_and_update();
            let next = match self.shared.lock()?.registry.watch(interest, from.as_ref()) {
                Watch::Now(watched) => return Ok(watched),
                Watch::Later(next) => next,
            };
            // Ends with the next publication, or with the registry; or in vain.
            tokio::select! {
                biased;
                changed = published.changed() => changed.map_err(|_| Refusal::Stopping)?,
                () = &mut over => return Ok(Watched::Events { events: Vec::new(), next }),
            }
            // What has been looked at is not looked at again.
            from = Some(next);
        }
    }

    /// Ends what has not been renewed. To be called several times within [`STANDSTILL`](crate::registry::STANDSTILL).
    pub fn sweep(&self) -> Result<Sweep, Refusal> {
        let now = self.shared.origin.elapsed();
        let sweep = self.shared.lock()?.registry.sweep(now);
        self.shared.wake_writer();
        Ok(sweep)
    }

    /// Waits until the writer has ended: the disk has failed, or the registry has been closed.
    pub async fn ended(&self) {
        let mut published = self.shared.published.clone();
        while published.changed().await.is_ok() {}
    }

    /// Writes what has been decided, stops the writer, and says whether all is well. Later calls are refused.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.stop();
        self.ended().await;
        self.shared.result()
    }

    /// Decides, and waits until the decision is on disk.
    async fn decide<T>(&self, decide: impl FnOnce(&mut Registry) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut published = self.shared.published.clone();
        let (value, revision) = {
            let mut state = self.shared.lock()?;
            let value = decide(&mut state.registry)?;
            (value, state.registry.revision())
        };
        self.shared.wake_writer();
        // Ends with the commit that contains the decision, or when the writer ends without it.
        published.wait_for(|published| *published >= revision).await.map_err(|_| Refusal::Stopping)?;
        Ok(value)
    }
}

impl Drop for DurableRegistry {
    fn drop(&mut self) {
        self.shared.stop();
        self.writer.join();
        if let Err(error) = self.shared.result() {
            tracing::error!(%error, "the last registrations could not be written; none of them was acknowledged");
        }
    }
}

impl Shared {
    /// The lock is poisoned when a decision panicked: nobody knows what the table holds then, so nothing more is
    /// decided.
    fn lock(&self) -> Result<MutexGuard<'_, State>, Refusal> {
        let state = self.state.lock().map_err(|_| {
            self.wake_writer();
            Refusal::Stopping
        })?;
        if state.stopping { Err(Refusal::Stopping) } else { Ok(state) }
    }

    fn stop(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.stopping = true;
        }
        self.wake_writer();
    }

    fn wake_writer(&self) {
        // With no room a message is there already; with no writer nobody is to be woken.
        let _ = self.decided.try_send(());
    }

    /// Whether all was well until the writer ended. Told once.
    fn result(&self) -> Result<(), StoreError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use rpc_runtime::directory::RegisterMode;

    use super::*;
    use crate::registry::testing::registration;

    /// Longer than a test takes.
    const LONG: Duration = Duration::from_secs(60);

    /// R25, group commit: a thousand registrations at once take few commits, and all are there after a restart.
    #[tokio::test]
    async fn many_share_a_commit() {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = Arc::new(DurableRegistry::open(directory.path()).expect("a new one"));
        let mut waiting = tokio::task::JoinSet::new();
        for life in 0..1000 {
            let registry = Arc::clone(&registry);
            waiting.spawn(
                async move { registry.register(registration(&life.to_string(), life), Uuid::nil(), None).await },
            );
        }
        let mut publications = 0;
        let mut published = registry.shared.published.clone();
        let counting = async {
            while published.changed().await.is_ok() {
                publications += 1
            }
        };
        tokio::select! {
            () = counting => panic!("the writer ended"),
            all = waiting.join_all() => assert!(all.iter().all(Result::is_ok)),
        }
        assert!(publications < 100, "{publications} commits for 1000 registrations");

        registry.close().await.expect("all written");
        drop(registry);
        assert_eq!(DurableRegistry::open(directory.path()).expect("the same").len(), 1000);
    }

    /// R23: a watcher waits for the next change, and is told when the registry closes.
    #[tokio::test]
    async fn watching_waits() {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = Arc::new(DurableRegistry::open(directory.path()).expect("a new one"));
        let Ok(Watched::Snapshot { next, .. }) = registry.watch(&Interest::everything(), None, Duration::ZERO).await
        else {
            panic!("a snapshot")
        };
        let waiting = tokio::spawn({
            let (registry, next) = (Arc::clone(&registry), next.clone());
            async move { registry.watch(&Interest::everything(), Some(next), LONG).await }
        });
        tokio::task::yield_now().await;
        registry.register(registration("a-m", 1), Uuid::nil(), None).await.expect("free");
        let Ok(Watched::Events { events, next }) = waiting.await.expect("no panic") else { panic!("an event") };
        assert_eq!(events.len(), 1);

        let waiting = tokio::spawn({
            let registry = Arc::clone(&registry);
            async move { registry.watch(&Interest::everything(), Some(next), LONG).await }
        });
        tokio::task::yield_now().await;
        registry.close().await.expect("all written");
        assert_eq!(waiting.await.expect("no panic"), Err(Refusal::Stopping));
        assert_eq!(registry.lookup("Store", &Selector::Any), Err(Refusal::Stopping));
    }

    /// R23: a watcher that waits in vain moves on beyond what is of no interest to it.
    #[tokio::test]
    async fn waiting_in_vain_moves_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = DurableRegistry::open(directory.path()).expect("a new one");
        let elsewhere = Interest { interface: Some("library.v1.Other".into()), selector: Selector::Any };
        let Ok(Watched::Snapshot { next, .. }) = registry.watch(&elsewhere, None, Duration::ZERO).await else {
            panic!("a snapshot")
        };
        registry.register(registration("a-m", 1), Uuid::nil(), None).await.expect("free");
        let Ok(Watched::Events { events, next }) = registry.watch(&elsewhere, Some(next), Duration::ZERO).await else {
            panic!("no event, and no snapshot")
        };
        assert_eq!((events, next.revision), (vec![], 1));
    }

    /// When the disk fails nothing more is acknowledged.
    #[tokio::test]
    async fn a_failing_disk_acknowledges_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = DurableRegistry::open(directory.path()).expect("a new one");
        // The writer ends as it does when a commit fails.
        registry.shared.state.lock().expect("no panic").stopping = true;
        registry.shared.wake_writer();
        registry.ended().await;
        registry.shared.state.lock().expect("no panic").stopping = false;

        let mut takeover = registration("a-m", 1);
        takeover.mode = RegisterMode::Takeover;
        assert_eq!(registry.register(takeover, Uuid::nil(), None).await, Err(Refusal::Stopping));
        assert_eq!(registry.lookup("library.v1.Store", &Selector::Any).map(|looked| looked.entries.len()), Ok(0));
    }
}
