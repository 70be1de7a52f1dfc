//! What a link's task brings: sessions, connections, answers, goodbyes, and the loss of each.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::calls::{Attached, Calls, OpenSession};
use super::{Link, LinkState};
use crate::error::{CallError, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::outbox::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::caller::{Caller, Farewell, Matched, Resend};
use crate::protocol::control::{Attach, Goodbye, Refusal, Welcome};
use crate::protocol::frame::{Answer, Frame};
use crate::protocol::id::Incarnation;
use crate::protocol::time::{CalleeTime, ClockReading, Time};

/// Names whose epochs a binding remembers. Those of a group come and go.
const EPOCHS_MAX: usize = 1024;

impl Link {
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
        self.lock().session.as_ref().map(|session| session.incarnation)
    }

    /// The life that a pinned binding waits for.
    pub(crate) fn pinned_to(&self) -> Option<Incarnation> {
        self.lock().pinned_to
    }

    /// Whether a pinned binding waits for [`rebind`](Link::rebind).
    pub(crate) fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    /// The callee that exports as `instance` opened a session: calls go out on `outbox`. False if its registration is
    /// older than one seen before under that name (R17).
    pub(crate) fn welcomed(&self, welcome: &Welcome, instance: &str, outbox: &Arc<Outbox>) -> bool {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(epoch) = welcome.epoch {
            if state.epochs.get(instance).is_some_and(|seen| epoch < *seen) {
                return false;
            }
            if state.epochs.len() >= EPOCHS_MAX {
                // Of a forgotten name an old holder may be taken for the present one, which R32 allows for.
                state.epochs.clear();
            }
            state.epochs.insert(instance.to_owned(), epoch);
        }
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
        let abandoned = session.calls.reattach(now);
        outbox.push(|frames| {
            for (id, _) in &abandoned {
                frames.put(&Frame::Cancel { id: *id, recorded: false });
            }
            for (id, resend) in session.calls.resend() {
                match resend {
                    Resend::Cancel => frames.put(&Frame::Cancel { id, recorded: true }),
                    Resend::Call(key) => {
                        let call = &state.calls[*key];
                        let start_before = call.sent.map_or(CalleeTime::NEVER, |(_, start_before)| start_before);
                        frames.put_call(&call.header(id, start_before), &call.message);
                        self.counters.resent.add();
                    }
                }
            }
        });
        let text = "the connection was lost, and of a cancelled idempotent call nothing is recorded";
        let lost = CallError::new(ErrorKind::SessionLost, MAY_STILL_RUN, text);
        for (_, key) in abandoned {
            state.lose(key, &lost);
        }
        state.attach_streams(outbox);
        self.connected(state, clock, now, outbox, incarnation);
    }

    fn connected(&self, state: &mut Calls, clock: u64, now: Time, outbox: &Arc<Outbox>, callee: Incarnation) {
        let reading = ClockReading::new(CalleeTime(clock), now);
        state.connection = Some(Attached { outbox: Arc::clone(outbox), reading });
        state.last_failure = None;
        state.pump(false);
        if state.closed {
            outbox.close();
        }
        self.counters.connects.add();
        self.tell(LinkState::Up(callee));
    }

    /// The connection was lost. Session and calls stay; what the old connection still delivers is dropped.
    pub(crate) fn detached(&self, error: CallError) {
        let mut state = self.lock();
        state.connection = None;
        state.detach_streams();
        self.down(&mut state, error);
    }

    /// An attempt to reach the callee failed.
    pub(crate) fn failed(&self, error: CallError) {
        self.down(&mut self.lock(), error);
    }

    fn down(&self, state: &mut Calls, error: CallError) {
        state.last_failure = Some(error.clone());
        if !state.closed && state.broken.is_none() {
            self.tell(LinkState::Down(error));
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
        let text =
            "the exporter has another incarnation and the binding is pinned; call `rebind` to go on with the new one";
        let error = CallError::never(ErrorKind::IncarnationChanged, text);
        let mut state = self.lock();
        state.broken = Some(error.clone());
        state.fail_waiting(&error);
        self.tell(LinkState::Broken(error));
    }

    /// Whether nothing was heard for so long that the callee has let the session go.
    pub(crate) fn lease_has_ended(&self) -> bool {
        let now = self.clock.now();
        let state = self.lock();
        state.session.as_ref().is_some_and(|session| now.since(session.heard) > session.lease)
    }

    /// Answers came on the session's connection, together. Adds to `answered` whom to wake: after all of them, so that the
    /// calls which those make next go out together. Gives whether the callee takes no new calls: see [`Link::leave`]. `Err`
    /// closes the session: the two sides disagree.
    pub(crate) fn answers(
        &self,
        answers: &mut Vec<Answer>,
        now: Time,
        answered: &mut Vec<Waker>,
    ) -> Result<bool, CallError> {
        let mut state = self.lock();
        for answer in answers.drain(..) {
            answered.extend(state.answer(answer, now)?);
        }
        // Slots are free now, or the callee lets more of them be used.
        state.pump(false);
        Ok(state.session.as_ref().is_none_or(|session| session.is_leaving))
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

    /// How often to ask whether the callee is there: soon enough that the session's lease does not run
    /// out meanwhile (R4).
    pub(crate) fn ping_after(&self) -> Duration {
        let state = self.lock();
        let lease = state.session.as_ref().map_or(Duration::MAX, |session| session.lease);
        self.limits.ping_after.min(lease / 3)
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
            state.is_leaving(Refusal::Draining);
            return;
        }
        let Some(session) = state.session.take() else {
            return;
        };
        // One for each slot there can be.
        let last_calls: Vec<_> = goodbye.activities.iter().take(usize::from(u16::MAX) + 1).collect();
        for (unresolved, farewell) in session.calls.end_by_goodbye(&last_calls) {
            let (kind, executed) = match farewell {
                Farewell::Never => (ErrorKind::Draining, Executed::Never),
                Farewell::Completed => (ErrorKind::ReplyLost, Executed::Completed),
                Farewell::Unknown => (ErrorKind::SessionLost, Executed::Unknown { may_still_run: false }),
            };
            state.leave_session(unresolved.call, &CallError::new(kind, executed, "the exporter shut down"));
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
}

impl Calls {
    /// An answer came on the session's connection. Gives whom to wake. `Err`: the session has ended.
    #[inline]
    fn answer(&mut self, answer: Answer, now: Time) -> Result<Option<Waker>, CallError> {
        let Answer { header, body } = answer;
        if let Some(connection) = &mut self.connection {
            connection.reading = ClockReading::new(header.clock, now);
        }
        let Some(session) = &mut self.session else { return Ok(None) };
        session.heard = now;
        match session.calls.answer(&header, body.len(), now) {
            Matched::Settled(key) => Ok(self.settle(key, header.status, body, now)),
            Matched::RefusedOnce(key) => {
                // Each attempt of an idempotent call is answered by itself: `Never` needs all of them refused.
                self.calls[key].may_have_run |= !planted(Bug::LastVerdictWins); // M17
                Ok(self.settle(key, header.status, body, now))
            }
            Matched::Opened => Ok(self.opened(header.id)),
            Matched::Working | Matched::Nothing => Ok(None),
            Matched::Broken => Err(self.broken_session()),
        }
    }

    /// The two sides disagree about a slot.
    #[cold]
    fn broken_session(&mut self) -> CallError {
        let text = "the exporter knows the call's slot as used by another call; this is a defect of this library";
        let error = CallError::new(ErrorKind::SessionLost, MAY_STILL_RUN, text);
        if let Some(connection) = &self.connection {
            connection.outbox.push(|frames| frames.put(&Frame::Close));
        }
        self.end_session(&error, true);
        error
    }
}
