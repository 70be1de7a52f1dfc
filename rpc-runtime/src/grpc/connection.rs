//! One accepted HTTP/2 connection: its settings, its pings, and its end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limits::{
    CONNECTION_WINDOW_BYTES, FAREWELL_TIMEOUT, FRAME_BYTES_MAX, HEADER_LIST_BYTES_MAX, LOCAL_RESETS_MAX, PARTS_MAX,
    PENDING_RESETS_MAX, PING_INTERVAL, PING_TIMEOUT, REMEMBERED_RESETS, RESETS_REMEMBERED_FOR, SEND_BUFFER_BYTES,
    SMALL_FRAMES_BYTES_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX,
};
use super::message::{HEAD_BYTES, Parts};
use super::shared::Phase;
use super::streams::Streams;
use crate::protocol::id::Incarnation;
use crate::random;
use crate::server::{Admitted, Server};
use crate::transport::Stream;

/// What an HTTP/2 connection begins with, as far as it takes to know one.
pub(crate) const PREFACE_BEGIN: [u8; 8] = *b"PRI * HT";

/// What the streams of one connection share.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) server: Arc<Server>,
    /// Stands for the caller, which has no incarnation of ours.
    pub(super) caller: Incarnation,
    /// Where handlers go on that have to wait, if the connection is driven by a thread for connections.
    pub(super) home: Option<Handle>,
    pub(super) parts: Arc<Parts>,
    /// One permit for each call with streams that runs.
    pub(super) streams: Arc<Semaphore>,
}

/// Serves a connection that began with `begun`, to its end. Gives why it was closed, if this side closed it for what came.
pub(crate) async fn serve(
    stream: Stream,
    begun: [u8; 8],
    server: &Arc<Server>,
    _admitted: &Admitted,
    until: Instant,
    home: Option<Handle>,
) -> Option<String> {
    let io = Begun { begun: Bytes::copy_from_slice(&begun), stream };
    let connection = match timeout_at(until, settings().handshake(io)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return why(&error),
        Err(_elapsed) => return Some("it did not finish its preface in time".to_owned()),
    };
    let bytes_max = (server.limits.frame_bytes_max + HEAD_BYTES).saturating_mul(PARTS_MAX);
    let peer = Peer {
        server: Arc::clone(server),
        caller: Incarnation::new(random::identity()),
        home,
        parts: Arc::new(Parts::new(bytes_max)),
        streams: Arc::new(Semaphore::new(server.limits.session_streams_max.min(Semaphore::MAX_PERMITS))),
    };
    drive(connection, Arc::new(peer), until).await
}

/// Drives the connection and its streams to its end.
async fn drive(
    mut connection: h2::server::Connection<Begun, Bytes>,
    peer: Arc<Peer>,
    until: Instant,
) -> Option<String> {
    let mut phases = peer.server.grpc.phases();
    let mut pings = Pings::at_once(connection.ping_pong(), until);
    let mut phase = Phase::Serving;
    // When the last replies have had their time.
    let mut over_at = None;
    let mut streams = Streams::new(peer);
    loop {
        let now = *phases.borrow_and_update();
        if now >= Phase::Draining && phase == Phase::Serving {
            connection.graceful_shutdown();
        }
        if now == Phase::Closing && over_at.is_none() {
            over_at = Some(Instant::now() + FAREWELL_TIMEOUT);
        }
        phase = now;
        tokio::select! {
            ended = poll_fn(|cx| streams.poll(&mut connection, cx)) => return ended.and_then(|error| why(&error)),
            // The sender lives in the server.
            _ = phases.changed() => {}
            () = pings.unanswered() => return Some("it did not answer a ping in time".to_owned()),
            () = sleep_until(over_at.unwrap_or_else(Instant::now)), if over_at.is_some() => return None,
        }
    }
}

/// Every limit that HTTP/2 has.
fn settings() -> h2::server::Builder {
    let mut settings = h2::server::Builder::new();
    settings
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .data_frame_budget(SMALL_FRAMES_BYTES_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(Some(LOCAL_RESETS_MAX))
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .reset_stream_duration(RESETS_REMEMBERED_FOR);
    settings
}

/// Why this side gives a connection up; `None` if the peer did.
fn why(error: &h2::Error) -> Option<String> {
    (!error.is_io() && !error.is_remote()).then(|| format!("it broke the rules of HTTP/2: {error}"))
}

/// Asks the peer again and again whether it is there.
pub(super) struct Pings {
    pings: Option<PingPong>,
    /// When it is asked next, or when its answer is due.
    at: Instant,
    is_asked: bool,
}

impl Pings {
    /// Asks from the first interval on.
    pub(super) fn new(pings: Option<PingPong>) -> Pings {
        Pings { pings, at: Instant::now() + PING_INTERVAL, is_asked: false }
    }

    /// Asks at once, and wants an answer by `until`: the end of a handshake, for a preface is easily said.
    fn at_once(pings: Option<PingPong>, until: Instant) -> Pings {
        let mut pings = Pings { pings, at: until, is_asked: true };
        pings.ask();
        pings
    }

    fn ask(&mut self) {
        // A connection that is gone says so where it is driven, and this waits for ever.
        if self.pings.as_mut().is_some_and(|pings| pings.send_ping(Ping::opaque()).is_err()) {
            self.pings = None;
        }
    }

    /// Ends when an answer has not come in time. May be dropped and called again.
    pub(super) async fn unanswered(&mut self) {
        loop {
            let Some(pings) = &mut self.pings else {
                return std::future::pending().await;
            };
            tokio::select! {
                answered = poll_fn(|cx| pings.poll_pong(cx)), if self.is_asked => match answered {
                    Ok(_pong) => (self.is_asked, self.at) = (false, Instant::now() + PING_INTERVAL),
                    Err(_gone) => self.pings = None,
                },
                () = sleep_until(self.at) => {
                    if self.is_asked {
                        return;
                    }
                    (self.is_asked, self.at) = (true, Instant::now() + PING_TIMEOUT);
                    self.ask();
                }
            }
        }
    }
}

/// A stream of which the first bytes were read.
#[derive(Debug)]
struct Begun {
    begun: Bytes,
    stream: Stream,
}

impl AsyncRead for Begun {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let bytes = self.begun.len().min(buf.remaining());
        buf.put_slice(&self.begun.split_to(bytes));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
