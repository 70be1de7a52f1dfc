//! A binding's calls: those that wait, those that were sent, and those that are settled, with the session that
//! they belong to, under one lock.
//!
//! The stubs put calls in and take results out; the link's task (`dial.rs`) brings connections and answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use idl::{MethodKind, Writer};
use slab::Slab;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::context::inherited_deadline;
use crate::error::{CallError, ErrorKind, Executed};
use crate::interface::Method;
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::protocol::caller::{Caller, Farewell, Matched, Resend};
use crate::protocol::control::{Attach, Goodbye, Refusal, Refused, Welcome};
use crate::protocol::frame::{Answer, CALL_HEADER_BYTES, CallHeader, Frame, LENGTH_BYTES, Status};
use crate::protocol::id::{CallId, Epoch, Incarnation, SessionId, Token};
use crate::protocol::time::{CalleeTime, ClockReading, Time};
use crate::receipt::{Receipt, Settle};
use crate::stats::BindingCounters;

const MAY_STILL_RUN: Executed = Executed::Unknown {
    may_still_run: true,
};

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
    state: Mutex<State>,
    /// Notified when the task should look at the link, and no connection of its is there to be woken.
    woken: Notify,
    status: watch::Sender<LinkState>,
}

#[derive(Debug)]
struct State {
    calls: Slab<Call>,
    /// Calls of which nothing was sent in the present session, in the order in which they are sent.
    waiting: VecDeque<usize>,
    session: Option<OpenSession>,
    connection: Option<Attached>,
    /// No call's deadline is earlier.
    earliest: Time,
    last_failure: Option<CallError>,
    /// The life that a pinned binding belongs to.
    pinned_to: Option<Incarnation>,
    /// The largest epoch seen: a lower one is of a holder that was replaced (R17).
    epoch: Option<Epoch>,
    broken: Option<CallError>,
    closed: bool,
}

/// A session as its caller knows it.
#[derive(Debug)]
struct OpenSession {
    incarnation: Incarnation,
    id: SessionId,
    token: Token,
    lease: Duration,
    frame_bytes_max: usize,
    calls: Caller<usize>,
    /// The callee takes no new calls: it is draining, or withdrew the interface.
    is_leaving: bool,
    heard: Time,
}

/// The connection that the session is bound to.
#[derive(Debug)]
struct Attached {
    outbox: Arc<Outbox>,
    reading: ClockReading,
}

/// One call, from its stub's first poll to its verdict.
#[derive(Debug)]
struct Call {
    method: &'static Method,
    request: Writer,
    deadline: Time,
    timeout: Duration,
    /// The call's name in the present session, from the moment that its first byte may have left.
    sent: Option<(CallId, CalleeTime)>,
    /// An idempotent call that was sent in a session that was lost: it may have run there (I16).
    may_have_run: bool,
    /// Whether the stub still waits.
    wanted: bool,
    waker: Option<Waker>,
    result: Option<Result<Reply, CallError>>,
    settle: Option<Settle>,
}

/// A call's final answer, not yet decoded.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    pub(crate) body: Bytes,
}

/// Where a call stands among its link's calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallKey(usize);

impl Link {
    pub(crate) fn new(
        clock: Clock,
        limits: Limits,
        call_timeout: Duration,
        is_pinned: bool,
    ) -> Link {
        Link {
            clock,
            limits,
            counters: BindingCounters::default(),
            call_timeout,
            is_pinned,
            state: Mutex::new(State {
                calls: Slab::new(),
                waiting: VecDeque::new(),
                session: None,
                connection: None,
                earliest: Time::NEVER,
                last_failure: None,
                pinned_to: None,
                epoch: None,
                broken: None,
                closed: false,
            }),
            woken: Notify::new(),
            status: watch::Sender::new(LinkState::Connecting),
        }
    }

