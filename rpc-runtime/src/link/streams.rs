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
        if !std::mem::replace(&mut call.is_taken_up, true) {
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
