//! Messages in the bodies of HTTP/2 streams: each behind five bytes, of which the last four are its length.
//!
//! No memory is taken for a length that was only claimed. A message that came whole in one piece is not copied.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use h2::RecvStream;
use idl::{Piece, Writer};

use super::body::{Body, Reading};
use super::compression::Compression;

/// Bytes before each message.
pub(super) const HEAD_BYTES: usize = 5;

/// Why the next message is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoMessage {
    /// The stream was reset, or its connection is gone.
    #[error("the stream ended: {0}")]
    Gone(#[from] h2::Error),
    /// It is too large.
    #[error("a message exceeds the limit of {0} bytes")]
    TooLarge(usize),
    /// Too many messages of the connection have come in part.
    #[error("too many large messages are on their way on one connection")]
    TooMany,
    /// It breaks the rules.
    #[error("{0}")]
    Malformed(&'static str),
}

/// What messages that have come in part take, of all streams of a connection.
#[derive(Debug)]
pub(super) struct Parts {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Parts {
    pub(super) fn new(bytes_max: usize) -> Parts {
        Parts { bytes: AtomicUsize::new(0), bytes_max }
    }
}

/// The messages of one direction of a stream.
#[derive(Debug)]
pub(super) struct Messages {
    body: Body,
    compression: Option<Compression>,
    bytes_max: usize,
    /// What came last, as far as it was not given out.
    chunk: Bytes,
    /// The message of which only a part has come.
    part: BytesMut,
    parts: Arc<Parts>,
    /// How much of `parts` is this stream's.
    counted: usize,
}

impl Messages {
    pub(super) fn new(
        body: RecvStream,
        compression: Option<Compression>,
        bytes_max: usize,
        parts: Arc<Parts>,
    ) -> Messages {
        let body = Body::Stream(body);
        Messages { body, compression, bytes_max, chunk: Bytes::new(), part: BytesMut::new(), parts, counted: 0 }
    }

    /// From now on what comes is read by `Reading`, whether or not somebody asks for messages.
    pub(super) fn read_ahead(&mut self) -> Option<Reading> {
        self.body.read_ahead()
    }

    /// The next message; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, NoMessage> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same. While nobody asks, the window stays as full as it is.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, NoMessage>> {
        loop {
            if let Some(message) = self.take()? {
                return Poll::Ready(Ok(Some(message)));
            }
            match ready!(self.body.poll_chunk(cx)) {
                Some(chunk) => self.chunk = chunk?,
                None if self.part.is_empty() => return Poll::Ready(Ok(None)),
                None => return Poll::Ready(Err(NoMessage::Malformed("the stream ends within a message"))),
            }
        }
    }

    /// The only message; `None` if there is none. Waits for the end of the stream, which as a rule came with it.
    pub(super) async fn only(&mut self) -> Result<Option<Bytes>, NoMessage> {
        let message = self.next().await?;
        let is_over = self.chunk.is_empty() && self.part.is_empty() && self.body.is_over();
        if message.is_some() && !is_over && self.next().await?.is_some() {
            return Err(NoMessage::Malformed("a second message came, where there can be one only"));
        }
        Ok(message)
    }

    /// What comes after the last message.
    pub(super) fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<http::HeaderMap>, NoMessage>> {
        self.body.poll_trailers(cx)
    }

    /// A message that has come whole.
    fn take(&mut self) -> Result<Option<Bytes>, NoMessage> {
        if self.part.is_empty()
            && let Some((compressed, bytes)) = whole(&self.chunk, self.bytes_max)?
        {
            let mut message = self.chunk.split_to(HEAD_BYTES + bytes);
            let _ = message.split_to(HEAD_BYTES);
            return self.decompressed(compressed, message).map(Some);
        }
        if !self.chunk.is_empty() {
            self.count(self.chunk.len())?;
            self.part.extend_from_slice(&std::mem::take(&mut self.chunk));
        }
        let Some((compressed, bytes)) = whole(&self.part, self.bytes_max)? else {
            return Ok(None);
        };
        let mut message = self.part.split_to(HEAD_BYTES + bytes).freeze();
        let _ = message.split_to(HEAD_BYTES);
        self.release(self.counted - self.part.len());
        self.decompressed(compressed, message).map(Some)
    }

    fn decompressed(&self, compressed: bool, message: Bytes) -> Result<Bytes, NoMessage> {
        match self.compression {
            _ if !compressed => Ok(message),
            None => {
                Err(NoMessage::Malformed("a message is marked as compressed, but `grpc-encoding` names no compression"))
            }
            Some(compression) => match compression.decompress(&message, self.bytes_max) {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(NoMessage::TooLarge(self.bytes_max)),
                Err(_) => Err(NoMessage::Malformed("a message does not decompress")),
            },
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), NoMessage> {
        // Relaxed: a count, which orders nothing else.
        let before = self.parts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counted += bytes;
        if before + bytes > self.parts.bytes_max { Err(NoMessage::TooMany) } else { Ok(()) }
    }

    fn release(&mut self, bytes: usize) {
        self.counted -= bytes;
        self.parts.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.release(self.counted);
    }
}

/// Whether `bytes` begin with a whole message: whether it is compressed, and its length.
fn whole(bytes: &[u8], bytes_max: usize) -> Result<Option<(bool, usize)>, NoMessage> {
    let Some(&[flag, a, b, c, d]) = bytes.first_chunk::<HEAD_BYTES>() else {
        return Ok(None);
    };
    if flag > 1 {
        return Err(NoMessage::Malformed("what comes is no message of gRPC"));
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > bytes_max {
        return Err(NoMessage::TooLarge(bytes_max));
    }
    Ok((bytes.len() >= HEAD_BYTES + length).then_some((flag == 1, length)))
}

/// A small message as it travels, copied into one part.
pub(super) fn framed_small(message: &Writer) -> Bytes {
    let mut buffer = BytesMut::with_capacity(HEAD_BYTES + message.len());
    put_head(&mut buffer, false, message.len());
    message.pieces().for_each(|piece| buffer.put_slice(piece.as_ref()));
    buffer.freeze()
}

/// A message as it travels: its parts, in their order. Large ones are not copied.
pub(super) fn framed(message: &Writer) -> Vec<Bytes> {
    let small =
        message.pieces().map(|piece| if let Piece::Slice(bytes) = piece { bytes.len() } else { 0 }).sum::<usize>();
    let mut parts = Vec::with_capacity(1);
    let mut buffer = BytesMut::with_capacity(HEAD_BYTES + small);
    put_head(&mut buffer, false, message.len());
    for piece in message.pieces() {
        match piece {
            Piece::Slice(bytes) => buffer.put_slice(bytes),
            Piece::Bytes(bytes) => {
                parts.push(buffer.split().freeze());
                parts.push(bytes.clone());
            }
        }
    }
    if !buffer.is_empty() {
        parts.push(buffer.freeze());
    }
    parts
}

/// The same of bytes, which may be compressed.
pub(super) fn framed_bytes(message: &[u8], compressed: bool) -> Bytes {
    let mut buffer = BytesMut::with_capacity(HEAD_BYTES + message.len());
    put_head(&mut buffer, compressed, message.len());
    buffer.put_slice(message);
    buffer.freeze()
}

pub(super) fn put_head(buffer: &mut BytesMut, compressed: bool, length: usize) {
    buffer.put_u8(compressed.into());
    // What is sent is bounded by `frame_bytes_max`, on the other side if not on this one.
    buffer.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message is known when all of it is there, and refused as soon as its length is.
    #[test]
    fn a_message_is_cut_by_its_head() {
        let bytes = framed_bytes(b"dune", false);
        for end in 0..bytes.len() {
            assert!(whole(&bytes[..end], 100).expect("no mistake").is_none());
        }
        assert_eq!(whole(&bytes, 100).expect("no mistake"), Some((false, 4)));
        assert!(matches!(whole(&bytes[..HEAD_BYTES], 3), Err(NoMessage::TooLarge(3))));
        assert!(matches!(whole(b"PRI * HTTP", 100), Err(NoMessage::Malformed(_))));
    }

    /// Large parts travel as they are.
    #[test]
    fn large_parts_are_not_copied() {
        let large = Bytes::from(vec![7; 100_000]);
        let mut message = Writer::new();
        message.put_slice(b"before");
        message.put_bytes(&large);
        message.put_slice(b"after");
        let parts = framed(&message);
        assert_eq!(parts[1].as_ptr(), large.as_ptr());
        assert_eq!(parts.concat(), framed_bytes(&message.to_vec(), false));
    }
}