    /// Takes a call: sends it if a connection and a slot are there, otherwise it waits, unsent.
    pub(crate) fn submit(
        &self,
        method: &'static Method,
        request: Writer,
    ) -> Result<CallKey, CallError> {
        let now = self.clock.now();
        let timeout = method.timeout.unwrap_or(self.call_timeout);
        let inherited = inherited_deadline()
            .map(|at| at.saturating_duration_since(tokio::time::Instant::now()));
        let timeout = inherited.map_or(timeout, |left| left.min(timeout));
        let deadline = now + timeout;
        let mut state = self.lock();
        if state.closed {
            return Err(CallError::never(
                ErrorKind::Shutdown,
                "this node has shut down",
            ));
        }
        if let Some(broken) = &state.broken {
            return Err(broken.clone());
        }
        if state.waiting.len() >= self.limits.waiting_max {
            let text = format!(
                "{} calls wait already (`waiting_max`); make fewer at once",
                state.waiting.len()
            );
            return Err(CallError::never(ErrorKind::Overload, text));
        }
        self.counters.calls.add();
        let key = state.calls.insert(Call {
            method,
            request,
            deadline,
            timeout,
            sent: None,
            may_have_run: false,
            wanted: true,
            waker: None,
            result: None,
            settle: None,
        });
        state.waiting.push_back(key);
        state.pump();
        if deadline < state.earliest {
            state.earliest = deadline;
            self.wake(&state);
        }
        Ok(CallKey(key))
    }

