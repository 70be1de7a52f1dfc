//! The calls of one binding: those that wait, those that were sent, and those that are settled, with the session and
//! the connection that they belong to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use idl::{MethodKind, Reader, Writer};
use slab::Slab;

use super::streams::end_answered;
use crate::error::{CallError, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::interface::Method;
use crate::outbox::{Frames, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::caller::Caller;
use crate::protocol::control::{Refusal, Refused};
use crate::protocol::frame::{CALL_HEADER_BYTES, CallHeader, Frame, LENGTH_BYTES, Status};
use crate::protocol::id::{CallId, Epoch, Incarnation, SessionId, Token};
use crate::protocol::time::{CalleeTime, ClockReading, Time};
use crate::receipt::{Receipt, Settle};
use crate::spare;
use crate::streaming::carried::Carried;

/// Bodies of answers up to this size are copied.
const COPIED_BYTES_MAX: usize = 4 * 1024;

#[derive(Debug)]
pub(super) struct Calls {
    pub(super) calls: Slab<Call>,
    /// Calls of which nothing was sent in the present session, in the order in which they are sent.
    pub(super) waiting: VecDeque<usize>,
    pub(super) session: Option<OpenSession>,
    pub(super) connection: Option<Attached>,
    /// No call's deadline is earlier.
    pub(super) earliest: Time,
    pub(super) last_failure: Option<CallError>,
    /// The life that a pinned binding belongs to.
    pub(super) pinned_to: Option<Incarnation>,
    /// The largest epoch seen for each name: a lower one is of a holder that was replaced (R17).
    pub(super) epochs: HashMap<String, Epoch>,
    pub(super) broken: Option<CallError>,
    pub(super) closed: bool,
    /// Whether a directory may know another exporter when this one has withdrawn.
    pub(super) finds_another: bool,
}

/// A session as its caller knows it.
#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) incarnation: Incarnation,
    pub(super) id: SessionId,
    pub(super) token: Token,
    pub(super) lease: Duration,
    pub(super) frame_bytes_max: usize,
    pub(super) calls: Caller<usize>,
    /// The callee takes no new calls: it is draining, or withdrew the interface.
    pub(super) is_leaving: bool,
    pub(super) heard: Time,
}

/// The connection that the session is bound to.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) outbox: Arc<Outbox>,
    pub(super) reading: ClockReading,
}

/// One call, from its stub's first poll to its verdict.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: &'static Method,
    /// The arguments; once the answer is there, its body, if that is small.
    pub(super) message: Writer,
    /// The body of a large answer.
    pub(super) large: Option<Bytes>,
    /// What it takes or gives as streams.
    pub(super) streams: Option<Arc<Carried>>,
    /// Whether the callee takes its stream's items.
    pub(super) is_taken_up: bool,
    /// Whether the stream that it gives is open.
    pub(super) is_open: bool,
    pub(super) deadline: Time,
    pub(super) timeout: Duration,
    /// The call's name in the present session, from the moment that its first byte may have left.
    pub(super) sent: Option<(CallId, CalleeTime)>,
    /// An idempotent call that was sent before, on a connection that was lost: it may have run then (I16).
    pub(super) may_have_run: bool,
    /// Whether the stub still waits.
    pub(super) wanted: bool,
    pub(super) waker: Option<Waker>,
    pub(super) result: Option<Result<Status, CallError>>,
    pub(super) settle: Option<Settle>,
}

/// A call's final answer, not yet decoded.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// A small one, copied: it would keep the whole buffer that it was read into.
    Copied(Writer),
    /// A part of the buffer that it was read into.
    Shared(Bytes),
}

impl Body {
    pub(crate) fn reader(&self) -> Reader<'_> {
        match self {
            Body::Shared(bytes) => Reader::of_frame(bytes),
            // Nothing was put into it but one slice.
            Body::Copied(writer) => Reader::new(writer.as_slice().unwrap_or_default()),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Body::Copied(writer) = self {
            spare::keep(std::mem::take(writer));
        }
    }
}

/// Where a call stands among its link's calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallKey(pub(super) usize);
impl Calls {
    pub(super) fn new(finds_another: bool) -> Calls {
        Calls {
            calls: Slab::new(),
            waiting: VecDeque::new(),
            session: None,
            connection: None,
            earliest: Time::NEVER,
            last_failure: None,
            pinned_to: None,
            epochs: HashMap::new(),
            broken: None,
            closed: false,
            finds_another,
        }
    }

