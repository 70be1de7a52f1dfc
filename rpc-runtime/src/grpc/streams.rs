//! The streams that a connection's own task serves: each to its end, or until its implementation has to wait.
//!
//! So what came together is answered together, by one write, and no other thread has to be woken for it.

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;

use super::connection::Peer;
use super::limits::{STREAM_ROUNDS_MAX, STREAMS_AT_ONCE};
use super::pace::{Pace, TURN_MAX};
use super::stream;
use crate::task::{Task, spawn_unboxed};

/// How a connection ended: with an error, or by its peer's will.
type End = Option<h2::Error>;

/// Streams that were accepted, and are not answered yet. Nobody waits for those that are left when it is dropped.
pub(super) struct Streams {
    peer: Arc<Peer>,
    serving: FuturesUnordered<Task>,
    pace: Pace,
}

impl Streams {
    pub(super) fn new(peer: Arc<Peer>) -> Streams {
        Streams { peer, serving: FuturesUnordered::new(), pace: Pace::default() }
    }

    /// Drives the connection and its streams. Ready when the connection has ended.
    pub(super) fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<IO, Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        // What wakes the task while it is here needs no turn of its own: it is seen in the next round.
        let mut unheard = Context::from_waker(Waker::noop());
        for _ in 0..STREAM_ROUNDS_MAX {
            match self.round(connection, &mut unheard) {
                Ok(true) => {}
                Ok(false) => break,
                Err(end) => return Poll::Ready(end),
            }
        }
        match self.round(connection, cx) {
            Ok(true) => cx.waker().wake_by_ref(),
            Ok(false) => {}
            Err(end) => return Poll::Ready(end),
        }
        Poll::Pending
    }

    /// Sends what was answered, reads, accepts some streams and serves some. Gives whether there were any.
    fn round<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<IO, Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<bool, End> {
        let mut accepted = 0;
        let end = loop {
            match connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.accept(request, respond),
                Poll::Ready(Some(Err(error))) => break Err(Some(error)),
                Poll::Ready(None) => break Err(None),
                Poll::Pending => break Ok(()),
            }
            accepted += 1;
            if accepted == STREAMS_AT_ONCE {
                break Ok(());
            }
        };
        let served = self.serve(cx);
        end.map(|()| accepted + served > 0)
    }

    fn accept(&mut self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        let serving: Task = Box::pin(stream::serve(Arc::clone(&self.peer), request, respond));
        if self.has_threads() && self.pace.is_slow() {
            // Ends with the call.
            drop(spawn_unboxed(serving));
        } else {
            self.serving.push(serving);
        }
    }

    /// Whether another thread could serve a stream: one for connections is the only one of its runtime.
    fn has_threads(&self) -> bool {
        self.peer.home.is_none()
    }

    /// Serves streams that can go on. Gives how many have ended, or have gone on in tasks of their own.
    fn serve(&mut self, cx: &mut Context<'_>) -> u32 {
        let clock = self.peer.server.clock;
        let begun = clock.now();
        let (mut served, mut took) = (0, Duration::ZERO);
        while served < STREAMS_AT_ONCE && took < TURN_MAX && self.serve_one(cx) {
            served += 1;
            took = clock.now().since(begun);
        }
        if served > 0 && self.pace.has_become_slow(served, took) && self.has_threads() {
            // Those that have come already are not to wait for each other either.
            take(&mut self.serving).into_iter().for_each(|serving| drop(spawn_unboxed(serving)));
        }
        served
    }

    /// Serves a stream that can go on, if there is one.
    fn serve_one(&mut self, cx: &mut Context<'_>) -> bool {
        // On a thread for connections, what waits goes on on the runtime of handlers.
        let _home = self.peer.home.as_ref().map(Handle::enter);
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.serving).poll_next(cx))) {
            // A panic ends its stream only, which is reset.
            Ok(Poll::Ready(Some(()))) | Err(_) => true,
            Ok(Poll::Ready(None) | Poll::Pending) => false,
        }
    }
}
