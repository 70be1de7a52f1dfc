//! Streams of a method as messages of HTTP/2 streams, in both directions: nothing is taken from a producer before there is room for it,
//! and no room is given before somebody consumes.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;

use super::compression::Compression;
use super::flow::{poll_room, room};
use super::limits::{COMPRESSED_BYTES_MIN, PART_BYTES_MAX};
use super::message::{HEAD_BYTES, Messages, NoMessage, put_head};
use crate::error::{CallError, ErrorKind};
use crate::executed::Executed;
use crate::protocol::control::FaultKind;
use crate::protocol::frame::Status as Verdict;
use crate::streaming::items::{Item, Items, fault};

/// What the caller of a method sends as a stream. Dropping it gives the caller no more room.
pub(super) struct Requests(pub(super) Box<Messages>);

impl Items for Requests {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        Poll::Ready(match ready!(self.0.poll_next(cx)) {
            Ok(Some(message)) => Item::Next(message),
            Ok(None) => Item::End(Verdict::Value, Bytes::new()),
            Err(error) => Item::Lost(lost(&error)),
        })
    }
}

fn lost(error: &NoMessage) -> CallError {
    let (kind, text) = match error {
        NoMessage::Gone(_) => (ErrorKind::Cancelled, "the caller has cancelled the call, or is gone".to_owned()),
        NoMessage::TooLarge(_) | NoMessage::TooMany => (ErrorKind::TooLarge, error.to_string()),
        NoMessage::Malformed(_) => (ErrorKind::Undecodable, error.to_string()),
    };
    CallError::new(kind, Executed::Completed, text)
}

/// What messages that go out look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framing {
    pub(super) compression: Option<Compression>,
    /// Larger items end the stream with an error.
    pub(super) bytes_max: usize,
}

/// What is to be done next.
enum Step {
    /// The batch goes out, and behind it this rest of a large item.
    Send(Bytes),
    /// The batch goes out, and it was the last.
    End(Verdict, Bytes),
    /// Nobody takes anything any more.
    Gone,
}

/// Sends what `poll` gives, as the other side makes room, up to its end: how that was. `None` if nobody takes it any more.
///
/// Items that are there at the same time go out together: a peer that counts small frames would take them for an attack.
pub(super) async fn send_items(
    stream: &mut SendStream<Bytes>,
    framing: Framing,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Item>,
) -> Option<(Verdict, Bytes)> {
    let mut batch = BytesMut::new();
    loop {
        let step = poll_fn(|cx| {
            if stream.poll_reset(cx).is_ready() || ready!(poll_room(stream, 1, cx)).is_none() {
                return Poll::Ready(Step::Gone);
            }
            framing.fill(&mut batch, || poll(cx))
        });
        let step = step.await;
        if !batch.is_empty() && stream.send_data(batch.split().freeze(), false).is_err() {
            return None;
        }
        match step {
            Step::Send(rest) => send_parts(stream, rest).await?,
            Step::End(verdict, body) => return Some((verdict, body)),
            Step::Gone => return None,
        }
    }
}

/// Sends bytes as there is room for them.
async fn send_parts(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        let wanted = bytes.len().min(PART_BYTES_MAX);
        let room = room(stream, wanted).await?;
        stream.send_data(bytes.split_to(room.min(wanted)), false).ok()?;
    }
    Some(())
}

impl Framing {
    /// Puts items into the batch, up to the first that is large, or until there are enough or no more at present.
    fn fill(&self, batch: &mut BytesMut, mut poll: impl FnMut() -> Poll<Item>) -> Poll<Step> {
        while batch.len() < PART_BYTES_MAX {
            let item = match poll() {
                Poll::Ready(item) => item,
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            };
            match self.bounded(item) {
                Item::Next(item) => {
                    let rest = self.put(item, batch);
                    if !rest.is_empty() {
                        return Poll::Ready(Step::Send(rest));
                    }
                }
                Item::End(verdict, body) => return Poll::Ready(Step::End(verdict, body)),
                // No producer says so.
                Item::Lost(_) => return Poll::Ready(Step::Gone),
            }
        }
        Poll::Ready(Step::Send(Bytes::new()))
    }

    fn bounded(&self, item: Item) -> Item {
        match item {
            Item::Next(body) if body.len() > self.bytes_max => {
                let text = format!("an item of {} bytes exceeds `frame_bytes_max` of this node", body.len());
                fault(FaultKind::ReplyTooLarge, &text)
            }
            item => item,
        }
    }

    /// Puts an item into the batch, or the head of a large one: then gives the rest.
    fn put(&self, item: Bytes, batch: &mut BytesMut) -> Bytes {
        let compression = self.compression.filter(|_| item.len() >= COMPRESSED_BYTES_MIN);
        let compressed = compression.and_then(|compression| compression.compress(&item).ok());
        let (is_compressed, item) = (compressed.is_some(), compressed.map_or(item, Bytes::from));
        put_head(batch, is_compressed, item.len());
        if item.len() > PART_BYTES_MAX - HEAD_BYTES {
            return item;
        }
        batch.put_slice(&item);
        Bytes::new()
    }
}
