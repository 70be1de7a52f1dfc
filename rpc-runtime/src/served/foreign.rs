//! Sessions of callers that speak gRPC: they have no connection of their own, and name their session with each call (R33).
//!
//! Such a session is bound to the number of a connection that does not exist. Its answers go to the newest stream of each
//! call. What goes back beside a reply is recorded with it, so that a call that is sent again is answered alike.

use std::collections::HashMap;

use bytes::Bytes;
use idl::{Piece, Writer};
use tokio::sync::oneshot;

use super::calls::Received;
use super::{Served, State};
use crate::Message;
use crate::context::{BesideReply, Context, Metadata};
use crate::error::Code;
use crate::protocol::control::Rejection;
use crate::protocol::frame::{CallHeader, Status};
use crate::protocol::id::{CallId, Token};
use crate::protocol::session::Arrival;
use crate::protocol::time::Time;
use crate::run::Opened;

/// Bytes of the length that a recorded reply ends with.
const NOTE_LENGTH_BYTES: usize = 4;

/// The streams that wait for answers, by their calls: each is of a call that is queued or runs.
pub(super) type Waiting = HashMap<CallId, oneshot::Sender<Told>>;

/// What a stream is told. Nothing, if the session ends first.
pub(crate) enum Told {
    /// What became of the call.
    Answer(Answer),
    /// The method has opened a stream, which is to be sent. What is told meanwhile comes by the receiver.
    Opened(Opened, oneshot::Receiver<Told>),
    /// The call was sent again, and is answered there.
    Superseded,
}

/// What became of a call.
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) body: Writer,
    pub(crate) beside: BesideReply,
}

/// What goes back beside a reply, as it is recorded behind the reply.
#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct Note {
    code: u32,
    text: String,
    header: Vec<(String, Bytes)>,
    trailer: Vec<(String, Bytes)>,
}

impl Served {
    /// Whether the caller may use the session (rows 2 and 3). Its lease is renewed.
    pub(crate) fn admit(&self, token: Token, now: Time) -> Result<(), Rejection> {
        let mut state = self.lock();
        let connection = state.session.admit_foreign(token)?;
        state.session.renew(Arrival { connection, now });
        Ok(())
    }

    /// Ends the session at its caller's wish.
    pub(crate) fn close_foreign(&self, token: Token) -> Result<(), Rejection> {
        self.lock().session.admit_foreign(token)?;
        self.end();
        Ok(())
    }

    /// Slots granted.
    pub(crate) fn slots(&self) -> u16 {
        self.slots
    }

    /// What to do with a call that arrived. Its answer will be told to `tell`, and to no earlier stream of the call.
    pub(crate) fn receive_foreign(
        &self,
        token: Token,
        call: &CallHeader,
        arguments: &Bytes,
        has_permit: bool,
        tell: oneshot::Sender<Told>,
        now: Time,
    ) -> Result<Received, Rejection> {
        let connection = {
            let state = self.lock();
            let connection = state.session.admit_foreign(token)?;
            if let Some(waiting) = &state.waiting
                && let Some(older) = waiting.borrow_mut().insert(call.id, tell)
            {
                self.server.counters.duplicates_answered.add();
                // It may have gone.
                let _ = older.send(Told::Superseded);
            }
            connection
        };
        // What may happen in between is that the call's answer is told: the right one, to the newest stream.
        let received = self.receive(Arrival { connection, now }, call, arguments, has_permit);
        if let (Received::Close(_), Some(waiting)) = (&received, &self.lock().waiting) {
            waiting.borrow_mut().remove(&call.id);
        }
        Ok(received)
    }

    /// Hands what the call has opened to its newest stream. It comes back if none is there.
    pub(crate) fn hand_over(&self, id: CallId, opened: Opened) -> Option<Opened> {
        let state = self.lock();
        let Some(waiting) = &state.waiting else { return Some(opened) };
        let mut waiting = waiting.borrow_mut();
        let Some(tell) = waiting.remove(&id) else { return Some(opened) };
        // In the same step: it may be superseded from now on.
        let (next, told) = oneshot::channel();
        match tell.send(Told::Opened(opened, told)) {
            Ok(()) => {
                waiting.insert(id, next);
                None
            }
            Err(Told::Opened(opened, _)) => Some(opened),
            Err(_) => None,
        }
    }

