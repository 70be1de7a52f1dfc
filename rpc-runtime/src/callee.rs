//! The callee's side of a connection: it opens or attaches a session by the first frame, and from then on runs
//! what the session's table says is to be run.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use bytes::Bytes;
use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;

use crate::connection::{Connection, Ended, Role};
use crate::context::Context;
use crate::handler::{Dispatch, Dispatched, Handler, Incoming, poll_handler, put_fault};
use crate::outbox::Outbox;
use crate::protocol::control::{FaultKind, Refusal, Reject, Rejection};
use crate::protocol::frame::{Call, CallHeader, Frame, MAGIC, Status};
use crate::protocol::id::{ConnectionId, Owner};
use crate::protocol::session::Arrival;
use crate::protocol::time::{CalleeTime, Time};
use crate::served::{Received, Served};
use crate::server::{Admitted, Server};
use crate::transport::Stream;
use crate::transport::accept::Listener;

/// The largest frame that opens or attaches a session.
const FIRST_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Arguments of a queued call up to this size are copied out of the buffer that they came in.
const COPIED_BYTES_MAX: usize = 4 * 1024;
/// Handlers that a connection keeps to be refilled.
const SPARE_HANDLERS: usize = 64;

/// Accepts connections until `stop`. Each is served by a task of its own, which ends with it.
pub(crate) async fn accept(mut listener: Listener, server: Arc<Server>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        match server.admit(peer) {
            Some(admitted) => {
                tokio::spawn(serve(stream, Arc::clone(&server), admitted));
            }
            None => {
                server.counters.connections_rejected.add();
                tracing::warn!(?peer, "too many connections, of all peers or of this one; it was closed");
            }
        }
    }
}

/// Serves one accepted connection to its end.
async fn serve(stream: Stream, server: Arc<Server>, admitted: Admitted) {
    server.counters.connections_accepted.add();
    let limits = &server.limits;
    let mut connection = Connection::new(stream, server.clock, limits.write_timeout);
    let begins = tokio::time::timeout(limits.handshake_timeout, connection.read_exactly()).await;
    let ended = match begins {
        Ok(Ok(MAGIC)) => {
            let mut role = Callee::new(Arc::clone(&server), admitted.id, Arc::clone(connection.outbox()));
            let ended = connection.run(&mut role).await;
            if let Some(served) = role.served {
                served.detach(admitted.id);
            }
            connection.close(&ended).await;
            ended
        }
        Ok(Ok(_)) => Ended::ByUs("what it begins with is not this protocol".to_owned()),
        Ok(Err(ended)) => ended,
        Err(_elapsed) => Ended::ByUs("it did not say anything in time".to_owned()),
    };
    match ended {
        Ended::ByPeer | Ended::Broken(_) => {}
        ended => {
            server.counters.connections_rejected.add();
            tracing::debug!(connection = admitted.id.0, reason = %ended, "connection closed");
        }
    }
}

/// The role of an accepted connection.
struct Callee {
    server: Arc<Server>,
    connection: ConnectionId,
    outbox: Arc<Outbox>,
    served: Option<Arc<Served>>,
    /// Whom the caller will have proved to be with its next frame (R18).
    unproved: Option<Owner>,
    /// Whether the description of the interface was sent.
    described: bool,
    /// When a connection without a session is closed.
    handshake_until: Time,
    spare: Spares,
}

impl Callee {
    fn new(server: Arc<Server>, connection: ConnectionId, outbox: Arc<Outbox>) -> Callee {
        let handshake_until = server.clock.now() + server.limits.handshake_timeout;
        Callee {
            server,
            connection,
            outbox,
            served: None,
            unproved: None,
            described: false,
            handshake_until,
            spare: Spares::default(),
        }
    }

    /// The first frame: it binds the connection, once for ever (R26).
    fn bind(&mut self, frame: Frame, arrival: Arrival) -> ControlFlow<String> {
        let bound = match frame {
            Frame::Hello(hello) => {
                let opened = self.server.open(&hello, arrival, &self.outbox);
                opened.map(|(served, welcome)| {
                    self.unproved = hello.owner;
                    (served, Frame::Welcome(welcome))
                })
            }
            Frame::Attach(attach) => {
                let attached = self.server.attach(&attach, arrival, &self.outbox);
                let clock = arrival.now.as_micros();
                attached.map(|served| (served, Frame::Attached(crate::protocol::control::Attached { clock })))
            }
            _ => return close("its first frame opens no session"),
        };
        match bound {
            Ok((served, answer)) => {
                self.served = Some(served);
                self.say(&answer);
                ControlFlow::Continue(())
            }
            Err(why) => {
                let text = self.rejection_text(&why);
                self.say(&Frame::Reject(Reject { why, text }));
                close("its session was rejected")
            }
        }
    }

