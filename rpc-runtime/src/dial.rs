//! The task of a link: finds the exporter, connects, opens or attaches the session, drives the connection, and
//! begins anew when it is lost, until the binding is dropped.

mod version;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tokio::time::{sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::caller::Caller;
use crate::clock::Clock;
use crate::connection::{Connection, Ended, Role};
use crate::directory::{Directory, Selector, select};
use crate::error::{CallError, ErrorKind};
use crate::executed::Executed;
use crate::limits::Limits;
use crate::link::{Link, LinkState};
use crate::planted::{Bug, planted};
use crate::protocol::backoff::Backoff;
use crate::protocol::control::{Attach, Hello, Reject, Rejection};
use crate::protocol::frame::{Frame, MAGIC};
use crate::protocol::id::{Incarnation, Owner};
use crate::task::spawn;
use crate::transport::Stream;
use crate::transport::endpoint::Endpoint;

/// So many exporters are tried, one after another, before the wait between two attempts.
const EXPORTERS_TRIED_MAX: usize = 4;
/// The largest frame that answers `Hello` or `Attach`.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The largest description of an interface. Decoded it takes many times its bytes, so that `frame_bytes_max` would let a
/// hostile exporter take a caller's memory.
const DESCRIPTION_BYTES_MAX: usize = 1024 * 1024;

/// What the links of a node share as callers.
pub(crate) struct Importer {
    pub(crate) incarnation: Incarnation,
    pub(crate) owner: Option<Owner>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) directory: Option<Arc<dyn Directory>>,
    /// For the choice among instances. Dead ones go when the next is added.
    links: Mutex<Vec<Weak<Link>>>,
}

impl Importer {
    pub(crate) fn new(
        incarnation: Incarnation,
        owner: Option<Owner>,
        clock: Clock,
        limits: Limits,
        directory: Option<Arc<dyn Directory>>,
    ) -> Importer {
        Importer { incarnation, owner, clock, limits, directory, links: Mutex::default() }
    }

    pub(crate) fn add(&self, link: &Arc<Link>) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(link));
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().filter_map(Weak::upgrade).collect()
    }

    /// How much this node asks of `callee` at present.
    fn load(&self, callee: Incarnation) -> usize {
        self.links().iter().map(|link| link.load(callee)).sum()
    }
}

/// What a link leads to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An export at a fixed address.
    At {
        /// The address.
        endpoint: Endpoint,
        /// The name under which the node there exports.
        instance: String,
    },
    /// What the directory finds.
    Named(Selector),
}

impl Target {
    /// What the node at this address exports so.
    pub(crate) fn at(address: &str, instance: String) -> Result<Target, CallError> {
        Ok(Target::At { endpoint: Endpoint::parse(address)?, instance })
    }
}

/// The interface that a link is for. A stub knows it; without one the first exporter's description is taken.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    name: String,
    known: Arc<OnceLock<idl::Interface>>,
}

impl Wanted {
    /// What a stub was made for.
    pub(crate) fn known(interface: idl::Interface) -> Wanted {
        Wanted { name: interface.name(), known: Arc::new(interface.into()) }
    }

    /// What the exporter describes.
    pub(crate) fn named(name: String) -> Wanted {
        Wanted { name, known: Arc::default() }
    }

    /// The description, once an exporter has answered.
    pub(crate) fn interface(&self) -> Option<&idl::Interface> {
        self.known.get()
    }
}

/// Where the exporter is, as far as is known.
#[derive(Debug, Clone)]
struct Route {
    endpoints: Vec<Endpoint>,
    instance: String,
    /// The life that the directory promises there.
    expect: Option<Incarnation>,
}

/// Keeps `link` connected until it is closed.
pub(crate) async fn keep(importer: Arc<Importer>, link: Arc<Link>, wanted: Wanted, target: Target) {
    let mut dialler = Dialler {
        importer,
        link: Arc::clone(&link),
        fingerprint: wanted.interface().map(|interface| Uuid::from_u128(interface.fingerprint().as_u128())),
        accepted: None,
        wanted,
        target,
        route: None,
    };
    let mut backoff = Backoff::default();
    while let Some(connected) = while_open(&link, dialler.connect()).await {
        match connected {
            Ok(mut connection) => {
                let mut role = Caller::new(Arc::clone(&link), dialler.importer.clock.now());
                let ended = connection.run(&mut role).await;
                if role.was_answered {
                    backoff.reset();
                }
                link.detached(lost(&ended));
                if link.session_with().is_none() {
                    // The exporter has left: another may be found elsewhere.
                    dialler.route = None;
                }
                if planted(Bug::OldAnswerAccepted) {
                    // M32: what the connection still delivers is listened to.
                    let clock = dialler.importer.clock;
                    spawn(async move {
                        while let Ok(frame) = connection.exchange(role.frame_bytes_max()).await {
                            let _ = role.frame(frame, clock.now(), false);
                            let _ = role.handled(clock.now());
                        }
                    });
                } else {
                    // Ends within the time that last words may take.
                    spawn(async move { connection.close(&ended).await });
                }
            }
            Err(error) => {
                tracing::debug!(%error, "cannot reach an exporter");
                dialler.give_up_after_lease();
                dialler.route = None;
                link.failed(error);
            }
        }
        let wait = backoff.next(fastrand::u32(..));
        if while_open(&link, sleep(wait)).await.is_none() {
            return;
        }
        if link.is_broken() {
            // Ends with `rebind`, or with the binding.
            let mut status = link.status();
            let rebound = status.wait_for(|status| !matches!(status, LinkState::Broken(_)));
            if while_open(&link, rebound).await.is_none() {
                return;
            }
        }
    }
}

