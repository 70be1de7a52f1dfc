//! A call without a session: gRPC's own semantics. It begins where its stream is served, and goes on in a task of its own if the
//! implementation has to wait.
//!
//! A caller that resets the stream, or is gone, cancels it: the implementation's context says so, and its future is
//! nevertheless polled to its end, as that of a native call is (R16).

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep_until, timeout};

use super::connection::Peer;
use super::ended::{answer, late, refused};
use super::items::Requests;
use super::opened::Opened;
use super::respond::Respond;
use super::routes::Route;
use super::shared::Busy;
use super::stream::Asked;
use crate::context::Context;
use crate::handler::{Dispatched, Handler, Incoming, poll_handler, put_fault};
use crate::protocol::control::{FaultKind, Refusal};
use crate::protocol::frame::Status as Verdict;
use crate::protocol::time::Time;
use crate::queue::{Queue, queued_bytes};
use crate::server::Server;
use crate::spare;
use crate::task::spawn;

/// Runs the call and answers it.
pub(super) async fn serve(asked: Asked, mut respond: Respond) {
    let server = Arc::clone(&asked.peer.server);
    let busy = Busy::new(&server);
    let turn = match turn(&asked).await {
        Ok(turn) => turn,
        Err(why) => {
            server.counters.calls_refused.add();
            return respond.fail(&refused(why, ""));
        }
    };
    let Asked { peer, route, arguments, items, beside, until, has_timeout } = asked;
    let context = Some(Context::new(server.clock, until, peer.caller).with_beside(beside));
    let mut incoming = Incoming::new(route.method.id, &arguments, None);
    if let Some(items) = items {
        incoming = incoming.with_items(Box::new(Requests(items)));
    }
    let (why, text) = match route.export.call(incoming) {
        Dispatched::Run(handler) => {
            server.counters.calls_executed.add();
            let run =
                Run { handler, context, reply: spare::writer(), route, until, has_timeout, _busy: busy, _turn: turn };
            return run.begin(&peer, respond).await;
        }
        Dispatched::UnknownMethod => (Refusal::UnknownMethod, String::new()),
        Dispatched::Undecodable(error) => {
            (Refusal::Undecodable, format!("the exporter cannot decode the arguments: {error}"))
        }
    };
    server.counters.calls_refused.add();
    respond.fail(&refused(why, &text));
}

/// A call that has started.
struct Run {
    handler: Box<dyn Handler>,
    context: Option<Context>,
    reply: Writer,
    route: Route,
    until: Time,
    has_timeout: bool,
    _busy: Busy,
    _turn: Turn,
}

impl Run {
    /// Polls the handler once, in place. What has to wait goes on in a task of its own.
    async fn begin(mut self, peer: &Arc<Peer>, respond: Respond) {
        let first =
            poll_fn(|cx| Poll::Ready(poll_handler(&mut self.handler, &mut self.context, cx, &mut self.reply))).await;
        match first {
            // Ends with the handler, which is dropped when the node cannot wait any longer.
            Poll::Ready(Verdict::Opened) | Poll::Pending => {
                drop(spawn(self.go_on(Arc::clone(&peer.server), respond, first)));
            }
            Poll::Ready(verdict) => self.answer(verdict, &peer.server, Some(respond)).await,
        }
    }

    /// Polls the handler to its end, watching the caller, the deadline and the node.
    async fn go_on(mut self, server: Arc<Server>, respond: Respond, first: Poll<Verdict>) {
        let mut respond = Some(respond);
        if first.is_ready() {
            return Box::pin(self.send_opened(&server, respond)).await;
        }
        let mut aborting = std::pin::pin!(server.grpc.aborting());
        let until = server.clock.instant(self.until);
        loop {
            let Run { handler, context, reply, has_timeout, .. } = &mut self;
            tokio::select! {
                biased;
                verdict = poll_fn(|cx| poll_handler(handler, context, cx, reply)) => return match verdict {
                    Verdict::Opened => Box::pin(self.send_opened(&server, respond)).await,
                    verdict => self.answer(verdict, &server, respond).await,
                },
                () = gone(&mut respond) => {
                    cancel(context);
                    respond = None;
                }
                () = sleep_until(until), if *has_timeout && respond.is_some() => {
                    cancel(context);
                    if let Some(mut respond) = respond.take() {
                        respond.fail(&late());
                    }
                }
                () = &mut aborting => {
                    self.reply.clear();
                    let text = "the implementation was dropped before its end";
                    let verdict = put_fault(&mut self.reply, FaultKind::Aborted, text);
                    return self.answer(verdict, &server, respond).await;
                }
            }
        }
    }

