//! What waits to be sent on one connection. Callers, handlers and the connection task append whole frames; the
//! connection task takes everything at once, so that many frames share one system call.

use std::fmt;
use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use idl::{Piece, Writer};

use crate::protocol::frame::{AnswerHeader, CallHeader, Frame, Item, Way};
use crate::sync::{AtomicBool, Mutex, MutexGuard};
use crate::transport::Writing;

/// Slices of a caller's own write: a call, with a large value or two in it.
const DIRECT_SLICES: usize = 8;

/// Frames on their way to one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Whether the connection task sleeps, and has to be woken. Turned on under the lock; only that task turns it off
    /// without, which costs it one wake-up in vain at most.
    asleep: AtomicBool,
    /// Whether the connection ends once everything is sent. Turned on under the lock.
    closing: AtomicBool,
    /// Bytes that wait to be taken, bytes that were taken and not sent, and of how many appendings they all are: figures,
    /// which order nothing else.
    waiting: AtomicUsize,
    sending: AtomicUsize,
    pushes: AtomicUsize,
}

#[derive(Default)]
struct State {
    frames: Frames,
    /// How many times frames were appended.
    pushes: usize,
    /// Bytes that the connection task has taken and not sent yet.
    sending: usize,
    /// Of how many appendings they are.
    sending_pushes: usize,
    /// The connection task, once it has slept.
    waker: Option<Waker>,
    /// Queued calls that wait until less waits to be sent.
    for_room: Vec<Waker>,
    /// For a caller that is alone; gone with the connection.
    writer: Option<Arc<Writing>>,
    /// While a caller writes so many bytes: nothing else is taken, and who has written wakes the connection task for it.
    writing: usize,
    /// What such a caller could not write, which goes first.
    unwritten: Option<Sending>,
    /// Where a caller's frames go next, so that nothing is allocated anew.
    spare: Frames,
    ended: bool,
}

impl Outbox {
    /// Appends frames and wakes the connection task, if it sleeps. Nothing happens after the end.
    pub(crate) fn push(&self, append: impl FnOnce(&mut Frames)) {
        self.push_as(1, append);
    }

    /// Appends frames that were gathered by so many appendings.
    pub(crate) fn push_all(&self, gathered: &mut Frames, appendings: usize) {
        self.push_as(appendings, |frames| frames.put_all(gathered));
    }

    /// Appends items of streams and wakes the connection task. They are no answers, of which a peer may not ask for more than
    /// it reads: their bound is the window of each stream.
    pub(crate) fn push_items(&self, append: impl FnOnce(&mut Frames)) {
        self.push_as(0, append);
    }

