//! The streams of a link's calls: what its connection brings of them, and the deadlines of calls that have some.

use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use idl::Writer;

use super::calls::{Body, Calls};
use super::{CallKey, Link, Reply};
use crate::error::{CallError, ErrorKind};
use crate::executed::Executed;
use crate::interface::Method;
use crate::outbox::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::frame::{Item, Status};
use crate::protocol::id::CallId;
use crate::protocol::stream::{Position, Violation};
use crate::protocol::time::Time;
use crate::streaming::carried::Carried;

impl Link {
    /// Takes a call with streams: as [`submit`](Link::submit).
    pub(crate) fn submit_streams(
        &self,
        method: &'static Method,
        arguments: Writer,
        streams: &Arc<Carried>,
        waker: &Waker,
    ) -> Result<CallKey, CallError> {
        // Whether it has ended already, its first poll finds out.
        self.submit_with(method, arguments, Some(Arc::clone(streams)), waker).map(|(key, _)| key)
    }

    /// Nothing of the call is waited for any more; it comes to its end by itself.
    pub(crate) fn forget(&self, key: CallKey) {
        let mut state = self.lock();
        let call = &mut state.calls[key.0];
        call.wanted = false;
        if call.sent.is_none() {
            state.calls.remove(key.0);
        }
    }

    /// Nothing more is sent of a caller's stream. If a result follows, it has the call's time from now on (R40).
    pub(crate) fn has_sent_all(&self, key: CallKey, streams: &Arc<Carried>) {
        let now = self.clock.now();
        let mut state = self.lock();
        // The key may be another call's by now.
        let call = state.calls.get_mut(key.0);
        let Some(call) = call.filter(|call| call.streams.as_ref().is_some_and(|own| Arc::ptr_eq(own, streams))) else {
            return;
        };
        if call.method.server_streams || !call.wanted || call.result.is_some() {
            return;
        }
        call.deadline = now + call.timeout;
        let deadline = call.deadline;
        if deadline < state.earliest {
            state.earliest = deadline;
            self.wake(&state);
        }
    }

    /// An item came on the session's connection.
    pub(crate) fn item(&self, item: Item) -> Result<(), Violation> {
        let mut state = self.lock();
        match state.streams_of(item.id) {
            Some(call) => call.1.item(item),
            None => Ok(()),
        }
    }

    /// The callee says how far a stream of the caller's has come: the first time, that it has taken up the call.
    pub(crate) fn item_ack(&self, id: CallId, position: Position) -> Result<(), Violation> {
        let mut state = self.lock();
        let Some((key, streams)) = state.streams_of(id) else { return Ok(()) };
        let call = &mut state.calls[key];
        // Who takes no stream has not said by this that it has opened one.
        if call.method.client_streams && !std::mem::replace(&mut call.is_taken_up, true) {
            call.deadline = Time::NEVER;
        }
        streams.acknowledge(position)
    }

    /// The callee is not interested in a stream of the caller's any more.
    pub(crate) fn stop(&self, id: CallId) {
        if let Some((_, streams)) = self.lock().streams_of(id) {
            streams.stop_sending();
        }
    }
}

impl Calls {
    /// The streams of an unresolved call.
    fn streams_of(&mut self, id: CallId) -> Option<(usize, Arc<Carried>)> {
        let key = self.session.as_ref()?.calls.get(id)?.call;
        let streams = self.calls[key].streams.as_ref()?;
        Some((key, Arc::clone(streams)))
    }

    /// The callee has opened what comes back. Gives whom to wake.
    pub(super) fn opened(&mut self, id: CallId) -> Option<Waker> {
        let key = self.session.as_ref()?.calls.get(id)?.call;
        let call = &mut self.calls[key];
        if !call.method.server_streams || !call.wanted || std::mem::replace(&mut call.is_open, true) {
            return None;
        }
        if call.result.is_some() {
            return None;
        }
        call.deadline = Time::NEVER;
        call.result = Some(Ok(Status::Opened));
        call.waker.take()
    }

    /// Behind the resent openings each stream is said to have come so far (R38).
    pub(super) fn attach_streams(&self, outbox: &Arc<Outbox>) {
        let Some(session) = &self.session else { return };
        if planted(Bug::PositionNotTold) {
            return; // M47
        }
        for (_, call) in &self.calls {
            if let (Some(streams), Some((id, _))) = (&call.streams, call.sent) {
                streams.attach(id, outbox, session.frame_bytes_max, true);
            }
        }
    }

    /// The session has lost its connection: nothing of streams goes out until it has another.
    pub(super) fn detach_streams(&self) {
        for streams in self.calls.iter().filter_map(|(_, call)| call.streams.as_ref()) {
            streams.detach();
        }
    }
}

impl Reply {
    /// That the stream which a call gives is open.
    pub(super) fn opened() -> Reply {
        Reply { status: Status::Opened, body: Body::Shared(Bytes::new()) }
    }
}

/// Ends streams whose call has been answered, maybe before their own end came.
#[cold]
pub(super) fn end_answered(streams: &Carried, status: Status, body: &Bytes) {
    streams.end(match status {
        Status::Fault => match idl::from_slice(body) {
            Ok(fault) => CallError::from_fault(fault),
            Err(error) => CallError::new(ErrorKind::ReplyUndecodable, Executed::Completed, error.to_string()),
        },
        _ => CallError::new(ErrorKind::ReplyLost, Executed::Completed, "the call has ended, and its streams with it"),
    });
}

#[cfg(all(test, not(interleave)))]
mod tests {
    use std::task::{Context, Poll};
    use std::time::Duration;

    use idl::MethodKind;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;
    use crate::limits::Limits;
    use crate::protocol::control::Welcome;
    use crate::protocol::id::{Incarnation, Sequence, SessionId, Slot, Token};

    static GIVES: Method = Method {
        name: "Get",
        id: 1,
        kind: MethodKind::Plain,
        timeout: None,
        client_streams: false,
        server_streams: true,
    };
    static TAKES: Method = Method { client_streams: true, server_streams: false, ..GIVES };

    /// Whether a call's deadline still holds when the exporter has said how far a stream of it has come.
    fn has_deadline_after_ack(method: &'static Method) -> bool {
        let limits = Limits::default();
        let (timeout, outbox) = (limits.call_timeout, Arc::default());
        let link = Link::new(Clock::start(), limits, timeout, false, false);
        let welcome = Welcome {
            incarnation: Incarnation::new(Uuid::nil()),
            epoch: None,
            session: SessionId(1),
            token: Token::new(Uuid::nil()),
            slots: 1,
            lease: Duration::MAX,
            frame_bytes_max: 1024,
            clock: 0,
            fingerprint: Uuid::nil(),
        };
        assert!(link.welcomed(&welcome, "a", &outbox));
        let streams = Arc::new(Carried::of_caller(method.client_streams, method.server_streams));
        let key = link.submit_streams(method, Writer::new(), &streams, Waker::noop()).expect("it is open");
        let first = CallId { slot: Slot(0), sequence: Sequence(1) };
        link.item_ack(first, Position { received: 0, consumed: 0 }).expect("it is possible");
        link.tick(link.clock.now() + 2 * timeout);
        match link.poll_call(key, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => error.kind() == ErrorKind::DeadlineExceeded,
            _ => false,
        }
    }

    /// R40: an exporter that takes up a caller's stream lifts the deadline; of a call that sends none it cannot.
    #[test]
    fn only_a_stream_that_is_sent_can_be_taken_up() {
        assert!(has_deadline_after_ack(&GIVES));
        assert!(!has_deadline_after_ack(&TAKES));
    }
}
