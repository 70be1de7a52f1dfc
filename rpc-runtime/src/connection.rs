//! The one task of a connection: it reads, hands frames to its role, sends what waits, and keeps the timer.
//!
//! A role is the caller's or the callee's side of the protocol. The task never stops reading because it cannot
//! write (R30), and it never waits to gather writes: whatever has come together since the last write goes out
//! at once.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::outbox::{Outbox, Sending};
use crate::protocol::frame::{Frame, FrameError, LENGTH_BYTES, frame_bytes};
use crate::protocol::time::Time;
use crate::timer::Timer;
use crate::transport::Stream;

/// Bytes asked of one read.
const READ_BYTES: usize = 16 * 1024;
/// Of a large frame the buffer has room for at most so many times what has come in, or for as much as the last one really
/// had: its length is only what the peer says.
const GROWTH_MAX: usize = 4;
/// The same before there was more to be read: many connections never say much.
const FIRST_READ_BYTES: usize = 1024;
/// A buffer that has grown beyond this for large frames is given back after them.
const KEPT_BYTES_MAX: usize = 64 * 1024;
/// A connection on which nothing has come for so long gives its buffers back.
const REST_AFTER: Duration = Duration::from_secs(1);
/// Slices of one vectored write.
const WRITE_SLICES: usize = 32;
/// Rounds of read, handle, write before other tasks get their turn.
const ROUNDS_MAX: usize = 16;
/// Frames that are handled before what they led to is sent, and other tasks get their turn: so that this side and the peer
/// work at the same time.
const FRAMES_MAX: usize = 32;
/// How long the last words of a closing connection may take.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// One side of the protocol, as the connection task drives it.
pub(crate) trait Role {
    /// A frame came in, and may be followed by others at once, before [`handled`](Role::handled). `Break` ends the connection,
    /// after what waits has been sent.
    fn frame(&mut self, frame: Frame, now: Time, is_followed: bool) -> ControlFlow<String>;

    /// Bytes came in: the peer is there, though a large frame may take its time.
    fn heard(&mut self) {}

    /// The frames that came in together have been handed over, also if what follows them is no frame. `Break` as above.
    fn handled(&mut self, _now: Time) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    /// Whether several tasks were woken by them which, as a rule, append frames now: these go out together.
    fn has_woken_several(&self) -> bool {
        false
    }

    /// The time that [`wake_at`](Role::wake_at) gave has come.
    fn tick(&mut self, now: Time) -> ControlFlow<String>;

    /// Nothing has come for a while: memory that is kept to be used again is given back.
    fn rest(&mut self) {}

    /// When the next tick is due.
    fn wake_at(&self) -> Time;

    /// The largest frame that it takes at present.
    fn frame_bytes_max(&self) -> usize;
}

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The peer closed it.
    #[error("the peer closed the connection")]
    ByPeer,
    /// This side closed it.
    #[error("{0}")]
    ByUs(String),
    /// It broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The peer sent bytes that are not frames.
    #[error("{0}")]
    NotAFrame(#[from] FrameError),
    /// The peer does not read.
    #[error("the peer has not read anything for {0:?}")]
    Stalled(Duration),
}

/// A byte stream with its buffers.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    inbox: BytesMut,
    /// Bytes asked of the next read.
    read_bytes: usize,
    /// The length of the last large frame, until the connection rests.
    large_bytes: usize,
    /// Whether the inbox has grown for large frames.
    has_grown: bool,
    /// Whether whole frames may be left in the inbox.
    has_more: bool,
    /// How the stream ended, until the last frames before it are handed over.
    ended: Option<Ended>,
    outbox: Arc<Outbox>,
    sending: Sending,
    clock: Clock,
    write_timeout: Duration,
    /// Since when a write has made no progress.
    stalled_since: Option<Time>,
    /// When the buffers are given back, unless something comes before; `NEVER` while it rests.
    rest_at: Time,
    timer: Timer,
    /// What the timer was set for; zero once it has rung, and before it was set.
    timer_at: Time,
}

impl Connection {
    pub(crate) fn new(stream: Stream, clock: Clock, write_timeout: Duration) -> Connection {
        Connection {
            stream,
            inbox: BytesMut::new(),
            read_bytes: FIRST_READ_BYTES,
            large_bytes: 0,
            has_grown: false,
            has_more: false,
            ended: None,
            outbox: Arc::default(),
            sending: Sending::default(),
            clock,
            write_timeout,
            stalled_since: None,
            rest_at: clock.now() + REST_AFTER,
            timer: Timer::new(clock),
            timer_at: Time::ZERO,
        }
    }

