//! Frames as bytes.
//!
//! ```text
//! frame   length: u32 | kind: u8 | …                     length counts what follows it
//! call    kind | flags: u8 | slot: u16 | sequence: u64 | start_before: u64 | method: u32 | arguments
//! cancel, ack
//!         kind | flags: u8 | slot: u16 | sequence: u64
//! answer  kind | status: u8 | slot: u16 | sequence: u64 | clock: u64 | slots: u16 | body
//! pong    kind | clock: u64
//! item    kind | status: u8 | slot: u16 | sequence: u64 | number: u64 | body
//! item ack
//!         kind | flags: u8 | slot: u16 | sequence: u64 | received: u64 | consumed: u64
//! stop    kind | flags: u8 | slot: u16 | sequence: u64
//! others  kind | a proto3 message (control.rs), or nothing
//! ```
//!
//! Integers are little-endian; clocks are microseconds on the callee's clock. Kinds of the caller are below 64, those of the callee
//! above.

use bytes::{Buf, Bytes};

use super::{
    ANSWER_HEADER_BYTES, Answer, AnswerHeader, CALL_HEADER_BYTES, Call, CallHeader, Frame, FrameError,
    ITEM_HEADER_BYTES, Item, LENGTH_BYTES, Status, Way,
};
use crate::protocol::id::{CallId, Sequence, Slot};
use crate::protocol::stream::Position;
use crate::protocol::time::CalleeTime;

const HELLO: u8 = 1;
const ATTACH: u8 = 2;
const CALL: u8 = 3;
const CANCEL: u8 = 4;
const ACK: u8 = 5;
const CLOSE: u8 = 6;
const DESCRIBE: u8 = 7;
const PING: u8 = 8;
const ITEM_UP: u8 = 9;
const ITEM_ACK_UP: u8 = 10;
const WELCOME: u8 = 65;
const ATTACHED: u8 = 66;
const REJECT: u8 = 67;
const ANSWER: u8 = 68;
const PONG: u8 = 69;
const GOODBYE: u8 = 70;
const DESCRIPTION: u8 = 71;
const ITEM_DOWN: u8 = 72;
const ITEM_ACK_DOWN: u8 = 73;
const STOP: u8 = 74;

/// The mark of a call without a record, and of its `Cancel`.
const UNRECORDED: u8 = 1;
/// The mark of a call that wants no answer.
const ONEWAY: u8 = 2;

/// An item that is no end.
const NO_END: u8 = u8::MAX;

