//! The floors' message: a fixed layout by hand. Length of what follows (u32), number of the call (u32), id (u64), length of
//! the key (u32), key, value; integers little-endian.

use std::str::from_utf8;

use bytes::{Buf, BufMut, Bytes};

use crate::contender::{Error, Message};

/// The length at the head of a frame.
const LENGTH_BYTES: usize = 4;
/// What every frame has after its length.
const FIXED_BYTES: usize = 16;
/// No frame is longer.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Room for reading where no longer frame is expected.
const READ_BYTES: usize = 64 * 1024;

/// A call or a reply, lent by the buffer that it came in.
pub(super) struct Frame<'a> {
    pub(super) call: u32,
    id: u64,
    key: &'a str,
    value: &'a [u8],
}

impl Frame<'_> {
    /// The message that a caller gets.
    pub(super) fn message(&self) -> Message {
        Message { id: self.id, key: self.key.to_owned(), value: Bytes::copy_from_slice(self.value) }
    }

    /// Appends the frame, as a reply.
    pub(super) fn put(&self, out: &mut impl BufMut) {
        put(out, self.call, self.id, self.key, self.value);
    }
}

/// Appends a call.
pub(super) fn put_call(out: &mut impl BufMut, call: u32, message: &Message) {
    put(out, call, message.id, &message.key, &message.value);
}

fn put(out: &mut impl BufMut, call: u32, id: u64, key: &str, value: &[u8]) {
    let length = FIXED_BYTES + key.len() + value.len();
    // Messages are far below the largest frame.
    out.put_u32_le(length as u32);
    out.put_u32_le(call);
    out.put_u64_le(id);
    out.put_u32_le(key.len() as u32);
    out.put_slice(key.as_bytes());
    out.put_slice(value);
}

/// What was in a buffer.
pub(super) struct Taken {
    /// Bytes of complete frames, at its head.
    pub(super) bytes: usize,
    /// So much room is to be made behind what is left: what is missing of a frame, or that of an ordinary read.
    pub(super) room: usize,
}

/// Visits every complete frame in `input`.
pub(super) fn take_frames(input: &[u8], mut take: impl FnMut(Frame<'_>) -> Result<(), Error>) -> Result<Taken, Error> {
    let mut room = READ_BYTES;
    let mut rest = input;
    while let Some((mut length, after)) = rest.split_at_checked(LENGTH_BYTES) {
        let length = length.get_u32_le() as usize;
        if !(FIXED_BYTES..=FRAME_BYTES_MAX).contains(&length) {
            return Err(format!("a frame of {length} bytes").into());
        }
        let Some((mut frame, after)) = after.split_at_checked(length) else {
            room = room.max(length - after.len());
            break;
        };
        rest = after;
        let (call, id, key_bytes) = (frame.get_u32_le(), frame.get_u64_le(), frame.get_u32_le() as usize);
        let (key, value) = frame.split_at_checked(key_bytes).ok_or("a key beyond its frame")?;
        take(Frame { call, id, key: from_utf8(key)?, value })?;
    }
    Ok(Taken { bytes: input.len() - rest.len(), room })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole frames are taken, and the beginning of another is left.
    #[test]
    fn complete_frames_are_taken() {
        let message = Message { id: 7, key: "customer".into(), value: Bytes::from_static(b"value") };
        let mut input = Vec::new();
        put_call(&mut input, 1, &message);
        put_call(&mut input, 2, &message);
        let whole = input.len();
        put_call(&mut input, 3, &message);
        input.truncate(whole + 9);
        let mut frames = Vec::new();
        let taken = take_frames(&input, |frame| {
            frames.push((frame.call, frame.message()));
            Ok(())
        });
        assert_eq!(frames, [(1, message.clone()), (2, message)]);
        assert_eq!(taken.unwrap().bytes, whole);
    }

    /// What is no frame ends the connection.
    #[test]
    fn nonsense_is_refused() {
        assert!(take_frames(&[0xff; 32], |_| Ok(())).is_err());
    }
}