    #[inline]
    fn push_as(&self, appendings: usize, append: impl FnOnce(&mut Frames)) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        append(&mut state.frames);
        state.pushes += appendings;
        self.count(&state);
        let waker = self.sleeper(&state);
        drop(state);
        wake(waker);
    }

    /// Appends frames without waking anybody: [`flush`](Outbox::flush) follows.
    pub(crate) fn append(&self, append: impl FnOnce(&mut Frames)) {
        let mut state = self.lock();
        if !state.ended {
            append(&mut state.frames);
            state.pushes += 1;
            self.count(&state);
        }
    }

    /// Sends what was appended: at once, if the connection task sleeps, which spares its waking up; otherwise by that task.
    /// The lock is not held meanwhile. What fails, or does not fit into the socket's buffer, is left to that task too.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        let is_free =
            self.asleep.load(Relaxed) && state.sending == 0 && state.writing == 0 && state.unwritten.is_none();
        let Some(writer) = state.writer.clone().filter(|_| is_free && !state.frames.is_empty()) else {
            let waker = if state.is_empty() { None } else { self.sleeper(&state) };
            drop(state);
            return wake(waker);
        };
        let spare = std::mem::take(&mut state.spare);
        let mut taken = Sending { frames: std::mem::replace(&mut state.frames, spare), sent: 0 };
        state.writing = taken.left();
        drop(state);

        let mut slices = [IoSlice::new(&[]); DIRECT_SLICES];
        let used = taken.slices(&mut slices);
        // An error is the connection task's to find.
        let written = writer(&slices[..used]).unwrap_or(0);
        taken.advance(written);

        let mut state = self.lock();
        state.writing = 0;
        if taken.left() > 0 {
            state.unwritten = Some(taken);
        } else {
            taken.frames.0.clear();
            state.spare = taken.frames;
            if state.frames.is_empty() {
                state.pushes = 0;
            }
        }
        self.count(&state);
        let has_more = state.unwritten.is_some() || !state.frames.is_empty() || self.closing.load(Relaxed);
        let waker = if has_more { self.sleeper(&state) } else { None };
        drop(state);
        wake(waker);
    }

    /// Lets callers that are alone write by themselves.
    pub(crate) fn write_by(&self, writer: Arc<Writing>) {
        self.lock().writer = Some(writer);
    }

    /// Closes the connection once everything is sent.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        self.closing.store(true, Relaxed);
        let (waker, for_room) = (self.sleeper(&state), std::mem::take(&mut state.for_room));
        drop(state);
        wake(waker);
        wake(for_room);
    }

    /// Bytes that wait to be sent.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting.load(Relaxed) + self.sending.load(Relaxed)
    }

    /// Whether something waits to be taken. What another task appends just now may be missed.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    /// How many times something was appended that waits to be sent, or was taken together with what waits.
    pub(crate) fn pushes(&self) -> usize {
        self.pushes.load(Relaxed)
    }

    /// Waits until at most `bytes_max` wait to be sent, or the connection is closing.
    pub(crate) async fn room(&self, bytes_max: usize) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if self.closing.load(Relaxed) || state.bytes() <= bytes_max {
                return Poll::Ready(());
            }
            state.for_room.push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// The connection task is awake: no need to wake it.
    pub(crate) fn awake(&self) {
        self.asleep.store(false, Relaxed);
    }

    /// Takes everything that waits, once what was taken before is sent.
    pub(crate) fn take(&self, sending: &mut Sending) {
        let mut state = self.lock();
        if sending.left() == 0 && state.writing == 0 {
            sending.sent = 0;
            sending.frames.0.clear();
            match state.unwritten.take() {
                Some(unwritten) => *sending = unwritten,
                None => {
                    std::mem::swap(&mut sending.frames, &mut state.frames);
                    state.sending_pushes = std::mem::take(&mut state.pushes);
                }
            }
        }
        let wakers = state.left(sending.left());
        self.count(&state);
        drop(state);
        wake(wakers);
    }

    /// The connection task is about to sleep, and is woken from now on: false if there is something to send after all
    /// and nothing `blocks` it.
    pub(crate) fn sleep(&self, waker: &Waker, sending: &Sending, blocked: bool) -> bool {
        let mut state = self.lock();
        let wakers = state.left(sending.left());
        self.count(&state);
        // Who writes wakes the task for what is there afterwards.
        let is_empty = state.frames.is_empty() && state.unwritten.is_none();
        let idle = blocked || state.writing > 0 || is_empty && !(self.closing.load(Relaxed) && state.sending == 0);
        if idle {
            if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                state.waker = Some(waker.clone());
            }
            self.asleep.store(true, Relaxed);
        }
        drop(state);
        wake(wakers);
        idle
    }

    /// Whether the connection is to be closed now: everything is sent.
    pub(crate) fn is_closing(&self, sending: &Sending) -> bool {
        self.closing.load(Relaxed) && sending.left() == 0 && self.lock().is_empty()
    }

    /// Gives back the buffers in which nothing waits.
    pub(crate) fn rest(&self, sending: &mut Sending) {
        let mut state = self.lock();
        if state.is_empty() {
            (state.frames, state.spare) = (Frames::default(), Frames::default());
        }
        if sending.left() == 0 {
            *sending = Sending::default();
        }
    }

    /// The connection has ended: what still waits is dropped.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        self.closing.store(true, Relaxed);
        let ended = std::mem::replace(&mut *state, State { ended: true, ..State::default() });
        self.count(&state);
        drop(state);
        wake(ended.for_room);
    }

    /// Whom to wake, since there is something to do.
    fn sleeper(&self, state: &State) -> Option<Waker> {
        // It is awake as a rule, and looking costs less than changing.
        if self.asleep.load(Relaxed) && self.asleep.swap(false, Relaxed) { state.waker.clone() } else { None }
    }

    fn count(&self, state: &State) {
        self.waiting.store(state.waiting(), Relaxed);
        self.sending.store(state.sending, Relaxed);
        self.pushes.store(state.pushes + state.sending_pushes, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user runs under the lock; what it guards is consistent at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.waiting() + self.sending
    }

    /// What the connection task has not taken.
    fn waiting(&self) -> usize {
        self.frames.bytes() + self.writing + self.unwritten.as_ref().map_or(0, Sending::left)
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Of what was taken so many bytes are left. Gives who waits for room.
    fn left(&mut self, bytes: usize) -> Vec<Waker> {
        let has_room = bytes < self.sending;
        self.sending = bytes;
        if has_room { std::mem::take(&mut self.for_room) } else { Vec::new() }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.waiting())
            .field("sending", &self.sending)
            .finish_non_exhaustive()
    }
}

/// Wakes tasks: not under the lock, which is the first thing that they take.
fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
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

    /// Appends an item of a stream.
    pub(crate) fn put_item(&mut self, way: Way, item: &Item) {
        self.0.put_slice(&item.header(way));
        self.0.put_bytes(&item.body);
    }

    /// Appends all of these, and leaves none of them.
    fn put_all(&mut self, frames: &mut Frames) {
        if self.is_empty() {
            std::mem::swap(self, frames);
        } else {
            self.put_pieces(&frames.0);
            frames.0.clear();
        }
    }

    /// Appends bytes that are no frame: what a connection begins with.
    pub(crate) fn put_raw(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    fn put_pieces(&mut self, body: &Writer) {
        if let Some(bytes) = body.as_slice() {
            return self.0.put_slice(bytes);
        }
        for piece in body.pieces() {
            match piece {
                Piece::Slice(bytes) => self.0.put_slice(bytes),
                Piece::Bytes(bytes) => self.0.put_bytes(bytes),
            }
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    #[inline]
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
        // Large payloads are not held until the rest is sent too.
        self.sent -= self.frames.0.forget_large(self.sent);
    }
}

#[cfg(all(test, interleave))]
mod interleave;