    /// A connection whose callers, while they are alone, write by themselves, which spares its task a turn.
    pub(crate) fn shared(stream: Stream, clock: Clock, write_timeout: Duration) -> Connection {
        let (stream, writer) = stream.shared();
        let connection = Connection::new(stream, clock, write_timeout);
        if let Some(writer) = writer {
            connection.outbox.write_by(writer);
        }
        connection
    }

    /// Where frames for this connection go.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Sends what waits, and reads one frame: a step of the handshake.
    pub(crate) async fn exchange(&mut self, frame_bytes_max: usize) -> Result<Frame, Ended> {
        self.send_all().await?;
        loop {
            if let Some(frame) = self.next_frame(frame_bytes_max)? {
                return Ok(Frame::decode(frame)?);
            }
            self.read().await?;
        }
    }

    /// Whether the peer has sent a part of a frame.
    pub(crate) fn has_unread(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Sends what waits.
    pub(crate) async fn send_all(&mut self) -> Result<(), Ended> {
        let now = self.clock.now();
        loop {
            poll_fn(|cx| self.poll_send(cx, now)).await?;
            self.outbox.take(&mut self.sending);
            if self.sending.left() == 0 {
                return Ok(());
            }
        }
    }

    /// Drives the connection to its end. [`close`](Connection::close) it then.
    pub(crate) async fn run(&mut self, role: &mut (impl Role + Send)) -> Ended {
        // What came after the handshake, and with it, comes first.
        self.has_more |= self.has_unread();
        poll_fn(|cx| self.poll(cx, role)).await
    }

    /// Says the last words, if there are any and the peer may hear them.
    pub(crate) async fn close(mut self, ended: &Ended) {
        if matches!(ended, Ended::ByUs(_) | Ended::NotAFrame(_)) {
            // Whether they arrive is the peer's affair.
            let _ = timeout(FAREWELL_TIMEOUT, self.farewell()).await;
        }
    }

    /// Sends what waits, closes the writing side, and reads until the peer closes its own: a reset would
    /// destroy what was just sent (R31).
    async fn farewell(&mut self) -> Result<(), Ended> {
        self.send_all().await?;
        self.stream.shutdown().await?;
        // What was read and not handed over is of no interest any more; it must not be taken for what is to be read.
        self.has_more = false;
        loop {
            self.inbox.clear();
            self.read().await?;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, role: &mut impl Role) -> Poll<Ended> {
        match self.poll_rounds(cx, role) {
            Ok(()) => Poll::Pending,
            Err(ended) => Poll::Ready(ended),
        }
    }

    /// Works until there is nothing to do, which leaves wakers behind for all that there may be to do later.
    fn poll_rounds(&mut self, cx: &mut Context<'_>, role: &mut impl Role) -> Result<(), Ended> {
        self.outbox.awake();
        let mut now = self.clock.now();
        for round in 0..ROUNDS_MAX {
            let read = match self.poll_read(cx) {
                Poll::Ready(read) => Some(read),
                Poll::Pending => None,
            };
            if matches!(read, Some(Ok(()))) {
                if round > 0 {
                    now = self.clock.now();
                }
                role.heard();
                self.rest_at = now + REST_AFTER;
            }
            let is_read = read.is_some();
            if is_read {
                self.has_more = self.hand_over(role, now)?;
            }
            match read {
                // The peer's last words come first.
                Some(Err(ended)) if self.has_more => self.ended = Some(ended),
                Some(Err(ended)) => return Err(ended),
                Some(Ok(())) => {}
                // The timer never rings too late.
                None if now >= self.timer_at && now >= role.wake_at() => over(role.tick(now))?,
                None if now >= self.rest_at => {
                    self.rest_at = Time::NEVER;
                    self.large_bytes = 0;
                    self.outbox.rest(&mut self.sending);
                    role.rest();
                    // With nothing to read, this gives back the inbox too.
                    continue;
                }
                None => {}
            }
            let sent = self.poll_send(cx, now);
            if self.outbox.is_closing(&self.sending) {
                return Err(Ended::ByUs("everything is said".to_owned()));
            }
            match sent {
                Poll::Ready(Err(ended)) => return Err(ended),
                Poll::Ready(Ok(())) => self.stalled_since = None,
                Poll::Pending => {
                    let since = *self.stalled_since.get_or_insert(now);
                    if now.since(since) >= self.write_timeout {
                        return Err(Ended::Stalled(self.write_timeout));
                    }
                }
            }
            if self.has_more || is_read && role.has_woken_several() {
                break;
            }
            // Listening comes before the look at the timers: who makes one of them earlier wakes the task after that.
            let idle = !is_read && self.outbox.sleep(cx.waker(), &self.sending, sent.is_pending());
            if idle && !self.rings(cx, role, now) {
                return Ok(());
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Hands over frames that have come in; gives whether more are left.
    fn hand_over(&mut self, role: &mut impl Role, now: Time) -> Result<bool, Ended> {
        let handed_over = self.hand_over_each(role, now);
        over(role.handled(now))?;
        handed_over
    }

    #[inline]
    fn hand_over_each(&mut self, role: &mut impl Role, now: Time) -> Result<bool, Ended> {
        for _ in 0..FRAMES_MAX {
            let Some(frame) = self.next_frame(role.frame_bytes_max())? else { return Ok(false) };
            over(role.frame(Frame::decode(frame)?, now, self.has_unread()))?;
        }
        Ok(true)
    }

    /// Whether a timer has rung by `now`; otherwise it wakes the task when it does.
    fn rings(&mut self, cx: &mut Context<'_>, role: &mut impl Role, now: Time) -> bool {
        let stall = self.stalled_since.map_or(Time::NEVER, |since| since + self.write_timeout);
        let wake_at = role.wake_at().min(stall).min(self.rest_at);
        // A timer that is too early costs one turn; setting it for each call costs more.
        if wake_at < self.timer_at || self.timer_at == Time::ZERO {
            self.timer_at = wake_at;
            self.timer.set(wake_at);
        } else if now < self.timer_at && !self.timer.has_rung() {
            // It was polled when it was set, by the same task. That it has rung is asked of it, not of another clock.
            return false;
        }
        let rings = self.timer.poll(cx).is_ready();
        if rings {
            self.timer_at = Time::ZERO;
        }
        rings
    }

    /// Reads once, unless what was read before is not handed over yet. The end of the stream is an `Ended`.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        if self.has_more {
            return Poll::Ready(Ok(()));
        }
        if let Some(ended) = self.ended.take() {
            return Poll::Ready(Err(ended));
        }
        if self.has_grown && self.inbox.len() < READ_BYTES {
            self.inbox = BytesMut::from(&self.inbox[..]);
            self.has_grown = false;
        }
        if self.inbox.capacity() - self.inbox.len() < self.read_bytes {
            self.inbox.reserve(self.room());
        }
        self.has_grown |= self.inbox.capacity() > KEPT_BYTES_MAX;
        // The future holds no state of its own: making one for each poll is safe.
        let read = pin!(self.stream.read_buf(&mut self.inbox)).poll(cx);
        if read.is_pending() && self.rest_at == Time::NEVER && self.inbox.is_empty() {
            self.inbox = BytesMut::new();
            self.read_bytes = FIRST_READ_BYTES;
        }
        if self.inbox.len() == self.inbox.capacity() {
            self.read_bytes = READ_BYTES;
        }
        Poll::Ready(match ready!(read) {
            Ok(0) => Err(Ended::ByPeer),
            Ok(_bytes) => Ok(()),
            Err(error) => Err(Ended::Broken(error)),
        })
    }

    /// For how many more bytes the inbox has room: those of a large frame come into one buffer.
    fn room(&self) -> usize {
        let frame = self.inbox.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        let rest = (LENGTH_BYTES + frame).saturating_sub(self.inbox.len());
        rest.min(((GROWTH_MAX - 1) * self.inbox.len()).max(self.large_bytes)).max(self.read_bytes)
    }

    async fn read(&mut self) -> Result<(), Ended> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    /// The next whole frame that has come in.
    fn next_frame(&mut self, frame_bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
        let Some(bytes) = frame_bytes(&self.inbox, frame_bytes_max)?.filter(|bytes| *bytes <= self.inbox.len()) else {
            return Ok(None);
        };
        if bytes > READ_BYTES {
            self.large_bytes = bytes;
        }
        Ok(Some(self.inbox.split_to(bytes).freeze()))
    }

    /// Sends what waits; ready when it is sent.
    fn poll_send(&mut self, cx: &mut Context<'_>, now: Time) -> Poll<Result<(), Ended>> {
        // What another task appends just now is seen before this one sleeps.
        if self.sending.left() == 0 && self.outbox.has_waiting() {
            self.outbox.take(&mut self.sending);
        }
        loop {
            if self.sending.left() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
            let used = self.sending.slices(&mut slices);
            let stream = Pin::new(&mut self.stream);
            match ready!(stream.poll_write_vectored(cx, &slices[..used])) {
                Ok(0) => return Poll::Ready(Err(Ended::Broken(io::ErrorKind::WriteZero.into()))),
                Ok(written) => self.sending.advance(written),
                Err(error) => return Poll::Ready(Err(Ended::Broken(error))),
            }
            self.stalled_since = self.stalled_since.map(|_| now);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.outbox.end();
    }
}

/// A role's `Break` as the end of the connection.
fn over(flow: ControlFlow<String>) -> Result<(), Ended> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(Ended::ByUs(why)),
    }
}

#[cfg(all(test, interleave))]
mod interleave;
#[cfg(test)]
mod tests;