/// Runs `future` while the link is open, and meanwhile ends calls whose deadline passes.
async fn while_open<F: Future>(link: &Link, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    while !link.is_closed() {
        let due = link.clock.instant(link.tick_at());
        tokio::select! {
            output = &mut future => return Some(output),
            () = link.woken() => {}
            () = sleep_until(due) => link.tick(link.clock.now()),
        }
    }
    None
}

/// Whether another address of the same exporter may do better.
fn is_of_address(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::HostNotFound | ErrorKind::ConnectionRefused | ErrorKind::Unreachable | ErrorKind::NotThisProtocol
    )
}

fn lost(ended: &Ended) -> CallError {
    CallError::never(ErrorKind::Unreachable, format!("the connection to the exporter was lost: {ended}"))
}

struct Dialler {
    importer: Arc<Importer>,
    link: Arc<Link>,
    wanted: Wanted,
    /// The fingerprint of the interface, if it is known.
    fingerprint: Option<Uuid>,
    /// That of another version of it which was found to be compatible.
    accepted: Option<Uuid>,
    target: Target,
    route: Option<Route>,
}

impl Dialler {
    /// One attempt: a connection that the session is bound to. Where there is no session yet, several exporters are
    /// tried: nothing was sent to those that cannot be reached.
    async fn connect(&mut self) -> Result<Connection, CallError> {
        let mut failed = Vec::new();
        let mut failure = None;
        while failed.len() < EXPORTERS_TRIED_MAX {
            let route = match self.route.take() {
                Some(route) => route,
                None => match self.find(&failed).await {
                    Ok(route) => route,
                    Err(error) => return Err(failure.unwrap_or(error)),
                },
            };
            match (self.connect_by(&route).await, route.expect) {
                (Ok(connection), _) => {
                    self.route = Some(route);
                    return Ok(connection);
                }
                (Err(error), Some(exporter)) if self.may_choose() => {
                    failed.push(exporter);
                    failure = Some(error);
                }
                (Err(error), _) => return Err(error),
            }
        }
        let none = || CallError::never(ErrorKind::Unreachable, "no exporter can be reached");
        Err(failure.unwrap_or_else(none))
    }

    /// Whether another exporter would do: there is a directory to find one, and neither a session nor a pin to this one.
    fn may_choose(&self) -> bool {
        matches!(self.target, Target::Named(_)) && self.link.session_with().is_none() && self.link.pinned_to().is_none()
    }

