//! One run of a call: from the server stub over the implementation's future to the end that the session records. It
//! begins in place, goes on in a task of its own if it has to wait, or waits for its turn first.

#[cfg(feature = "grpc")]
mod foreign;

use std::borrow::Borrow;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use bytes::Bytes;
use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;

use crate::context::{Beside, Context};
use crate::handler::{Dispatched, Handler, Incoming, poll_handler, put_fault};
use crate::protocol::control::{FaultKind, Refusal};
use crate::protocol::frame::{Call, CallHeader, Status};
use crate::protocol::time::Time;
use crate::served::{EndedRun, RunId, Served, Started};
use crate::streaming::carried::{Carried, Inbound};
use crate::sync::spawn;
#[cfg(feature = "grpc")]
pub(crate) use foreign::Opened;

/// Arguments of a queued call up to this size are copied out of the buffer that they came in.
const COPIED_BYTES_MAX: usize = 16 * 1024;
/// Handlers that a connection keeps to be refilled.
const SPARE_HANDLERS: usize = 64;

/// One run of a recorded or unrecorded call. Dropping it before its end records that it was aborted (R7).
///
/// What ends in place borrows the session.
pub(crate) struct Run<S: Borrow<Arc<Served>> = Arc<Served>> {
    served: S,
    call: CallHeader,
    run: RunId,
    /// Lent to each step of the implementation; gone after the end.
    context: Option<Context>,
    reply: Writer,
    permit: Option<OwnedSemaphorePermit>,
    /// When a queued call got its turn.
    turn_at: Option<Time>,
    /// What the call takes or gives as streams.
    streams: Option<Arc<Carried>>,
    /// Whether its answer waits for [`Served::send_answers`], as others do.
    gathers: bool,
    has_ended: bool,
}

impl<'a> Run<&'a Arc<Served>> {
    /// The run of a call that the session has started.
    #[inline]
    pub(crate) fn new(
        served: &'a Arc<Served>,
        call: CallHeader,
        started: Started,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Run<&'a Arc<Served>> {
        let Started { run, context, reply, streams } = started;
        // A stream may live for long: its bound is another one.
        let permit = permit.filter(|_| streams.is_none());
        Run {
            served,
            call,
            run,
            context: Some(context),
            reply,
            permit,
            turn_at: None,
            streams,
            gathers: false,
            has_ended: false,
        }
    }

    /// Its answer, if it ends in place, waits for [`Served::send_answers`].
    #[inline]
    pub(crate) fn gather(&mut self) {
        self.gathers = true;
    }

    /// Runs the call in place as far as it goes, from `now` on; what has to wait goes on in a task of its own. Gives the
    /// permit back if the run has ended.
    pub(crate) fn begin(&mut self, arguments: &Bytes, spare: &mut Spares, now: Time) -> Option<OwnedSemaphorePermit> {
        let mut incoming = Incoming::new(self.call.method, arguments, spare.take(self.call.method));
        if let Some(streams) = self.streams.as_ref().filter(|streams| streams.receives()) {
            incoming = incoming.with_items(Box::new(Inbound(Arc::clone(streams))));
        }
        self.begin_with(incoming, spare, now)
    }

    #[inline]
    fn begin_with(&mut self, incoming: Incoming<'_>, spare: &mut Spares, now: Time) -> Option<OwnedSemaphorePermit> {
        if self.streams.is_some() && !self.served.has_place(self.call.id) {
            let ended = self.ended(now);
            self.served.refuse(&self.call, ended, Refusal::Overload, "");
            return None;
        }
        let dispatched = self.served.export().call(incoming);
        let Some(mut handler) = self.dispatched(dispatched, now) else {
            return self.permit.take();
        };
        let mut in_place = task::Context::from_waker(Waker::noop());
        match poll_handler(&mut handler, &mut self.context, &mut in_place, &mut self.reply) {
            Poll::Ready(Status::Opened) => self.go_on_as(|run| run.carry(handler)),
            Poll::Pending => self.go_on_as(|run| run.go_on(handler)),
            Poll::Ready(status) => {
                spare.keep(self.call.method, handler);
                let permit = self.permit.take();
                self.finish(status, now);
                return permit;
            }
        }
        None
    }

    /// Goes on in a task of its own.
    #[inline(never)]
    fn go_on_as<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Run) -> F) {
        let (served, run) = (self.served, self.run);
        // Ends with the handler, or with its stream; a runtime that shuts down drops it, which records its end.
        let task = spawn(task(self.owned()));
        served.can_abort(run, task);
    }

    /// The same as a run that borrows nothing. What is left behind is no run any more.
    fn owned(&mut self) -> Run {
        let has_ended = std::mem::replace(&mut self.has_ended, true);
        Run {
            served: Arc::clone(self.served),
            call: self.call,
            run: self.run,
            context: self.context.take(),
            reply: std::mem::take(&mut self.reply),
            permit: self.permit.take(),
            turn_at: self.turn_at.take(),
            streams: self.streams.take(),
            gathers: false,
            has_ended,
        }
    }
}

