//! Exports: an implementation under a name, and its place in the directory.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::directory::{Directory, DirectoryError, RegisterMode, Registered, Registration, Standing};
use crate::exported::{Exported, Offer};
use crate::interface::ServerStub;
use crate::protocol::id::Epoch;
use crate::server::Server;
use crate::task::spawn;

/// How long to wait before asking again for a name that is taken.
const NAME_TAKEN_PAUSE: Duration = Duration::from_millis(250);

/// Why an implementation could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// This node exports something under that interface and name already.
    #[error(
        "this node exports `{interface}` as `{instance}` already; withdraw that export first, or choose another name"
    )]
    NameTaken {
        /// The interface's full name.
        interface: String,
        /// The instance.
        instance: String,
    },
    /// The node has a nameserver but no address that callers could be sent to.
    #[error(
        "this node has no address that callers can dial{why}; give its builder `listen`, or `advertise` with an address of this host"
    )]
    NotReachable {
        /// What is wrong with the addresses that it has.
        why: String,
    },
    /// The interface cannot be described.
    #[error("`{interface}` cannot be exported: {problem}")]
    Interface {
        /// The interface's full name.
        interface: String,
        /// What is wrong, and what to write instead.
        problem: String,
    },
    /// The directory did not take the registration.
    #[error("`{instance}` cannot be registered: {source}")]
    Directory {
        /// The instance.
        instance: String,
        /// What the directory says.
        source: DirectoryError,
    },
    /// The node is shutting down.
    #[error("this node is shutting down")]
    Shutdown,
}

/// What an export needs of its node.
pub(crate) struct Exporter {
    pub(crate) server: Arc<Server>,
    pub(crate) directory: Option<Arc<dyn Directory>>,
    /// Addresses to register, or why there are none.
    pub(crate) endpoints: Result<Vec<String>, String>,
    pub(crate) shutdown: watch::Receiver<bool>,
}

/// An export that has not begun: await it, after options if any.
#[must_use = "nothing is exported before it is awaited"]
pub struct Exporting<S> {
    plan: Plan,
    stub: PhantomData<fn() -> S>,
}

/// All that an export takes, whatever its interface.
struct Plan {
    exporter: Exporter,
    offer: Offer,
    /// Without endpoints, which the node knows.
    registration: Registration,
    wait: Duration,
}

impl<S: ServerStub> Exporting<S> {
    pub(crate) fn new(exporter: Exporter, instance: String, stub: S) -> Exporting<S> {
        Exporting { plan: Plan::new(exporter, instance, Offer::new(stub)), stub: PhantomData }
    }

    /// Adds a label that importers can select by.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Exporting<S> {
        self.plan.registration.labels.insert(key.into(), value.into());
        self
    }

    /// Makes the export a member of a group that importers can select by.
    pub fn group(mut self, group: impl Into<String>) -> Exporting<S> {
        self.plan.registration.groups.push(group.into());
        self
    }

    /// What to do if the name is taken. [`RegisterMode::Exclusive`] if this is not given: the export fails.
    pub fn mode(mut self, mode: RegisterMode) -> Exporting<S> {
        self.plan.registration.mode = mode;
        self
    }

    /// Who may take the name over: a [`RegisterMode::Takeover`] needs the same owner. Empty if this is not
    /// given.
    pub fn owner(mut self, owner: impl Into<String>) -> Exporting<S> {
        self.plan.registration.owner = owner.into();
        self
    }

    /// How long the directory keeps the registration without hearing from this node. 15 s if this is not given.
    pub fn ttl(mut self, ttl: Duration) -> Exporting<S> {
        self.plan.registration.ttl = ttl;
        self
    }

    /// Waits so long for a name that is taken: the registration of an exporter that was killed ends when its lease
    /// does, after 15 s at most. Otherwise the export fails at once.
    pub fn wait(mut self, wait: Duration) -> Exporting<S> {
        self.plan.wait = wait;
        self
    }
}

impl<S: ServerStub> IntoFuture for Exporting<S> {
    type Output = Result<Export, ExportError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        self.plan.begin()
    }
}

impl Plan {
    fn new(exporter: Exporter, instance: String, offer: Offer) -> Plan {
        let registration = Registration::new(offer.interface.name(), instance, exporter.server.incarnation);
        Plan { exporter, offer, registration, wait: Duration::ZERO }
    }

    fn begin(self) -> Pin<Box<dyn Future<Output = Result<Export, ExportError>> + Send>> {
        Box::pin(self.export())
    }

