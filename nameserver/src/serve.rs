//! A nameserver as a whole: registry, disk, port, and the sweeper that ends leases.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{NAMESERVER_ADDRESS, NAMESERVER_INSTANCE, NameserverServer};
use rpc_runtime::{Export, Node};
use tokio::task::JoinHandle;

use crate::durable::DurableRegistry;
use crate::registry::Sweep;
use crate::server::Registrar;
use crate::stop::Stop;
use crate::store::StoreError;

/// Leases are looked at so often; well within [`STANDSTILL`](crate::registry::STANDSTILL).
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);
/// Calls under way get so long to end when the nameserver stops.
const DRAIN: Duration = Duration::from_secs(2);

/// What a nameserver is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The address that it listens on: `127.0.0.1:4100`, `unix:/run/nameserver.sock`.
    pub listen: String,
    /// The directory of its store; it is made if there is none.
    pub data: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: NAMESERVER_ADDRESS.to_owned(), data: PathBuf::from("./nameserver-data") }
    }
}

/// Why a nameserver did not start, or had to end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Its store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its address cannot be used.
    #[error("cannot listen on {address}: {what}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        what: String,
    },
    /// The signals that end it cannot be watched.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}

/// A nameserver that runs. Dropping it ends it at once; [`Running::stop`] lets calls end first.
pub struct Running {
    node: Node,
    export: Option<Export>,
    registry: Arc<DurableRegistry>,
    sweeper: JoinHandle<()>,
}

/// Starts a nameserver; returns when it can be reached.
pub async fn start(options: Options) -> Result<Running, ServeError> {
    let data = options.data.clone();
    let registry = Arc::new(open(data).await?);
    let listen =
        |error: &dyn std::fmt::Display| ServeError::Listen { address: options.listen.clone(), what: error.to_string() };
    let node = Node::builder().listen(&options.listen).start().await.map_err(|error| listen(&error))?;
    let server = NameserverServer::new(Registrar::new(Arc::clone(&registry)));
    let export = node.export(NAMESERVER_INSTANCE, server).await.map_err(|error| listen(&error))?;
    let sweeper = rpc_runtime::task::spawn(sweep(Arc::clone(&registry)));
    let registrations = registry.len();
    let endpoints = node.local_endpoints().join(", ");
    tracing::info!(%endpoints, data = %options.data.display(), registrations, "serving");
    Ok(Running { node, export: Some(export), registry, sweeper })
}

/// Opens the registry, beside the runtime: reading the store blocks.
#[cfg(not(verify))]
async fn open(data: PathBuf) -> Result<DurableRegistry, StoreError> {
    let opened = tokio::task::spawn_blocking(move || DurableRegistry::open(&data)).await;
    opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Opens the registry, in place: a simulation is one thread.
#[cfg(verify)]
async fn open(data: PathBuf) -> Result<DurableRegistry, StoreError> {
    DurableRegistry::open(&data)
}

/// Runs a nameserver until Ctrl-C or SIGTERM, and then stops it with care.
pub async fn serve(options: Options) -> Result<(), ServeError> {
    start(options).await?.run().await
}

impl Running {
    /// Where it can be reached.
    pub fn endpoints(&self) -> Vec<String> {
        self.node.local_endpoints()
    }

    /// Waits until it can serve no longer because its disk has failed; [`Running::stop`] then says why.
    pub async fn ended(&self) {
        self.registry.ended().await;
    }

    /// Serves until Ctrl-C or SIGTERM, or until the disk fails, and then stops.
    pub async fn run(self) -> Result<(), ServeError> {
        let mut stop = Stop::new().map_err(ServeError::Signals)?;
        tokio::select! {
            signal = stop.wait() => tracing::info!(signal, "stopping"),
            () = self.ended() => {}
        }
        self.stop().await
    }

    /// Takes no new calls, lets those under way end, writes what has been decided.
    pub async fn stop(mut self) -> Result<(), ServeError> {
        self.sweeper.abort();
        // Decisions are written and answered, watchers are told to go; then nothing is left to wait for.
        let closed = self.registry.close().await;
        if let Some(export) = self.export.take() {
            let _ = export.withdraw().await;
        }
        self.node.shutdown(DRAIN).await;
        closed?;
        tracing::info!("stopped");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.sweeper.abort();
    }
}

/// Ends leases, for as long as the registry decides.
async fn sweep(registry: Arc<DurableRegistry>) {
    let mut interval = tokio::time::interval(SWEEP_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut suspects_before = 0;
    loop {
        interval.tick().await;
        let Ok(sweep) = registry.sweep() else { return };
        report(&sweep, suspects_before);
        suspects_before = sweep.suspects;
    }
}

fn report(sweep: &Sweep, suspects_before: usize) {
    if let Some(lost) = sweep.stood_still {
        tracing::warn!(?lost, "this process stood still: every lease is lengthened by that");
    }
    for name in &sweep.expired {
        tracing::info!(%name, "expired");
    }
    match (suspects_before, sweep.suspects) {
        (0, 0) => {}
        (0, suspects) => tracing::error!(
            suspects,
            "alarm: so many leases ended together that the fault may lie here or in the network; \
             their entries are kept as suspect"
        ),
        (_, 0) => tracing::warn!("the alarm is over: no entry is suspect any more"),
        (before, suspects) if suspects > before => tracing::warn!(suspects, "more entries are suspect"),
        _ => {}
    }
}