/// The length of the frame that `bytes` begin with, length field included; `None` until it is there.
pub fn frame_bytes(bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, FrameError> {
    let Some(length) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    match length {
        0 => Err(FrameError::Short(0)),
        _ if length > bytes_max => Err(FrameError::TooLarge { bytes: length, bytes_max }),
        _ => Ok(Some(LENGTH_BYTES + length)),
    }
}

impl Frame {
    /// Reads one whole frame, length field included. Arguments and bodies are what is left of it.
    pub fn decode(mut frame: Bytes) -> Result<Frame, FrameError> {
        let kind = *frame.get(LENGTH_BYTES).ok_or(FrameError::Short(0))?;
        let body = Fields { kind, rest: &frame[LENGTH_BYTES + 1..] };
        Ok(match kind {
            CALL => {
                let header = body.call()?;
                frame.advance(CALL_HEADER_BYTES);
                Frame::Call(Call { header, arguments: frame })
            }
            ANSWER => {
                let header = body.answer()?;
                frame.advance(ANSWER_HEADER_BYTES);
                Frame::Answer(Answer { header, body: frame })
            }
            CANCEL => {
                let (flags, id) = body.call_id()?;
                Frame::Cancel { id, recorded: flags & UNRECORDED == 0 }
            }
            ACK => Frame::Ack(body.call_id()?.1),
            ITEM_UP | ITEM_DOWN => {
                let (id, number, end) = body.item()?;
                frame.advance(ITEM_HEADER_BYTES);
                let way = if kind == ITEM_UP { Way::Up } else { Way::Down };
                Frame::Item(way, Item { id, number, end, body: frame })
            }
            ITEM_ACK_UP => body.item_ack(Way::Up)?,
            ITEM_ACK_DOWN => body.item_ack(Way::Down)?,
            STOP => Frame::Stop(body.call_id()?.1),
            PING => Frame::Ping,
            PONG => Frame::Pong(CalleeTime(u64::from_le_bytes(*body.take::<8>()?.0))),
            HELLO => Frame::Hello(body.message()?),
            ATTACH => Frame::Attach(body.message()?),
            CLOSE => Frame::Close,
            DESCRIBE => Frame::Describe,
            WELCOME => Frame::Welcome(body.message()?),
            ATTACHED => Frame::Attached(body.message()?),
            REJECT => Frame::Reject(body.message()?),
            GOODBYE => Frame::Goodbye(body.message()?),
            DESCRIPTION => {
                frame.advance(LENGTH_BYTES + 1);
                Frame::Description(frame)
            }
            unknown => return Err(FrameError::UnknownKind(unknown)),
        })
    }

    /// Appends the frame to `out`. Calls and answers are written by their headers instead, since their bodies
    /// are elsewhere; given here, their bodies are copied.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Call(call) => {
                out.extend(call.header.encode(call.arguments.len()));
                out.extend(&call.arguments);
            }
            Frame::Answer(answer) => {
                out.extend(answer.header.encode(answer.body.len()));
                out.extend(&answer.body);
            }
            Frame::Cancel { id, recorded } => {
                let flags = if *recorded { 0 } else { UNRECORDED };
                put(out, CANCEL, |out| put_call_id(out, flags, *id));
            }
            Frame::Ack(id) => put(out, ACK, |out| put_call_id(out, 0, *id)),
            Frame::Item(way, item) => {
                out.extend(item.header(*way));
                out.extend(&item.body);
            }
            Frame::ItemAck(way, id, position) => {
                let kind = if *way == Way::Up { ITEM_ACK_UP } else { ITEM_ACK_DOWN };
                put(out, kind, |out| {
                    put_call_id(out, 0, *id);
                    out.extend(position.received.to_le_bytes());
                    out.extend(position.consumed.to_le_bytes());
                });
            }
            Frame::Stop(id) => put(out, STOP, |out| put_call_id(out, 0, *id)),
            Frame::Ping => put(out, PING, |_| ()),
            Frame::Pong(clock) => put(out, PONG, |out| out.extend(clock.0.to_le_bytes())),
            Frame::Hello(message) => put_message(out, HELLO, message),
            Frame::Attach(message) => put_message(out, ATTACH, message),
            Frame::Close => put(out, CLOSE, |_| ()),
            Frame::Describe => put(out, DESCRIBE, |_| ()),
            Frame::Welcome(message) => put_message(out, WELCOME, message),
            Frame::Attached(message) => put_message(out, ATTACHED, message),
            Frame::Reject(message) => put_message(out, REJECT, message),
            Frame::Goodbye(message) => put_message(out, GOODBYE, message),
            Frame::Description(bytes) => put(out, DESCRIPTION, |out| out.extend(bytes)),
        }
    }
}

impl CallHeader {
    /// The bytes before `arguments_bytes` of arguments.
    pub fn encode(&self, arguments_bytes: usize) -> [u8; CALL_HEADER_BYTES] {
        let flags = if self.recorded { 0 } else { UNRECORDED } | if self.oneway { ONEWAY } else { 0 };
        let mut bytes = [0; CALL_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&length_field(CALL_HEADER_BYTES + arguments_bytes));
        bytes[4] = CALL;
        bytes[5] = flags;
        bytes[6..8].copy_from_slice(&self.id.slot.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.id.sequence.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.start_before.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.method.to_le_bytes());
        bytes
    }
}

impl Item {
    /// The bytes before the body.
    pub fn header(&self, way: Way) -> [u8; ITEM_HEADER_BYTES] {
        let mut bytes = [0; ITEM_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&length_field(ITEM_HEADER_BYTES + self.body.len()));
        bytes[4] = if way == Way::Up { ITEM_UP } else { ITEM_DOWN };
        bytes[5] = self.end.map_or(NO_END, |status| status as u8);
        bytes[6..8].copy_from_slice(&self.id.slot.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.id.sequence.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }
}

impl AnswerHeader {
    /// The bytes before `body_bytes` of body.
    pub fn encode(&self, body_bytes: usize) -> [u8; ANSWER_HEADER_BYTES] {
        let mut bytes = [0; ANSWER_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&length_field(ANSWER_HEADER_BYTES + body_bytes));
        bytes[4] = ANSWER;
        bytes[5] = self.status as u8;
        bytes[6..8].copy_from_slice(&self.id.slot.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.id.sequence.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.clock.0.to_le_bytes());
        bytes[24..26].copy_from_slice(&self.slots.to_le_bytes());
        bytes
    }
}

/// The length field of a frame of `bytes`, length field included.
fn length_field(bytes: usize) -> [u8; LENGTH_BYTES] {
    // Frames are bounded far below 4 GiB by `frame_bytes_max`, which is checked before a frame is written.
    u32::try_from(bytes - LENGTH_BYTES).unwrap_or(u32::MAX).to_le_bytes()
}

fn put(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; LENGTH_BYTES]);
    out.push(kind);
    body(out);
    let length = length_field(out.len() - start);
    out[start..start + LENGTH_BYTES].copy_from_slice(&length);
}