    /// Tries the addresses of one exporter.
    async fn connect_by(&mut self, route: &Route) -> Result<Connection, CallError> {
        let limit = self.importer.limits.dial_timeout;
        let mut failure = None;
        for endpoint in &route.endpoints {
            let connected = match endpoint.dial(limit).await {
                Ok(stream) => match timeout(limit, self.handshake(stream, route, endpoint)).await {
                    Ok(connected) => connected,
                    Err(_elapsed) => {
                        let text = format!("{endpoint} accepted a connection but did not answer within {limit:?}");
                        Err(CallError::never(ErrorKind::Unreachable, text))
                    }
                },
                Err(error) => Err(error),
            };
            match connected {
                Ok(connection) => return Ok(connection),
                Err(error) if is_of_address(error.kind()) => failure = Some(error),
                // It is the exporter that answered: its other addresses lead to the same answer.
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            CallError::never(ErrorKind::Unreachable, format!("`{}` is registered without an address", route.instance))
        }))
    }

    /// Asks the directory, for another exporter than those that `failed`. What it says may prove that the session's
    /// callee has been replaced.
    async fn find(&mut self, failed: &[Incarnation]) -> Result<Route, CallError> {
        let selector = match &self.target {
            Target::At { endpoint, instance } => {
                let expect = self.link.pinned_to();
                return Ok(Route { endpoints: vec![endpoint.clone()], instance: instance.clone(), expect });
            }
            Target::Named(selector) => selector.clone(),
        };
        let Some(directory) = &self.importer.directory else {
            let text = "this node has no nameserver; give its builder one, or import by address with `import_at`";
            return Err(CallError::never(ErrorKind::DirectoryUnavailable, text));
        };
        let name = &self.wanted.name;
        let mut found = directory.lookup(name, &selector).await.map_err(|error| {
            CallError::never(ErrorKind::DirectoryUnavailable, format!("{error}; is the nameserver running?"))
                .with_source(error)
        })?;
        found.entries.retain(|entry| !failed.contains(&entry.incarnation));
        let bound_to = self.link.session_with();
        // A session that lives is attached, wherever its callee is now.
        let wanted = bound_to.or(self.link.pinned_to());
        let bound = found.entries.iter().find(|entry| Some(entry.incarnation) == wanted);
        let load = |entry: &crate::directory::Entry| self.importer.load(entry.incarnation);
        let Some(entry) = bound.or_else(|| select::pick(&found.entries, load)) else {
            let text = format!(
                "no exporter of `{name}` is registered as {selector}; is it running, and does it use this nameserver?"
            );
            return Err(CallError::never(ErrorKind::NameNotFound, text));
        };
        if self.link.pinned_to().is_some_and(|pinned| pinned != entry.incarnation) {
            self.restarted("the exporter restarted");
            return Err(CallError::never(ErrorKind::IncarnationChanged, "the exporter has another incarnation"));
        }
        if bound_to.is_some_and(|bound| bound != entry.incarnation) && !found.stale {
            self.restarted("the exporter restarted, or another one took its place");
        }
        let endpoints = entry.endpoints.iter().map(|endpoint| Endpoint::parse(endpoint)).collect::<Result<_, _>>()?;
        Ok(Route { endpoints, instance: entry.instance.clone(), expect: Some(entry.incarnation) })
    }

    /// Opens or attaches the session on a fresh stream.
    async fn handshake(&mut self, stream: Stream, route: &Route, endpoint: &Endpoint) -> Result<Connection, CallError> {
        let limits = &self.importer.limits;
        let mut connection = Connection::shared(stream, self.importer.clock, limits.write_timeout);
        connection.outbox().push(|frames| frames.put_raw(&MAGIC));
        match self.link.next_attach() {
            Some(attach) => self.attach(&mut connection, attach, route, endpoint).await?,
            None => self.hello(&mut connection, route, endpoint).await?,
        }
        Ok(connection)
    }

    async fn attach(
        &mut self,
        connection: &mut Connection,
        attach: Attach,
        route: &Route,
        endpoint: &Endpoint,
    ) -> Result<(), CallError> {
        connection.outbox().push(|frames| frames.put(&Frame::Attach(attach)));
        match answer(connection, endpoint, ANSWER_BYTES_MAX).await? {
            Frame::Attached(attached) => {
                self.link.attached(attached.clock, connection.outbox());
                Ok(())
            }
            Frame::Reject(Reject { why, text }) => {
                match why {
                    // Behind a balanced address another one may answer while ours still lives: where there is
                    // a directory, it decides.
                    Rejection::WrongIncarnation { .. } if matches!(self.target, Target::Named(_)) => {}
                    Rejection::WrongIncarnation { .. } => {
                        self.restarted("the exporter restarted, or another one answers in its place");
                    }
                    Rejection::UnknownSession { .. } if planted(Bug::LostSessionIsNever) => {
                        let text = "the exporter has let the session go";
                        self.link.end_session(&CallError::never(ErrorKind::SessionLost, text)); // M24
                    }
                    Rejection::UnknownSession { running } => self.link.end_session(&CallError::new(
                        ErrorKind::SessionLost,
                        Executed::Unknown { may_still_run: running },
                        "the exporter has let the session go",
                    )),
                    Rejection::Superseded => {}
                    _ => self.link.end_session(&CallError::new(
                        ErrorKind::SessionLost,
                        Executed::Unknown { may_still_run: true },
                        "the exporter rejects the session",
                    )),
                }
                Err(rejected(&why, &text, route))
            }
            _ => Err(not_this_protocol(endpoint)),
        }
    }

    async fn hello(
        &mut self,
        connection: &mut Connection,
        route: &Route,
        endpoint: &Endpoint,
    ) -> Result<(), CallError> {
        let limits = &self.importer.limits;
        let hello = Hello {
            incarnation: self.importer.incarnation,
            owner: self.importer.owner,
            interface: self.wanted.name.clone(),
            instance: route.instance.clone(),
            expect: route.expect.or(self.link.pinned_to()),
            slots: limits.slots_max,
            frame_bytes_max: u32::try_from(limits.frame_bytes_max).unwrap_or(u32::MAX),
        };
        connection.outbox().push(|frames| frames.put(&Frame::Hello(hello)));
        let welcome = match answer(connection, endpoint, ANSWER_BYTES_MAX).await? {
            Frame::Welcome(welcome) => welcome,
            Frame::Reject(Reject { why, text }) => {
                if matches!(why, Rejection::WrongIncarnation { .. }) && self.link.pinned_to().is_some() {
                    self.link.break_pinned();
                }
                return Err(rejected(&why, &text, route));
            }
            _ => return Err(not_this_protocol(endpoint)),
        };
        let fingerprint = Some(welcome.fingerprint);
        if fingerprint != self.fingerprint && fingerprint != self.accepted {
            connection.outbox().push(|frames| frames.put(&Frame::Describe));
            let Frame::Description(description) = answer(connection, endpoint, DESCRIPTION_BYTES_MAX).await? else {
                return Err(not_this_protocol(endpoint));
            };
            match self.wanted.interface() {
                Some(interface) => version::accept(interface, &description)?,
                None => {
                    let interface = version::read(&self.wanted.name, &description)?;
                    self.wanted.known.get_or_init(|| interface);
                }
            }
            self.accepted = fingerprint;
        }
        if !self.link.welcomed(&welcome, &route.instance, connection.outbox()) {
            let text = "the exporter that answers was replaced by a newer registration of its name";
            return Err(CallError::never(ErrorKind::PeerRestarted, text));
        }
        if self.importer.owner.is_some() {
            // The first frame after `Welcome` proves whose life this is (R18).
            connection.outbox().push(|frames| frames.put(&Frame::Ping));
        }
        Ok(())
    }

    /// The session's callee has another life, or another one took its place: no proof that its handlers ended.
    fn restarted(&self, what: &str) {
        let error = CallError::new(ErrorKind::PeerRestarted, Executed::Unknown { may_still_run: true }, what);
        self.link.end_session(&error);
        if self.link.pinned_to().is_some() {
            self.link.break_pinned();
        }
    }

    /// A callee that was silent for the whole lease has let the session go.
    fn give_up_after_lease(&self) {
        if self.link.lease_has_ended() {
            let executed = Executed::Unknown { may_still_run: true };
            let text = "the exporter could not be reached for the session's whole lease";
            self.link.end_session(&CallError::new(ErrorKind::SessionLost, executed, text));
        }
    }
}

