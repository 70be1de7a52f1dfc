//! A node: one life of one process as a caller and a callee.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::callee;
use crate::clock::Clock;
use crate::dial::{Importer, Target};
use crate::directory::{Directory, NameserverDirectory, Selector};
use crate::export::{Exporter, Exporting};
use crate::import::Importing;
use crate::interface::{ServerStub, UserStub};
use crate::io_threads::IoThreads;
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::protocol::id::{Incarnation, Owner};
use crate::random;
use crate::server::Server;
use crate::stats::NodeStats;
use crate::task::{Task, spawn};
use crate::transport::accept::Listener;
use crate::transport::endpoint::Endpoint;

/// How long a shutdown waits for aborted handlers: one that blocks its thread cannot be dropped.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a shutdown waits for connections to close after everything was said.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// One runtime: it exports implementations, imports stubs, listens and dials, under one incarnation.
///
/// Cloning it gives another handle. When the last is dropped, the node stops listening and its exports are
/// unregistered; stubs that it imported go on. [`shutdown`](Node::shutdown) ends it in order.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    importer: Arc<Importer>,
    server: Arc<Server>,
    endpoints: Vec<Endpoint>,
    advertised: Vec<String>,
    /// Turns true when the node stops.
    shutdown: watch::Sender<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
    }
}

impl Node {
    /// A node to be configured. Without any settings it can import by address and export to nobody.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// Offers an implementation under a name. With a nameserver, the name is registered there; the export is
    /// withdrawn when what this gives is dropped.
    ///
    /// ```ignore
    /// let export = node.export("a-m", StoreServer::new(store)).label("zone", "b").await?;
    /// ```
    pub fn export<S: ServerStub>(&self, instance: impl Into<String>, stub: S) -> Exporting<S> {
        Exporting::new(self.exporter(), instance.into(), stub)
    }

    fn exporter(&self) -> Exporter {
        Exporter {
            server: Arc::clone(&self.inner.server),
            directory: self.inner.importer.directory.clone(),
            endpoints: self.inner.reachable_endpoints(),
            shutdown: self.inner.shutdown.subscribe(),
        }
    }

    /// Finds an exporter by name (or by label, by group, or any: see [`Selector`]) and binds a user stub to it.
    ///
    /// Fails at once if there is none, unless [`wait`](Importing::wait) says otherwise. Later the binding heals
    /// itself: a lost connection is dialled anew, and after a restart of the exporter new calls reach its next
    /// life.
    ///
    /// ```ignore
    /// let store: StoreClient = node.import("a-m").await?;
    /// ```
    pub fn import<C: UserStub>(&self, selector: impl Into<Selector>) -> Importing<C> {
        Importing::new(self.importer(), Ok(Target::Named(selector.into())))
    }

    /// Binds a user stub to what the node at `address` exports as `instance`, without a nameserver.
    ///
    /// ```ignore
    /// let store: StoreClient = node.import_at("tcp://127.0.0.1:5000", "a-m").await?;
    /// ```
    pub fn import_at<C: UserStub>(&self, address: &str, instance: impl Into<String>) -> Importing<C> {
        Importing::new(self.importer(), Target::at(address, instance.into()))
    }

    /// Binds a user stub to a gRPC server at `http://host:port`, or at an address of a node: whatever it is written in.
    ///
    /// Calls are made with gRPC's own semantics: each is sent once, and its error says [`Never`](crate::Executed::Never) where it
    /// was not sent or the server says so. A lost connection is dialled anew; calls that are made meanwhile wait, unsent.
    ///
    /// ```ignore
    /// let store: StoreClient = node.import_grpc("http://127.0.0.1:50051").await?;
    /// ```
    #[cfg(feature = "grpc")]
    pub fn import_grpc<C: UserStub>(&self, address: &str) -> crate::ImportingGrpc<C> {
        crate::ImportingGrpc::new(Arc::clone(&self.inner.importer), address)
    }

    pub(crate) fn importer(&self) -> Arc<Importer> {
        Arc::clone(&self.inner.importer)
    }

