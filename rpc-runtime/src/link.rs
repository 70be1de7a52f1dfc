//! A binding's link to its exporter: where stubs put calls in and take results out, and where the link's task
//! (`dial.rs`) brings connections and answers. One lock guards it all.

mod calls;
mod session;
mod streams;

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use idl::Writer;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::context::inherited_deadline;
use crate::error::{CallError, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::interface::Method;
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::protocol::frame::{Frame, Status};
use crate::protocol::id::Incarnation;
use crate::protocol::time::Time;
use crate::stats::BindingCounters;
use crate::streaming::carried::Carried;
use crate::sync::{Mutex, MutexGuard, Notify};
pub(crate) use calls::{Body, CallKey, Reply};
use calls::{Call, Calls};

/// Of a shorter time each millisecond counts. A longer one may end up to 10 ms early, so that not each call reads a clock.
const EXACT_BELOW: Duration = Duration::from_secs(1);

/// Whether a binding's exporter can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkState {
    /// No connection has been made yet.
    Connecting,
    /// Calls reach this life of the exporter.
    Up(Incarnation),
    /// The exporter cannot be reached at present; the runtime goes on trying. The error says why.
    Down(CallError),
    /// The binding is pinned to a life of the exporter that has ended: see
    /// [`Binding::rebind`](crate::Binding::rebind).
    Broken(CallError),
    /// The node has shut down.
    Closed,
}

/// The calls of one binding.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) counters: BindingCounters,
    /// How long a call may take unless its method says otherwise; `Duration::MAX` for ever.
    call_timeout: Duration,
    is_pinned: bool,
    state: Mutex<Calls>,
    /// Notified when the task should look at the link, and no connection of its is there to be woken.
    woken: Notify,
    status: watch::Sender<LinkState>,
    /// Where calls go instead, if the binding is one to a gRPC server.
    #[cfg(feature = "grpc")]
    remote: Option<Arc<crate::grpc::Remote>>,
}

impl Link {
    /// A link without a connection. `is_named` says that a directory finds its exporter.
    pub(crate) fn new(clock: Clock, limits: Limits, call_timeout: Duration, is_pinned: bool, is_named: bool) -> Link {
        Link {
            clock,
            limits,
            counters: BindingCounters::default(),
            call_timeout,
            is_pinned,
            state: Mutex::new(Calls::new(is_named && !is_pinned)),
            woken: Notify::new(),
            status: watch::Sender::new(LinkState::Connecting),
            #[cfg(feature = "grpc")]
            remote: None,
        }
    }

    /// The same, to a gRPC server.
    #[cfg(feature = "grpc")]
    pub(crate) fn over_grpc(self, remote: Arc<crate::grpc::Remote>) -> Link {
        Link { remote: Some(remote), ..self }
    }

    /// The gRPC server that the binding is one to, and how long a call may take that is made now.
    #[cfg(feature = "grpc")]
    pub(crate) fn remote(&self, method: &Method) -> Option<(Arc<crate::grpc::Remote>, Duration)> {
        let remote = self.remote.as_ref()?;
        Some((Arc::clone(remote), method.timeout.unwrap_or(self.call_timeout)))
    }

    /// The future of a call to a gRPC server, if the binding is one to such; otherwise the arguments.
    #[cfg(feature = "grpc")]
    pub(crate) fn call_grpc(&self, method: &'static Method, arguments: Writer) -> Result<crate::grpc::Calling, Writer> {
        let Some(remote) = &self.remote else { return Err(arguments) };
        self.counters.calls.add();
        Ok(remote.call(method, arguments, self.timeout_of(method)))
    }

    /// How long a call that is made now may take.
    fn timeout_of(&self, method: &Method) -> Duration {
        let timeout = method.timeout.unwrap_or(self.call_timeout);
        let inherited = inherited_deadline().map(|at| at.saturating_duration_since(tokio::time::Instant::now()));
        inherited.map_or(timeout, |left| left.min(timeout))
    }

    /// Takes a call: sends it if a connection and a slot are there, otherwise it waits, unsent. `waker` is woken when its
    /// result is there; pending, unless it is there already.
    #[inline]
    pub(crate) fn submit(
        &self,
        method: &'static Method,
        arguments: Writer,
        waker: &Waker,
    ) -> Result<(CallKey, Poll<()>), CallError> {
        self.submit_with(method, arguments, None, waker)
    }

    fn submit_with(
        &self,
        method: &'static Method,
        arguments: Writer,
        streams: Option<Arc<Carried>>,
        waker: &Waker,
    ) -> Result<(CallKey, Poll<()>), CallError> {
        let timeout = self.timeout_of(method);
        let now = if timeout < EXACT_BELOW { self.clock.now() } else { self.clock.recent() };
        let deadline = now + timeout;
        let mut state = self.lock();
        if state.closed {
            return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down"));
        }
        if let Some(broken) = &state.broken {
            return Err(broken.clone());
        }
        if state.waiting.len() >= self.limits.waiting_max {
            let text = format!("{} calls wait already (`waiting_max`); make fewer at once", state.waiting.len());
            return Err(CallError::never(ErrorKind::Overload, text));
        }
        self.counters.calls.add_locked();
        let key = state.calls.insert(Call {
            method,
            message: arguments,
            large: None,
            streams,
            is_taken_up: false,
            is_open: false,
            deadline,
            timeout,
            sent: None,
            may_have_run: false,
            wanted: true,
            waker: Some(waker.clone()),
            result: None,
            settle: None,
        });
        state.waiting.push_back(key);
        // A call that is alone is written at once. Others follow each other, and are written together.
        let is_alone = state.calls.len() == 1;
        state.pump(is_alone);
        if deadline < state.earliest {
            state.earliest = deadline;
            self.wake(&state);
        }
        let ended = if state.calls[key].result.is_some() { Poll::Ready(()) } else { Poll::Pending };
        let written = state.connection.as_ref().filter(|_| is_alone).map(|connection| Arc::clone(&connection.outbox));
        drop(state);
        if let Some(outbox) = written {
            outbox.flush();
        }
        Ok((CallKey(key), ended))
    }

