//! The callee's side of a node, shared by its connections: what it exports, which sessions it knows, and what
//! it has room for.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::exported::Exported;
use crate::limits::{Limits, NAMED_INSTANCES_MAX};
use crate::outbox::Outbox;
use crate::passing::Passing;
use crate::planted::{Bug, planted};
use crate::protocol::budget::Budget;
use crate::protocol::control::{Attach, Attached, Goodbye, Hello, LastCalls, Refusal, Rejection, Welcome};
use crate::protocol::frame::Frame;
use crate::protocol::id::{ConnectionId, Incarnation, Owner, SessionId, Token};
use crate::protocol::lease::Lease;
use crate::protocol::session::{Arrival, ReplyLimits, Session};
use crate::protocol::time::Time;
use crate::queue::Queue;
use crate::random;
use crate::served::Served;
use crate::small_map::SmallMap;
use crate::stats::NodeCounters;
use crate::sync::{AtomicBool, Mutex, MutexGuard, Notify};
use crate::task::Task;
use crate::timer::Timer;

/// How often detached sessions are looked at.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What the connections of a node share as callees.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) incarnation: Incarnation,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// One permit for each handler that runs.
    pub(crate) handlers: Arc<Semaphore>,
    /// One permit for each call with streams that runs.
    pub(crate) streams: Arc<Semaphore>,
    /// The calls that wait for one.
    pub(crate) queue: Queue,
    /// Large replies on their way.
    pub(crate) passing: Passing,
    pub(crate) counters: NodeCounters,
    #[cfg(feature = "grpc")]
    pub(crate) grpc: crate::grpc::Shared,
    exports: Mutex<SmallMap<(String, String), Arc<Exported>>>,
    /// In the order in which they were opened.
    sessions: Mutex<SmallMap<SessionId, Arc<Served>>>,
    next_session: AtomicU64,
    next_connection: AtomicU64,
    connections: Mutex<Connections>,
    draining: AtomicBool,
    /// Notified when a connection has ended, and a handler if somebody waits for that.
    ended: Notify,
    /// Whether somebody has ever waited for the end of a handler: nobody does before the node shuts down.
    is_awaited: AtomicBool,
}

impl Server {
    pub(crate) fn new(incarnation: Incarnation, clock: Clock, limits: Limits) -> Server {
        Server {
            incarnation,
            clock,
            budget: Budget::new(limits.record_bytes_max),
            handlers: Arc::new(Semaphore::new(limits.handlers_max.min(Semaphore::MAX_PERMITS))),
            streams: Arc::new(Semaphore::new(limits.streams_max.min(Semaphore::MAX_PERMITS))),
            passing: Passing::new(limits.passing_bytes_max),
            queue: Queue::new(limits.queued_bytes_max, limits.handlers_max),
            limits,
            counters: NodeCounters::default(),
            #[cfg(feature = "grpc")]
            grpc: crate::grpc::Shared::default(),
            exports: Mutex::default(),
            sessions: Mutex::default(),
            next_session: AtomicU64::new(1),
            next_connection: AtomicU64::new(1),
            connections: Mutex::default(),
            draining: AtomicBool::new(false),
            ended: Notify::new(),
            is_awaited: AtomicBool::new(false),
        }
    }

    /// A handler has ended: who waits for the last one looks again.
    pub(crate) fn handler_ended(&self) {
        // Who waits looks at the sessions after it has said so, under the lock that this handler's end has just held.
        if self.is_awaited.load(Ordering::Acquire) {
            self.ended.notify_waiters();
        }
    }

    /// The next end of a handler or a connection. Look what is left after asking for it.
    pub(crate) fn next_end(&self) -> impl Future<Output = ()> {
        self.is_awaited.store(true, Ordering::Release);
        self.ended.notified()
    }

    /// Adds an export; false if one of that interface and instance is there.
    pub(crate) fn add_export(&self, export: &Arc<Exported>) -> bool {
        let key = (export.interface().name(), export.instance().to_owned());
        let mut exports = lock(&self.exports);
        let is_free = exports.get(&key).is_none();
        if is_free {
            exports.insert(key, Arc::clone(export));
            #[cfg(feature = "grpc")]
            self.grpc.added(export);
        }
        is_free
    }