/// The next frame of a handshake.
async fn answer(connection: &mut Connection, endpoint: &Endpoint, frame_bytes_max: usize) -> Result<Frame, CallError> {
    match connection.exchange(frame_bytes_max).await {
        Ok(frame) => Ok(frame),
        Err(Ended::NotAFrame(error)) => Err(not_this_protocol(endpoint).with_source(error)),
        // It said something that is less than a frame, as TLS and line protocols do when they are addressed so.
        Err(Ended::ByPeer | Ended::Broken(_)) if connection.has_unread() => Err(not_this_protocol(endpoint)),
        Err(ended) => Err(CallError::never(
            ErrorKind::Unreachable,
            format!(
                "{endpoint} closed the connection during the handshake: {ended}; has it reached its limit of connections?"
            ),
        )),
    }
}

fn not_this_protocol(endpoint: &Endpoint) -> CallError {
    let text = format!("what listens at {endpoint} does not speak this protocol, or another version of it");
    CallError::never(ErrorKind::NotThisProtocol, text)
}

/// What a rejected `Hello` or `Attach` means to a call that waits for a session.
fn rejected(why: &Rejection, text: &str, route: &Route) -> CallError {
    let (kind, what) = match why {
        Rejection::WrongIncarnation { .. } => {
            (ErrorKind::PeerRestarted, "the exporter restarted since it was looked up".to_owned())
        }
        Rejection::UnknownSession { .. } | Rejection::Fenced | Rejection::Superseded => {
            (ErrorKind::SessionLost, "the exporter has let the session go".to_owned())
        }
        Rejection::NoSuchExport => (
            ErrorKind::NameNotFound,
            format!(
                "the node at {} does not export that interface{}; check the name, and that both sides mean the same interface",
                route.endpoints.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(", "),
                if route.instance.is_empty() { String::new() } else { format!(" as `{}`", route.instance) }
            ),
        ),
        Rejection::Draining => (ErrorKind::Draining, "the exporter is shutting down".to_owned()),
        Rejection::Overload => (ErrorKind::Overload, "the exporter has no room for another session".to_owned()),
        Rejection::Other => (ErrorKind::Unreachable, "the exporter rejected the session".to_owned()),
    };
    let text = match (why, text) {
        (_, "") => what,
        (Rejection::NoSuchExport, there_are) => format!("{what}; {there_are}"),
        (_, text) => text.to_owned(),
    };
    CallError::never(kind, text)
}
