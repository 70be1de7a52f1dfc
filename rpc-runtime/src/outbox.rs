//! What waits to be sent on one connection. Callers, handlers and the connection task append whole frames; the
//! connection task takes everything at once, so that many frames share one system call.

use std::io::IoSlice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use idl::{Piece, Writer};
use tokio::sync::Notify;

use crate::protocol::frame::{AnswerHeader, CallHeader, Frame};

/// Frames on their way to one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Notified when what waits has become less, or the connection has ended.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: Frames,
    /// How many times frames were appended.
    pushes: usize,
    /// Bytes that the connection task has taken and not sent yet.
    sending: usize,
    /// Of how many appendings they are.
    sending_pushes: usize,
    /// Set while the connection task sleeps.
    waker: Option<Waker>,
    /// What ends the connection once everything is sent.
    closing: bool,
    ended: bool,
}

impl Outbox {
    /// Appends frames and wakes the connection task, if it sleeps. Nothing happens after the end.
    pub(crate) fn push(&self, append: impl FnOnce(&mut Frames)) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        append(&mut state.frames);
        state.pushes += 1;
        Self::wake(state);
    }

    /// Closes the connection once everything is sent.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        Self::wake(state);
    }

    /// Bytes that wait to be sent.
    pub(crate) fn bytes(&self) -> usize {
        let state = self.lock();
        state.frames.bytes() + state.sending
    }

    /// How many times something was appended that waits to be sent, or was taken together with what waits.
    pub(crate) fn pushes(&self) -> usize {
        let state = self.lock();
        state.pushes + state.sending_pushes
    }

    /// Waits until less waits to be sent, or the connection has ended.
    pub(crate) fn room(&self) -> tokio::sync::futures::Notified<'_> {
        self.room.notified()
    }

    /// The connection task is awake: no need to wake it.
    pub(crate) fn awake(&self) {
        self.lock().waker = None;
    }

    /// Takes everything that waits, once what was taken before is sent.
    pub(crate) fn take(&self, sending: &mut Sending) {
        let mut state = self.lock();
        if sending.left() == 0 {
            sending.sent = 0;
            sending.frames.0.clear();
            std::mem::swap(&mut sending.frames, &mut state.frames);
            state.sending_pushes = std::mem::take(&mut state.pushes);
        }
        let has_room = sending.left() < state.sending;
        state.sending = sending.left();
        drop(state);
        if has_room {
            self.room.notify_waiters();
        }
    }

    /// The connection task is about to sleep, and is woken from now on: false if there is something to send after all
    /// and nothing `blocks` it.
    pub(crate) fn sleep(&self, waker: &Waker, blocked: bool) -> bool {
        let mut state = self.lock();
        let idle = blocked || state.frames.is_empty() && !(state.closing && state.sending == 0);
        if idle {
            state.waker = Some(waker.clone());
        }
        idle
    }

    /// Whether the connection is to be closed now.
    pub(crate) fn is_closing(&self) -> bool {
        let state = self.lock();
        state.closing && state.frames.is_empty() && state.sending == 0
    }

    /// The connection has ended: what still waits is dropped.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        *state = State { ended: true, closing: true, ..State::default() };
        self.room.notify_waiters();
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user runs under the lock; what it guards is consistent at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frames in a row: small ones in one buffer, large payloads beside it.
#[derive(Debug, Default)]
pub(crate) struct Frames(Writer);

impl Frames {
    /// Appends a frame without a separate body.
    pub(crate) fn put(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.0.put_slice(&bytes);
    }

    /// Appends a call.
    pub(crate) fn put_call(&mut self, header: &CallHeader, arguments: &Writer) {
        self.0.put_slice(&header.encode(arguments.len()));
        self.put_pieces(arguments);
    }

    /// Appends an answer.
    pub(crate) fn put_answer(&mut self, header: &AnswerHeader, body: &Writer) {
        self.0.put_slice(&header.encode(body.len()));
        self.put_pieces(body);
    }

    /// Appends bytes that are no frame: what a connection begins with.
    pub(crate) fn put_raw(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    fn put_pieces(&mut self, body: &Writer) {
        for piece in body.pieces() {
            match piece {
                Piece::Slice(bytes) => self.0.put_slice(bytes),
                Piece::Bytes(bytes) => self.0.put_bytes(bytes),
            }
        }
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the connection task has taken and is writing. Its buffer and the outbox's change places, so that
/// neither is allocated anew.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    frames: Frames,
    sent: usize,
}

impl Sending {
    /// Bytes that are not sent yet.
    pub(crate) fn left(&self) -> usize {
        self.frames.bytes() - self.sent
    }

    /// What is left, for one vectored write; gives how many slices it takes.
    pub(crate) fn slices<'a, const N: usize>(&'a self, slices: &mut [IoSlice<'a>; N]) -> usize {
        let mut skip = self.sent;
        let mut used = 0;
        for piece in self.frames.0.pieces() {
            let bytes: &[u8] = match piece {
                Piece::Slice(bytes) => bytes,
                Piece::Bytes(bytes) => bytes,
            };
            if skip >= bytes.len() {
                skip -= bytes.len();
                continue;
            }
            let Some(slice) = slices.get_mut(used) else {
                break;
            };
            *slice = IoSlice::new(&bytes[skip..]);
            skip = 0;
            used += 1;
        }
        used
    }

    /// So many bytes were written.
    pub(crate) fn advance(&mut self, written: usize) {
        self.sent += written;
    }
}