    /// What is exported under these names. Without an instance's name: the only one of the interface.
    fn find_export(&self, interface: &str, instance: &str) -> Option<Arc<Exported>> {
        let exports = lock(&self.exports);
        let exact = exports.get(&(interface.to_owned(), instance.to_owned()));
        let mut of_interface = exports.iter().filter(|((name, _), _)| name == interface).map(|(_, export)| export);
        let only =
            || if instance.is_empty() { of_interface.next().filter(|_| of_interface.next().is_none()) } else { None };
        exact.or_else(only).cloned()
    }

    /// The names under which an interface is exported, or those of others if it is not: in words for a caller that asked for
    /// another one.
    pub(crate) fn exports_text(&self, interface: &str) -> String {
        let exports = lock(&self.exports);
        let instances =
            exports.iter().filter(|((name, _), _)| name == interface).map(|((_, instance), _)| instance.as_str());
        if let Some(named) = named(instances) {
            return format!("it exports it as {named}");
        }
        let mut interfaces: Vec<&str> = exports.iter().map(|((name, _), _)| name.as_str()).collect();
        interfaces.dedup();
        named(interfaces.into_iter()).map_or("it exports nothing".to_owned(), |named| format!("it exports {named}"))
    }

    /// Takes an export away. Sessions that it serves go on answering what they have recorded (R6).
    pub(crate) fn remove_export(&self, export: &Arc<Exported>) {
        export.withdraw();
        let key = (export.interface().name(), export.instance().to_owned());
        let mut exports = lock(&self.exports);
        if exports.get(&key).is_some_and(|current| Arc::ptr_eq(current, export)) {
            exports.remove(&key);
            #[cfg(feature = "grpc")]
            self.grpc.removed(export);
        }
    }

    /// Counts a connection for as long as the guard lives; `None` at the limit of all peers or of this one.
    pub(crate) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Admitted> {
        let mut connections = lock(&self.connections);
        if connections.count >= self.limits.connections_max {
            return None;
        }
        if let Some(peer) = peer {
            let from_peer = connections.by_address.get_or_default(peer);
            if *from_peer >= self.limits.connections_per_address_max {
                return None;
            }
            *from_peer += 1;
        }
        connections.count += 1;
        let id = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        Some(Admitted { server: Arc::clone(self), id, peer })
    }

    /// Opens a session with the connection that said `Hello` (R2), and says `Welcome` on it.
    pub(crate) fn open(
        self: &Arc<Self>,
        hello: &Hello,
        arrival: Arrival,
        outbox: &Arc<Outbox>,
    ) -> Result<Arc<Served>, Rejection> {
        let (served, welcome) = self.session(hello, arrival, Some(outbox))?;
        Ok(self.enter(served, &Frame::Welcome(welcome)))
    }

    /// Opens a session for a caller that speaks gRPC, and has no connection of its own (R33).
    #[cfg(feature = "grpc")]
    pub(crate) fn open_foreign(self: &Arc<Self>, hello: &Hello, now: Time) -> Result<Welcome, Rejection> {
        let connection = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let (served, welcome) = self.session(hello, Arrival { connection, now }, None)?;
        self.enter(served, &Frame::Welcome(welcome.clone()));
        Ok(welcome)
    }

    /// The session of this number.
    #[cfg(feature = "grpc")]
    pub(crate) fn session_numbered(&self, id: SessionId) -> Option<Arc<Served>> {
        lock(&self.sessions).get(&id).cloned()
    }

    /// Adds a session. What it says `first` comes before anything else that it may say.
    fn enter(&self, served: Served, first: &Frame) -> Arc<Served> {
        let served = Arc::new(served);
        served.say(first);
        lock(&self.sessions).insert(served.id(), Arc::clone(&served));
        self.counters.sessions_opened.add();
        served
    }