    /// Sends waiting calls while there are slots. `is_alone`: without waking the connection's task.
    pub(super) fn pump(&mut self, is_alone: bool) {
        while let (Some(session), Some(connection), Some(key)) =
            (&mut self.session, &self.connection, self.waiting.front().copied())
        {
            if session.is_leaving {
                return;
            }
            let call = &mut self.calls[key];
            let bytes = CALL_HEADER_BYTES - LENGTH_BYTES + call.message.len();
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
            let put = |frames: &mut Frames| frames.put_call(&call.header(id, start_before), &call.message);
            match is_alone {
                true => connection.outbox.append(put),
                false => connection.outbox.push(put),
            }
            if call.method.kind == MethodKind::Oneway {
                // Sent at most once, and never answered.
                session.calls.withdraw(id);
                call.message.clear();
                call.end(Ok(Status::Value));
            } else {
                call.sent = Some((id, start_before));
                if let Some(streams) = &call.streams {
                    streams.attach(id, &connection.outbox, session.frame_bytes_max, false);
                }
            }
        }
    }

    /// A call's final answer. Gives whom to wake.
    #[inline]
    pub(super) fn settle(&mut self, key: usize, status: Status, body: Bytes, now: Time) -> Option<Waker> {
        let refused = status.is_never().then(|| {
            let refused = idl::from_slice::<Refused>(&body);
            refused.unwrap_or(Refused { why: Refusal::Other, text: String::new() })
        });
        if let Some(Refused { why: why @ (Refusal::Draining | Refusal::Withdrawn), .. }) = refused {
            self.is_leaving(why);
        }
        // It never ran: it is made again as a new call, here or at the next callee.
        let finds_another = self.finds_another;
        let may_try_again = |why| match why {
            Refusal::Late | Refusal::Draining => true,
            // Another exporter has the name now, or will have (R32).
            Refusal::Withdrawn => finds_another,
            _ => false,
        };
        let call = &mut self.calls[key];
        call.sent = None;
        let executed = match (&refused, call.may_have_run) {
            (None, _) => Executed::Completed,
            (Some(_), false) => Executed::Never,
            (Some(_), true) => MAY_STILL_RUN,
        };
        if let Some(settle) = call.settle.take() {
            settle.settle(executed);
        }
        if !call.wanted {
            self.calls.remove(key);
            return None;
        }
        if call.result.is_some() {
            call.end_streams_answered(status, &body);
            return None;
        }
        match refused {
            None => {
                call.end_streams_answered(status, &body);
                call.replied(status, body)
            }
            Some(Refused { why, .. }) if now < call.deadline && may_try_again(why) => {
                call.detach_streams();
                self.waiting.push_back(key);
                None
            }
            Some(Refused { why, text }) => {
                let error = CallError::refused(why, &text).with_executed(executed);
                call.end_streams(&error);
                call.answered(Err(error))
            }
        }
    }

    /// The exporter takes no new calls any more. Those that wait for another in vain say so.
    pub(super) fn is_leaving(&mut self, why: Refusal) {
        if let Some(session) = &mut self.session {
            session.is_leaving = true;
            self.last_failure = Some(CallError::refused(why, ""));
        }
    }

    /// Ends the session; its unresolved calls end with `error`.
    pub(super) fn end_session(&mut self, error: &CallError, may_repeat: bool) {
        let Some(session) = self.session.take() else {
            return;
        };
        for unresolved in session.calls.end() {
            if may_repeat {
                self.leave_session(unresolved.call, error);
            } else {
                self.lose(unresolved.call, error);
            }
        }
    }

    /// A call that was sent gets no answer in the session that ended with `error`. It waits for the next one if it
    /// did not run, or may run again.
    pub(super) fn leave_session(&mut self, key: usize, error: &CallError) {
        let never_ran = error.executed() == Executed::Never;
        let call = &mut self.calls[key];
        let is_waited_for = call.wanted && call.result.is_none();
        let may_run_again = call.method.kind == MethodKind::Idempotent || planted(Bug::FailOverOnTimeout); // M12
        if is_waited_for && (never_ran || may_run_again) {
            call.sent = None;
            call.detach_streams();
            call.may_have_run |= !never_ran && !planted(Bug::LastVerdictWins); // M17
            self.waiting.push_back(key);
        } else {
            self.lose(key, error);
        }
    }

