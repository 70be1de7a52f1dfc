//! Where the bytes of a message stream come from: HTTP/2 at once, or what the task of its stream has read of it.
//!
//! A call of a session outlives its stream. What had come before that was lost is the method's, and so is the caller's end;
//! but HTTP/2 knows of an end only while its connection lives. So the stream's own task reads ahead of the method, as far as the
//! stream's window goes: room is given when the method takes.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use h2::{FlowControl, Reason, RecvStream};

use super::limits::PART_BYTES_MAX;
use super::message::NoMessage;

/// Bytes that come.
#[derive(Debug)]
pub(super) enum Body {
    Stream(RecvStream),
    Ahead(Ahead),
}

impl Body {
    /// The next bytes; `None` after the last. While nobody asks, the window stays as full as it is.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, NoMessage>>> {
        match self {
            Body::Stream(stream) => Poll::Ready(match ready!(stream.poll_data(cx)) {
                // The window was charged for what has just come, so this much can be given back.
                Some(Ok(chunk)) => match stream.flow_control().release_capacity(chunk.len()) {
                    Ok(()) => Some(Ok(chunk)),
                    Err(error) => Some(Err(error.into())),
                },
                Some(Err(error)) => Some(Err(error.into())),
                None => None,
            }),
            Body::Ahead(ahead) => ahead.poll_chunk(cx),
        }
    }

    /// Whether it is known that nothing more comes.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Body::Stream(stream) => stream.is_end_stream(),
            Body::Ahead(_) => false,
        }
    }

    /// What comes after the last bytes.
    pub(super) fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<http::HeaderMap>, NoMessage>> {
        match self {
            Body::Stream(stream) => stream.poll_trailers(cx).map_err(NoMessage::from),
            Body::Ahead(_) => Poll::Ready(Ok(None)),
        }
    }

    /// From now on `Reading` reads it, and this gives what that has read.
    pub(super) fn read_ahead(&mut self) -> Option<Reading> {
        let Body::Stream(stream) = self else { return None };
        let room = Some(stream.flow_control().clone());
        let read = Arc::new(Mutex::new(Read { room, ..Read::default() }));
        match mem::replace(self, Body::Ahead(Ahead(Arc::clone(&read)))) {
            Body::Stream(stream) => Some(Reading { stream: Some(stream), read }),
            Body::Ahead(_) => None,
        }
    }
}

/// What was read and not taken.
#[derive(Debug, Default)]
struct Read {
    /// Copied, since small frames would keep what they were read into: together no more than the stream's window.
    chunks: VecDeque<BytesMut>,
    /// The caller's end, or the stream's.
    end: Option<Result<(), NoMessage>>,
    /// Gives the caller more room, while the stream lives.
    room: Option<FlowControl>,
    /// Who takes, and waits.
    consumer: Option<Waker>,
    /// Nobody will take any more.
    is_unwanted: bool,
}

/// Reads a stream ahead of who takes. Where it is dropped before the end, the stream was lost.
#[derive(Debug)]
pub(super) struct Reading {
    /// Gone after the end.
    stream: Option<RecvStream>,
    read: Arc<Mutex<Read>>,
}

impl Reading {
    /// Runs `future`, and reads meanwhile; what has come is read first.
    pub(super) async fn during<F: Future>(mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.read(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Reads what has come.
    fn read(&mut self, cx: &mut Context<'_>) {
        while let Some(stream) = &mut self.stream {
            match stream.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) if chunk.is_empty() => {}
                Poll::Ready(Some(Ok(chunk))) => self.push(&chunk),
                Poll::Ready(Some(Err(error))) => self.end(Err(error.into())),
                Poll::Ready(None) => self.end(Ok(())),
                Poll::Pending => return,
            }
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        let mut read = lock(&self.read);
        if read.is_unwanted {
            // What still comes is dropped by HTTP/2.
            self.stream = None;
            return;
        }
        match read.chunks.back_mut() {
            Some(last) if last.len() + chunk.len() <= PART_BYTES_MAX => last.extend_from_slice(chunk),
            _ => read.chunks.push_back(chunk.into()),
        }
        let consumer = read.consumer.take();
        drop(read);
        consumer.into_iter().for_each(Waker::wake);
    }

    fn end(&mut self, end: Result<(), NoMessage>) {
        self.stream = None;
        let mut read = lock(&self.read);
        read.end.get_or_insert(end);
        let consumer = read.consumer.take();
        drop(read);
        consumer.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // It names the stream too, which ends when nobody does.
        let room = lock(&self.read).room.take();
        drop(room);
        self.end(Err(h2::Error::from(Reason::CANCEL).into()));
    }
}

/// What was read ahead.
#[derive(Debug)]
pub(super) struct Ahead(Arc<Mutex<Read>>);

impl Ahead {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, NoMessage>>> {
        let mut read = lock(&self.0);
        if let Some(chunk) = read.chunks.pop_front() {
            if let Some(room) = &mut read.room {
                // The stream may have ended: then nobody needs room.
                let _ = room.release_capacity(chunk.len());
            }
            return Poll::Ready(Some(Ok(chunk.freeze())));
        }
        let Some(end) = read.end.take() else {
            read.consumer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        read.end = Some(Ok(()));
        Poll::Ready(end.err().map(Err))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let mut read = lock(&self.0);
        read.is_unwanted = true;
        read.chunks = VecDeque::new();
    }
}

fn lock(read: &Mutex<Read>) -> MutexGuard<'_, Read> {
    // What it guards is consistent at every step.
    read.lock().unwrap_or_else(PoisonError::into_inner)
}
