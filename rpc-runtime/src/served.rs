//! A session that this node serves: the protocol's state under one lock, the connection that it is bound to, and its
//! handlers. What becomes of its calls is in `served/calls.rs`.
//!
//! Handlers and their results belong to the session (R28): a handler that ends hands its result to the session,
//! which records it and sends it to whichever connection it has at that moment.

mod calls;
#[cfg(feature = "grpc")]
mod foreign;
mod runs;
mod streams;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use idl::Writer;

use crate::exported::Exported;
use crate::outbox::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::control::{Attach, Attached, Goodbye, Hello, Rejection};
use crate::protocol::frame::Frame;
use crate::protocol::id::{CallId, ConnectionId, Incarnation, Owner, SessionId};
use crate::protocol::session::{Arrival, Session};
use crate::protocol::time::Time;
use crate::server::Server;
use crate::sync::{Mutex, MutexGuard};
use calls::Gathered;
pub(crate) use calls::{EndedRun, Received, Started};
#[cfg(feature = "grpc")]
pub(crate) use foreign::{Answer, Told};
pub(crate) use runs::RunId;
use runs::Runs;
use streams::Streams;

/// A session and what the node keeps with it.
pub(crate) struct Served {
    server: Arc<Server>,
    export: Arc<Exported>,
    caller: Incarnation,
    owner: Option<Owner>,
    id: SessionId,
    /// Slots granted.
    slots: u16,
    /// The largest frame that the caller reads.
    reply_bytes_max: usize,
    /// Whether the caller speaks gRPC.
    #[cfg(feature = "grpc")]
    is_foreign: bool,
    state: Mutex<State>,
}

struct State {
    session: Session<Writer>,
    outbox: Option<Arc<Outbox>>,
    /// Handlers that have started and not ended.
    runs: Runs,
    /// The streams of those that have some.
    streams: BTreeMap<CallId, Streams>,
    /// Whether those that start now are dropped as soon as they have to wait.
    aborting: bool,
    /// What queued calls take.
    queued_bytes: usize,
    /// Replies that were repeated on the present connection.
    repeated_bytes: u64,
    /// Answers that go out together.
    gathered: RefCell<Gathered>,
    /// Whether the next answer is one of them.
    gathers: bool,
    /// The streams that wait for answers, where the caller speaks gRPC and has no connection of its own (R33).
    #[cfg(feature = "grpc")]
    waiting: Option<RefCell<foreign::Waiting>>,
}