    fn rejection_text(&self, why: &Rejection) -> String {
        match why {
            Rejection::Overload => format!(
                "the node has no room for another session: sessions and their records take {} of {} bytes (`record_bytes_max`)",
                self.server.budget.used(),
                self.server.limits.record_bytes_max
            ),
            _ => String::new(),
        }
    }

    fn say(&self, frame: &Frame) {
        self.outbox.push(|frames| frames.put(frame));
    }

    fn call(&mut self, served: &Arc<Served>, call: Call, arrival: Arrival) -> ControlFlow<String> {
        let permit = Arc::clone(&self.server.handlers).try_acquire_owned().ok();
        match served.receive(arrival, &call.header, &call.arguments, permit.is_some()) {
            Received::Answered => {}
            Received::Close(why) => return close(why),
            Received::Run(reply) => {
                let run = Run { served: Arc::clone(served), call: call.header, reply, _permit: permit, ended: false };
                run.begin(&call.arguments, &mut self.spare, arrival.now);
            }
            Received::Queue => {
                let mut call = call;
                if call.arguments.len() < COPIED_BYTES_MAX {
                    // A slice would keep the whole buffer that it was read into.
                    call.arguments = Bytes::copy_from_slice(&call.arguments);
                }
                // Ends when a permit is free and the connection has room, which a closed one always has.
                tokio::spawn(run_in_turn(Arc::clone(served), call));
            }
        }
        ControlFlow::Continue(())
    }
}

impl Role for Callee {
    fn frame(&mut self, frame: Frame, now: Time) -> ControlFlow<String> {
        let arrival = Arrival { connection: self.connection, now };
        let Some(served) = self.served.clone() else {
            return self.bind(frame, arrival);
        };
        if let Some(owner) = self.unproved.take() {
            self.server.supersede(owner, served.caller());
        }
        if self.outbox.pushes() > served.answers_max() {
            return close("it asks for more than it reads");
        }
        let done = match frame {
            Frame::Call(call) => return self.call(&served, call, arrival),
            Frame::Cancel { id, recorded } => served.cancel(arrival, id, recorded),
            Frame::Ack(id) => served.ack(arrival, id),
            Frame::Ping => {
                let valid = served.renew(arrival);
                self.say(&Frame::Pong(crate::clock::Clock::as_callee(now)));
                if valid { Ok(()) } else { Err("the session has another connection, or has ended") }
            }
            Frame::Describe if std::mem::replace(&mut self.described, true) => {
                Err("it has the description of the interface already")
            }
            Frame::Describe => {
                self.say(&Frame::Description(served.export().description()));
                Ok(())
            }
            Frame::Close => {
                served.close(arrival);
                Err("the caller closed its session")
            }
            _ => Err("a connection opens or attaches one session, and a caller sends no answers"),
        };
        done.map_or_else(close, ControlFlow::Continue)
    }