    /// A call that was sent gets no answer any more.
    pub(super) fn lose(&mut self, key: usize, error: &CallError) {
        let call = &mut self.calls[key];
        call.sent = None;
        if let Some(settle) = call.settle.take() {
            settle.settle(error.executed());
        }
        if !call.wanted {
            self.calls.remove(key);
        } else if call.result.is_none() {
            call.end(Err(error.clone()));
        } else {
            call.end_streams(error);
        }
    }

    /// Calls that wait, unsent, end with `error`.
    pub(super) fn fail_waiting(&mut self, error: &CallError) {
        for key in std::mem::take(&mut self.waiting) {
            let call = &mut self.calls[key];
            let executed = if call.may_have_run { MAY_STILL_RUN } else { error.executed() };
            call.end(Err(error.clone().with_executed(executed)));
        }
    }

    /// Ends calls whose deadline has passed. What was sent keeps its slot until its verdict, which the error's
    /// receipt waits for.
    pub(super) fn expire(&mut self, now: Time) {
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
    pub(super) fn cancel(&mut self, id: CallId) {
        let Some(session) = &mut self.session else {
            return;
        };
        let recorded = session.calls.get(id).is_none_or(|unresolved| unresolved.recorded);
        if session.calls.give_up(id)
            && let Some(connection) = &self.connection
        {
            connection.outbox.push(|frames| frames.put(&Frame::Cancel { id, recorded }));
        }
    }
}

impl Call {
    pub(super) fn header(&self, id: CallId, start_before: CalleeTime) -> CallHeader {
        CallHeader {
            id,
            recorded: self.method.kind == MethodKind::Plain,
            oneway: self.method.kind == MethodKind::Oneway,
            start_before,
            method: self.method.id,
        }
    }

    /// The reply is there, in place of the arguments, which are not sent again. Who waits for it is to be woken, soon.
    #[must_use = "somebody may wait"]
    fn replied(&mut self, status: Status, body: Bytes) -> Option<Waker> {
        self.message.clear();
        if body.len() > COPIED_BYTES_MAX {
            self.large = Some(body);
        } else {
            self.message.put_slice(&body);
        }
        self.answered(Ok(status))
    }

    /// What [`replied`](Call::replied) left, after it.
    pub(super) fn reply(&mut self, status: Status) -> Reply {
        let body = match self.large.take() {
            Some(bytes) => Body::Shared(bytes),
            None => Body::Copied(std::mem::take(&mut self.message)),
        };
        Reply { status, body }
    }

    /// The result is there. Who waits for it is to be woken, soon.
    #[must_use = "somebody may wait"]
    pub(super) fn answered(&mut self, result: Result<Status, CallError>) -> Option<Waker> {
        self.result = Some(result);
        self.waker.take()
    }

    /// The result is there.
    pub(super) fn end(&mut self, result: Result<Status, CallError>) {
        if let Err(error) = &result {
            self.end_streams(error);
        }
        if let Some(waker) = self.answered(result) {
            waker.wake();
        }
    }

    /// The call has failed, and with it its streams.
    fn end_streams(&self, why: &CallError) {
        if let Some(streams) = &self.streams {
            streams.end(why.clone());
        }
    }

    /// The call has been answered, which is the end of its streams too.
    #[inline]
    fn end_streams_answered(&self, status: Status, body: &Bytes) {
        if let Some(streams) = &self.streams {
            end_answered(streams, status, body);
        }
    }

    /// It is to be made again, as another call.
    fn detach_streams(&self) {
        self.streams.iter().for_each(|streams| streams.detach());
    }

    pub(super) fn deadline_error(&self, last_failure: Option<&CallError>) -> CallError {
        let (executed, state) = match self.sent {
            Some(_) if planted(Bug::TimeoutIsCompleted) => (Executed::Completed, "no reply came"), // M5
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

    pub(super) fn too_large(&self, bytes_max: usize) -> CallError {
        let text = format!(
            "arguments of {} bytes exceed the exporter's limit of {bytes_max} bytes; raise `frame_bytes_max` in the exporter's limits, or send them in pieces",
            self.message.len()
        );
        // An idempotent call may have run where the limit was larger (I16).
        let executed = if self.may_have_run { MAY_STILL_RUN } else { Executed::Never };
        CallError::new(ErrorKind::TooLarge, executed, text)
    }
}