    /// This life of the node.
    pub fn incarnation(&self) -> Incarnation {
        self.inner.server.incarnation
    }

    /// The addresses that the node listens at, with the ports that were chosen.
    pub fn local_endpoints(&self) -> Vec<String> {
        self.inner.endpoints.iter().map(Endpoint::to_string).collect()
    }

    /// What the node has done as a callee.
    pub fn stats(&self) -> NodeStats {
        self.inner.server.counters.read()
    }

    /// Calls with streams that run at present.
    #[cfg(verify)]
    pub fn streams_open(&self) -> usize {
        let server = &self.inner.server;
        server.limits.streams_max.min(tokio::sync::Semaphore::MAX_PERMITS) - server.streams.available_permits()
    }

    /// Ends the node in order (R31): exports are unregistered and nothing is accepted any more; new calls are
    /// refused, which their callers learn as `Never`; calls that run may end within `timeout`; then callers are
    /// told what became of theirs, and the node's own bindings are closed.
    ///
    /// Gives whether every call had ended. Those that had not are aborted, which their callers learn.
    pub async fn shutdown(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let server = &self.inner.server;
        self.inner.shutdown.send_replace(true);
        server.drain();
        let complete = wait_until(server, until, || !server.is_busy()).await;
        if !complete {
            server.abort();
            wait_until(server, Instant::now() + ABORT_TIMEOUT, || !server.is_busy()).await;
        }
        server.farewell();
        wait_until(server, Instant::now() + CLOSE_TIMEOUT, || server.connections() == 0).await;
        self.inner.importer.links().iter().for_each(|link| link.close());
        complete
    }
}

/// Waits until `done`, looking whenever a handler or a connection has ended; false if time ran out.
async fn wait_until(server: &Server, until: Instant, done: impl Fn() -> bool) -> bool {
    loop {
        let ended = server.next_end();
        if done() {
            return true;
        }
        tokio::select! {
            () = ended => {}
            () = sleep_until(until) => return done(),
        }
    }
}

impl Inner {
    /// The addresses to register, or why there are none that a caller could dial.
    fn reachable_endpoints(&self) -> Result<Vec<String>, String> {
        if !self.advertised.is_empty() {
            return Ok(self.advertised.clone());
        }
        if self.endpoints.is_empty() {
            return Err(String::new());
        }
        let any_host = |endpoint: &&Endpoint| match endpoint {
            Endpoint::Tcp(address) => address.starts_with("0.0.0.0:") || address.starts_with("[::]:"),
            Endpoint::Unix(_) | Endpoint::Memory(_) => false,
        };
        match self.endpoints.iter().find(any_host) {
            Some(endpoint) => Err(format!(": {endpoint} stands for every address of this host")),
            None => Ok(self.endpoints.iter().map(Endpoint::to_string).collect()),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("incarnation", &self.incarnation())
            .field("endpoints", &self.local_endpoints())
            .finish_non_exhaustive()
    }
}

/// The settings of a node to come.
#[derive(Default)]
#[must_use = "nothing happens before `start`"]
pub struct NodeBuilder {
    nameserver: Option<String>,
    directory: Option<Arc<dyn Directory>>,
    listen: Vec<String>,
    advertise: Vec<String>,
    owner: Option<Owner>,
    limits: Limits,
    io_threads: usize,
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address is of no form that can be used.
    #[error("{0}")]
    InvalidAddress(String),
    /// The node cannot listen there.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no threads for [`io_threads`](NodeBuilder::io_threads).
    #[error("cannot start the threads that drive connections: {0}")]
    Threads(#[source] io::Error),
    /// The system has no thread for what keeps the registrations.
    #[error("cannot start the thread that keeps registrations at {nameserver}: {source}")]
    Directory {
        /// The nameserver's address.
        nameserver: String,
        /// What the system says.
        source: io::Error,
    },
}

impl NodeBuilder {
    /// The nameserver's address: exports are registered there, imports by name look there. It need not be
    /// running yet.
    pub fn nameserver(mut self, address: impl Into<String>) -> NodeBuilder {
        self.nameserver = Some(address.into());
        self
    }