    /// The call's result, once it is there. After it the key is no longer good.
    pub(crate) fn poll_call(
        &self,
        key: CallKey,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, CallError>> {
        let mut state = self.lock();
        let call = &mut state.calls[key.0];
        let Some(result) = call.result.take() else {
            if !call
                .waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()))
            {
                call.waker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        };
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
        let shutdown =
            |executed| CallError::new(ErrorKind::Shutdown, executed, "this node has shut down");
        state.fail_waiting(&shutdown(Executed::Never));
        if let Some(connection) = state.connection.take() {
            connection.outbox.push(|frames| frames.put(&Frame::Close));
            connection.outbox.close();
        }
        state.end_session(&shutdown(MAY_STILL_RUN), false);
        self.woken.notify_one();
        self.status.send_replace(LinkState::Closed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets a pinned binding whose exporter has ended go on with the next one.
    pub(crate) fn rebind(&self) {
        let mut state = self.lock();
        if state.broken.take().is_some() {
            state.pinned_to = None;
            self.status.send_replace(LinkState::Connecting);
        }
    }

    /// Whether the exporter can be reached, and changes of that.
    pub(crate) fn status(&self) -> watch::Receiver<LinkState> {
        self.status.subscribe()
    }

    /// How much this binding asks of `callee`: for the choice among instances.
    pub(crate) fn load(&self, callee: Incarnation) -> usize {
        let state = self.lock();
        let session = state
            .session
            .as_ref()
            .filter(|session| session.incarnation == callee);
        session.map_or(0, |session| 1 + session.calls.unresolved())
    }

    /// The `Attach` for the session, if there is one: each with a larger number than any before (R27).
    pub(crate) fn next_attach(&self) -> Option<Attach> {
        let mut state = self.lock();
        let session = state.session.as_mut()?;
        Some(Attach {
            incarnation: session.incarnation,
            session: session.id,
            token: session.token,
            number: session.calls.next_attach(),
        })
    }

    /// The callee's life that the session belongs to.
    pub(crate) fn session_with(&self) -> Option<Incarnation> {
        self.lock()
            .session
            .as_ref()
            .map(|session| session.incarnation)
    }

    /// The life that a pinned binding waits for.
    pub(crate) fn pinned_to(&self) -> Option<Incarnation> {
        self.lock().pinned_to
    }

    /// Whether a pinned binding waits for [`rebind`](Link::rebind).
    pub(crate) fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    /// The callee opened a session: calls go out on `outbox`. False if its registration is older than one seen
    /// before (R17).
    pub(crate) fn welcomed(&self, welcome: &Welcome, outbox: &Arc<Outbox>) -> bool {
        let now = self.clock.now();
        let mut state = self.lock();
        if let (Some(epoch), Some(seen)) = (welcome.epoch, state.epoch)
            && epoch < seen
        {
            return false;
        }
        state.epoch = welcome.epoch.or(state.epoch);
        if self.is_pinned {
            state.pinned_to = Some(welcome.incarnation);
        }
        state.session = Some(OpenSession {
            incarnation: welcome.incarnation,
            id: welcome.session,
            token: welcome.token,
            lease: welcome.lease,
            frame_bytes_max: welcome.frame_bytes_max as usize,
            calls: Caller::new(welcome.slots.max(1)),
            is_leaving: false,
            heard: now,
        });
        self.counters.sessions.add();
        self.connected(&mut state, welcome.clock, now, outbox, welcome.incarnation);
        true
    }

    /// The callee bound the session to this connection: every unresolved call is sent again, unchanged, and in
    /// the same step new ones are let through (R27).
    pub(crate) fn attached(&self, clock: u64, outbox: &Arc<Outbox>) {
        let now = self.clock.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(session) = &mut state.session else {
            return;
        };
        session.heard = now;
        let incarnation = session.incarnation;
        outbox.push(|frames| {
            for (id, resend) in session.calls.resend() {
                match resend {
                    Resend::Cancel { recorded } => frames.put(&Frame::Cancel { id, recorded }),
                    Resend::Call(key) => {
                        let call = &state.calls[*key];
                        let start_before = call
                            .sent
                            .map_or(CalleeTime::NEVER, |(_, start_before)| start_before);
                        frames.put_call(&call.header(id, start_before), &call.request);
                        self.counters.resent.add();
                    }
                }
            }
        });
        self.connected(state, clock, now, outbox, incarnation);
    }

    fn connected(
        &self,
        state: &mut State,
        clock: u64,
        now: Time,
        outbox: &Arc<Outbox>,
        callee: Incarnation,
    ) {
        let reading = ClockReading::new(CalleeTime(clock), now);
        state.connection = Some(Attached {
            outbox: Arc::clone(outbox),
            reading,
        });
        state.last_failure = None;
        state.pump();
        if state.closed {
            outbox.close();
        }
        self.counters.connects.add();
        self.status.send_replace(LinkState::Up(callee));
    }

    /// The connection was lost. Session and calls stay; what the old connection still delivers is dropped.
    pub(crate) fn detached(&self, error: CallError) {
        let mut state = self.lock();
        state.connection = None;
        self.down(&mut state, error);
    }

    /// An attempt to reach the callee failed.
    pub(crate) fn failed(&self, error: CallError) {
        self.down(&mut self.lock(), error);
    }

    fn down(&self, state: &mut State, error: CallError) {
        state.last_failure = Some(error.clone());
        if !state.closed && state.broken.is_none() {
            self.status.send_replace(LinkState::Down(error));
        }
    }

    /// The session has ended, and with it what can be known of its calls: they end with `error`; idempotent
    /// ones wait for the next session. A pinned binding breaks if the exporter's life has ended.
    pub(crate) fn end_session(&self, error: &CallError) {
        let mut state = self.lock();
        state.end_session(error, true);
        state.connection = None;
    }

    /// A pinned binding's exporter has another life now.
    pub(crate) fn break_pinned(&self) {
        let text = "the exporter has another incarnation and the binding is pinned; call `rebind` to go on with the new one";
        let error = CallError::never(ErrorKind::IncarnationChanged, text);
        let mut state = self.lock();
        state.broken = Some(error.clone());
        state.fail_waiting(&error);
        self.status.send_replace(LinkState::Broken(error));
    }

    /// Whether nothing was heard for so long that the callee has let the session go.
    pub(crate) fn lease_has_ended(&self) -> bool {
        let now = self.clock.now();
        let state = self.lock();
        state
            .session
            .as_ref()
            .is_some_and(|session| now.since(session.heard) > session.lease)
    }

    /// An answer came on the session's connection. `Err` closes the session: the two sides disagree.
    pub(crate) fn answer(&self, answer: Answer, now: Time) -> Result<(), CallError> {
        let mut state = self.lock();
        let matched = state.session.as_mut().map(|session| {
            session.heard = now;
            session.calls.answer(&answer.header, answer.body.len(), now)
        });
        if let Some(connection) = &mut state.connection {
            connection.reading = ClockReading::new(answer.header.clock, now);
        }
        match matched {
            Some(Matched::Settled(key)) => {
                state.settle(
                    key,
                    Reply {
                        status: answer.header.status,
                        body: answer.body,
                    },
                    now,
                );
                state.pump();
            }
            Some(Matched::Broken) => {
                let text = "the exporter knows the call's slot as used by another call; this is a defect of this library";
                let error = CallError::new(ErrorKind::SessionLost, MAY_STILL_RUN, text);
                state.end_session(&error, true);
                return Err(error);
            }
            Some(Matched::Working | Matched::Nothing) | None => {}
        }
        Ok(())
    }

    /// The callee's clock came in.
    pub(crate) fn heard(&self, clock: CalleeTime, now: Time) {
        let mut state = self.lock();
        if let Some(session) = &mut state.session {
            session.heard = now;
        }
        if let Some(connection) = &mut state.connection {
            connection.reading = ClockReading::new(clock, now);
        }
    }

    /// Asks whether the callee is there.
    pub(crate) fn ping(&self) {
        if let Some(connection) = &self.lock().connection {
            connection.outbox.push(|frames| frames.put(&Frame::Ping));
        }
    }

    /// The callee is leaving (R31). From its final goodbye follows what became of every call.
    pub(crate) fn goodbye(&self, goodbye: &Goodbye) {
        let mut state = self.lock();
        if !goodbye.last {
            if let Some(session) = &mut state.session {
                session.is_leaving = true;
            }
            return;
        }
        let Some(session) = state.session.take() else {
            return;
        };
        for (unresolved, farewell) in session.calls.end_by_goodbye(&goodbye.activities) {
            let (kind, executed) = match farewell {
                Farewell::Never => (ErrorKind::Draining, Executed::Never),
                Farewell::Completed => (ErrorKind::ReplyLost, Executed::Completed),
                Farewell::Unknown => (
                    ErrorKind::SessionLost,
                    Executed::Unknown {
                        may_still_run: false,
                    },
                ),
            };
            state.lose(
                unresolved.call,
                &CallError::new(kind, executed, "the exporter shut down"),
            );
        }
    }

    /// Closes the connection if the callee has left, or is leaving and owes no verdict any more. New calls wait
    /// for the next callee.
    pub(crate) fn leave(&self) -> bool {
        let mut state = self.lock();
        let has_left = match &state.session {
            Some(session) => session.is_leaving && session.calls.unresolved() == 0,
            None => true,
        };
        if has_left {
            state.session = None;
            if let Some(connection) = state.connection.take() {
                connection.outbox.push(|frames| frames.put(&Frame::Close));
            }
        }
        has_left
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
                connection
                    .outbox
                    .push(|frames| acks.into_iter().for_each(|id| frames.put(&Frame::Ack(id))));
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
    fn wake(&self, state: &State) {
        match &state.connection {
            Some(connection) => connection.outbox.push(|_| ()),
            None => self.woken.notify_one(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Wakers are called under the lock; those of tokio only schedule. What it guards is consistent at
        // every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends waiting calls while there are slots.
    fn pump(&mut self) {
        while let (Some(session), Some(connection), Some(key)) = (
            &mut self.session,
            &self.connection,
            self.waiting.front().copied(),
        ) {
            if session.is_leaving {
                return;
            }
            let call = &mut self.calls[key];
            let bytes = CALL_HEADER_BYTES - LENGTH_BYTES + call.request.len();
            if bytes > session.frame_bytes_max {
                let error = call.too_large(session.frame_bytes_max);
                self.waiting.pop_front();
                call.end(Err(error));
                continue;
            }
            let recorded = call.method.kind == MethodKind::Plain;
            let Ok(id) = session.calls.begin(recorded, key) else {
                return;
            };
            self.waiting.pop_front();
            let start_before = connection.reading.start_before(call.deadline);
            connection
                .outbox
                .push(|frames| frames.put_call(&call.header(id, start_before), &call.request));
            if call.method.kind == MethodKind::Oneway {
                // Sent at most once, and never answered.
                session.calls.withdraw(id);
                call.end(Ok(Reply {
                    status: Status::Value,
                    body: Bytes::new(),
                }));
            } else {
                call.sent = Some((id, start_before));
            }
        }
    }

    /// A call's final answer.
    fn settle(&mut self, key: usize, reply: Reply, now: Time) {
        let call = &mut self.calls[key];
        call.sent = None;
        let refused = reply.status == Status::Refused;
        if let Some(settle) = call.settle.take() {
            settle.settle(if refused {
                Executed::Never
            } else {
                Executed::Completed
            });
        }
        if !call.wanted {
            self.calls.remove(key);
            return;
        }
        if call.result.is_some() {
            return;
        }
        if !refused {
            call.end(Ok(reply));
            return;
        }
        let refused = idl::from_slice::<Refused>(&reply.body);
        let refused = refused.unwrap_or(Refused {
            why: Refusal::Other,
            text: String::new(),
        });
        match refused.why {
            // It never ran, and the deadline allows another try: as a new call, here or at the next callee.
            Refusal::Late | Refusal::Draining if now < call.deadline => self.waiting.push_back(key),
            why => {
                let error = CallError::refused(why, &refused.text);
                let executed = if call.may_have_run {
                    MAY_STILL_RUN
                } else {
                    Executed::Never
                };
                call.end(Err(error.with_executed(executed)));
            }
        }
        if matches!(refused.why, Refusal::Draining | Refusal::Withdrawn)
            && let Some(session) = &mut self.session
        {
            session.is_leaving = true;
        }
    }

    /// Ends the session; its unresolved calls end with `error`.
    fn end_session(&mut self, error: &CallError, may_repeat: bool) {
        let Some(session) = self.session.take() else {
            return;
        };
        for unresolved in session.calls.end() {
            if may_repeat && self.calls[unresolved.call].repeats() {
                self.calls[unresolved.call].sent = None;
                self.calls[unresolved.call].may_have_run = true;
                self.waiting.push_back(unresolved.call);
            } else {
                self.lose(unresolved.call, error);
            }
        }
    }

    /// A call that was sent gets no answer any more.
    fn lose(&mut self, key: usize, error: &CallError) {
        let call = &mut self.calls[key];
        call.sent = None;
        if let Some(settle) = call.settle.take() {
            settle.settle(error.executed());
        }
        if !call.wanted {
            self.calls.remove(key);
        } else if call.result.is_none() {
            call.end(Err(error.clone()));
        }
    }

    /// Calls that wait, unsent, end with `error`.
    fn fail_waiting(&mut self, error: &CallError) {
        for key in std::mem::take(&mut self.waiting) {
            let call = &mut self.calls[key];
            let executed = if call.may_have_run {
                MAY_STILL_RUN
            } else {
                error.executed()
            };
            call.end(Err(error.clone().with_executed(executed)));
        }
    }

    /// Ends calls whose deadline has passed. What was sent keeps its slot until its verdict, which the error's
    /// receipt waits for.
    fn expire(&mut self, now: Time) {
        let mut earliest = Time::NEVER;
        let mut unsent = false;
        let mut cancelled = Vec::new();
        for (_, call) in &mut self.calls {
            if !call.wanted || call.result.is_some() {
                continue;
            }
            if now < call.deadline {
                earliest = earliest.min(call.deadline);
                continue;
            }
            let error = call.deadline_error(self.last_failure.as_ref());
            match call.sent {
                Some((id, _)) => {
                    let (settle, receipt) = Receipt::new();
                    call.settle = Some(settle);
                    call.end(Err(error.with_receipt(receipt)));
                    cancelled.push(id);
                }
                None => {
                    unsent = true;
                    call.end(Err(error));
                }
            }
        }
        self.earliest = earliest;
        if unsent {
            let calls = &self.calls;
            self.waiting.retain(|key| calls[*key].result.is_none());
        }
        cancelled.into_iter().for_each(|id| self.cancel(id));
    }

    /// Nobody waits for the reply any more: the callee is told, once per connection (R16).
    fn cancel(&mut self, id: CallId) {
        let Some(session) = &mut self.session else {
            return;
        };
        let recorded = session
            .calls
            .get(id)
            .is_none_or(|unresolved| unresolved.recorded);
        if session.calls.give_up(id)
            && let Some(connection) = &self.connection
        {
            connection
                .outbox
                .push(|frames| frames.put(&Frame::Cancel { id, recorded }));
        }
    }
}

impl Call {
    fn header(&self, id: CallId, start_before: CalleeTime) -> CallHeader {
        CallHeader {
            id,
            recorded: self.method.kind == MethodKind::Plain,
            oneway: self.method.kind == MethodKind::Oneway,
            start_before,
            method: self.method.id,
        }
    }

    /// The result is there.
    fn end(&mut self, result: Result<Reply, CallError>) {
        self.result = Some(result);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether it goes on in another session although it may have run in a lost one.
    fn repeats(&self) -> bool {
        self.wanted && self.result.is_none() && self.method.kind == MethodKind::Idempotent
    }

    fn deadline_error(&self, last_failure: Option<&CallError>) -> CallError {
        let (executed, state) = match self.sent {
            Some(_) => (MAY_STILL_RUN, "no reply came"),
            None if self.may_have_run => (MAY_STILL_RUN, "no reply came"),
            None => (Executed::Never, "it could not be sent"),
        };
        let mut text = format!("{state} before the deadline of {:?}", self.timeout);
        if let (None, Some(failure)) = (self.sent, last_failure) {
            text = format!("{text}: {failure}");
        }
        let error = CallError::new(ErrorKind::DeadlineExceeded, executed, text);
        match last_failure {
            Some(failure) if self.sent.is_none() => error.with_source(failure.clone()),
            _ => error,
        }
    }

    fn too_large(&self, bytes_max: usize) -> CallError {
        let text = format!(
            "arguments of {} bytes exceed the exporter's limit of {bytes_max} bytes; raise `frame_bytes_max` in the exporter's limits, or send them in pieces",
            self.request.len()
        );
        CallError::never(ErrorKind::TooLarge, text)
    }
}