impl Served {
    pub(crate) fn new(
        server: Arc<Server>,
        export: Arc<Exported>,
        session: Session<Writer>,
        slots: u16,
        hello: &Hello,
        outbox: Option<&Arc<Outbox>>,
    ) -> Served {
        Served {
            server,
            export,
            caller: hello.incarnation,
            owner: hello.owner,
            id: session.id(),
            slots,
            reply_bytes_max: hello.frame_bytes_max as usize,
            #[cfg(feature = "grpc")]
            is_foreign: outbox.is_none(),
            state: Mutex::new(State {
                session,
                outbox: outbox.cloned(),
                runs: Runs::default(),
                streams: BTreeMap::new(),
                aborting: false,
                queued_bytes: 0,
                repeated_bytes: 0,
                gathered: RefCell::default(),
                gathers: false,
                #[cfg(feature = "grpc")]
                waiting: foreign::waiting(outbox.is_some()),
            }),
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn caller(&self) -> Incarnation {
        self.caller
    }

    pub(crate) fn owner(&self) -> Option<Owner> {
        self.owner
    }

    pub(crate) fn export(&self) -> &Arc<Exported> {
        &self.export
    }

    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Whether the caller speaks gRPC: it has no connection of its own, and items of streams travel on HTTP/2's streams (R33).
    pub(crate) fn is_foreign(&self) -> bool {
        #[cfg(feature = "grpc")]
        return self.is_foreign;
        #[cfg(not(feature = "grpc"))]
        false
    }

    /// Takes the session to another connection, in one step with the table (R26). The old one is closed.
    pub(crate) fn attach(&self, attach: &Attach, arrival: Arrival, outbox: &Arc<Outbox>) -> Result<(), Rejection> {
        let mut state = self.lock();
        state.session.attach(attach.token, attach.number, arrival)?;
        let is_heard_on = planted(Bug::OldConnectionKeepsTable) || planted(Bug::OldConnectionServed); // M26
        if let Some(old) = state.outbox.replace(Arc::clone(outbox))
            && !is_heard_on
        {
            old.close();
        }
        state.detach_streams();
        state.gathered = RefCell::default();
        state.repeated_bytes = 0;
        // In the same step: a handler that ends now answers behind it.
        let clock = arrival.now.as_micros();
        outbox.push(|frames| frames.put(&Frame::Attached(Attached { clock })));
        Ok(())
    }

    /// The connection has ended.
    pub(crate) fn detach(&self, connection: ConnectionId) {
        let mut state = self.lock();
        state.session.detach(connection);
        if state.session.bound().is_none() {
            state.outbox = None;
            state.detach_streams();
        }
    }

    /// A frame that asks for nothing: renews the lease. False if the connection is not the session's.
    pub(crate) fn renew(&self, arrival: Arrival) -> bool {
        self.lock().session.renew(arrival)
    }

    /// When the session ends unless a frame comes in.
    pub(crate) fn lease_until(&self) -> Time {
        self.lock().session.lease_until()
    }

    /// How many answers can wait for a caller that keeps the rules: for each slot one to the call and one to its
    /// cancel, in what is being sent and in what waits, and a few that belong to no call.
    pub(crate) fn answers_max(&self) -> usize {
        4 * usize::from(self.slots) + 64
    }

    /// Whether `connection` is the session's.
    pub(crate) fn is_bound_to(&self, connection: ConnectionId) -> bool {
        self.lock().session.bound() == Some(connection)
    }

    /// The caller ends the session, if the connection is the session's (R26).
    pub(crate) fn close(&self, arrival: Arrival) {
        let mut state = self.lock();
        if state.session.close(arrival, &self.server.budget) {
            state.tell_handlers();
        }
    }

    /// Ends the session. Its handlers are told; they run to their end.
    pub(crate) fn end(&self) {
        self.lock().end(&self.server);
    }

    /// Ends the session if its lease has ended, or where memory `is_scarce` if no call came on it, and it is bound to
    /// no connection. A bound one is looked at by its connection, after it has read what had arrived (R4).
    pub(crate) fn expire_detached(&self, now: Time, is_scarce: bool) -> bool {
        let mut state = self.lock();
        #[cfg(feature = "grpc")]
        if state.is_waited_for() {
            // A stream that waits is a sign of life.
            let arrival = state.session.bound().map(|connection| Arrival { connection, now });
            arrival.map(|arrival| state.session.renew(arrival));
            return false;
        }
        let is_over = state.session.has_expired(now) || is_scarce && state.session.is_unused();
        let expired = !state.has_connection() && is_over;
        if expired {
            state.end(&self.server);
        }
        expired
    }

    /// Ends the session if its lease has ended; `connection` has read what had arrived.
    pub(crate) fn expire(&self, connection: ConnectionId, now: Time) -> bool {
        let mut state = self.lock();
        let expired = state.session.bound() == Some(connection) && state.session.has_expired(now);
        if expired {
            state.end(&self.server);
        }
        expired
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        !state.session.is_open() && state.session.running() == 0
    }

    /// Whether a call is queued or running.
    pub(crate) fn is_busy(&self) -> bool {
        self.lock().session.is_busy()
    }

    /// Gives back memory that is kept to be used again.
    pub(crate) fn rest(&self) {
        let mut state = self.lock();
        state.runs.rest();
        state.send_answers();
        state.gathered = RefCell::default();
    }

    /// Sends a frame that belongs to no call, if a connection is there.
    pub(crate) fn say(&self, frame: &Frame) {
        if let Some(outbox) = &self.lock().outbox {
            outbox.push(|frames| frames.put(frame));
        }
    }

    /// Says what became of each slot's last call, closes the connection and ends the session (R31). A session
    /// with a handler that would not end says nothing: its callers learn `Unknown`.
    pub(crate) fn farewell(&self) {
        let mut state = self.lock();
        state.send_answers();
        if let Some(outbox) = state.outbox.take() {
            if let Some(activities) = state.session.last_calls() {
                let activities = activities.into_iter().collect();
                outbox.push(|frames| frames.put(&Frame::Goodbye(Goodbye { last: true, activities })));
            }
            outbox.close();
        }
        state.end(&self.server);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user runs under the lock; what it guards is consistent at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, server: &Server) {
        if self.session.end(&server.budget) {
            self.tell_handlers();
            #[cfg(feature = "grpc")]
            if let Some(waiting) = &self.waiting {
                waiting.borrow_mut().clear();
            }
            if let Some(outbox) = self.outbox.take() {
                outbox.close();
            }
        }
    }

    /// Whether a connection reads what arrives for the session. That of a caller that speaks gRPC has none.
    fn has_connection(&self) -> bool {
        #[cfg(feature = "grpc")]
        if self.waiting.is_some() {
            return false;
        }
        self.session.bound().is_some()
    }

    /// Whether the session has another connection now than when the run began.
    #[cfg(verify)]
    fn has_moved_since(&self, run: RunId) -> bool {
        self.runs.began_on(run).is_some_and(|began_on| began_on != self.session.bound())
    }

    /// The session has ended: nobody waits for its handlers.
    fn tell_handlers(&self) {
        self.runs.cancel_all();
        self.lose_streams();
    }

    fn signal(&mut self, id: CallId) -> Result<(), &'static str> {
        self.runs.cancel(id);
        self.cancel_streams(id);
        Ok(())
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("id", &self.id).field("caller", &self.caller).finish_non_exhaustive()
    }
}