    /// A session as `Hello` asks for it.
    fn session(
        self: &Arc<Self>,
        hello: &Hello,
        arrival: Arrival,
        outbox: Option<&Arc<Outbox>>,
    ) -> Result<(Served, Welcome), Rejection> {
        if hello.expect.is_some_and(|expected| expected != self.incarnation) {
            return Err(Rejection::WrongIncarnation { mine: self.incarnation });
        }
        if self.is_draining() {
            return Err(Rejection::Draining);
        }
        let export = self.find_export(&hello.interface, &hello.instance).ok_or(Rejection::NoSuchExport)?;
        let wanted = hello.slots.min(self.limits.slots_max).max(1);
        let slots = self.budget.grant(wanted).ok_or(Rejection::Overload)?;
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let token = Token::new(random::identity());
        let limits = ReplyLimits {
            reserve_bytes: self.limits.reply_bytes_reserved,
            session_bytes_max: self.limits.session_reply_bytes_max,
        };
        let lease = Lease::new(self.limits.session_lease, arrival.now);
        let caller = hello.incarnation;
        let session = Session::new(id, token, caller, slots, lease, limits, arrival.connection);
        let welcome = Welcome {
            incarnation: self.incarnation,
            epoch: export.epoch(),
            session: id,
            token,
            slots,
            lease: self.limits.session_lease,
            frame_bytes_max: u32::try_from(self.limits.frame_bytes_max).unwrap_or(u32::MAX),
            clock: arrival.now.as_micros(),
            fingerprint: export.fingerprint(),
        };
        Ok((Served::new(Arc::clone(self), export, session, slots, hello, outbox), welcome))
    }

    /// Finds the session that an `Attach` names, and takes it to the connection that it came on (rows 1–3).
    pub(crate) fn attach(
        self: &Arc<Self>,
        attach: &Attach,
        arrival: Arrival,
        outbox: &Arc<Outbox>,
    ) -> Result<Arc<Served>, Rejection> {
        if attach.incarnation != self.incarnation {
            return Err(Rejection::WrongIncarnation { mine: self.incarnation });
        }
        let served = lock(&self.sessions).get(&attach.session).cloned();
        let Some(served) = served else {
            if planted(Bug::SessionOnDemand) {
                // M7: one is made, for whatever is exported here.
                let export = lock(&self.exports).iter().next().map(|(key, _)| key.clone());
                let (interface, instance) = export.ok_or(Rejection::NoSuchExport)?;
                let (incarnation, slots) = (self.incarnation, self.limits.slots_max);
                let (owner, expect, frame_bytes_max) = (None, None, u32::MAX);
                let hello = Hello { incarnation, owner, interface, instance, expect, slots, frame_bytes_max };
                let (served, welcome) = self.session(&hello, arrival, Some(outbox))?;
                return Ok(self.enter(served, &Frame::Attached(Attached { clock: welcome.clock })));
            }
            return Err(Rejection::UnknownSession { running: false });
        };
        served.attach(attach, arrival, outbox)?;
        self.counters.sessions_attached.add();
        Ok(served)
    }

    /// Ends the sessions of an owner's earlier lives (R18).
    pub(crate) fn supersede(&self, owner: Owner, life: Incarnation) {
        for served in self.all_sessions() {
            if served.owner() == Some(owner) && served.caller() != life {
                served.end();
            }
        }
    }

    /// Ends detached sessions whose lease has ended, and forgets ended ones whose last handler has (R4). Where memory
    /// is scarce, detached sessions that no call came on end too: they remember nothing, and keep callers out.
    pub(crate) fn sweep(&self, now: Time) {
        let is_scarce = self.budget.is_scarce();
        for served in self.all_sessions() {
            if served.expire_detached(now, is_scarce) {
                tracing::debug!(session = served.id().0, "session ended: its lease ran out, or nobody used it");
            }
        }
        // With the last session of an export its implementation may go: not under the lock.
        let mut over = Vec::new();
        lock(&self.sessions).retain(|_, served| {
            let is_over = served.is_over();
            if is_over {
                over.push(Arc::clone(served));
            }
            !is_over
        });
    }

