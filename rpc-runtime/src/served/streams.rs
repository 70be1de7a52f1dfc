//! The streams of a served session's calls: what its connection brings of them, and how they open and end.

use std::sync::Arc;

use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;

use super::{Served, State};
use crate::error::{CallError, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::interface::Method;
use crate::planted::{Bug, planted};
use crate::protocol::frame::{Item, Status};
use crate::protocol::id::CallId;
use crate::protocol::session::Arrival;
use crate::protocol::stream::Position;
use crate::streaming::carried::Carried;

const UNBOUND: &str = "the session has another connection, or has ended";

/// The streams of one call.
pub(super) struct Streams {
    carried: Arc<Carried>,
    /// Whether the stream that comes back is open.
    is_open: bool,
    /// Counts against the streams that the node serves at once. `None`: another connection's call has taken the last
    /// place since this one was let in.
    permit: Option<OwnedSemaphorePermit>,
}

impl Served {
    /// Whether another call with streams can start.
    pub(super) fn has_room_for_streams(&self, state: &State) -> bool {
        state.streams.len() < self.server.limits.session_streams_max && self.server.streams.available_permits() > 0
    }

    /// A call with streams has started: it takes its caller's items from now on.
    #[cold]
    pub(super) fn start_streams(&self, state: &mut State, id: CallId, method: &Method) -> Arc<Carried> {
        let (sends, receives) = match self.is_foreign() {
            true => (false, false),
            false => (method.server_streams, method.client_streams),
        };
        let carried = Arc::new(Carried::of_callee(sends, receives));
        let permit = Arc::clone(&self.server.streams).try_acquire_owned().ok();
        if let (Some(_), Some(outbox)) = (&permit, &state.outbox) {
            carried.attach(id, outbox, self.reply_bytes_max, true);
        }
        state.streams.insert(id, Streams { carried: Arc::clone(&carried), is_open: false, permit });
        carried
    }

    /// Whether the call with streams that has started counts among those that the node serves; otherwise it is refused.
    pub(crate) fn has_place(&self, id: CallId) -> bool {
        self.lock().streams.get(&id).is_some_and(|streams| streams.permit.is_some())
    }

    /// A call in progress was sent again, on the session's new connection: gives what to answer.
    pub(super) fn progress(&self, state: &State, id: CallId) -> Status {
        match state.streams.get(&id) {
            Some(streams) if streams.is_open => Status::Opened,
            _ => Status::Working,
        }
    }

    /// Behind that answer each stream is said to have come so far (R38).
    pub(super) fn go_on_with_streams(&self, state: &State, id: CallId) {
        if let (Some(streams), Some(outbox)) = (state.streams.get(&id), &state.outbox) {
            streams.carried.attach(id, outbox, self.reply_bytes_max, true);
        }
    }

    /// The implementation has opened what comes back.
    pub(crate) fn opened(&self, id: CallId) {
        let mut state = self.lock();
        if let Some(streams) = state.streams.get_mut(&id) {
            streams.is_open = true;
            self.answer(&state, id, Status::Opened, &Writer::new(), self.server.clock.now());
        }
    }

    /// An item of the caller's came. `Err` closes the connection.
    pub(crate) fn item(&self, arrival: Arrival, item: Item) -> Result<(), &'static str> {
        let mut state = self.lock();
        if !state.session.renew(arrival) {
            return Err(UNBOUND);
        }
        match state.streams.get(&item.id) {
            Some(streams) => streams.carried.item(item).map_err(|_violation| "it breaks the rules of streams"),
            // Its call has ended.
            None => Ok(()),
        }
    }

    /// The caller says how far a stream has come. `Err` closes the connection.
    pub(crate) fn item_ack(&self, arrival: Arrival, id: CallId, position: Position) -> Result<(), &'static str> {
        let mut state = self.lock();
        if !state.session.renew(arrival) {
            return Err(UNBOUND);
        }
        match state.streams.get(&id) {
            Some(streams) => {
                streams.carried.acknowledge(position).map_err(|_violation| "it breaks the rules of streams")
            }
            None => Ok(()),
        }
    }
}

impl State {
    /// The session has another connection, or none: nothing of streams goes out until the caller was heard on it.
    pub(super) fn detach_streams(&self) {
        self.streams.values().for_each(|streams| streams.carried.detach());
    }

    /// The caller has cancelled the call: what produces for it is dropped, and what it sends ends with an error (R39).
    pub(super) fn cancel_streams(&self, id: CallId) {
        if planted(Bug::CancelMissesProducer) {
            return; // M45
        }
        if let Some(streams) = self.streams.get(&id) {
            let text = "the caller has cancelled the call";
            streams.carried.end(CallError::new(ErrorKind::Cancelled, Executed::Completed, text));
        }
    }

    /// The session has ended, and all streams with it.
    pub(super) fn lose_streams(&self) {
        for streams in self.streams.values() {
            let text = "the session of the stream's caller has ended";
            streams.carried.end(CallError::new(ErrorKind::SessionLost, MAY_STILL_RUN, text));
        }
    }

    /// The call has ended.
    #[inline]
    pub(super) fn end_streams(&mut self, id: CallId) {
        if !self.streams.is_empty() {
            self.end_streams_of(id);
        }
    }

    #[cold]
    fn end_streams_of(&mut self, id: CallId) {
        if planted(Bug::StreamNotGivenBack) {
            return; // M46
        }
        if let Some(streams) = self.streams.remove(&id) {
            let text = "the call that the stream belongs to has ended";
            streams.carried.end(CallError::new(ErrorKind::Cancelled, Executed::Completed, text));
        }
    }
}
