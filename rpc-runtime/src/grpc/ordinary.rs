//! A call without a session: gRPC's own semantics. It runs in the task of its stream.
//!
//! A caller that resets the stream, or is gone, cancels it: the implementation's context says so, and its future is
//! nevertheless polled to its end, as that of a native call is (R16).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::Peer;
use super::items::Requests;
use super::opened;
use super::respond::Respond;
use super::routes::Route;
use super::shared::Busy;
use super::status::{Any, Status};
use super::stream::Asked;
use crate::context::{BesideReply, Context};
use crate::error::{CallError, Code};
use crate::executed::Executed;
use crate::handler::{Dispatched, Handler, Incoming, poll_handler, put_fault};
use crate::passing::LARGE_BYTES;
use crate::protocol::control::{Fault, FaultKind, Refusal};
use crate::protocol::frame::Status as Verdict;
use crate::protocol::time::Time;
use crate::queue::{Queue, queued_bytes};
use crate::server::Server;
use crate::spare;

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
    let dispatch = route.export.call(incoming);
    let (why, text) = match dispatch.0 {
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
pub(super) struct Run {
    pub(super) handler: Box<dyn Handler>,
    pub(super) context: Option<Context>,
    reply: Writer,
    pub(super) route: Route,
    pub(super) until: Time,
    pub(super) has_timeout: bool,
    _busy: Busy,
    _turn: Turn,
}

impl Run {
    /// Polls the handler once, in place. What has to wait goes on here, or at home.
    async fn begin(mut self, peer: &Arc<Peer>, respond: Respond) {
        let first =
            poll_fn(|cx| Poll::Ready(poll_handler(&mut self.handler, &mut self.context, cx, &mut self.reply))).await;
        match (first, &peer.home) {
            (Poll::Ready(Verdict::Opened), _) | (Poll::Pending, _) => {
                let rest = self.go_on(Arc::clone(&peer.server), respond, first);
                match &peer.home {
                    None => Box::pin(rest).await,
                    // Ends with the handler, which is dropped when the node cannot wait any longer.
                    Some(home) => drop(home.spawn(rest)),
                }
            }
            (Poll::Ready(verdict), _) => self.answer(verdict, &peer.server, Some(respond)).await,
        }
    }

    /// Polls the handler to its end, watching the caller, the deadline and the node.
    async fn go_on(mut self, server: Arc<Server>, respond: Respond, first: Poll<Verdict>) {
        let mut respond = Some(respond);
        if first.is_ready() {
            return Box::pin(opened::send(self, &server, respond)).await;
        }
        let mut aborting = std::pin::pin!(server.grpc.aborting());
        let until = server.clock.instant(self.until);
        loop {
            let Run { handler, context, reply, has_timeout, .. } = &mut self;
            tokio::select! {
                biased;
                verdict = poll_fn(|cx| poll_handler(handler, context, cx, reply)) => return match verdict {
                    Verdict::Opened => Box::pin(opened::send(self, &server, respond)).await,
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
        if let Some(mut respond) = respond {
            let beside = context.map(|context| context.take_beside_reply()).unwrap_or_default();
            match ended(verdict, &reply, &beside, &route, server) {
                Ok(()) if reply.len() >= LARGE_BYTES => respond.reply(&server.passing.count(&reply), &beside).await,
                Ok(()) => respond.reply(&reply, &beside).await,
                Err(status) => respond.fail(&status),
            }
        }
        spare::keep(reply);
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

/// The status of a call whose deadline has passed while it ran.
pub(super) fn late() -> Status {
    let unknown = Executed::Unknown { may_still_run: true };
    Status::new(Code::DeadlineExceeded, unknown, "the deadline passed while the call ran")
}

/// The status of a call that was refused.
pub(super) fn refused(why: Refusal, text: &str) -> Status {
    Status::from(&CallError::refused(why, text))
}

/// What the caller is told of a call that has ended: success, or a status.
pub(super) fn ended(
    verdict: Verdict,
    reply: &Writer,
    beside: &BesideReply,
    route: &Route,
    server: &Server,
) -> Result<(), Status> {
    let mut status = match verdict {
        Verdict::Value if reply.len() > server.limits.frame_bytes_max => {
            let text = format!("the reply of {} bytes exceeds `frame_bytes_max` of this node", reply.len());
            Status::new(Code::ResourceExhausted, Executed::Completed, text)
        }
        Verdict::Value if reply.len() >= LARGE_BYTES && server.passing.is_full() => {
            let text = "the call ran, but there is no room for its reply, which is lost";
            Status::new(Code::DataLoss, Executed::Completed, text)
        }
        Verdict::Value => return Ok(()),
        Verdict::Error => {
            let name = route.error_name().unwrap_or_default();
            let (code, text) = beside
                .error
                .clone()
                .unwrap_or_else(|| (Code::FailedPrecondition, format!("the method ended with its error `{name}`")));
            Status::new(code, Executed::Completed, text).with_detail(Any::new(&name, reply.to_vec().into()))
        }
        _ => {
            let fault = idl::from_slice::<Fault>(&reply.to_vec());
            let kind = fault.as_ref().map_or(FaultKind::Other, |fault| fault.kind);
            let error = fault.map(CallError::from_fault).unwrap_or_else(|_| CallError::failed("the call failed"));
            let mut status = Status::from(&error);
            if let (FaultKind::Failed, Some((code, _))) = (kind, &beside.error) {
                status.code = *code;
            }
            status
        }
    };
    status.trailer = beside.trailer.clone();
    Err(status)
}

/// The right to run, which a call that had to wait gives back with a note of how long it ran.
pub(super) struct Turn {
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

/// The point at which a wait ends.
pub(super) fn instant(server: &Server, until: Time) -> Instant {
    server.clock.instant(until)
}