    async fn export(self) -> Result<Export, ExportError> {
        let Plan { exporter, offer, mut registration, wait } = self;
        let Exporter { server, directory, endpoints, shutdown } = exporter;
        if server.is_draining() {
            return Err(ExportError::Shutdown);
        }
        if let Some(problem) = offer.interface.problems().first() {
            return Err(ExportError::Interface { interface: registration.interface, problem: problem.clone() });
        }
        let instance = registration.instance.clone();
        let Some(directory) = directory else {
            let exported = add(&server, Exported::new(instance, offer))?;
            return Ok(Export { server, exported, standing: None });
        };
        registration.endpoints = endpoints.map_err(|why| ExportError::NotReachable { why })?;
        // Callers that find the registration find the export: it is there before, except under a name that the
        // directory chooses.
        let (mut early, mut late) = (None, None);
        match registration.mode {
            RegisterMode::AutoNamed => late = Some(offer),
            _ => early = Some(add(&server, Exported::new(instance.clone(), offer))?),
        }
        let registered = match register(&*directory, registration, wait).await {
            Ok(registered) => registered,
            Err(source) => {
                if let Some(exported) = early {
                    server.remove_export(&exported);
                }
                return Err(ExportError::Directory { instance, source });
            }
        };
        let exported = match (early, late) {
            (Some(exported), _) => exported,
            (None, Some(offer)) => add(&server, Exported::new(registered.instance.clone(), offer))?,
            (None, None) => return Err(ExportError::Shutdown),
        };
        exported.set_epoch(registered.epoch);
        let (stop, stopped) = oneshot::channel();
        let task = spawn(stand(directory, Arc::clone(&exported), registered, stopped, shutdown));
        Ok(Export { server, exported, standing: Some(StandingTask { stop, task }) })
    }
}

/// Registers, again and again while the name is taken and there is time.
async fn register(
    directory: &dyn Directory,
    registration: Registration,
    wait: Duration,
) -> Result<Registered, DirectoryError> {
    let begun = Instant::now();
    loop {
        match directory.register(registration.clone()).await {
            Err(DirectoryError::NameTaken { .. }) if begun.elapsed() < wait => sleep(NAME_TAKEN_PAUSE).await,
            registered => return registered,
        }
    }
}

fn add(server: &Server, exported: Exported) -> Result<Arc<Exported>, ExportError> {
    let exported = Arc::new(exported);
    if server.add_export(&exported) {
        return Ok(exported);
    }
    let (interface, instance) = (exported.interface().name(), exported.instance().to_owned());
    Err(ExportError::NameTaken { interface, instance })
}

/// An implementation on offer. Dropping it withdraws: new calls are refused, those that run go on, and the
/// registration is taken back in the background.
#[must_use = "dropping an export withdraws it"]
#[derive(Debug)]
pub struct Export {
    server: Arc<Server>,
    exported: Arc<Exported>,
    standing: Option<StandingTask>,
}

/// The task that keeps an export's registration.
#[derive(Debug)]
struct StandingTask {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Export {
    /// The name that it is exported under: the one asked for, or the one that the directory chose.
    pub fn instance(&self) -> &str {
        self.exported.instance()
    }

    /// The registration's number, which rises with every registration of the name; `None` without a nameserver.
    /// An implementation that guards a resource can hand it on, so that a replaced holder is known by its lower
    /// number (R32).
    pub fn epoch(&self) -> Option<Epoch> {
        self.exported.epoch()
    }

    /// Whether it is still on offer: false once another exporter took the name over (R32).
    pub fn is_offered(&self) -> bool {
        !self.exported.is_withdrawn()
    }

    /// Withdraws it, and waits until the directory has forgotten it or cannot be reached.
    pub async fn withdraw(mut self) {
        self.server.remove_export(&self.exported);
        if let Some(StandingTask { stop, task }) = self.standing.take() {
            // If the task has ended, the registration has too.
            let _ = stop.send(());
            let _ = task.await;
        }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.server.remove_export(&self.exported);
        // Dropping `stop` ends the task that keeps the registration.
    }
}

/// Keeps a registration's standing in step with its export. Ends when the export is withdrawn, the node shuts
/// down, or the registration has ended for good.
async fn stand(
    directory: Arc<dyn Directory>,
    exported: Arc<Exported>,
    mut registered: Registered,
    mut stopped: oneshot::Receiver<()>,
    mut shutdown: watch::Receiver<bool>,
) {
    loop {
        let standing = tokio::select! {
            standing = registered.changed() => standing,
            _ = &mut stopped => break,
            _ = shutdown.wait_for(|shutdown| *shutdown) => break,
        };
        match standing {
            Standing::Held(epoch) => exported.set_epoch(epoch),
            // The lease ran out while this node lived: the directory's client registers again by itself.
            Standing::Expired => tracing::warn!(export = ?exported, "the registration expired"),
            Standing::Ended(why) => {
                tracing::warn!(export = ?exported, %why, "the registration has ended; new calls are refused");
                exported.withdraw();
                return;
            }
        }
    }
    if let Err(error) = directory.unregister(&registered).await {
        tracing::warn!(export = ?exported, %error, "cannot unregister; the registration will expire");
    }
}