    /// The call's result, once it is there. After it the key is no longer good.
    pub(crate) fn poll_call(&self, key: CallKey, cx: &mut Context<'_>) -> Poll<Result<Reply, CallError>> {
        let mut state = self.lock();
        let call = &mut state.calls[key.0];
        let Some(result) = call.result.take() else {
            if !call.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                call.waker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        };
        if let Ok(Status::Opened) = result {
            return Poll::Ready(Ok(Reply::opened()));
        }
        let result = result.map(|status| call.reply(status));
        call.wanted = false;
        if call.sent.is_none() {
            state.calls.remove(key.0);
        }
        drop(state);
        if matches!(&result, Err(error) if matches!(error.executed(), Executed::Unknown { .. })) {
            self.counters.unknown.add();
        }
        Poll::Ready(result)
    }

    /// The stub no longer waits (R16): what was not sent is taken back, what was sent is cancelled and keeps its
    /// slot until the verdict.
    pub(crate) fn give_up(&self, key: CallKey) {
        let mut state = self.lock();
        let call = &mut state.calls[key.0];
        call.wanted = false;
        call.waker = None;
        match call.sent {
            Some((id, _)) => state.cancel(id),
            None => {
                state.waiting.retain(|waiting| *waiting != key.0);
                state.calls.remove(key.0);
            }
        }
    }

    /// Ends the binding: nobody holds its stub any more, or its node shuts down.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let shutdown = |executed| CallError::new(ErrorKind::Shutdown, executed, "this node has shut down");
        state.fail_waiting(&shutdown(Executed::Never));
        if let Some(connection) = state.connection.take() {
            connection.outbox.push(|frames| frames.put(&Frame::Close));
            connection.outbox.close();
        }
        state.end_session(&shutdown(MAY_STILL_RUN), false);
        self.woken.notify_one();
        self.tell(LinkState::Closed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets a pinned binding whose exporter has ended go on with the next one.
    pub(crate) fn rebind(&self) {
        let mut state = self.lock();
        if state.broken.take().is_some() {
            state.pinned_to = None;
            self.tell(LinkState::Connecting);
        }
    }

    /// Whether the exporter can be reached, and changes of that.
    pub(crate) fn status(&self) -> watch::Receiver<LinkState> {
        self.status.subscribe()
    }

    /// What the link is from now on. It is kept also while nobody listens, for who subscribes later.
    pub(crate) fn tell(&self, state: LinkState) {
        if planted(Bug::LateSubscriberMisses) {
            let _ = self.status.send(state); // M21: without a listener nothing is kept.
            return;
        }
        self.status.send_replace(state);
    }

    /// How much this binding asks of `callee`: for the choice among instances.
    pub(crate) fn load(&self, callee: Incarnation) -> usize {
        let state = self.lock();
        let session = state.session.as_ref().filter(|session| session.incarnation == callee);
        session.map_or(0, |session| 1 + session.calls.unresolved())
    }

    /// Calls that it keeps something of.
    #[cfg(verify)]
    pub(crate) fn calls_open(&self) -> usize {
        self.lock().calls.len()
    }

    /// Ends what is due by `now`: calls past their deadline, acks that are owed.
    pub(crate) fn tick(&self, now: Time) {
        let mut state = self.lock();
        if now >= state.earliest {
            state.expire(now);
        }
        let state = &mut *state;
        if let (Some(session), Some(connection)) = (&mut state.session, &state.connection) {
            let acks = session.calls.due_acks(now);
            if !acks.is_empty() {
                connection.outbox.push(|frames| acks.into_iter().for_each(|id| frames.put(&Frame::Ack(id))));
            }
        }
    }

    /// When [`tick`](Link::tick) has something to do.
    pub(crate) fn tick_at(&self) -> Time {
        let state = self.lock();
        let ack = match (&state.session, &state.connection) {
            (Some(session), Some(_)) => session.calls.ack_at().unwrap_or(Time::NEVER),
            _ => Time::NEVER,
        };
        state.earliest.min(ack)
    }

    /// Waits until the link is to be looked at: a call with an earlier deadline, a rebind, the end.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Wakes the task, wherever it waits.
    fn wake(&self, state: &Calls) {
        match &state.connection {
            Some(connection) => connection.outbox.push(|_| ()),
            None => self.woken.notify_one(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Wakers are called under the lock; those of tokio only schedule. What it guards is consistent at
        // every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, interleave))]
pub(crate) mod interleave;
