//! The callee's side of a connection: it opens or attaches a session by the first frame, and from then on runs
//! what the session's table says is to be run.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::connection::{Connection, Ended, Role};
#[cfg(feature = "grpc")]
use crate::grpc;
use crate::io_threads::{IoThreads, at_home};
use crate::outbox::Outbox;
use crate::protocol::control::{Reject, Rejection};
use crate::protocol::frame::{Call, Frame, MAGIC, Way};
use crate::protocol::id::{ConnectionId, Owner};
use crate::protocol::session::Arrival;
use crate::protocol::time::Time;
use crate::run::{Run, Spares, run_in_turn};
use crate::served::{Received, Served};
use crate::server::{Admitted, Server};
use crate::task::Task;
use crate::transport::Stream;
use crate::transport::accept::Listener;
use crate::{sync, task};

/// The largest frame that opens or attaches a session.
const FIRST_FRAME_BYTES_MAX: usize = 64 * 1024;

/// Accepts connections until `stop`. Each is served by a task of its own, which ends with it: on one of `threads`, if
/// there are any.
pub(crate) async fn accept(
    mut listener: Listener,
    server: Arc<Server>,
    mut threads: Option<IoThreads>,
    mut stop: Task,
) {
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        match server.admit(peer) {
            Some(admitted) => match &mut threads {
                Some(threads) => {
                    if let Err(error) = threads.serve(stream, Arc::clone(&server), admitted) {
                        tracing::warn!(%error, ?peer, "a connection cannot be served; it was closed");
                    }
                }
                None => drop(task::spawn_unboxed(serve(stream, Arc::clone(&server), admitted, None))),
            },
            None => {
                server.counters.connections_rejected.add();
                tracing::warn!(?peer, "too many connections, of all peers or of this one; it was closed");
            }
        }
    }
}