fn put_call_id(out: &mut Vec<u8>, flags: u8, id: CallId) {
    out.push(flags);
    out.extend(id.slot.0.to_le_bytes());
    out.extend(id.sequence.0.to_le_bytes());
}

fn put_message(out: &mut Vec<u8>, kind: u8, message: &impl idl::Message) {
    // Control messages are flat and small, so that nothing about them can fail.
    let mut body = idl::Writer::new();
    idl::encode_message(message, &mut body);
    put(out, kind, |out| out.extend(body.to_vec()));
}

/// Bytes of the flags or status, the slot and the sequence.
const CALL_ID_BYTES: usize = 1 + 2 + 8;

fn call_id(bytes: &[u8; CALL_ID_BYTES]) -> (u8, CallId) {
    let [flags, s0, s1, sequence @ ..] = *bytes;
    (flags, CallId { slot: Slot(u16::from_le_bytes([s0, s1])), sequence: Sequence(u64::from_le_bytes(sequence)) })
}

/// What is left to read of one frame.
struct Fields<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take<const N: usize>(self) -> Result<(&'a [u8; N], Fields<'a>), FrameError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(FrameError::Short(self.kind))?;
        Ok((taken, Fields { kind: self.kind, rest }))
    }

    fn call_id(self) -> Result<(u8, CallId), FrameError> {
        Ok(call_id(self.take::<CALL_ID_BYTES>()?.0))
    }

    fn call(self) -> Result<CallHeader, FrameError> {
        let (header, _) = self.take::<{ CALL_HEADER_BYTES - LENGTH_BYTES - 1 }>()?;
        let (id, rest) = header.split_first_chunk().ok_or(FrameError::Short(CALL))?;
        let (flags, id) = call_id(id);
        let (start_before, rest) = rest.split_first_chunk().ok_or(FrameError::Short(CALL))?;
        let method = rest.first_chunk().ok_or(FrameError::Short(CALL))?;
        Ok(CallHeader {
            id,
            recorded: flags & UNRECORDED == 0,
            oneway: flags & ONEWAY != 0,
            start_before: CalleeTime(u64::from_le_bytes(*start_before)),
            method: u32::from_le_bytes(*method),
        })
    }

    fn answer(self) -> Result<AnswerHeader, FrameError> {
        let (header, _) = self.take::<{ ANSWER_HEADER_BYTES - LENGTH_BYTES - 1 }>()?;
        let (id, rest) = header.split_first_chunk().ok_or(FrameError::Short(ANSWER))?;
        let (status, id) = call_id(id);
        let (clock, rest) = rest.split_first_chunk().ok_or(FrameError::Short(ANSWER))?;
        let slots = rest.first_chunk().ok_or(FrameError::Short(ANSWER))?;
        Ok(AnswerHeader {
            id,
            status: Status::from_wire(status).ok_or(FrameError::UnknownKind(ANSWER))?,
            clock: CalleeTime(u64::from_le_bytes(*clock)),
            slots: u16::from_le_bytes(*slots),
        })
    }

    fn item(self) -> Result<(CallId, u64, Option<Status>), FrameError> {
        let kind = self.kind;
        let (id, fields) = self.take::<CALL_ID_BYTES>()?;
        let (status, id) = call_id(id);
        let (number, _) = fields.take::<8>()?;
        let end = match Status::from_wire(status) {
            Some(end @ (Status::Value | Status::Error | Status::Fault)) => Some(end),
            None if status == NO_END => None,
            _ => return Err(FrameError::UnknownKind(kind)),
        };
        Ok((id, u64::from_le_bytes(*number), end))
    }

    fn item_ack(self, way: Way) -> Result<Frame, FrameError> {
        let (id, fields) = self.take::<CALL_ID_BYTES>()?;
        let (_, id) = call_id(id);
        let (received, fields) = fields.take::<8>()?;
        let (consumed, _) = fields.take::<8>()?;
        let position = Position { received: u64::from_le_bytes(*received), consumed: u64::from_le_bytes(*consumed) };
        Ok(Frame::ItemAck(way, id, position))
    }

    fn message<M: idl::Message>(self) -> Result<M, FrameError> {
        idl::from_slice(self.rest).map_err(|source| FrameError::Undecodable { kind: self.kind, source })
    }
}

impl Status {
    fn from_wire(byte: u8) -> Option<Status> {
        Some(match byte {
            0 => Status::Value,
            1 => Status::Error,
            2 => Status::Fault,
            3 => Status::Refused,
            4 => Status::Working,
            5 => Status::Stale,
            6 => Status::SlotBusy,
            7 => Status::ReplyLost,
            8 => Status::Opened,
            _ => return None,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
