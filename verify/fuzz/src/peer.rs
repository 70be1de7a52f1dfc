//! A peer that plays whatever part an input gives it, in virtual time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use allocation_counter::opt_out;
use bytes::{Bytes, BytesMut};
use rpc_runtime::protocol::frame::{Frame, Item, MAGIC, Status, Way, frame_bytes};
use rpc_runtime::protocol::id::{CallId, Sequence, Slot};
use rpc_runtime::protocol::stream::Position;
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::input::Input;

/// Steps of one scene; what is left of an input then says nothing.
pub(crate) const STEPS_MAX: usize = 64;
/// Longer than every step of a scene can take, and what a node takes to end: a minute each, and an hour.
const HANG: Duration = Duration::from_secs(3600 + 62 * STEPS_MAX as u64);
/// In pieces of this size, so that what a peer says waits in the node and not in the pipe.
const PIECE_BYTES: usize = 4 * 1024;
/// What peers read at most.
const FRAME_BYTES_MAX: usize = 1 << 26;

/// A runtime of this thread, whose clock goes on when nothing else is to be done.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("nothing of the system's is needed")
}

/// Runs `scene` in a runtime of its own, and panics if it hangs.
pub(crate) fn play(scene: impl Future<Output = ()>) {
    runtime().block_on(async {
        timeout(HANG, scene).await.expect("it goes on for ever");
    });
}

/// Lets the node do what it can do now.
pub(crate) async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// What went over one connection. Not the node's memory: it does not count.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) sent: Vec<u8>,
    pub(crate) heard: Vec<Frame>,
    /// What is no whole frame yet.
    rest: BytesMut,
}

impl Record {
    /// Whether not a byte came.
    pub(crate) fn heard_nothing(&self) -> bool {
        self.heard.is_empty() && self.rest.is_empty()
    }

    /// What was sent, as the node must read it: nothing without the magic, and nothing after what is no frame.
    pub(crate) fn sent_frames(&self) -> Vec<Frame> {
        let mut stream = BytesMut::from(self.sent.strip_prefix(&MAGIC).unwrap_or_default());
        std::iter::from_fn(|| next(&mut stream)).collect()
    }
}

fn next(stream: &mut BytesMut) -> Option<Frame> {
    let bytes = frame_bytes(stream, FRAME_BYTES_MAX).ok()??;
    (bytes <= stream.len()).then(|| Frame::decode(stream.split_to(bytes).freeze()).ok())?
}

/// The other end of a connection.
pub(crate) struct Peer {
    stream: DuplexStream,
    /// Whether the node has closed it.
    pub(crate) is_closed: bool,
}

impl Peer {
    pub(crate) fn new(stream: DuplexStream) -> Peer {
        Peer { stream, is_closed: false }
    }

    /// Sends bytes, as far as the node takes them.
    pub(crate) async fn send(&mut self, bytes: &[u8], record: &mut Record) {
        for piece in bytes.chunks(PIECE_BYTES) {
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
            opt_out(|| record.sent.extend(piece));
            settle().await;
        }
    }

    /// Reads what is there.
    pub(crate) async fn hear(&mut self, record: &mut Record) {
        let mut buffer = [0; 1024];
        loop {
            let mut read = ReadBuf::new(&mut buffer);
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.stream).poll_read(cx, &mut read))).await;
            match (polled, read.filled()) {
                (Poll::Pending, _) => return,
                (Poll::Ready(Err(_)), _) | (Poll::Ready(Ok(())), []) => {
                    self.is_closed = true;
                    return;
                }
                (Poll::Ready(Ok(())), bytes) => opt_out(|| {
                    record.rest.extend_from_slice(bytes);
                    record.heard.extend(std::iter::from_fn(|| next(&mut record.rest)));
                }),
            }
        }
    }
}

/// A frame as it travels.
pub(crate) fn encoded(frame: &Frame) -> Bytes {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes.into()
}

/// What a peer has said about streams: which calls it named, and how many items it sent for each.
#[derive(Debug, Default)]
pub(crate) struct Named(Vec<(CallId, u64)>);

impl Named {
    /// A call was named: streams may be its.
    pub(crate) fn add(&mut self, id: CallId) {
        if !self.0.iter().any(|(named, _)| *named == id) {
            self.0.push((id, 0));
        }
    }

    /// A call: one that was named before, or any.
    pub(crate) fn id(&self, input: &mut Input<'_>) -> CallId {
        let byte = input.byte();
        let named = (byte >= 128).then(|| self.0.iter().rev().nth(usize::from(byte - 128) % self.0.len().max(1)));
        match named.flatten() {
            Some((id, _)) => *id,
            None => CallId { slot: Slot(byte.into()), sequence: Sequence(input.number()) },
        }
    }

    /// The number of an item: the next one, or any.
    fn number(&mut self, id: CallId, input: &mut Input<'_>) -> u64 {
        match (input.number(), self.0.iter_mut().find(|(named, _)| *named == id)) {
            (0, Some((_, sent))) => {
                *sent += 1;
                *sent
            }
            (number, _) => number,
        }
    }
}

/// A frame of a stream, as likely as not of one that nobody has opened.
pub(crate) fn of_stream(input: &mut Input<'_>, way: Way, named: &mut Named) -> Frame {
    let id = named.id(input);
    match input.byte() % 4 {
        0 => Frame::Stop(id),
        1 => Frame::ItemAck(way, id, Position { received: input.number(), consumed: input.number() }),
        end => {
            // More items than ends.
            let kind = input.byte();
            let ends = [Some(Status::Value), Some(Status::Error), Some(Status::Fault)];
            let end = if end == 2 || kind > 63 { None } else { ends[usize::from(kind) % ends.len()] };
            let number = named.number(id, input);
            Frame::Item(way, Item { id, number, end, body: Bytes::copy_from_slice(input.bytes()) })
        }
    }
}

/// Streams' ends by which they are complete, among what was sent.
pub(crate) fn complete_ends(records: &[Record]) -> usize {
    let sent = records.iter().flat_map(Record::sent_frames);
    sent.filter(|frame| matches!(frame, Frame::Item(_, Item { end: Some(Status::Value), .. }))).count()
}
