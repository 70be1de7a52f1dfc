//! The calls of a session that this node serves: what is done with each frame about one, and how answers are sent.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use idl::Writer;

use super::{RunId, Served, State};
use crate::clock::Clock;
use crate::context::Context;
use crate::handler::put_fault;
use crate::interface::Method;
use crate::outbox::{Frames, Outbox};
use crate::passing::LARGE_BYTES;
#[cfg(verify)]
use crate::planted::{Bug, planted};
use crate::protocol::control::{FaultKind, Refusal, Refused};
use crate::protocol::frame::{ANSWER_HEADER_BYTES, AnswerHeader, CallHeader, LENGTH_BYTES, Status};
use crate::protocol::id::CallId;
use crate::protocol::session::{Arrival, CancelVerdict, Finished, Gate, Verdict};
use crate::protocol::time::{CalleeTime, Time};
use crate::queue::queued_bytes;
use crate::spare;
use crate::streaming::carried::Carried;
use crate::sync::AbortHandle;

/// What is left to do with a call that arrived.
pub(crate) enum Received {
    /// Run it.
    Run(Started),
    /// Run it when its turn comes.
    Queue,
    /// Nothing.
    Answered,
    /// Close the connection.
    Close(&'static str),
}

/// A run that has come to its end.
pub(crate) struct EndedRun {
    pub(crate) run: RunId,
    pub(crate) context: Option<Context>,
    /// When, or a little earlier.
    pub(crate) now: Time,
    /// Whether its answer waits for [`Served::send_answers`].
    pub(crate) gathers: bool,
}

/// A run of a call: from now on a cancel reaches its context.
pub(crate) struct Started {
    pub(crate) run: RunId,
    pub(crate) context: Context,
    /// The buffer for the reply.
    pub(crate) reply: Writer,
    /// The call's streams, if it has some.
    pub(crate) streams: Option<Arc<Carried>>,
}

impl Served {
    /// What to do with a call that arrived. What can be answered at once has been answered when this returns.
    pub(crate) fn receive(&self, arrival: Arrival, call: &CallHeader, arguments: &Bytes, has_permit: bool) -> Received {
        let mut state = self.lock();
        let clock = Clock::as_callee(arrival.now);
        let method = self.export.method(call.method);
        let gate = self.gate(&state, call, method, queued_bytes(arguments), has_permit, clock);
        let verdict = if call.recorded {
            state.session.call(arrival, call, gate, clock, &self.server.budget)
        } else {
            state.session.call_unrecorded(arrival, call, gate, clock)
        };
        match verdict {
            Verdict::Run(forgotten) => {
                let mut reply = forgotten.unwrap_or_else(spare::writer);
                reply.clear();
                return Received::Run(self.started(&mut state, call, method, reply));
            }
            Verdict::Queue => {
                state.queued_bytes += queued_bytes(arguments);
                self.server.queue.join(queued_bytes(arguments));
                return Received::Queue;
            }
            Verdict::Answer(status) => {
                if matches!(status, Status::Working | Status::ReplyLost) {
                    self.server.counters.duplicates_answered.add();
                }
                let status = if status == Status::Working { self.progress(&state, call.id) } else { status };
                self.answer(&state, call.id, status, &Writer::new(), arrival.now);
                self.go_on_with_streams(&state, call.id);
            }
            Verdict::Repeat => {
                self.server.counters.duplicates_answered.add();
                // A caller sends each call once on a connection (R5), so it cannot ask for more than is stored.
                state.repeated_bytes += state.session.reply(call.id).map_or(0, |(_, reply)| reply.len() as u64);
                #[cfg(feature = "grpc")]
                if state.waiting.is_some() {
                    // Each stream asks once, and reads at its own pace.
                    state.repeated_bytes = 0;
                }
                if state.repeated_bytes > self.server.limits.session_reply_bytes_max {
                    return Received::Close("it sends the same calls again and again");
                }
                self.answer_stored(&state, call.id, arrival.now);
            }
            Verdict::Refused(why) if call.oneway => tracing::debug!(?why, "one-way call refused"),
            Verdict::Refused(why) => {
                self.server.counters.calls_refused.add();
                self.answer_refusal(&state, call.id, why, &self.refusal_text(why), arrival.now);
            }
            Verdict::Unbound => {
                return Received::Close("the session has another connection, or has ended");
            }
            Verdict::Violation => {
                return Received::Close("the call's slot was not granted, or its number is 0");
            }
        }
        Received::Answered
    }

