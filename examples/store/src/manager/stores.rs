//! Which store covers a title: asked of the nameserver once, kept as a binding that heals itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rpc_runtime::directory::{Directory, NameserverDirectory, Selector};
use rpc_runtime::{Binding, CallError, Node, UserStub};
use tokio::sync::OnceCell;

use crate::desk::Trouble;
use crate::interface::{StoreClient, StoreError};
use crate::part::Part;
use crate::report::ManagerCounts;

/// How long an import waits for a store that is registered and does not answer yet.
const IMPORT_WAIT: Duration = Duration::from_secs(30);

/// How long a call may take. A store that is being restarted should not end it.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What the runtime does not count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) resolved: AtomicU64,
    pub(super) had_run: AtomicU64,
    pub(super) busy: AtomicU64,
}

/// A store that the nameserver knows; bound once somebody has to do with it. Whoever comes while it is being bound waits for that,
/// and nobody else does.
type Known = Arc<OnceCell<StoreClient>>;

/// All stores that this manager knows.
pub(super) struct Stores {
    node: Node,
    directory: Arc<dyn Directory>,
    /// By the part that each covers. Locked for a look or an entry, never while anything is waited for.
    known: Mutex<BTreeMap<Part, Known>>,
    pub(super) counts: Arc<Counts>,
}

impl Stores {
    /// No stores yet; the nameserver at `address` will know them.
    pub(super) async fn new(address: &str) -> Result<Self, Box<dyn std::error::Error>> {
        // One directory for the node, which binds through it, and for us, who look at the labels.
        let directory: Arc<dyn Directory> = Arc::new(NameserverDirectory::new(address)?);
        let node = Node::builder().directory(Arc::clone(&directory)).start().await?;
        Ok(Self { node, directory, known: Mutex::default(), counts: Arc::default() })
    }

    /// The store that covers `title`.
    pub(super) async fn covering(&self, title: &str) -> Result<StoreClient, Trouble> {
        let covering = || self.known(|part| part.covers(title)).pop();
        let store = match covering() {
            Some(store) => Some(store),
            None => {
                self.look_up().await?;
                covering()
            }
        };
        let (part, known) = store.ok_or_else(|| Trouble::NoStore { title: title.to_owned() })?;
        self.bind(part, &known).await
    }

    /// All stores.
    pub(super) async fn all(&self) -> Result<Vec<StoreClient>, Trouble> {
        self.look_up().await?;
        let mut stores = Vec::new();
        for (part, known) in self.known(|_| true) {
            stores.push(self.bind(part, &known).await?);
        }
        Ok(stores)
    }

    /// Asks the nameserver for the stores, and enters those that are new.
    async fn look_up(&self) -> Result<(), Trouble> {
        let interface = StoreClient::interface();
        let found = self.directory.lookup(&interface.name(), &Selector::Any).await;
        let found = found.map_err(|error| Trouble::Store(StoreError::Call(CallError::failed(error))))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in found.entries {
            let label = |key| entry.labels.get(key).map_or("", String::as_str);
            if let Some(part) = Part::of_labels(label("from"), label("to")) {
                known.entry(part).or_default();
            }
        }
        Ok(())
    }

    /// The binding to a store. It heals itself: when the store is restarted, it leads to its next life.
    async fn bind(&self, part: Part, known: &Known) -> Result<StoreClient, Trouble> {
        let import = || async {
            let importing = self.node.import(part.to_string()).timeout(CALL_TIMEOUT).wait(IMPORT_WAIT);
            importing.await.map_err(|error| Trouble::Store(StoreError::Call(error)))
        };
        known.get_or_try_init(import).await.cloned()
    }

    fn known(&self, wanted: impl Fn(Part) -> bool) -> Vec<(Part, Known)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|(part, _)| wanted(**part)).map(|(part, store)| (*part, Arc::clone(store))).collect()
    }

    /// What was done so far.
    pub(super) fn counts(&self) -> ManagerCounts {
        let mut counts = ManagerCounts {
            resolved: self.counts.resolved.load(Ordering::Relaxed),
            had_run: self.counts.had_run.load(Ordering::Relaxed),
            busy: self.counts.busy.load(Ordering::Relaxed),
            ..ManagerCounts::default()
        };
        for (_, store) in self.known(|_| true) {
            let stats = store.get().map(|store| Binding::of(store).stats()).unwrap_or_default();
            counts.calls += stats.calls;
            counts.resent += stats.resent;
            counts.unknown += stats.unknown;
        }
        counts
    }
}