impl Run {
    async fn go_on(mut self, mut handler: Box<dyn Handler>) {
        let status = poll_fn(|cx| poll_handler(&mut handler, &mut self.context, cx, &mut self.reply)).await;
        if status == Status::Opened {
            return self.carry(handler).await;
        }
        let now = self.served.server().clock.now();
        self.finish(status, now);
    }

    /// Sends the stream that the call has opened. Its end comes when the caller has consumed it (R35), or has lost interest.
    async fn carry(mut self, mut handler: Box<dyn Handler>) {
        let items = handler.items();
        let (Some(mut items), Some(streams)) = (items, self.streams.clone()) else {
            return;
        };
        drop(handler);
        #[cfg(feature = "grpc")]
        if self.served.is_foreign() {
            return self.hand_over(items);
        }
        self.served.opened(self.call.id);
        let context = &mut self.context;
        let has_ended = streams.produce(&mut *items, |items, cx| Context::enter(context, || items.poll_next(cx))).await;
        Context::enter(context, || drop(items));
        let status = if has_ended && streams.delivered().await {
            Status::Value
        } else {
            put_fault(&mut self.reply, FaultKind::Aborted, "the caller has cancelled the stream")
        };
        let now = self.served.server().clock.now();
        self.finish(status, now);
    }
}

impl<S: Borrow<Arc<Served>>> Run<S> {
    #[inline]
    fn finish(&mut self, status: Status, now: Time) {
        let (ended, reply) = (self.ended(now), std::mem::take(&mut self.reply));
        self.served.borrow().finish(&self.call, ended, status, reply);
    }

    fn ended(&mut self, now: Time) -> EndedRun {
        self.has_ended = true;
        EndedRun { run: self.run, context: self.context.take(), now, gathers: self.gathers }
    }

    /// The handler, if the call can be run at all.
    fn dispatched(&mut self, dispatched: Dispatched, now: Time) -> Option<Box<dyn Handler>> {
        let (why, text) = match dispatched {
            Dispatched::Run(handler) => return Some(handler),
            Dispatched::UnknownMethod => (Refusal::UnknownMethod, String::new()),
            Dispatched::Undecodable(error) => {
                (Refusal::Undecodable, format!("the exporter cannot decode the arguments: {error}"))
            }
        };
        let ended = self.ended(now);
        self.served.borrow().refuse(&self.call, ended, why, &text);
        None
    }
}

impl<S: Borrow<Arc<Served>>> Drop for Run<S> {
    #[inline]
    fn drop(&mut self) {
        if self.turn_at.is_some() || !self.has_ended {
            self.dropped();
        }
    }
}

impl<S: Borrow<Arc<Served>>> Run<S> {
    /// The end of one that had to wait for its turn, or has not come to its end.
    #[cold]
    fn dropped(&mut self) {
        let served: &Arc<Served> = self.served.borrow();
        let served = Arc::clone(served);
        let server = served.server();
        if let Some(turn_at) = self.turn_at {
            server.queue.ran(server.clock.now().since(turn_at));
        }
        if !self.has_ended {
            let now = server.clock.now();
            let mut reply = std::mem::take(&mut self.reply);
            let text = match self.streams {
                Some(_) if server.is_draining() => "the exporter has shut down before the end of the stream",
                _ => "the implementation was dropped before its end",
            };
            let status = put_fault(&mut reply, FaultKind::Aborted, text);
            let ended = self.ended(now);
            served.finish(&self.call, ended, status, reply);
        }
    }
}

/// A queued call: waits for a permit and for room in the connection's buffer, and is checked again (R30).
pub(crate) async fn run_in_turn(served: Arc<Served>, mut call: Call, beside: Option<Beside>) {
    if call.arguments.len() < COPIED_BYTES_MAX {
        // A slice would keep the whole buffer that it was read into.
        call.arguments = Bytes::copy_from_slice(&call.arguments);
    }
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
        full.room(served.server().limits.out_bytes_max).await;
    };
    let Some(started) = served.start_queued(&call.header, &call.arguments) else {
        return;
    };
    if let Some(beside) = beside {
        started.context.clone().with_beside(beside);
    }
    let now = served.server().clock.now();
    let mut run = Run::new(&served, call.header, started, Some(permit));
    run.turn_at = Some(now);
    run.begin(&call.arguments, &mut Spares::default(), now);
}

/// Handlers that have ended, by method, to be refilled.
#[derive(Default)]
pub(crate) struct Spares {
    /// A connection calls few methods, as a rule one after another.
    by_method: Vec<(u32, Vec<Box<dyn Handler>>)>,
    count: usize,
}

impl Spares {
    fn take(&mut self, method: u32) -> Option<Box<dyn Handler>> {
        let handler = self.of_method(method)?.pop()?;
        self.count -= 1;
        Some(handler)
    }

    fn keep(&mut self, method: u32, handler: Box<dyn Handler>) {
        if self.count >= SPARE_HANDLERS {
            return;
        }
        match self.of_method(method) {
            Some(handlers) => handlers.push(handler),
            None => self.by_method.push((method, vec![handler])),
        }
        self.count += 1;
    }

    fn of_method(&mut self, method: u32) -> Option<&mut Vec<Box<dyn Handler>>> {
        self.by_method.iter_mut().find_map(|(of, handlers)| (*of == method).then_some(handlers))
    }
}