    /// Starts a queued call. `None`: it has been answered, or nobody waits.
    pub(crate) fn start_queued(&self, call: &CallHeader, arguments: &Bytes) -> Option<Started> {
        let mut state = self.lock();
        state.queued_bytes -= queued_bytes(arguments);
        self.server.queue.leave(queued_bytes(arguments));
        let now = self.server.clock.now();
        let clock = Clock::as_callee(now);
        let method = self.export.method(call.method);
        let no_room = method.is_some_and(|method| method.has_streams() && !self.has_room_for_streams(&state));
        let refusal = self.server.standing_refusal(&self.export).or_else(|| no_room.then_some(Refusal::Overload));
        let started = if call.recorded {
            state.session.start(call, refusal, clock, &self.server.budget)
        } else {
            state.session.start_unrecorded(call, refusal, clock)
        };
        match started {
            Ok(()) => {
                self.server.counters.calls_executed.add();
                return Some(self.started(&mut state, call, method, spare::writer()));
            }
            Err(Some(why)) if !call.oneway => {
                self.answer_refusal(&state, call.id, why, &self.refusal_text(why), now);
            }
            Err(_) => {}
        }
        None
    }

    /// The table has the call as running. In the same step it can be cancelled.
    fn started(&self, state: &mut State, call: &CallHeader, method: Option<&Method>, reply: Writer) -> Started {
        let streams = method.filter(|method| method.has_streams());
        // The deadline of a call with streams is that of its opening (R40), but over gRPC.
        let until = match streams {
            Some(_) if !self.is_foreign() => Time::NEVER,
            _ => call.start_before.as_time(),
        };
        let on = state.session.bound();
        let (run, context) = state.runs.start(call.id, until, self.server.clock, self.caller, on);
        let streams = streams.map(|method| self.start_streams(state, call.id, method));
        Started { run, context, reply, streams }
    }

    /// The connection whose full buffer keeps queued calls waiting, if it is still full.
    pub(crate) fn full_outbox(&self) -> Option<Arc<Outbox>> {
        let outbox = self.lock().outbox.clone()?;
        (outbox.bytes() > self.server.limits.out_bytes_max).then_some(outbox)
    }

    /// The handler was not ready at once: from now on this task polls it.
    pub(crate) fn can_abort(&self, run: RunId, task: AbortHandle) {
        let mut state = self.lock();
        if state.aborting {
            task.abort();
        } else {
            state.runs.goes_on(run, task);
        }
    }

    /// Drops the handlers that run: each is recorded as aborted, and its caller is told (R7).
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.aborting = true;
        state.runs.abort();
    }

    /// The handler has ended: the reply is recorded, then sent (R28).
    pub(crate) fn finish(&self, call: &CallHeader, ended: EndedRun, mut status: Status, mut reply: Writer) {
        let EndedRun { run, context, now, gathers } = ended;
        if ANSWER_HEADER_BYTES - LENGTH_BYTES + reply.len() > self.reply_bytes_max {
            let text = format!(
                "the reply of {} bytes exceeds the caller's limit of {} bytes; raise `frame_bytes_max` in the caller's limits, or reply in pieces",
                reply.len(),
                self.reply_bytes_max
            );
            status = put_fault(&mut reply, FaultKind::ReplyTooLarge, &text);
        }
        #[cfg(feature = "grpc")]
        if let Some(context) = context.as_ref().filter(|_| self.is_foreign) {
            Served::note(&mut reply, context);
        }
        // What is kept is charged by what it holds: by no more than was reserved, if its length is no more.
        reply.share();
        if reply.held() as u64 > self.server.limits.reply_bytes_reserved {
            reply.fit();
        }
        let mut state = self.lock();
        state.end_streams(call.id);
        #[cfg(verify)]
        let is_lost = planted(Bug::ReplyWhereCallCameFrom) && state.has_moved_since(run);
        state.runs.end(run, context);
        state.gathers = gathers;
        if call.recorded {
            let bytes = reply.held() as u64;
            match state.session.finish(call.id, status, reply, bytes, &self.server.budget) {
                // M29: it goes to the connection that the call came on, and that is gone.
                #[cfg(verify)]
                _ if is_lost => {}
                Finished::Kept => self.answer_stored(&state, call.id, now),
                Finished::Once(reply) => self.answer_once(&state, call.id, status, &reply, now),
                Finished::Nobody => {}
            }
        } else {
            if state.session.finish_unrecorded() && !call.oneway {
                self.answer_once(&state, call.id, status, &reply, now);
            }
            spare::keep(reply);
        }
        state.gathers = false;
        drop(state);
        self.server.handler_ended();
    }