    async fn answer(self, verdict: Verdict, server: &Server, respond: Option<Respond>) {
        let Run { context, reply, route, .. } = self;
        if let Some(respond) = respond {
            let beside = context.map(|context| context.take_beside_reply()).unwrap_or_default();
            answer(verdict, &reply, &beside, &route, server, respond).await;
        }
        spare::keep(reply);
    }

    /// Sends the stream that the method has opened.
    async fn send_opened(mut self, server: &Arc<Server>, respond: Option<Respond>) {
        let Some(items) = self.handler.items() else { return };
        let until = self.has_timeout.then_some(self.until);
        let opened = Opened { items, context: &mut self.context, until };
        opened.send(server, respond, pending()).await.tell(&self.route, server);
    }
}

/// Tells the implementation that nobody waits. Between its steps the context is there.
pub(super) fn cancel(context: &Option<Context>) {
    if let Some(context) = context {
        context.cancel();
    }
}

/// Ends when the caller has reset the stream; never without one.
async fn gone(respond: &mut Option<Respond>) {
    match respond {
        Some(respond) => poll_fn(|cx| respond.poll_gone(cx)).await,
        None => std::future::pending().await,
    }
}

/// The right to run, which a call that had to wait gives back with a note of how long it ran.
struct Turn {
    _permit: OwnedSemaphorePermit,
    /// Of a call with streams: the right of its connection.
    _stream: Option<OwnedSemaphorePermit>,
    queued: Option<(Arc<Server>, Time)>,
}

impl Turn {
    /// A stream may live for long, so it waits for no turn and takes none from others.
    fn of_streams(peer: &Peer) -> Result<Turn, Refusal> {
        let mine = Arc::clone(&peer.streams).try_acquire_owned();
        let ours = Arc::clone(&peer.server.streams).try_acquire_owned();
        match (ours, mine) {
            (Ok(ours), Ok(mine)) => Ok(Turn { _permit: ours, _stream: Some(mine), queued: None }),
            _ => Err(Refusal::Overload),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((server, since)) = &self.queued {
            server.queue.ran(server.clock.now().since(*since));
        }
    }
}

/// Waits for a handler's place, and asks again whether the call may run (R30).
async fn turn(asked: &Asked) -> Result<Turn, Refusal> {
    let server = &asked.peer.server;
    standing_refusal(asked)?;
    if asked.route.method.has_streams() {
        return Turn::of_streams(&asked.peer);
    }
    if let Ok(permit) = Arc::clone(&server.handlers).try_acquire_owned() {
        return Ok(Turn { _permit: permit, _stream: None, queued: None });
    }
    Box::pin(queued(asked)).await
}

/// Waits in the queue, if there is room.
async fn queued(asked: &Asked) -> Result<Turn, Refusal> {
    let server = &asked.peer.server;
    let left = asked.until.since(server.clock.now());
    let bytes = queued_bytes(&asked.arguments);
    if !server.queue.has_room(bytes) || server.queue.expected_wait() > left / 2 {
        return Err(Refusal::Overload);
    }
    let permit = {
        let _queued = Queued::join(&server.queue, bytes);
        timeout(left, Arc::clone(&server.handlers).acquire_owned()).await.map_err(|_elapsed| Refusal::Late)?
    };
    standing_refusal(asked)?;
    // The semaphore is never closed.
    let permit = permit.map_err(|_closed| Refusal::Draining)?;
    Ok(Turn { _permit: permit, _stream: None, queued: Some((Arc::clone(server), server.clock.now())) })
}

/// A refusal that holds for every new call (row 10).
fn standing_refusal(asked: &Asked) -> Result<(), Refusal> {
    asked.peer.server.standing_refusal(&asked.route.export).map_or(Ok(()), Err)
}

/// A place in the queue; it is left when this is dropped.
struct Queued<'a> {
    queue: &'a Queue,
    bytes: usize,
}

impl<'a> Queued<'a> {
    fn join(queue: &'a Queue, bytes: usize) -> Queued<'a> {
        queue.join(bytes);
        Queued { queue, bytes }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.bytes);
    }
}
