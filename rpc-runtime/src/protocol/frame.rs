//! Frames: the units of the native wire.
//!
//! What they are is here, their bytes are in `frame/wire.rs`. A caller begins a connection with [`MAGIC`]. Kinds of the caller and of the
//! callee differ: both directions may carry a session of their own on one connection.

pub(crate) mod wire;

use bytes::Bytes;

use super::control::{Attach, Attached, Goodbye, Hello, Reject, Welcome};
use super::id::CallId;
use super::stream::Position;
use super::time::CalleeTime;
use crate::planted::{Bug, planted};

pub use wire::frame_bytes;

/// What a caller's connection begins with: a byte that neither HTTP/2, TLS nor text begins with, the name, and
/// the version of the wire.
pub const MAGIC: [u8; 8] = [0xd7, b'r', b'p', b'c', b'-', b'w', 0, 1];

/// Bytes of the length that begins each frame.
pub const LENGTH_BYTES: usize = 4;
/// Bytes of a call before its arguments, length included.
pub const CALL_HEADER_BYTES: usize = LENGTH_BYTES + 24;
/// Bytes of an answer before its body, length included.
pub const ANSWER_HEADER_BYTES: usize = LENGTH_BYTES + 22;
/// Bytes of an item before its body, length included.
pub const ITEM_HEADER_BYTES: usize = LENGTH_BYTES + 20;

/// A frame that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// Caller: open a session.
    Hello(Hello),
    /// Caller: bind this connection to a session.
    Attach(Attach),
    /// Caller: run a method.
    Call(Call),
    /// Caller: the verdict is all that is still wanted of this call.
    Cancel {
        /// The call.
        id: CallId,
        /// Whether the call has a record.
        recorded: bool,
    },
    /// Caller: the reply of this call came; it may be forgotten.
    Ack(CallId),
    /// Caller: the session ends.
    Close,
    /// Caller: send the description of the interface.
    Describe,
    /// Caller: are you there?
    Ping,
    /// Callee: the session is open.
    Welcome(Welcome),
    /// Callee: the session is bound to this connection.
    Attached(Attached),
    /// Callee: `Hello` or `Attach` was rejected.
    Reject(Reject),
    /// Callee: what is known of a call.
    Answer(Answer),
    /// Callee: here I am.
    Pong(CalleeTime),
    /// Callee: draining, or gone for good.
    Goodbye(Goodbye),
    /// Callee: the description of the interface.
    Description(Bytes),
    /// Caller or callee: an item of a stream that it sends, or the stream's end.
    Item(Way, Item),
    /// Caller or callee: how far a stream that it receives has come.
    ItemAck(Way, CallId, Position),
    /// Callee: nobody is interested any more in the items that the caller sends.
    Stop(CallId),
}

/// Who sends a frame that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The caller.
    Up,
    /// The callee.
    Down,
}

/// An item of a stream as it travels, or the stream's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The call that opened the stream.
    pub id: CallId,
    /// Its place in the stream: 1 for the first, the end counts too.
    pub number: u64,
    /// `None`: an item. Otherwise the end: complete ([`Status::Value`]), or by an error or a fault.
    pub end: Option<Status>,
    /// The item, the error or the fault.
    pub body: Bytes,
}

/// A call as it travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Everything but the arguments.
    pub header: CallHeader,
    /// The request message.
    pub arguments: Bytes,
}

/// What the protocol reads of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallHeader {
    /// Which call.
    pub id: CallId,
    /// Whether the callee records it: plain methods. Idempotent and one-way ones carry a mark instead.
    pub recorded: bool,
    /// Whether no answer is wanted.
    pub oneway: bool,
    /// The callee does not start it later than this (R15).
    pub start_before: CalleeTime,
    /// Which method.
    pub method: u32,
}

impl CallHeader {
    /// Whether the callee, whose clock says `clock`, starts the call no more (R15).
    pub fn is_late(&self, clock: CalleeTime) -> bool {
        if planted(Bug::RemainingTimeSent) {
            // M13: what was left is counted from the arrival, which is now.
            return false;
        }
        clock > self.start_before
    }
}

/// An answer as it travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Everything but the body.
    pub header: AnswerHeader,
    /// The value, the error, the fault or the refusal.
    pub body: Bytes,
}

/// What the protocol reads of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnswerHeader {
    /// Which call it answers (R28).
    pub id: CallId,
    /// What is known of the call.
    pub status: Status,
    /// The callee's clock (R15).
    pub clock: CalleeTime,
    /// Slots from this number on should rest (R11).
    pub slots: u16,
}

/// What an answer says of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// It ran; the body is its value.
    Value = 0,
    /// It ran; the body is the application's error.
    Error = 1,
    /// It ran, or part of it; the body is a [`Fault`](super::control::Fault).
    Fault = 2,
    /// It did not run and never will; the body is a [`Refused`](super::control::Refused).
    Refused = 3,
    /// It is running or queued; the reply will come by itself.
    Working = 4,
    /// A later call was made on its slot.
    Stale = 5,
    /// An earlier call is in progress on its slot.
    SlotBusy = 6,
    /// It ran; its reply is no longer kept.
    ReplyLost = 7,
    /// It has started, and its streams are open; its end will come by itself.
    Opened = 8,
}

impl Status {
    /// Whether it settles the call: nothing more will be said of it.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Working | Status::Stale | Status::SlotBusy | Status::Opened)
    }

    /// Whether it is the verdict *never*: the call did not run, and never will (R10, R29).
    pub fn is_never(self) -> bool {
        if planted(Bug::StaleIsNever) && matches!(self, Status::Stale | Status::SlotBusy) {
            return true; // M28
        }
        self == Status::Refused
    }
}

/// Why bytes are not a frame. The connection that they came on is closed: nothing after them can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Its length is beyond the limit.
    #[error("a frame of {bytes} bytes exceeds the limit of {bytes_max}")]
    TooLarge {
        /// What the length says.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Its kind is unknown in this version of the wire.
    #[error("frame kind {0} is unknown")]
    UnknownKind(u8),
    /// It ends before its header does.
    #[error("a frame of kind {0} ends early")]
    Short(u8),
    /// Its body does not decode.
    #[error("a frame of kind {kind} does not decode: {source}")]
    Undecodable {
        /// The kind.
        kind: u8,
        /// What is wrong.
        source: idl::DecodeError,
    },
}