    /// A directory of one's own in place of a nameserver.
    pub fn directory(mut self, directory: Arc<dyn Directory>) -> NodeBuilder {
        self.directory = Some(directory);
        self
    }

    /// Listens at an address: `host:port`, `tcp://host:port`, `unix:/path` or `memory://name`; port 0 lets the
    /// system choose. May be given several times.
    pub fn listen(mut self, address: impl Into<String>) -> NodeBuilder {
        self.listen.push(address.into());
        self
    }

    /// An address to register in place of those listened at: for a node behind a proxy, or one that listens at
    /// `0.0.0.0`. May be given several times.
    pub fn advertise(mut self, address: impl Into<String>) -> NodeBuilder {
        self.advertise.push(address.into());
        self
    }

    /// Proves that this node is the next life of an earlier one, whose sessions end at once (R18). The secret is
    /// the application's to keep, in a file for instance.
    pub fn owner(mut self, owner: Owner) -> NodeBuilder {
        self.owner = Some(owner);
        self
    }

    /// Other bounds than the defaults.
    pub fn limits(mut self, limits: Limits) -> NodeBuilder {
        self.limits = limits;
        self
    }

    /// Drives accepted connections on so many threads of their own, and not on the runtime that the node is started on
    /// (0, the default). With one for each core, a node that answers many small calls needs less of the processor's time
    /// for each.
    ///
    /// An implementation's future is polled first on such a thread, and goes on on the starting runtime if it has to wait.
    /// One that computes for long before its first `await`, or blocks, keeps the other connections of its thread waiting:
    /// such a node is better off without. Each address listened at gets threads of its own; they end with its last
    /// connection.
    pub fn io_threads(mut self, count: usize) -> NodeBuilder {
        self.io_threads = count;
        self
    }

    /// Starts the node, within a tokio runtime with time and I/O enabled.
    pub async fn start(self) -> Result<Node, StartError> {
        let parse = |address: &String| address.parse::<Endpoint>().map_err(StartError::InvalidAddress);
        self.advertise.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let directory = match (self.directory, self.nameserver) {
            (Some(directory), _) => Some(directory),
            (None, Some(address)) => {
                parse(&address)?;
                let directory = NameserverDirectory::new(&address);
                let directory = directory.map_err(|source| StartError::Directory { nameserver: address, source })?;
                Some(Arc::new(directory) as Arc<dyn Directory>)
            }
            (None, None) => None,
        };
        let mut listeners = Vec::new();
        let mut endpoints = Vec::new();
        for address in &self.listen {
            let bound = Listener::bind(&parse(address)?).await;
            let (listener, endpoint) =
                bound.map_err(|source| StartError::Listen { address: address.clone(), source })?;
            listeners.push(listener);
            endpoints.push(endpoint);
        }
        let identity = match planted(Bug::IncarnationFromClock) {
            true => uuid::Uuid::from_u128(std::process::id().into()), // M6: two lives can share it
            false => random::identity(),
        };
        let incarnation = Incarnation::new(identity);
        let clock = Clock::start();
        let server = Arc::new(Server::new(incarnation, clock, self.limits.clone()));
        let importer = Arc::new(Importer::new(incarnation, self.owner, clock, self.limits, directory));
        let shutdown = watch::Sender::new(false);
        let stopped = || -> Task {
            let mut stop = shutdown.subscribe();
            Box::pin(async move { stop.wait_for(|stop| *stop).await.map_or((), |_| ()) })
        };
        for listener in listeners {
            let threads = match self.io_threads {
                0 => None,
                count => Some(IoThreads::start(count).map_err(StartError::Threads)?),
            };
            spawn(callee::accept(listener, Arc::clone(&server), threads, stopped()));
        }
        spawn(Arc::clone(&server).look_after_sessions(stopped()));
        Ok(Node { inner: Arc::new(Inner { importer, server, endpoints, advertised: self.advertise, shutdown }) })
    }
}