    /// Sends the answers of the calls that have ended together.
    pub(crate) fn send_answers(&self) {
        self.lock().send_answers();
    }

    /// A call that was started turned out not to be runnable: the implementation has seen nothing of it.
    pub(crate) fn refuse(&self, call: &CallHeader, ended: EndedRun, why: Refusal, text: &str) {
        let mut state = self.lock();
        state.end_streams(call.id);
        state.runs.end(ended.run, ended.context);
        let somebody_waits = if call.recorded {
            state.session.refuse(call.id, why, &self.server.budget)
        } else {
            state.session.finish_unrecorded() && !call.oneway
        };
        self.server.counters.calls_refused.add();
        if somebody_waits {
            self.answer_refusal(&state, call.id, why, text, ended.now);
        }
        drop(state);
        self.server.handler_ended();
    }

    /// The caller gave up on a call (R16). `Err` closes the connection.
    pub(crate) fn cancel(&self, arrival: Arrival, id: CallId, recorded: bool) -> Result<(), &'static str> {
        let mut state = self.lock();
        if !recorded {
            if !state.session.renew(arrival) {
                return Err("the session has another connection, or has ended");
            }
            return state.signal(id);
        }
        match state.session.cancel(arrival, id, &self.server.budget) {
            CancelVerdict::Ignore => Ok(()),
            CancelVerdict::Signal => state.signal(id),
            CancelVerdict::Answer(status) => {
                self.answer(&state, id, status, &Writer::new(), arrival.now);
                Ok(())
            }
            CancelVerdict::Refused(why) => {
                self.answer_refusal(&state, id, why, &self.refusal_text(why), arrival.now);
                Ok(())
            }
            CancelVerdict::Unbound => Err("the session has another connection, or has ended"),
            CancelVerdict::Violation => Err("the cancelled call's slot was not granted, or its number is 0"),
        }
    }

    /// The caller has the reply. `Err` closes the connection.
    pub(crate) fn ack(&self, arrival: Arrival, id: CallId) -> Result<(), &'static str> {
        let mut state = self.lock();
        let forgotten = state.session.ack(arrival, id, &self.server.budget);
        let forgotten = forgotten.map_err(|_invalid| "what it acknowledges is no call of the connection's session")?;
        if let Some(reply) = forgotten {
            spare::keep(reply);
        }
        Ok(())
    }

    /// Whether a new call may run (row 10, as far as it does not depend on the table).
    fn gate(
        &self,
        state: &State,
        call: &CallHeader,
        method: Option<&Method>,
        bytes: usize,
        has_permit: bool,
        clock: CalleeTime,
    ) -> Gate {
        let refusal = self.server.standing_refusal(&self.export).or_else(|| match method {
            None => Some(Refusal::UnknownMethod),
            Some(method) if !call.recorded && method.kind == idl::MethodKind::Plain => Some(Refusal::NotIdempotent),
            Some(method) if method.has_streams() && !self.has_room_for_streams(state) => Some(Refusal::Overload),
            Some(_) => None,
        });
        if let Some(why) = refusal {
            return Gate::Refuse(why);
        }
        let limits = &self.server.limits;
        match has_permit && !self.is_full(state) {
            true => Gate::Run,
            false if state.queued_bytes + bytes > limits.session_queued_bytes_max => Gate::Refuse(Refusal::Overload),
            false if !self.server.queue.has_room(bytes) => Gate::Refuse(Refusal::Overload),
            false if !has_permit && self.waits_too_long(call, clock) => Gate::Refuse(Refusal::Overload),
            false => Gate::Queue,
        }
    }

    /// Whether a call that is queued now would leave less than half of its time to run.
    fn waits_too_long(&self, call: &CallHeader, clock: CalleeTime) -> bool {
        let left = Duration::from_micros(call.start_before.0.saturating_sub(clock.0));
        !call.is_late(clock) && self.server.queue.expected_wait() > left / 2
    }

    fn refusal_text(&self, why: Refusal) -> String {
        match why {
            Refusal::UnknownMethod => format!(
                "`{}` has no such method in the exporter's version of the interface; the exporter may be older than the caller",
                self.export.interface().name()
            ),
            _ => String::new(),
        }
    }

    fn answer_stored(&self, state: &State, id: CallId, now: Time) {
        if let Some((status, reply)) = state.session.reply(id) {
            self.answer(state, id, status, reply, now);
        }
    }

    /// Sends an answer that is not kept, unless it is large, and its connection and the node have too much to send.
    fn answer_once(&self, state: &State, id: CallId, status: Status, reply: &Writer, now: Time) {
        if reply.len() < LARGE_BYTES || !self.is_full(state) {
            self.answer(state, id, status, reply, now);
        } else if !self.server.passing.is_full() {
            self.answer(state, id, status, &self.server.passing.count(reply), now);
        } else {
            self.answer(state, id, Status::ReplyLost, &Writer::new(), now);
        }
    }

    /// Whether so much waits to be sent that no further call is started.
    fn is_full(&self, state: &State) -> bool {
        let Some(outbox) = &state.outbox else { return false };
        outbox.bytes() + state.gathered.borrow().frames.bytes() > self.server.limits.out_bytes_max
    }

    fn answer_refusal(&self, state: &State, id: CallId, why: Refusal, text: &str, now: Time) {
        let mut body = Writer::new();
        idl::encode_message(&Refused { why, text: text.to_owned() }, &mut body);
        self.answer(state, id, Status::Refused, &body, now);
    }

    /// Sends an answer to the connection that the session has now; with none, the record waits for the resend. `now` may
    /// be some time ago: a caller that takes the clock for slower than it is asks for an earlier start (R15).
    pub(super) fn answer(&self, state: &State, id: CallId, status: Status, body: &Writer, now: Time) {
        #[cfg(feature = "grpc")]
        if state.tell(id, status, body) {
            return;
        }
        let Some(outbox) = &state.outbox else { return };
        let clock = Clock::as_callee(now);
        let slots = state.session.slot_target(&self.server.budget);
        let header = AnswerHeader { id, status, clock, slots };
        match state.gathers {
            true => state.gathered.borrow_mut().put(&header, body),
            false => outbox.push(|frames| frames.put_answer(&header, body)),
        }
    }
}

/// Answers of calls that have ended one after the other in their connection's task, on their way to its outbox: it is locked
/// once for all of them.
#[derive(Default)]
pub(super) struct Gathered {
    frames: Frames,
    count: usize,
}

impl Gathered {
    fn put(&mut self, header: &AnswerHeader, body: &Writer) {
        self.frames.put_answer(header, body);
        self.count += 1;
    }
}

impl State {
    /// Sends what was gathered, to the connection that the session has now. With none, the record waits for the resend.
    pub(super) fn send_answers(&mut self) {
        let Gathered { frames, count } = self.gathered.get_mut();
        match &self.outbox {
            Some(outbox) if *count > 0 => outbox.push_all(frames, std::mem::take(count)),
            Some(_) => {}
            None => self.gathered = RefCell::default(),
        }
    }
}