    fn tick(&mut self, now: Time) -> ControlFlow<String> {
        match &self.served {
            None if now >= self.handshake_until => close("it opened no session in time"),
            Some(served) if served.expire(self.connection, now) => close("the session's lease ran out"),
            Some(served) if !served.is_bound_to(self.connection) => close("the session has another connection"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn frame_bytes_max(&self) -> usize {
        match self.served {
            Some(_) => self.server.limits.frame_bytes_max,
            // Who has no session yet needs no more.
            None => self.server.limits.frame_bytes_max.min(FIRST_FRAME_BYTES_MAX),
        }
    }

    fn wake_at(&self) -> Time {
        self.served.as_ref().map_or(self.handshake_until, |served| served.lease_until())
    }
}

fn close(why: &str) -> ControlFlow<String> {
    ControlFlow::Break(why.to_owned())
}

/// One run of a recorded or unrecorded call. Dropping it before its end records that it was aborted (R7).
struct Run {
    served: Arc<Served>,
    call: CallHeader,
    reply: Writer,
    _permit: Option<OwnedSemaphorePermit>,
    ended: bool,
}

impl Run {
    /// Runs the call in place as far as it goes; what has to wait goes on in a task of its own.
    fn begin(mut self, arguments: &Bytes, spare: &mut Spares, now: Time) {
        let incoming = Incoming::new(self.call.method, arguments, spare.take(self.call.method));
        let Some(mut handler) = self.dispatched(self.served.export().call(incoming)) else {
            return;
        };
        let context = self.context(now);
        let mut in_place = task::Context::from_waker(Waker::noop());
        match poll_handler(&mut handler, &context, &mut in_place, &mut self.reply) {
            Poll::Ready(status) => {
                spare.keep(self.call.method, handler);
                self.finish(status);
            }
            Poll::Pending => {
                let (served, id) = (Arc::clone(&self.served), self.call.id);
                // Told before the task can end, so that the entry never outlives the handler.
                served.register(id, &context);
                // Ends with the handler; a runtime that shuts down drops it, which records its end.
                let task = tokio::spawn(self.go_on(handler, context));
                served.can_abort(id, task.abort_handle());
            }
        }
    }

    async fn go_on(mut self, mut handler: Box<dyn Handler>, context: Context) {
        let status = poll_fn(|cx| poll_handler(&mut handler, &context, cx, &mut self.reply)).await;
        self.finish(status);
    }

    fn finish(mut self, status: Status) {
        self.ended = true;
        self.served.finish(&self.call, status, std::mem::take(&mut self.reply));
    }

    /// The handler, if the call can be run at all.
    fn dispatched(&mut self, dispatch: Dispatch) -> Option<Box<dyn Handler>> {
        let (why, text) = match dispatch.0 {
            Dispatched::Run(handler) => return Some(handler),
            Dispatched::UnknownMethod => (Refusal::UnknownMethod, String::new()),
            Dispatched::Undecodable(error) => {
                (Refusal::Undecodable, format!("the exporter cannot decode the arguments: {error}"))
            }
        };
        self.ended = true;
        self.served.refuse(&self.call, why, &text);
        None
    }

    fn context(&self, now: Time) -> Context {
        let deadline = (self.call.start_before != CalleeTime::NEVER).then(|| {
            let left = self.call.start_before.0.saturating_sub(now.as_micros());
            tokio::time::Instant::now() + std::time::Duration::from_micros(left)
        });
        Context::new(deadline, self.served.caller())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            let mut reply = std::mem::take(&mut self.reply);
            let status = put_fault(&mut reply, FaultKind::Aborted, "the implementation was dropped before its end");
            self.served.finish(&self.call, status, reply);
        }
    }
}

/// A queued call: waits for a permit and for room in the connection's buffer, and is checked again (R30).
async fn run_in_turn(served: Arc<Served>, call: Call) {
    let permit = loop {
        let handlers = Arc::clone(&served.server().handlers);
        // The semaphore is never closed.
        let Ok(permit) = handlers.acquire_owned().await else {
            return;
        };
        let Some(full) = served.full_outbox() else {
            break permit;
        };
        drop(permit);
        let room = full.room();
        if served.full_outbox().is_some() {
            room.await;
        }
    };
    if !served.start_queued(&call.header, &call.arguments) {
        return;
    }
    let now = served.server().clock.now();
    let reply = Writer::new();
    let run = Run { served, call: call.header, reply, _permit: Some(permit), ended: false };
    run.begin(&call.arguments, &mut Spares::default(), now);
}

/// Handlers that have ended, by method, to be refilled.
#[derive(Default)]
struct Spares {
    by_method: HashMap<u32, Vec<Box<dyn Handler>>>,
    count: usize,
}

impl Spares {
    fn take(&mut self, method: u32) -> Option<Box<dyn Handler>> {
        let handler = self.by_method.get_mut(&method)?.pop()?;
        self.count -= 1;
        Some(handler)
    }

    fn keep(&mut self, method: u32, handler: Box<dyn Handler>) {
        if self.count < SPARE_HANDLERS {
            self.by_method.entry(method).or_default().push(handler);
            self.count += 1;
        }
    }
}