    /// Sweeps at intervals until the node has `stopped` and nothing is left of its sessions and connections.
    pub(crate) async fn look_after_sessions(self: Arc<Self>, mut stopped: Task) {
        let looks_after = LooksAfter(self);
        let server = &looks_after.0;
        let mut has_stopped = false;
        let mut timer = Timer::new(server.clock);
        timer.set(server.clock.now() + SWEEP_INTERVAL);
        while !(has_stopped && server.connections() == 0 && lock(&server.sessions).is_empty()) {
            tokio::select! {
                () = timer.rings() => {
                    let now = server.clock.now();
                    server.sweep(now);
                    timer.set(now + SWEEP_INTERVAL);
                }
                () = &mut stopped, if !has_stopped => has_stopped = true,
            }
        }
    }

    /// From now on new sessions and new calls are refused, and callers are told (R31).
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        #[cfg(feature = "grpc")]
        self.grpc.enter(crate::grpc::Phase::Draining);
        for served in self.all_sessions() {
            served.say(&Frame::Goodbye(Goodbye { last: false, activities: LastCalls::default() }));
        }
    }

    /// A refusal that holds for every new call of `export` (row 10).
    pub(crate) fn standing_refusal(&self, export: &Exported) -> Option<Refusal> {
        if self.is_draining() {
            Some(Refusal::Draining)
        } else if export.is_withdrawn() {
            Some(Refusal::Withdrawn)
        } else {
            None
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether a call is queued or running.
    pub(crate) fn is_busy(&self) -> bool {
        #[cfg(feature = "grpc")]
        if self.grpc.is_busy() {
            return true;
        }
        self.all_sessions().iter().any(|served| served.is_busy())
    }

    /// Connections that have not ended.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.connections).count
    }

    /// Drops the handlers that run.
    pub(crate) fn abort(&self) {
        #[cfg(feature = "grpc")]
        self.grpc.enter(crate::grpc::Phase::Aborting);
        self.all_sessions().iter().for_each(|served| served.abort());
    }

    /// Says the final goodbye to every caller, and ends every session.
    pub(crate) fn farewell(&self) {
        self.all_sessions().iter().for_each(|served| served.farewell());
        #[cfg(feature = "grpc")]
        self.grpc.enter(crate::grpc::Phase::Closing);
    }

    fn all_sessions(&self) -> Vec<Arc<Served>> {
        lock(&self.sessions).iter().map(|(_, served)| Arc::clone(served)).collect()
    }
}

/// Connections that have not ended.
#[derive(Debug, Default)]
struct Connections {
    count: usize,
    by_address: SmallMap<IpAddr, usize>,
}

/// A connection that counts against the limits.
#[derive(Debug)]
pub(crate) struct Admitted {
    server: Arc<Server>,
    pub(crate) id: ConnectionId,
    peer: Option<IpAddr>,
}

/// Sessions refer to their node, and it to them. Who looks after them takes that apart in the end, also if its runtime
/// ends first; otherwise neither they nor what they export would ever be dropped.
struct LooksAfter(Arc<Server>);

impl Drop for LooksAfter {
    fn drop(&mut self) {
        let sessions = std::mem::take(&mut *lock(&self.0.sessions));
        drop(sessions);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut connections = lock(&self.server.connections);
        connections.count -= 1;
        if let Some(peer) = self.peer
            && let Some(from_peer) = connections.by_address.get_mut(&peer)
        {
            *from_peer -= 1;
            if *from_peer == 0 {
                connections.by_address.remove(&peer);
            }
        }
        drop(connections);
        self.server.ended.notify_waiters();
    }
}

/// The first of these names in words; `None` if there are none.
fn named<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    let named: Vec<_> = names.by_ref().take(NAMED_INSTANCES_MAX).map(|name| format!("`{name}`")).collect();
    match (named.len(), names.count()) {
        (0, _) => None,
        (_, 0) => Some(named.join(", ")),
        (_, more) => Some(format!("{} and {more} more", named.join(", "))),
    }
}

/// No code of a user runs under these locks, and what they guard is consistent at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