    /// Records what goes back beside the reply behind it.
    pub(super) fn note(reply: &mut Writer, context: &Context) {
        let before = reply.len();
        let beside = context.take_beside_reply();
        let is_empty = beside.error.is_none() && beside.header.is_empty() && beside.trailer.is_empty();
        if !is_empty {
            let list =
                |metadata: &Metadata| metadata.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            let (header, trailer) = (list(&beside.header), list(&beside.trailer));
            let (code, text) = beside.error.map_or((0, String::new()), |(code, text)| (code.number(), text));
            // Its depth is known, so that it can always be written.
            let note = idl::to_vec(&Note { code, text, header, trailer }).unwrap_or_default();
            reply.put_slice(&note);
        }
        let length = u32::try_from(reply.len() - before).unwrap_or_default();
        reply.put_slice(&length.to_le_bytes());
    }
}

impl State {
    /// Whether a stream waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.borrow().values().any(|tell| !tell.is_closed()))
    }

    /// Tells the answer to the newest stream of the call; false if the session has a connection, which it goes to.
    pub(super) fn tell(&self, id: CallId, status: Status, body: &Writer) -> bool {
        let Some(waiting) = &self.waiting else { return false };
        // That a call is in progress is no answer: its stream waits.
        if status != Status::Working
            && let Some(tell) = waiting.borrow_mut().remove(&id)
        {
            let (body, beside) = split(status, body);
            // Its caller may have gone: the record is there for the next time.
            let _ = tell.send(Told::Answer(Answer { status, body, beside }));
        }
        true
    }
}

/// A recorded reply without the note behind it, and the note.
fn split(status: Status, recorded: &Writer) -> (Writer, BesideReply) {
    let mut body = crate::spare::writer();
    recorded.pieces().for_each(|piece| match piece {
        Piece::Slice(bytes) => body.put_slice(bytes),
        Piece::Bytes(bytes) => body.put_bytes(bytes),
    });
    if !matches!(status, Status::Value | Status::Error | Status::Fault) {
        return (body, BesideReply::default());
    }
    let tail = recorded.pieces().last();
    let Some((rest, length)) = tail.as_ref().and_then(|tail| tail.as_ref().split_last_chunk::<NOTE_LENGTH_BYTES>())
    else {
        return (body, BesideReply::default());
    };
    let length = u32::from_le_bytes(*length) as usize;
    let note = rest.len().checked_sub(length).map(|start| &rest[start..]).unwrap_or_default();
    body.truncate(recorded.len() - NOTE_LENGTH_BYTES - note.len());
    (body, idl::from_slice::<Note>(note).map(Note::into_beside).unwrap_or_default())
}

impl Note {
    fn into_beside(self) -> BesideReply {
        let metadata = |list: Vec<(String, Bytes)>| {
            let mut metadata = Metadata::new();
            for (name, value) in list {
                // They were metadata before.
                let _ = metadata.add(name, value);
            }
            metadata
        };
        BesideReply {
            header: metadata(self.header),
            trailer: metadata(self.trailer),
            error: (self.code != 0).then(|| (Code::from_number(self.code), self.text)),
        }
    }
}

/// Room for the streams of a session that has no connection.
pub(super) fn waiting(has_connection: bool) -> Option<std::cell::RefCell<Waiting>> {
    (!has_connection).then(Default::default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::context::Beside;
    use crate::protocol::id::Incarnation;

    /// A reply is answered as it was recorded, with what goes beside it, whether it is small or large.
    #[test]
    fn a_reply_and_its_note_are_parted_again() {
        for bytes in [0, 10, 100_000] {
            for has_note in [false, true] {
                let caller = Incarnation::new(uuid::Uuid::from_u128(1));
                let context =
                    Context::new(Clock::start(), Time::NEVER, caller).with_beside(Beside::new(Metadata::new()));
                if has_note {
                    context.add_trailer("trace", "1").expect("metadata");
                }
                let mut reply = Writer::new();
                reply.put_slice(&vec![7; bytes]);
                Served::note(&mut reply, &context);
                reply.share();
                let (body, beside) = split(Status::Value, &reply);
                assert_eq!(body.to_vec(), vec![7; bytes]);
                assert_eq!(beside.trailer.get_text("trace"), has_note.then_some("1"));
            }
        }
    }
}