/// Serves one accepted connection to its end: what it begins with says in which protocol. Its handlers belong to the
/// runtime `home`, if that is another one.
pub(crate) async fn serve(mut stream: Stream, server: Arc<Server>, admitted: Admitted, home: Option<Handle>) {
    server.counters.connections_accepted.add();
    let limits = &server.limits;
    let until = Instant::now() + limits.handshake_timeout;
    let handshake_until = server.clock.now() + limits.handshake_timeout;
    let ended = match timeout_at(until, first_bytes(&mut stream)).await {
        Ok(Ok(MAGIC)) => {
            let mut connection = Connection::new(stream, server.clock, limits.write_timeout);
            let mut role = Callee::new(&server, &admitted, connection.outbox(), handshake_until);
            let ended = at_home(home.as_ref(), connection.run(&mut role)).await;
            if let Some(served) = &role.served {
                served.detach(admitted.id);
            }
            connection.close(&ended).await;
            ended
        }
        #[cfg(feature = "grpc")]
        Ok(Ok(begun @ grpc::PREFACE_BEGIN)) => {
            let ended = grpc::serve(stream, begun, &server, &admitted, until, home).await;
            ended.map_or(Ended::ByPeer, Ended::ByUs)
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

/// What a connection begins with.
async fn first_bytes(stream: &mut Stream) -> Result<[u8; MAGIC.len()], Ended> {
    let mut begins = [0; MAGIC.len()];
    match stream.read_exact(&mut begins).await {
        Ok(_bytes) => Ok(begins),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Ended::ByPeer),
        Err(error) => Err(Ended::Broken(error)),
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
    /// For the next handler: what one that ended in place leaves to the next call that came with it, since connections
    /// on several cores take permits from one place.
    permit: Option<OwnedSemaphorePermit>,
    /// Calls that were started since the last batch, and are not counted yet.
    executed: u64,
    /// Whether more has come together with the present frame.
    is_followed: bool,
    /// Whether the answers of this batch are gathered, to be sent together.
    gathers: bool,
}

impl Callee {
    fn new(server: &Arc<Server>, admitted: &Admitted, outbox: &Arc<Outbox>, handshake_until: Time) -> Callee {
        Callee {
            server: Arc::clone(server),
            connection: admitted.id,
            outbox: Arc::clone(outbox),
            served: None,
            unproved: None,
            described: false,
            handshake_until,
            spare: Spares::default(),
            permit: None,
            executed: 0,
            is_followed: false,
            gathers: false,
        }
    }

    /// The first frame: it binds the connection, once for ever (R26).
    fn bind(&mut self, frame: Frame, arrival: Arrival) -> ControlFlow<String> {
        let bound = match frame {
            Frame::Hello(hello) => match self.server.open(&hello, arrival, &self.outbox) {
                Ok(served) => {
                    self.unproved = hello.owner;
                    Ok(served)
                }
                Err(why) => {
                    let text = self.rejection_text(&why, &hello.interface);
                    Err((why, text))
                }
            },
            Frame::Attach(attach) => {
                let attached = self.server.attach(&attach, arrival, &self.outbox);
                attached.map_err(|why| (why, String::new()))
            }
            _ => return close("its first frame opens no session"),
        };
        match bound {
            Ok(served) => {
                self.served = Some(served);
                ControlFlow::Continue(())
            }
            Err((why, text)) => {
                self.say(&Frame::Reject(Reject { why, text }));
                close("its session was rejected")
            }
        }
    }

    fn rejection_text(&self, why: &Rejection, interface: &str) -> String {
        match why {
            Rejection::NoSuchExport => self.server.exports_text(interface),
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
        if self.permit.is_none() {
            self.permit = Arc::clone(&self.server.handlers).try_acquire_owned().ok();
        }
        match served.receive(arrival, &call.header, &call.arguments, self.permit.is_some()) {
            Received::Answered => {}
            Received::Close(why) => return close(why),
            Received::Run(started) => {
                self.executed += 1;
                let mut run = Run::new(served, call.header, started, self.permit.take());
                self.gathers |= self.is_followed;
                if self.gathers {
                    run.gather();
                }
                self.permit = run.begin(&call.arguments, &mut self.spare, arrival.now);
            }
            Received::Queue => {
                // Ends when a permit is free and the connection has room, which a closed one always has.
                sync::spawn(run_in_turn(Arc::clone(served), call, None));
            }
        }
        ControlFlow::Continue(())
    }

    /// A frame on the connection of a session.
    fn frame_of(&mut self, served: &Arc<Served>, frame: Frame, arrival: Arrival) -> ControlFlow<String> {
        if let Some(owner) = self.unproved.take() {
            self.server.supersede(owner, served.caller());
        }
        if self.outbox.pushes() > served.answers_max() {
            return close("it asks for more than it reads");
        }
        let done = match frame {
            Frame::Call(call) => return self.call(served, call, arrival),
            Frame::Cancel { id, recorded } => served.cancel(arrival, id, recorded),
            Frame::Ack(id) => served.ack(arrival, id),
            Frame::Item(Way::Up, item) => served.item(arrival, item),
            Frame::ItemAck(Way::Up, id, position) => served.item_ack(arrival, id, position),
            Frame::Ping => {
                let valid = served.renew(arrival);
                self.say(&Frame::Pong(Clock::as_callee(arrival.now)));
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
}

impl Role for Callee {
    fn frame(&mut self, frame: Frame, now: Time, is_followed: bool) -> ControlFlow<String> {
        let arrival = Arrival { connection: self.connection, now };
        let Some(served) = self.served.take() else {
            return self.bind(frame, arrival);
        };
        self.is_followed = is_followed;
        let flow = self.frame_of(&served, frame, arrival);
        self.served = Some(served);
        flow
    }

    fn handled(&mut self, _now: Time) -> ControlFlow<String> {
        // One that is not used is not kept either: a connection that rests would keep it from all others.
        self.permit = None;
        self.server.counters.calls_executed.add_many(std::mem::take(&mut self.executed));
        if std::mem::take(&mut self.gathers) {
            self.served.iter().for_each(|served| served.send_answers());
        }
        ControlFlow::Continue(())
    }

    fn tick(&mut self, now: Time) -> ControlFlow<String> {
        match &self.served {
            None if now >= self.handshake_until => close("it opened no session in time"),
            Some(served) if served.expire(self.connection, now) => close("the session's lease ran out"),
            Some(served) if !served.is_bound_to(self.connection) => close("the session has another connection"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn rest(&mut self) {
        self.spare = Spares::default();
        if let Some(served) = &self.served {
            served.rest();
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

#[cfg(all(test, interleave))]
mod interleave;
